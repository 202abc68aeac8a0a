/*
 * Runouts on faulty wires: a seed chooses the printer, the faults, when filament runs out, and what
 * the user does at the machine and in the host. Every promise is checked after every input; in the
 * end each line was executed once and in order, and nothing is left hanging.
 *
 * test_proxy_filament_random [FIRST COUNT]
 */
#include "proxy_filament.h"

#define SEEDS   150
#define FAULTS  12
#define END_MIN 180 /* of a run: a question every 30 s, and a user who takes their time */

static uint64_t dice;

static uint32_t roll(uint32_t sides)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(dice >> 33) % sides;
}

static int by_place(const void *a, const void *b)
{
    const struct fault *left = a, *right = b;

    return left->at < right->at ? -1 : left->at > right->at;
}

/* Some bytes or lines between printer and proxy are hurt; now and then the printer is reset. */
static void plan_faults(void)
{
    static struct fault faults[FAULTS];
    static const uint8_t kinds[] = {FAULT_FLIP,    FAULT_FLIP,    FAULT_LOSE,      FAULT_LOSE,
                                    FAULT_DOUBLE,  FAULT_LOSE_OK, FAULT_LOSE_OK,   FAULT_DELAY,
                                    FAULT_GARBAGE, FAULT_STALL,   FAULT_LOSE_LINE, FAULT_UNPLUG};
    uint32_t count = roll(4) == 0 ? 0 : roll(FAULTS);

    for (uint32_t i = 0; i < count; i++) {
        struct fault *fault = &faults[i];

        *fault = (struct fault){.kind = kinds[roll(sizeof kinds)], .at = roll(9000), .count = 1};
        fault->wire = roll(2) == 0 ? world_wire_to(PROXY_PRINTER) : world_wire_from(PROXY_PRINTER);
        switch ((enum fault_kind)fault->kind) {
        case FAULT_LOSE_OK: fault->wire = world_wire_from(PROXY_PRINTER); break;
        case FAULT_DELAY:
        case FAULT_UNPLUG: fault->count = 1 + roll(3000); break;
        case FAULT_GARBAGE: fault->count = 1 + roll(100); break;
        default: break;
        }
    }
    if (roll(6) == 0 && count > 0)
        faults[roll(count)].kind = FAULT_RESET;
    qsort(faults, count, sizeof faults[0], by_place);
    world_plan(&world, faults, count, dice);
}

static struct sim_printer_manner a_printer(void)
{
    struct sim_printer_manner manner = sim_printer_manner_marlin();

    manner.emergency_parser = roll(4) > 0;
    manner.prompts = manner.emergency_parser && roll(3) > 0;
    manner.advanced_ok = roll(3) == 0;
    manner.doublets_refused = roll(3) == 0;
    manner.busy = roll(4) > 0;
    return manner;
}

/* The user looks after the machine: what it asks for is done, some time. */
static void user_acts(bool *cancelled)
{
    struct sim_printer *printer = &world.printer;

    if (printer->pause != SIM_PAUSE_NONE && printer->wait == SIM_WAIT_USER && roll(20) == 0) {
        runout(RUNOUT, false);
        sim_printer_press(printer, printer->pause == SIM_PAUSE_PURGED ? 1 : -1, world.now);
    } else if (world.host.state == SIM_HOST_PAUSED && roll(100) == 0) {
        runout(RUNOUT, false);
        sim_host_resume(&world.host, world.now);
    } else if (world.host.state == SIM_HOST_PAUSED && roll(1000) == 0) {
        *cancelled = true;
        sim_host_cancel(&world.host, world.now);
    } else if (world.host.state == SIM_HOST_PRINTING && roll(500) == 0) {
        sim_host_pause(&world.host, world.now);
    }
    world_settle(&world);
}

static void tell(uint64_t seed, const char *what)
{
    world_tell(&world, 150, stderr);
    fail_msg("seed %llu: %s (move %u of %u, host %d, filament %d, printer %d)",
             (unsigned long long)seed, what, seen.next, LINES, (int)world.host.state, (int)state(),
             (int)world.printer.pause);
}

static bool at_rest(void)
{
    return world.host.state == SIM_HOST_OPERATIONAL && sim_host_idle(&world.host) &&
           state() == FILAMENT_WATCHES && world.printer.pause == SIM_PAUSE_NONE;
}

static uint64_t changes, finished, ended;

static void run(uint64_t seed)
{
    static const char *const configs[] = {"filament: {point: runout}\n",
                                          "filament: {point: runout, distance: 2mm}\n",
                                          "filament: {point: runout, command: M6001}\n",
                                          "filament: {point: runout, command: pause}\n"};
    unsigned when, again;
    bool cancelled = false;
    int64_t end_us;

    dice = seed * 77 + 1;
    for (unsigned i = 0; i < 4; i++)
        roll(1);
    when = roll(5) == 0 ? 0 : roll(LINES);
    again = when + 20 + roll(LINES);
    begin_as(configs[roll(6) % 4], a_printer(), sim_host_manner_octoprint());
    write_file(HOT, "E0.1", "M104 S0\n");
    if (when == 0) {
        runout(RUNOUT, true);
        run_ms(500);
    }
    print();
    plan_faults();
    end_us = world.now.us + END_MIN * INT64_C(60000000);
    while (!at_rest() && world.host.state != SIM_HOST_FAILED && world.now.us < end_us) {
        if (when > 0 && seen.next >= when) {
            runout(RUNOUT, true);
            when = 0;
        } else if (seen.next >= again) {
            runout(RUNOUT, true);
            again = LINES + 1;
        }
        user_acts(&cancelled);
        if (!world_run_ms(&world, 100))
            tell(seed, world.broken);
    }
    changes += seen.changes;
    if (world.host.state == SIM_HOST_FAILED || world.host.counters.aborted > 0 || cancelled ||
        world.host.counters.cancelled > 0) {
        ended++;
    } else if (!at_rest()) {
        tell(seed, "something is left hanging");
    } else {
        finished++;
        if (!seen.hurt && (seen.next != LINES || seen.wrong))
            tell(seed, "a line is lost, or came twice");
    }
    tear_down(NULL);
}

static uint64_t first = 1, count = SEEDS;

static void each_line_is_executed_once_whatever_befalls_the_change(void **unused)
{
    (void)unused;
    for (uint64_t seed = first; seed < first + count; seed++)
        run(seed);
    print_message("%llu prints to their end, %llu ended before, %llu changes\n",
                  (unsigned long long)finished, (unsigned long long)ended,
                  (unsigned long long)changes);
    assert_true(finished > count / 3);
    assert_true(changes > count / 4);
}

int main(int arguments, char **argument)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_executed_once_whatever_befalls_the_change),
    };

    if (arguments > 2) {
        first = strtoull(argument[1], NULL, 10);
        count = strtoull(argument[2], NULL, 10);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
