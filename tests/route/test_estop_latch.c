#include "estop_kit.h"

static void a_stored_latch_survives_the_restart(void **unused)
{
    (void)unused;
    set.reset_dtr = true;
    estop_init(&estop, &set, true, true, now);
    expect("outputs told");
    assert_int_equal(estop.state, ESTOP_LATCHED);
    assert_int_equal(estop_gate(&estop), ESTOP_REFUSES);
    assert_true(estop_holds(&estop));
    estop_printer(&estop, true, now);
    expect("m112");
    wait(60000); /* the trip's pulse was the last daemon's */
    expect("");
    see(ESTOP_HEALTHY);
    expect("");
    assert_int_equal(estop.state, ESTOP_LATCHED);
    assert_int_equal(estop_reset(&estop, false, now), ESTOP_RESET_DONE);
    expect("save changed told");
    see(ESTOP_UNSEEN); /* the start is over: nothing waits any more */
    assert_int_equal(estop_gate(&estop), ESTOP_PASSES);
    assert_false(estop_holds(&estop));
}

static void a_button_held_over_the_restart_stops_again_without_a_pulse(void **unused)
{
    (void)unused;
    set.reset_dtr = true;
    begin(true);
    see(ESTOP_PRESSED);
    expect("halt changed told told");
    assert_int_equal(estop.state, ESTOP_TRIPPED);
    wait(60000);
    expect("");
}

static void a_board_that_comes_back_does_not_open_the_latch(void **unused)
{
    (void)unused;
    arm();
    press();
    see(ESTOP_UNSEEN);
    expect("changed");
    see(ESTOP_PRESSED);
    expect("halt changed told"); /* of which the outputs are a part */
    see(ESTOP_HEALTHY);
    see(ESTOP_UNSEEN);
    see(ESTOP_HEALTHY);
    expect("changed told"); /* what its outputs are to be is kept while it is gone */
    assert_int_equal(estop.state, ESTOP_LATCHED);
}

static void a_lost_board_is_told_after_ten_seconds(void **unused)
{
    (void)unused;
    arm();
    estop_print(&estop, true, now);
    see(ESTOP_UNSEEN);
    expect("changed");
    wait(ESTOP_LOST_MS - 1);
    expect("");
    wait(1);
    expect("told");
    assert_int_equal(estop_gate(&estop), ESTOP_PASSES);
    see(ESTOP_HEALTHY);
    expect("changed told");
}

static void a_lost_board_that_comes_back_in_time_is_no_matter(void **unused)
{
    (void)unused;
    set.on_board_lost = LOST_STOP;
    arm();
    estop_print(&estop, true, now);
    see(ESTOP_UNSEEN);
    wait(ESTOP_LOST_MS - 1);
    see(ESTOP_HEALTHY);
    wait(60000);
    expect("changed");
}

static void a_lost_board_pauses_a_print_if_wanted(void **unused)
{
    (void)unused;
    set.on_board_lost = LOST_PAUSE;
    arm();
    estop_print(&estop, true, now);
    see(ESTOP_UNSEEN);
    wait(ESTOP_LOST_MS);
    expect("pause changed told");
}

static void a_lost_board_stops_a_print_if_wanted_and_latches(void **unused)
{
    (void)unused;
    set.on_board_lost = LOST_STOP;
    arm();
    estop_print(&estop, true, now);
    see(ESTOP_UNSEEN);
    wait(ESTOP_LOST_MS);
    expect("halt save changed told");
    assert_int_equal(estop.state, ESTOP_LATCHED);
    see(ESTOP_HEALTHY);
    assert_int_equal(estop_gate(&estop), ESTOP_REFUSES);
}

static void a_print_that_begins_with_the_board_lost_is_treated_the_same(void **unused)
{
    (void)unused;
    set.on_board_lost = LOST_PAUSE;
    arm();
    see(ESTOP_UNSEEN);
    wait(ESTOP_LOST_MS);
    expect("changed told"); /* nothing to pause yet */
    estop_print(&estop, true, now);
    expect("pause told");
    estop_print(&estop, true, now);
    expect("");
}

static void at_start_motion_waits_for_the_button_or_for_the_warning(void **unused)
{
    (void)unused;
    begin(false);
    wait(ESTOP_LOST_MS - 1);
    assert_int_equal(estop_gate(&estop), ESTOP_WAITS);
    wait(1);
    expect("told");
    assert_int_equal(estop_gate(&estop), ESTOP_PASSES);
    assert_true(estop_holds(&estop)); /* but nothing is switched on yet */
    set.on_board_lost = LOST_PAUSE;
    begin(false);
    wait(60000);
    assert_int_equal(estop_gate(&estop), ESTOP_WAITS);
    set.on_board_lost = LOST_STOP;
    begin(false);
    wait(60000);
    assert_int_equal(estop_gate(&estop), ESTOP_WAITS);
    assert_int_equal(estop.state, ESTOP_UNKNOWN);
}

static void a_command_stops_and_latches(void **unused)
{
    (void)unused;
    arm();
    estop_trip(&estop, now);
    expect("halt save changed told");
    assert_int_equal(estop.state, ESTOP_LATCHED);
    estop_trip(&estop, now); /* twice */
    expect("halt told");
    assert_int_equal(estop_reset(&estop, false, now), ESTOP_RESET_DONE);
}

static void a_host_that_connects_while_stopped_is_told_and_resets_nothing(void **unused)
{
    (void)unused;
    arm();
    press();
    estop_host_opened(&estop, true, now);
    expect("prompt");
    see(ESTOP_HEALTHY);
    estop_reset(&estop, false, now);
    expect("save prompt_end changed told told");
    press(); /* with nobody there */
    see(ESTOP_HEALTHY);
    estop_reset(&estop, false, now);
    expect("save changed told told");
}

static void openings_within_a_second_reset_the_printer_once(void **unused)
{
    (void)unused;
    arm();
    estop_host_opened(&estop, true, now);
    expect("dtr");
    wait(2);
    estop_host_opened(&estop, true, now);
    wait(ESTOP_OPENS_MS - 1);
    estop_host_opened(&estop, true, now);
    expect("");
    wait(ESTOP_OPENS_MS);
    estop_host_opened(&estop, false, now);
    expect("");
    estop_host_opened(&estop, true, now);
    expect("dtr");
    /* and opening the latch is an opening too */
    press();
    see(ESTOP_HEALTHY);
    estop_reset(&estop, true, now);
    expect("save changed told told");
}

static void the_reset_button_resets_when_it_is_pressed(void **unused)
{
    (void)unused;
    arm();
    press();
    see(ESTOP_HEALTHY);
    expect("changed told");
    estop_reset_button(&estop, POINT_UNKNOWN, POINT_ON, false,
                       now); /* held at the board's return */
    estop_reset_button(&estop, POINT_ON, POINT_OFF, false, now);
    expect("");
    estop_reset_button(&estop, POINT_OFF, POINT_ON, false, now);
    expect("save changed told");
    estop_reset_button(&estop, POINT_OFF, POINT_ON, false, now);
    expect("");
}

static void a_reload_keeps_the_latch(void **unused)
{
    (void)unused;
    arm();
    press();
    set.point = 5;
    estop_reload(&estop, &set, true, true, now); /* the same button under another index */
    expect("");
    assert_int_equal(estop.state, ESTOP_TRIPPED);
    estop_reload(&estop, &set, true, false, now); /* another button */
    expect("changed");
    assert_int_equal(estop_reset(&estop, false, now), ESTOP_NOT_SEEN);
    see(ESTOP_HEALTHY);
    assert_int_equal(estop_gate(&estop), ESTOP_REFUSES);
}

static void a_reload_adds_and_removes_the_emergency_stop(void **unused)
{
    (void)unused;
    set.point = POINT_NONE;
    begin(false);
    set.point = 1;
    estop_reload(&estop, &set, true, false, now);
    expect("changed");
    assert_int_equal(estop_gate(&estop), ESTOP_PASSES); /* a print may be running */
    assert_false(estop_holds(&estop));
    see(ESTOP_HEALTHY);
    expect("changed");
    set.point = POINT_NONE;
    estop_reload(&estop, &set, true, false, now);
    expect("changed");
    assert_int_equal(estop.state, ESTOP_NONE);
}

/* Nobody reloads or restarts a latch away: who takes the button out still has to reset it. */
static void a_latch_outlives_the_button_in_the_config(void **unused)
{
    (void)unused;
    arm();
    press();
    set.point = POINT_NONE;
    estop_reload(&estop, &set, true, false, now);
    expect("changed told");
    assert_int_equal(estop.state, ESTOP_LATCHED);
    assert_int_equal(estop_gate(&estop), ESTOP_REFUSES);
    begin(true);
    assert_int_equal(estop.state, ESTOP_LATCHED);
    expect("m112 outputs told");
    assert_int_equal(estop_reset(&estop, false, now), ESTOP_RESET_DONE);
    expect("save changed told");
    assert_int_equal(estop.state, ESTOP_NONE);
    assert_int_equal(estop_gate(&estop), ESTOP_PASSES);
}

static void every_refusal_has_its_words(void **unused)
{
    (void)unused;
    for (unsigned i = ESTOP_RESET_DONE; i <= ESTOP_NOT_SEEN; i++)
        assert_true(estop_reset_words((enum estop_reset_result)i).length > 10);
}

static void whatever_comes_the_promises_hold(void **unused)
{
    uint32_t random = 7;

    (void)unused;
    begin(false);
    for (unsigned i = 0; i < 200000; i++) {
        struct estop_action action;
        bool latched = estop_is_latched(&estop), released = estop.level == ESTOP_HEALTHY;
        bool reset = false;

        random = random * 1664525 + 1013904223;
        switch (random >> 28) {
        case 0: estop_trip(&estop, now); break;
        case 1:
            estop_reset(&estop, random >> 27 & 1, now);
            reset = true;
            break;
        case 2: estop_printer(&estop, random >> 20 & 1, now); break;
        case 3: estop_printer_started(&estop, now); break;
        case 4: estop_print(&estop, random >> 20 & 1, now); break;
        case 5: estop_host_opened(&estop, random >> 20 & 1, now); break;
        case 6: estop_confirmed(&estop, now); break;
        case 7:
            set.reset_dtr = random >> 20 & 1;
            set.on_board_lost = (enum on_board_lost)((random >> 16) % 3);
            set.point = i == 0 || (random >> 8) % 64 == 0 ? POINT_NONE : 2;
            estop_reload(&estop, &set, random >> 21 & 1, random >> 22 & 1, now);
            break;
        case 8:
        case 9:
        case 10: wait((random >> 16) % 15000); break;
        default:
            if (set.point != POINT_NONE)
                estop_see(&estop, (enum estop_level)((random >> 16) % 3), now);
            break;
        }
        check();
        if (latched && !estop_is_latched(&estop) &&
            !(reset && (released || set.point == POINT_NONE)))
            fail_msg("a latch opened by itself");
        while (random >> 24 & 1 && estop_next_action(&estop, &action))
            check();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_stored_latch_survives_the_restart, set_up),
        cmocka_unit_test_setup(a_button_held_over_the_restart_stops_again_without_a_pulse, set_up),
        cmocka_unit_test_setup(a_board_that_comes_back_does_not_open_the_latch, set_up),
        cmocka_unit_test_setup(a_lost_board_is_told_after_ten_seconds, set_up),
        cmocka_unit_test_setup(a_lost_board_that_comes_back_in_time_is_no_matter, set_up),
        cmocka_unit_test_setup(a_lost_board_pauses_a_print_if_wanted, set_up),
        cmocka_unit_test_setup(a_lost_board_stops_a_print_if_wanted_and_latches, set_up),
        cmocka_unit_test_setup(a_print_that_begins_with_the_board_lost_is_treated_the_same, set_up),
        cmocka_unit_test_setup(at_start_motion_waits_for_the_button_or_for_the_warning, set_up),
        cmocka_unit_test_setup(a_command_stops_and_latches, set_up),
        cmocka_unit_test_setup(a_host_that_connects_while_stopped_is_told_and_resets_nothing,
                               set_up),
        cmocka_unit_test_setup(openings_within_a_second_reset_the_printer_once, set_up),
        cmocka_unit_test_setup(the_reset_button_resets_when_it_is_pressed, set_up),
        cmocka_unit_test_setup(a_reload_keeps_the_latch, set_up),
        cmocka_unit_test_setup(a_latch_outlives_the_button_in_the_config, set_up),
        cmocka_unit_test_setup(a_reload_adds_and_removes_the_emergency_stop, set_up),
        cmocka_unit_test_setup(every_refusal_has_its_words, set_up),
        cmocka_unit_test_setup(whatever_comes_the_promises_hold, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
