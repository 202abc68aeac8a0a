/*
 * Answers for a printer that is off, gone or not there yet: a const table.
 *
 * The minimal set that keeps OctoPrint connected (octoprint.md 2.1, seen with 1.11.8): hellos and
 * polls get their usual form, motion and heating are refused by echo, everything else is just ok.
 * M400 takes its time, because OctoPrint's pause loses a race against an instant ok.
 */
#pragma once

#include "base/text.h"
#include "wire/gcode_line.h"

#define STANDIN_M400_MS 10

enum standin_answer {
    STANDIN_OK,      /* *ret_text, whole lines, the ok among them */
    STANDIN_LATER,   /* ok after STANDIN_M400_MS */
    STANDIN_REFUSED, /* motion or heating: not done; an echo and the ok are the caller's */
};

/* What to say to this line; lends const text. */
enum standin_answer standin_answer(const struct gcode_line *line, struct span *ret_text);
/* A heater's target of 0 asks for nothing: OctoPrint's cancel script ends with two of them. */
bool standin_cold(const struct gcode_line *line);
