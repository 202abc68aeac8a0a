#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/condition.h"
#include "route/event.h"
#include "route/when.h"
#include "wire/gcode_line.h"

#define BIT(state) ((uint16_t)(1u << (state)))

static const struct settings settings = {
    .points = 2, .point = {{.name = "door", .number = -1}, {.name = "air", .number = -1}}};
static struct rule_world world;
static const struct step_values no_values;

static int begin(void **unused)
{
    (void)unused;
    rule_world_init(&world);
    return 0;
}

static bool holds(struct condition condition)
{
    return conditions_hold(&condition, 1, &settings, &world, &no_values);
}

static void states_are_compared_with_those_asked_for(void **unused)
{
    static const struct {
        enum condition_kind kind;
        size_t field;
    } kinds[] = {
        {CONDITION_PRINT, offsetof(struct rule_world, print)},
        {CONDITION_PRINTER, offsetof(struct rule_world, printer)},
        {CONDITION_HOST, offsetof(struct rule_world, host)},
        {CONDITION_BOARD, offsetof(struct rule_world, board)},
        {CONDITION_ESTOP, offsetof(struct rule_world, estop)},
        {CONDITION_FILAMENT, offsetof(struct rule_world, filament)},
        {CONDITION_PSU, offsetof(struct rule_world, psu)},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        memset(&world, 7, sizeof(world));
        ((uint8_t *)&world)[kinds[i].field] = 3;
        assert_true(holds((struct condition){.kind = kinds[i].kind, .states = BIT(3)}));
        assert_true(holds((struct condition){.kind = kinds[i].kind, .states = BIT(3) | BIT(1)}));
        assert_false(holds((struct condition){.kind = kinds[i].kind, .states = BIT(7)}));
        assert_false(holds((struct condition){.kind = kinds[i].kind}));
    }
}

static void a_point_has_one_of_the_states_asked_for(void **unused)
{
    struct condition open = {.kind = CONDITION_POINT_STATE, .index = 0, .states = BIT(POINT_ON)};

    (void)unused;
    assert_false(holds(open));
    world.point[0] = POINT_ON;
    assert_true(holds(open));
    open.states = BIT(POINT_OFF) | BIT(POINT_UNKNOWN);
    assert_false(holds(open));
    world.point[0] = POINT_UNKNOWN;
    assert_true(holds(open));
    open.index = POINT_NONE;
    assert_false(holds(open));
}

static void nothing_is_known_at_first(void **unused)
{
    (void)unused;
    assert_true(holds((struct condition){.kind = CONDITION_PRINT, .states = BIT(0)}));
    assert_true(
        holds((struct condition){.kind = CONDITION_HOST, .states = BIT(FACT_HOST_DISCONNECTED)}));
    assert_true(holds((struct condition){.kind = CONDITION_BOARD, .states = BIT(FACT_BOARD_LOST)}));
    assert_true(holds((struct condition){
        .kind = CONDITION_POINT_STATE, .index = 63, .states = BIT(POINT_UNKNOWN)}));
}

static void a_heaters_temperature_is_compared(void **unused)
{
    struct condition bed = {
        .kind = CONDITION_TEMPERATURE, .heater = 'B', .comparison = IS_BELOW, .threshold = 50000};

    (void)unused;
    assert_false(holds(bed)); /* unknown is neither below … */
    bed.comparison = IS_AT_LEAST;
    assert_false(holds(bed)); /* … nor above */
    world.heaters = 2;
    world.heater[0].name = 'T';
    world.heater[0].degree = 200000;
    world.heater[1].name = 'B';
    world.heater[1].degree = 49999;
    assert_false(holds(bed));
    world.heater[1].degree = 50000;
    assert_true(holds(bed));
    bed.index = 1;
    assert_false(holds(bed));
    bed.heater = 'T';
    bed.index = 0;
    assert_true(holds(bed));
}

static void a_sensors_temperature_is_that_of_its_point(void **unused)
{
    struct condition air = {
        .kind = CONDITION_TEMPERATURE, .index = 1, .comparison = IS_ABOVE, .threshold = -5000};

    (void)unused;
    assert_false(holds(air));
    world.degree[0] = 90000;
    assert_false(holds(air));
    world.degree[1] = -4999;
    assert_true(holds(air));
    world.degree[1] = -5000;
    assert_false(holds(air));
}

static void all_must_hold_and_of_a_not_one_must_not(void **unused)
{
    const struct condition conditions[] = {
        {.kind = CONDITION_PRINT, .states = BIT(1)},
        {.kind = CONDITION_PRINTER, .states = BIT(1), .group = 1},
        {.kind = CONDITION_PSU, .states = BIT(1), .group = 1},
        {.kind = CONDITION_ESTOP, .states = BIT(1), .group = 2},
    };

    (void)unused;
    world.print = 1;
    assert_true(conditions_hold(conditions, 4, &settings, &world, &no_values));
    world.printer = 1;
    assert_true(conditions_hold(conditions, 4, &settings, &world, &no_values));
    world.psu = 1;
    assert_false(conditions_hold(conditions, 4, &settings, &world, &no_values));
    world.printer = 0;
    world.estop = 1;
    assert_false(conditions_hold(conditions, 4, &settings, &world, &no_values));
    world.estop = 0;
    world.print = 0;
    assert_false(conditions_hold(conditions, 4, &settings, &world, &no_values));
    assert_true(conditions_hold(conditions, 0, &settings, &world, &no_values));
}

static void parameters_and_states_go_together(void **unused)
{
    const struct condition conditions[] = {
        {.kind = CONDITION_POINT, .name = SPAN_INIT("P")},
        {.kind = CONDITION_PSU, .states = BIT(WORLD_PSU_ON)},
    };
    struct step_values values = {0};
    struct gcode_line line;

    (void)unused;
    gcode_line_parse(SPAN("M42 PDOOR"), &line);
    values.line = &line;
    assert_false(conditions_hold(conditions, 2, &settings, &world, &values));
    world.psu = WORLD_PSU_ON;
    assert_true(conditions_hold(conditions, 2, &settings, &world, &values));
    assert_false(conditions_hold(conditions, 2, &settings, &world, &no_values));
}

#define SENTENCE(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(states_are_compared_with_those_asked_for),
        SENTENCE(a_point_has_one_of_the_states_asked_for),
        SENTENCE(nothing_is_known_at_first),
        SENTENCE(a_heaters_temperature_is_compared),
        SENTENCE(a_sensors_temperature_is_that_of_its_point),
        SENTENCE(all_must_hold_and_of_a_not_one_must_not),
        SENTENCE(parameters_and_states_go_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
