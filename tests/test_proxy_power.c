#include "power_world.h"
#include "sim/world_wire.h"

static void off_at_the_start_the_stand_in_answers(void **unused)
{
    uint64_t before;

    (void)unused;
    begin();
    expect_psu("off", false);
    assert_true(proxy.router.standin);
    before = world.entries;
    host_says("N0 M110 N0*125");
    host_says("M115");
    host_says("M105");
    host_says("G28");
    host_got_oks(before, 4);
    host_heard(before, "T:0.00 /0.00", 1);
    host_heard(before, "error: psu: ", 1);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, ""), 0);
}

/* PSUControl queues the user's command right behind its M80 (octoprint.md 2.1). */
static void m80_waits_for_the_boot_and_loses_nothing(void **unused)
{
    uint64_t before, lines;

    (void)unused;
    begin();
    host_says("M155 S2");
    host_says("M113 S1");
    before = world.entries;
    lines = proxy.router.counters.lost_oks;
    world_write(&world, PROXY_HOST, SPAN("M80\nG28 X\n"));
    run_ms(900);
    host_got_oks(before, 0);
    run_ms(9000);
    host_heard(before, "start", 0);
    host_heard(before, "FIRMWARE_NAME:", 1);
    host_heard(before, "Cap:EMERGENCY_PARSER", 1);
    executed(before, "M115", 1);
    executed(before, "M155 S2", 1);
    executed(before, "M113 S1", 1);
    executed(before, "M154", 0);
    executed(before, "G28 X", 1);
    host_got_oks(before, 2);
    assert_true(proxy.router.counters.lost_oks == lines);
    host_heard(before, "error", 0);
    /* Rules hear each once, and who did it. */
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "printer online"), 1);
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "printer reset"), 1);
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "point psu on M80"), 1);
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "psu on M80"), 2); /* with the point's */
    expect_psu("on", true);
    assert_string_equal(proxy.router.firmware_name[0] ? "known" : "", "known");
}

static void the_name_it_had_is_told_while_it_is_off(void **unused)
{
    static char saved[ORDER_TEXT];
    uint64_t before;

    (void)unused;
    begin();
    switch_on();
    memcpy(saved, world.saved, sizeof saved);
    assert_true(span_contains(span_of(saved), SPAN("firmware Marlin ")));
    options.saved = span_of(saved);
    begin();
    expect_psu("off", false);
    before = world.entries;
    host_says("M115");
    host_heard(before, "FIRMWARE_NAME:Marlin ", 1);
    host_got_oks(before, 1);
}

static void the_host_hears_busy_while_the_printer_boots(void **unused)
{
    struct status status;
    uint64_t before;

    (void)unused;
    options.printer.boot_ms = 6000;
    begin();
    before = world.entries;
    host_says("M80");
    run_ms(5000);
    host_heard(before, "echo:busy: processing", 2);
    proxy_status(&proxy, world.now, &status);
    assert_string_equal(status.waiting_for, "power");
    assert_string_equal(status.waiting_rule, "M80");
    host_got_oks(before, 0);
    run_ms(2000);
    host_got_oks(before, 1);
}

static void a_printer_that_does_not_boot_is_told(void **unused)
{
    uint64_t before;

    (void)unused;
    options.printer.boot_ms = 60000;
    begin();
    before = world.entries;
    host_says("M80");
    run_ms(9000);
    host_heard(before,
               "error: psu: rule M80: step 1 of 1: it is on, but the printer does not answer", 1);
    host_got_oks(before, 1);
    assert_true(proxy.router.standin);
    /* It comes all the same. */
    run_ms(60000);
    assert_false(proxy.router.standin);
}

static void m80_s_asks_as_marlin_does(void **unused)
{
    uint64_t before;

    (void)unused;
    begin();
    before = world.entries;
    host_says("M80 S");
    host_heard(before, "PS:0", 1);
    host_heard(before, "echo:", 0);
    switch_on();
    before = world.entries;
    host_says("M80 S");
    host_heard(before, "PS:1", 1);
    host_got_oks(before, 1);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "M80"), 0);
}

static void m81_switches_off_when_the_head_has_arrived(void **unused)
{
    uint64_t before;

    (void)unused;
    begin();
    switch_on();
    host_says("G28");
    run_ms(10000);
    before = world.entries;
    host_says("G1 X100 F3000");
    host_says("M81");
    expect_psu("on", true);
    run_ms(3000);
    expect_psu("off", false);
    host_got_oks(before, 2);
    executed(before, "M400", 1);
    /* Nobody knows yet whether the printer lives on: a move is not lost. */
    assert_false(proxy.router.standin);
    host_says("G1 Y7");
    host_got_oks(before, 2);
    run_ms(4000);
    assert_true(proxy.router.standin);
    host_got_oks(before, 3);
    host_heard(before, "error: psu: the printer is off or not connected, not sent: G1 Y7", 1);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "G1 Y7"), 0);
    before = world.entries;
    host_says("M105");
    host_says("G1 X0");
    host_heard(before, "ok T:0.00 /0.00", 1);
    host_heard(before, "error: psu: ", 1);
}

static void a_printer_on_usb_power_answers_for_itself(void **unused)
{
    uint64_t before;

    (void)unused;
    options.power = WORLD_POWER_ALWAYS;
    begin();
    expect_psu("off", true);
    assert_false(proxy.router.standin);
    before = world.entries;
    host_says("G28");
    executed(before, "G28", 1);
    run_ms(10000);
    before = world.entries;
    host_says("M80");
    host_got_oks(before, 1);
    expect_psu("on", true);
    host_says("M81");
    expect_psu("off", true);
    run_ms(10000);
    assert_false(proxy.router.standin);
    host_says("M105");
    host_heard(before, "ok T:2", 1);
}

static void a_port_that_goes_with_the_power_comes_with_it(void **unused)
{
    uint64_t before;

    (void)unused;
    options.power = WORLD_POWER_PORT;
    begin();
    assert_true(proxy.router.standin);
    before = world.entries;
    host_says("M80");
    run_ms(5000);
    host_got_oks(before, 1);
    host_heard(before, "start", 0);
    host_heard(before, "FIRMWARE_NAME:", 1);
    before = world.entries;
    host_says("M81");
    run_ms(100);
    assert_true(proxy.router.power.standin);
    host_got_oks(before, 1);
    host_says("M105");
    host_heard(before, "ok T:0.00", 1);
}

/* --- off, later --- */

static void m81_after_a_delay(void **unused)
{
    (void)unused;
    begin();
    switch_on();
    host_says("M81 D10");
    run_ms(9000);
    expect_psu("on", true);
    run_ms(1000);
    expect_psu("off", false);
    assert_int_equal(seen(0, WORLD_EVENT, PROXY_HOST, "psu off as asked for before"), 2);
}

static void m80_cancels_what_is_pending(void **unused)
{
    uint64_t before;

    (void)unused;
    begin();
    switch_on();
    host_says("M81 D10");
    before = world.entries;
    host_says("M80");
    host_heard(before, "stays on", 1);
    host_got_oks(before, 1);
    run_ms(60000);
    expect_psu("on", true);
}

static void m81_s_waits_until_all_is_cool(void **unused)
{
    uint64_t before;

    (void)unused;
    begin();
    switch_on();
    host_says("M104 S120");
    run_ms(60000);
    before = world.entries;
    host_says("M81 S");
    host_heard(before, "off when all is cool", 1);
    run_ms(60000);
    expect_psu("on", true); /* a target */
    before = world.entries;
    host_says("M104 S0");
    run_ms(5000);
    expect_psu("on", true); /* hot */
    for (unsigned i = 0; i < 100 && world.printer.state != SIM_PRINTER_OFF; i++) {
        run_ms(10000);
        assert_true(world.printer.state != SIM_PRINTER_OFF ||
                    world.printer.heaters[0].temperature < 50.0);
    }
    expect_psu("off", false);
    host_got_oks(before, 1); /* those of its questions are nobody's */
    host_heard(before, "T:", 0);
}

static void it_goes_off_when_nobody_works_with_it(void **unused)
{
    (void)unused;
    kit.settings.psu.off_when_idle_ms = 600000;
    begin();
    switch_on();
    for (unsigned i = 0; i < 9; i++) {
        run_ms(59000);
        host_says("M105"); /* no work */
    }
    expect_psu("on", true);
    host_says("G4 P1");
    for (unsigned i = 0; i < 9; i++) {
        run_ms(59000);
        host_says("M105");
    }
    expect_psu("on", true);
    run_ms(70000);
    expect_psu("off", false);
    assert_int_equal(seen(0, WORLD_EVENT, PROXY_HOST, "psu off off_when_idle"), 2);
}

/* The daemon is killed and started; printer and board live on. */
static void restart(void)
{
    static char saved[ORDER_TEXT];

    memcpy(saved, world.saved, sizeof saved);
    for (unsigned port = 0; port < PROXY_PORTS; port++) {
        world.port[port].open = false;
        world_wire_clear(&world.port[port].to);
        world_wire_clear(&world.port[port].from);
    }
    proxy_init(&proxy, &kit.settings, &kit.ruleset, span_of(saved), world.now);
    world_settle(&world);
}

static void m81_s_outlives_a_restart(void **unused)
{
    uint64_t before;

    (void)unused;
    options.board.runs_on = true;
    begin();
    switch_on();
    host_says("M104 S60");
    run_ms(60000);
    host_says("M81 S");
    assert_true(span_contains(span_of(world.saved), SPAN("psu off cool\n")));
    before = world.entries;
    restart();
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "still to come, as asked for"), 1);
    run_ms(60000);
    expect_psu("on", true); /* hot */
    world_host_opens(&world, 115200);
    host_says("M104 S0");
    run_ms(300000);
    expect_psu("off", false);
    assert_false(span_contains(span_of(world.saved), SPAN("psu")));
    before = world.entries;
    restart();
    run_ms(20000);
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "still to come"), 0);
}

static void what_is_not_understood_in_the_state_file_is_told(void **unused)
{
    (void)unused;
    options.saved = SPAN("speed 115200\nspeed fast\nlatch door\n\npsu of\x01\nfirmware Marlin 2.1\n");
    begin();
    assert_int_equal(seen(0, WORLD_EVENT, PROXY_HOST, "state file: not understood, and ignored: "),
                     3);
    assert_int_equal(seen(0, WORLD_EVENT, PROXY_HOST, "ignored: speed fast"), 1);
    assert_int_equal(seen(0, WORLD_EVENT, PROXY_HOST, "ignored: latch door"), 1);
    assert_int_equal(seen(0, WORLD_EVENT, PROXY_HOST, "ignored: psu of?"), 1);
}

/* The printer answers by USB; the supply's own switch is off. */
static void sense_knows_better_than_a_printer_that_answers(void **unused)
{
    (void)unused;
    kit.settings.psu.sense = 2;
    kit.settings.psu.boot_ms = 8000;
    options.power = WORLD_POWER_ALWAYS;
    begin();
    sim_board_input(&world.board, SENSE, false, world.now);
    run_ms(300);
    expect_psu("off", true);
    psu(REQUEST_POWER, true);
    assert_true(sim_board_output(&world.board, RELAY));
    assert_int_equal(world.answers, 0);
    run_ms(8000);
    assert_int_equal(world.answers, 1);
    assert_false(world.answer.ok);
    assert_string_equal(world.answer.text,
                        "the output is switched, but `sense` does not say so");
    expect_psu("off", true);
    psu(REQUEST_POWER, true);
    sim_board_input(&world.board, SENSE, true, world.now);
    run_ms(300);
    assert_int_equal(world.answers, 2);
    assert_true(world.answer.ok);
    assert_string_equal(world.answer.text, "on");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(m81_s_outlives_a_restart),
        TEST(what_is_not_understood_in_the_state_file_is_told),
        TEST(sense_knows_better_than_a_printer_that_answers),
        TEST(off_at_the_start_the_stand_in_answers),
        TEST(m80_waits_for_the_boot_and_loses_nothing),
        TEST(the_name_it_had_is_told_while_it_is_off),
        TEST(the_host_hears_busy_while_the_printer_boots),
        TEST(a_printer_that_does_not_boot_is_told),
        TEST(m80_s_asks_as_marlin_does),
        TEST(m81_switches_off_when_the_head_has_arrived),
        TEST(a_printer_on_usb_power_answers_for_itself),
        TEST(a_port_that_goes_with_the_power_comes_with_it),
        TEST(m81_after_a_delay),
        TEST(m80_cancels_what_is_pending),
        TEST(m81_s_waits_until_all_is_cool),
        TEST(it_goes_off_when_nobody_works_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
