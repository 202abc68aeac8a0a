/*
 * Parts of a command line of the board: cut, compared, read as numbers.
 *
 * Numbers are read in the two ways that Arduino's String offers and the original firmware uses:
 * toInt(), which takes what it finds, and a comparison with the number written again. Knows no
 * command.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Bytes of a line, lent. */
struct sio_word {
    const char *data;
    uint8_t length;
};

/* Without blanks, tabs, CR and the like at both ends. */
struct sio_word sio_word_trim(struct sio_word word);

bool sio_word_is(struct sio_word word, const char *text);

/* The bytes from index `from` up to `to`, as far as there are any. */
struct sio_word sio_word_part(struct sio_word word, uint8_t from, uint8_t to);

/* Index of the first blank, or the length. */
uint8_t sio_word_blank(struct sio_word word);

/*
 * As atol: blanks, a sign, digits, and whatever follows ignored; 0 without digits. -1 for more
 * than nine digits, where the original overflows.
 */
int32_t sio_word_loose_number(struct sio_word word);

/* A number as the board itself would write it: digits only, no leading zero, above 0, 31 bits. */
bool sio_word_strict_number(struct sio_word word, uint32_t *ret_value);
