/*
 * One line from a host: number, checksum, command word, parameters; and a numbered line anew.
 *
 * Follows Marlin's queue.cpp (number, checksum at the last '*', M110) and OctoPrint's comm.py (what
 * counts as a command). Case-insensitive, blanks optional, bytes above 127 untouched. Knows no
 * sequence: whether a number is the right one is the session's question.
 */
#pragma once

#include "base/text.h"

/* Marlin's MAX_CMD_SIZE is 96, its NUL included. */
#define GCODE_NUMBERED_MAX 95

/* Line numbers beyond this, either sign, are none: firmware counts in 32 bits. */
#define GCODE_NUMBER_MAX INT32_MAX

struct gcode_line {
    struct span raw;     /* all bytes, line end included */
    struct span command; /* without number, checksum, comment and outer blanks; may be empty */
    bool numbered;       /* begins with N and a number (a sign is allowed) */
    bool has_checksum;   /* a '*' and digits at the end (else before a comment); only if numbered */
    bool checksum_right; /* has one, and it is the XOR of all before the last '*' */
    int64_t number;      /* if numbered */
    char letter;         /* upper-case first letter of the command, 0 if it begins with none */
    bool is_command;     /* G, M or T (or F) and a number, in any case */
    bool counted;        /* is_command in upper case: OctoPrint itself waits for an ok */
    int64_t code;        /* the number after the letter if is_command, else -1 */
    int64_t subcode;     /* M889.1: 1; -1 without */
    bool blank;          /* nothing in it at all, or only blanks; no number either */
    bool comment_only;   /* nothing but a `;` comment; no number either */
};

/* Never fails: what is not understood is a command without letter. *ret_line lends from `raw`. */
void gcode_line_parse(struct span raw, struct gcode_line *ret_line);

/* Is it this G, M or T code, without a subcode? */
static inline bool gcode_line_is(const struct gcode_line *line, char letter, int64_t code)
{
    return line->code == code && line->letter == letter && line->is_command && line->subcode < 0;
}

/*
 * The first parameter of that letter: `S200`, `s 200`, `P"chamber light"`, `Plight`, `X-1.5`,
 * `S40%`, in any order, blanks or none (`G1X10Y2`). Value without quotes; empty for a bare letter.
 * A value that begins with a letter goes on to the next blank (`Plight`), one that begins with a
 * digit, sign or point ends where the number and its `%` ends (`P100S1`). Nothing inside a word or
 * a string is a parameter. A word may stand apart from its letter (`P light`) if it begins with two
 * letters: a letter alone or before a digit is the next parameter (`G28 X Y`, `T S13`). So a bare
 * letter before a parameter with a word (`R Plight`) takes that for its value: there it stands
 * last.
 */
bool gcode_line_parameter(const struct gcode_line *line, char letter, struct span *ret_value);

/* `N<number> <command>*<checksum>\n` appended to `text`. */
void gcode_line_number(struct span command, int64_t number, struct text *text);
/* Bytes that gcode_line_number would append, LF not counted. */
size_t gcode_line_numbered_length(struct span command, int64_t number);

/*
 * Is its command one with a number of its own (`N2 N5 G1`)? Without the first number it would be
 * taken for another line.
 */
bool gcode_line_numbered_twice(const struct gcode_line *line);

/*
 * Does firmware read the same number and checksum in the line's very bytes? To Marlin (queue.cpp)
 * a number begins with a capital N, and a `;` before the checksum hides it: such a line, or one that
 * the wire made so, would be refused each time that it is sent.
 */
bool gcode_line_is_plain(const struct gcode_line *line);

/* What M110 sets: the N after it, else the line's own number. False if neither is there. */
bool gcode_line_m110(const struct gcode_line *line, int64_t *ret_number);

/*
 * The emergency lane: what firmware with an emergency parser acts on before any queue, whatever
 * follows the number (a subcode too).
 */
enum gcode_emergency {
    GCODE_ORDINARY,
    GCODE_M108,
    GCODE_M112,
    GCODE_M410,
    GCODE_M876,
};
enum gcode_emergency gcode_line_emergency(const struct gcode_line *line);
