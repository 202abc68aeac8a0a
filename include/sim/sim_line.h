/*
 * Turns received bytes into command lines, as Marlin's line reader does: comments, escapes,
 * numbers, checksums, M110 and what it refuses.
 *
 * Knows nothing of what a command means and says nothing itself: it tells what came of a byte.
 * Follows Marlin/src/gcode/queue.cpp (bugfix-2.1.x, January 2023): the number is checked before
 * the checksum; a repeated line is dropped without a word; M110 anywhere in a numbered line sets
 * the number (its second N, if there is one) before any check of sequence; a line longer than 95
 * characters is cut off there, so a numbered one fails its checksum.
 */
#pragma once

#include "base/text.h"

/* MAX_CMD_SIZE of Marlin is 96 with its NUL. Klipper has no limit; ours is for its manner. */
#define SIM_LINE_MARLIN_LIMIT 95
#define SIM_LINE_CAPACITY     256

enum sim_line_result {
    SIM_LINE_NONE,        /* no line is complete */
    SIM_LINE_COMMAND,     /* sim_line_text() is a line to be queued */
    SIM_LINE_BLANK,       /* an empty line or a comment */
    SIM_LINE_DOUBLET,     /* a repeated number, dropped in silence */
    SIM_LINE_BAD_NUMBER,  /* refused */
    SIM_LINE_BAD_SUM,     /* refused */
    SIM_LINE_NO_CHECKSUM, /* refused */
};

/* How the firmware reads. */
struct sim_line_rules {
    bool plain;            /* Klipper: no numbers, no checksums, no escapes */
    bool doublets_refused; /* older Marlin: a repeated number is a wrong number */
    bool numbered_only;    /* a file is being uploaded: no line without a number but M29 */
    char never;            /* a numbered line with this byte fails its checksum; '\0' none does */
};

struct sim_line {
    int64_t last_number; /* of the last line accepted */
    uint32_t length;     /* of the line under construction */
    bool skipping;       /* a comment, or the line is full */
    bool escaped;        /* the next byte is taken as it is */
    bool numbered;       /* the complete line began with N */
    bool complete;       /* text is a whole line; the next byte begins a new one */
    char text[SIM_LINE_CAPACITY];
};

/* Is it M29, and not M290? Wherever in the line it stands: Marlin looks for no more (is_M29). */
bool sim_line_is_m29(struct span text);

void sim_line_init(struct sim_line *line);
/*
 * Takes bytes that only make the line longer, as many as there are at the start of these; returns
 * how many. What stops it is to be taken one by one.
 */
size_t sim_line_take_plain(struct sim_line *line, struct span bytes, struct sim_line_rules rules);
/* Takes one byte. */
enum sim_line_result sim_line_take(struct sim_line *line, char byte, struct sim_line_rules rules);
/* The complete line, leading blanks skipped, lent until the next byte is taken. */
struct span sim_line_text(const struct sim_line *line);
