/*
 * What a print host reads and writes: a command's word, a numbered line, an answer's kind.
 *
 * Follows OctoPrint's comm.py, and knows nothing of the proxy's parsers: two readers of the same
 * text that were written apart find each other's mistakes.
 */
#pragma once

#include "base/text.h"

/* The letter and number a command begins with. */
bool sim_host_word(struct span command, char *ret_letter, int64_t *ret_code);
/* Is it this G, M or T code? Upper case only, as OctoPrint has it. */
bool sim_host_is(struct span command, char letter, int64_t code);
/* The letter of a word: for G, M, T and F an ok is waited for. */
bool sim_host_counted(char letter);
/* Nothing, or nothing but a `;` comment. */
bool sim_host_blank(struct span command);
/* Without comment and outer blanks. */
struct span sim_host_stripped(struct span line);
/* The N of an M110. False if it has none. */
bool sim_host_m110(struct span command, int64_t *ret_number);
/* `N<number> <command>*<checksum>\n` appended to `text`. */
void sim_host_number(struct span command, int64_t number, struct text *text);

enum sim_host_reply_kind {
    SIM_HOST_TEXT,
    SIM_HOST_OK,
    SIM_HOST_RESEND, /* number */
    SIM_HOST_BUSY,
    SIM_HOST_ERROR_TOLD,  /* of a kind that OctoPrint puts up with */
    SIM_HOST_ERROR_FATAL, /* it would say M112 and close */
    SIM_HOST_START,
    SIM_HOST_ACTION, /* rest: what follows `action:` */
    SIM_HOST_FIRMWARE,
};
struct sim_host_reply {
    enum sim_host_reply_kind kind;
    int64_t number;
    struct span rest;
};
void sim_host_reply(struct span line, struct sim_host_reply *ret_reply);
