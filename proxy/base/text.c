#include "base/text.h"

#include <assert.h>
#include <string.h>

/* Longer than any word of the vocabularies: what is longer was not mistyped. */
#define NEAREST_MAX 48

struct span span_of(const char *text)
{
    return text == NULL ? SPAN_NONE : (struct span){text, strlen(text)};
}

static bool same_letters(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text_lower(a[i]) != text_lower(b[i])) {
            return false;
        }
    }
    return true;
}

bool span_equal_nocase(struct span a, struct span b)
{
    return a.length == b.length && same_letters(a.data, b.data, a.length);
}

bool span_starts_nocase(struct span text, struct span with)
{
    return text.length >= with.length && same_letters(text.data, with.data, with.length);
}

bool span_contains(struct span text, struct span part)
{
    if (part.length == 0) {
        return true;
    }
    while (text.length >= part.length) {
        const char *found = memchr(text.data, part.data[0], text.length - part.length + 1);
        if (found == NULL) {
            return false;
        }
        if (memcmp(found, part.data, part.length) == 0) {
            return true;
        }
        text = span_skip(text, (size_t)(found - text.data) + 1);
    }
    return false;
}

bool span_contains_nocase(struct span text, struct span part)
{
    for (; text.length >= part.length; text = span_skip(text, 1)) {
        if (same_letters(text.data, part.data, part.length)) {
            return true;
        }
        if (text.length == 0) {
            break;
        }
    }
    return false;
}

struct span span_trim(struct span text)
{
    while (text.length > 0 && text_is_blank(text.data[0])) {
        text = span_skip(text, 1);
    }
    while (text.length > 0 && text_is_blank(text.data[text.length - 1])) {
        text.length--;
    }
    return text;
}

uint8_t span_xor(struct span text)
{
    uint64_t sums = 0, eight;
    size_t at = 0;

    for (; at + sizeof eight <= text.length; at += sizeof eight) {
        memcpy(&eight, text.data + at, sizeof eight);
        sums ^= eight;
    }
    sums ^= sums >> 32;
    sums ^= sums >> 16;
    sums ^= sums >> 8;
    for (; at < text.length; at++) {
        sums ^= (uint8_t)text.data[at];
    }
    return (uint8_t)sums;
}

size_t span_find_last(struct span text, char byte)
{
    for (size_t i = text.length; i > 0; i--) {
        if (text.data[i - 1] == byte) {
            return i - 1;
        }
    }
    return text.length;
}

/* One digit more, counted downwards so that INT64_MIN has room. False if it overflows. */
static bool append_digit(int64_t *negative, int digit)
{
    /* Far from the end no division is needed to see that there is room. */
    if (*negative <= INT64_MIN / 10 + 1 && *negative < (INT64_MIN + digit) / 10) {
        return false;
    }
    *negative = *negative * 10 - digit;
    return true;
}

static bool has_sign(struct span text)
{
    return text.length > 0 && (text.data[0] == '-' || text.data[0] == '+');
}

/* The value of the sign and of what was counted downwards. False if it does not fit. */
static bool apply_sign(struct span text, int64_t negative, int64_t *ret_value)
{
    if (text.data[0] == '-') {
        *ret_value = negative;
        return true;
    }
    if (negative == INT64_MIN) {
        return false;
    }
    *ret_value = -negative;
    return true;
}

/* So many digits fit 64 bits, whatever they are. */
#define SAFE_DIGITS 18

size_t text_integer(struct span text, int64_t *ret_value)
{
    int64_t negative = 0;
    size_t first = has_sign(text) ? 1 : 0, used = first;
    size_t safe = text.length - first < SAFE_DIGITS ? text.length : first + SAFE_DIGITS;

    for (; used < safe && text_is_digit(text.data[used]); used++) {
        negative = negative * 10 - (text.data[used] - '0');
    }

    for (; used < text.length && text_is_digit(text.data[used]); used++) {
        if (!append_digit(&negative, text.data[used] - '0')) {
            return 0;
        }
    }
    return used > first && apply_sign(text, negative, ret_value) ? used : 0;
}

size_t text_decimal(struct span text, int64_t *ret_thousandths)
{
    int64_t negative = 0;
    size_t used = has_sign(text) ? 1 : 0;
    unsigned digits = 0, decimals = 0;

    for (; used < text.length && text_is_digit(text.data[used]); used++, digits++) {
        if (!append_digit(&negative, text.data[used] - '0')) {
            return 0;
        }
    }
    if (used < text.length && text.data[used] == '.') {
        used++;
        for (; used < text.length && text_is_digit(text.data[used]); used++, digits++) {
            if (decimals == 3) {
                continue;
            }
            decimals++;
            if (!append_digit(&negative, text.data[used] - '0')) {
                return 0;
            }
        }
    }
    if (digits == 0) {
        return 0;
    }
    for (; decimals < 3; decimals++) {
        if (!append_digit(&negative, 0)) {
            return 0;
        }
    }
    return apply_sign(text, negative, ret_thousandths) ? used : 0;
}

bool text_duration(struct span text, int64_t *ret_ms)
{
    static const struct {
        struct span name;
        int64_t ms;
    } units[] = {
        {SPAN_INIT("ms"), 1},
        {SPAN_INIT("s"), 1000},
        {SPAN_INIT("min"), 60 * 1000},
        {SPAN_INIT("h"), 60 * 60 * 1000},
    };
    const int64_t longest_ms = INT64_C(1000) * 24 * 60 * 60 * 1000;
    int64_t thousandths;
    size_t used = text_decimal(text, &thousandths);

    if (used == 0 || has_sign(text)) {
        return false;
    }
    text = span_skip(text, used);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (span_equal(text, units[i].name)) {
            if (thousandths > longest_ms * 1000 / units[i].ms) {
                return false;
            }
            *ret_ms = thousandths * units[i].ms / 1000;
            return true;
        }
    }
    return false;
}

void text_add(struct text *text, struct span part)
{
    size_t room = text->capacity - text->length;

    assert(text->length <= text->capacity);
    if (part.length > room) {
        part.length = room;
        text->cut = true;
    }
    if (part.length > 0) {
        memcpy(text->data + text->length, part.data, part.length);
        text->length += part.length;
    }
}

void text_add_string(struct text *text, const char *part)
{
    text_add(text, span_of(part));
}

void text_add_char(struct text *text, char byte)
{
    if (text->length == text->capacity) {
        text->cut = true;
        return;
    }
    text->data[text->length++] = byte;
}

void text_add_integer(struct text *text, int64_t value)
{
    char digits[20];
    size_t first = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--first] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        text_add_char(text, '-');
    }
    text_add(text, (struct span){digits + first, sizeof(digits) - first});
}

void text_add_thousandths(struct text *text, int64_t thousandths)
{
    int decimals = (int)(thousandths % 1000);
    char digits[4] = {'.'};
    size_t length = sizeof(digits);

    if (decimals < 0) {
        decimals = -decimals;
        if (thousandths > -1000) {
            text_add_char(text, '-');
        }
    }
    text_add_integer(text, thousandths / 1000);
    if (decimals == 0) {
        return;
    }
    for (size_t i = sizeof(digits) - 1; i > 0; i--) {
        digits[i] = (char)('0' + decimals % 10);
        decimals /= 10;
    }
    while (digits[length - 1] == '0') {
        length--;
    }
    text_add(text, (struct span){digits, length});
}

void text_add_duration(struct text *text, int64_t ms)
{
    if (ms != 0 && ms > -1000 && ms < 1000) {
        text_add_integer(text, ms);
        text_add(text, SPAN("ms"));
    } else if (ms != 0 && ms % (60 * 60 * 1000) == 0) {
        text_add_integer(text, ms / (60 * 60 * 1000));
        text_add(text, SPAN("h"));
    } else if (ms != 0 && ms % (60 * 1000) == 0) {
        text_add_integer(text, ms / (60 * 1000));
        text_add(text, SPAN("min"));
    } else {
        text_add_thousandths(text, ms);
        text_add(text, SPAN("s"));
    }
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Letters to insert, leave out, change or swap with their neighbour to make `a` of `b`. */
static unsigned distance(struct span a, struct span b)
{
    unsigned rows[3][NEAREST_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];

    for (unsigned j = 0; j <= b.length; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= a.length; i++) {
        unsigned *oldest = before;
        before = last;
        last = row;
        row = oldest;
        row[0] = i;
        for (unsigned j = 1; j <= b.length; j++) {
            unsigned change = a.data[i - 1] == b.data[j - 1] ? 0 : 1;

            row[j] = smaller(smaller(last[j], row[j - 1]) + 1, last[j - 1] + change);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
                a.data[i - 2] == b.data[j - 1]) {
                row[j] = smaller(row[j], before[j - 2] + 1);
            }
        }
    }
    return row[b.length];
}

const char *text_nearest(struct span word, const char *const *words)
{
    const char *nearest = NULL;
    unsigned least = 3;

    if (word.length > NEAREST_MAX) {
        return NULL;
    }
    for (; *words != NULL; words++) {
        struct span candidate = span_of(*words);
        unsigned mistakes = candidate.length > NEAREST_MAX ? least : distance(word, candidate);

        if (mistakes < least && mistakes * 2 < word.length) {
            least = mistakes;
            nearest = *words;
        }
    }
    return nearest;
}
