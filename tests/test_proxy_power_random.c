/*
 * Power switched by everybody at any time, in prints and out of them, with ports that vanish,
 * resets and the emergency stop: all promises hold, the host is never left alone, and when all is
 * well again it prints. A seed may be given as argument: then its journal is shown; or two: from,
 * to.
 */
#include "power_world.h"

#define SEEDS  150
#define TURNS  60
#define FAULTS 12

static uint64_t dice, seed_played;
static bool shown;
static struct fault fault[FAULTS];

static uint32_t roll(uint32_t sides)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(dice >> 33) % sides;
}

static const char job[] = "G28\nM104 S60\nG1 X10 F3000\nM42 Plight S1\nG1 X90\nG4 P500\nG1 X10\n"
                          "G1 X90\nM42 Plight S0\nG1 X10\nM104 S0\nM81 D1\n";
static const char last[] = "G28\nG1 X10 F3000\nG1 X90\n";

static void watch(void *unused, const struct world_entry *entry)
{
    char bytes[WORLD_TEXT + 64];
    struct text line = TEXT_IN(bytes);

    (void)unused;
    world_entry_text(entry, &line);
    if (shown)
        fwrite(line.data, 1, line.length, stderr);
}

static void ask(enum request_kind kind, uint8_t value)
{
    struct request request = {.kind = kind, .value = value, .ms = 1500, .point = "psu"};

    world_ask(&world, &request, 1);
}

static void type(const char *line)
{
    if (world.host.state != SIM_HOST_CLOSED && world.host.state != SIM_HOST_FAILED)
        sim_host_command(&world.host, span_of(line), world.now);
    world_settle(&world);
}

static void something_happens(void)
{
    static const char *const lines[] = {"M80",         "M81",  "M81 S",       "M81 D3", "M80 S",
                                        "M42 Ppsu S1", "G28",  "M42 Ppsu S0", "M105",   "G1 X5",
                                        "M104 S40",    "M115", "M155 S2",     "M104 S0"};

    switch (roll(18)) {
    case 0: ask(REQUEST_POWER, 255); return;
    case 1: ask(REQUEST_POWER, 0); return;
    case 2: ask(REQUEST_POWER_FORCED, 0); return;
    case 3: ask(REQUEST_SET, roll(2) ? 255 : 0); return;
    case 4: ask(REQUEST_PULSE, 0); return;
    case 5: world_unplug(&world, PROXY_PRINTER); return;
    case 6: world_plug(&world, PROXY_PRINTER); return;
    case 7: world_unplug(&world, PROXY_BOARD); return;
    case 8: world_plug(&world, PROXY_BOARD); return;
    case 9: sim_printer_reset(&world.printer, world.now); return;
    case 10: sim_board_input(&world.board, BUTTON, roll(4) == 0, world.now); return;
    case 11: ask(REQUEST_RESET, 0); return;
    case 12:
        world_host_closes(&world);
        world_host_opens(&world, 115200);
        return;
    case 13:
    case 14:
        if (world.host.state == SIM_HOST_OPERATIONAL)
            sim_host_print(&world.host, span_of(job), world.now);
        return;
    default: type(lines[roll(sizeof lines / sizeof lines[0])]); return;
    }
}

/* Faults of the wires to printer and board, on every second seed. */
static void wires_are_bad(void)
{
    static const uint8_t kinds[] = {
        FAULT_FLIP,    FAULT_LOSE,  FAULT_DOUBLE,  FAULT_NOISE, FAULT_LOSE_LINE,
        FAULT_LOSE_OK, FAULT_STALL, FAULT_GARBAGE, FAULT_RESET, FAULT_RESET_UNHEARD};
    uint32_t at = 0;

    for (unsigned i = 0; i < FAULTS; i++) {
        bool board = roll(4) == 0;
        uint8_t kind = board ? FAULT_BOARD_RESET : kinds[roll(sizeof kinds)];

        at += roll(1500);
        fault[i] = (struct fault){.kind = kind, .at = at, .count = 1 + roll(20)};
        if (kind == FAULT_STALL)
            fault[i].count %= 8; /* seconds */
        fault[i].wire = roll(2) ? world_wire_from(board ? PROXY_BOARD : PROXY_PRINTER)
                                : world_wire_to(board ? PROXY_BOARD : PROXY_PRINTER);
    }
    world_plan(&world, fault, FAULTS, dice);
}

/* Whatever was broken is mended, and the power is on. */
static void all_is_well(void)
{
    world_mended(&world);
    world_plug(&world, PROXY_PRINTER);
    world_plug(&world, PROXY_BOARD);
    sim_board_input(&world.board, BUTTON, false, world.now);
    run_ms(30000);
    ask(REQUEST_RESET, 0);
    run_ms(5000);
    world_host_closes(&world);
    run_ms(5000);
    world_host_opens(&world, 115200);
    ask(REQUEST_POWER, 255);
    run_ms(60000);
    if (world.printer.state == SIM_PRINTER_HALTED) {
        sim_printer_reset(&world.printer, world.now);
        run_ms(10000);
        world_host_closes(&world);
        world_host_opens(&world, 115200);
        run_ms(60000);
    }
}

static void play(uint64_t seed)
{
    uint64_t finished, before;

    seed_played = seed;
    dice = seed;
    (void)roll(2);
    set_up(NULL);
    kit.settings.psu.auto_on = (enum auto_on)roll(3);
    kit.settings.psu.boot_ms = 2000 + 1000 * roll(8);
    kit.settings.psu.off_when_idle_ms = roll(3) == 0 ? 120000 : -1;
    kit.settings.estop.point = 3;
    if (roll(2) == 0)
        kit.settings.point[0].halt = (struct occasion){OCCASION_SET, 0};
    options.power = (enum world_power)roll(3);
    options.printer.boot_ms = 200 + 500 * roll(8);
    options.host_played = false;
    options.host = sim_host_manner_octoprint();
    options.watch = watch;
    begin();
    if (seed % 2 == 0)
        wires_are_bad();
    sim_board_input(&world.board, BUTTON, false, world.now);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        something_happens();
        run_ms(1 + roll(roll(4) == 0 ? 20000 : 2000));
    }
    all_is_well();
    expect_psu("on", true);
    if (world.host.state != SIM_HOST_OPERATIONAL)
        tell_and_fail("the host is not operational", world.host.why ? world.host.why : "",
                      (unsigned)seed_played);
    finished = world.host.counters.finished;
    before = world.entries;
    sim_host_print(&world.host, span_of(last), world.now);
    run_ms(60000);
    if (seen(before, WORLD_EXECUTED, PROXY_PRINTER, "G1 X90") != 1)
        tell_and_fail("the print is not done, seed", "", (unsigned)seed_played);
    if (world.host.counters.finished != finished + 1)
        tell_and_fail("the print is not finished, seed", "", (unsigned)seed_played);
    tear_down(NULL);
}

static void whatever_happens_to_the_power_it_prints_in_the_end(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        play(seed);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_to_the_power_it_prints_in_the_end),
    };

    if (argc > 1) {
        uint64_t from = strtoul(argv[1], NULL, 10),
                 to = argc > 2 ? strtoul(argv[2], NULL, 10) : from;

        shown = argc == 2;
        for (uint64_t seed = from; seed <= to; seed++)
            play(seed);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
