/*
 * An upload in Marlin's binary protocol (`M28 B1`): when it is over.
 *
 * Bytes in between are nobody's lines and are passed as they are; all that is looked at is the
 * packets' headers, for the host's closing packet, and the printer's lines, for its acknowledgement.
 * Follows Marlin's binary_stream.h: AD B5, sync, protocol and type in one byte, length and checksum
 * of the header (little-endian), then the payload and two bytes of checksum; `ok<sync>` acknowledges.
 */
#pragma once

#include "base/text.h"

enum binary_state {
    /* Not in a transfer. binary_transfer_begin -> BINARY_TOKEN */
    BINARY_NONE,
    /* The two bytes of a packet's token are looked for. found -> BINARY_HEADER */
    BINARY_TOKEN,
    /* Sync, protocol and type, length, checksum. header whole -> BINARY_PAYLOAD, BINARY_TOKEN */
    BINARY_HEADER,
    /* So many bytes are skipped. all of them -> BINARY_TOKEN */
    BINARY_PAYLOAD,
};

struct binary_transfer {
    enum binary_state state;
    uint8_t header[6];
    uint8_t got;     /* bytes of the token or the header */
    uint32_t skip;   /* bytes of payload still to come */
    bool closing;    /* the closing packet was seen … */
    uint8_t closing_sync; /* … with this sync number */
};

void binary_transfer_begin(struct binary_transfer *transfer);
void binary_transfer_end(struct binary_transfer *transfer);
bool binary_transfer_runs(const struct binary_transfer *transfer);
/* Bytes of the host pass. */
void binary_transfer_host(struct binary_transfer *transfer, struct span bytes);
/* A line of the printer passes. True if it ends the transfer. */
bool binary_transfer_printer(struct binary_transfer *transfer, struct span content);
