#include "run.h"

#include <stdlib.h>
#include <string.h>

#include "binary.h"

#define DOOR         3
#define NEVER        'q' /* is in every 26th line of a script, and in nothing else */
#define CALM_LINES   15
#define LOOK_MS      60000
#define ANSWERS_MS   5000 /* the questions behind the first, while he is there */
#define CONTINUE     1    /* the second button, where there are two */
#define HALT_MS      30000 /* and a wire may stand still for twelve seconds */
#define PATIENCE_MS  36000 /* one round: 5 s until the question, 30 s until it is asked again */
#define PATIENCE_MAX (2 * 3600 * INT64_C(1000000))

static void make_kit(struct kit *kit)
{
    kit_init(kit);
    kit_point(kit, "light", POINT_OUTPUT, 12);
    kit_point(kit, "door", POINT_INPUT, DOOR);
    kit_mcodes(kit);
}

/* Rules that send lines whenever it suits them. */
static void add_events(struct kit *kit)
{
    static const struct step text[] = {{.kind = STEP_SEND, .argument = {SPAN_INIT("M117 ours")}}};
    static const struct step query[] = {{.kind = STEP_SEND, .argument = {SPAN_INIT("M114")}}};
    struct rule *rule = &kit->rule[kit->ruleset.count++];

    rule->name = SPAN("every");
    rule->when = (struct when){.kind = WHEN_EVERY, .every_ms = 1700};
    rule->step = text;
    rule->steps = 1;
    rule = &kit->rule[kit->ruleset.count++];
    rule->name = SPAN("light");
    rule->when = (struct when){.kind = WHEN_POINT, .point = 0, .becomes = BECOMES_CHANGE};
    rule->step = query;
    rule->steps = 1;
    ruleset_index(&kit->ruleset);
}

bool run_begin(struct run *run)
{
    memset(run, 0, sizeof *run);
    make_kit(&run->kit);
    make_kit(&run->events);
    add_events(&run->events);
    kit_init(&run->bare);
    run->world = malloc(sizeof *run->world);
    run->proxy = malloc(proxy_size());
    run->audit = malloc(sizeof *run->audit);
    return run->world != NULL && run->proxy != NULL && run->audit != NULL;
}

void run_end(struct run *run)
{
    free(run->world);
    free(run->proxy);
    free(run->audit);
    kit_free(&run->kit);
    kit_free(&run->events);
    kit_free(&run->bare);
    machine_end();
}

/* Each thing that is chosen has dice of its own: with less of one the others stay as they are. */
static void throw_anew(struct run *run, uint64_t what)
{
    run->dice = (run->plan->seed * 4 + what) * 77 + 1;
    for (unsigned i = 0; i < 4; i++)
        run->dice = run->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
}

static uint32_t roll(struct run *run, uint32_t sides)
{
    run->dice = run->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(run->dice >> 33) % sides;
}

/* --- what a seed chooses --- */

static void choose_printer(struct run *run)
{
    struct sim_printer_manner *printer = &run->options.printer;

    *printer = roll(run, 8) == 0 ? sim_printer_manner_klipper() : sim_printer_manner_marlin();
    printer->speed = roll(run, 3) == 0 ? 100 : 0;
    printer->emergency_parser = roll(run, 3) > 0;
    printer->advanced_ok = roll(run, 3) == 0;
    printer->busy = roll(run, 3) > 0;
    printer->doublets_refused = roll(run, 3) == 0;
    printer->resend_ok = (enum sim_resend_ok)(roll(run, 2) == 0 ? 0 : roll(run, 3));
    printer->wait_when_idle = roll(run, 6) == 0;
    printer->flow_control = printer->klipper || roll(run, 3) == 0;
}

static void choose(struct run *run)
{
    throw_anew(run, 0);
    run->rules = roll(run, 2) > 0 ? &run->bare : roll(run, 3) > 0 ? &run->kit : &run->events;
    run->options = (struct world_options){.settings = &run->rules->settings,
                                          .rules = &run->rules->ruleset,
                                          .host = sim_host_manner_octoprint(),
                                          .printer_baud = roll(run, 2) == 0 ? 115200 : 250000,
                                          .watch = audit_watch,
                                          .listen = audit_listen,
                                          .watcher = run->audit};
    choose_printer(run);
    if (roll(run, 3) == 0)
        run->options.host = sim_host_manner_window(1 + roll(run, 8));
    run->numbers = !run->options.host.octoprint || roll(run, 6) > 0;
    run->kit.settings.in_flight = run->events.settings.in_flight = run->bare.settings.in_flight =
        roll(run, 6) == 0 ? 400 : 40 + roll(run, 100); /* 400 overflows a buffer of 128 */
    run->host_faults = roll(run, 5) == 0;
    run->happenings = roll(run, 2) == 0;
    run->kind = RUN_PRINT;
    if (run->numbers && !run->options.printer.klipper && roll(run, 4) == 0)
        run->kind = roll(run, 3) > 0 ? RUN_UPLOAD : RUN_LOG;
    if (roll(run, 25) == 0)
        run->kind = RUN_BINARY;
    else if (roll(run, 10) == 0)
        run->kind = RUN_MACHINE;
    if (run->plan->machine)
        run->kind = RUN_MACHINE;
    throw_anew(run, 4);
    if (!run->options.printer.klipper && roll(run, 20) == 0)
        run->options.printer.never = NEVER;
    run->stubborn = run->options.printer.never != '\0' && roll(run, 2) == 0;
}

static bool has_rules(const struct run *run)
{
    return run->rules != &run->bare;
}

static int by_place(const void *a, const void *b)
{
    const struct fault *left = a, *right = b;

    return left->at < right->at ? -1 : left->at > right->at;
}

/* A fault of the bytes or lines of a wire. */
static struct fault a_fault(struct run *run, uint32_t bytes)
{
    static const uint8_t kinds[] = {
        FAULT_FLIP,  FAULT_FLIP,    FAULT_FLIP,      FAULT_FLIP,        FAULT_LOSE,    FAULT_LOSE,
        FAULT_LOSE,  FAULT_DOUBLE,  FAULT_DOUBLE,    FAULT_LOSE_OK,     FAULT_LOSE_OK, FAULT_DELAY,
        FAULT_NOISE, FAULT_GARBAGE, FAULT_LOSE_LINE, FAULT_DOUBLE_LINE, FAULT_STALL};
    struct fault fault = {.kind = kinds[roll(run, sizeof kinds)], .at = roll(run, bytes)};
    enum proxy_port port = PROXY_PRINTER;

    if (run->host_faults && roll(run, 3) == 0)
        port = PROXY_HOST;
    else if (has_rules(run) && roll(run, 6) == 0)
        port = PROXY_BOARD;
    fault.wire = roll(run, 2) == 0 ? world_wire_to(port) : world_wire_from(port);
    fault.count = 1;
    switch ((enum fault_kind)fault.kind) {
    case FAULT_LOSE: fault.count = roll(run, 3) > 0 ? 1 : 1 + roll(run, 40); break;
    case FAULT_NOISE: fault.count = 50 + roll(run, 1000); break;
    case FAULT_GARBAGE: fault.count = 1 + roll(run, WIRE_FAULT_GARBAGE); break;
    case FAULT_DELAY: fault.count = 1 + roll(run, 400); break;
    case FAULT_STALL: fault.count = 1 + roll(run, 12); break;
    case FAULT_LOSE_OK: fault.count = 1 + roll(run, 3); break;
    default: break;
    }
    if (fault.kind == FAULT_LOSE_OK)
        fault.wire = port == PROXY_HOST ? world_wire_to(port) : world_wire_from(port);
    return fault;
}

/* Something that befalls an end. */
static struct fault a_happening(struct run *run, uint32_t bytes)
{
    static const uint8_t kinds[] = {FAULT_RESET,        FAULT_RESET,  FAULT_RESET_UNHEARD,
                                    FAULT_BOARD_RESET,  FAULT_UNPLUG, FAULT_UNPLUG,
                                    FAULT_UNPLUG_RESET, FAULT_REOPEN, FAULT_CANCEL,
                                    FAULT_PAUSE,        FAULT_HALT};
    struct fault fault = {.kind = kinds[roll(run, sizeof kinds)], .at = roll(run, bytes)};
    enum proxy_port port = PROXY_PRINTER;

    if (fault.kind == FAULT_BOARD_RESET || (fault.kind == FAULT_UNPLUG && roll(run, 2) == 0))
        port = PROXY_BOARD;
    if (fault.kind >= FAULT_REOPEN)
        port = PROXY_HOST;
    fault.wire = roll(run, 2) == 0 ? world_wire_to(port) : world_wire_from(port);
    if (fault.kind <= FAULT_BOARD_RESET)
        fault.count = roll(run, 20000);
    else
        fault.count = roll(run, 4) == 0 ? roll(run, 70000) : roll(run, 4000);
    return fault;
}

static void plan_faults(struct run *run)
{
    uint32_t bytes = 500 + run->plan->lines * 25, count;

    throw_anew(run, 1);
    count = roll(run, 5) == 0 ? roll(run, 40) : roll(run, 8);
    run->faults = 0;
    while (run->faults < count)
        run->fault[run->faults++] = a_fault(run, bytes);
    if (run->happenings)
        run->fault[run->faults++] = a_happening(run, bytes);
    qsort(run->fault, run->faults, sizeof run->fault[0], by_place);
    count = 0;
    for (uint32_t i = 0; i < run->faults; i++) {
        if (!run->plan->without[i])
            run->fault[count++] = run->fault[i];
    }
    run->faults = count;
}

/* --- the script --- */

static void add_text(struct run *run, const char *text)
{
    size_t length = strlen(text);

    if (run->file_length + length >= sizeof run->file)
        return;
    memcpy(run->file + run->file_length, text, length);
    run->file_length += length;
}

static void add(struct run *run, const char *command)
{
    char text[AUDIT_COMMAND];

    snprintf(text, sizeof text, "%s%u.%c", command, run->audit->serials + 1,
             audit_letter(run->audit->serials + 1));
    if (audit_give(run->audit, text) == 0)
        return;
    add_text(run, text);
    add_text(run, "\n");
}

static void add_line(struct run *run)
{
    static const char *const common[] = {"G1 X1 K",    "G1 X12.5 Y2 F3000 K", "G0 Z1 K",
                                         "G1 E1.25 K", "M106 S3 K",           "G1 X3 Y44 E0.5 K"};
    static const char *const ours[] = {
        "M42 Plight S1 K",   "M42 Plight S0 K", "M62 Plight K", "M64 Plight K",
        "M66 Pdoor L3 Q1 K", "M43 Plight K",    "M800 K",       "M801 K",
        "M802 SK",           "M803 K",          "M804 K"};
    static const char *const others[] = {"M105 K",   "M114 K", "M400 K",
                                         "G4 P10 K", "T0 K",   "M999999 K"};
    char text[AUDIT_COMMAND];
    unsigned kind = roll(run, 24), letters;

    if (kind == 0) {
        letters = 55 + roll(run, 33); /* some do not fit with their number */
        memset(text, 'x', letters);
        memcpy(text, "M117 ", 5);
        memcpy(text + letters, " K", 3);
        add(run, text);
    } else if (kind == 1) {
        if (run->options.host.verbatim && !run->options.printer.klipper)
            add_text(run, roll(run, 2) == 0 ? "\n" : "; a comment\n");
    } else if (kind < 6) {
        add(run, others[roll(run, sizeof others / sizeof others[0])]);
    } else if (kind < 10 && has_rules(run)) {
        add(run, ours[roll(run, sizeof ours / sizeof ours[0])]);
    } else {
        add(run, common[roll(run, sizeof common / sizeof common[0])]);
    }
}

static void write_script(struct run *run, uint32_t lines, uint64_t dice)
{
    throw_anew(run, dice);
    run->file_length = 0;
    for (uint32_t i = 0; i < lines; i++)
        add_line(run);
}

/* The same, and what is in the middle goes into a file. */
static void write_upload(struct run *run, uint32_t lines, uint64_t dice)
{
    uint32_t first = lines / 4, behind = lines - lines / 4;

    throw_anew(run, dice);
    run->file_length = 0;
    for (uint32_t i = 0; i < lines; i++) {
        if (i == first)
            add_text(run, run->kind == RUN_UPLOAD ? "M28 UP.GCO\n" : "M928 UP.GCO\n");
        else if (i == behind)
            add_text(run, "M29\n");
        audit_content(run->audit, run->kind == RUN_UPLOAD && i >= first && i < behind);
        add_line(run);
    }
    audit_content(run->audit, false);
}

/* --- playing --- */

static bool well(struct run *run)
{
    if (run->wrong == NULL) {
        run->wrong = run->world->broken != NULL ? run->world->broken : run->audit->wrong;
        run->wrong_serial = run->audit->wrong_serial;
    }
    return run->wrong == NULL;
}

static bool has_failed(struct run *run, const char *what)
{
    if (well(run))
        run->wrong = what;
    return false;
}

/* When anything last went wrong with the wires, or is still going on. */
static bool is_disturbed(const struct run *run)
{
    if (run->world->comings > 0)
        return true;
    for (unsigned port = 0; port < PROXY_PORTS; port++) {
        const struct world_port *end = &run->world->port[port];

        if (!end->plugged || end->to.held.us > run->world->now.us ||
            end->from.held.us > run->world->now.us)
            return true;
    }
    return false;
}

static uint64_t mishaps(const struct run *run)
{
    uint64_t sum = run->world->printer.counters.overruns + run->world->printer.counters.resets;

    for (unsigned port = 0; port < PROXY_PORTS; port++) {
        const struct wire_fault *to = &run->world->port[port].to.fault;
        const struct wire_fault *from = &run->world->port[port].from.fault;

        sum += to->next + from->next + to->hurt_oks + to->hurt_others + from->hurt_oks +
               from->hurt_others + from->hurt_resends + to->hurt_resends;
    }
    return sum;
}

/* A hurt line may have become one that waits for a user, or for hours: somebody comes and looks. */
static void look_after(struct run *run)
{
    struct sim_printer *printer = &run->world->printer;

    if (printer->wait == SIM_WAIT_NONE) {
        run->waits_since = run->world->now;
    } else if (instant_ms_since(run->waits_since, run->world->now) >
               (instant_due(run->leaves, run->world->now) ? LOOK_MS : ANSWERS_MS)) {
        printer->user_answered = true;
        printer->user_answer = CONTINUE;
        printer->wait_until = run->world->now;
        run->waits_since = run->world->now;
        run->leaves = instant_after_ms(run->world->now, LOOK_MS);
    }
}

/* Prints the file until the host has come to its end, whatever that is. */
static bool print(struct run *run)
{
    struct world *world = run->world;
    uint64_t finished = world->host.counters.finished, before = mishaps(run);
    struct instant since = world->now; /* of the last mishap */
    int64_t until = world->now.us + PATIENCE_MAX;

    if (world->host.state != SIM_HOST_OPERATIONAL)
        return has_failed(run, "the host could not connect");
    sim_host_print(&world->host, (struct span){run->file, run->file_length}, world->now);
    world->host.numbers = run->numbers || !run->options.host.octoprint;
    world_settle(world);
    while (well(run) && world_step(world)) {
        struct instant quiet;

        look_after(run);
        if (world->host.counters.finished > finished)
            return true;
        if (world->host.state != SIM_HOST_PRINTING && world->host.state != SIM_HOST_FINISHING &&
            world->comings == 0)
            return well(run);
        if (mishaps(run) != before || is_disturbed(run)) {
            before = mishaps(run);
            since = world->now;
        }
        if (world->now.us > until)
            return has_failed(run, "a print that does not end");
        /* An ok that its own wire lost is waited for by a host that has a window. */
        if (run->host_faults && (run->audit->owing == 0 || run->audit->loose) &&
            instant_ms_since(run->audit->progress, world->now) > 3 * PATIENCE_MS)
            return true;
        if (run->audit->owing == 0 || run->audit->loose)
            continue;
        quiet = since.us > run->audit->progress.us ? since : run->audit->progress;
        if (instant_ms_since(quiet, world->now) > PATIENCE_MS)
            return has_failed(run, "nothing happens, though an ok is owed");
    }
    return well(run) || has_failed(run, "the world stands still");
}

/* All that is owed is paid some time later. */
static void rest(struct run *run)
{
    world_mended(run->world);
    for (unsigned i = 0; i < 60 && well(run); i++) {
        world_run_ms(run->world, 2000);
        look_after(run);
        if (i > 2 && run->audit->owing == 0 && sim_host_idle(&run->world->host))
            break;
    }
}

/* The print with all its faults. */
static bool faulty_print(struct run *run)
{
    struct world *world = run->world;
    uint64_t finished = world->host.counters.finished, halts = world->printer.counters.halts;
    uint64_t stuck;
    bool whole, stalls;

    audit_begin(run->audit);
    if (run->kind == RUN_PRINT)
        write_script(run, run->plan->lines - run->plan->cut, 2);
    else
        write_upload(run, run->plan->lines - run->plan->cut, 2);
    plan_faults(run);
    world_plan(world, run->fault, run->faults, run->plan->seed);
    print(run);
    if (!well(run))
        return false;
    /* In a file M112 waits for M29, and a wire may stand still for longer than both are said. */
    stalls = run->kind != RUN_PRINT && !run->options.printer.emergency_parser &&
             world->port[PROXY_PRINTER].to.fault.fired[FAULT_STALL] > 0;
    if (world->befell[FAULT_HALT] > 0 && !run->host_faults && !stalls) {
        world_run_ms(world, HALT_MS);
        if (world->printer.counters.halts == halts)
            return has_failed(run, "an M112 of the host that halted nothing");
    }
    whole = world->host.counters.finished > finished;
    run->cancelled = run->audit->cancelled;
    stuck = world->befell[FAULT_RESET] + world->befell[FAULT_RESET_UNHEARD] +
            world->befell[FAULT_UNPLUG] + world->befell[FAULT_UNPLUG_RESET] +
            world->befell[FAULT_REOPEN] + world->befell[FAULT_CANCEL] + world->befell[FAULT_PAUSE] +
            world->befell[FAULT_HALT];
    if (stuck == 0 && !whole && !run->host_faults)
        run->audit->excused[AUDIT_GIVEN_UP]++;
    rest(run);
    audit_end(run->audit, whole && !run->host_faults);
    return well(run);
}

/* A print without any fault: the host connects anew, and nothing of what was is left. */
static bool calm_print(struct run *run)
{
    struct world *world = run->world;
    uint64_t finished;
    struct sim_host_counters before;

    world_run_ms(world, 90000);
    if (world->printer.state == SIM_PRINTER_HALTED || world->printer.wait == SIM_WAIT_USER) {
        sim_printer_reset(&world->printer, world->now);
        world_run_ms(world, 5000);
    }
    world_host_opens(world, 115200);
    world_run_ms(world, 60000);
    /* Where all that a halted printer said of its reset was hurt, that had to be reset once more. */
    if (world->host.state != SIM_HOST_OPERATIONAL && world->befell[FAULT_HALT] > 0 &&
        world->port[PROXY_PRINTER].from.fault.hurt_others > 0) {
        world_host_opens(world, 115200);
        world_run_ms(world, 60000);
    }
    audit_begin(run->audit);
    world->printer.manner.never = '\0';
    world->host.action_cancel = true;
    write_script(run, CALM_LINES, 3);
    finished = world->host.counters.finished;
    before = world->host.counters;
    if (!print(run))
        return false;
    if (world->host.counters.finished == finished)
        return has_failed(run, "a print without faults did not come to its end");
    for (unsigned i = 0; i < 100 && well(run) && !sim_host_idle(&world->host); i++)
        world_run_ms(world, 10);
    audit_end(run->audit, true);
    if (world->host.counters.timeouts != before.timeouts)
        return has_failed(run, "the host waited in vain in a print without faults");
    return well(run);
}

static void add_up(const struct run *run, struct run_totals *totals, bool whole)
{
    const struct world *world = run->world;

    totals->runs++;
    totals->lines += run->audit->lines;
    totals->oks += run->audit->oks_to_host;
    totals->resends += run->audit->resends_from_printer;
    totals->finished += whole;
    totals->uploads += run->kind == RUN_UPLOAD || run->kind == RUN_LOG;
    totals->binaries += run->kind == RUN_BINARY;
    totals->machines += run->kind == RUN_MACHINE;
    totals->cancelled += !whole && run->cancelled;
    totals->broken_off += !whole && !run->cancelled;
    totals->overruns += world->printer.counters.overruns;
    totals->doublets += world->printer.counters.doublets;
    for (unsigned port = 0; port < PROXY_PORTS; port++) {
        for (unsigned kind = 0; kind < FAULT_RESET; kind++)
            totals->faults[kind] +=
                world->port[port].to.fault.fired[kind] + world->port[port].from.fault.fired[kind];
        totals->bytes += world->port[port].to_bytes + world->port[port].from_bytes;
    }
    for (unsigned kind = FAULT_RESET; kind < FAULT_KINDS; kind++)
        totals->faults[kind] += world->befell[kind];
    for (unsigned class = 0; class < AUDIT_CLASSES; class ++)
        totals->excused[class] += run->audit->excused[class];
}

static void add_machine(struct run_totals *totals)
{
    struct machine_counts counts = machine_counts();

    totals->machine.trips += counts.trips;
    totals->machine.runouts += counts.runouts;
    totals->machine.codes += counts.codes;
    totals->machine.powered += counts.powered;
}

bool run_play(struct run *run, const struct run_plan *plan, struct run_totals *totals)
{
    uint64_t finished;
    bool good;

    run->plan = plan;
    run->wrong = NULL;
    run->cancelled = false;
    run->leaves = (struct instant){0};
    choose(run);
    audit_init(run->audit, run->world, !run->options.printer.klipper);
    run->audit->shown = run->shown;
    world_init(run->world, run->proxy, &run->options, (struct instant){0});
    if (run->kind == RUN_BINARY || run->kind == RUN_MACHINE) {
        run->faults = 0;
        run->wrong = run->kind == RUN_BINARY ? binary_play(run->world, plan->seed)
                                             : machine_play(run->world, plan->seed, run->shown);
        if (run->kind == RUN_MACHINE)
            add_machine(totals);
        add_up(run, totals, run->wrong == NULL);
        return run->wrong == NULL;
    }
    run->world->host.action_cancel = !run->stubborn;
    world_run_ms(run->world, 4000 + roll(run, 2000));
    world_host_opens(run->world, 115200);
    world_run_ms(run->world, 3000);
    /* A firmware that is not known may answer blank lines. */
    sim_host_command(&run->world->host, SPAN("M115"), run->world->now);
    world_run_ms(run->world, 2000);
    good = well(run) && faulty_print(run);
    finished = run->world->host.counters.finished;
    good = (good && calm_print(run)) || audit_is_left_open(run->audit);
    add_up(run, totals, finished > 0);
    return good;
}

void run_tell(const struct run *run, unsigned entries, FILE *to)
{
    const struct sim_printer_manner *printer = &run->options.printer;

    if (entries > 0)
        world_tell(run->world, entries, to);
    for (uint32_t i = 0; i < run->faults; i++)
        fprintf(to, "fault: %s %u, wire %u, byte %u\n",
                fault_word((enum fault_kind)run->fault[i].kind), run->fault[i].count,
                run->fault[i].wire, run->fault[i].at);
    fprintf(to, "%s%s%s%s%s%s, ok after Resend %d; host window %u%s%s; in flight %u; rules %s\n",
            printer->klipper ? "Klipper" : "Marlin",
            printer->emergency_parser ? ", emergency parser" : "",
            printer->advanced_ok ? ", advanced ok" : "", printer->busy ? "" : ", no busy",
            printer->doublets_refused ? ", doublets refused" : "",
            printer->flow_control ? ", flow control" : "", (int)printer->resend_ok,
            run->options.host.window, run->options.host.octoprint ? " as OctoPrint" : "",
            run->numbers ? "" : ", no numbers", run->options.settings->in_flight,
            run->rules == &run->bare  ? "none"
            : run->rules == &run->kit ? "M-codes"
                                      : "events, too");
    if (run->kind == RUN_BINARY)
        fputs("M28 B1 and packets\n", to);
    else if (run->kind == RUN_MACHINE)
        machine_tell(to);
    else if (run->kind != RUN_PRINT)
        fprintf(to, "%s to M29 in the middle\n", run->kind == RUN_UPLOAD ? "M28" : "M928");
    fprintf(to, "seed %llu, %u lines, %u faults: %s (K%u)\n", (unsigned long long)run->plan->seed,
            run->plan->lines - run->plan->cut, run->faults,
            run->wrong != NULL ? run->wrong : "well", run->wrong_serial);
}
