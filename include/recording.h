/*
 * A session of the core as bytes, and back: what a recording holds and how.
 *
 * Turns each proxy_input with its instant into a chunk that stands for itself, so that a recording
 * can be streamed, and read as far as it is whole. Knows nothing of files or sockets, and not what
 * a config means. A recording is RECORDING_MAGIC, whose number is the format's version, then
 * chunks:
 *
 *     kind    1 byte
 *     length  4 bytes, of the payload; numbers are little-endian
 *     check   4 bytes, of the three others: no single flipped bit leaves it as it is
 *     payload
 *
 * and the kinds, in the order in which they come:
 *
 *     H  header: 8 bytes size of struct proxy, then the program's version as text, NUL, and the
 *        sum of the headers that lay struct proxy out, as text
 *     F  begins the files of a config: folder, NUL, $STATE_DIRECTORY as text (empty: none)
 *     S  one file: its path, NUL, its bytes; the config first
 *     V  the saved state that proxy_init was given; only without Z
 *     B  begin: 8 bytes instant of proxy_init, or of the picture that follows
 *     Z  a piece of a picture of struct proxy, for a recording begun in mid-run: runs of
 *        4 bytes count of zeros, 4 bytes count of bytes, these bytes
 *     K  8 bytes sum of the whole picture, behind its last piece
 *     I  an input: 8 bytes instant, 1 byte kind, 1 byte port, 8 bytes number; if somebody asked:
 *        1 byte kind of request, 1 byte value, 8 bytes ms, 1 byte length and the point's name,
 *        2 bytes length and the line; what is left are its bytes. PROXY_SENT carries the bytes
 *        that were written: replay compares them
 *     R  reload: 8 bytes instant; the new config stands before it as F and S
 *     E  end: why it ended early as text, empty if it did not
 *
 * A picture fits only a program whose struct proxy is laid out the same. A recording without Z,
 * as one from the daemon's start is, fits all: kinds of inputs, ports and requests have numbers of
 * their own here, which stay as they are.
 */
#pragma once

#include "proxy.h"

#define RECORDING_MAGIC "sioproxy recording 2\n"

enum recording_kind {
    RECORDING_HEADER = 'H',
    RECORDING_FILES = 'F',
    RECORDING_SOURCE = 'S',
    RECORDING_SAVED = 'V',
    RECORDING_BEGIN = 'B',
    RECORDING_PICTURE = 'Z',
    RECORDING_SUM = 'K',
    RECORDING_INPUT = 'I',
    RECORDING_RELOAD = 'R',
    RECORDING_END = 'E',
};

/* So many bytes hold every front below: a chunk without the bytes at its end. */
#define RECORDING_FRONT 512

/* Appends the front of a chunk; its payload is to follow it. */
void recording_chunk(struct text *to, enum recording_kind kind, struct span payload);
/* The same with a first 8-byte number in the payload; `rest` is to follow. */
void recording_number(struct text *to, enum recording_kind kind, int64_t number, struct span rest);
/* The same with a name and its NUL first in the payload; `rest` is to follow. */
void recording_named(struct text *to, enum recording_kind kind, struct span name,
                     struct span rest);
/* The front of an input; input->bytes are to follow it. */
void recording_input(struct text *to, const struct proxy_input *input, struct instant now);
/*
 * Appends runs of `state` from *offset on, as the payload of a Z, as many as fit `to`, and moves
 * *offset behind them.
 */
void recording_squeeze(struct text *to, struct span state, size_t *offset);

/* The sum of a whole picture, for K. */
uint64_t recording_sum(struct span state);

struct recording_piece {
    enum recording_kind kind;
    struct span payload;
};
enum recording_result {
    RECORDING_WHOLE,   /* *ret_piece is set, and taken off */
    RECORDING_SHORT,   /* what is left is no whole chunk: nothing is taken */
    RECORDING_DAMAGED, /* its check does not fit: nothing is taken */
};
/* Takes the next chunk off *rest. */
enum recording_result recording_next(struct span *rest, struct recording_piece *ret_piece);
/* Takes an 8-byte number off *payload. */
bool recording_take_number(struct span *payload, int64_t *ret_number);
/*
 * An input from its payload, lent from it; its request, if any, is *ret_request. False if it is
 * not one.
 */
bool recording_read_input(struct span payload, struct proxy_input *ret_input,
                          struct request *ret_request, struct instant *ret_now);
/* Writes a Z into `state` at *offset, and moves that. False if it does not fit. */
bool recording_unsqueeze(struct span payload, char *state, size_t size, size_t *offset);
