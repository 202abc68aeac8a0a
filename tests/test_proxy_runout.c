#include "proxy_filament.h"

/* A print that begins without filament: nothing is extruded, and the host is paused. */
static void begins_empty(void)
{
    begin("filament: {point: runout}\n");
    runout(RUNOUT, true);
    run_ms(1000);
    write_file(HOT, "E0.1", "");
    print();
    UNTIL(heard("Filament is missing: print paused before it begins") == 1, 10 * MINUTE);
    run_ms(10000);
    assert_int_equal(world.host.state, SIM_HOST_PAUSED);
    assert_int_equal(proxy.router.job.state, PRINT_PAUSED);
    assert_int_equal(state(), FILAMENT_KEEPS);
    assert_int_equal(seen.next, 0);
    assert_int_equal(seen.changes, 0);
    assert_int_equal(heard("//action:paused"), 1);
    assert_int_equal(world.printer.pause, SIM_PAUSE_NONE);
    assert_true(sim_host_idle(&world.host) || world.host.printing_file);
}

static void a_print_without_filament_waits_before_its_first_move_and_loses_none(void **unused)
{
    (void)unused;
    begins_empty();
    sim_host_command(&world.host, SPAN("G1 E20 F300"), world.now); /* loaded by hand */
    run_ms(5000);
    assert_int_equal(told(PROXY_PRINTER, "G1 E20 F300"), 1);
    runout(RUNOUT, false);
    run_ms(1000);
    seen.paused = false;
    sim_host_resume(&world.host, world.now);
    world_settle(&world);
    finishes();
    assert_int_equal(seen.changes, 0);
}

static void what_was_kept_of_a_cancelled_print_goes_nowhere(void **unused)
{
    (void)unused;
    begins_empty();
    sim_host_cancel(&world.host, world.now);
    world_settle(&world);
    run_ms(10000);
    assert_int_equal(seen.next, 0);
    assert_int_equal(state(), FILAMENT_WATCHES);
    assert_int_equal(proxy.router.job.state, PRINT_CANCELLED);
    assert_true(sim_host_idle(&world.host));
    assert_int_equal(world.host.counters.oks, world.host.counters.commands);
    runout(RUNOUT, false);
    run_ms(1000);
    memset(&seen, 0, sizeof seen);
    print();
    finishes();
}

/* How many millimetres of `e` a move have gone through when the change comes. */
static unsigned moves_until_the_change(const char *head, const char *e, unsigned from)
{
    unsigned moves;

    begin("filament: {point: runout, distance: 5mm}\n");
    write_file(head, e, "");
    print();
    UNTIL(seen.next >= from, 10 * MINUTE);
    runout(RUNOUT, true);
    UNTIL(proxy.router.filament.sensor[0].level == FILAMENT_MISSING, MINUTE);
    moves = seen.next;
    UNTIL(seen.changes == 1, MINUTE);
    moves = seen.changed_at - moves;
    run_ms(10000);
    runout(RUNOUT, false);
    run_ms(1000);
    user_changes_filament();
    finishes();
    tear_down(NULL);
    return moves;
}

static void the_distance_is_counted_by_the_moves_that_the_printer_has_taken(void **unused)
{
    (void)unused;
    assert_in_range(moves_until_the_change(HOT, "E0.1", 50), 49, 54);
    begin("filament: {point: runout}\n");
}

/* A file of absolute E, which begins anew every 20 moves. */
static void absolute_e_and_its_g92_count_the_same(void **unused)
{
    size_t length = (size_t)snprintf(file, sizeof file, "G28\nM109 S200\nM82\nG92 E0\n");
    unsigned from;

    (void)unused;
    for (unsigned i = 0; i < LINES; i++) {
        if (i % 20 == 0)
            length += (size_t)snprintf(file + length, sizeof file - length, "G92 E0\n");
        length += (size_t)snprintf(file + length, sizeof file - length, "G1 X%u E%u.%u F3000\n", i,
                                   (i % 20 + 1) / 10, (i % 20 + 1) % 10);
    }
    begin("filament: {point: runout, distance: 5mm}\n");
    print();
    UNTIL(seen.next >= 50, 10 * MINUTE);
    runout(RUNOUT, true);
    UNTIL(proxy.router.filament.sensor[0].level == FILAMENT_MISSING, MINUTE);
    from = seen.next;
    UNTIL(seen.changes == 1, MINUTE);
    assert_in_range(seen.changed_at - from, 49, 54);
    runout(RUNOUT, false);
    run_ms(20000);
    user_changes_filament();
    finishes();
}

static void filament_that_is_back_within_the_distance_changes_nothing(void **unused)
{
    (void)unused;
    begin("filament: {point: runout, distance: 5mm}\n");
    print_some();
    runout(RUNOUT, true);
    run_ms(500);
    assert_string_equal(filament_word(&proxy.router.filament), "missing");
    runout(RUNOUT, false);
    finishes();
    assert_int_equal(seen.changes, 0);
    assert_int_equal(heard("//action:"), 0);
}

static void prints_from_the_card(void)
{
    int slot;

    begin("filament: {point: runout}\n");
    slot = sim_sd_create(&world.printer.sd, SPAN("A.GCO"));
    sim_sd_append(&world.printer.sd, slot, SPAN("M109 S200"));
    for (unsigned i = 0; i < LINES; i++) {
        char line[40];

        snprintf(line, sizeof line, "G1 X%u E0.1 F3000", i);
        assert_true(sim_sd_append(&world.printer.sd, slot, span_of(line)));
    }
    sim_host_command(&world.host, SPAN("M23 A.GCO"), world.now);
    sim_host_command(&world.host, SPAN("M24"), world.now);
    sim_host_command(&world.host, SPAN("M27 S1"), world.now);
    world_settle(&world);
    UNTIL(seen.next > 50, 10 * MINUTE);
    assert_true(print_job_of_card(&proxy.router.job));
}

/* The printer is at the change when filament has run out. */
static void runs_out_in_a_print_from_the_card(void)
{
    prints_from_the_card();
    runout(RUNOUT, true);
    UNTIL(world.printer.pause == SIM_PAUSE_PARKED, MINUTE);
    assert_int_equal(proxy.router.job.state, PRINT_PAUSED);
    assert_int_equal(heard("//action:paused"), 1);
}

static void the_print_from_the_card_finishes(void)
{
    UNTIL(proxy.router.job.state == PRINT_FINISHED, 10 * MINUTE);
    run_ms(1000);
    assert_int_equal(seen.changes, 1);
    assert_int_equal(seen.next, LINES);
    assert_false(seen.wrong);
    assert_true(sim_host_idle(&world.host));
    assert_int_equal(world.host.counters.timeouts, 0);
}

static void a_print_from_the_card_is_changed_without_an_ok_to_hold(void **unused)
{
    (void)unused;
    runs_out_in_a_print_from_the_card();
    run_ms(5 * MINUTE); /* its reports go on */
    assert_int_equal(state(), FILAMENT_CHANGES);
    assert_int_equal(told(PROXY_PRINTER, "M108"), 0);
    assert_int_equal(world.host.counters.timeouts, 0);
    runout(RUNOUT, false);
    run_ms(1000);
    user_changes_filament();
    the_print_from_the_card_finishes();
}

/* The host asks each second how far it is, and waits for the answer before it says M24. */
static void a_print_from_the_card_is_resumed_in_the_host(void **unused)
{
    (void)unused;
    runs_out_in_a_print_from_the_card();
    runout(RUNOUT, false);
    for (unsigned i = 0; i < 10; i++) {
        sim_host_command(&world.host, SPAN("M27"), world.now);
        run_ms(1000);
        assert_true(sim_host_idle(&world.host));
    }
    sim_host_command(&world.host, SPAN("M24"), world.now);
    the_print_from_the_card_finishes();
}

/* The command would be content of the file: it waits, and what ends the upload does not wait for
 * it. */
static void filament_that_runs_out_in_an_upload_is_changed_behind_it(void **unused)
{
    (void)unused;
    prints_from_the_card();
    sim_host_command(&world.host, SPAN("M28 B.GCO"), world.now);
    run_ms(1000);
    assert_true(proxy.router.uploading);
    runout(RUNOUT, true);
    run_ms(1000);
    assert_int_equal(seen.changes, 0);
    sim_host_command(&world.host, SPAN("G1 X1"), world.now);
    sim_host_command(&world.host, SPAN("M29"), world.now);
    UNTIL(seen.changes == 1, MINUTE);
    assert_false(proxy.router.uploading);
    assert_int_equal(told(PROXY_PRINTER, "M29"), 1);
}

static void m412_reports_switches_and_rearms(void **unused)
{
    struct status status;

    (void)unused;
    begin("filament: {point: runout}\n");
    sim_host_command(&world.host, SPAN("M412"), world.now);
    run_ms(100);
    assert_int_equal(heard("echo:sioproxy filament present"), 1);
    sim_host_command(&world.host, SPAN("M412 S0"), world.now);
    sim_host_command(&world.host, SPAN("M412"), world.now);
    run_ms(100);
    assert_int_equal(heard("echo:sioproxy filament off"), 1);
    assert_int_equal(told(PROXY_PRINTER, "M412"), 3); /* they are the printer's, too */
    proxy_status(&proxy, world.now, &status);
    assert_string_equal(status.filament_state, "off");
    print_some();
    runout(RUNOUT, true);
    run_ms(500);
    assert_int_equal(seen.changes, 0);
    sim_host_command(&world.host, SPAN("M412 S1"), world.now);
    UNTIL(seen.changes == 1, MINUTE);
    run_ms(10000);
    user_changes_filament(); /* but there is none */
    run_ms(500);
    proxy_status(&proxy, world.now, &status);
    assert_string_equal(status.filament_state, "missing");
    assert_int_equal(seen.changes, 1); /* once until it is back … */
    sim_host_command(&world.host, SPAN("M412 R"), world.now);
    UNTIL(seen.changes == 2, MINUTE); /* … or said to be */
    runout(RUNOUT, false);
    run_ms(10000);
    user_changes_filament();
    finishes();
}

static void rules_see_it_and_switch_it(void **unused)
{
    (void)unused;
    rules = "rules:\n"
            "  - {when: {gcode: M750}, if: {filament: missing}, do: [{say: gone}]}\n"
            "  - {when: {gcode: M750}, if: {filament: [present, off]}, do: [{report: filament}]}\n"
            "  - {when: {point: runout2, becomes: on}, do: [filament: off]}\n"
            "  - {when: {point: runout2, becomes: off}, do: [filament: on]}\n";
    begin("filament: {point: runout}\n");
    sim_host_command(&world.host, SPAN("M750"), world.now);
    run_ms(100);
    assert_int_equal(heard("echo:sioproxy filament present"), 1);
    runout(RUNOUT, true);
    run_ms(500);
    sim_host_command(&world.host, SPAN("M750"), world.now);
    run_ms(100);
    assert_int_equal(heard("echo:gone"), 1);
    runout(RUNOUT2, true);
    run_ms(500);
    sim_host_command(&world.host, SPAN("M750"), world.now);
    run_ms(100);
    assert_int_equal(heard("echo:sioproxy filament off"), 1);
    write_file(HOT, "E0.1", "");
    print(); /* it begins without filament, and nobody minds */
    UNTIL(seen.next > 20, 10 * MINUTE);
    runout(RUNOUT2, false);
    UNTIL(seen.changes == 1, MINUTE);
    runout(RUNOUT, false);
    run_ms(20000);
    user_changes_filament();
    finishes();
}

static void with_the_command_pause_the_host_pauses_and_the_printer_hears_nothing(void **unused)
{
    (void)unused;
    begin("filament: {point: runout, command: pause}\n");
    print_some();
    runout(RUNOUT, true);
    UNTIL(heard("//action:pause") == 1, MINUTE);
    UNTIL(proxy.router.job.state == PRINT_PAUSED, MINUTE);
    assert_int_equal(heard("Filament has run out: print paused"), 1);
    runout(RUNOUT, false);
    run_ms(1000);
    sim_host_resume(&world.host, world.now);
    world_settle(&world);
    finishes();
    assert_int_equal(seen.changes, 0);
}

static void a_host_with_a_window_is_changed_too(void **unused)
{
    (void)unused;
    begin_as("filament: {point: runout}\n", sim_printer_manner_marlin(), sim_host_manner_window(8));
    print_some();
    sim_host_command(&world.host, SPAN("M889 J1"), world.now); /* such hosts number all they say */
    run_ms(100);
    runout(RUNOUT, true);
    UNTIL(world.printer.pause == SIM_PAUSE_PARKED, MINUTE);
    assert_int_equal(world.host.state, SIM_HOST_PAUSED);
    run_ms(MINUTE);
    runout(RUNOUT, false);
    run_ms(1000);
    user_changes_filament();
    UNTIL(world.host.counters.finished > 0, 10 * MINUTE);
    assert_int_equal(seen.next, LINES);
    assert_false(seen.wrong);
    assert_int_equal(seen.changes, 1);
    assert_int_equal(world.host.counters.oks, world.host.counters.commands);
    assert_int_equal(world.host.counters.timeouts, 0);
}

static void whatever_ends_a_change_the_next_print_prints(void **unused)
{
    (void)unused;
    for (unsigned what = 0; what < 4; what++) {
        begin("filament: {point: runout}\n");
        print_some();
        runout(RUNOUT, true);
        UNTIL(world.printer.pause == SIM_PAUSE_PARKED, MINUTE);
        switch (what) {
        case 0: /* the host goes away: the printer is not left standing hot for ever */
            world_host_closes(&world);
            UNTIL(world.printer.pause == SIM_PAUSE_NONE, 10 * MINUTE);
            world_host_opens(&world, 115200);
            break;
        case 1: /* M112 */
            sim_host_emergency(&world.host, world.now);
            world_settle(&world);
            world_host_closes(&world);
            run_ms(1000);
            assert_int_equal(state(), FILAMENT_WATCHES);
            sim_printer_reset(&world.printer, world.now);
            run_ms(3000);
            world_host_opens(&world, 115200);
            break;
        case 2: /* USB is lost, and the printer lives on */
            world_unplug(&world, PROXY_PRINTER);
            run_ms(5000);
            world_plug(&world, PROXY_PRINTER);
            run_ms(10000);
            runout(RUNOUT, false);
            user_changes_filament();
            UNTIL(world.host.state == SIM_HOST_OPERATIONAL || world.host.counters.finished > 0,
                  10 * MINUTE);
            break;
        case 3: /* the board is lost: filament is unknown, the change goes on */
            world_unplug(&world, PROXY_BOARD);
            run_ms(20000);
            assert_string_equal(filament_word(&proxy.router.filament), "unknown");
            user_changes_filament();
            UNTIL(world.host.counters.finished > 0, 10 * MINUTE);
            world_plug(&world, PROXY_BOARD);
            break;
        }
        runout(RUNOUT, false);
        run_ms(20000);
        assert_int_equal(world.host.state, SIM_HOST_OPERATIONAL);
        assert_int_equal(state(), FILAMENT_WATCHES);
        assert_int_equal(proxy.router.ok_debt, 0);
        memset(&seen, 0, sizeof seen);
        world.host.counters.finished = 0;
        write_file(HOT, "E0.1", "");
        print();
        UNTIL(world.host.counters.finished > 0, 10 * MINUTE);
        assert_int_equal(seen.next, LINES);
        assert_int_equal(seen.changes, 0);
        tear_down(NULL);
    }
    begin("filament: {point: runout}\n");
}

#define BOTH    "filament: [{point: runout, tool: 0}, {point: runout2, tool: 0}]\n"
#define SWAPPED "filament: [{point: runout2, tool: 0}, {point: runout, tool: 0}]\n"

static void a_reload_in_mid_change_changes_nothing_of_it(void **unused)
{
    static const char *const configs[] = {BOTH, SWAPPED, "filament: {point: runout2}\n", ""};

    (void)unused;
    for (unsigned i = 0; i < sizeof configs / sizeof *configs; i++) {
        begin(BOTH);
        print_some();
        runout(RUNOUT, true);
        UNTIL(world.printer.wait == SIM_WAIT_USER, MINUTE);
        reload(configs[i]);
        run_ms(5000);
        assert_int_equal(seen.changes, 1);
        runout(RUNOUT, false);
        user_changes_filament();
        finishes();
        assert_int_equal(seen.changes, 1);
        tear_down(NULL);
    }
    begin("");
}

/* What was dealt with is known by the sensor's name, wherever it stands in the list. */
static void a_reload_does_not_make_a_runout_count_again(void **unused)
{
    (void)unused;
    begin(BOTH);
    print_some();
    runout(RUNOUT, true);
    UNTIL(world.printer.wait == SIM_WAIT_USER, MINUTE);
    user_changes_filament(); /* who goes on without: it is still missing */
    UNTIL(seen.next > 150, MINUTE);
    reload(SWAPPED);
    finishes();
    assert_int_equal(seen.changes, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_print_without_filament_waits_before_its_first_move_and_loses_none),
        TEST(what_was_kept_of_a_cancelled_print_goes_nowhere),
        TEST(the_distance_is_counted_by_the_moves_that_the_printer_has_taken),
        TEST(absolute_e_and_its_g92_count_the_same),
        TEST(filament_that_is_back_within_the_distance_changes_nothing),
        TEST(a_print_from_the_card_is_changed_without_an_ok_to_hold),
        TEST(a_print_from_the_card_is_resumed_in_the_host),
        TEST(filament_that_runs_out_in_an_upload_is_changed_behind_it),
        TEST(m412_reports_switches_and_rearms),
        TEST(rules_see_it_and_switch_it),
        TEST(with_the_command_pause_the_host_pauses_and_the_printer_hears_nothing),
        TEST(a_host_with_a_window_is_changed_too),
        TEST(a_reload_in_mid_change_changes_nothing_of_it),
        TEST(a_reload_does_not_make_a_runout_count_again),
        TEST(whatever_ends_a_change_the_next_print_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
