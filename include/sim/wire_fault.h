/*
 * What goes wrong on one wire: bytes that set out become the bytes that arrive.
 *
 * Faults are planned beforehand, each at a byte of its wire, so that a run can be made again with
 * fewer of them. Knows bytes and line ends only. What befalls an end of the wire and not its bytes
 * (a reset, a port pulled out) is handed out when its byte passes; the world does it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_FAULT_GARBAGE 250 /* bytes of a burst, at most */
#define WIRE_FAULT_LINE    300 /* of a line that is doubled; a longer one is not */
/* What one byte can become at most. */
#define WIRE_FAULT_BYTES   (WIRE_FAULT_GARBAGE + WIRE_FAULT_LINE + 32)

enum fault_kind {
    /* the bytes; `count` says how many */
    FAULT_FLIP,   /* one bit of each */
    FAULT_LOSE,
    FAULT_DOUBLE, /* each comes twice */
    FAULT_NOISE,  /* one in forty has a flipped bit: a storm of Resends */
    FAULT_DELAY,  /* what follows comes `count` ms later */
    FAULT_STALL,  /* the same, seconds */
    FAULT_GARBAGE,
    /* lines; the next `count` that begin */
    FAULT_LOSE_LINE,
    FAULT_DOUBLE_LINE,
    FAULT_LOSE_OK, /* of those that begin with ok */
    /* the ends; resets come `count` us later */
    FAULT_RESET,         /* of the printer */
    FAULT_RESET_UNHEARD, /* and its `start` is lost */
    FAULT_BOARD_RESET,
    FAULT_UNPLUG, /* of the port; back `count` ms later */
    FAULT_UNPLUG_RESET, /* the printer is off meanwhile */
    FAULT_REOPEN,       /* the host closes its port; opens it `count` ms later */
    FAULT_CANCEL,       /* the user cancels the print */
    FAULT_PAUSE,        /* and resumes it `count` ms later */
    FAULT_HALT,         /* the host says M112 and closes its port */
    FAULT_KINDS,
};
const char *fault_word(enum fault_kind kind);

struct fault {
    uint8_t kind;
    uint8_t wire;
    uint32_t at; /* the byte of the wire, counted since it was planned */
    uint32_t count;
};

struct wire_fault {
    const struct fault *fault; /* all that are planned, lent; those of other wires are passed over */
    uint32_t faults, next;
    uint32_t told; /* for the world: it has noted so many */
    uint8_t wire;
    uint32_t passed; /* bytes */
    uint64_t dice;
    uint32_t flips, losses, doubles, noise; /* bytes to come that are hit */
    uint32_t lines_lost, lines_doubled, oks_lost; /* lines to come that are */
    bool within;    /* a line has begun */
    bool dropping;  /* it is being lost */
    bool doubling;  /* it is kept, to be said again */
    bool lose_start;
    uint32_t boot_lines_lost; /* with it */
    bool holding;   /* the line's beginning is held: it may be one that is to be lost */
    char held[6];
    uint32_t held_length;
    char line[WIRE_FAULT_LINE];
    uint32_t line_length;
    bool hurt;         /* the line so far is not what set out */
    char original[8];  /* its beginning as it set out */
    uint32_t original_length;
    int64_t delay_ms;  /* what comes now is to be held so long; the world takes it */
    const struct fault *due; /* it befalls an end now; the world takes it */
    uint64_t fired[FAULT_KINDS];
    uint64_t hurt_oks, hurt_resends, hurt_others; /* lines, by what they were */
    uint64_t hurt_refusals;                       /* of the oks, those behind a Resend */
    bool refusing;                                /* the last line to set out was a Resend */
};

/* Nothing is planned: all passes as it is. */
void wire_fault_init(struct wire_fault *fault, uint8_t wire);
/* Plans: `faults` in the order of `at`, lent from now on. Bytes are counted from here. */
void wire_fault_plan(struct wire_fault *fault, const struct fault *faults, uint32_t count,
                     uint64_t seed);
/* The port was closed: an unfinished line is gone. */
void wire_fault_cut(struct wire_fault *fault);
/* One byte sets out; returns how many arrive for it, in `ret_bytes`, which has WIRE_FAULT_BYTES. */
size_t wire_fault_byte(struct wire_fault *fault, char byte, char *ret_bytes);
/* Nothing is going on and nothing more is planned. */
bool wire_fault_quiet(const struct wire_fault *fault);
