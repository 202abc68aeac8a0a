#include "proxy_state.h"

/* What the filament is for the host and for people: in its sidebar, in the log. */
static void notify(struct proxy *proxy, struct span words, struct instant now)
{
    char bytes[128];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "//action:notification ");
    text_add(&text, words);
    text_add_char(&text, '\n');
    router_to_host(&proxy->router, text_span(&text));
    events_add(&proxy->router.events, EVENT_LOG, SPAN_NONE, SPAN_NONE, words, now)->level =
        LOG_WARNING;
}

/* The sensor that makes the word what it is; the first if all are alike. */
static const char *sensor_name(const struct proxy *proxy)
{
    const struct filament *filament = &proxy->router.filament;
    const struct settings *settings = proxy->settings;
    struct span word = span_of(filament_word(filament));
    enum filament_level level = span_equal(word, SPAN("missing"))   ? FILAMENT_MISSING
                                : span_equal(word, SPAN("unknown")) ? FILAMENT_UNKNOWN
                                                                    : FILAMENT_PRESENT;
    unsigned which = 0;

    if (filament->sensors == 0)
        return "";
    while (which + 1 < filament->sensors && filament->sensor[which].level != level)
        which++;
    if (filament->sensor[which].level != level)
        which = 0;
    return settings->point[filament->sensor[which].set.point].name;
}

static void tell_change(struct proxy *proxy, struct instant now)
{
    events_add(&proxy->router.events, EVENT_FILAMENT, span_of(sensor_name(proxy)),
               span_of(filament_word(&proxy->router.filament)), SPAN_NONE, now);
}

void proxy_filament_act(struct proxy *proxy, struct instant now)
{
    struct router *router = &proxy->router;
    struct filament *filament = &router->filament;
    struct filament_action action;
    bool later = false;

    while (filament_next_action(filament, &action)) {
        switch (action.kind) {
        case FILAMENT_CHANGED: tell_change(proxy, now); break;
        case FILAMENT_NOTIFY: notify(proxy, action.text, now); break;
        case FILAMENT_INJECT:
            later = !router_filament_inject(router, action.text, now) || later;
            break;
        case FILAMENT_SAY_PAUSE: router_action(router, SPAN("pause")); break;
        case FILAMENT_SAY_PAUSED: router_action(router, SPAN("paused")); break;
        case FILAMENT_RELEASE_OK: router_release_ok(router, now); break;
        case FILAMENT_PRESS: router_filament_press(router, action.text, now); break;
        case FILAMENT_SAY_RESUMED: router_action(router, SPAN("resumed")); break;
        }
    }
    if (later)
        filament_again(filament);
}

void proxy_filament_look(struct proxy *proxy, struct instant now)
{
    struct filament *filament = &proxy->router.filament;

    for (unsigned i = 0; i < filament->sensors; i++) {
        uint8_t point = filament->sensor[i].set.point;
        enum filament_level level = FILAMENT_UNKNOWN;

        switch (points_state(&proxy->points, point)) {
        case POINT_ON: level = FILAMENT_MISSING; break;
        case POINT_OFF: level = FILAMENT_PRESENT; break;
        case POINT_UNKNOWN: break;
        }
        if (level != filament->sensor[i].level)
            filament_see(filament, i, level, now);
    }
}

void proxy_filament_reload(struct proxy *proxy, const uint8_t moved[SETTINGS_POINTS],
                           struct instant now)
{
    const struct settings *settings = proxy->settings;
    struct filament *filament = &proxy->router.filament;
    uint8_t was[SETTINGS_FILAMENTS];

    for (unsigned i = 0; i < SETTINGS_FILAMENTS; i++) {
        was[i] = FILAMENT_NEW;
        for (uint8_t j = 0; i < settings->filaments && j < filament->sensors; j++) {
            if (moved[filament->sensor[j].set.point] == settings->filament[i].point)
                was[i] = j;
        }
    }
    filament_reload(filament, settings->filament, settings->filaments, was, now);
}

void proxy_filament_step(struct proxy *proxy, enum filament_switch what, struct instant now)
{
    struct filament *filament = &proxy->router.filament;

    switch (what) {
    case FILAMENT_SWITCH_ON: filament_switch(filament, true, now); return;
    case FILAMENT_SWITCH_OFF: filament_switch(filament, false, now); return;
    case FILAMENT_SWITCH_REARM: filament_rearm(filament, now); return;
    }
}

uint8_t proxy_filament_world(const struct proxy *proxy)
{
    const struct filament *filament = &proxy->router.filament;
    struct span word = span_of(filament_word(filament));

    if (filament->sensors == 0)
        return WORLD_FILAMENT_NONE;
    if (!filament->on)
        return WORLD_FILAMENT_OFF;
    if (span_equal(word, SPAN("missing")))
        return WORLD_FILAMENT_MISSING;
    return span_equal(word, SPAN("present")) ? WORLD_FILAMENT_PRESENT : WORLD_FILAMENT_UNKNOWN;
}
