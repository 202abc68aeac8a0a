/*
 * What starts a rule (`when`) or ends its plan (`until`), and whether an event is that.
 *
 * Knows nothing of lines: `gcode` rules are the ruleset's business. Has no state: a crossing comes
 * with the event, as an old and a new value.
 */
#pragma once

#include "base/text.h"
#include "route/event.h"

enum when_kind {
    WHEN_NEVER, /* no `until` */
    WHEN_GCODE,
    WHEN_REPLY,
    WHEN_POINT,
    WHEN_PRINT,
    WHEN_PRINTER,
    WHEN_HOST,
    WHEN_BOARD,
    WHEN_TEMPERATURE,
    WHEN_EVERY,
    WHEN_START,
};
#define WHEN_KINDS 11

enum when_becomes { BECOMES_ON, BECOMES_OFF, BECOMES_UNKNOWN, BECOMES_CHANGE };
enum when_comparison { IS_BELOW, IS_AT_MOST, IS_AT_LEAST, IS_ABOVE };

struct when {
    enum when_kind kind;
    uint8_t point;        /* WHEN_POINT, and WHEN_TEMPERATURE of a dht point; else POINT_NONE */
    uint8_t becomes;      /* WHEN_POINT: enum when_becomes */
    char heater;          /* WHEN_TEMPERATURE: 'T', 'B' or 'C' … */
    uint8_t heater_index; /* … and the tool's number */
    uint8_t comparison;   /* WHEN_TEMPERATURE: enum when_comparison */
    int32_t threshold;    /* thousandths of a degree */
    uint16_t facts;       /* print, printer, host, board: one bit per fact of event.h */
    int64_t for_ms;       /* point, host silent: so long without a break; 0 at once */
    int64_t every_ms;     /* WHEN_EVERY */
};

/* Is the event what `when` waits for? `for` is not looked at: it is the plan's first wait. */
bool when_is(const struct when *when, const struct event *event);
/* `>= 50C`, `<-5.5 C`: a comparison and a threshold in thousandths. False if it is none. */
bool when_comparison_read(struct span text, enum when_comparison *ret_comparison,
                          int32_t *ret_threshold);
/* "<", "<=", ">=", ">" */
const char *when_comparison_word(enum when_comparison comparison);
/* Does a value compare so? For conditions. */
bool when_compares(enum when_comparison comparison, int32_t value, int32_t threshold);
