/*
 * Bytes lent (struct span), text built in the caller's memory (struct text), numbers, durations
 * and words out of text and back.
 *
 * Locale-free, knows no encoding: a byte above 127 is just a byte. Takes no memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that belong to somebody else, valid until the next call on the lender. */
struct span {
    const char *data;
    size_t length;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})
#define SPAN_NONE     ((struct span){0})
/* The same inside a const table, where a compound literal is no constant. */
/* clang-format off */
#define SPAN_INIT(literal) {(literal), sizeof(literal) - 1}
/* clang-format on */

struct span span_of(const char *text); /* a NUL-terminated string, without its NUL; NULL is empty */
static inline bool span_equal(struct span a, struct span b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}
bool span_equal_nocase(struct span a, struct span b);
static inline bool span_starts(struct span text, struct span with)
{
    return text.length >= with.length &&
           (with.length == 0 || memcmp(text.data, with.data, with.length) == 0);
}
bool span_starts_nocase(struct span text, struct span with);
bool span_contains(struct span text, struct span part);
bool span_contains_nocase(struct span text, struct span part);
/* The rest after the first `count` bytes; empty when there are fewer. */
static inline struct span span_skip(struct span text, size_t count)
{
    if (count > text.length)
        count = text.length;
    /* A span of nothing may have no address to add to. */
    return count == 0 ? text : (struct span){text.data + count, text.length - count};
}
/* Without blanks and tabs at both ends (CR and LF count as blanks). */
struct span span_trim(struct span text);
/* All bytes by exclusive or: the checksum of a numbered line. */
uint8_t span_xor(struct span text);
/* Index of the first / last `byte`, or the span's length when there is none. */
static inline size_t span_find(struct span text, char byte)
{
    const char *found =
        text.length == 0 ? NULL : (const char *)memchr(text.data, byte, text.length);

    return found == NULL ? text.length : (size_t)(found - text.data);
}
size_t span_find_last(struct span text, char byte);

/* Blank, tab, CR or LF. */
static inline bool text_is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}
static inline bool text_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}
static inline bool text_is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}
static inline char text_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}
static inline char text_upper(char byte)
{
    return byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
}

/*
 * A number at the start of `text`: an optional sign and digits. Returns the count of bytes used,
 * 0 if there is no number or it does not fit 64 bits.
 */
size_t text_integer(struct span text, int64_t *ret_value);

/*
 * A decimal number at the start of `text` ("-1.25", ".5", "3."), in thousandths, further digits
 * cut off. Returns the bytes used, 0 if there is none or it does not fit.
 */
size_t text_decimal(struct span text, int64_t *ret_thousandths);

/*
 * The whole of `text` as a duration with its unit (`200ms`, `1.5s`, `10min`, `2h`), in whole
 * milliseconds, of the decimals the first three. False if there is no unit, something is left
 * over, it has a sign, or is longer than 1000 days.
 */
bool text_duration(struct span text, int64_t *ret_ms);

/* Text under construction. What does not fit is cut off and remembered in `cut`. */
struct text {
    char *data;
    size_t capacity;
    size_t length;
    bool cut;
};

#define TEXT_IN(array) ((struct text){(array), sizeof(array), 0, false})

void text_add(struct text *text, struct span part);
void text_add_string(struct text *text, const char *part);
void text_add_char(struct text *text, char byte);
void text_add_integer(struct text *text, int64_t value);
/* Without trailing zeros: 1500 is "1.5". */
void text_add_thousandths(struct text *text, int64_t thousandths);
/* In the largest unit that is whole, else in seconds: "200ms", "1.5s", "10min", "2h", "0s". */
void text_add_duration(struct text *text, int64_t ms);
static inline struct span text_span(const struct text *text)
{
    return (struct span){text->data, text->length};
}

/*
 * The word of `words` (NULL at the end) nearest to a mistyped one: at most two letters inserted,
 * left out, changed or swapped, and fewer than half of it. NULL if none is near.
 */
const char *text_nearest(struct span word, const char *const *words);
