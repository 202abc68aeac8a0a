/*
 * A point in time and the arithmetic of deadlines.
 *
 * A struct, so that the compiler refuses to mix instants with durations. Microseconds of a
 * monotonic clock whose zero means nothing. Nobody here asks a clock: the time goes in as the
 * last argument of whatever needs it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct instant {
    int64_t us;
};

/* Later than every instant: the deadline of a thing that waits for nothing. */
#define INSTANT_NEVER ((struct instant){INT64_MAX})

static inline struct instant instant_after_us(struct instant now, int64_t us)
{
    return now.us > INT64_MAX - us ? INSTANT_NEVER : (struct instant){now.us + us};
}

static inline struct instant instant_after_ms(struct instant now, int64_t ms)
{
    return ms > INT64_MAX / 1000 ? INSTANT_NEVER : instant_after_us(now, ms * 1000);
}

/* Is the deadline reached? NEVER is never reached. */
static inline bool instant_due(struct instant deadline, struct instant now)
{
    return deadline.us != INT64_MAX && deadline.us <= now.us;
}

static inline bool instant_is_never(struct instant deadline)
{
    return deadline.us == INT64_MAX;
}

static inline struct instant instant_earlier(struct instant a, struct instant b)
{
    return a.us < b.us ? a : b;
}

/* Whole milliseconds from `since` to `now`, rounded down. */
static inline int64_t instant_ms_since(struct instant since, struct instant now)
{
    return (now.us - since.us) / 1000;
}
