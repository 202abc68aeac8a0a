#include "proxy_state.h"

/* What the board says of an io that is a point's, if that is no such thing; else NULL. */
static const char *contradiction(const struct proxy *proxy, const struct point_settings *point)
{
    const struct board_levels *levels = &proxy->board.levels;
    bool output = levels->outputs >> point->io & 1;

    if (point->io >= levels->types_count)
        return "not there";
    switch (point->type) {
    case POINT_OUTPUT:
    case POINT_PWM: return output ? NULL : "no output";
    case POINT_INPUT: return output ? "an output" : NULL;
    case POINT_DHT:
        return board_sensors_at(&proxy->sensors, point->io) != NULL ? NULL : "no sensor";
    }
    return NULL;
}

void proxy_types_look(struct proxy *proxy, struct instant now)
{
    if (proxy->board.levels.types_count == 0 || proxy->board.constants.count == 0)
        return; /* a board that does not say */
    for (unsigned i = 0; i < proxy->settings->points; i++) {
        const struct point_settings *point = &proxy->settings->point[i];
        const char *is = contradiction(proxy, point);
        char bytes[SETTINGS_NAME + 80];
        struct text text = TEXT_IN(bytes);

        if (is == NULL)
            continue;
        text_add_string(&text, "point ");
        text_add_string(&text, point->name);
        text_add_string(&text, ": io ");
        text_add_integer(&text, point->io);
        text_add_string(&text, " of the board is ");
        text_add_string(&text, is);
        events_add(&proxy->router.events, EVENT_LOG, SPAN_NONE, SPAN_NONE, text_span(&text), now)
            ->level = LOG_WARNING;
    }
}
