/*
 * The lines sent to the printer: the last of them are kept for resends, the newest are unanswered,
 * and the newest of those may be about to go out again.
 *
 *     oldest kept … answered | unanswered, at the printer | unsent, to go again … newest
 *
 * Keeps bytes and numbers; knows no answers.
 */
#pragma once

#include "base/line_ring.h"
#include "base/text.h"

#define PRINTER_LINES_KEPT 64 /* for resends */
#define PRINTER_BYTES_KEPT (16 * 1024)

/* Who sent a line, as the sender likes it. */
struct tag {
    uint8_t sender;
    uint8_t slot;
    uint32_t serial;
};

struct sent_line {
    struct tag tag;
    int64_t number; /* on the wire; -1 none */
    uint16_t length;
    bool barrier;     /* M110, or a line that goes alone */
    bool opens_file;  /* M28: what follows is to be written, and not to be sent without it */
    bool temperature; /* M105: its ok says T: */
    bool question;    /* of ours, to learn what became of the others */
    bool overtook;    /* what was to go again: its ok is swallowed when it comes */
    bool replied;     /* a query: the line that it asked for has come */
    bool untold;      /* M105, answered by an ok that said no temperatures */
    bool doubtful;    /* answered by an ok that may have been another's */
    bool given_again; /* though it was answered beyond doubt */
    bool let_go;      /* it is not sent any more: M110 stands for it, under its number */
};

struct sent_lines {
    struct line_ring ring;
    char bytes[PRINTER_BYTES_KEPT];
    struct sent_line line[PRINTER_LINES_KEPT]; /* parallel to the ring, oldest at `first` */
    uint32_t first;
    uint32_t unanswered; /* the newest so many of ring.count */
    uint32_t unsent;     /* the newest so many of those are to go out again */
    uint32_t unanswered_bytes;
};

void sent_lines_init(struct sent_lines *lines);
/* Nothing was ever sent. */
void sent_lines_clear(struct sent_lines *lines);
/*
 * Can one more line of `length` bytes be kept? A place is left for one more; half of the bytes are
 * enough for it and for what the ring's end wastes.
 */
bool sent_lines_can_keep(const struct sent_lines *lines, size_t length);
/* Keeps a line that is being sent, dropping the oldest answered ones to make room. */
void sent_lines_keep(struct sent_lines *lines, struct span bytes, struct sent_line line);
/* The newest; there is one. */
const struct sent_line *sent_lines_newest(const struct sent_lines *lines);
/* The newest, the one before it is 1, and so on up to ring.count - 1. */
struct sent_line *sent_lines_back(struct sent_lines *lines, uint32_t behind);
/* The unanswered line with that index, the oldest is 0. */
struct sent_line *sent_lines_unanswered(struct sent_lines *lines, uint32_t index);
/* The number of the oldest unanswered line; there is one. */
int64_t sent_lines_unanswered_number(const struct sent_lines *lines);
/* Is that the command of a line at the printer, or the beginning of it? */
bool sent_lines_has(const struct sent_lines *lines, struct span command);
/* Its bytes, lent until the next call. */
struct span sent_lines_bytes(const struct sent_lines *lines, uint32_t index);
/* The oldest unanswered line is answered. */
void sent_lines_answer(struct sent_lines *lines);
/* All that is unanswered counts as answered. */
void sent_lines_answer_all(struct sent_lines *lines);
/* The newest so many are unanswered again, whatever they were; no fewer than are now. */
void sent_lines_take_back(struct sent_lines *lines, uint32_t count);
/* Counted from the newest, 0, where the line with this number is kept; -1 if it is not. */
int64_t sent_lines_find(const struct sent_lines *lines, int64_t number);
/* Is a number among the unanswered, be it behind lines that overtook it? */
bool sent_lines_any_numbered(const struct sent_lines *lines);
/* The first line at the printer that asks for temperatures is so far behind the oldest; -1 none. */
int64_t sent_lines_first_temperature(const struct sent_lines *lines);
/* The tag of the unanswered line with that index. */
struct tag sent_lines_tag(const struct sent_lines *lines, uint32_t index);
/* Unanswered lines of this sender are from now on nobody's. */
void sent_lines_disown(struct sent_lines *lines, uint8_t sender, uint8_t nobody);
/* Is a question among the unanswered? */
bool sent_lines_any_question(const struct sent_lines *lines);
/* Is something unanswered, and nothing but questions? */
bool sent_lines_only_questions(const struct sent_lines *lines);
const char *sent_lines_check(const struct sent_lines *lines);
