#include "wire/gcode_line.h"

#include "wire/line_framer.h"

static struct span skip_blanks(struct span text)
{
    while (text.length > 0 && text_is_blank(text.data[0])) {
        text = span_skip(text, 1);
    }
    return text;
}

/* Index of the quote that closes the one before `text`, or its length: then that was no quote. */
static size_t closing_quote(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\\') {
            i++;
        } else if (text.data[i] == '"') {
            return i;
        }
    }
    return text.length;
}

/* `text` up to its comment: a `;` neither escaped nor in quotes. */
static struct span without_comment(struct span text)
{
    if (span_find(text, ';') == text.length) {
        return text;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\\') {
            i++;
        } else if (text.data[i] == '"') {
            struct span quoted = span_skip(text, i + 1);
            size_t close = closing_quote(quoted);

            if (close < quoted.length) {
                i += close + 1;
            }
        } else if (text.data[i] == ';') {
            text.length = i;
        }
    }
    return text;
}

/* The digits at the start of `text` as a number that stays at INT64_MAX once it is there. */
#define SAFE_DIGITS 18 /* so many fit 64 bits, whatever they are */

static size_t take_digits(struct span text, int64_t *ret_value)
{
    int64_t value = 0;
    size_t used = 0;

    for (; used < text.length && text_is_digit(text.data[used]); used++) {
        if (used < SAFE_DIGITS) {
            value = value * 10 + (text.data[used] - '0');
        }
    }
    if (used > SAFE_DIGITS && text_integer((struct span){text.data, used}, &value) == 0) {
        value = INT64_MAX;
    }
    if (used > 0) {
        *ret_value = value;
    }
    return used;
}

/* A line's number at the start of `text`. Returns the bytes used, 0 if there is none. */
static size_t take_line_number(struct span text, int64_t *ret_number)
{
    int64_t number;
    size_t used = text_integer(text, &number);

    if (used == 0 || number > GCODE_NUMBER_MAX || number < -GCODE_NUMBER_MAX) {
        return 0;
    }
    *ret_number = number;
    return used;
}

/* Bytes of `N<number>` at the start of `text`, 0 if there is no such thing. */
static size_t take_number(struct span text, int64_t *ret_number)
{
    struct span digits;
    size_t used;

    if (text.length == 0 || text_upper(text.data[0]) != 'N') {
        return 0;
    }
    digits = skip_blanks(span_skip(text, 1));
    used = take_line_number(digits, ret_number);
    return used == 0 ? 0 : text.length - digits.length + used;
}

/* Looks for `*<digits>` at the end of `text`, which begins with N. Returns what stands before. */
static struct span take_checksum(struct gcode_line *line, struct span text)
{
    size_t star = span_find_last(text, '*');
    struct span after = span_trim(span_skip(text, star + 1));
    int64_t sum;

    if (after.length == 0 || take_digits(after, &sum) != after.length) {
        return text;
    }
    text.length = star;
    line->has_checksum = true;
    line->checksum_right = sum == span_xor(text);
    return text;
}

/* What kind of command `line->command` is. */
static void classify(struct gcode_line *line)
{
    struct span rest = line->command;
    char first;
    size_t used;

    if (rest.length == 0 || !text_is_letter(rest.data[0])) {
        return;
    }
    first = rest.data[0];
    line->letter = text_upper(first);
    if (line->letter != 'G' && line->letter != 'M' && line->letter != 'T' && line->letter != 'F') {
        return;
    }
    rest = span_skip(rest, 1);
    used = take_digits(rest, &line->code);
    if (used == 0) {
        return;
    }
    line->is_command = true;
    line->counted = first == line->letter;
    rest = span_skip(rest, used);
    if ((line->letter == 'G' || line->letter == 'M') && rest.length > 1 && rest.data[0] == '.') {
        take_digits(span_skip(rest, 1), &line->subcode);
    }
}

void gcode_line_parse(struct span raw, struct gcode_line *ret_line)
{
    struct gcode_line *line = ret_line;
    struct span text = span_trim(line_content(raw));
    size_t used;

    *line = (struct gcode_line){.raw = raw, .code = -1, .subcode = -1};
    used = take_number(text, &line->number);
    if (used > 0) {
        line->numbered = true;
        text = take_checksum(line, text);
        if (!line->has_checksum) {
            text = take_checksum(line, without_comment(text));
        }
        text = span_skip(text, used);
    } else {
        line->blank = text.length == 0;
        line->comment_only = text.length > 0 && text.data[0] == ';';
    }
    line->command = span_trim(without_comment(text));
    classify(line);
}

bool gcode_line_is_plain(const struct gcode_line *line)
{
    size_t comment = span_find(line->raw, ';');

    return skip_blanks(line->raw).data[0] == 'N' &&
           (comment == line->raw.length || comment > span_find_last(line->raw, '*') ||
            span_find(line->command, ';') < line->command.length);
}

/* Bytes of a decimal number at the start of `text`; 0 if there is none. */
static size_t number_length(struct span text)
{
    size_t first = text.length > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
    size_t used = first;

    while (used < text.length && text_is_digit(text.data[used])) {
        used++;
    }
    if (used < text.length && text.data[used] == '.') {
        used++;
        first++;
        while (used < text.length && text_is_digit(text.data[used])) {
            used++;
        }
    }
    return used > first ? used : 0;
}

static bool is_word_byte(char byte)
{
    return text_is_letter(byte) || byte == '_' || (unsigned char)byte > 127;
}

/*
 * The value after a parameter's letter, taken off *rest; `apart` if there are blanks between, where
 * a letter alone or with a number is the next parameter instead.
 */
static struct span take_value(struct span *rest, bool apart)
{
    struct span value = *rest;

    if (value.length == 0) {
        return value;
    }
    if (value.data[0] == '"') {
        value = span_skip(value, 1);
        *rest = value;
        value.length = closing_quote(value);
        *rest = span_skip(*rest, value.length + 1);
        return value;
    }
    value.length = number_length(value);
    if (value.length > 0) {
        if (value.length < rest->length && rest->data[value.length] == '%') {
            value.length++;
        }
    } else if (is_word_byte(rest->data[0]) &&
               (!apart || (rest->length > 1 && is_word_byte(rest->data[1])))) {
        while (value.length < rest->length && !text_is_blank(rest->data[value.length])) {
            value.length++;
        }
    }
    *rest = span_skip(*rest, value.length);
    return value;
}

/* The next parameter of *rest, which is shortened. False at the end. */
static bool next_parameter(struct span *rest, char *ret_letter, struct span *ret_value)
{
    struct span after;

    while (rest->length > 0 && !text_is_letter(rest->data[0])) {
        if (rest->data[0] == '"') {
            take_value(rest, false); /* a string of nobody: nothing in it is a parameter */
        } else {
            *rest = span_skip(*rest, 1);
        }
    }
    if (rest->length == 0) {
        return false;
    }
    *ret_letter = text_upper(rest->data[0]);
    *rest = span_skip(*rest, 1);
    after = skip_blanks(*rest);
    *ret_value = take_value(&after, after.length < rest->length);
    *rest = after;
    return true;
}

/* What follows the command word. */
static struct span parameters(const struct gcode_line *line)
{
    struct span rest = line->command;
    int64_t ignored;

    if (!line->is_command) {
        while (rest.length > 0 && !text_is_blank(rest.data[0])) {
            rest = span_skip(rest, 1);
        }
        return rest;
    }
    rest = span_skip(rest, 1);
    rest = span_skip(rest, take_digits(rest, &ignored));
    if (line->subcode >= 0) {
        rest = span_skip(rest, 1);
        rest = span_skip(rest, take_digits(rest, &ignored));
    }
    return rest;
}

/*
 * Most parameters begin behind a blank that stands behind a number, and no string is in the line:
 * found so, nothing before them need be read.
 */
static bool find_apart(struct span rest, char letter, struct span *ret_value)
{
    size_t at = span_find(rest, text_upper(letter)), lower, before;
    struct span after;

    if (at == rest.length || at < 2 || !text_is_blank(rest.data[at - 1])) {
        return false;
    }
    lower = span_find((struct span){rest.data, at}, text_lower(letter));
    for (before = at - 1; before > 0 && text_is_blank(rest.data[before - 1]); before--) {
    }
    if (lower < at || before == 0 ||
        (!text_is_digit(rest.data[before - 1]) && rest.data[before - 1] != '.') ||
        span_find(rest, '"') < rest.length) {
        return false;
    }
    rest = span_skip(rest, at + 1);
    after = skip_blanks(rest);
    *ret_value = take_value(&after, after.length < rest.length);
    return true;
}

bool gcode_line_parameter(const struct gcode_line *line, char letter, struct span *ret_value)
{
    struct span rest = parameters(line), value;
    char found;

    if (find_apart(rest, letter, ret_value)) {
        return true;
    }
    while (next_parameter(&rest, &found, &value)) {
        if (found == text_upper(letter)) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* `N<number> ` into `text`. */
static void add_number(struct text *text, int64_t number)
{
    text_add_char(text, 'N');
    text_add_integer(text, number);
    text_add_char(text, ' ');
}

void gcode_line_number(struct span command, int64_t number, struct text *text)
{
    char memory[24];
    struct text start = TEXT_IN(memory);

    add_number(&start, number);
    text_add(text, text_span(&start));
    text_add(text, command);
    text_add_char(text, '*');
    text_add_integer(text, span_xor(text_span(&start)) ^ span_xor(command));
    text_add_char(text, '\n');
}

size_t gcode_line_numbered_length(struct span command, int64_t number)
{
    char memory[32];
    struct text text = TEXT_IN(memory);
    uint8_t sum;

    add_number(&text, number);
    sum = span_xor(text_span(&text)) ^ span_xor(command);
    text_add_char(&text, '*');
    text_add_integer(&text, sum);
    return text.length + command.length;
}

bool gcode_line_numbered_twice(const struct gcode_line *line)
{
    int64_t second;

    return line->numbered && take_number(line->command, &second) > 0;
}

bool gcode_line_m110(const struct gcode_line *line, int64_t *ret_number)
{
    struct span value;

    if (!gcode_line_is(line, 'M', 110)) {
        return false;
    }
    if (gcode_line_parameter(line, 'N', &value) && take_line_number(value, ret_number) > 0) {
        return true;
    }
    if (line->numbered) {
        *ret_number = line->number;
    }
    return line->numbered;
}

enum gcode_emergency gcode_line_emergency(const struct gcode_line *line)
{
    if (!line->is_command || line->letter != 'M') {
        return GCODE_ORDINARY;
    }
    switch (line->code) {
    case 108: return GCODE_M108;
    case 112: return GCODE_M112;
    case 410: return GCODE_M410;
    case 876: return GCODE_M876;
    default: return GCODE_ORDINARY;
    }
}
