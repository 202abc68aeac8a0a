#include "route/step.h"

#include <assert.h>

#include "wire/gcode_line.h"

/* `${A:-${B:-${C:-${D}}}}` is as deep as anybody can read. */
#define FILL_DEPTH 4
/* Longer than any point's name, number or duration. */
#define ARGUMENT_MAX    80
#define PULSE_TIMES_MAX 1000

const char *step_word(enum step_kind kind)
{
    switch (kind) {
    case STEP_SET: return "set";
    case STEP_TOGGLE: return "toggle";
    case STEP_PULSE: return "pulse";
    case STEP_SEND: return "send";
    case STEP_SAY: return "say";
    case STEP_WAIT:
    case STEP_WAIT_MOTION:
    case STEP_WAIT_POINT: return "wait";
    case STEP_REPORT: return "report";
    case STEP_FORWARD: return "forward";
    }
    assert(false && "a step's kind");
    return "step";
}

const char *step_error_word(enum step_error error)
{
    switch (error) {
    case STEP_OK: return "ok";
    case STEP_USAGE: return "usage";
    case STEP_NO_POINT: return "point";
    case STEP_RANGE: return "range";
    case STEP_ESTOP: return "estop";
    case STEP_BOARD: return "board";
    case STEP_PSU: return "psu";
    case STEP_LONG: return "long";
    case STEP_PRINT: return "print";
    }
    assert(false && "a step's error");
    return "usage";
}

const char *wait_for_word(enum wait_for wait)
{
    switch (wait) {
    case WAIT_HIGH: return "high";
    case WAIT_LOW: return "low";
    case WAIT_RISE: return "rise";
    case WAIT_FALL: return "fall";
    case WAIT_ON: return "on";
    case WAIT_OFF: return "off";
    case WAIT_CHANGE: return "change";
    }
    assert(false && "something to wait for");
    return "change";
}

bool wait_for_read(struct span word, enum wait_for *ret_wait)
{
    for (unsigned i = WAIT_HIGH; i <= WAIT_CHANGE; i++) {
        if (span_equal_nocase(word, span_of(wait_for_word((enum wait_for)i)))) {
            *ret_wait = (enum wait_for)i;
            return true;
        }
    }
    return false;
}

bool step_value(const struct step_values *values, struct span name, struct span *ret_value)
{
    for (unsigned i = 0; i < values->captures; i++) {
        if (span_equal(values->capture[i].name, name)) {
            *ret_value = values->capture[i].value;
            return true;
        }
    }
    return values->line != NULL && name.length == 1 && text_is_letter(name.data[0]) &&
           gcode_line_parameter(values->line, text_upper(name.data[0]), ret_value);
}

static bool is_name_byte(char byte)
{
    return text_is_letter(byte) || text_is_digit(byte) || byte == '_';
}

size_t step_placeholder_read(struct span text, struct step_placeholder *ret_placeholder)
{
    struct step_placeholder placeholder = {.name = span_skip(text, 2)};
    size_t used = 2, depth = 1;

    while (used < text.length && is_name_byte(text.data[used])) {
        used++;
    }
    placeholder.name.length = used - 2;
    if (placeholder.name.length == 0 || used == text.length) {
        return 0;
    }
    if (text.data[used] == ':') {
        struct span rest = span_skip(text, used);

        if (!span_starts(rest, SPAN(":-")) && !span_starts(rest, SPAN(":+"))) {
            return 0;
        }
        placeholder.sign = rest.data[1];
        used += 2;
    } else if (text.data[used] != '}') {
        return 0;
    }
    placeholder.alternative = span_skip(text, used);
    for (size_t i = used; i < text.length; i++) {
        if (span_starts(span_skip(text, i), SPAN("${"))) {
            depth++;
        } else if (text.data[i] == '}' && --depth == 0) {
            placeholder.alternative.length = i - used;
            *ret_placeholder = placeholder;
            return i + 1;
        }
    }
    return 0;
}

static void fill(struct span template, const struct step_values *values, struct text *text,
                 unsigned depth)
{
    while (template.length > 0) {
        struct step_placeholder placeholder;
        struct span value = SPAN_NONE;
        size_t used = 0;

        if (span_starts(template, SPAN("$${"))) {
            text_add(text, SPAN("${"));
            template = span_skip(template, 3);
            continue;
        }
        if (depth > 0 && span_starts(template, SPAN("${"))) {
            used = step_placeholder_read(template, &placeholder);
        }
        if (used == 0) {
            text_add_char(text, template.data[0]);
            template = span_skip(template, 1);
            continue;
        }
        if (!step_value(values, placeholder.name, &value)) {
            value = SPAN_NONE;
        }
        if (placeholder.sign != 0 && (value.length > 0) == (placeholder.sign == '+')) {
            fill(placeholder.alternative, values, text, depth - 1);
        } else if (placeholder.sign != '+') {
            text_add(text, value);
        }
        template = span_skip(template, used);
    }
}

void step_fill(struct span template, const struct step_values *values, struct text *text)
{
    fill(template, values, text, FILL_DEPTH);
}

/* Everything that reading one step's arguments needs. */
struct preparation {
    const struct step *step;
    const struct step_values *values;
    const struct settings *settings;
    struct text *why;
};

/* An argument filled in, and how to speak of it. */
struct argument {
    struct span template;
    struct span value;
    char memory[ARGUMENT_MAX];
};

static enum step_error argument_fill(const struct preparation *preparation, unsigned index,
                                     struct argument *ret_argument)
{
    struct text text = TEXT_IN(ret_argument->memory);

    ret_argument->template = preparation->step->argument[index];
    step_fill(ret_argument->template, preparation->values, &text);
    ret_argument->value = span_trim(text_span(&text));
    if (text.cut) {
        text_add_string(preparation->why, step_word(preparation->step->kind));
        text_add_string(preparation->why, ": too long a value");
        return STEP_LONG;
    }
    return STEP_OK;
}

/*
 * The argument as the user wrote it: `S300` if it came from the parameter S, else the value itself;
 * and "S is missing" if there is none.
 */
static void tell(const struct preparation *preparation, const struct argument *argument,
                 const char *what)
{
    struct text *why = preparation->why;
    struct step_placeholder placeholder;
    struct span value = argument->value;

    if (span_starts(argument->template, SPAN("${")) &&
        step_placeholder_read(argument->template, &placeholder) > 0 &&
        placeholder.name.length == 1) {
        struct span given = SPAN_NONE;

        if (step_value(preparation->values, placeholder.name, &given) && given.length > 0) {
            text_add_char(why, text_upper(placeholder.name.data[0]));
            value = given;
        } else if (argument->value.length == 0) {
            text_add_char(why, text_upper(placeholder.name.data[0]));
            value = SPAN(" is missing");
        }
    }
    text_add(why, value.length == 0 ? SPAN("nothing given") : value);
    text_add_string(why, ": ");
    text_add_string(why, what);
}

static void tell_no_point(const struct preparation *preparation, const struct argument *argument)
{
    const char *names[SETTINGS_POINTS + 1];
    const struct settings *settings = preparation->settings;
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
    text_add_string(preparation->why, "no point '");
    text_add(preparation->why, argument->value);
    text_add_string(preparation->why, "'");
    if (nearest != NULL) {
        text_add_string(preparation->why, " (did you mean ");
        text_add_string(preparation->why, nearest);
        text_add_string(preparation->why, "?)");
    }
}

/* Argument 0 as any point of ours. */
static enum step_error read_point(const struct preparation *preparation, uint8_t *ret_point)
{
    struct argument argument;
    enum step_error error = argument_fill(preparation, 0, &argument);
    uint8_t point;

    if (error != STEP_OK) {
        return error;
    }
    if (argument.value.length == 0) {
        tell(preparation, &argument, "the name of a point");
        return STEP_USAGE;
    }
    point = settings_point(preparation->settings, argument.value);
    if (point == POINT_NONE) {
        tell_no_point(preparation, &argument);
        return STEP_NO_POINT;
    }
    *ret_point = point;
    return STEP_OK;
}

/* Argument 0 as a point that can be switched, or waited for. */
static enum step_error read_point_as(const struct preparation *preparation, bool switched,
                                     uint8_t *ret_point)
{
    uint8_t point;
    enum step_error error = read_point(preparation, &point);
    enum point_type type;

    if (error != STEP_OK) {
        return error;
    }
    type = preparation->settings->point[point].type;
    if ((type == POINT_OUTPUT || type == POINT_PWM) == switched && type != POINT_DHT) {
        *ret_point = point;
        return STEP_OK;
    }
    text_add_string(preparation->why, preparation->settings->point[point].name);
    text_add_string(preparation->why, type == POINT_DHT     ? " is a sensor"
                                      : type == POINT_INPUT ? " is an input"
                                                            : " is an output");
    return STEP_NO_POINT;
}

static bool is_word_of(struct span value, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (span_equal_nocase(value, span_of(*words))) {
            return true;
        }
    }
    return false;
}

/* `40%`, or a whole number from 0 to 255. */
static enum step_error read_level(const struct preparation *preparation,
                                  const struct argument *argument, bool pwm, uint8_t *ret_value)
{
    int64_t thousandths;
    size_t used = text_decimal(argument->value, &thousandths);
    struct span unit = span_skip(argument->value, used);

    if (used == 0 || (unit.length > 0 && !span_equal(unit, SPAN("%")))) {
        tell(preparation, argument, pwm ? "on, off, a % or 0 to 255" : "on, off or 0 to 255");
        return STEP_USAGE;
    }
    if (unit.length > 0) {
        if (!pwm) {
            tell(preparation, argument, "only a pwm point takes a %");
            return STEP_USAGE;
        }
        if (thousandths < 0 || thousandths > 100000) {
            tell(preparation, argument, "0% to 100%");
            return STEP_RANGE;
        }
        *ret_value = (uint8_t)((thousandths * 255 + 50000) / 100000);
        return STEP_OK;
    }
    if (thousandths < 0 || thousandths > 255000 || thousandths % 1000 != 0) {
        tell(preparation, argument, "0 to 255");
        return STEP_RANGE;
    }
    *ret_value = (uint8_t)(thousandths / 1000);
    if (!pwm && *ret_value > 0) {
        *ret_value = 255;
    }
    return STEP_OK;
}

static enum step_error prepare_set(const struct preparation *preparation, struct step_ready *ready)
{
    static const char *const on[] = {"on", "yes", "true", NULL};
    static const char *const off[] = {"off", "no", "false", NULL};
    struct argument argument;
    enum step_error error = read_point_as(preparation, true, &ready->point);

    if (error == STEP_OK) {
        error = argument_fill(preparation, 1, &argument);
    }
    if (error != STEP_OK) {
        return error;
    }
    if (is_word_of(argument.value, on)) {
        ready->value = 255;
        return STEP_OK;
    }
    if (is_word_of(argument.value, off)) {
        ready->value = 0;
        return STEP_OK;
    }
    return read_level(preparation, &argument,
                      preparation->settings->point[ready->point].type == POINT_PWM, &ready->value);
}

/* An argument that is a duration. An empty one leaves *ret_ms as it was. */
static enum step_error read_duration(const struct preparation *preparation, unsigned index,
                                     int64_t *ret_ms)
{
    static const char *const units[] = {"ms", "s", "min", "h", NULL};
    struct argument argument;
    enum step_error error = argument_fill(preparation, index, &argument);
    int64_t thousandths;
    size_t used;

    if (error != STEP_OK || argument.value.length == 0 || text_duration(argument.value, ret_ms)) {
        return error;
    }
    used = text_decimal(argument.value, &thousandths);
    if (used == 0) {
        tell(preparation, &argument, "a duration (200ms, 1.5s, 10min, 2h)");
        return STEP_USAGE;
    }
    if (used == argument.value.length) {
        tell(preparation, &argument, "needs a unit: ms, s, min or h");
        return STEP_USAGE;
    }
    if (thousandths < 0) {
        tell(preparation, &argument, "not below 0");
        return STEP_RANGE;
    }
    if (is_word_of(span_skip(argument.value, used), units)) {
        tell(preparation, &argument, "at most 1000 days");
        return STEP_RANGE;
    }
    tell(preparation, &argument, "a duration (200ms, 1.5s, 10min, 2h)");
    return STEP_USAGE;
}

/* A duration that must be there and longer than 0. */
static enum step_error read_length(const struct preparation *preparation, unsigned index,
                                   const char *what, int64_t *ret_ms)
{
    int64_t ms = -1;
    enum step_error error = read_duration(preparation, index, &ms);

    if (error != STEP_OK) {
        return error;
    }
    if (ms <= 0) {
        text_add_string(preparation->why, what);
        text_add_string(preparation->why, ms == 0 ? ": longer than 0" : ": needs a duration");
        return ms == 0 ? STEP_RANGE : STEP_USAGE;
    }
    *ret_ms = ms;
    return STEP_OK;
}

static enum step_error read_times(const struct preparation *preparation, uint16_t *ret_times)
{
    struct argument argument;
    enum step_error error = argument_fill(preparation, 2, &argument);
    int64_t times;

    if (error != STEP_OK) {
        return error;
    }
    if (argument.value.length == 0) {
        *ret_times = 1;
        return STEP_OK;
    }
    if (text_integer(argument.value, &times) != argument.value.length) {
        tell(preparation, &argument, "how many times, 1 to 1000");
        return STEP_USAGE;
    }
    if (times < 1 || times > PULSE_TIMES_MAX) {
        tell(preparation, &argument, "1 to 1000 times");
        return STEP_RANGE;
    }
    *ret_times = (uint16_t)times;
    return STEP_OK;
}

static enum step_error prepare_pulse(const struct preparation *preparation,
                                     struct step_ready *ready)
{
    enum step_error error = read_point_as(preparation, true, &ready->point);

    if (error == STEP_OK) {
        error = read_length(preparation, 1, "pulse: for", &ready->ms);
    }
    if (error == STEP_OK) {
        error = read_times(preparation, &ready->times);
    }
    if (error != STEP_OK) {
        return error;
    }
    ready->every_ms = 2 * ready->ms;
    error = read_duration(preparation, 3, &ready->every_ms);
    if (error == STEP_OK && ready->every_ms <= ready->ms && ready->times > 1) {
        text_add_string(preparation->why, "pulse: every must be longer than for");
        return STEP_RANGE;
    }
    return error;
}

static enum step_error prepare_text(const struct preparation *preparation, struct text *plan_text,
                                    struct step_ready *ready)
{
    size_t before = plan_text->length;

    step_fill(preparation->step->argument[0], preparation->values, plan_text);
    if (plan_text->cut) {
        text_add_string(preparation->why, "the texts of this rule have more than ");
        text_add_integer(preparation->why, (int64_t)plan_text->capacity);
        text_add_string(preparation->why, " bytes");
        return STEP_LONG;
    }
    /* What comes from a line must not become a line end or worse on the other side. */
    for (size_t i = before; i < plan_text->length; i++) {
        if ((unsigned char)plan_text->data[i] < ' ') {
            plan_text->data[i] = ' ';
        }
    }
    if (preparation->step->kind == STEP_SEND &&
        span_trim(span_skip(text_span(plan_text), before)).length == 0) {
        text_add_string(preparation->why, "send: nothing to send");
        return STEP_USAGE;
    }
    ready->text_at = (uint16_t)before;
    ready->text_length = (uint16_t)(plan_text->length - before);
    return STEP_OK;
}

static enum step_error prepare_wait_point(const struct preparation *preparation,
                                          struct step_ready *ready)
{
    struct argument argument;
    enum wait_for wait;
    enum step_error error = read_point_as(preparation, false, &ready->point);
    int64_t number;

    if (error == STEP_OK) {
        error = argument_fill(preparation, 1, &argument);
    }
    if (error != STEP_OK) {
        return error;
    }
    if (!wait_for_read(argument.value, &wait)) {
        tell(preparation, &argument, "not one of high, low, rise, fall, on, off, change");
        return text_decimal(argument.value, &number) > 0 ? STEP_RANGE : STEP_USAGE;
    }
    ready->edge = (uint8_t)wait;
    ready->ms = -1;
    error = read_duration(preparation, 2, &ready->ms);
    if (error == STEP_OK && ready->ms == 0) {
        text_add_string(preparation->why, "timeout: longer than 0");
        return STEP_RANGE;
    }
    return error;
}

static enum step_error prepare_report(const struct preparation *preparation,
                                      struct step_ready *ready)
{
    struct argument argument;
    enum step_error error = argument_fill(preparation, 0, &argument);

    if (error != STEP_OK) {
        return error;
    }
    if (span_equal_nocase(argument.value, SPAN("points")) &&
        settings_point(preparation->settings, argument.value) == POINT_NONE) {
        ready->point = POINT_NONE;
        return STEP_OK;
    }
    return read_point(preparation, &ready->point);
}

static enum step_error prepare(const struct preparation *preparation, struct text *plan_text,
                               struct step_ready *ready)
{
    switch (preparation->step->kind) {
    case STEP_SET: return prepare_set(preparation, ready);
    case STEP_TOGGLE: return read_point_as(preparation, true, &ready->point);
    case STEP_PULSE: return prepare_pulse(preparation, ready);
    case STEP_SEND:
    case STEP_SAY: return prepare_text(preparation, plan_text, ready);
    case STEP_WAIT: {
        int64_t ms = -1;
        enum step_error error = read_duration(preparation, 0, &ms);

        if (error == STEP_OK && ms < 0) {
            text_add_string(preparation->why, "wait: needs a duration");
            return STEP_USAGE;
        }
        ready->ms = ms;
        return error;
    }
    case STEP_WAIT_POINT: return prepare_wait_point(preparation, ready);
    case STEP_REPORT: return prepare_report(preparation, ready);
    case STEP_WAIT_MOTION:
    case STEP_FORWARD: return STEP_OK;
    }
    assert(false && "a step's kind");
    return STEP_USAGE;
}

enum step_error step_prepare(const struct step *step, const struct step_values *values,
                             const struct settings *settings, struct text *plan_text,
                             struct text *why, struct step_ready *ret_ready)
{
    const struct preparation preparation = {step, values, settings, why};
    struct step_ready ready = {
        .kind = step->kind, .otherwise = step->otherwise, .point = POINT_NONE};
    size_t before = plan_text->length;
    bool cut = plan_text->cut;
    enum step_error error = prepare(&preparation, plan_text, &ready);

    if (error != STEP_OK) {
        plan_text->length = before;
        plan_text->cut = cut;
        return error;
    }
    *ret_ready = ready;
    return STEP_OK;
}
