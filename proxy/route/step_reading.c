#include "route/step_reading.h"

enum step_error argument_read(const struct step_reading *reading, unsigned index,
                              struct argument *ret_argument)
{
    struct text text = TEXT_IN(ret_argument->memory);

    ret_argument->template = reading->step->argument[index];
    step_fill(ret_argument->template, reading->values, &text);
    ret_argument->value = span_trim(text_span(&text));
    if (text.cut) {
        text_add_string(reading->why, step_word(reading->step->kind));
        text_add_string(reading->why, ": too long a value");
        return STEP_LONG;
    }
    return STEP_OK;
}

void argument_tell(const struct step_reading *reading, const struct argument *argument,
                   const char *what)
{
    struct text *why = reading->why;
    struct step_placeholder placeholder;
    struct span value = argument->value, right = span_of(what);

    if (span_starts(argument->template, SPAN("${")) &&
        step_placeholder_read(argument->template, &placeholder) > 0 &&
        placeholder.name.length == 1) {
        struct span given = SPAN_NONE;

        if (placeholder.sign == '?') {
            right = placeholder.alternative;
        }
        if (step_value(reading->values, placeholder.name, &given) && given.length > 0) {
            text_add_char(why, text_upper(placeholder.name.data[0]));
            value = given;
        } else if (argument->value.length == 0) {
            text_add_char(why, text_upper(placeholder.name.data[0]));
            value = SPAN(" is missing");
        }
    }
    text_add(why, value.length == 0 ? SPAN("nothing given") : value);
    text_add_string(why, ": ");
    text_add(why, right);
}

bool argument_is_word(struct span value, const char *const *words, unsigned *ret_index)
{
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (span_equal_nocase(value, span_of(words[i]))) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

enum step_error argument_word(const struct step_reading *reading, unsigned index,
                              const char *const *words, const char *what, unsigned *ret_index)
{
    struct argument argument;
    enum step_error error = argument_read(reading, index, &argument);
    int64_t number;

    if (error != STEP_OK) {
        return error;
    }
    if (argument_is_word(argument.value, words, ret_index)) {
        return STEP_OK;
    }
    argument_tell(reading, &argument, what);
    return text_decimal(argument.value, &number) > 0 ? STEP_RANGE : STEP_USAGE;
}

static void tell_no_point(const struct step_reading *reading, const struct argument *argument)
{
    const char *names[SETTINGS_POINTS + 1];
    const struct settings *settings = reading->settings;
    char lower[ARGUMENT_MAX];
    const char *nearest;

    for (unsigned i = 0; i < settings->points; i++) {
        names[i] = settings->point[i].name;
    }
    names[settings->points] = NULL;
    for (size_t i = 0; i < argument->value.length; i++) {
        lower[i] = text_lower(argument->value.data[i]);
    }
    nearest = text_nearest((struct span){lower, argument->value.length}, names);
    text_add_string(reading->why, "no point '");
    text_add(reading->why, argument->value);
    text_add_string(reading->why, "'");
    if (nearest != NULL) {
        text_add_string(reading->why, " (did you mean ");
        text_add_string(reading->why, nearest);
        text_add_string(reading->why, "?)");
    }
}

enum step_error argument_point(const struct step_reading *reading, uint8_t *ret_point)
{
    struct argument argument;
    enum step_error error = argument_read(reading, 0, &argument);
    uint8_t point;

    if (error != STEP_OK) {
        return error;
    }
    if (argument.value.length == 0) {
        argument_tell(reading, &argument, "the name of a point");
        return STEP_USAGE;
    }
    point = settings_point(reading->settings, argument.value);
    if (point == POINT_NONE) {
        tell_no_point(reading, &argument);
        return STEP_NO_POINT;
    }
    *ret_point = point;
    return STEP_OK;
}

enum step_error argument_point_as(const struct step_reading *reading, bool switched,
                                  uint8_t *ret_point)
{
    uint8_t point;
    enum step_error error = argument_point(reading, &point);
    enum point_type type;

    if (error != STEP_OK) {
        return error;
    }
    type = reading->settings->point[point].type;
    if ((type == POINT_OUTPUT || type == POINT_PWM) == switched && type != POINT_DHT) {
        *ret_point = point;
        return STEP_OK;
    }
    text_add_string(reading->why, reading->settings->point[point].name);
    text_add_string(reading->why, type == POINT_DHT     ? " is a sensor"
                                  : type == POINT_INPUT ? " is an input"
                                                        : " is an output");
    return STEP_NO_POINT;
}

static const char *const units[] = {"ms", "s", "min", "h", NULL};

/* What a duration looks like, or of the parameter what is wanted if the rule adds the unit. */
static const char *duration_wanted(const struct step_reading *reading,
                                   const struct argument *argument)
{
    static const char *const numbers[] = {"a number of milliseconds", "a number of seconds",
                                          "a number of minutes", "a number of hours"};
    struct step_placeholder placeholder;
    struct span given = SPAN_NONE;
    unsigned unit;

    if (span_starts(argument->template, SPAN("${")) &&
        step_placeholder_read(argument->template, &placeholder) > 0 &&
        step_value(reading->values, placeholder.name, &given) && given.length > 0 &&
        span_starts(argument->value, given) &&
        argument_is_word(span_skip(argument->value, given.length), units, &unit)) {
        return numbers[unit];
    }
    return "a duration (200ms, 1.5s, 10min, 2h)";
}

enum step_error argument_duration(const struct step_reading *reading, unsigned index,
                                  int64_t *ret_ms)
{
    struct argument argument;
    enum step_error error = argument_read(reading, index, &argument);
    int64_t thousandths;
    unsigned unit;
    size_t used;

    if (error != STEP_OK || argument.value.length == 0 || text_duration(argument.value, ret_ms)) {
        return error;
    }
    used = text_decimal(argument.value, &thousandths);
    if (used == 0) {
        argument_tell(reading, &argument, duration_wanted(reading, &argument));
        return STEP_USAGE;
    }
    if (used == argument.value.length) {
        argument_tell(reading, &argument, "needs a unit: ms, s, min or h");
        return STEP_USAGE;
    }
    if (thousandths < 0) {
        argument_tell(reading, &argument, "not below 0");
        return STEP_RANGE;
    }
    if (argument_is_word(span_skip(argument.value, used), units, &unit)) {
        argument_tell(reading, &argument, "at most 1000 days");
        return STEP_RANGE;
    }
    argument_tell(reading, &argument, duration_wanted(reading, &argument));
    return STEP_USAGE;
}

enum step_error argument_length(const struct step_reading *reading, unsigned index,
                                const char *what, int64_t *ret_ms)
{
    int64_t ms = -1;
    enum step_error error = argument_duration(reading, index, &ms);

    if (error != STEP_OK) {
        return error;
    }
    if (ms <= 0) {
        text_add_string(reading->why, what);
        text_add_string(reading->why, ms == 0 ? ": longer than 0" : ": needs a duration");
        return ms == 0 ? STEP_RANGE : STEP_USAGE;
    }
    *ret_ms = ms;
    return STEP_OK;
}

enum step_error argument_timeout(const struct step_reading *reading, unsigned index,
                                 int64_t *ret_ms)
{
    struct argument argument;
    int64_t ms = -1;
    enum step_error error = argument_duration(reading, index, &ms);

    if (error == STEP_OK && ms == 0) {
        argument_read(reading, index, &argument);
        argument_tell(reading, &argument, "a timeout is longer than 0");
        return STEP_RANGE;
    }
    if (error == STEP_OK) {
        *ret_ms = ms;
    }
    return error;
}
