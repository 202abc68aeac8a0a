/* What must be true of the line numbers that reach the world fuzzer's printer. */
#pragma once

#include "fuzz.h"
#include "wire/gcode_line.h"

static int64_t printer_next; /* the next number it has not seen, … */
static bool numbered;        /* … once an M110 has set one */
static bool unchecked;       /* nothing can be said of them any more */

/*
 * Numbers begin by an M110 and leave no hole. Only a question is asked out of turn: in an upload,
 * where it is to be refused, and while lines before it are still to go again.
 */
static void check_number(const struct gcode_line *line)
{
    bool m110 = gcode_line_is(line, 'M', 110);

    if (m110) {
        numbered = gcode_line_m110(line, &printer_next) || numbered;
        printer_next++;
        return;
    }
    if (!line->numbered)
        return;
    fuzz_promise(numbered, "an M110 is the first line with a number");
    fuzz_promise(line->number <= printer_next || gcode_line_is(line, 'M', 105),
                 "numbers leave no hole");
    /* This printer refuses nothing: what it was asked it has seen. */
    if (line->number >= printer_next)
        printer_next = line->number + 1;
}
