#include "sim/sim_gcode.h"

#include <string.h>

/* Further digits do not count: no peer's number may leave what a double holds exactly. */
enum { DIGITS_COUNTED = 12 };

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Of a command. */
static bool is_letter(char byte)
{
    return byte == 'G' || byte == 'M' || byte == 'T';
}

static struct span skip_blanks(struct span text)
{
    while (text.length > 0 && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.length--;
    }
    return text;
}

struct sim_gcode sim_gcode_read(struct span line)
{
    struct span text = skip_blanks(line);

    if (text.length >= 2 && text.data[0] == 'N' &&
        (is_digit(text.data[1]) || text.data[1] == '-')) {
        text = (struct span){text.data + 2, text.length - 2};
        while (text.length > 0 && is_digit(*text.data)) {
            text.data++;
            text.length--;
        }
        text = skip_blanks(text);
    }
    const char *star = text.length == 0 ? NULL : memchr(text.data, '*', text.length);
    if (star != NULL)
        text.length = (size_t)(star - text.data);
    while (text.length > 0 && text.data[text.length - 1] == ' ')
        text.length--;

    struct sim_gcode gcode = {.letter = '?', .text = text, .rest = SPAN_NONE};
    if (text.length == 0 || !is_letter(text.data[0]))
        return gcode;
    struct span rest = skip_blanks((struct span){text.data + 1, text.length - 1});
    if (rest.length == 0 || !is_digit(*rest.data))
        return gcode;
    gcode.letter = text.data[0];
    while (rest.length > 0 && is_digit(*rest.data)) {
        if (gcode.number < 10000)
            gcode.number = gcode.number * 10 + (uint32_t)(*rest.data - '0');
        rest.data++;
        rest.length--;
    }
    if (rest.length > 1 && rest.data[0] == '.' && is_digit(rest.data[1])) {
        rest = (struct span){rest.data + 1, rest.length - 1};
        while (rest.length > 0 && is_digit(*rest.data)) {
            rest.data++;
            rest.length--;
        }
    }
    gcode.rest = skip_blanks(rest);
    return gcode;
}

/* The decimal number at the start of `text`; returns the bytes it takes, 0 if there is none. */
static size_t read_number(struct span text, double *ret_value)
{
    static const double power[] = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                   1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    const char *at = text.data, *end = text.data + text.length, *begin;
    size_t digits = 0, decimals = 0;
    int64_t value = 0;
    bool negative = false, any;

    if (at < end && (*at == '-' || *at == '+'))
        negative = *at++ == '-';
    for (begin = at; at < end && is_digit(*at); at++) {
        if (digits < DIGITS_COUNTED) {
            value = value * 10 + (*at - '0');
            digits += value != 0;
        }
    }
    any = at > begin;
    if (at < end && *at == '.') {
        for (begin = ++at; at < end && is_digit(*at); at++) {
            if (digits < DIGITS_COUNTED) {
                value = value * 10 + (*at - '0');
                digits++;
                decimals++;
            }
        }
        any |= at > begin;
    }
    if (!any)
        return 0;
    double result = (double)value / power[decimals];
    *ret_value = negative ? -result : result;
    return (size_t)(at - text.data);
}

bool sim_gcode_next(struct span *rest, char *ret_letter, bool *ret_has_value, double *ret_value)
{
    const char *at = rest->data;
    const char *end = at + rest->length;

    while (at < end && !(*at >= 'A' && *at <= 'Z'))
        at++;
    if (at == end) {
        *rest = (struct span){end, 0};
        return false;
    }
    *ret_letter = *at++;
    while (at < end && *at == ' ')
        at++;
    double value = 0;
    size_t used = read_number((struct span){at, (size_t)(end - at)}, &value);
    *ret_has_value = used > 0;
    *ret_value = value;
    at += used;
    *rest = (struct span){at, (size_t)(end - at)};
    return true;
}

bool sim_gcode_value(const struct sim_gcode *gcode, char letter, double *ret_value)
{
    struct span rest = gcode->rest;
    char found;
    bool has_value;
    double value;

    while (rest.length > 0 && sim_gcode_next(&rest, &found, &has_value, &value)) {
        if (found == letter && has_value) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

bool sim_gcode_has(const struct sim_gcode *gcode, char letter)
{
    struct span rest = gcode->rest;
    char found;
    bool has_value;
    double value;

    while (rest.length > 0 && sim_gcode_next(&rest, &found, &has_value, &value)) {
        if (found == letter)
            return true;
    }
    return false;
}
