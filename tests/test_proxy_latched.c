/* What can be done while the emergency stop is latched, and what opens it. */
#include "power_world.h"

#define HELD 14

/* A button that is armed, an output that a halt switches off, and a host. */
static void arm(void)
{
    struct point_settings *held = kit_point(&kit, "held", POINT_OUTPUT, HELD);

    held->halt = (struct occasion){OCCASION_SET, 0};
    kit.settings.point[3].active_high = false; /* an open input of the board is high */
    kit.settings.estop.point = 3;
    begin();
    switch_on();
    host_says("M42 Pheld S1");
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    assert_true(sim_board_output(&world.board, HELD));
}

static void press(bool pressed)
{
    sim_board_input(&world.board, BUTTON, !pressed, world.now);
    world_settle(&world);
    run_ms(1000);
}

/* The button has been pressed and released, and OctoPrint has connected again. */
static void latch(void)
{
    arm();
    press(true);
    press(false);
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
    world_host_closes(&world);
    run_ms(1000);
    world_host_opens(&world, 115200);
    run_ms(100);
}

static void m81_switches_off_while_latched(void **unused)
{
    uint64_t before;

    (void)unused;
    latch();
    before = world.entries;
    host_says("M81");
    run_ms(5000);
    host_heard(before, "error", 0);
    host_got_oks(before, 1);
    expect_psu("off", false);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "M400"), 0);
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
}

static void m62_and_m63_switch_at_once_while_latched_but_not_what_the_halt_holds(void **unused)
{
    uint64_t before;

    (void)unused;
    latch();
    before = world.entries;
    host_says("M62 Plight");
    assert_true(sim_board_output(&world.board, LIGHT));
    host_says("M63 Plight");
    assert_false(sim_board_output(&world.board, LIGHT));
    host_heard(before, "error", 0);
    host_says("M62 Pheld");
    assert_false(sim_board_output(&world.board, HELD));
    host_heard(before, "error: estop: ", 1);
    host_got_oks(before, 3);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, ""), 0);
}

/* Halted by the host's M112: nothing is latched, and there is no head that could arrive. */
static void m81_and_m62_need_no_motion_of_a_printer_that_is_halted(void **unused)
{
    uint64_t before;

    (void)unused;
    arm();
    host_says("M112");
    run_ms(1000);
    assert_int_equal(proxy.router.printer_state, PRINTER_HALTED);
    before = world.entries;
    host_says("M62 Plight");
    assert_true(sim_board_output(&world.board, LIGHT));
    host_says("M81");
    run_ms(5000);
    host_heard(before, "error", 0);
    host_got_oks(before, 2);
    expect_psu("off", false);
}

static void a_send_is_still_refused_while_latched(void **unused)
{
    struct request request = {.kind = REQUEST_SEND, .line = "G28"};

    (void)unused;
    latch();
    world_ask(&world, &request, 7);
    run_ms(100);
    assert_false(world.answer.ok);
}

static void a_latch_without_a_button_in_the_config_opens_on_request_alone(void **unused)
{
    static char saved[ORDER_TEXT];
    uint64_t before;

    (void)unused;
    latch();
    memcpy(saved, world.saved, sizeof saved);
    kit.settings.estop.point = POINT_NONE;
    options.saved = span_of(saved);
    begin();
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
    assert_int_equal(seen(0, WORLD_EVENT, PROXY_HOST, "still latched"), 1);
    before = world.entries;
    host_says("G28");
    host_heard(before, "error: estop: ", 1);
    host_says("M62 Pheld");
    assert_false(sim_board_output(&world.board, HELD));
    world_ask(&world, &(struct request){.kind = REQUEST_RESET}, 7);
    run_ms(100);
    assert_true(world.answer.ok);
    assert_int_equal(proxy.estop.state, ESTOP_NONE);
    assert_false(span_contains(span_of(world.saved), SPAN("latch")));
    host_says("M62 Pheld");
    assert_true(sim_board_output(&world.board, HELD));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(m81_switches_off_while_latched),
        TEST(m62_and_m63_switch_at_once_while_latched_but_not_what_the_halt_holds),
        TEST(m81_and_m62_need_no_motion_of_a_printer_that_is_halted),
        TEST(a_send_is_still_refused_while_latched),
        TEST(a_latch_without_a_button_in_the_config_opens_on_request_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
