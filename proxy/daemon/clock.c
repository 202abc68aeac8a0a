#include "daemon/clock.h"

struct instant clock_now(void)
{
    return (struct instant){(int64_t)(uv_hrtime() / 1000)};
}

void clock_set_timer(uv_timer_t *timer, struct instant deadline, uv_timer_cb callback)
{
    uint64_t due, now;

    if (instant_is_never(deadline)) {
        uv_timer_stop(timer);
        return;
    }
    uv_update_time(timer->loop);
    now = uv_now(timer->loop); /* the same clock, in milliseconds, rounded down */
    due = deadline.us > 0 ? ((uint64_t)deadline.us + 999) / 1000 : 0;
    uv_timer_start(timer, callback, due > now ? due - now : 0, 0);
}
