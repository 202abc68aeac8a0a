#include "route/temperatures.h"

#include <string.h>

void temperatures_init(struct temperatures *temperatures)
{
    memset(temperatures, 0, sizeof *temperatures);
}

void temperatures_see(struct temperatures *temperatures, const struct printer_reply *reply,
                      struct instant now)
{
    for (unsigned i = 0; i < reply->heaters; i++) {
        const struct printer_reply_heater *seen = &reply->heater[i];
        unsigned slot = 0;

        while (slot < temperatures->heaters && (temperatures->heater[slot].name != seen->name ||
                                                temperatures->heater[slot].index != seen->index))
            slot++;
        if (slot == PRINTER_REPLY_HEATERS)
            continue;
        if (slot == temperatures->heaters)
            temperatures->heaters++;
        temperatures->heater[slot] = *seen;
    }
    if (reply->heaters > 0)
        temperatures->at = now;
}
