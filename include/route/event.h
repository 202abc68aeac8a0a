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
    EVENT_POINT,       /* name: point; state: on off unknown */
    EVENT_PRINT,       /* state: started paused … */
    EVENT_PRINTER,     /* state: online silent offline halted reset */
    EVENT_HOST,        /* state: connected disconnected */
    EVENT_BOARD,       /* state: online lost */
    EVENT_TEMPERATURE, /* name: tool0 bed chamber or a point; state: the value in degrees */
    EVENT_ESTOP,       /* state: unknown armed tripped latched */
    EVENT_FILAMENT,    /* name: point; state: present missing unknown off */
    EVENT_PSU,         /* state: on off unknown */
    EVENT_GCODE,       /* a line of ours was carried out. name: its word; state: done or failed */
    EVENT_RULE,        /* name: rule; state: started done ended failed */
    EVENT_RELOAD,      /* state: done or refused */
    EVENT_LOG,         /* cause is a sentence for the log; level says how loud */
};

#define EVENT_NAME  40
#define EVENT_STATE 16
#define EVENT_CAUSE 200
#define EVENTS      160 /* every point unknown at once, and what follows from it */

/* What `is` of an event says, for rules; of a print it is enum print_fact of print_job.h. */
enum printer_fact {
    FACT_PRINTER_ONLINE,
    FACT_PRINTER_OFFLINE,
    FACT_PRINTER_RESET,
    FACT_PRINTER_HALTED,
    FACT_PRINTER_SILENT
};
enum host_fact { FACT_HOST_CONNECTED, FACT_HOST_DISCONNECTED, FACT_HOST_SILENT };
enum board_fact { FACT_BOARD_ONLINE, FACT_BOARD_LOST };
#define FACT_NONE (-1)

struct event {
    struct instant at;
    enum event_kind kind;
    uint8_t level;   /* enum log_level */
    uint8_t index;   /* point, or tool number */
    bool by_rule;    /* a point: a rule for events has switched it */
    char heater;     /* temperature: 'T', 'B', 'C', or 0 for a point's */
    int32_t was, is; /* a fact (`is`, FACT_NONE if it is none), states of a point (enum point_state;
                        `was` the last known), thousandths of a degree with play (temperatures.h) */
    int32_t was_low, is_low; /* the same for what is compared by `<` */
    char name[EVENT_NAME];
    char state[EVENT_STATE];
    char cause[EVENT_CAUSE]; /* which line, rule, client or report did it */
};

struct events {
    struct event event[EVENTS];
    uint32_t first, count;
    uint32_t shown; /* the oldest so many of them were shown around inside */
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
/* How many were not shown around inside yet. */
uint32_t events_new(const struct events *events);
/* The oldest that was not shown around inside yet; it counts as shown now. */
bool events_show(struct events *events, struct event *ret_event);
/* Takes the oldest that was shown. False if there is none. */
bool events_next(struct events *events, struct event *ret_event);
