#include "route/event.h"

#include <assert.h>
#include <string.h>

const char *event_word(enum event_kind kind)
{
    switch (kind) {
    case EVENT_POINT: return "point";
    case EVENT_PRINT: return "print";
    case EVENT_PRINTER: return "printer";
    case EVENT_HOST: return "host";
    case EVENT_BOARD: return "board";
    case EVENT_TEMPERATURE: return "temperature";
    case EVENT_ESTOP: return "estop";
    case EVENT_FILAMENT: return "filament";
    case EVENT_PSU: return "psu";
    case EVENT_GCODE: return "gcode";
    case EVENT_RULE: return "rule";
    case EVENT_RELOAD: return "reload";
    case EVENT_LOG: return "log";
    }
    assert(false && "an event's kind");
    return "log";
}

/* Copies what fits and ends it. */
static void keep(char *field, size_t capacity, struct span text)
{
    size_t length = text.length < capacity ? text.length : capacity - 1;

    if (length > 0) {
        memcpy(field, text.data, length);
    }
    field[length] = '\0';
}

struct event *events_add(struct events *events, enum event_kind kind, struct span name,
                         struct span state, struct span cause, struct instant now)
{
    struct event *event;

    if (events->count == EVENTS) {
        events->first = (events->first + 1) % EVENTS;
        events->count--;
        events->lost++;
        if (events->shown > 0)
            events->shown--;
    }
    event = &events->event[(events->first + events->count) % EVENTS];
    events->count++;
    event->at = now;
    event->kind = kind;
    event->level = LOG_INFO;
    event->index = 0;
    event->by_rule = false;
    event->heater = 0;
    event->was = FACT_NONE;
    event->is = FACT_NONE;
    keep(event->name, sizeof(event->name), name);
    keep(event->state, sizeof(event->state), state);
    keep(event->cause, sizeof(event->cause), cause);
    return event;
}

uint32_t events_new(const struct events *events)
{
    return events->count - events->shown;
}

bool events_show(struct events *events, struct event *ret_event)
{
    if (events->shown == events->count)
        return false;
    *ret_event = events->event[(events->first + events->shown) % EVENTS];
    events->shown++;
    return true;
}

bool events_next(struct events *events, struct event *ret_event)
{
    if (events->shown == 0)
        return false;
    *ret_event = events->event[events->first];
    events->first = (events->first + 1) % EVENTS;
    events->count--;
    events->shown--;
    return true;
}
