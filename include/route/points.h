/*
 * The board's ios under the names the operator gave them: levels become states, states levels.
 *
 * An output's state is the board's report, at once. An input's state is what the board has
 * reported unchanged for the point's `debounce`. Unknown is never guessed: it is what every point
 * is while the board is lost. Knows nothing of pulses (a plan does them) nor of who wants what.
 *
 * Indexes are those of the settings in force. Configuration is copied: no pointer is kept.
 */
#pragma once

#include "base/instant.h"
#include "route/settings.h"
#include "session/board_session.h"

/* The occasions on which outputs are set without anybody's command. */
enum points_occasion {
    POINTS_START,      /* the daemon starts */
    POINTS_HALT,       /* emergency stop or M112; sent before everything else */
    POINTS_HOST_LOST,  /* the host has been gone for 10 s */
    POINTS_EXIT,       /* the daemon ends */
    POINTS_BOARD_BACK, /* the board was reset or lost; `keep` lets go of the output */
};

enum points_result {
    POINTS_SET,
    POINTS_NOT_AN_OUTPUT, /* an input or a sensor */
    POINTS_NO_PWM,        /* a value between off and on: the board does not dim this io */
    POINTS_NO_IO,         /* the board has no such io */
};

struct point_change {
    uint8_t index;
    enum board_level level; /* now, electrical */
    enum point_state old, new;
    enum point_state last_known; /* before this change; POINT_UNKNOWN if it never was known */
};

struct point {
    struct point_settings set;
    enum board_level level;      /* electrical, debounced */
    enum board_level reported;   /* electrical, as the board said last */
    enum board_level last_known; /* of `level` */
    struct instant settles;      /* when `level` becomes `reported` */
    int16_t wanted;              /* last value wanted, 0 to 255; -1 none */
    int16_t value;               /* of a dimmed output, 0 to 255; -1 it is none, or not known */
};

/* More than one input from outside can make; taken after each. */
#define POINTS_CHANGES 256

struct points {
    unsigned count;
    uint32_t told;       /* the board's levels that were looked at last (board_levels.h) */
    struct instant next; /* the earliest `settles` */
    struct point point[SETTINGS_POINTS];
    struct point_change change[POINTS_CHANGES];
    uint32_t first, changes;
    uint64_t lost; /* changes nobody took in time, the oldest first */
};

void points_init(struct points *points, const struct settings *settings);
/*
 * Other settings. A point that keeps its name, io and type keeps its state and what was wanted of
 * it. *ret_moved (if not NULL) says the new index of each old one, POINT_NONE if it is gone.
 */
void points_reload(struct points *points, const struct settings *settings,
                   uint8_t ret_moved[SETTINGS_POINTS]);

/* Looks at the board's levels: after every board_session_message, _expire and _closed. */
void points_update(struct points *points, const struct board_session *board, struct instant now);
/* Debounce times that have passed. Early is harmless. */
void points_expire(struct points *points, struct instant now);
struct instant points_deadline(const struct points *points);
/* Takes the oldest change. False if there is none. */
bool points_next_change(struct points *points, struct point_change *ret_change);

enum point_state points_state(const struct points *points, unsigned index);
/* 0 to 255 of a pwm point whose state is known, else -1. */
int points_value(const struct points *points, unsigned index);
/* The electrical level, debounced, whatever `active` says. */
enum board_level points_level(const struct points *points, unsigned index);

/*
 * Wants a value of an output: 0 off, 255 on; of a pwm point whose io the board dims all between
 * them, of any other point all above 0 is on. Nothing is wanted unless POINTS_SET.
 */
enum points_result points_set(struct points *points, struct board_session *board, unsigned index,
                              unsigned value, struct instant now);
/* What became of the last points_set. */
enum board_outcome points_outcome(const struct points *points, const struct board_session *board,
                                  unsigned index);
/* The value to be wanted of a point on this occasion. False if it is to be left alone. */
bool points_occasion_value(const struct points *points, unsigned index,
                           enum points_occasion occasion, uint8_t *ret_value);
/* Does so for every output but those whose bit is set in `except` (bit 0: index 0). */
void points_apply(struct points *points, struct board_session *board, enum points_occasion occasion,
                  uint64_t except, struct instant now);

/* A promise of this module that does not hold, in words, or NULL. */
const char *points_check(const struct points *points);
