/* What a client may look at, and what must be true of it. */
#pragma once

#include "fuzz.h"
#include "proxy.h"

static inline void look_at(const struct proxy *proxy, unsigned points, struct instant now)
{
    static struct status status;
    int value;

    proxy_status(proxy, now, &status);
    fuzz_promise(status.heaters <= STATUS_HEATERS && status.printer_state != NULL &&
                     status.board_state != NULL && status.print_state != NULL,
                 "a status is whole");
    fuzz_promise(memchr(status.firmware, '\0', sizeof status.firmware) != NULL &&
                     memchr(status.waiting_for, '\0', sizeof status.waiting_for) != NULL,
                 "texts end");
    for (unsigned i = 0; i < points; i++)
        proxy_point(proxy, i, &value);
}
