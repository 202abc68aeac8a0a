#include "route/condition.h"

#include <assert.h>
#include <string.h>

#include "route/event.h"
#include "route/when.h"

void rule_world_init(struct rule_world *world)
{
    memset(world, 0, sizeof *world);
    world->host = FACT_HOST_DISCONNECTED;
    world->board = FACT_BOARD_LOST;
    for (unsigned i = 0; i < SETTINGS_POINTS; i++) {
        world->point[i] = POINT_UNKNOWN;
        world->degree[i] = WORLD_NO_DEGREE;
    }
}

/* Numbers by value (`L03` is 3), anything else by its letters. */
static bool same_value(struct span a, struct span b)
{
    int64_t first, second;

    if (a.length > 0 && text_decimal(a, &first) == a.length && b.length > 0 &&
        text_decimal(b, &second) == b.length) {
        return first == second;
    }
    return span_equal_nocase(a, b);
}

static bool is_one_of(const struct condition *condition, bool there, struct span value)
{
    for (unsigned i = 0; i < condition->count; i++) {
        struct span wanted = condition->values[i];

        if (wanted.length == 0 ? !there : there && same_value(wanted, value)) {
            return true;
        }
    }
    return false;
}

static bool is_in(const struct condition *condition, unsigned state)
{
    return state < 16 && (condition->states >> state & 1) != 0;
}

static bool temperature_is(const struct condition *condition, const struct rule_world *world)
{
    int32_t degree = WORLD_NO_DEGREE;

    if (condition->heater == 0 && condition->index < SETTINGS_POINTS) {
        degree = world->degree[condition->index];
    }
    for (unsigned i = 0; condition->heater != 0 && i < world->heaters; i++) {
        if (world->heater[i].name == condition->heater &&
            world->heater[i].index == condition->index) {
            degree = world->heater[i].degree;
        }
    }
    return degree != WORLD_NO_DEGREE &&
           when_compares((enum when_comparison)condition->comparison, degree, condition->threshold);
}

/* A condition on a line's parameter. */
static bool parameter_is(const struct condition *condition, const struct settings *settings,
                         const struct step_values *values)
{
    struct span value = SPAN_NONE;
    bool there = step_value(values, condition->name, &value);
    int64_t number;

    if (condition->kind == CONDITION_POINT) {
        return there && settings_point(settings, value) != POINT_NONE;
    }
    if (condition->kind == CONDITION_NUMBER) {
        return there && value.length > 0 && text_decimal(value, &number) == value.length;
    }
    return condition->kind == CONDITION_ONE_OF ? is_one_of(condition, there, value) : !there;
}

static bool holds(const struct condition *condition, const struct settings *settings,
                  const struct rule_world *world, const struct step_values *values)
{
    switch (condition->kind) {
    case CONDITION_POINT:
    case CONDITION_NUMBER:
    case CONDITION_ONE_OF:
    case CONDITION_NONE: return parameter_is(condition, settings, values);
    case CONDITION_POINTS: return settings->points > 0;
    case CONDITION_POINT_STATE:
        return condition->index < SETTINGS_POINTS &&
               is_in(condition, world->point[condition->index]);
    case CONDITION_PRINT: return is_in(condition, world->print);
    case CONDITION_PRINTER: return is_in(condition, world->printer);
    case CONDITION_HOST: return is_in(condition, world->host);
    case CONDITION_BOARD: return is_in(condition, world->board);
    case CONDITION_ESTOP: return is_in(condition, world->estop);
    case CONDITION_FILAMENT: return is_in(condition, world->filament);
    case CONDITION_PSU: return is_in(condition, world->psu);
    case CONDITION_TEMPERATURE: return temperature_is(condition, world);
    }
    assert(false && "a condition's kind");
    return false;
}

bool conditions_hold(const struct condition *condition, unsigned count,
                     const struct settings *settings, const struct rule_world *world,
                     const struct step_values *values)
{
    for (unsigned i = 0; i < count;) {
        uint8_t group = condition[i].group;
        bool all = true;

        do {
            all = all && holds(&condition[i], settings, world, values);
            i++;
        } while (group != 0 && i < count && condition[i].group == group);
        if (all == (group != 0)) {
            return false;
        }
    }
    return true;
}
