#include "session/board_sensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct board_sensors sensors;
static struct instant now;

static void hear(const char *line)
{
    struct board_message message;

    board_message_parse(span_of(line), &message);
    board_sensors_hear(&sensors, &message, now);
}

static int begin(void **unused)
{
    (void)unused;
    now = (struct instant){1000000};
    board_sensors_init(&sensors);
    hear("TC INPUT:1,OUTPUT:2,INPUT_PULLUP:5,INPUT_DHT:-3,OUTPUT_PWM:-2");
    hear("IT:1,2,-3,5,-2,-3,");
    return 0;
}

static void a_reading_is_of_the_nth_io_that_is_a_sensor(void **unused)
{
    (void)unused;
    assert_false(board_sensors_at(&sensors, 2)->known);
    hear("XT DHT 1 23.40 45.00");
    assert_false(board_sensors_at(&sensors, 2)->known);
    assert_true(board_sensors_at(&sensors, 5)->known);
    assert_int_equal(board_sensors_at(&sensors, 5)->degree, 23400);
    assert_int_equal(board_sensors_at(&sensors, 5)->humidity, 45000);
    hear("XT DHT 0 -3.5 100");
    assert_int_equal(board_sensors_at(&sensors, 2)->degree, -3500);
    assert_null(board_sensors_at(&sensors, 0));
}

static void a_newer_board_says_the_io_behind_the_sensor(void **unused)
{
    (void)unused;
    hear("XT DHT 1 2 23.40 45.00"); /* io 2 is sensor 0 */
    assert_false(board_sensors_at(&sensors, 2)->known);
    assert_false(board_sensors_at(&sensors, 5)->known);
    hear("XT DHT 1 5 23.40 45.00");
    assert_false(board_sensors_at(&sensors, 2)->known);
    assert_int_equal(board_sensors_at(&sensors, 5)->degree, 23400);
    assert_int_equal(board_sensors_at(&sensors, 5)->humidity, 45000);
}

static void what_no_sensor_can_have_measured_is_not_taken(void **unused)
{
    static const char *const lines[] = {
        "XT DHT 0 nan nan",    "XT DHT 0 200.00 45.00", "XT DHT 0 -80.00 45.00",
        "XT DHT 0 23.40 -1",   "XT DHT 0 23.40 101.00", "XT DHT 0 23.40",
        "XT DHT 2 23.40 45.0", "XT DHT 64 23.40 45.0",  "XT DHT -1 23.40 45.0",
        "XT DHT 0.5 23 45",    "XT DHT 0 23 45 1",      "XT DHT",
        "XT DHTX 0 23 45",     "XT BRD:esp32",          "XT DHT 0  23 45",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        hear(lines[i]);
        assert_false(board_sensors_at(&sensors, 2)->known);
        assert_false(board_sensors_at(&sensors, 5)->known);
    }
}

static void a_sensor_that_is_silent_for_a_minute_is_not_known(void **unused)
{
    (void)unused;
    assert_true(instant_is_never(board_sensors_deadline(&sensors)));
    hear("XT DHT 0 23.40 45.00");
    now = instant_after_ms(now, 30000);
    hear("XT DHT 1 23.40 45.00");
    now = board_sensors_deadline(&sensors);
    assert_int_equal(now.us, 61000000);
    board_sensors_expire(&sensors, (struct instant){now.us - 1});
    assert_true(board_sensors_at(&sensors, 2)->known);
    board_sensors_expire(&sensors, now);
    assert_false(board_sensors_at(&sensors, 2)->known);
    assert_true(board_sensors_at(&sensors, 5)->known);
}

static void a_board_that_is_lost_says_nothing(void **unused)
{
    uint32_t told;

    (void)unused;
    hear("XT DHT 0 23.40 45.00");
    told = sensors.told;
    board_sensors_forget(&sensors);
    assert_int_not_equal(sensors.told, told);
    assert_null(board_sensors_at(&sensors, 2));
    hear("XT DHT 0 23.40 45.00"); /* nobody knows of which io */
    assert_null(board_sensors_at(&sensors, 2));
}

static void a_board_without_such_a_type_has_no_sensors(void **unused)
{
    (void)unused;
    hear("TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2");
    hear("IT:2,2,-3,1,");
    assert_int_equal(sensors.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_reading_is_of_the_nth_io_that_is_a_sensor, begin),
        cmocka_unit_test_setup(a_newer_board_says_the_io_behind_the_sensor, begin),
        cmocka_unit_test_setup(what_no_sensor_can_have_measured_is_not_taken, begin),
        cmocka_unit_test_setup(a_sensor_that_is_silent_for_a_minute_is_not_known, begin),
        cmocka_unit_test_setup(a_board_that_is_lost_says_nothing, begin),
        cmocka_unit_test_setup(a_board_without_such_a_type_has_no_sensors, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
