#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "kit/kit.h"

enum { BUTTON = 2, RUNOUT = 3, LIGHT = 12, RELAY = 13 };
enum { PSU_POINT, LIGHT_POINT, BUTTON_POINT, RUNOUT_POINT };
enum {
    TURNS = 50,
    FAULTS = 24,
    MOVES = 40,
    SERIALS = 4096,
    STILL_MS = 20000, /* from a trip until nothing moves: a wire may stand still for 12 s */
    TRIP_MS = 2000,
    PRINT_MIN = 30,
};

static struct kit kit;

static struct {
    struct world *world;
    uint64_t dice;
    const char *wrong;
    struct fault fault[FAULTS];
    char file[MOVES * 40 + 200];
    unsigned given, first; /* serials; of the print that runs */
    unsigned last;         /* carried out with its number */
    unsigned done[SERIALS];
    struct instant tripped; /* INSTANT_NEVER: it is not */
    unsigned changes;       /* M600 */
} all;

static uint32_t roll(uint32_t sides)
{
    all.dice = all.dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(all.dice >> 33) % sides;
}

static void wrong(const char *what)
{
    if (all.wrong == NULL)
        all.wrong = what;
}

static const char *estop_state(void)
{
    struct status status;

    proxy_status(all.world->proxy, all.world->now, &status);
    return status.estop_state;
}

static bool estop_is(const char *word)
{
    return strcmp(estop_state(), word) == 0;
}

/* --- what is looked at --- */

/* `G1 X5 E0.2 F3000` with a word of its serial; 0 if it is none of ours, or hurt. */
static unsigned serial_of(struct span command)
{
    char expected[48];
    int64_t serial;
    size_t at = span_find(command, 'X');

    if (text_integer(span_skip(command, at + 1), &serial) == 0 || serial <= 0 || serial >= SERIALS)
        return 0;
    snprintf(expected, sizeof expected, "G1 X%u E0.2 F3000", (unsigned)serial);
    return span_equal(command, span_of(expected)) ? (unsigned)serial : 0;
}

static void carried_out(struct span command, bool numbered)
{
    unsigned serial = serial_of(command);

    all.changes += span_equal(command, SPAN("M600"));
    if (span_starts(command, SPAN("G1")) &&
        instant_ms_since(all.tripped, all.world->now) > STILL_MS &&
        (estop_is("tripped") || estop_is("latched")))
        wrong("something moves while the stop is latched");
    if (serial == 0 || serial < all.first || !numbered || all.world->options.printer.klipper)
        return; /* where nobody checks numbers the wire may double it */
    if (all.done[serial]++ > 0)
        wrong("a line is carried out twice");
    if (serial < all.last)
        wrong("a line is carried out after a younger one");
    all.last = serial;
}

static void watch(void *watcher, const struct world_entry *entry)
{
    struct span text = {entry->text, entry->length};

    (void)watcher;
    if (entry->kind == WORLD_EXECUTED)
        carried_out(text, entry->numbered);
    if (entry->kind == WORLD_EVENT && span_starts(text, SPAN("estop tripped")))
        all.tripped = all.world->now;
}

/* Time passes. False if a promise is broken. */
static bool pass(int64_t ms)
{
    if (all.wrong == NULL && !world_run_ms(all.world, ms))
        wrong(all.world->broken != NULL ? all.world->broken : "the world stands still");
    return all.wrong == NULL;
}

/* --- what is done --- */

static void ask(enum request_kind kind, uint8_t value)
{
    struct request request = {.kind = kind, .value = value, .ms = 1500, .point = "light"};

    world_ask(all.world, &request, 1);
}

static void input(uint8_t io, bool high)
{
    sim_board_input(&all.world->board, io, high, all.world->now);
    world_settle(all.world);
}

static void type(const char *line)
{
    if (all.world->host.state == SIM_HOST_OPERATIONAL ||
        all.world->host.state == SIM_HOST_PRINTING || all.world->host.state == SIM_HOST_PAUSED)
        sim_host_command(&all.world->host, span_of(line), all.world->now);
    world_settle(all.world);
}

/* A file with moves that nobody has made yet. */
static void print(void)
{
    size_t length;

    if (all.world->host.state != SIM_HOST_OPERATIONAL || all.given + MOVES >= SERIALS)
        return;
    all.first = all.given + 1;
    length = (size_t)snprintf(all.file, sizeof all.file, "M302 P1\nM83\n");
    for (unsigned i = 0; i < MOVES; i++)
        length += (size_t)snprintf(all.file + length, sizeof all.file - length,
                                   "G1 X%u E0.2 F3000\n", ++all.given);
    sim_host_print(&all.world->host, (struct span){all.file, length}, all.world->now);
    world_settle(all.world);
}

/* The user does what the printer asks for. */
static void look_after(void)
{
    struct sim_printer *printer = &all.world->printer;

    if (printer->pause != SIM_PAUSE_NONE && printer->wait == SIM_WAIT_USER)
        sim_printer_press(printer, printer->pause == SIM_PAUSE_PURGED ? 1 : -1, all.world->now);
    else if (printer->wait == SIM_WAIT_USER)
        printer->user_answered = true;
    world_settle(all.world);
}

static void something_happens(void)
{
    static const char *const lines[] = {"M80",  "M81",    "M81 S",          "M42 Plight S1", "M999",
                                        "M412", "M42 S0", "M66 Pbutton Q1", "M889",          "G28"};
    struct world *world = all.world;

    switch (roll(26)) {
    case 0: ask(REQUEST_POWER, roll(3) > 0 ? 255 : 0); return;
    case 1: ask(REQUEST_POWER_FORCED, 0); return;
    case 2: ask(REQUEST_SET, roll(2) ? 255 : 0); return;
    case 3: ask(REQUEST_PULSE, 0); return;
    case 4: world_unplug(world, roll(2) ? PROXY_PRINTER : PROXY_BOARD); return;
    case 5:
    case 6: world_plug(world, roll(2) ? PROXY_PRINTER : PROXY_BOARD); return;
    case 7: sim_printer_reset(&world->printer, world->now); return;
    case 8: input(BUTTON, true); return;
    case 9:
    case 10: input(BUTTON, false); return;
    case 11:
    case 12: ask(REQUEST_RESET, 0); return;
    case 13: input(RUNOUT, true); return;
    case 14: input(RUNOUT, false); return;
    case 15:
    case 16: look_after(); return;
    case 17:
        world_host_closes(world);
        world_host_opens(world, 115200);
        return;
    case 18:
        if (world->host.state == SIM_HOST_PAUSED)
            sim_host_resume(&world->host, world->now);
        world_settle(world);
        return;
    case 19:
        sim_host_cancel(&world->host, world->now);
        world_settle(world);
        return;
    case 20: ask(REQUEST_CONTINUE, 0); return;
    case 21:
    case 22:
    case 23: print(); return;
    default: type(lines[roll(sizeof lines / sizeof lines[0])]); return;
    }
}

static void wires_are_bad(void)
{
    static const uint8_t kinds[] = {FAULT_FLIP,      FAULT_LOSE,        FAULT_DOUBLE,
                                    FAULT_NOISE,     FAULT_DELAY,       FAULT_GARBAGE,
                                    FAULT_LOSE_LINE, FAULT_DOUBLE_LINE, FAULT_LOSE_OK,
                                    FAULT_STALL,     FAULT_RESET,       FAULT_RESET_UNHEARD};
    uint32_t at = 0, count = roll(FAULTS);

    for (uint32_t i = 0; i < count; i++) {
        enum proxy_port port = roll(3) == 0 ? PROXY_BOARD : PROXY_PRINTER;
        uint8_t kind = kinds[roll(port == PROXY_BOARD ? sizeof kinds - 3 : sizeof kinds)];

        at += roll(600);
        all.fault[i] = (struct fault){
            .kind = port == PROXY_BOARD && roll(6) == 0 ? FAULT_BOARD_RESET : kind,
            .at = at,
            .count = 1 + roll(kind == FAULT_NOISE || kind == FAULT_DELAY ? 300 : 10)};
        all.fault[i].wire = roll(2) ? world_wire_from(port) : world_wire_to(port);
    }
    world_plan(all.world, all.fault, count, all.dice);
}

/* --- what must hold when nothing is wrong any more --- */

/* Pressed, it trips, whatever was before; released and reset, it is armed. */
static bool stop_works(void)
{
    struct world *world = all.world;

    world_mended(world);
    world_plug(world, PROXY_BOARD);
    world_plug(world, PROXY_PRINTER);
    if (!pass(40000))
        return false;
    input(BUTTON, true);
    if (!pass(TRIP_MS))
        return false;
    if (!estop_is("tripped")) {
        wrong("a pressed button that does not trip the stop");
        return false;
    }
    if (!sim_board_output(&world->board, LIGHT) || sim_board_output(&world->board, RELAY))
        wrong("an output that is not as the stop wants it");
    pass(20000);
    /* Without an emergency parser M112 is read in turn, behind what waits for a user. */
    if (world->printer.state == SIM_PRINTER_UP &&
        (world->options.printer.emergency_parser || world->printer.wait == SIM_WAIT_NONE))
        wrong("a printer that runs while the stop is tripped");
    input(BUTTON, false);
    pass(5000);
    if (!estop_is("latched"))
        wrong("a released button that does not leave the stop latched");
    ask(REQUEST_RESET, 0);
    pass(5000);
    if (!estop_is("armed"))
        wrong("a stop that is reset and not armed");
    return all.wrong == NULL;
}

/* A host connects anew, and the printer has power. */
static bool all_is_well(void)
{
    struct world *world = all.world;

    input(RUNOUT, false);
    world_host_closes(world);
    pass(5000);
    ask(REQUEST_POWER, 255);
    pass(20000);
    if (world->printer.state == SIM_PRINTER_HALTED || world->printer.wait == SIM_WAIT_USER)
        sim_printer_reset(&world->printer, world->now);
    pass(20000);
    world_host_opens(world, 115200);
    pass(60000);
    if (world->host.state != SIM_HOST_OPERATIONAL)
        wrong("a host that cannot connect though all is well");
    return all.wrong == NULL;
}

/* Each line once, and where filament runs out it is changed once, or the print waits. */
static void last_print(void)
{
    struct world *world = all.world;
    bool runs_out = roll(2) == 0 && !world->options.printer.klipper;
    uint64_t finished = world->host.counters.finished;

    all.changes = 0;
    print();
    for (unsigned s = 0; s < PRINT_MIN * 60 && world->host.counters.finished == finished; s++) {
        if (runs_out && all.last >= all.first + 3) {
            input(RUNOUT, true);
            if (!pass(1000))
                return;
            input(RUNOUT, false);
            runs_out = false;
        }
        if (!pass(100))
            return;
        look_after();
        if (world->host.state == SIM_HOST_PAUSED) {
            sim_host_resume(&world->host, world->now);
            world_settle(world);
        }
        if (!pass(900))
            return;
    }
    if (world->host.counters.finished == finished)
        wrong("a print without faults that does not end");
    for (unsigned serial = all.first; serial <= all.given; serial++) {
        if (all.done[serial] != 1 && !world->options.printer.klipper)
            wrong("a line that is not carried out");
    }
    if (all.changes > 1)
        wrong("filament is changed twice");
}

/* --- all of it --- */

void machine_begin(void)
{
    struct point_settings *point;

    kit_init(&kit);
    kit_mcodes(&kit);
    point = kit_point(&kit, "psu", POINT_OUTPUT, RELAY);
    point->guarded = true;
    point->halt = (struct occasion){OCCASION_SET, 0};
    kit_point(&kit, "light", POINT_OUTPUT, LIGHT)->halt = (struct occasion){OCCASION_SET, 255};
    kit_point(&kit, "button", POINT_INPUT, BUTTON)->debounce_ms = 20;
    kit_point(&kit, "runout", POINT_INPUT, RUNOUT)->debounce_ms = 100;
    kit.settings.estop.point = BUTTON_POINT;
    kit.settings.estop.reset_point = POINT_NONE;
    kit.settings.filaments = 1;
    kit.settings.filament[0] = (struct filament_settings){.point = RUNOUT_POINT, .command = "M600"};
}

void machine_end(void)
{
    kit_free(&kit);
}

static void choose(struct world_options *options)
{
    kit.settings.psu.point = roll(3) == 0 ? POINT_NONE : PSU_POINT;
    kit.settings.psu.boot_ms = 2000 + 1000 * roll(8);
    kit.settings.psu.auto_on = (enum auto_on)roll(3);
    kit.settings.estop.reset_dtr = roll(2) == 0;
    kit.settings.estop.m112_halts = roll(4) > 0;
    kit.settings.estop.on_board_lost = (enum on_board_lost)roll(3);
    options->settings = &kit.settings;
    options->rules = &kit.ruleset;
    options->host = sim_host_manner_octoprint();
    options->watch = watch;
    options->listen = NULL;
    if (kit.settings.psu.point != POINT_NONE) {
        options->power = (enum world_power)roll(3);
        options->power_io = RELAY;
    }
}

const char *machine_play(struct world *world, uint64_t seed)
{
    struct world_options options = world->options;

    memset(&all, 0, sizeof all);
    all.world = world;
    all.dice = seed * 77 + 5;
    all.tripped = INSTANT_NEVER;
    (void)roll(2);
    choose(&options);
    world_init(world, world->proxy, &options, (struct instant){0});
    input(BUTTON, false);
    input(RUNOUT, false);
    pass(6000);
    world_host_opens(world, 115200);
    pass(2000);
    ask(REQUEST_POWER, 255);
    pass(15000);
    wires_are_bad();
    for (unsigned turn = 0; turn < TURNS && all.wrong == NULL; turn++) {
        something_happens();
        pass(1 + roll(roll(4) == 0 ? 20000 : 2000));
    }
    if (all.wrong == NULL && stop_works() && all_is_well())
        last_print();
    return all.wrong;
}
