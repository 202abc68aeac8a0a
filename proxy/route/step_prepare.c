#include <assert.h>

#include "route/step_reading.h"
#include "route/temperatures.h"
#include "route/when.h"

#define PULSE_TIMES_MAX 1000

/* `40%`, or a whole number from 0 to 255. */
static enum step_error read_level(const struct step_reading *reading,
                                  const struct argument *argument, bool pwm, uint8_t *ret_value)
{
    int64_t thousandths;
    size_t used = text_decimal(argument->value, &thousandths);
    struct span unit = span_skip(argument->value, used);

    if (used == 0 || (unit.length > 0 && !span_equal(unit, SPAN("%")))) {
        argument_tell(reading, argument, pwm ? "on, off, a % or 0 to 255" : "on, off or 0 to 255");
        return STEP_USAGE;
    }
    if (unit.length > 0) {
        if (!pwm) {
            argument_tell(reading, argument, "only a pwm point takes a %");
            return STEP_USAGE;
        }
        if (thousandths < 0 || thousandths > 100000) {
            argument_tell(reading, argument, "0% to 100%");
            return STEP_RANGE;
        }
        *ret_value = (uint8_t)((thousandths * 255 + 50000) / 100000);
        return STEP_OK;
    }
    if (thousandths < 0 || thousandths > 255000 || thousandths % 1000 != 0) {
        argument_tell(reading, argument, "0 to 255");
        return STEP_RANGE;
    }
    *ret_value = (uint8_t)(thousandths / 1000);
    if (!pwm && *ret_value > 0) {
        *ret_value = 255;
    }
    return STEP_OK;
}

static enum step_error prepare_set(const struct step_reading *reading, struct step_ready *ready)
{
    static const char *const on[] = {"on", "yes", "true", NULL};
    static const char *const off[] = {"off", "no", "false", NULL};
    struct argument argument;
    enum step_error error = argument_point_as(reading, true, &ready->point);
    unsigned index;

    if (error == STEP_OK) {
        error = argument_read(reading, 1, &argument);
    }
    if (error != STEP_OK) {
        return error;
    }
    if (argument_is_word(argument.value, on, &index)) {
        ready->value = 255;
        return STEP_OK;
    }
    if (argument_is_word(argument.value, off, &index)) {
        ready->value = 0;
        return STEP_OK;
    }
    return read_level(reading, &argument, reading->settings->point[ready->point].type == POINT_PWM,
                      &ready->value);
}

static enum step_error read_times(const struct step_reading *reading, uint16_t *ret_times)
{
    struct argument argument;
    enum step_error error = argument_read(reading, 2, &argument);
    int64_t times;

    if (error != STEP_OK) {
        return error;
    }
    if (argument.value.length == 0) {
        *ret_times = 1;
        return STEP_OK;
    }
    if (text_integer(argument.value, &times) != argument.value.length) {
        argument_tell(reading, &argument, "how many times, 1 to 1000");
        return STEP_USAGE;
    }
    if (times < 1 || times > PULSE_TIMES_MAX) {
        argument_tell(reading, &argument, "1 to 1000 times");
        return STEP_RANGE;
    }
    *ret_times = (uint16_t)times;
    return STEP_OK;
}

static enum step_error prepare_pulse(const struct step_reading *reading, struct step_ready *ready)
{
    enum step_error error = argument_point_as(reading, true, &ready->point);

    if (error == STEP_OK) {
        error = argument_length(reading, 1, "pulse: for", &ready->ms);
    }
    if (error == STEP_OK) {
        error = read_times(reading, &ready->times);
    }
    if (error != STEP_OK) {
        return error;
    }
    ready->every_ms = 2 * ready->ms;
    error = argument_duration(reading, 3, &ready->every_ms);
    if (error == STEP_OK && ready->every_ms <= ready->ms && ready->times > 1) {
        text_add_string(reading->why, "pulse: every must be longer than for");
        return STEP_RANGE;
    }
    return error;
}

/* What comes from a line must not become a line end or worse on the other side. */
static void clean(struct text *text, size_t from)
{
    for (size_t i = from; i < text->length; i++) {
        if ((unsigned char)text->data[i] < ' ') {
            text->data[i] = ' ';
        }
    }
}

static enum step_error tell_long(const struct step_reading *reading, const struct text *plan_text)
{
    text_add_string(reading->why, "the texts of this rule have more than ");
    text_add_integer(reading->why, (int64_t)plan_text->capacity);
    text_add_string(reading->why, " bytes");
    return STEP_LONG;
}

static enum step_error prepare_text(const struct step_reading *reading, struct text *plan_text,
                                    struct step_ready *ready)
{
    size_t before = plan_text->length;

    step_fill(reading->step->argument[0], reading->values, plan_text);
    if (plan_text->cut) {
        return tell_long(reading, plan_text);
    }
    clean(plan_text, before);
    if (reading->step->kind == STEP_SEND &&
        span_trim(span_skip(text_span(plan_text), before)).length == 0) {
        text_add_string(reading->why, "send: nothing to send");
        return STEP_USAGE;
    }
    ready->text_at = (uint16_t)before;
    ready->text_length = (uint16_t)(plan_text->length - before);
    return STEP_OK;
}

/* Each of a program's arguments is filled in alone: what comes from a line cannot become two. */
static enum step_error prepare_arguments(const struct step_reading *reading, struct span list,
                                         struct text *plan_text, struct step_ready *ready)
{
    size_t before = plan_text->length;

    while (list.length > 0) {
        size_t at = plan_text->length;
        struct span one = {list.data, span_find(list, '\0')};

        step_fill(one, reading->values, plan_text);
        clean(plan_text, at);
        text_add_char(plan_text, '\0');
        list = span_skip(list, one.length + 1);
    }
    if (plan_text->cut) {
        return tell_long(reading, plan_text);
    }
    ready->text_at = (uint16_t)before;
    ready->text_length = (uint16_t)(plan_text->length - before);
    return STEP_OK;
}

static enum step_error prepare_run(const struct step_reading *reading, struct text *plan_text,
                                   struct step_ready *ready)
{
    const struct settings *settings = reading->settings;
    struct span name = reading->step->argument[0];
    unsigned index = 0;
    enum step_error error;

    while (index < settings->programs &&
           !span_equal(name, span_of(settings->program[index].name))) {
        index++;
    }
    if (index == settings->programs) {
        text_add_string(reading->why, "no program '");
        text_add(reading->why, name);
        text_add_string(reading->why, "' is configured");
        return STEP_USAGE;
    }
    ready->program = (uint8_t)index;
    error = prepare_arguments(reading, reading->step->argument[1], plan_text, ready);
    if (error == STEP_OK) {
        error = argument_timeout(reading, 2, &ready->ms);
    }
    if (ready->ms < 0) {
        ready->ms = settings->program[index].timeout_ms;
    }
    return error;
}

static enum step_error prepare_wait(const struct step_reading *reading, struct step_ready *ready)
{
    int64_t ms = -1;
    enum step_error error = argument_duration(reading, 0, &ms);

    if (error == STEP_OK && ms < 0) {
        text_add_string(reading->why, "wait: needs a duration");
        return STEP_USAGE;
    }
    ready->ms = ms;
    return error;
}

static enum step_error prepare_wait_point(const struct step_reading *reading,
                                          struct step_ready *ready)
{
    static const char *const words[] = {"high", "low", "rise", "fall", "on", "off", "change", NULL};
    enum step_error error = argument_point_as(reading, false, &ready->point);
    unsigned index;

    if (error == STEP_OK) {
        error = argument_word(reading, 1, words,
                              "not one of high, low, rise, fall, on, off, change", &index);
    }
    if (error != STEP_OK) {
        return error;
    }
    ready->edge = (uint8_t)index;
    return argument_timeout(reading, 2, &ready->ms);
}

/* A heater of the printer's, or a point that has a temperature. */
static enum step_error read_heater(const struct step_reading *reading, struct step_ready *ready)
{
    struct argument argument;
    enum step_error error = argument_read(reading, 0, &argument);
    unsigned index;

    if (error != STEP_OK) {
        return error;
    }
    if (temperatures_read(argument.value, &ready->heater, &index)) {
        ready->heater_index = (uint8_t)index;
        return STEP_OK;
    }
    error = argument_point(reading, &ready->point);
    if (error == STEP_OK && reading->settings->point[ready->point].type != POINT_DHT) {
        text_add_string(reading->why, reading->settings->point[ready->point].name);
        text_add_string(reading->why, " has no temperature");
        return STEP_NO_POINT;
    }
    return error;
}

static enum step_error prepare_wait_temperature(const struct step_reading *reading,
                                                struct step_ready *ready)
{
    struct argument argument;
    enum when_comparison comparison;
    enum step_error error = read_heater(reading, ready);

    if (error == STEP_OK) {
        error = argument_read(reading, 1, &argument);
    }
    if (error != STEP_OK) {
        return error;
    }
    if (!when_comparison_read(argument.value, &comparison, &ready->threshold)) {
        argument_tell(reading, &argument, "a comparison like '>= 50C'");
        return STEP_USAGE;
    }
    ready->comparison = (uint8_t)comparison;
    return argument_timeout(reading, 2, &ready->ms);
}

/* `psu` and the like stand as argument 1: a point may have such a name, too. */
static enum step_error prepare_report(const struct step_reading *reading, struct step_ready *ready)
{
    static const char *const words[] = {"psu", "print", "estop", "filament", "PS:", NULL};
    struct argument argument;
    enum step_error error;
    unsigned index;

    if (reading->step->argument[1].length > 0) {
        error = argument_word(reading, 1, words, "not one of psu, print, estop, filament, PS:", &index);
        if (error == STEP_OK) {
            ready->value = (uint8_t)(REPORT_PSU + index);
        }
        return error;
    }
    error = argument_read(reading, 0, &argument);
    if (error != STEP_OK) {
        return error;
    }
    if (span_equal_nocase(argument.value, SPAN("points")) &&
        settings_point(reading->settings, argument.value) == POINT_NONE) {
        ready->point = POINT_NONE;
        return STEP_OK;
    }
    return argument_point(reading, &ready->point);
}

static enum step_error prepare_power(const struct step_reading *reading, struct step_ready *ready)
{
    static const char *const words[] = {"off", "on", NULL};
    static const char *const cool[] = {"cool", "", NULL};
    static const char *const force[] = {"force", "", NULL};
    enum step_error error;
    unsigned index;

    if (reading->settings->psu.point == POINT_NONE) {
        text_add_string(reading->why, "no psu is configured");
        return STEP_PSU;
    }
    error = argument_word(reading, 0, words, "on or off", &index);
    if (error != STEP_OK) {
        return error;
    }
    ready->value = index == 0 ? 0 : 255;
    error = argument_duration(reading, 1, &ready->ms);
    if (error == STEP_OK) {
        error = argument_word(reading, 2, cool, "cool or nothing", &index);
    }
    if (error == STEP_OK) {
        ready->when_cool = index == 0;
        error = argument_word(reading, 3, force, "force or nothing", &index);
    }
    if (error == STEP_OK) {
        ready->force = index == 0;
    }
    return error;
}

/* A step whose argument is one of some words: its index, counted from `first`. */
static enum step_error prepare_word(const struct step_reading *reading, const char *const *words,
                                    const char *what, unsigned first, struct step_ready *ready)
{
    unsigned index;
    enum step_error error = argument_word(reading, 0, words, what, &index);

    if (error == STEP_OK) {
        ready->value = (uint8_t)(first + index);
    }
    return error;
}

static enum step_error prepare_filament(const struct step_reading *reading,
                                        struct step_ready *ready)
{
    static const char *const words[] = {"on", "off", "rearm", NULL};

    if (reading->settings->filaments == 0) {
        text_add_string(reading->why, "no filament sensor is configured");
        return STEP_USAGE;
    }
    return prepare_word(reading, words, "not one of on, off, rearm", FILAMENT_SWITCH_ON, ready);
}

static enum step_error prepare(const struct step_reading *reading, struct text *plan_text,
                               struct step_ready *ready)
{
    static const char *const marks[] = {"started",  "paused",    "resumed",
                                        "finished", "cancelled", NULL};
    static const char *const resets[] = {"estop", NULL};

    switch (reading->step->kind) {
    case STEP_SET: return prepare_set(reading, ready);
    case STEP_TOGGLE: return argument_point_as(reading, true, &ready->point);
    case STEP_PULSE: return prepare_pulse(reading, ready);
    case STEP_SEND:
    case STEP_NOTIFY:
    case STEP_SAY: return prepare_text(reading, plan_text, ready);
    case STEP_WAIT: return prepare_wait(reading, ready);
    case STEP_WAIT_POINT: return prepare_wait_point(reading, ready);
    case STEP_WAIT_TEMPERATURE: return prepare_wait_temperature(reading, ready);
    case STEP_REPORT: return prepare_report(reading, ready);
    case STEP_POWER: return prepare_power(reading, ready);
    case STEP_RUN: return prepare_run(reading, plan_text, ready);
    case STEP_FILAMENT: return prepare_filament(reading, ready);
    case STEP_MARK:
        return prepare_word(reading, marks,
                            "not one of started, paused, resumed, finished, cancelled", 1, ready);
    case STEP_RESET: return prepare_word(reading, resets, "not estop", 0, ready);
    case STEP_WAIT_MOTION:
    case STEP_FORWARD:
    case STEP_PAUSE:
    case STEP_RESUME:
    case STEP_CANCEL:
    case STEP_START:
    case STEP_TRIP: return STEP_OK;
    }
    assert(false && "a step's kind");
    return STEP_USAGE;
}

enum step_error step_prepare(const struct step *step, const struct step_values *values,
                             const struct settings *settings, struct text *plan_text,
                             struct text *why, struct step_ready *ret_ready)
{
    const struct step_reading reading = {step, values, settings, why};
    struct step_ready ready = {
        .kind = step->kind, .otherwise = step->otherwise, .point = POINT_NONE};
    size_t before = plan_text->length;
    bool cut = plan_text->cut;
    enum step_error error = prepare(&reading, plan_text, &ready);

    if (error != STEP_OK) {
        plan_text->length = before;
        plan_text->cut = cut;
        return error;
    }
    *ret_ready = ready;
    return STEP_OK;
}
