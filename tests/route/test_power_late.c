#include "power_bench.h"

static void one_that_comes_late_is_asked_now_and_then(void **unused)
{
    (void)unused;
    is_off();
    power_port(&power, false, now);
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    expect("set on");
    see(POINT_ON);
    power_switched(&power, true, now);
    wait(set.boot_ms);
    expect("changed, on failed");
    assert_true(power.standin);
    /* Its port opens when `boot` is over. */
    power_port(&power, true, now);
    wait(0);
    expect("ask");
    wait(POWER_ANSWER_MS);
    expect("ask");
    for (; power.state == POWER_BOOTING; power.actions = 0)
        wait(POWER_ANSWER_MS);
    wait(POWER_RETRY_MS);
    expect("ask");
    heard(false);
    expect("no standin, send M115");
    power_answered(&power, now);
    expect("on done");
}

static void sense_that_lags_hinders_nobody(void **unused)
{
    (void)unused;
    set.sense = 2;
    power_reload(&power, &set, now);
    power_see(&power, POINT_ON, POINT_ON, now);
    assert_int_equal(off(0, false, false, false), POWER_STARTED);
    expect("changed, set off");
    power_see(&power, POINT_OFF, POINT_ON, now);
    power_switched(&power, true, now);
    expect("");
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    expect("set on, off failed");
    assert_string_equal(said, "it is switched on again");
    power_see(&power, POINT_ON, POINT_ON, now);
    power_switched(&power, true, now);
    power_see(&power, POINT_ON, POINT_OFF, now);
    power_see(&power, POINT_ON, POINT_ON, now);
    assert_true(power_boots(&power));
    heard(true);
    expect("changed, send M115");
}

static void sense_that_stays_off_ends_in_the_stand_in(void **unused)
{
    (void)unused;
    set.sense = 2;
    power_reload(&power, &set, now);
    power_see(&power, POINT_OFF, POINT_ON, now);
    expect("changed");
    power_see(&power, POINT_OFF, POINT_OFF, now);
    power_see(&power, POINT_OFF, POINT_ON, now);
    assert_int_equal(off(0, false, false, false), POWER_STARTED);
    power_switched(&power, true, now);
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    power_see(&power, POINT_ON, POINT_ON, now);
    power_switched(&power, true, now);
    power_see(&power, POINT_ON, POINT_OFF, now);
    assert_int_equal(power.state, POWER_BOOTING);
    for (; power.state == POWER_BOOTING; power.actions = 0, power.notes = 0)
        wait(POWER_ANSWER_MS);
    assert_int_equal(power.state, POWER_CHECKING);
    wait(POWER_SETTLE_MS);
    expect("ask");
    wait(POWER_ANSWER_MS);
    expect("standin");
}

/* It is there by USB power; the supply has a switch of its own, or `sense` lags. */
static void a_printer_that_answers_is_not_on_before_sense_says_so(void **unused)
{
    (void)unused;
    set.sense = 2;
    power_reload(&power, &set, now);
    power_see(&power, POINT_OFF, POINT_OFF, now);
    wait(POWER_SETTLE_MS);
    heard(false);
    expect("changed, ask");
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    power_see(&power, POINT_ON, POINT_OFF, now);
    power_switched(&power, true, now);
    wait(0);
    heard(false);
    expect("set on, ask");
    assert_int_equal(power.state, POWER_SENSING);
    power_see(&power, POINT_ON, POINT_ON, now);
    expect("changed, on done");
    assert_int_equal(power.state, POWER_RESTS);
}

static void a_printer_that_answers_without_power_is_told(void **unused)
{
    (void)unused;
    set.sense = 2;
    power_reload(&power, &set, now);
    power_see(&power, POINT_OFF, POINT_OFF, now);
    wait(POWER_SETTLE_MS);
    heard(false);
    expect("changed, ask");
    power_on(&power, now);
    power_see(&power, POINT_ON, POINT_OFF, now);
    power_switched(&power, true, now);
    wait(0);
    heard(true);
    expect("set on, ask, send M115");
    power_answered(&power, now);
    expect("");
    heard(false);
    expect("");
    wait(set.boot_ms);
    expect("on failed");
    assert_string_equal(said, "the output is switched, but `sense` does not say so");
    wait(POWER_SETTLE_MS);
    heard(false);
    expect("ask");
    assert_false(power.standin);
    assert_string_equal(power_word(&power), "off");
}

static void off_is_done_when_sense_says_so(void **unused)
{
    (void)unused;
    set.sense = 2;
    power_reload(&power, &set, now);
    power_see(&power, POINT_ON, POINT_ON, now);
    assert_int_equal(off(0, false, false, false), POWER_STARTED);
    power_see(&power, POINT_OFF, POINT_ON, now);
    power_switched(&power, true, now);
    expect("changed, set off");
    assert_true(power_doubts(&power));
    assert_int_equal(off(0, false, false, false), POWER_STARTED);
    power_see(&power, POINT_OFF, POINT_OFF, now);
    expect("changed, off done");
    assert_int_equal(power.state, POWER_CHECKING);
}

/* A relay that is welded, or a second switch. */
static void off_that_sense_does_not_see_is_told(void **unused)
{
    (void)unused;
    set.sense = 2;
    power_reload(&power, &set, now);
    power_see(&power, POINT_ON, POINT_ON, now);
    assert_int_equal(off(0, false, false, false), POWER_STARTED);
    power_see(&power, POINT_OFF, POINT_ON, now);
    power_switched(&power, true, now);
    expect("changed, set off");
    wait(POWER_FADE_MS);
    expect("off failed");
    assert_string_equal(said, "the output is switched, but `sense` does not say so");
    assert_int_equal(power.state, POWER_RESTS);
    assert_string_equal(power_word(&power), "on");
}

static void on_again_while_it_does_not_answer_tries_again(void **unused)
{
    (void)unused;
    is_off();
    for (see(POINT_ON); power.state == POWER_BOOTING; power.actions = 0)
        wait(POWER_ANSWER_MS);
    assert_int_equal(power_on(&power, now), POWER_STARTED);
    expect("set on");
    power_switched(&power, true, now);
    assert_true(power_boots(&power));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_that_comes_late_is_asked_now_and_then, set_up),
        cmocka_unit_test_setup(sense_that_lags_hinders_nobody, set_up),
        cmocka_unit_test_setup(sense_that_stays_off_ends_in_the_stand_in, set_up),
        cmocka_unit_test_setup(a_printer_that_answers_is_not_on_before_sense_says_so, set_up),
        cmocka_unit_test_setup(a_printer_that_answers_without_power_is_told, set_up),
        cmocka_unit_test_setup(off_is_done_when_sense_says_so, set_up),
        cmocka_unit_test_setup(off_that_sense_does_not_see_is_told, set_up),
        cmocka_unit_test_setup(on_again_while_it_does_not_answer_tries_again, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
