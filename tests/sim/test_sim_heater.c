#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/sim_heater.h"

static struct sim_heater heater;
static struct instant now;

static int setup(void **unused)
{
    (void)unused;
    now = (struct instant){7000000};
    sim_heater_init(&heater, 420, 20, 1, now);
    return 0;
}

/* Degrees after `ms` more. */
static int after(int64_t ms)
{
    now = instant_after_ms(now, ms);
    sim_heater_update(&heater, now);
    return (int)(heater.temperature + 0.5);
}

static void it_warms_up_to_its_target_and_stays_there(void **unused)
{
    (void)unused;
    assert_int_equal(after(60000), 21);
    sim_heater_set(&heater, 205, now);
    assert_in_range(after(5000), 105, 115);
    assert_int_equal(after(60000), 205);
}

static void it_cools_to_the_room_and_no_further(void **unused)
{
    (void)unused;
    sim_heater_set(&heater, 205, now);
    after(60000);
    sim_heater_set(&heater, 0, now);
    assert_in_range(after(20000), 85, 92);
    assert_int_equal(after(600000), 21);
}

static void the_time_foretold_is_the_time_it_takes(void **unused)
{
    (void)unused;
    sim_heater_set(&heater, 205, now);
    now = sim_heater_reaches(&heater, 200);
    assert_int_equal(after(0), 200);
    after(60000);
    sim_heater_set(&heater, 100, now);
    now = sim_heater_reaches(&heater, 101);
    assert_int_equal(after(0), 101);
}

static void what_it_will_not_reach_is_never_foretold(void **unused)
{
    (void)unused;
    sim_heater_set(&heater, 100, now);
    assert_true(instant_is_never(sim_heater_reaches(&heater, 150)));
    assert_true(instant_is_never(sim_heater_reaches(&heater, 10)));
    sim_heater_set(&heater, 1e9, now);
    assert_false(instant_is_never(sim_heater_reaches(&heater, heater.target)));
}

static void it_can_be_faster_than_real(void **unused)
{
    (void)unused;
    sim_heater_init(&heater, 420, 20, 100, now);
    sim_heater_set(&heater, 205, now);
    assert_int_equal(after(200), 205);
    sim_heater_init(&heater, 420, 20, 0, now);
    sim_heater_set(&heater, 205, now);
    assert_int_equal(after(0), 205);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_warms_up_to_its_target_and_stays_there, setup),
        cmocka_unit_test_setup(it_cools_to_the_room_and_no_further, setup),
        cmocka_unit_test_setup(the_time_foretold_is_the_time_it_takes, setup),
        cmocka_unit_test_setup(what_it_will_not_reach_is_never_foretold, setup),
        cmocka_unit_test_setup(it_can_be_faster_than_real, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
