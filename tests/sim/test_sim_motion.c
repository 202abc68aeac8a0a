#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/sim_motion.h"

static struct sim_motion motion;
static struct instant now;

static int setup(void **unused)
{
    (void)unused;
    now = (struct instant){5000000};
    sim_motion_init(&motion, 1);
    return 0;
}

static void move_to(double x, double y, double feed)
{
    const bool given[SIM_AXES] = {true, true, false, false};
    const double words[SIM_AXES] = {x, y, 0, 0};

    sim_motion_move(&motion, given, words, feed, now);
}

/* Milliseconds until all moves are done. */
static int64_t rest_ms(void)
{
    return instant_ms_since(now, sim_motion_end(&motion));
}

static void a_long_move_takes_its_way_at_feed_rate_and_a_little_for_speeding_up(void **unused)
{
    (void)unused;
    move_to(100, 0, 6000); /* 1 s, and 100 / (2 * 3000) s to speed up */
    assert_in_range(rest_ms(), 1010, 1020);
}

static void a_feed_rate_is_remembered_and_scaled_by_percent(void **unused)
{
    (void)unused;
    move_to(10, 0, 600);
    move_to(20, 0, 0);
    assert_in_range(rest_ms(), 2000, 2010);
    setup(NULL);
    motion.feed_percent = 200;
    move_to(10, 0, 600);
    assert_in_range(rest_ms(), 500, 510);
}

static void a_straight_line_in_pieces_takes_no_longer_than_whole(void **unused)
{
    (void)unused;
    for (int i = 1; i <= 10; i++)
        move_to(i * 10, 0, 6000);
    assert_in_range(rest_ms(), 1010, 1020);
}

static void a_corner_costs_time(void **unused)
{
    (void)unused;
    move_to(50, 0, 6000);
    move_to(50, 50, 6000);
    assert_in_range(rest_ms(), 1040, 1060);
}

static void a_short_move_never_reaches_its_feed_rate(void **unused)
{
    (void)unused;
    move_to(0.1, 0, 18000); /* sqrt(2 s / a) = 8.2 ms */
    assert_in_range(rest_ms(), 8, 9);
}

static void z_and_e_are_slower_than_they_are_told(void **unused)
{
    const bool given[SIM_AXES] = {false, false, true, false};
    const double words[SIM_AXES] = {0, 0, 12, 0};

    (void)unused;
    sim_motion_move(&motion, given, words, 30000, now);
    assert_in_range(rest_ms(), 1000, 1010);
}

static void relative_moves_add_up_and_e_may_differ(void **unused)
{
    const bool given[SIM_AXES] = {true, false, false, true};
    const double words[SIM_AXES] = {10, 0, 0, 2};

    (void)unused;
    sim_motion_set_relative(&motion, true);
    motion.relative[SIM_E] = false;
    sim_motion_move(&motion, given, words, 0, now);
    sim_motion_move(&motion, given, words, 0, now);
    assert_true(motion.position[SIM_X] == 20);
    assert_true(motion.position[SIM_E] == 2);
    sim_motion_set_position(&motion, given, words);
    assert_true(motion.position[SIM_X] == 10);
}

static void fifteen_moves_fit_and_each_is_freed_at_its_time(void **unused)
{
    (void)unused;
    for (int i = 1; i <= 15; i++)
        move_to(i, 0, 60);
    assert_int_equal(sim_motion_free(&motion), 0);
    now = sim_motion_deadline(&motion);
    sim_motion_expire(&motion, now);
    assert_int_equal(sim_motion_free(&motion), 1);
    now = sim_motion_end(&motion);
    sim_motion_expire(&motion, now);
    assert_int_equal(sim_motion_free(&motion), 15);
    assert_true(instant_is_never(sim_motion_deadline(&motion)));
}

static void a_move_to_nowhere_takes_no_time_and_no_block(void **unused)
{
    (void)unused;
    move_to(0, 0, 3000);
    assert_int_equal(sim_motion_free(&motion), 15);
}

static void a_stop_forgets_what_is_planned_and_stays_where_it_is(void **unused)
{
    (void)unused;
    move_to(10, 0, 600);
    move_to(20, 0, 600);
    sim_motion_stop(&motion);
    assert_int_equal(sim_motion_free(&motion), 15);
    assert_true(motion.position[SIM_X] == 10);
}

static void no_number_makes_a_move_longer_than_an_hour(void **unused)
{
    (void)unused;
    motion.feed_percent = 10;
    move_to(1e300, -1e300, 1e-300);
    assert_true(rest_ms() <= 3600000);
    assert_true(motion.position[SIM_X] <= 1e6);
}

static void speed_zero_takes_no_time(void **unused)
{
    (void)unused;
    sim_motion_init(&motion, 0);
    move_to(100, 0, 600);
    assert_int_equal(sim_motion_free(&motion), 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_long_move_takes_its_way_at_feed_rate_and_a_little_for_speeding_up,
                               setup),
        cmocka_unit_test_setup(a_feed_rate_is_remembered_and_scaled_by_percent, setup),
        cmocka_unit_test_setup(a_straight_line_in_pieces_takes_no_longer_than_whole, setup),
        cmocka_unit_test_setup(a_corner_costs_time, setup),
        cmocka_unit_test_setup(a_short_move_never_reaches_its_feed_rate, setup),
        cmocka_unit_test_setup(z_and_e_are_slower_than_they_are_told, setup),
        cmocka_unit_test_setup(relative_moves_add_up_and_e_may_differ, setup),
        cmocka_unit_test_setup(fifteen_moves_fit_and_each_is_freed_at_its_time, setup),
        cmocka_unit_test_setup(a_move_to_nowhere_takes_no_time_and_no_block, setup),
        cmocka_unit_test_setup(a_stop_forgets_what_is_planned_and_stays_where_it_is, setup),
        cmocka_unit_test_setup(no_number_makes_a_move_longer_than_an_hour, setup),
        cmocka_unit_test_setup(speed_zero_takes_no_time, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
