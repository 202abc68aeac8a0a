#include "firmware/sio_say.h"

void sio_say_byte(struct sio_board *board, char byte)
{
    if (board->out_count == UINT8_MAX)
        return; /* not reached: a turn begins with at most SIO_OUT_BACKLOG bytes */
    board->out[(uint8_t)(board->out_first + board->out_count)] = byte;
    board->out_count++;
}

void sio_say_word(struct sio_board *board, struct sio_word word)
{
    for (uint8_t i = 0; i < word.length; i++)
        sio_say_byte(board, word.data[i]);
}

void sio_say(struct sio_board *board, const char *text)
{
    while (*text != '\0')
        sio_say_byte(board, *text++);
}

void sio_say_line(struct sio_board *board, const char *text)
{
    sio_say(board, text);
    sio_say(board, "\r\n");
}

void sio_say_number(struct sio_board *board, uint32_t value)
{
    char digits[10];
    uint8_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0)
        sio_say_byte(board, digits[--count]);
}

void sio_say_hundredths(struct sio_board *board, int32_t value)
{
    uint32_t size = (uint32_t)(value < 0 ? -value : value);
    if (value < 0)
        sio_say_byte(board, '-');
    sio_say_number(board, size / 100);
    sio_say_byte(board, '.');
    sio_say_number(board, size / 10 % 10);
    sio_say_number(board, size % 10);
}
