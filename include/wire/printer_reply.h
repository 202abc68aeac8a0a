/*
 * One line from a printer: its kind and values.
 *
 * Follows OctoPrint's comm.py (what counts as an ok, a Resend, a busy, an Error) and what Marlin,
 * Klipper, Repetier and Prusa firmware were seen to send (Error and `!!`, `// action:` with a
 * blank). Knows not which line is answered: that is the session's question.
 *
 * Klipper's answer to M115 is its ok: `ok FIRMWARE_VERSION:… FIRMWARE_NAME:Klipper`. OctoPrint
 * strips blanks, then NULs, before it looks for an ok, a Resend, start or wait; an Error, a busy
 * and `//` it sees only at the very start of a line. So do we. Other than OctoPrint we take no
 * `rssi: -60` for a Resend. Smoothie and OctoPrint's virtual printer answer M114 in the line of the
 * ok, `ok C: X:0.0 …` and `ok X:0.0 … Count: A:0 B:0 C:0`: no heater in such a one. That virtual
 * printer says `echo:busy paused for user`, with a blank for the colon.
 */
#pragma once

#include "base/text.h"

enum printer_reply_kind {
    REPLY_TEXT,        /* anything else: echo:, //, free text; of Marlin's `echo:Unknown command: "…"`
                          argument is what it quotes */
    REPLY_OK,          /* begins with `ok` as OctoPrint takes it; argument is FIRMWARE_NAME, if any */
    REPLY_RESEND,      /* `Resend: n`, `rs n`; number is n, -1 if it was lost */
    REPLY_BUSY,        /* `busy:` or `echo:busy:`; paused is set for `paused for user` */
    REPLY_ERROR,       /* `Error:`, `!!`, `fatal:`; numbering and halted tell which */
    REPLY_START,       /* `start`, alone or where it has cut an ok short */
    REPLY_WAIT,        /* exactly `wait` */
    REPLY_ACTION,      /* `//action:NAME …`, `// action:NAME`; argument is what follows action: */
    REPLY_CAPABILITY,  /* `Cap:NAME:0|1`; argument is NAME, number the value */
    REPLY_FIRMWARE,    /* a line with FIRMWARE_NAME: (Malyan: NAME:); argument is the name */
    REPLY_TEMPERATURE, /* a line with T:, T0: or B: and numbers that is no ok */
    REPLY_POSITION,    /* X: Y: Z: of M114 */
    REPLY_SD,          /* `SD printing byte`, `Not SD printing`, `Done printing file`, `File opened`… */
};

/* One heater's values in thousandths of a degree. */
struct printer_reply_heater {
    char name;     /* 'T' tool, 'B' bed, 'C' chamber */
    uint8_t index; /* of the tool: T and T0 are 0 */
    bool has_target;
    int32_t actual, target;
};
#define PRINTER_REPLY_HEATERS 12 /* ten tools, bed, chamber */

struct printer_reply {
    enum printer_reply_kind kind;
    struct span text;     /* the line's content, lent; without an ok that a refusal ran into */
    struct span argument; /* as the kind says */
    int64_t number;       /* of a Resend, the N of an advanced ok (-1 without), or a Cap's value */
    bool paused;          /* busy: paused for user */
    bool numbering;       /* an Error about line number or checksum, or what the wire has left of
                             one: a Resend follows */
    bool halted;          /* `kill() called`, `Printer halted`, Klipper's Shutdown, … */
    bool boot;            /* said right behind `start`, and at no other time */
    bool unknown_command; /* `Unknown command` in any of its forms */
    bool upload_open;     /* `Writing to file:` */
    bool upload_failed;   /* `open failed` */
    unsigned heaters;     /* filled in for ok with temperatures and REPLY_TEMPERATURE */
    struct printer_reply_heater heater[PRINTER_REPLY_HEATERS];
};

/* Never fails. `content` is a line without its end; *ret_reply lends from it. */
void printer_reply_parse(struct span content, struct printer_reply *ret_reply);
