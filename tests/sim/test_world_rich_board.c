/*
 * A board with sensors and dimmed outputs, as SIO_ESP32 has them, through the whole core.
 */
#include "sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/kit.h"
#include "session/board_pwm.h"
#include "session/board_sensors.h"

#define FAN 14
#define BUTTON 2
#define AIR 4
#define LOW 15

static struct kit kit;
static struct world *world;
static struct proxy *proxy;
static char temperatures[400]; /* of EVENT_TEMPERATURE: "air 30 air 41 " */
static char points[400];       /* of EVENT_POINT: "fan on fan off " */

static void on_event(void *unused, const struct event *event)
{
    char *to = event->kind == EVENT_TEMPERATURE ? temperatures : points;
    size_t length = strlen(to);

    (void)unused;
    if (event->kind == EVENT_TEMPERATURE || event->kind == EVENT_POINT)
        snprintf(to + length, sizeof points - length, "%s %s ", event->name, event->state);
}

static int begin(void **unused)
{
    struct world_options options;

    (void)unused;
    temperatures[0] = points[0] = '\0';
    kit_init(&kit);
    kit_point(&kit, "fan", POINT_PWM, FAN)->start =
        (struct occasion){OCCASION_SET, 51}; /* a fifth */
    kit.settings.point[0].board_back.kind = OCCASION_RESTORE;
    kit_point(&kit, "air", POINT_DHT, AIR);
    kit_point(&kit, "low", POINT_PWM, LOW)->active_high = false;
    kit_point(&kit, "lamp", POINT_PWM, 12); /* the board does not dim it */
    kit_mcodes(&kit);
    options = (struct world_options){
        .settings = &kit.settings,
        .rules = &kit.ruleset,
        .printer = sim_printer_manner_marlin(),
        .host_played = true,
        .event = on_event,
        .board = {.sensors = 1U << AIR, .pwms = 1U << FAN | 1U << LOW, .outputs = 1U << 12}};
    world = malloc(sizeof *world);
    proxy = malloc(proxy_size());
    if (world == NULL || proxy == NULL)
        return 1;
    world_init(world, proxy, &options, (struct instant){1000000});
    world_host_opens(world, 115200);
    if (!world_run_ms(world, 6000))
        fail_msg("%s", world->broken);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    free(world);
    free(proxy);
    kit_free(&kit);
    return 0;
}

static void air_is(int degrees)
{
    sim_board_sense(&world->board, AIR,
                    (struct sim_board_sensor){true, (int16_t)(degrees * 100), 4550}, world->now);
    assert_true(world_run_ms(world, 4000));
}

/* What the host hears of a line, without what only keeps it alive. */
static const char *say(const char *line)
{
    static char heard[2000];
    struct span bytes;

    world_read(world, PROXY_HOST, world_written(world, PROXY_HOST).length);
    world_write(world, PROXY_HOST, span_of(line));
    assert_true(world_run_ms(world, 1500));
    bytes = world_written(world, PROXY_HOST);
    assert_true(bytes.length < sizeof heard);
    memcpy(heard, bytes.data, bytes.length);
    heard[bytes.length] = '\0';
    return heard;
}

static void a_sensor_is_told_by_degrees_with_what_it_measures(void **unused)
{
    int32_t degree, humidity;
    int value;

    (void)unused;
    assert_false(proxy_reading(proxy, 1, &degree, &humidity));
    assert_int_equal(proxy_point(proxy, 1, &value), POINT_UNKNOWN);
    air_is(30);
    assert_true(proxy_reading(proxy, 1, &degree, &humidity));
    assert_int_equal(degree, 30000);
    assert_int_equal(humidity, 45500);
    assert_int_equal(proxy_point(proxy, 1, &value), POINT_ON);
    air_is(30);
    air_is(41);
    air_is(-5);
    assert_string_equal(temperatures, "air 30 air 41 air -5 ");
    assert_non_null(strstr(say("M43\n"), "echo:sioproxy point air -5C 45.5%\n"));
    assert_false(proxy_reading(proxy, 0, &degree, &humidity));
}

static void a_sensor_that_is_silent_or_whose_board_is_lost_is_unknown(void **unused)
{
    int32_t degree, humidity;

    (void)unused;
    air_is(30);
    sim_board_sense(&world->board, AIR, (struct sim_board_sensor){.there = false}, world->now);
    assert_true(world_run_ms(world, BOARD_SENSOR_PATIENCE_MS - 5000));
    assert_true(proxy_reading(proxy, 1, &degree, &humidity));
    assert_true(world_run_ms(world, 6000));
    assert_false(proxy_reading(proxy, 1, &degree, &humidity));
    assert_non_null(strstr(points, "air unknown "));
    air_is(31);
    assert_true(proxy_reading(proxy, 1, &degree, &humidity));
    world_unplug(world, PROXY_BOARD);
    assert_false(proxy_reading(proxy, 1, &degree, &humidity));
    assert_non_null(strstr(say("M43\n"), "echo:sioproxy point air unknown\n"));
}

static void a_dimmed_output_has_the_value_that_is_wanted(void **unused)
{
    int value;

    (void)unused;
    assert_int_equal(world->board.duty[FAN], 2000); /* its start value */
    assert_int_equal(world->board.hertz[FAN], BOARD_PWM_HERTZ);
    assert_int_equal(proxy_point(proxy, 0, &value), POINT_ON);
    assert_int_equal(value, 51);
    assert_string_equal(say("M42 Pfan S102\n"), "ok\n");
    assert_int_equal(world->board.duty[FAN], 4000);
    assert_int_equal(proxy_point(proxy, 0, &value), POINT_ON);
    assert_int_equal(value, 102);
    assert_string_equal(say("M42 Pfan S0\n"), "ok\n");
    assert_int_equal(world->board.duty[FAN], 0);
    assert_int_equal(proxy_point(proxy, 0, &value), POINT_OFF);
    assert_string_equal(say("M42 Pfan S255\n"), "ok\n");
    assert_int_equal(world->board.duty[FAN], 10000);
    assert_string_equal(points, "lamp off fan on fan off fan on ");
}

static void what_is_on_at_low_level_is_dimmed_the_other_way_round(void **unused)
{
    int value;

    (void)unused;
    assert_int_equal(proxy_point(proxy, 2, &value), POINT_UNKNOWN);
    assert_string_equal(say("M42 Plow S51\n"), "ok\n");
    assert_int_equal(world->board.duty[LOW], 8000);
    assert_int_equal(proxy_point(proxy, 2, &value), POINT_ON);
    assert_int_equal(value, 51);
    assert_string_equal(say("M42 Plow S0\n"), "ok\n");
    assert_int_equal(world->board.duty[LOW], 10000);
    assert_int_equal(proxy_point(proxy, 2, &value), POINT_OFF);
}

static void an_output_that_the_board_does_not_dim_is_on_or_off(void **unused)
{
    (void)unused;
    assert_string_equal(say("M42 Plamp S255\n"), "ok\n");
    assert_true(sim_board_output(&world->board, 12));
    assert_non_null(strstr(say("M42 Plamp S100\n"), "this board has no PWM"));
    assert_string_equal(say("M42 Plamp S0\n"), "ok\n");
    assert_false(sim_board_output(&world->board, 12));
}

static void after_a_reset_of_the_board_the_value_is_as_it_was(void **unused)
{
    int value;

    (void)unused;
    assert_string_equal(say("M42 Pfan S102\n"), "ok\n");
    assert_string_equal(say("M42 Plow S51\n"), "ok\n");
    sim_board_reset(&world->board, world->now);
    assert_true(world_run_ms(world, 100));
    assert_int_equal(world->board.duty[FAN], 0);
    assert_true(world_run_ms(world, 6000));
    assert_int_equal(world->board.duty[FAN], 4000);
    assert_int_equal(proxy_point(proxy, 0, &value), POINT_ON);
    assert_int_equal(value, 102);
    assert_int_equal(world->board.duty[LOW], 0); /* its board_back is keep: let go of */
    assert_int_equal(proxy_point(proxy, 2, &value), POINT_UNKNOWN);
}

static void values_one_after_the_other_all_come_to_their_end(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 20; i++) {
        char line[64];

        snprintf(line, sizeof line, "M42 Pfan S%u\nM42 Plow S%u\nM42 Plamp S%u\n", 10 + i, 30 + i,
                 i % 2 * 255);
        assert_string_equal(say(line), "ok\nok\nok\n");
    }
    assert_int_equal(world->board.duty[FAN], (29 * 10000 + 127) / 255);
}

/* The world looks at every promise after every input; in the end the outputs are as wanted. */
static void whatever_befalls_the_board_no_promise_is_broken(void **unused)
{
    uint32_t random = 11;
    char line[64];

    (void)unused;
    for (unsigned step = 0; step < 600; step++) {
        unsigned what;

        random = random * 1664525U + 1013904223U;
        what = random >> 24 & 15;
        if (what < 8) {
            snprintf(line, sizeof line, "M42 P%s S%u\n",
                     what < 4   ? "fan"
                     : what < 6 ? "low"
                                : "lamp",
                     what >= 6 ? (random >> 8 & 1) * 255 : random >> 8 & 255);
            world_write(world, PROXY_HOST, span_of(line));
        } else if (what < 11) {
            sim_board_sense(
                &world->board, AIR,
                (struct sim_board_sensor){what > 8, (int16_t)(random >> 8 & 4095), 4000},
                world->now);
        } else if (what == 11) {
            sim_board_reset(&world->board, world->now);
            world_settle(world);
        } else if (what == 12) {
            world_unplug(world, PROXY_BOARD);
        } else if (what == 13) {
            world_plug(world, PROXY_BOARD);
        }
        if (!world_run_ms(world, random >> 12 & 2047))
            fail_msg("step %u: %s", step, world->broken);
        world_read(world, PROXY_HOST, world_written(world, PROXY_HOST).length);
    }
    world_plug(world, PROXY_BOARD);
    assert_true(world_run_ms(world, 20000));
    assert_string_equal(say("M42 Pfan S102\n"), "ok\n");
    assert_string_equal(say("M42 Plow S51\n"), "ok\n");
    assert_int_equal(world->board.duty[FAN], 4000);
    assert_int_equal(world->board.duty[LOW], 8000);
}

/* What is known of the board is forgotten with it, but not what a stop wants of it. */
static void a_dimmed_output_that_the_stop_holds_is_held_when_the_board_is_back(void **unused)
{
    (void)unused;
    kit_point(&kit, "button", POINT_INPUT, BUTTON);
    kit.settings.estop.point = 4;
    kit.settings.point[0].halt = (struct occasion){OCCASION_SET, 255};
    sim_board_input(&world->board, BUTTON, false, world->now);
    proxy_reload(proxy, &kit.settings, &kit.ruleset, world->now);
    assert_true(world_run_ms(world, 5000));
    assert_int_equal(world->board.duty[FAN], 2000);
    sim_board_input(&world->board, BUTTON, true, world->now);
    assert_true(world_run_ms(world, 1000));
    assert_int_equal(world->board.duty[FAN], 10000);
    for (unsigned i = 0; i < 3; i++) {
        if (i == 0) {
            world_unplug(world, PROXY_BOARD);
            assert_true(world_run_ms(world, 20000));
            world_plug(world, PROXY_BOARD);
        } else if (i == 1) {
            sim_board_reset(&world->board, world->now);
        } else {
            sim_board_input(&world->board, BUTTON, false, world->now); /* it is latched */
            sim_board_reset(&world->board, world->now);
        }
        assert_true(world_run_ms(world, 20000));
        assert_int_equal(world->board.duty[FAN], 10000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sensor_is_told_by_degrees_with_what_it_measures, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_sensor_that_is_silent_or_whose_board_is_lost_is_unknown,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_dimmed_output_has_the_value_that_is_wanted, begin, end),
        cmocka_unit_test_setup_teardown(what_is_on_at_low_level_is_dimmed_the_other_way_round,
                                        begin, end),
        cmocka_unit_test_setup_teardown(an_output_that_the_board_does_not_dim_is_on_or_off, begin,
                                        end),
        cmocka_unit_test_setup_teardown(after_a_reset_of_the_board_the_value_is_as_it_was, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            a_dimmed_output_that_the_stop_holds_is_held_when_the_board_is_back, begin, end),
        cmocka_unit_test_setup_teardown(whatever_befalls_the_board_no_promise_is_broken, begin,
                                        end),
        cmocka_unit_test_setup_teardown(values_one_after_the_other_all_come_to_their_end, begin,
                                        end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
