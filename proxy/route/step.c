#include "route/step.h"

#include <assert.h>

#include "wire/gcode_line.h"

/* `${A:-${B:-${C:-${D}}}}` is as deep as anybody can read. */
#define FILL_DEPTH 4

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
    case STEP_WAIT_POINT:
    case STEP_WAIT_TEMPERATURE: return "wait";
    case STEP_REPORT: return "report";
    case STEP_FORWARD: return "forward";
    case STEP_PAUSE: return "pause";
    case STEP_RESUME: return "resume";
    case STEP_CANCEL: return "cancel";
    case STEP_START: return "start";
    case STEP_TRIP: return "estop";
    case STEP_NOTIFY: return "notify";
    case STEP_POWER: return "power";
    case STEP_RUN: return "run";
    case STEP_FILAMENT: return "filament";
    case STEP_MARK: return "mark";
    case STEP_RESET: return "reset";
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

        if (!span_starts(rest, SPAN(":-")) && !span_starts(rest, SPAN(":+")) &&
            !span_starts(rest, SPAN(":?"))) {
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
        if (placeholder.sign != 0 && placeholder.sign != '?' &&
            (value.length > 0) == (placeholder.sign == '+')) {
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
