/*
 * Takes a command line apart as the simulated firmware does: letter, number, parameters.
 *
 * Deliberately another parser than the proxy's own, so that a mistake of one is not shared by the
 * other. Follows Marlin's gcode/parser.cpp: upper case only, the number and its blanks skipped,
 * everything from the first `*` on cut off.
 */
#pragma once

#include "base/text.h"

struct sim_gcode {
    char letter;      /* G, M or T; '?' if the line is no command */
    uint32_t number;  /* at most 99999 */
    struct span text; /* the command without line number and checksum: what was executed */
    struct span rest; /* what follows the command word, blanks skipped */
};

/* Takes `line` apart; the spans point into it. Every line can be taken apart. */
struct sim_gcode sim_gcode_read(struct span line);

/*
 * Cuts the next parameter off `rest`: a capital letter and the decimal number behind it, if there
 * is one. Whatever is neither is skipped. False when there is none left.
 */
bool sim_gcode_next(struct span *rest, char *ret_letter, bool *ret_has_value, double *ret_value);

/* The value of parameter `letter`. False if it is not there or has no number. */
bool sim_gcode_value(const struct sim_gcode *gcode, char letter, double *ret_value);
bool sim_gcode_has(const struct sim_gcode *gcode, char letter);
