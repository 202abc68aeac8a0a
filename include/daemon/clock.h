/*
 * The one clock of the daemon, and timers that ring at an instant of it.
 */
#pragma once

#include <uv.h>

#include "base/instant.h"

/* Monotonic, in the microseconds of uv_hrtime. */
struct instant clock_now(void);
/* Rings once, never before the deadline and less than 2 ms after it; NEVER stops the timer. */
void clock_set_timer(uv_timer_t *timer, struct instant deadline, uv_timer_cb callback);
