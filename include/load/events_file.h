/*
 * A file of events for `simulate --events`: what happens during a print, and when, a line each.
 *
 *     # the operator opens the door
 *     at line 1200: door on
 *     at 1:30:00: bed 45C
 *
 * When: `line N` and `layer N` of the print file, or so long after the print has begun: a time with
 * its unit, or as the timeline shows it. What: an input and its state, a heater or a dht point and
 * its temperature, `printer`, `board`, `host` or `print` and what becomes of it, `gcode` and a line
 * that somebody types, `reply` and a line that the printer says. Runs nothing.
 */
#pragma once

#include "load/mistakes.h"
#include "load/tests_file.h"

#define EVENTS_FILE_MAX 1000

enum events_when {
    EVENTS_AT_TIME, /* ms after the print has begun */
    EVENTS_AT_LINE, /* when that line of the print file has been sent */
    EVENTS_AT_LAYER,
};

struct events_entry {
    enum events_when when;
    int64_t at;
    struct rule_test_step step; /* what; it knows where it stands */
    struct span text, what;     /* the line of the file without comment, and its second half */
};

struct events_file {
    struct events_entry *entry; /* in the order of the file */
    unsigned entries;
};

/* Reads the text, which is lent like `file`'s name. Every mistake is told; false if there is one.
 */
bool events_file_read(struct span text, const char *file, const struct settings *settings,
                      struct arena *arena, struct mistakes *mistakes,
                      struct events_file *ret_events);
