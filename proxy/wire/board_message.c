#include "wire/board_message.h"

#include <assert.h>

/* The firmware refuses a shorter interval with `DG:ERR: # out of range.` */
#define INTERVAL_LEAST_MS 500

/* No DHT measures beyond them. */
#define DHT_COLDEST (-60000)
#define DHT_WARMEST 150000
#define DHT_WETTEST 100000

struct prefix {
    struct span text;
    enum board_message_kind kind;
};

/* What is followed by text of any form. */
static const struct prefix prefixes[] = {
    {SPAN_INIT("DG:"), BOARD_DEBUG},         {SPAN_INIT("XT "), BOARD_EXTENSION},
    {SPAN_INIT("TC "), BOARD_CONSTANTS},     {SPAN_INIT("VI:"), BOARD_VERSION},
    {SPAN_INIT("CP:"), BOARD_COMPATIBILITY}, {SPAN_INIT("FS:"), BOARD_FEATURES},
};

/* The whole of `text` as a number from INT16_MIN to INT16_MAX. */
static bool whole_number(struct span text, int64_t *ret_value)
{
    int64_t value;

    text = span_trim(text);
    if (text.length == 0 || text_integer(text, &value) != text.length || value < INT16_MIN ||
        value > INT16_MAX) {
        return false;
    }
    *ret_value = value;
    return true;
}

static bool parse_levels(struct span digits, struct board_message *message)
{
    if (digits.length == 0 || digits.length > BOARD_IO_MAX) {
        return false;
    }
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] != '0' && digits.data[i] != '1') {
            return false;
        }
        message->level[i] = digits.data[i] == '1';
    }
    message->count = (unsigned)digits.length;
    return true;
}

/* The part of *list up to a comma, taken off with it. False at the end. */
static bool next_of(struct span *list, struct span *ret_part)
{
    size_t comma = span_find(*list, ',');

    if (list->length == 0) {
        return false;
    }
    *ret_part = (struct span){list->data, comma};
    *list = span_skip(*list, comma + 1);
    return true;
}

/* `2,2,1,` with or without the last comma. */
static bool parse_types(struct span list, struct board_message *message)
{
    struct span part;
    unsigned count = 0;
    int64_t type;

    while (next_of(&list, &part)) {
        if (count == BOARD_IO_MAX || !whole_number(part, &type)) {
            return false;
        }
        message->type[count++] = (int16_t)type;
    }
    message->count = count;
    return count > 0;
}

/* What has a form; everything that has not is BOARD_GARBAGE. */
static enum board_message_kind parse(struct span line, struct board_message *message)
{
    if (span_starts(line, SPAN("IO:"))) {
        return parse_levels(span_skip(line, 3), message) ? BOARD_IO : BOARD_GARBAGE;
    }
    if (span_equal(line, SPAN("OK"))) {
        return BOARD_OK;
    }
    if (span_equal(line, SPAN("RR"))) {
        return BOARD_READY_REPORT;
    }
    if (span_starts(line, SPAN("IT:"))) {
        return parse_types(span_skip(line, 3), message) ? BOARD_TYPES : BOARD_GARBAGE;
    }
    if (span_starts(line, SPAN("IC:"))) {
        return whole_number(span_skip(line, 3), &message->number) ? BOARD_COUNT : BOARD_GARBAGE;
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (span_starts(line, prefixes[i].text)) {
            message->argument = span_trim(span_skip(line, prefixes[i].text.length));
            return prefixes[i].kind;
        }
    }
    if (span_equal(line, SPAN("//action:disconnect"))) {
        return BOARD_ACTION;
    }
    return BOARD_GARBAGE;
}

void board_message_parse(struct span content, struct board_message *ret_message)
{
    struct board_message message = {.argument = SPAN_NONE};

    message.kind = parse(span_trim(content), &message);
    if (message.kind == BOARD_GARBAGE) {
        message.argument = content;
    }
    *ret_message = message;
}

bool board_message_constant(struct span constants, struct span name, int64_t *ret_value)
{
    struct span part;

    while (next_of(&constants, &part)) {
        size_t colon = span_find(part, ':');

        if (colon < part.length && span_equal(span_trim((struct span){part.data, colon}), name) &&
            whole_number(span_skip(part, colon + 1), ret_value)) {
            return true;
        }
    }
    return false;
}

/* Takes a blank and a number in thousandths off *text. */
static bool take_decimal(struct span *text, int64_t *ret_value)
{
    size_t used;

    if (text->length == 0 || text->data[0] != ' ') {
        return false;
    }
    *text = span_skip(*text, 1);
    used = text_decimal(*text, ret_value);
    *text = span_skip(*text, used);
    return used > 0;
}

/* A number of a list in thousandths that counts something: whole, and below BOARD_IO_MAX. */
static bool counts(int64_t value)
{
    return value % 1000 == 0 && value >= 0 && value < BOARD_IO_MAX * 1000;
}

bool board_message_dht(struct span extension, struct board_dht *ret_dht)
{
    int64_t number[4], degree, humidity;
    unsigned count = 0;

    if (!span_starts(extension, SPAN("DHT"))) {
        return false;
    }
    extension = span_skip(extension, 3);
    while (count < 4 && take_decimal(&extension, &number[count])) {
        count++;
    }
    if (count < 3 || extension.length > 0 || !counts(number[0]) ||
        (count == 4 && !counts(number[1]))) {
        return false;
    }
    degree = number[count - 2];
    humidity = number[count - 1];
    if (degree < DHT_COLDEST || degree > DHT_WARMEST || humidity < 0 || humidity > DHT_WETTEST) {
        return false;
    }
    *ret_dht = (struct board_dht){(unsigned)(number[0] / 1000),
                                  count == 4 ? (unsigned)(number[1] / 1000) : BOARD_IO_MAX,
                                  (int32_t)degree, (int32_t)humidity};
    return true;
}

void board_message_set(unsigned io, bool high, struct text *text)
{
    assert(io < BOARD_IO_MAX);
    text_add_string(text, "IO ");
    text_add_integer(text, io);
    text_add_string(text, high ? " 1\n" : " 0\n");
}

void board_message_pwm(unsigned io, uint8_t value, unsigned hertz, struct text *text)
{
    assert(io < BOARD_IO_MAX);
    text_add_string(text, "PWM ");
    text_add_integer(text, io);
    text_add_char(text, ' ');
    text_add_thousandths(text, (value * INT64_C(10000) + UINT8_MAX / 2) / UINT8_MAX * 10);
    text_add_char(text, ' ');
    text_add_integer(text, hertz);
    text_add_char(text, '\n');
}

void board_message_interval(unsigned interval_ms, struct text *text)
{
    text_add_string(text, "SI ");
    text_add_integer(text, interval_ms < INTERVAL_LEAST_MS ? INTERVAL_LEAST_MS : interval_ms);
    text_add_char(text, '\n');
}

void board_message_word(const char *word, struct text *text)
{
    text_add_string(text, word);
    text_add_char(text, '\n');
}
