/*
 * What switched when while a print file was simulated: events and answers in, lines of text out.
 *
 * Prints each thing with its time and its place in the file, and at the end the totals and what
 * looks wrong: lines that nobody takes, outputs that are left on, waits that can time out. As text,
 * or as one JSON object. Knows nothing of how the print is run; simulate.h does that.
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

/* A command that nobody took, a wait that has a time limit. */
struct timeline_strange {
    char word[104];
    char why[96];
    uint64_t count, line; /* the first one's */
    uint32_t layer;
};

struct timeline {
    FILE *to;
    bool json;
    uint64_t entries; /* printed */
    unsigned warnings;
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

/* Prints to `to` what is simulated. `file` and settings are lent until the end. */
void timeline_init(struct timeline *timeline, FILE *to, bool json, const char *path,
                   const char *config, const struct settings *settings, struct span file);
/* The print begins: time counts from here, and only what happens from here on is shown. */
void timeline_begin(struct timeline *timeline, const struct proxy *proxy, struct instant now);
/* Something happened when all before `offset` of the file had been sent. */
void timeline_event(struct timeline *timeline, const struct event *event, size_t offset);
void timeline_note(struct timeline *timeline, struct instant now, size_t offset, const char *what,
                   const char *why);
/* The printer said that it does not know this command. */
void timeline_unknown(struct timeline *timeline, struct span command, size_t offset);
/* The print waits for a point or a temperature, as the status says. */
void timeline_waits(struct timeline *timeline, const struct status *status, size_t offset);
/* The file is over, or its print. */
void timeline_printed(struct timeline *timeline, size_t offset, const struct status *status,
                      struct instant now);
/* What comes after it: the totals. `why` the print did not come to its end, or NULL. */
void timeline_totals(struct timeline *timeline, const char *why);
/* One more warning of those that come between timeline_totals and timeline_end. */
void timeline_warn(struct timeline *timeline, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void timeline_end(struct timeline *timeline, const char *why);
