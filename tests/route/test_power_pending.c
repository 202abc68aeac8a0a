#include <stdio.h>

#include "power_bench.h"

static void in_a_print_only_the_stream_may_ask_and_waits_for_the_end(void **unused)
{
    (void)unused;
    is_on();
    power_print(&power, true, now);
    assert_int_equal(off(0, false, false, false), POWER_REFUSED);
    assert_int_equal(off(0, true, false, false), POWER_REFUSED);
    expect("");
    assert_int_equal(off(0, false, true, false), POWER_KEPT); /* M81 as the file's last line */
    expect("told");
    assert_string_equal(said, "psu: off when the print has ended");
    wait(3600000);
    expect("");
    power_print(&power, false, now);
    expect("set off");
}

static void force_is_force(void **unused)
{
    (void)unused;
    is_on();
    power_print(&power, true, now);
    assert_int_equal(off(0, false, false, true), POWER_STARTED);
    expect("set off");
}

static void the_delay_begins_when_the_print_ends(void **unused)
{
    (void)unused;
    is_on();
    power_print(&power, true, now);
    off(60000, false, true, false);
    wait(600000);
    expect("told");
    power_print(&power, false, now);
    wait(59999);
    expect("");
    wait(1);
    expect("set off");
}

static void without_a_print_the_delay_begins_at_once(void **unused)
{
    (void)unused;
    is_on();
    assert_int_equal(off(5000, false, true, false), POWER_KEPT);
    wait(4999);
    expect("");
    wait(1);
    expect("set off");
}

static void when_cool_the_printer_is_asked_until_it_is(void **unused)
{
    (void)unused;
    is_on();
    assert_int_equal(off(0, true, false, false), POWER_KEPT);
    expect("told");
    assert_string_equal(said, "psu: off when all is cool");
    wait(0);
    expect("ask");
    power_cold(&power, false, now);
    wait(POWER_ASK_MS - 1);
    expect("");
    wait(1);
    expect("ask");
    power_cold(&power, true, now);
    expect("set off");
}

static void delay_and_cool_come_one_after_the_other(void **unused)
{
    (void)unused;
    is_on();
    power_print(&power, true, now);
    off(10000, true, true, false);
    expect("told");
    power_print(&power, false, now);
    wait(10000);
    expect("ask, told");
    power_cold(&power, true, now);
    expect("set off");
}

static void what_falls_due_while_the_board_is_lost_waits_for_the_board(void **unused)
{
    (void)unused;
    is_on();
    off(3000, false, false, false);
    see(POINT_UNKNOWN);
    wait(60000);
    expect("changed");
    see(POINT_ON);
    wait(0);
    expect("changed, set off");
    set_up(NULL);
    is_on();
    off(0, true, false, false);
    wait(0);
    expect("ask, told");
    see(POINT_UNKNOWN);
    power_cold(&power, true, now);
    wait(60000);
    expect("changed");
    see(POINT_ON);
    wait(0);
    expect("changed, ask");
    power_cold(&power, true, now);
    expect("set off");
}

static void
a_print_that_ends_while_the_board_is_lost_has_its_m81_done_once_it_is_back(void **unused)
{
    (void)unused;
    is_on();
    power_print(&power, true, now);
    off(0, false, true, false);
    see(POINT_UNKNOWN);
    expect("changed, told");
    power_print(&power, false, now);
    wait(60000);
    expect("");
    see(POINT_ON);
    wait(0);
    expect("changed, set off");
}

static void what_nobody_asked_for_or_is_old_is_no_answer(void **unused)
{
    (void)unused;
    is_on();
    power_cold(&power, true, now);
    off(0, true, false, false);
    expect("told");
    power_cold(&power, true, now); /* not asked yet */
    expect("");
    wait(0);
    expect("ask");
    now = instant_after_ms(now, POWER_FRESH_MS + 1);
    power_cold(&power, true, now);
    expect("");
    wait(0);
    expect("ask");
    now = instant_after_ms(now, POWER_FRESH_MS);
    power_cold(&power, true, now);
    expect("set off");
}

static void a_printer_that_does_not_answer_is_not_cool(void **unused)
{
    (void)unused;
    is_on();
    off(0, true, false, false);
    expect("told");
    for (int i = 0; i < 1000; i++) {
        wait(POWER_ASK_MS);
        expect("ask");
    }
    power_port(&power, false, now);
    wait(3600000);
    expect("");
    assert_int_equal(power.pending, POWER_WHEN_COOL);
}

static void m80_cancels_what_is_pending(void **unused)
{
    (void)unused;
    is_on();
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            power_print(&power, true, now);
        off(60000, i == 1, true, false);
        assert_int_equal(power_on(&power, now), POWER_IS_SO);
        assert_string_equal(power_word(&power), "on");
        expect(i == 2 ? "told, told" : "told");
        assert_string_equal(said, "psu: stays on, switching it off is cancelled");
    }
    power_print(&power, false, now);
    wait(3600000);
    expect("");
}

static void a_print_that_begins_cancels_what_is_pending(void **unused)
{
    (void)unused;
    is_on();
    off(60000, false, true, false);
    power_print(&power, true, now);
    expect("told");
    assert_string_equal(said, "psu: stays on, switching it off is cancelled");
    wait(3600000);
    power_print(&power, false, now);
    wait(3600000);
    expect("");
}

static void the_last_m81_counts(void **unused)
{
    (void)unused;
    is_on();
    off(60000, false, true, false);
    off(0, true, true, false);
    expect("told");
    wait(0);
    expect("ask");
    assert_int_equal(off(0, false, true, false), POWER_STARTED);
    expect("set off");
}

static void power_that_is_gone_leaves_nothing_pending(void **unused)
{
    (void)unused;
    is_on();
    off(60000, false, true, false);
    see(POINT_OFF);
    expect("changed");
    wait(120000);
    expect("ask");
    wait(120000);
    expect("standin");
    wait(3600000);
    expect("");
}

static void idle_and_cool_goes_off(void **unused)
{
    (void)unused;
    set.off_when_idle_ms = 1800000;
    power_init(&power, &set, now);
    power_port(&power, true, now);
    is_on();
    wait(1799999);
    expect("");
    wait(1);
    expect("ask");
    power_cold(&power, false, now);
    wait(POWER_ASK_MS);
    expect("ask");
    power_cold(&power, true, now);
    expect("set off");
}

static void work_is_not_idleness_and_polls_are_no_work(void **unused)
{
    static const char *const polls[] = {"M105", "N5 M105", "M27", "M155 S2", "M117 idle",
                                        "M114", "M115",    "M20", "M110 N0", "FOO"};

    (void)unused;
    set.off_when_idle_ms = 600000;
    power_init(&power, &set, now);
    power_port(&power, true, now);
    is_on();
    wait(599999);
    host("G28");
    wait(599000);
    for (size_t i = 0; i < sizeof(polls) / sizeof(polls[0]); i++)
        host(polls[i]);
    wait(1000);
    expect("ask");     /* idle */
    host("M104 S200"); /* and not any more */
    power_cold(&power, true, now);
    wait(599999);
    expect("");
    wait(1);
    expect("ask");
}

static void a_print_is_not_idle_and_its_end_begins_it_anew(void **unused)
{
    (void)unused;
    set.off_when_idle_ms = 600000;
    power_init(&power, &set, now);
    power_port(&power, true, now);
    is_on();
    power_print(&power, true, now);
    wait(36000000); /* paused for hours */
    expect("");
    power_print(&power, false, now);
    wait(599999);
    expect("");
    wait(1);
    expect("ask");
    power_print(&power, true, now); /* while it cools: nothing to tell anybody */
    power_cold(&power, true, now);
    expect("");
}

static void switched_on_begins_it_anew_and_off_is_not_idle(void **unused)
{
    (void)unused;
    set.off_when_idle_ms = 600000;
    power_init(&power, &set, now);
    power_port(&power, true, now);
    is_off();
    wait(3600000);
    expect("");
    power_on(&power, now);
    power_switched(&power, true, now);
    see(POINT_ON);
    heard(true);
    expect("changed, set on, no standin, send M115");
    power_answered(&power, now);
    expect("on done");
    wait(599999);
    expect("");
    wait(1);
    expect("ask");
}

static void idleness_does_not_shorten_what_is_pending(void **unused)
{
    (void)unused;
    set.off_when_idle_ms = 600000;
    power_init(&power, &set, now);
    power_port(&power, true, now);
    is_on();
    off(3600000, false, true, false);
    wait(3599999);
    expect("");
    wait(1);
    expect("set off");
}

/* What a restart makes of what is pending: empty if nothing of it is kept. */
static const char *kept(void)
{
    static char bytes[POWER_KEPT_TEXT];
    struct text text = {bytes, sizeof bytes - 1, 0, false};

    power_keep(&power, &text);
    bytes[text.length] = '\0';
    assert_false(text.cut);
    return bytes;
}

static void restart(const char *line)
{
    char copy[POWER_KEPT_TEXT];

    snprintf(copy, sizeof copy, "%s", line);
    set_up(NULL);
    assert_true(power_recall(&power, span_of(copy), now));
}

static void what_is_asked_for_outlives_a_restart(void **unused)
{
    (void)unused;
    is_on();
    assert_string_equal(kept(), "");
    off(0, true, false, false);
    assert_string_equal(kept(), "psu off cool");
    restart(kept());
    expect("told");
    assert_string_equal(said, "psu: off is still to come, as asked for before the restart");
    assert_string_equal(kept(), "psu off cool");
    wait(60000);
    expect(""); /* the board does not tell yet whether it is on */
    see(POINT_ON);
    wait(0);
    expect("changed, ask");
    power_cold(&power, true, now);
    expect("set off");
    assert_string_equal(kept(), "");
}

static void a_delay_begins_anew_after_a_restart(void **unused)
{
    (void)unused;
    is_on();
    off(90000, false, false, false);
    assert_string_equal(kept(), "psu off after 90s");
    restart(kept());
    see(POINT_ON);
    expect("changed, told");
    wait(89999);
    expect("");
    wait(1);
    expect("set off");
    set_up(NULL);
    is_on();
    off(60000, true, false, false);
    assert_string_equal(kept(), "psu off after 1min cool");
    restart(kept());
    assert_string_equal(kept(), "psu off after 1min cool");
}

static void what_waited_for_a_prints_end_waits_for_the_heaters_after_a_restart(void **unused)
{
    (void)unused;
    is_on();
    power_print(&power, true, now);
    off(0, false, true, false);
    assert_string_equal(kept(), "psu off cool");
    off(60000, false, true, false);
    assert_string_equal(kept(), "psu off after 1min cool");
}

static void what_a_restart_ends_is_not_kept(void **unused)
{
    static const char *const lines[] = {
        "psu off", "psu off ", "psu off later", "psu off after 60 cool", "psu off after 60s hot",
        "psu off after 0s", "psu on", "latch estop"};

    (void)unused;
    set.off_when_idle_ms = 1000;
    power_reload(&power, &set, now);
    is_on();
    wait(1000);
    assert_int_equal(power.pending, POWER_WHEN_COOL); /* idleness counts anew */
    assert_string_equal(kept(), "");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_false(power_recall(&power, span_of(lines[i]), now));
    restart("psu off cool");
    see(POINT_OFF); /* somebody else has done it */
    assert_string_equal(kept(), "");
    restart("psu off cool");
    power_on(&power, now);
    assert_string_equal(kept(), "");
    restart("psu off cool");
    see(POINT_ON);
    power_print(&power, true, now);
    assert_string_equal(kept(), "");
    set.point = POINT_NONE;
    power_init(&power, &set, now);
    assert_true(power_recall(&power, SPAN("psu off cool"), now));
    assert_string_equal(kept(), "");
}

static void whatever_comes_the_promises_hold(void **unused)
{
    static const char *const lines[] = {"G28", "M105", "M155 S2", "M113 S0", "M27 S1", "FOO"};
    uint32_t random = 11;

    (void)unused;
    set.off_when_idle_ms = 30000;
    for (unsigned i = 0; i < 300000; i++) {
        struct power_action action;
        unsigned argument;

        random = random * 1664525 + 1013904223;
        argument = random >> 16 & 0xff;
        switch (random >> 28) {
        case 0: power_on(&power, now); break;
        case 1: off(argument % 2 ? 3000 : 0, argument & 4, argument & 8, argument % 7 == 0); break;
        case 2:
        case 3:
            power_see(&power, (enum point_state)(argument % 3),
                      (enum point_state)(argument / 4 % 3), now);
            break;
        case 4: power_switched(&power, argument & 1, now); break;
        case 5: power_port(&power, argument & 1, now); break;
        case 6:
        case 7: heard(argument % 4 == 0); break;
        case 8: power_cold(&power, argument & 1, now); break;
        case 9: power_answered(&power, now); break;
        case 10: power_print(&power, argument & 1, now); break;
        case 11: host(lines[argument % 6]); break;
        case 12: power_on_for_line(&power, now); break;
        case 13:
            if (argument % 16 == 0) {
                set.point = argument & 16 ? POINT_NONE : 1;
                set.sense = argument & 32 ? POINT_NONE : 2;
                set.auto_on = (enum auto_on)(argument / 64 % 3);
                power_reload(&power, &set, now);
            }
            break;
        default: wait(argument * 50); break;
        }
        check();
        while (random >> 24 & 3 && power_next_action(&power, &action))
            check();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(in_a_print_only_the_stream_may_ask_and_waits_for_the_end, set_up),
        cmocka_unit_test_setup(force_is_force, set_up),
        cmocka_unit_test_setup(the_delay_begins_when_the_print_ends, set_up),
        cmocka_unit_test_setup(without_a_print_the_delay_begins_at_once, set_up),
        cmocka_unit_test_setup(when_cool_the_printer_is_asked_until_it_is, set_up),
        cmocka_unit_test_setup(delay_and_cool_come_one_after_the_other, set_up),
        cmocka_unit_test_setup(what_falls_due_while_the_board_is_lost_waits_for_the_board, set_up),
        cmocka_unit_test_setup(
            a_print_that_ends_while_the_board_is_lost_has_its_m81_done_once_it_is_back, set_up),
        cmocka_unit_test_setup(what_nobody_asked_for_or_is_old_is_no_answer, set_up),
        cmocka_unit_test_setup(a_printer_that_does_not_answer_is_not_cool, set_up),
        cmocka_unit_test_setup(m80_cancels_what_is_pending, set_up),
        cmocka_unit_test_setup(a_print_that_begins_cancels_what_is_pending, set_up),
        cmocka_unit_test_setup(the_last_m81_counts, set_up),
        cmocka_unit_test_setup(power_that_is_gone_leaves_nothing_pending, set_up),
        cmocka_unit_test_setup(idle_and_cool_goes_off, set_up),
        cmocka_unit_test_setup(work_is_not_idleness_and_polls_are_no_work, set_up),
        cmocka_unit_test_setup(a_print_is_not_idle_and_its_end_begins_it_anew, set_up),
        cmocka_unit_test_setup(switched_on_begins_it_anew_and_off_is_not_idle, set_up),
        cmocka_unit_test_setup(idleness_does_not_shorten_what_is_pending, set_up),
        cmocka_unit_test_setup(what_is_asked_for_outlives_a_restart, set_up),
        cmocka_unit_test_setup(a_delay_begins_anew_after_a_restart, set_up),
        cmocka_unit_test_setup(what_waited_for_a_prints_end_waits_for_the_heaters_after_a_restart,
                               set_up),
        cmocka_unit_test_setup(what_a_restart_ends_is_not_kept, set_up),
        cmocka_unit_test_setup(whatever_comes_the_promises_hold, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
