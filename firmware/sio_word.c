#include "firmware/sio_word.h"

#include <string.h>

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

struct sio_word sio_word_trim(struct sio_word word)
{
    while (word.length > 0 && is_space(word.data[word.length - 1]))
        word.length--;
    while (word.length > 0 && is_space(word.data[0]))
        word = sio_word_part(word, 1, word.length);
    return word;
}

bool sio_word_is(struct sio_word word, const char *text)
{
    return word.length == strlen(text) && memcmp(word.data, text, word.length) == 0;
}

struct sio_word sio_word_part(struct sio_word word, uint8_t from, uint8_t to)
{
    if (to > word.length)
        to = word.length;
    if (from > to)
        from = to;
    return (struct sio_word){word.data + from, (uint8_t)(to - from)};
}

uint8_t sio_word_blank(struct sio_word word)
{
    uint8_t i = 0;
    while (i < word.length && word.data[i] != ' ')
        i++;
    return i;
}

int32_t sio_word_loose_number(struct sio_word word)
{
    uint8_t i = 0;
    bool negative = false;
    uint32_t value = 0;
    while (i < word.length && is_space(word.data[i]))
        i++;
    if (i < word.length && (word.data[i] == '-' || word.data[i] == '+'))
        negative = word.data[i++] == '-';
    for (; i < word.length && is_digit(word.data[i]); i++) {
        if (value > 99999999)
            return -1; /* no number of ours has nine digits; the original overflows */
        value = value * 10 + (uint32_t)(word.data[i] - '0');
    }
    return negative ? -(int32_t)value : (int32_t)value;
}

bool sio_word_strict_number(struct sio_word word, uint32_t *ret_value)
{
    uint32_t value = 0;
    if (word.length == 0 || word.data[0] == '0')
        return false;
    for (uint8_t i = 0; i < word.length; i++) {
        if (!is_digit(word.data[i]) || value > INT32_MAX / 10)
            return false;
        value = value * 10 + (uint32_t)(word.data[i] - '0');
    }
    if (value > INT32_MAX)
        return false;
    *ret_value = value;
    return true;
}
