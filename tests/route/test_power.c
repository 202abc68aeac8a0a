#include "power_bench.h"

static void without_a_psu_nothing_is_switched(void **unused)
{
    (void)unused;
    set.point = POINT_NONE;
    power_init(&power, &set, now);
    see(POINT_ON);
    heard(true);
    host("G28");
    power_print(&power, true, now);
    power_port(&power, false, now);
    assert_int_equal(power_on(&power, now), POWER_NO_PSU);
    assert_int_equal(off(0, false, true, true), POWER_NO_PSU);
    assert_false(power_on_for_line(&power, now));
    assert_string_equal(power_word(&power), "none");
    wait(3600000);
    expect("");
}

static void the_state_is_the_points(void **unused)
{
    (void)unused;
    assert_string_equal(power_word(&power), "unknown");
    is_on();
    assert_string_equal(power_word(&power), "on");
    see(POINT_ON);
    expect("");
    see(POINT_UNKNOWN);
    assert_string_equal(power_word(&power), "unknown");
    expect("changed");
}

static void sense_knows_better(void **unused)
{
    (void)unused;
    set.sense = 2;
    power_init(&power, &set, now);
    power_see(&power, POINT_ON, POINT_OFF, now);
    assert_string_equal(power_word(&power), "off");
    power_see(&power, POINT_ON, POINT_ON, now);
    assert_string_equal(power_word(&power), "on");
    power_see(&power, POINT_ON, POINT_UNKNOWN, now);
    assert_string_equal(power_word(&power), "unknown");
}

static void off_at_start_the_stand_in_answers_once_the_printer_does_not(void **unused)
{
    (void)unused;
    is_off();
    assert_false(power_boots(&power));
}

static void off_without_a_port_the_stand_in_answers_at_once(void **unused)
{
    (void)unused;
    power_port(&power, false, now);
    see(POINT_OFF);
    expect("changed, standin");
}

static void a_port_that_goes_while_it_is_checked_settles_the_question(void **unused)
{
    (void)unused;
    see(POINT_OFF);
    expect("changed");
    power_port(&power, false, now);
    expect("standin");
    power_port(&power, false, now);
    expect("");
}

static void a_printer_that_lives_on_usb_power_answers_for_itself(void **unused)
{
    (void)unused;
    see(POINT_OFF);
    wait(500);
    expect("changed");
    heard(false); /* its last words, for all we know */
    wait(POWER_SETTLE_MS);
    expect("ask");
    wait(1000);
    heard(false);
    wait(60000);
    expect("");
    assert_false(power.standin);
    power_port(&power, false, now); /* and is unplugged */
    expect("standin");
}

static void m80_waits_for_start_and_tells_the_intervals_again(void **unused)
{
    (void)unused;
    is_off();
    host("M155 S2");
    host("M154 S5");
    host("M113 S2");
    host("M27 S1.5");
    host("M27");
    host("M154 S0");
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    expect("set on");
    see(POINT_ON);
    power_switched(&power, true, now);
    assert_true(power_boots(&power));
    wait(0);
    expect("changed, ask");
    wait(1500);
    expect("");
    heard(true);
    expect("no standin, send M115");
    assert_true(power_boots(&power));
    power_answered(&power, now);
    expect("send M155 S2");
    power_answered(&power, now);
    expect("send M113 S2");
    power_answered(&power, now);
    expect("send M27 S1.5");
    power_answered(&power, now);
    expect("on done");
    assert_false(power_boots(&power));
    power_answered(&power, now);
    wait(60000);
    expect("");
}

static void m80_waits_for_any_answer_of_a_printer_without_start(void **unused)
{
    (void)unused;
    is_off();
    power_on(&power, now);
    power_switched(&power, true, now);
    expect("set on");
    wait(0);
    expect("ask");
    wait(POWER_ANSWER_MS);
    expect("ask");
    wait(POWER_ANSWER_MS - 1);
    expect("");
    wait(1);
    expect("ask");
    heard(false);
    expect("no standin, send M115");
    power_answered(&power, now);
    expect("on done");
}

static void a_printer_that_boots_behind_its_first_answer_is_told_anew(void **unused)
{
    (void)unused;
    is_off();
    host("M155 S2");
    power_on(&power, now);
    power_switched(&power, true, now);
    heard(false);
    expect("set on, no standin, send M115");
    power_answered(&power, now);
    expect("send M155 S2");
    heard(false);
    heard(true);
    expect("send M115");
    power_answered(&power, now);
    power_answered(&power, now); /* of a line not taken yet: nobody's */
    expect("send M155 S2");
    power_answered(&power, now);
    expect("on done");
}

static void what_is_not_answered_in_the_replay_is_left_out(void **unused)
{
    (void)unused;
    is_off();
    host("M155 S2");
    power_on(&power, now);
    power_switched(&power, true, now);
    heard(true);
    expect("set on, no standin, send M115");
    wait(POWER_ANSWER_MS);
    expect("send M155 S2");
    wait(POWER_ANSWER_MS);
    expect("on done");
}

static void a_printer_that_does_not_boot_in_time_is_told(void **unused)
{
    (void)unused;
    is_off();
    power_on(&power, now);
    power_switched(&power, true, now);
    see(POINT_ON);
    expect("changed, set on");
    for (int i = 0; i < 4; i++) {
        wait(POWER_ANSWER_MS);
        expect("ask");
    }
    wait(POWER_ANSWER_MS);
    expect("on failed");
    assert_string_equal(said, "it is on, but the printer does not answer");
    assert_true(power.standin);
    heard(true); /* later than it should: its `start` is everybody's */
    assert_false(power_boots(&power));
    expect("no standin, send M115");
}

static void a_printer_that_lived_on_usb_power_needs_no_boot(void **unused)
{
    (void)unused;
    host("M155 S2");
    see(POINT_OFF);
    expect("changed");
    wait(POWER_SETTLE_MS);
    heard(false);
    expect("ask");
    heard(false);
    power_on(&power, now);
    expect("set on");
    power_switched(&power, true, now);
    see(POINT_ON);
    wait(0);
    expect("changed, ask");
    heard(false);
    expect("on done");
    assert_int_equal(power.state, POWER_RESTS);
}

static void a_printer_that_is_reset_by_its_power_is_told_the_intervals(void **unused)
{
    (void)unused;
    host("M155 S2");
    see(POINT_OFF);
    wait(POWER_SETTLE_MS);
    heard(false);
    expect("changed, ask");
    power_on(&power, now);
    power_switched(&power, true, now);
    expect("set on");
    heard(true);
    expect("send M115");
    assert_true(power_boots(&power));
}

static void m80_while_it_is_on_is_done(void **unused)
{
    (void)unused;
    is_on();
    assert_int_equal(power_on(&power, now), POWER_IS_SO);
    expect("");
}

static void m80_twice_waits_twice(void **unused)
{
    (void)unused;
    is_off();
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    expect("set on");
    power_switched(&power, true, now);
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    heard(true);
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    power_answered(&power, now);
    expect("no standin, send M115");
    power_answered(&power, now);
    expect("on done");
}

static void an_output_that_does_not_switch_is_told(void **unused)
{
    (void)unused;
    is_off();
    power_on(&power, now);
    power_switched(&power, false, now);
    expect("set on, on failed");
    assert_string_equal(said, "the output does not switch");
    set_up(NULL);
    is_on();
    assert_int_equal(off(0, false, false, false), POWER_STARTED);
    power_switched(&power, false, now);
    expect("set off, off failed");
    power_switched(&power, true, now); /* of nothing */
    expect("");
}

static void power_that_goes_while_it_boots_is_told(void **unused)
{
    (void)unused;
    set.sense = 2;
    power_init(&power, &set, now);
    power_port(&power, true, now);
    power_see(&power, POINT_OFF, POINT_OFF, now);
    power_port(&power, false, now);
    expect("changed, standin");
    power_on(&power, now);
    power_switched(&power, true, now);
    power_see(&power, POINT_ON, POINT_ON, now);
    expect("changed, set on");
    wait(POWER_SETTLE_MS + 1);
    power_see(&power, POINT_ON, POINT_OFF, now);
    expect("changed, on failed");
    assert_string_equal(said, "it went off again");
    assert_int_equal(power.state, POWER_RESTS);
    power_port(&power, true, now);
    power_on(&power, now);
    power_switched(&power, true, now);
    power_see(&power, POINT_ON, POINT_ON, now);
    heard(true);
    expect("changed, set on, no standin, send M115");
    power_see(&power, POINT_ON, POINT_OFF, now);
    expect("changed, on failed");
    wait(POWER_SETTLE_MS);
    expect("ask");
    wait(POWER_ANSWER_MS);
    expect("standin");
}

static void off_and_on_again_overtake_each_other(void **unused)
{
    (void)unused;
    is_on();
    assert_int_equal(off(0, false, false, false), POWER_STARTED);
    assert_int_equal(off(0, false, false, false), POWER_STARTED);
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    expect("set on, off failed");
    assert_string_equal(said, "it is switched on again");
    assert_int_equal(off(0, false, false, false), POWER_STARTED);
    expect("set off, on failed");
    assert_string_equal(said, "it went off again");
}

static void off_is_off_and_then_the_printer_is_looked_at(void **unused)
{
    (void)unused;
    is_on();
    off(0, false, false, false);
    expect("set off");
    see(POINT_OFF);
    power_switched(&power, true, now);
    expect("changed, off done");
    wait(POWER_SETTLE_MS);
    expect("ask");
    wait(POWER_ANSWER_MS);
    expect("standin");
    assert_int_equal(off(0, false, false, false), POWER_IS_SO);
    assert_int_equal(off(10000, true, true, true), POWER_IS_SO);
    expect("");
}

static void off_by_somebody_else_is_looked_at_too(void **unused)
{
    (void)unused;
    is_on();
    power_print(&power, true, now);
    see(POINT_OFF); /* the board was reset, or the machine is halted */
    expect("changed, told");
    assert_string_equal(said, "psu: the power is gone in mid-print");
    wait(POWER_SETTLE_MS);
    expect("ask");
    wait(POWER_ANSWER_MS);
    expect("standin");
}

static void on_by_somebody_else_ends_the_stand_in_when_the_printer_is_there(void **unused)
{
    (void)unused;
    is_off();
    host("M155 S2");
    see(POINT_ON);
    wait(0);
    expect("changed, ask");
    assert_false(power_boots(&power)); /* its start is nobody's doing */
    heard(true);
    expect("no standin, send M115");
    assert_false(power_boots(&power));
}

static void on_again_before_it_was_looked_at_changes_nothing(void **unused)
{
    (void)unused;
    is_on();
    see(POINT_OFF);
    see(POINT_ON);
    wait(60000);
    expect("changed");
    assert_false(power.standin);
}

static void a_port_that_opens_while_it_is_off_is_looked_at(void **unused)
{
    (void)unused;
    power_port(&power, false, now);
    see(POINT_OFF);
    expect("changed, standin");
    power_port(&power, true, now); /* its USB chip is powered by us */
    power_port(&power, true, now);
    wait(POWER_SETTLE_MS);
    expect("ask");
    wait(POWER_ANSWER_MS);
    expect("");
    assert_true(power.standin);
    power_port(&power, false, now);
    power_port(&power, true, now);
    wait(POWER_SETTLE_MS);
    expect("ask");
    heard(false);
    expect("no standin, send M115");
    assert_false(power_boots(&power));
}

static void what_the_printer_says_in_the_replay_does_not_begin_it_anew(void **unused)
{
    (void)unused;
    is_off();
    host("M155 S2");
    power_on(&power, now);
    power_switched(&power, true, now);
    heard(true);
    expect("set on, no standin, send M115");
    heard(false); /* its report */
    expect("");
    power_answered(&power, now);
    heard(false);
    expect("send M155 S2");
}

static void a_port_that_opens_while_it_boots_is_asked_at_once(void **unused)
{
    (void)unused;
    power_port(&power, false, now);
    see(POINT_OFF);
    power_on(&power, now);
    power_switched(&power, true, now);
    expect("changed, set on, standin");
    wait(2500);
    expect("");
    power_port(&power, true, now);
    wait(0);
    expect("ask");
}

static void auto_on_switches_on_for_a_command(void **unused)
{
    (void)unused;
    set.auto_on = AUTO_ON_COMMAND;
    power_init(&power, &set, now);
    power_port(&power, true, now);
    assert_false(power_on_for_line(&power, now)); /* unknown is not off */
    is_off();
    assert_true(power_on_for_line(&power, now));
    assert_true(power_on_for_line(&power, now));
    expect("set on");
    power_switched(&power, true, now);
    assert_true(power_on_for_line(&power, now));
    heard(true);
    assert_true(power_on_for_line(&power, now));
    power_answered(&power, now);
    expect("no standin, send M115");
    power_answered(&power, now);
    see(POINT_ON);
    expect("changed, on done");
    assert_false(power_on_for_line(&power, now)); /* it passes by itself */
}

static void auto_on_for_a_print_needs_a_print(void **unused)
{
    (void)unused;
    set.auto_on = AUTO_ON_PRINT;
    power_init(&power, &set, now);
    power_port(&power, true, now);
    is_off();
    assert_false(power_on_for_line(&power, now));
    power_print(&power, true, now);
    assert_true(power_on_for_line(&power, now));
    expect("set on");
    set.auto_on = AUTO_ON_NEVER;
    power_init(&power, &set, now);
    power_port(&power, true, now);
    power_print(&power, true, now);
    see(POINT_OFF);
    assert_false(power_on_for_line(&power, now));
}

static void what_could_not_be_switched_on_is_not_tried_at_once_again(void **unused)
{
    (void)unused;
    set.auto_on = AUTO_ON_COMMAND;
    power_init(&power, &set, now);
    power_port(&power, true, now);
    is_off();
    assert_true(power_on_for_line(&power, now));
    power_switched(&power, false, now);
    assert_false(power_on_for_line(&power, now));
    expect("set on, on failed");
    wait(POWER_RETRY_MS);
    assert_true(power_on_for_line(&power, now));
}

static void a_reload_adds_and_removes_the_psu(void **unused)
{
    (void)unused;
    is_off();
    power_on(&power, now);
    set.point = POINT_NONE;
    power_reload(&power, &set, now);
    check();
    assert_string_equal(power_word(&power), "none");
    assert_false(power.standin);
    set.point = 4;
    power_reload(&power, &set, now);
    check();
    assert_string_equal(power_word(&power), "unknown");
    set.point = 5;
    see(POINT_ON);
    power_reload(&power, &set, now); /* the same under another index */
    check();
    assert_string_equal(power_word(&power), "on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_psu_nothing_is_switched, set_up),
        cmocka_unit_test_setup(the_state_is_the_points, set_up),
        cmocka_unit_test_setup(sense_knows_better, set_up),
        cmocka_unit_test_setup(off_at_start_the_stand_in_answers_once_the_printer_does_not, set_up),
        cmocka_unit_test_setup(off_without_a_port_the_stand_in_answers_at_once, set_up),
        cmocka_unit_test_setup(a_port_that_goes_while_it_is_checked_settles_the_question, set_up),
        cmocka_unit_test_setup(a_printer_that_lives_on_usb_power_answers_for_itself, set_up),
        cmocka_unit_test_setup(m80_waits_for_start_and_tells_the_intervals_again, set_up),
        cmocka_unit_test_setup(m80_waits_for_any_answer_of_a_printer_without_start, set_up),
        cmocka_unit_test_setup(a_printer_that_boots_behind_its_first_answer_is_told_anew, set_up),
        cmocka_unit_test_setup(what_is_not_answered_in_the_replay_is_left_out, set_up),
        cmocka_unit_test_setup(a_printer_that_does_not_boot_in_time_is_told, set_up),
        cmocka_unit_test_setup(a_printer_that_lived_on_usb_power_needs_no_boot, set_up),
        cmocka_unit_test_setup(a_printer_that_is_reset_by_its_power_is_told_the_intervals, set_up),
        cmocka_unit_test_setup(m80_while_it_is_on_is_done, set_up),
        cmocka_unit_test_setup(m80_twice_waits_twice, set_up),
        cmocka_unit_test_setup(an_output_that_does_not_switch_is_told, set_up),
        cmocka_unit_test_setup(power_that_goes_while_it_boots_is_told, set_up),
        cmocka_unit_test_setup(off_and_on_again_overtake_each_other, set_up),
        cmocka_unit_test_setup(off_is_off_and_then_the_printer_is_looked_at, set_up),
        cmocka_unit_test_setup(off_by_somebody_else_is_looked_at_too, set_up),
        cmocka_unit_test_setup(on_by_somebody_else_ends_the_stand_in_when_the_printer_is_there,
                               set_up),
        cmocka_unit_test_setup(on_again_before_it_was_looked_at_changes_nothing, set_up),
        cmocka_unit_test_setup(a_port_that_opens_while_it_is_off_is_looked_at, set_up),
        cmocka_unit_test_setup(what_the_printer_says_in_the_replay_does_not_begin_it_anew, set_up),
        cmocka_unit_test_setup(a_port_that_opens_while_it_boots_is_asked_at_once, set_up),
        cmocka_unit_test_setup(auto_on_switches_on_for_a_command, set_up),
        cmocka_unit_test_setup(auto_on_for_a_print_needs_a_print, set_up),
        cmocka_unit_test_setup(what_could_not_be_switched_on_is_not_tried_at_once_again, set_up),
        cmocka_unit_test_setup(a_reload_adds_and_removes_the_psu, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
