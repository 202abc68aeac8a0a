/*
 * A timer that fires once, strictly later than so many milliseconds after it was set.
 *
 * Strictly, because the original compares by `>`. Milliseconds may wrap.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SIO_NO_WAIT UINT32_MAX

struct sio_timer {
    uint32_t since;
    uint32_t length;
    bool running;
};

static inline void sio_timer_set(struct sio_timer *timer, uint32_t length, uint32_t now_ms)
{
    *timer = (struct sio_timer){.since = now_ms, .length = length, .running = true};
}

/* Milliseconds until it fires, SIO_NO_WAIT if it does not run. */
static inline uint32_t sio_timer_wait(const struct sio_timer *timer, uint32_t now_ms)
{
    uint32_t gone = now_ms - timer->since;

    if (!timer->running)
        return SIO_NO_WAIT;
    return gone > timer->length ? 0 : timer->length - gone + 1;
}

/* True once, when its time has come. */
static inline bool sio_timer_fires(struct sio_timer *timer, uint32_t now_ms)
{
    if (sio_timer_wait(timer, now_ms) > 0)
        return false;
    timer->running = false;
    return true;
}
