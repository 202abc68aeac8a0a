/*
 * The one command that is outstanding at the board: written here, and done when its answer came.
 *
 * Knows how each command is spelled and which OK is whose. Does not know what to ask next, nor
 * what an answer means.
 */
#pragma once

#include "base/instant.h"
#include "wire/board_message.h"

#define BOARD_COMMAND_MAX 20 /* bytes of the longest line written, an LF before it included */

enum board_ask_kind {
    BOARD_ASK_NOTHING,
    BOARD_ASK_VERSION,   /* VC */
    BOARD_ASK_CONSTANTS, /* TC */
    BOARD_ASK_TYPES,     /* IOT */
    BOARD_ASK_INTERVAL,  /* SI ms */
    BOARD_ASK_BEGIN,     /* BIO */
    BOARD_ASK_STATES,    /* GS */
    BOARD_ASK_SET,       /* IO n v */
};

struct board_ask {
    enum board_ask_kind kind;
    uint8_t io;
    bool high;
    bool acked; /* its OK has come; the answer itself may follow */
    bool heard; /* any line has come since it was sent */
    struct instant sent, deadline;
    uint8_t lost_oks;   /* commands given up whose OK may still come */
    bool end_half_line; /* the next command is written behind an LF */
};

/* Nothing is outstanding and nothing is to come any more. */
void board_ask_reset(struct board_ask *ask);

/*
 * Appends the command's line to `text`, which has BOARD_COMMAND_MAX bytes free (asserted), and is
 * outstanding from now on. `number` is the io of a SET, the milliseconds of an INTERVAL.
 */
void board_ask_send(struct board_ask *ask, enum board_ask_kind kind, unsigned number, bool high,
                    struct text *text, struct instant now);
void board_ask_done(struct board_ask *ask);
/* No answer came: gives it up, and ends the half line that it may be by now. */
void board_ask_abandon(struct board_ask *ask);
/* An OK came. False if it belongs to a command given up, or to none. */
bool board_ask_ok(struct board_ask *ask);
/*
 * Is `debug`, the argument of a `DG:`, the board's answer that it does not know what was asked?
 * *ret_damaged: it names another command than the one outstanding, which was damaged on its way.
 */
bool board_ask_refused(const struct board_ask *ask, struct span debug, bool *ret_damaged);
