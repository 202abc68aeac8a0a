#include "session/binary_transfer.h"

#include <string.h>

#define TOKEN_FIRST  0xAD
#define TOKEN_SECOND 0xB5
#define CLOSE        0x02 /* protocol 0 (control), type 2 */

/* The only writer of the state. */
static void enter(struct binary_transfer *transfer, enum binary_state state)
{
    transfer->state = state;
    transfer->got = 0;
}

void binary_transfer_begin(struct binary_transfer *transfer)
{
    memset(transfer, 0, sizeof *transfer);
    enter(transfer, BINARY_TOKEN);
}

void binary_transfer_end(struct binary_transfer *transfer)
{
    enter(transfer, BINARY_NONE);
}

bool binary_transfer_runs(const struct binary_transfer *transfer)
{
    return transfer->state != BINARY_NONE;
}

/* A header is whole: is it the closing one, and what follows it? */
static void header_came(struct binary_transfer *transfer)
{
    const uint8_t *header = transfer->header;
    unsigned length = header[2] | (unsigned)header[3] << 8;

    if (header[1] == CLOSE) {
        transfer->closing = true;
        transfer->closing_sync = header[0];
    }
    transfer->skip = length > 0 ? length + 2 : 0;
    enter(transfer, length > 0 ? BINARY_PAYLOAD : BINARY_TOKEN);
}

void binary_transfer_host(struct binary_transfer *transfer, struct span bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        uint8_t byte = (uint8_t)bytes.data[i];

        switch (transfer->state) {
        case BINARY_NONE: return;
        case BINARY_TOKEN:
            if (transfer->got == 1 && byte == TOKEN_SECOND)
                enter(transfer, BINARY_HEADER);
            else
                transfer->got = byte == TOKEN_FIRST;
            break;
        case BINARY_HEADER:
            transfer->header[transfer->got++] = byte;
            if (transfer->got == sizeof transfer->header)
                header_came(transfer);
            break;
        case BINARY_PAYLOAD:
            if (--transfer->skip == 0)
                enter(transfer, BINARY_TOKEN);
            break;
        }
    }
}

bool binary_transfer_printer(struct binary_transfer *transfer, struct span content)
{
    int64_t sync;

    if (!binary_transfer_runs(transfer))
        return false;
    if (!span_equal(content, SPAN("start"))) {
        if (!transfer->closing || !span_starts(content, SPAN("ok")) ||
            text_integer(span_skip(content, 2), &sync) == 0 || sync != transfer->closing_sync)
            return false;
    }
    enter(transfer, BINARY_NONE);
    return true;
}
