/*
 * What the board has to say: words, numbers and line ends into its transmit buffer.
 *
 * For sio_board.c, which begins a turn only when there is room for the longest answer.
 */
#pragma once

#include "firmware/sio_board.h"
#include "firmware/sio_word.h"

void sio_say_byte(struct sio_board *board, char byte);
void sio_say_word(struct sio_board *board, struct sio_word word);
void sio_say(struct sio_board *board, const char *text);
/* With CR and LF behind it. */
void sio_say_line(struct sio_board *board, const char *text);
void sio_say_number(struct sio_board *board, uint32_t value);
/* -12.30 */
void sio_say_hundredths(struct sio_board *board, int32_t value);
