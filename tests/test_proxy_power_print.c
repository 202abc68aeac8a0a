#include "power_world.h"

static const char file[] = "G28\nG1 X10 F3000\nG1 X90\nG1 X10\nG1 X90\nM81\n";

/* A host as OctoPrint is prints a file with the power on. */
static void print(const char *lines)
{
    options.host_played = false;
    options.host = sim_host_manner_octoprint();
    begin();
    switch_on();
    run_ms(5000);
    assert_int_equal(world.host.state, SIM_HOST_OPERATIONAL);
    sim_host_print(&world.host, span_of(lines), world.now);
    world_settle(&world);
}

static void m81_as_the_last_line_of_a_file(void **unused)
{
    uint64_t before;

    (void)unused;
    print(file);
    before = world.entries;
    run_ms(120000);
    host_heard(before, "off when the print has ended", 1);
    expect_psu("off", false);
    assert_true(world.host.counters.finished == 1);
    assert_true(world.host.counters.cancelled == 0);
    assert_int_equal(proxy.router.job.state, PRINT_FINISHED);
    executed(before, "G1 X90", 2);
    assert_int_equal(world.host.state, SIM_HOST_OPERATIONAL);
}

static const char moves[] = "G28\nG1 X10 F600\nG1 X90\nG1 X10\nG1 X90\nG1 X10\nG1 X90\nG1 X10\n"
                            "G1 X90\nG1 X10\nG1 X90\nG1 X10\nG1 X90\nG1 X10\nG1 X90\nG1 X10\n";

static void in_a_print_only_force_switches_off(void **unused)
{
    (void)unused;
    print(moves);
    run_ms(10000);
    psu(REQUEST_POWER, false);
    assert_false(world.answer.ok);
    assert_string_equal(world.answer.text, "a print runs");
    world_ask(&world, &(struct request){.kind = REQUEST_SET, .point = "psu", .value = 0}, 7);
    run_ms(300);
    assert_false(world.answer.ok);
    expect_psu("on", true);
    psu(REQUEST_POWER_FORCED, false);
    assert_true(world.answer.ok);
    expect_psu("off", false);
}

static void power_that_fails_in_a_print_ends_the_job(void **unused)
{
    uint64_t before;

    (void)unused;
    print(moves);
    run_ms(10000);
    before = world.entries;
    psu(REQUEST_POWER_FORCED, false);
    run_ms(10000);
    assert_int_equal(proxy.router.job.state, PRINT_FAILED);
    host_heard(before, "//action:cancel", 1);
    assert_true(world.host.counters.cancelled == 1);
    assert_true(proxy.router.standin);
    /* It is there again: what is left of the job does not begin by itself. */
    before = world.entries;
    psu(REQUEST_POWER, true);
    run_ms(20000);
    executed(before, "G1 X", 0);
    assert_int_equal(world.host.state, SIM_HOST_OPERATIONAL);
}

static void with_its_port_gone_too_the_end_is_told_once(void **unused)
{
    uint64_t before;

    (void)unused;
    options.power = WORLD_POWER_PORT;
    print(moves);
    run_ms(10000);
    before = world.entries;
    psu(REQUEST_POWER_FORCED, false);
    run_ms(100000);
    assert_int_equal(proxy.router.job.state, PRINT_FAILED);
    host_heard(before, "//action:cancel", 1);
    host_heard(before, "gone for a minute", 0);
    assert_true(proxy.router.standin);
}

static void sense_knows_of_power_that_fails(void **unused)
{
    uint64_t before;

    (void)unused;
    kit.settings.psu.sense = 2;
    options.power = WORLD_POWER_ALWAYS;
    world_init(&world, &proxy, &options, (struct instant){0});
    sim_board_input(&world.board, SENSE, false, world.now);
    run_ms(8000);
    world_host_opens(&world, 115200);
    expect_psu("off", true);
    sim_board_input(&world.board, SENSE, true, world.now);
    run_ms(200);
    expect_psu("on", true); /* whatever its point says */
    before = world.entries;
    host_says("M80");
    host_got_oks(before, 1);
    assert_false(sim_board_output(&world.board, RELAY));
    sim_printer_power(&world.printer, false, world.now);
    sim_board_input(&world.board, SENSE, false, world.now);
    run_ms(5000);
    expect_psu("off", false);
    assert_true(proxy.router.standin);
}

static void a_print_on_a_printer_that_is_off_is_refused_once(void **unused)
{
    uint64_t before;

    (void)unused;
    options.host_played = false;
    options.host = sim_host_manner_octoprint();
    begin();
    run_ms(5000);
    assert_int_equal(world.host.state, SIM_HOST_OPERATIONAL);
    before = world.entries;
    sim_host_print(&world.host, span_of(moves), world.now);
    run_ms(10000);
    host_heard(before, "//action:cancel", 1);
    assert_true(world.host.counters.cancelled == 1);
    expect_psu("off", false);
}

static void auto_on_print_switches_on_first(void **unused)
{
    uint64_t before;

    (void)unused;
    kit.settings.psu.auto_on = AUTO_ON_PRINT;
    options.host_played = false;
    options.host = sim_host_manner_octoprint();
    options.saved = SPAN("speed 115200\nfirmware Marlin 2.1\n");
    begin();
    run_ms(5000);
    sim_host_command(&world.host, SPAN("G28"), world.now);
    run_ms(5000);
    expect_psu("off", false);
    before = world.entries;
    sim_host_print(&world.host, span_of(file), world.now);
    run_ms(120000);
    executed(before, "G1 X90", 2);
    assert_true(world.host.counters.finished == 1);
    assert_true(world.host.counters.cancelled == 0);
    expect_psu("off", false); /* its M81 */
}

/* What it says before its first move is for the printer, not for who answers in its place. */
static void a_print_that_switches_on_loses_no_line_of_its_beginning(void **unused)
{
    static const char begins[] = "M201 X500\nG90\nM83\nG28\nG1 X10 E1 F3000\n";
    uint64_t before;

    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        kit.settings.psu.auto_on = i == 0 ? AUTO_ON_PRINT : AUTO_ON_COMMAND;
        options.host_played = false;
        options.host = sim_host_manner_octoprint();
        options.saved = SPAN("speed 115200\nfirmware Marlin 2.1\n");
        begin();
        run_ms(5000);
        expect_psu("off", false);
        before = world.entries;
        sim_host_print(&world.host, span_of(begins), world.now);
        run_ms(60000);
        executed(before, "M201 X500", 1);
        executed(before, "G90", 1);
        executed(before, "M83", 1);
        executed(before, "G1 X10 E1", 1);
        assert_true(world.host.counters.finished == 1);
    }
}

static void auto_on_command_switches_on_for_a_move(void **unused)
{
    uint64_t before;

    (void)unused;
    kit.settings.psu.auto_on = AUTO_ON_COMMAND;
    begin();
    before = world.entries;
    host_says("M105");
    expect_psu("off", false);
    host_says("G28");
    run_ms(10000);
    expect_psu("on", true);
    executed(before, "G28", 1);
    host_got_oks(before, 2);
    host_heard(before, "start", 0);
}

/* --- the point, the board, the emergency stop --- */

static void whoever_sets_the_point_switches_power(void **unused)
{
    uint64_t before;

    (void)unused;
    begin();
    before = world.entries;
    host_says("M42 Ppsu S255");
    run_ms(5000);
    host_got_oks(before, 1);
    host_heard(before, "FIRMWARE_NAME:", 1);
    expect_psu("on", true);
    world_ask(&world, &(struct request){.kind = REQUEST_SET, .point = "psu", .value = 0}, 7);
    run_ms(300);
    assert_true(world.answer.ok);
    assert_string_equal(world.answer.text, "off");
    expect_psu("off", false);
}

static void without_a_board_nothing_is_switched_and_that_is_told(void **unused)
{
    uint64_t before;

    (void)unused;
    begin();
    world_unplug(&world, PROXY_BOARD);
    run_ms(10000);
    before = world.entries;
    host_says("M80");
    host_heard(before, "error: board: rule M80: step 1 of 1: the IO board is not connected", 1);
    host_got_oks(before, 1);
    psu(REQUEST_POWER, true);
    assert_false(world.answer.ok);
}

static void the_emergency_stop_holds_the_power_off(void **unused)
{
    uint64_t before;

    (void)unused;
    kit.settings.estop.point = 3;
    kit.settings.point[0].halt = (struct occasion){OCCASION_SET, 0};
    world_init(&world, &proxy, &options, (struct instant){0});
    sim_board_input(&world.board, BUTTON, false, world.now);
    run_ms(8000);
    world_host_opens(&world, 115200);
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    /* Pressed while the printer is off. */
    sim_board_input(&world.board, BUTTON, true, world.now);
    run_ms(1000);
    assert_int_equal(proxy.estop.state, ESTOP_TRIPPED);
    before = world.entries;
    host_says("M80");
    host_heard(before, "error: estop: ", 1);
    host_got_oks(before, 1);
    expect_psu("off", false);
    sim_board_input(&world.board, BUTTON, false, world.now);
    run_ms(1000);
    psu(REQUEST_RESET, false);
    assert_true(world.answer.ok);
    before = world.entries;
    host_says("M80");
    run_ms(5000);
    host_got_oks(before, 1);
    expect_psu("on", true);
    host_says("G28");
    executed(before, "G28", 1);
    assert_true(world.printer.counters.halts == 0);
}

static void a_press_while_it_is_on_takes_the_power_too(void **unused)
{
    (void)unused;
    kit.settings.estop.point = 3;
    kit.settings.point[0].halt = (struct occasion){OCCASION_SET, 0};
    world_init(&world, &proxy, &options, (struct instant){0});
    sim_board_input(&world.board, BUTTON, false, world.now);
    run_ms(8000);
    world_host_opens(&world, 115200);
    switch_on();
    sim_board_input(&world.board, BUTTON, true, world.now);
    run_ms(500);
    expect_psu("off", false);
    run_ms(10000);
    assert_true(proxy.router.standin);
    sim_board_input(&world.board, BUTTON, false, world.now);
    run_ms(1000);
    psu(REQUEST_RESET, false);
    run_ms(5000);
    expect_psu("off", false);
    switch_on();
}

static void a_stop_in_the_middle_of_switching_on_ends_it(void **unused)
{
    uint64_t before;

    (void)unused;
    kit.settings.point[0].halt = (struct occasion){OCCASION_SET, 0};
    options.printer.boot_ms = 5000;
    begin();
    before = world.entries;
    host_says("M80");
    host_says("M112");
    run_ms(20000);
    expect_psu("off", false);
    host_got_oks(before, 0); /* whoever says M112 waits for nothing */
    host_says("M105");
    host_heard(before, "ok T:0.00", 1);
}

static void what_goes_off_by_itself_waits_for_a_board_that_is_lost(void **unused)
{
    uint64_t before;

    (void)unused;
    begin();
    switch_on();
    host_says("M81 D5");
    world_unplug(&world, PROXY_BOARD);
    before = world.entries;
    run_ms(20000);
    host_heard(before, "error: psu:", 0);
    world_plug(&world, PROXY_BOARD);
    run_ms(10000);
    expect_psu("off", false);
    switch_on();
}

/* It drops its outputs when it boots, and they are restored: that is nobody's off. */
static void what_goes_off_by_itself_outlives_a_reset_of_the_board(void **unused)
{
    (void)unused;
    kit.settings.point[0].board_back = (struct occasion){OCCASION_RESTORE, 0};
    begin();
    switch_on();
    host_says("M81 D20");
    sim_board_reset(&world.board, world.now);
    run_ms(12000);
    expect_psu("on", true);
    run_ms(10000);
    expect_psu("off", false);
}

/* Whoever wants the fan of a stopped machine to go on. */
static void what_the_emergency_stop_holds_on_does_not_go_off_by_itself(void **unused)
{
    uint64_t before;

    (void)unused;
    kit.settings.estop.point = 3;
    kit.settings.point[0].halt = (struct occasion){OCCASION_SET, 255};
    world_init(&world, &proxy, &options, (struct instant){0});
    sim_board_input(&world.board, BUTTON, false, world.now);
    run_ms(8000);
    world_host_opens(&world, 115200);
    switch_on();
    host_says("M81 D5");
    sim_board_input(&world.board, BUTTON, true, world.now);
    before = world.entries;
    run_ms(20000);
    expect_psu("on", true);
    host_heard(before, "error: psu: the output does not switch", 1);
}

static void a_reload_in_mid_switch_switches_the_point_where_it_is_now(void **unused)
{
    static struct settings other, another; /* what is in force is not changed */

    (void)unused;
    begin();
    other = kit.settings;
    other.point[0] = kit.settings.point[1];
    other.point[1] = kit.settings.point[0];
    other.psu.point = 1;
    world_ask(&world, &(struct request){.kind = REQUEST_POWER, .value = 255}, 7);
    assert_true(proxy.power.switching);
    proxy_reload(&proxy, &other, &kit.ruleset, world.now);
    world_settle(&world);
    run_ms(5000);
    assert_true(world.answer.ok);
    expect_psu("on", true);
    assert_false(sim_board_output(&world.board, LIGHT));
    /* Now it is another output, in mid-switch. */
    proxy_reload(&proxy, &kit.settings, &kit.ruleset, world.now);
    psu(REQUEST_POWER, false);
    run_ms(5000);
    world_ask(&world, &(struct request){.kind = REQUEST_POWER, .value = 255}, 7);
    another = kit.settings;
    another.psu.point = 1;
    proxy_reload(&proxy, &another, &kit.ruleset, world.now);
    world_settle(&world);
    run_ms(5000);
    assert_true(world.answer.ok);
    assert_true(sim_board_output(&world.board, LIGHT));
}

static void a_reload_takes_the_power_away(void **unused)
{
    static struct settings other;

    (void)unused;
    begin();
    other = kit.settings;
    other.psu.point = POINT_NONE;
    proxy_reload(&proxy, &other, &kit.ruleset, world.now);
    world_settle(&world);
    expect_psu("none", false);
    assert_false(proxy.router.standin);
    assert_null(proxy_check(&proxy));
    proxy_reload(&proxy, &kit.settings, &kit.ruleset, world.now);
    run_ms(10000);
    expect_psu("off", false);
    assert_true(proxy.router.standin);
    switch_on();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(m81_as_the_last_line_of_a_file),
        TEST(in_a_print_only_force_switches_off),
        TEST(power_that_fails_in_a_print_ends_the_job),
        TEST(with_its_port_gone_too_the_end_is_told_once),
        TEST(sense_knows_of_power_that_fails),
        TEST(a_print_on_a_printer_that_is_off_is_refused_once),
        TEST(auto_on_print_switches_on_first),
        TEST(a_print_that_switches_on_loses_no_line_of_its_beginning),
        TEST(auto_on_command_switches_on_for_a_move),
        TEST(whoever_sets_the_point_switches_power),
        TEST(without_a_board_nothing_is_switched_and_that_is_told),
        TEST(the_emergency_stop_holds_the_power_off),
        TEST(a_press_while_it_is_on_takes_the_power_too),
        TEST(a_stop_in_the_middle_of_switching_on_ends_it),
        TEST(what_goes_off_by_itself_waits_for_a_board_that_is_lost),
        TEST(what_goes_off_by_itself_outlives_a_reset_of_the_board),
        TEST(what_the_emergency_stop_holds_on_does_not_go_off_by_itself),
        TEST(a_reload_in_mid_switch_switches_the_point_where_it_is_now),
        TEST(a_reload_takes_the_power_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
