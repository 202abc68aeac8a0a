/*
 * Which of an events file's events is due while a print file is simulated, and letting it happen.
 *
 * Knows where one stands in the print file and what time it is, and nothing else of the run.
 */
#pragma once

#include "daemon/happening.h"
#include "load/events_file.h"

/* One event, and where or when it is due. */
struct simulate_event {
    const struct events_entry *entry;
    size_t offset; /* in the print file: all before it was sent; SIZE_MAX: never */
    bool happened;
};

struct simulate_events {
    struct happening happening;
    struct simulate_event *placed, *timed; /* in the order in which they are due */
    unsigned places, times;
    unsigned next_place, next_time;
};

/*
 * Finds their places in the print file. The events and the world are lent until
 * simulate_events_free.
 */
void simulate_events_init(struct simulate_events *events, const struct events_file *file,
                          struct world *world, const struct settings *settings, struct span print);
void simulate_events_free(struct simulate_events *events);
/* Is an event due that waits for a place, once all before `offset` was sent? */
static inline bool simulate_events_at(const struct simulate_events *events, size_t offset)
{
    return events->next_place < events->places &&
           events->placed[events->next_place].offset <= offset;
}
/* When the next event is due that waits for a time; INSTANT_NEVER if there is none. */
struct instant simulate_events_deadline(const struct simulate_events *events, struct instant begin);
/* The next event that is due, taken. NULL if there is none. */
const struct events_entry *simulate_events_next(struct simulate_events *events, size_t offset,
                                                struct instant begin);
/* Lets it happen. Why it cannot, or NULL. */
const char *simulate_events_happen(struct simulate_events *events,
                                   const struct events_entry *entry);
