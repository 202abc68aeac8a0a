#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "machine_watch.h"

enum {
    TURNS = 50,
    FAULTS = 24,
    MOVES = 100,
    LINE = 40,
    TRIP_MS = 2000,
    HELD_TURNS = 8,
    PRINT_MIN = 30,
};

static struct machine_choice choice;
static struct machine_watch see;

static struct {
    struct world *world;
    uint64_t dice;
    struct fault fault[FAULTS];
    char file[2 * MOVES * LINE + 200];
} all;

static uint32_t roll(uint32_t sides)
{
    all.dice = all.dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(all.dice >> 33) % sides;
}

static void wrong(const char *what)
{
    machine_watch_wrong(&see, what);
}

static bool estop_is(const char *word)
{
    return machine_estop_is(&see, word);
}

/* Time passes. False if a promise is broken. */
static bool pass(int64_t ms)
{
    if (see.wrong == NULL && !world_run_ms(all.world, ms))
        wrong(all.world->broken != NULL ? all.world->broken : "the world stands still");
    if (see.wrong == NULL)
        machine_watch_look(&see);
    return see.wrong == NULL;
}

/* --- what is done --- */

static void ask(enum request_kind kind, uint8_t value)
{
    struct request request = {.kind = kind, .value = value, .ms = 1500};
    static const char *const points[] = {"light", "fan", "lamp", "psu", "light"};

    /* The horn only ever sounds in pulses. */
    snprintf(request.point, sizeof request.point, "%s",
             kind == REQUEST_PULSE ? "horn" : points[roll(sizeof points / sizeof points[0])]);
    if (kind == REQUEST_POWER_FORCED)
        see.forced = all.world->now;

    world_ask(all.world, &request, 1);
}

static void input(uint8_t io, bool high)
{
    machine_watch_input(&see, io, high);
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

/* A file with moves that nobody has made yet, and M-codes of the machine's own between them. */
static void print(void)
{
    size_t length;

    if (all.world->host.state != SIM_HOST_OPERATIONAL || see.given + 2 * MOVES >= MACHINE_SERIALS)
        return;
    see.first = see.given + 1;
    see.kept = false;
    length = (size_t)snprintf(all.file, sizeof all.file, "M302 P1\nM83\n");
    for (unsigned i = 0; i < MOVES; i++) {
        char move[64];

        machine_watch_move(++see.given, move, sizeof move);
        length += (size_t)snprintf(all.file + length, sizeof all.file - length, "%s\n", move);
        if (roll(12) == 0)
            length += (size_t)snprintf(all.file + length, sizeof all.file - length, "%s K%u\n",
                                       choice.code[roll(choice.codes)], ++see.given);
    }
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

static void cable(enum proxy_port port, bool in)
{
    if (in)
        world_plug(all.world, port);
    else
        world_unplug(all.world, port);
}

static void host_comes_anew(void)
{
    world_host_closes(all.world);
    world_host_opens(all.world, 115200);
}

static void print_goes_on(void)
{
    if (all.world->host.state == SIM_HOST_PAUSED)
        sim_host_resume(&all.world->host, all.world->now);
    world_settle(all.world);
}

/* What anybody may do at any time, and what breaks. */
static void anything_happens(void)
{
    static const char *const lines[] = {
        "M42 Plight S1", "M999",    "M412", "M42 S0",         "M889",        "M412 R",
        "M412 S0",       "M412 S1", "M81",  "M81 S",          "M80",         "G28",
        "M104 S60",      "M104 S0", "M43",  "M66 Pbutton Q1", "M42 Ppsu S0", "M42 Ppsu S1",
        "M42 Pfan S1"};
    struct world *world = all.world;

    switch (roll(16)) {
    case 0: ask(REQUEST_POWER, roll(3) > 0 ? 255 : 0); return;
    case 1: ask(REQUEST_SET, roll(2) ? 255 : 0); return;
    case 2: ask(REQUEST_PULSE, 0); return;
    case 3: cable(roll(2) ? PROXY_PRINTER : PROXY_BOARD, false); return;
    case 4:
    case 5: cable(roll(2) ? PROXY_PRINTER : PROXY_BOARD, true); return;
    case 6: sim_printer_reset(&world->printer, world->now); return;
    case 7: sim_board_reset(&world->board, world->now); return;
    case 8: input(MACHINE_DOOR, roll(2) == 0); return;
    case 9: input(MACHINE_RUNOUT, roll(2) == 0); return;
    case 10: input(MACHINE_RUNOUT_2, roll(2) == 0); return;
    case 11: host_comes_anew(); return;
    case 12: input(MACHINE_OPENS, roll(2) == 0); return;
    case 13: ask(REQUEST_RESET, 0); return;
    default: type(lines[roll(sizeof lines / sizeof lines[0])]); return;
    }
}

static void something_happens(void)
{
    struct world *world = all.world;

    switch (roll(20)) {
    case 0: ask(REQUEST_POWER_FORCED, 0); return;
    case 1: input(MACHINE_BUTTON, true); return;
    case 2:
    case 3: input(MACHINE_BUTTON, false); return;
    case 4:
    case 5: ask(REQUEST_RESET, 0); return;
    case 6:
    case 7: look_after(); return;
    case 8: print_goes_on(); return;
    case 9:
        sim_host_cancel(&world->host, world->now);
        world_settle(world);
        return;
    case 10: ask(REQUEST_CONTINUE, 0); return;
    case 14: /* somebody looks into it, and finds a broken thread */
        if (world->host.state == SIM_HOST_PRINTING)
            sim_host_pause(&world->host, world->now);
        world_settle(world);
        pass(5000);
        input(MACHINE_RUNOUT, roll(2) == 0);
        pass(10000);
        return;
    case 11:
    case 12:
    case 13: print(); return;
    default: anything_happens(); return;
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

/* Its button is held, whatever happens meanwhile. */
static bool stop_holds(void)
{
    uint64_t pulses = all.world->pulses;

    for (unsigned turn = 0; turn < HELD_TURNS; turn++) {
        anything_happens();
        if (!pass(1 + roll(3000)))
            return false;
        if (estop_is("armed"))
            wrong("a stop that is armed though its button is held");
    }
    world_plug(all.world, PROXY_BOARD);
    world_plug(all.world, PROXY_PRINTER);
    if (!pass(40000))
        return false;
    if (all.world->pulses > pulses + 1)
        wrong("a trip that resets the printer twice");
    return see.wrong == NULL;
}

/* Pressed, it trips, whatever was before; released and reset, it is armed. */
static bool stop_works(void)
{
    struct world *world = all.world;

    world_mended(world);
    world_plug(world, PROXY_BOARD);
    world_plug(world, PROXY_PRINTER);
    input(MACHINE_OPENS, false);
    if (!pass(40000))
        return false;
    input(MACHINE_BUTTON, true);
    if (!pass(TRIP_MS))
        return false;
    if (!estop_is("tripped"))
        wrong("a pressed button that does not trip the stop");
    if (!sim_board_output(&world->board, MACHINE_LIGHT) ||
        sim_board_output(&world->board, MACHINE_RELAY))
        wrong("an output that is not as the stop wants it");
    if (!pass(20000) || (roll(2) == 0 && !stop_holds()))
        return false;
    if (!estop_is("tripped"))
        wrong("a stop that is not tripped though its button is held");
    /*
     * Without an emergency parser M112 is read in turn, behind what waits for a user; and nobody
     * knows of a reset of which not a byte arrived.
     */
    if (world->printer.state == SIM_PRINTER_UP && see.heard.us >= world->printer.boot.us &&
        (world->options.printer.emergency_parser || world->printer.wait == SIM_WAIT_NONE))
        wrong("a printer that runs while the stop is tripped");
    input(MACHINE_OPENS, false);
    input(MACHINE_BUTTON, false);
    pass(5000);
    if (!estop_is("latched"))
        wrong("a released button that does not leave the stop latched");
    ask(REQUEST_RESET, 0);
    pass(5000);
    if (!estop_is("armed"))
        wrong("a stop that is reset and not armed");
    return see.wrong == NULL;
}

/* A host connects anew, and the printer has power. */
static bool all_is_well(void)
{
    struct world *world = all.world;

    input(MACHINE_RUNOUT, false);
    input(MACHINE_RUNOUT_2, false);
    input(MACHINE_DOOR, false);
    world_host_closes(world);
    pass(10000);
    ask(REQUEST_POWER, 255);
    pass(20000);
    if (world->printer.state == SIM_PRINTER_HALTED || world->printer.wait == SIM_WAIT_USER)
        sim_printer_reset(&world->printer, world->now);
    pass(20000);
    world_host_opens(world, 115200);
    pass(60000);
    ask(REQUEST_POWER, 255);
    type("M412 S1");
    type("M412 R");
    pass(15000);
    if (world->host.state != SIM_HOST_OPERATIONAL)
        wrong("a host that cannot connect though all is well");
    return see.wrong == NULL;
}

/* Filament runs out in the middle of the print, and comes back when the user has seen it. */
static bool filament_runs_out(uint8_t io)
{
    struct world *world = all.world;
    unsigned told = see.told;
    bool soon;

    for (unsigned ms = 0; see.reached < see.first + 8 && ms < 60000; ms += 2) {
        if (!pass(2))
            return false;
    }
    input(io, true);
    pass(200);
    soon = see.reached < see.first + 2 * MOVES / 3; /* enough is extruded behind it */
    for (unsigned s = 0; s < 60 && see.told == told && world->host.state == SIM_HOST_PRINTING; s++)
        pass(1000);
    if (io == MACHINE_RUNOUT && soon && see.told == told)
        wrong("a runout that is not told");
    if (io != MACHINE_RUNOUT && see.told > told)
        wrong("a runout of another tool is told");
    input(io, false);
    return see.wrong == NULL;
}

static void each_line_once(void)
{
    for (unsigned serial = see.first; serial <= see.given; serial++) {
        if (see.done[serial] != 1 && !all.world->options.printer.klipper)
            wrong("a line that is not carried out");
    }
}

/* Each line once, and where filament runs out it is changed once, or the print waits. */
static void last_print(void)
{
    struct world *world = all.world;
    uint64_t finished = world->host.counters.finished;
    uint32_t runs_out = roll(3);

    see.changes = 0;
    print();
    if (runs_out > 0 && !filament_runs_out(runs_out == 1 ? MACHINE_RUNOUT : MACHINE_RUNOUT_2))
        return;
    for (unsigned s = 0; s < PRINT_MIN * 60 && world->host.counters.finished == finished; s++) {
        if (!pass(100))
            return;
        look_after();
        print_goes_on();
        if (!pass(900))
            return;
    }
    if (world->host.counters.finished == finished)
        wrong("a print without faults that does not end");
    for (unsigned s = 0;
         s < 60 && !(sim_host_idle(&world->host) && see.commands == see.oks); s++)
        pass(100);
    each_line_once();
    if (see.changes > 1)
        wrong("filament is changed twice");
    if (see.commands != see.oks)
        wrong("a command without its ok");
}

/* --- all of it --- */

void machine_end(void)
{
    machine_choice_free(&choice);
}

static void choose(struct world_options *options)
{
    options->settings = &choice.loaded.settings;
    options->rules = &choice.loaded.ruleset;
    options->host = sim_host_manner_octoprint();
    options->watch = machine_watch_entry;
    options->listen = machine_watch_bytes;
    options->watcher = &see;
    if (roll(2) == 0)
        options->printer.speed = 1;
    if (choice.power) {
        options->power = choice.sense ? WORLD_POWER_SWITCHED : (enum world_power)roll(3);
        options->power_io = MACHINE_RELAY;
        options->sensed = choice.sense;
        options->sense_io = MACHINE_SENSE;
    }
}

const char *machine_play(struct world *world, uint64_t seed, bool shown)
{
    struct world_options options = world->options;

    memset(&all, 0, sizeof all);
    all.world = world;
    all.dice = seed * 77 + 5;
    (void)roll(2);
    see.shown = shown;
    machine_watch_init(&see, world, &choice);
    if (!machine_choose(&choice, seed))
        return "a config with mistakes";
    choose(&options);
    world_init(world, world->proxy, &options, (struct instant){0});
    for (uint8_t io = MACHINE_BUTTON; io <= MACHINE_OPENS; io++)
        input(io, false);
    pass(6000);
    world_host_opens(world, 115200);
    pass(2000);
    ask(REQUEST_POWER, 255);
    pass(15000);
    wires_are_bad();
    for (unsigned turn = 0; turn < TURNS && see.wrong == NULL; turn++) {
        something_happens();
        pass(1 + roll(roll(4) == 0 ? 20000 : 2000));
    }
    if (see.wrong == NULL && stop_works() && all_is_well())
        last_print();
    return see.wrong;
}

struct machine_counts machine_counts(void)
{
    return (struct machine_counts){see.trips, see.told, see.codes, see.powered};
}

void machine_tell(FILE *to)
{
    fprintf(to, "%s%s", choice.config, choice.rules);
}
