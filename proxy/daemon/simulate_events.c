#include "daemon/simulate_events.h"

#include <stdlib.h>

#include "daemon/print_file.h"
#include "route/print_job.h"

#define HOST_BAUD 115200

static int by_time(const void *a, const void *b)
{
    const struct events_entry *one = ((const struct simulate_event *)a)->entry;
    const struct events_entry *other = ((const struct simulate_event *)b)->entry;

    if (one->at != other->at)
        return one->at < other->at ? -1 : 1;
    return one->step.line < other->step.line ? -1 : 1;
}

static int by_place(const void *a, const void *b)
{
    const struct simulate_event *one = a, *other = b;

    if (one->offset != other->offset)
        return one->offset < other->offset ? -1 : 1;
    return one->entry->step.line < other->entry->step.line ? -1 : 1;
}

/* The print file as it is looked through for the places of lines or layers, in their order. */
struct search {
    struct print_file file;
    struct simulate_event *event;
    unsigned events, found;
    enum events_when when;
};

static void look_at_line(void *context, struct span line)
{
    struct search *search = context;

    (void)line;
    while (search->found < search->events) {
        struct simulate_event *event = &search->event[search->found];
        uint64_t at =
            search->when == EVENTS_AT_LINE ? search->file.lines : (uint64_t)search->file.layer;

        if ((uint64_t)event->entry->at > at)
            break;
        event->offset = search->file.at;
        search->found++;
    }
}

/* Sets the places of those that wait for lines, or for layers; they stand in their order. */
static void find_places(struct simulate_event *event, unsigned events, enum events_when when,
                        struct span print)
{
    struct search search = {.event = event, .events = events, .when = when};

    print_file_init(&search.file, print);
    while (search.found < events && search.file.at < print.length)
        print_file_to(&search.file, search.file.at + 1, look_at_line, &search);
}

/* Those of that kind, in order. */
static unsigned gather(const struct events_file *file, enum events_when when,
                       struct simulate_event *ret_events)
{
    unsigned count = 0;

    for (unsigned i = 0; i < file->entries; i++) {
        if (file->entry[i].when == when)
            ret_events[count++] =
                (struct simulate_event){.entry = &file->entry[i], .offset = SIZE_MAX};
    }
    qsort(ret_events, count, sizeof *ret_events, by_time);
    return count;
}

void simulate_events_init(struct simulate_events *events, const struct events_file *file,
                          struct world *world, const struct settings *settings, struct span print)
{
    unsigned lines, layers;

    *events = (struct simulate_events){0};
    happening_init(&events->happening, world, settings);
    events->placed = calloc(file->entries + 1, sizeof *events->placed);
    events->timed = calloc(file->entries + 1, sizeof *events->timed);
    if (events->placed == NULL || events->timed == NULL)
        abort();
    events->times = gather(file, EVENTS_AT_TIME, events->timed);
    lines = gather(file, EVENTS_AT_LINE, events->placed);
    find_places(events->placed, lines, EVENTS_AT_LINE, print);
    layers = gather(file, EVENTS_AT_LAYER, events->placed + lines);
    find_places(events->placed + lines, layers, EVENTS_AT_LAYER, print);
    events->places = lines + layers;
    qsort(events->placed, events->places, sizeof *events->placed, by_place);
}

void simulate_events_free(struct simulate_events *events)
{
    free(events->placed);
    free(events->timed);
}

struct instant simulate_events_deadline(const struct simulate_events *events, struct instant begin)
{
    if (events->next_time == events->times)
        return INSTANT_NEVER;
    return instant_after_ms(begin, events->timed[events->next_time].entry->at);
}

const struct events_entry *simulate_events_next(struct simulate_events *events, size_t offset,
                                                struct instant begin)
{
    struct instant now = events->happening.world->now;
    struct simulate_event *event;

    if (simulate_events_at(events, offset))
        event = &events->placed[events->next_place++];
    else if (instant_due(simulate_events_deadline(events, begin), now))
        event = &events->timed[events->next_time++];
    else
        return NULL;
    event->happened = true;
    return event->entry;
}

static void happen_print(struct world *world, enum print_fact fact)
{
    if (fact == PRINT_PAUSED_FACT)
        sim_host_pause(&world->host, world->now);
    else if (fact == PRINT_RESUMED_FACT)
        sim_host_resume(&world->host, world->now);
    else
        sim_host_cancel(&world->host, world->now);
    world_settle(world);
}

static void happen_host(struct world *world, enum host_fact fact)
{
    if (fact == FACT_HOST_DISCONNECTED)
        world_host_closes(world);
    else if (!world->port[PROXY_HOST].open || world->host.state == SIM_HOST_FAILED)
        world_host_opens(world, HOST_BAUD);
}

static const char *happen_temperature(struct happening *happening,
                                      const struct rule_test_step *step)
{
    if (!happening_temperature(happening, step->heater, step->index, step->value))
        return "too many heaters";
    happening_report(happening);
    return NULL;
}

const char *simulate_events_happen(struct simulate_events *events, const struct events_entry *entry)
{
    struct happening *happening = &events->happening;
    struct world *world = happening->world;
    const struct rule_test_step *step = &entry->step;

    switch (step->kind) {
    case TEST_GCODE:
        if (world->host.state == SIM_HOST_CLOSED || world->host.state == SIM_HOST_FAILED)
            return "the host is not connected";
        if (!sim_host_command(&world->host, step->text, world->now))
            return "too much waits already";
        world_settle(world);
        return NULL;
    case TEST_REPLY:
        return happening_reply(happening, step->text) ? NULL : "the printer is not there";
    case TEST_POINT:
        happening_input(happening, &happening->settings->point[step->index],
                        step->value == POINT_ON);
        return NULL;
    case TEST_PRINT: happen_print(world, (enum print_fact)step->value); return NULL;
    case TEST_PRINTER: happening_printer(happening, (enum printer_fact)step->value); return NULL;
    case TEST_HOST: happen_host(world, (enum host_fact)step->value); return NULL;
    case TEST_BOARD: happening_board(happening, (enum board_fact)step->value); return NULL;
    case TEST_TEMPERATURE: return happen_temperature(happening, step);
    case TEST_WAIT:
    case TEST_EXPECT_POINT:
    case TEST_EXPECT_PRINT:
    case TEST_EXPECT_PSU:
    case TEST_EXPECT_SENT:
    case TEST_EXPECT_SAID:
    case TEST_EXPECT_RAN: break;
    }
    return NULL;
}
