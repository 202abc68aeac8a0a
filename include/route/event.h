/*
 * What happened, as facts in one bounded queue: for the log, for `watch`, and for rules.
 *
 * Whoever learns of something appends it; proxy.c shows it around. A full queue loses its oldest
 * event that only a reader waits for, counted.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "route/settings.h"

enum event_kind {
    EVENT_POINT,   /* name: point; state: on off unknown */
    EVENT_PRINT,   /* state: started paused … */
    EVENT_PRINTER, /* state: online silent offline halted reset */
    EVENT_HOST,    /* state: connected disconnected */
    EVENT_BOARD,   /* state: online lost */
    EVENT_GCODE,   /* a line of ours was carried out. name: its word; state: done or failed */
    EVENT_RULE,    /* name: rule; state: started done ended failed */
    EVENT_RELOAD,  /* state: done or refused */
    EVENT_LOG,     /* cause is a sentence for the log; level says how loud */
};

#define EVENT_NAME  40
#define EVENT_STATE 16
#define EVENT_CAUSE 200
#define EVENTS      64

struct event {
    struct instant at;
    enum event_kind kind;
    uint8_t level; /* enum log_level */
    char name[EVENT_NAME];
    char state[EVENT_STATE];
    char cause[EVENT_CAUSE]; /* which line, rule, client or report did it */
};

struct events {
    struct event event[EVENTS];
    uint32_t first, count;
    uint64_t lost;
};

/* The word `watch` and the log use: "point", "printer", …, "log". */
const char *event_word(enum event_kind kind);

/*
 * Appends, with level LOG_INFO; texts are cut to their fields. The event stays with the queue and
 * may be improved until the next call.
 */
struct event *events_add(struct events *events, enum event_kind kind, struct span name,
                         struct span state, struct span cause, struct instant now);
/* Takes the oldest. False if there is none. */
bool events_next(struct events *events, struct event *ret_event);
