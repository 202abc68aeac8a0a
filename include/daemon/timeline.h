/*
 * What switched when while a print file was simulated: events and answers in, lines of text out.
 *
 * Prints each thing with its time and its place in the file, and at the end the totals and what
 * looks wrong: lines that nobody takes, outputs that are left on. Knows nothing of how the print
 * is run; simulate.h does that.
 */
#pragma once

#include <stdio.h>

#include "daemon/print_file.h"
#include "proxy.h"

#define TIMELINE_STRANGE 32 /* different commands that nobody takes which are told one by one */

struct timeline_output {
    bool on, was_on; /* now, and when the print began */
    struct instant since;
    int64_t on_us; /* of the print */
    uint64_t switched;
};

/* A command that nobody took. */
struct timeline_strange {
    char word[40];
    const char *why;
    uint64_t count, line; /* the first one's */
    uint32_t layer;
};

struct timeline {
    FILE *to;
    const struct settings *settings;
    struct print_file file;
    struct instant begin;
    bool began, over;
    struct instant printed;
    uint64_t host_lines, swallowed, injected; /* when it was printed */
    struct timeline_output output[SETTINGS_POINTS];
    struct timeline_strange strange[TIMELINE_STRANGE];
    unsigned stranges;
    uint64_t stranges_more; /* lines for which there is no room */
};

/* `file` and settings are lent until the end. */
void timeline_init(struct timeline *timeline, FILE *to, const struct settings *settings,
                   struct span file);
/* The print begins: time counts from here, and only what happens from here on is shown. */
void timeline_begin(struct timeline *timeline, const struct proxy *proxy, struct instant now);
/* Something happened when all before `offset` of the file had been sent. */
void timeline_event(struct timeline *timeline, const struct event *event, size_t offset);
void timeline_note(struct timeline *timeline, struct instant now, size_t offset, const char *what,
                   const char *why);
/* The printer said that it does not know this command. */
void timeline_unknown(struct timeline *timeline, struct span command, size_t offset);
/* The file is over, or its print. */
void timeline_printed(struct timeline *timeline, size_t offset, const struct status *status,
                      struct instant now);
/* And what comes after it: the totals and the warnings. */
void timeline_end(const struct timeline *timeline);
