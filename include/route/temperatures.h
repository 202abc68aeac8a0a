/*
 * What the printer last said of its heaters: from every answer to M105 and every autoreport.
 *
 * Knows no limits and no history. Thousandths of a degree.
 */
#pragma once

#include "base/instant.h"
#include "wire/printer_reply.h"

struct temperatures {
    unsigned heaters;
    struct printer_reply_heater heater[PRINTER_REPLY_HEATERS];
    struct instant at; /* of the last report */
};

void temperatures_init(struct temperatures *temperatures);
/* Takes over what a reply says; nothing if it says nothing. */
void temperatures_see(struct temperatures *temperatures, const struct printer_reply *reply,
                      struct instant now);
