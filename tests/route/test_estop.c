#include "estop_kit.h"

static void without_a_button_nothing_is_stopped_and_nothing_waits(void **unused)
{
    (void)unused;
    set.point = POINT_NONE;
    begin(false);
    see(ESTOP_UNSEEN);
    wait(60000);
    expect("");
    assert_string_equal(estop_state_word(estop.state), "none");
    assert_int_equal(estop_gate(&estop), ESTOP_PASSES);
    assert_false(estop_holds(&estop));
    estop_trip(&estop, now); /* halts, and latches nothing */
    expect("halt told");
    assert_false(estop_is_latched(&estop));
    assert_int_equal(estop_reset(&estop, true, now), ESTOP_NOT_LATCHED);
    expect("");
}

static void the_first_healthy_report_arms_by_itself(void **unused)
{
    (void)unused;
    begin(false);
    assert_string_equal(estop_state_word(estop.state), "unknown");
    assert_int_equal(estop_gate(&estop), ESTOP_WAITS);
    assert_true(estop_holds(&estop));
    expect("");
    see(ESTOP_HEALTHY);
    expect("release changed");
    assert_string_equal(estop_state_word(estop.state), "armed");
    assert_int_equal(estop_gate(&estop), ESTOP_PASSES);
    assert_false(estop_holds(&estop));
    see(ESTOP_HEALTHY);
    expect("");
}

static void a_press_trips_when_a_fresh_report_says_the_same(void **unused)
{
    (void)unused;
    arm();
    press();
    assert_int_equal(estop_gate(&estop), ESTOP_REFUSES);
    assert_true(estop_holds(&estop));
    assert_true(estop_is_latched(&estop));
}

static void a_single_raw_report_does_nothing(void **unused)
{
    (void)unused;
    arm();
    see(ESTOP_PRESSED);
    expect("confirm");
    assert_int_equal(estop_gate(&estop), ESTOP_PASSES);
    see(ESTOP_HEALTHY); /* what the confirming report says is shown first */
    estop_confirmed(&estop, now);
    wait(60000);
    expect("");
    assert_int_equal(estop.state, ESTOP_ARMED);
}

static void without_debounce_it_trips_on_the_report(void **unused)
{
    (void)unused;
    estop_init(&estop, &set, false, false, now);
    see(ESTOP_HEALTHY);
    expect("release changed");
    see(ESTOP_PRESSED);
    expect("halt save changed told");
}

static void a_board_that_does_not_confirm_trips_after_half_a_second(void **unused)
{
    (void)unused;
    arm();
    see(ESTOP_PRESSED);
    expect("confirm");
    wait(ESTOP_CONFIRM_MS - 1);
    expect("");
    wait(1);
    expect("halt save changed told");
    assert_int_equal(estop.state, ESTOP_TRIPPED);
}

static void a_board_that_is_lost_over_a_press_trips(void **unused)
{
    (void)unused;
    arm();
    see(ESTOP_PRESSED);
    expect("confirm");
    see(ESTOP_UNSEEN);
    expect("halt save changed told");
    assert_int_equal(estop.state, ESTOP_LATCHED);
}

static void a_button_held_at_start_trips(void **unused)
{
    (void)unused;
    begin(false);
    press();
    assert_true(estop_holds(&estop));
}

static void a_button_pressed_while_the_board_was_away_trips(void **unused)
{
    (void)unused;
    arm();
    see(ESTOP_UNSEEN);
    expect("changed");
    assert_int_equal(estop.state, ESTOP_UNKNOWN);
    assert_false(estop_holds(&estop)); /* a lost board must not switch anything by itself */
    press();
}

static void released_is_latched_until_somebody_resets_it(void **unused)
{
    (void)unused;
    arm();
    press();
    assert_int_equal(estop_reset(&estop, true, now), ESTOP_STILL_PRESSED);
    see(ESTOP_HEALTHY);
    expect("changed told");
    assert_string_equal(estop_state_word(estop.state), "latched");
    wait(24 * 3600 * 1000);
    assert_int_equal(estop_gate(&estop), ESTOP_REFUSES);
    assert_int_equal(estop_reset(&estop, false, now), ESTOP_RESET_DONE);
    expect("save changed told");
    assert_int_equal(estop.state, ESTOP_ARMED);
    assert_int_equal(estop_gate(&estop), ESTOP_PASSES);
    assert_int_equal(estop_reset(&estop, false, now), ESTOP_NOT_LATCHED);
}

static void it_is_reset_only_while_the_button_is_seen(void **unused)
{
    (void)unused;
    arm();
    press();
    see(ESTOP_UNSEEN);
    expect("changed");
    assert_int_equal(estop.state, ESTOP_LATCHED);
    assert_int_equal(estop_reset(&estop, true, now), ESTOP_NOT_SEEN);
    see(ESTOP_HEALTHY);
    assert_int_equal(estop_reset(&estop, true, now), ESTOP_RESET_DONE);
}

static void a_reset_resets_a_halted_printer(void **unused)
{
    (void)unused;
    arm();
    press();
    see(ESTOP_HEALTHY);
    expect("changed told");
    estop_reset(&estop, true, now);
    expect("save dtr changed told");
}

static void dtr_is_pulsed_once_per_trip_half_a_second_after_m112(void **unused)
{
    (void)unused;
    set.reset_dtr = true;
    arm();
    press();
    wait(ESTOP_DTR_MS - 1);
    expect("");
    wait(1);
    expect("dtr");
    estop_printer_started(&estop, now);
    expect("m112");
    wait(60000);
    expect("");
    see(ESTOP_HEALTHY);
    expect("changed told");
    see(ESTOP_PRESSED); /* again, while it is latched: halted again, reset never */
    expect("halt changed told");
    wait(60000);
    estop_printer_started(&estop, now);
    expect("m112");
    wait(60000);
    expect("");
}

static void the_next_trip_has_its_own_pulse(void **unused)
{
    (void)unused;
    set.reset_dtr = true;
    arm();
    for (int i = 0; i < 2; i++) {
        press();
        wait(ESTOP_DTR_MS);
        expect("dtr");
        estop_printer_started(&estop, now);
        expect("m112");
        see(ESTOP_HEALTHY);
        estop_reset(&estop, false, now);
        expect("save changed told told");
    }
}

/* It ran on while the stop was tripped: `start` alone brought the M112. */
static void a_printer_whose_start_is_lost_is_stopped_behind_its_reset(void **unused)
{
    (void)unused;
    set.reset_dtr = true;
    arm();
    press();
    wait(ESTOP_DTR_MS);
    expect("dtr");
    wait(ESTOP_BOOTS_MS - 1);
    expect("");
    wait(1);
    expect("m112");
    wait(60000);
    expect("");
}

static void a_reset_in_time_needs_no_pulse_of_the_trip(void **unused)
{
    (void)unused;
    set.reset_dtr = true;
    arm();
    press();
    see(ESTOP_HEALTHY);
    estop_reset(&estop, false, now);
    expect("save changed told told");
    wait(60000);
    expect("");
}

static void a_printer_that_is_off_is_stopped_when_it_comes(void **unused)
{
    (void)unused;
    set.reset_dtr = true;
    arm();
    estop_printer(&estop, false, now);
    press();
    wait(60000);
    expect("");
    estop_printer(&estop, true, now);
    expect("m112");
    wait(ESTOP_DTR_MS);
    expect("dtr");
    estop_printer(&estop, true, now);
    expect("");
    estop_printer(&estop, false, now); /* it re-enumerates */
    estop_printer(&estop, false, now);
    expect("");
    estop_printer(&estop, true, now);
    expect("m112");
    estop_printer_started(&estop, now);
    expect("m112");
    wait(60000);
    expect("");
}

static void a_port_that_closes_before_the_pulse_gets_it_when_it_is_open(void **unused)
{
    (void)unused;
    set.reset_dtr = true;
    arm();
    press();
    estop_printer(&estop, false, now);
    wait(5000);
    expect("");
    estop_printer(&estop, true, now);
    wait(ESTOP_DTR_MS);
    expect("m112 dtr");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_button_nothing_is_stopped_and_nothing_waits, set_up),
        cmocka_unit_test_setup(the_first_healthy_report_arms_by_itself, set_up),
        cmocka_unit_test_setup(a_press_trips_when_a_fresh_report_says_the_same, set_up),
        cmocka_unit_test_setup(a_single_raw_report_does_nothing, set_up),
        cmocka_unit_test_setup(without_debounce_it_trips_on_the_report, set_up),
        cmocka_unit_test_setup(a_board_that_does_not_confirm_trips_after_half_a_second, set_up),
        cmocka_unit_test_setup(a_board_that_is_lost_over_a_press_trips, set_up),
        cmocka_unit_test_setup(a_button_held_at_start_trips, set_up),
        cmocka_unit_test_setup(a_button_pressed_while_the_board_was_away_trips, set_up),
        cmocka_unit_test_setup(released_is_latched_until_somebody_resets_it, set_up),
        cmocka_unit_test_setup(it_is_reset_only_while_the_button_is_seen, set_up),
        cmocka_unit_test_setup(a_reset_resets_a_halted_printer, set_up),
        cmocka_unit_test_setup(dtr_is_pulsed_once_per_trip_half_a_second_after_m112, set_up),
        cmocka_unit_test_setup(the_next_trip_has_its_own_pulse, set_up),
        cmocka_unit_test_setup(a_printer_whose_start_is_lost_is_stopped_behind_its_reset, set_up),
        cmocka_unit_test_setup(a_reset_in_time_needs_no_pulse_of_the_trip, set_up),
        cmocka_unit_test_setup(a_printer_that_is_off_is_stopped_when_it_comes, set_up),
        cmocka_unit_test_setup(a_port_that_closes_before_the_pulse_gets_it_when_it_is_open, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
