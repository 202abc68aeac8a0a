/*
 * The board that a guest sees: bytes of a guest become answers and levels wanted, levels reported
 * become the reports of a board.
 *
 * Plays a "SIOPlugin 0.1.1" board (SIO_Arduino 1.0.11) whose ios are those of the real one. Knows
 * io numbers and levels; knows no point, no name and not who may switch what: a wish is handed
 * out, and its owner says what became of it. Unknown levels are never guessed: while the real board
 * is not there the share reports nothing and is not ready.
 *
 * What the guest that matters, OctoPrint-SIOControl 1.0.3 (Connection.py), does that is not to be
 * expected:
 * - It opens the port, drops what it finds there, says `VC` and reads up to `CP:SIOPlugin 0.1.1`. A
 *   report before that makes it drop everything and say `VC` again: the share is quiet at first.
 * - It tries once, when OctoPrint starts, for 16 s: `VC` is answered whether there is a board
 *   or not.
 * - Until it has read `RR` it sends nothing: the share says RR behind the answer to `VC`, or as
 *   soon as the real board is of use.
 * - A command is repeated for ever until the next line read after it is `OK`: each gets one, also
 *   what is not understood (as the ESP32's firmware does, and the Arduino's does not).
 * - With more than one command to send it says `EIO` first and `BIO` when it has sent them all.
 * - More than 15 lines with a beginning that it does not know make it leave for good.
 */
#pragma once

#include "base/instant.h"
#include "base/outbox.h"
#include "session/board_session.h"

#define SHARE_LINE        64    /* of a guest; longer ones are not understood */
#define SHARE_WISHES      32    /* not carried out yet; with more the guest is not read */
#define SHARE_OUT         16384 /* not read by the guest yet */
#define SHARE_CONSTANTS   160   /* of the board's TC line */
#define SHARE_NAME        48
#define SHARE_INTERVAL_MS 3000 /* between two reports, until the guest wants another */
#define SHARE_LEAST_MS    500  /* and not less */

/* An output is to have this level. */
struct share_wish {
    uint8_t io;
    bool high;
};

struct board_share {
    bool open;
    bool paused; /* EIO */
    bool live;   /* the levels are known */
    bool ready;  /* the board is of use */

    char line[SHARE_LINE]; /* of the guest, not ended yet */
    uint8_t length;
    bool overlong;

    struct share_wish wish[SHARE_WISHES];
    uint32_t first, wishes;
    bool taken;    /* the first one is being carried out, … */
    bool reported; /* … and the levels were said meanwhile */

    bool owes_report, owes_ready; /* as soon as the guest reads */
    uint32_t interval_ms;
    struct instant next_report, next_ready;

    /* The real board, as far as it is known. */
    uint8_t count; /* of ios; 0 not known */
    bool level[BOARD_IO_MAX];
    uint32_t told; /* the levels that were looked at last (board_levels.h) */
    uint8_t types; /* of how many ios the type is known */
    int16_t type[BOARD_IO_MAX];
    char constants[SHARE_CONSTANTS], version[SHARE_NAME], name[SHARE_NAME]; /* NUL-terminated */

    struct outbox out;
    char bytes[SHARE_OUT];
    uint64_t lines;  /* of guests */
    uint64_t unread; /* reports that a guest did not get because it had not read the last ones */
};

void board_share_init(struct board_share *share);
/* A guest is there; what the last one left behind is forgotten. */
void board_share_opened(struct board_share *share, struct instant now);
void board_share_closed(struct board_share *share);
/* Bytes of the guest; behind the first board_share_room() of them they are lost. */
void board_share_bytes(struct board_share *share, struct span bytes, struct instant now);
/* How many bytes may come next; 0: as soon as the guest has read, or a wish is done. */
size_t board_share_room(const struct board_share *share);

/* A line of the real board: what it says of itself is kept, its extensions are passed on. */
void board_share_hear(struct board_share *share, const struct board_message *message);
/* Looks at the real board's levels: after everything that may have changed them. */
void board_share_look(struct board_share *share, const struct board_session *board,
                      struct instant now);

/*
 * Takes the oldest wish of the guest; board_share_done() must follow before the next. False if
 * there is none, or one is not done yet.
 */
bool board_share_next_wish(struct board_share *share, struct share_wish *ret_wish);
/*
 * The wish taken has come true, or `why` says why it has not. Does nothing if its guest has gone
 * meanwhile.
 */
void board_share_done(struct board_share *share, struct span why);
/* All wishes that were not taken yet come to nothing. */
void board_share_refuse(struct board_share *share, struct span why);

/* Early is harmless. */
void board_share_expire(struct board_share *share, struct instant now);
struct instant board_share_deadline(const struct board_share *share);

/* What is to be written to the guest, lent until the next call that is not const. */
static inline struct span board_share_output(const struct board_share *share)
{
    return outbox_bytes(&share->out, share->bytes);
}
/* The guest's port has taken the first `count` bytes of it. */
void board_share_sent(struct board_share *share, size_t count);
/* A promise of this module that does not hold, in words, or NULL. */
const char *board_share_check(const struct board_share *share);
