/*
 * Cuts a byte stream into lines.
 *
 * Knows only that a line ends at LF and that a line longer than LINE_CAPACITY is not for parsers.
 * The raw bytes of a line, its LF and a CR before it included, are kept: what is passed on is
 * passed on as it came. Knows nothing of G-code.
 */
#pragma once

#include "base/text.h"

/* Longest line taken whole, its end included. OctoPrint has no limit, Marlin's is 96. */
#define LINE_CAPACITY 1024

enum line_result {
    LINE_NONE,     /* bytes used up; the unfinished line is kept for next time */
    LINE_COMPLETE, /* *ret_line is set: raw bytes, LF included */
    LINE_PART,     /* *ret_line is LINE_CAPACITY bytes of a longer line, not ended yet */
    LINE_REST,     /* *ret_line is the end of a longer line, LF included */
};

struct line_framer {
    char line[LINE_CAPACITY];
    uint32_t length;
    bool overlong;        /* inside a line of which parts were given out */
    uint64_t line_length; /* bytes of the current line so far, parts included */
};

void line_framer_init(struct line_framer *framer);
/*
 * Takes bytes from the front of *bytes (shortening it) until a line is complete or they are used
 * up. *ret_line is lent until the next call; after LINE_REST line_framer_length() is the whole
 * line's length.
 */
enum line_result line_framer_next(struct line_framer *framer, struct span *bytes,
                                  struct span *ret_line);
/* Length in bytes of the line given out last, all its parts together. */
uint64_t line_framer_length(const struct line_framer *framer);
/* An unfinished line at hand? */
bool line_framer_pending(const struct line_framer *framer);
/* Forgets an unfinished line. */
void line_framer_reset(struct line_framer *framer);
/* `line` without its LF and a CR before that. */
struct span line_content(struct span line);
