#include "daemon/simulate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/progress.h"
#include "daemon/simulate_events.h"
#include "daemon/timeline.h"
#include "sim/world.h"

#define BOARD_STARTS_MS  5000
#define PRINTER_BOOTS_MS 5000
#define HOST_GREETS_MS   60000
#define HOST_IDLES_MS    10000             /* between greeting and print: a few polls */
#define USER_MS          5000              /* the user takes so long to answer */
#define RESUME_MS        60000             /* and so long to see that the print is paused */
#define STILL_MS         INT64_C(86400000) /* longer than this nothing of a file may take */
#define AFTERWARDS_MS    3600000           /* rules may act so long after the end */
#define STEPS            4096              /* between two looks at the real clock */
#define ROOM             21000             /* thousandths of a degree, at every sensor */
#define PRINTER_LINE     200
#define BUTTON_CONTINUE  1

struct simulation {
    struct world world;
    struct timeline timeline;
    struct progress progress;
    struct simulate_events events;
    const char *events_path;
    struct span file;
    char line[PRINTER_LINE]; /* of the printer, so far */
    size_t line_length;
    bool waiting;              /* the core has told that it waits for a point */
    bool told;                 /* … and the timeline is to see it */
    struct instant user_due;   /* when the user answers at the printer */
    struct instant resume_due; /* when the user resumes a paused print */
    struct instant moved;      /* when the file last went on */
    size_t offset;             /* so much of it was sent then */
    struct instant started;    /* in real time */
};

static const char demo[] = "name: demo\n"
                           "printer: {port: simulated}\n"
                           "board: {port: simulated}\n"
                           "points:\n"
                           "  light: {io: 12, type: output, active: high, start: off}\n"
                           "  door: {io: 2, type: input, active: low, debounce: 50ms}\n";

struct config *simulate_demo(void)
{
    struct sources sources;

    sources_init(&sources, "/");
    sources_add(&sources, "the demo's points light and door", SPAN(demo));
    return config_of_sources(&sources, "");
}

/* So much of the file is sent. */
static size_t sent(const struct simulation *simulation)
{
    const struct sim_host *host = &simulation->world.host;

    if (host->file.length == 0)
        return simulation->timeline.began ? simulation->file.length : 0;
    return (size_t)(host->file.data - simulation->file.data);
}

/* --- what the world shows --- */

static void on_event(void *watcher, const struct event *event)
{
    struct simulation *simulation = watcher;

    progress_clear(&simulation->progress);
    timeline_event(&simulation->timeline, event, sent(simulation));
    if (event->kind == EVENT_LOG && span_starts(span_of(event->cause), SPAN("waiting: ")))
        simulation->waiting = simulation->told = true;
}

static void printer_line(struct simulation *simulation, struct span line)
{
    static const struct span unknown = SPAN_INIT("echo:Unknown command: \"");

    if (!span_starts(line, unknown))
        return;
    line = span_skip(line, unknown.length);
    line.length = span_find(line, '"');
    timeline_unknown(&simulation->timeline, line, sent(simulation));
}

static void printer_bytes(struct simulation *simulation, struct span bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.data[i] == '\n') {
            printer_line(simulation, (struct span){simulation->line, simulation->line_length});
            simulation->line_length = 0;
        } else if (simulation->line_length < PRINTER_LINE) {
            simulation->line[simulation->line_length++] = bytes.data[i];
        }
    }
}

static void on_bytes(void *watcher, enum world_kind kind, enum proxy_port port, struct span bytes)
{
    struct simulation *simulation = watcher;

    if (kind != WORLD_FROM)
        return;
    if (port == PROXY_HOST && simulation->events.places > 0 &&
        simulate_events_at(&simulation->events, sent(simulation)))
        simulation->world.stop = true;
    if (port == PROXY_PRINTER &&
        (simulation->line_length > 0 || !span_equal(bytes, SPAN("ok\n"))))
        printer_bytes(simulation, bytes);
}

/* When the next event of the file is due that waits for its time. */
static struct instant events_due(const struct simulation *simulation)
{
    return simulate_events_deadline(&simulation->events, simulation->timeline.begin);
}

/* --- who is not there --- */

static void note(struct simulation *simulation, const char *what, const char *why)
{
    progress_clear(&simulation->progress);
    timeline_note(&simulation->timeline, simulation->world.now, sent(simulation), what, why);
}

/* The point that the stream waits for without end. NULL if there is none. */
static const struct point_settings *waited_for(const struct simulation *simulation,
                                               unsigned *ret_index)
{
    const struct settings *settings = simulation->world.options.settings;
    struct status status;
    struct span name;

    proxy_status(simulation->world.proxy, simulation->world.now, &status);
    name = span_of(status.waiting_for);
    if (!status.waiting || status.waiting_timeout_ms >= 0 || !span_starts(name, SPAN("point ")))
        return NULL;
    name = span_skip(name, sizeof "point " - 1);
    name.length = span_find(name, ' ');
    for (unsigned i = 0; i < settings->points; i++) {
        if (settings->point[i].type == POINT_INPUT &&
            span_equal(name, span_of(settings->point[i].name))) {
            *ret_index = i;
            return &settings->point[i];
        }
    }
    return NULL;
}

static void move_input(struct simulation *simulation)
{
    unsigned index;
    const struct point_settings *point = waited_for(simulation, &index);
    char what[SETTINGS_NAME + 32];
    bool on;
    int value;

    if (!instant_is_never(events_due(simulation)))
        return;
    simulation->waiting = false;
    if (point == NULL)
        return;
    on = proxy_point(simulation->world.proxy, index, &value) != POINT_ON;
    snprintf(what, sizeof what, "%s is moved to %s", point->name, on ? "on" : "off");
    note(simulation, what, "nothing else would end the wait");
    happening_input(&simulation->events.happening, point, on);
}

/* The timeline sees which wait has a time limit. */
static void see_wait(struct simulation *simulation)
{
    struct status status;

    simulation->told = false;
    proxy_status(simulation->world.proxy, simulation->world.now, &status);
    timeline_waits(&simulation->timeline, &status, sent(simulation));
}

/* The print is paused, and nothing is to come. */
static void resume(struct simulation *simulation)
{
    struct world *world = &simulation->world;

    if (world->host.state != SIM_HOST_PAUSED || !instant_is_never(events_due(simulation))) {
        simulation->resume_due = INSTANT_NEVER;
    } else if (instant_is_never(simulation->resume_due)) {
        simulation->resume_due = instant_after_ms(world->now, RESUME_MS);
    } else if (instant_due(simulation->resume_due, world->now)) {
        simulation->resume_due = INSTANT_NEVER;
        note(simulation, "the user resumes the print", "nothing else would");
        sim_host_resume(&world->host, world->now);
        world_settle(world);
    }
}

static void answer_user(struct simulation *simulation)
{
    struct world *world = &simulation->world;

    if (instant_is_never(simulation->user_due)) {
        simulation->user_due = instant_after_ms(world->now, USER_MS);
    } else if (instant_due(simulation->user_due, world->now)) {
        simulation->user_due = INSTANT_NEVER;
        note(simulation, "the user answers at the printer", "");
        sim_printer_press(&world->printer,
                          world->printer.pause == SIM_PAUSE_PURGED ? BUTTON_CONTINUE : -1,
                          world->now);
        world_settle(world);
    }
}

/* --- the events of the file --- */

/* What is due happens, one thing after the other. */
static void happen(struct simulation *simulation)
{
    const struct events_entry *entry;
    const char *why;
    char what[200], place[SETTINGS_PATH + 32];

    while ((entry = simulate_events_next(&simulation->events, sent(simulation),
                                         simulation->timeline.begin)) != NULL) {
        snprintf(what, sizeof what, "event: %.*s", (int)entry->what.length, entry->what.data);
        snprintf(place, sizeof place, "%s:%u", simulation->events_path, entry->step.line);
        note(simulation, what, place);
        why = simulate_events_happen(&simulation->events, entry);
        if (why != NULL)
            note(simulation, "the event did not happen", why);
    }
}

/* To the next deadline, or to the next event. False if nothing would ever happen. */
static bool step(struct simulation *simulation)
{
    struct world *world = &simulation->world;
    struct instant due = events_due(simulation), next;

    if (world->stop) {
        world_settle(world);
        return true;
    }
    if (!instant_is_never(due)) {
        next = world_deadline(world);
        if (instant_is_never(next) || due.us < next.us)
            return world_run_until(world, due);
    }
    return world_step(world);
}

static void warn_of_events(struct timeline *timeline, const char *path,
                           const struct simulate_event *event, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct events_entry *entry = event[i].entry;

        if (!event[i].happened)
            timeline_warn(timeline, "%s:%u: %.*s: it did not come to that", path, entry->step.line,
                          (int)(entry->text.length < 200 ? entry->text.length : 200),
                          entry->text.data);
    }
}

/* --- the run --- */

static void show_progress(struct simulation *simulation)
{
    struct instant now = clock_now();
    char words[64];
    int64_t us = now.us - simulation->started.us;
    uint64_t lines = simulation->world.host.counters.lines;

    snprintf(words, sizeof words, "%" PRIu64 " lines, %.0f lines/s", lines,
             us > 0 ? (double)lines * 1e6 / (double)us : 0);
    progress_show(&simulation->progress,
                  (double)sent(simulation) / (double)(simulation->file.length + 1), words, now);
}

static bool is_over(const struct sim_host *host)
{
    return host->counters.finished + host->counters.cancelled + host->counters.aborted > 0 ||
           host->state == SIM_HOST_FAILED || host->state == SIM_HOST_CLOSED;
}

/* Does the file stand still for ever? */
static bool stands_still(struct simulation *simulation)
{
    size_t offset = sent(simulation);

    if (offset != simulation->offset) {
        simulation->offset = offset;
        simulation->moved = simulation->world.now;
    }
    return instant_due(instant_after_ms(simulation->moved, STILL_MS), simulation->world.now);
}

/* The print, to its end. Returns why it did not come there, or NULL. */
static const char *print(struct simulation *simulation)
{
    struct world *world = &simulation->world;
    struct sim_host *host = &world->host;

    timeline_begin(&simulation->timeline, world->proxy, world->now);
    simulation->moved = world->now;
    sim_host_print(host, simulation->file, world->now);
    world_settle(world);
    happen(simulation);
    for (unsigned steps = 1; !is_over(host); steps++) {
        if (!step(simulation))
            return "nothing more would ever happen";
        if (simulation->events.places + simulation->events.times > 0)
            happen(simulation);
        if (world->printer.wait == SIM_WAIT_USER)
            answer_user(simulation);
        if (simulation->told)
            see_wait(simulation);
        if (simulation->waiting)
            move_input(simulation);
        if (host->state == SIM_HOST_PAUSED)
            resume(simulation);
        if (steps % STEPS != 0)
            continue;
        show_progress(simulation);
        if (stands_still(simulation))
            return "it stands still for ever";
    }
    if (host->state == SIM_HOST_FAILED)
        return host->why;
    if (host->state == SIM_HOST_CLOSED)
        return "the host is gone";
    return host->counters.finished > 0 ? NULL : "it was cancelled";
}

/* Everybody is there, and the host has greeted the printer. */
static bool make_ready(struct simulation *simulation)
{
    struct world *world = &simulation->world;
    struct instant end;

    happening_rest(&simulation->events.happening);
    for (unsigned i = 0; i < simulation->timeline.settings->points; i++) {
        if (simulation->timeline.settings->point[i].type == POINT_DHT)
            happening_temperature(&simulation->events.happening, 0, i, ROOM);
    }
    world_run_ms(world, BOARD_STARTS_MS);
    if (simulation->world.options.settings->psu.auto_on == AUTO_ON_NEVER)
        happening_power_on(&simulation->events.happening); /* the print does it else */
    world_run_ms(world, PRINTER_BOOTS_MS);
    world_host_opens(world, 115200);
    end = instant_after_ms(world->now, HOST_GREETS_MS);
    while ((world->host.state != SIM_HOST_OPERATIONAL || !sim_host_idle(&world->host)) &&
           !instant_due(end, world->now) && world_step(world))
        continue;
    world_run_ms(world, HOST_IDLES_MS);
    return world->host.state == SIM_HOST_OPERATIONAL;
}

/* What comes after the print: rules that act later, events. */
static void afterwards(struct simulation *simulation)
{
    struct world *world = &simulation->world;
    struct instant due;

    while (!instant_is_never(due = events_due(simulation)) && world_run_until(world, due))
        happen(simulation);
    world_run_ms(world, AFTERWARDS_MS);
}

static int run(struct simulation *simulation)
{
    const char *why = "the printer does not answer";
    struct world *world = &simulation->world;
    struct timeline *timeline = &simulation->timeline;
    const struct simulate_events *events = &simulation->events;
    struct status status;
    double seconds;

    if (make_ready(simulation))
        why = print(simulation);
    seconds = (double)(clock_now().us - simulation->started.us) / 1e6;
    proxy_status(world->proxy, world->now, &status);
    timeline_printed(timeline, sent(simulation), &status, world->now);
    if (is_over(&world->host))
        afterwards(simulation);
    progress_clear(&simulation->progress);
    timeline_totals(timeline, why);
    warn_of_events(timeline, simulation->events_path, events->placed, events->places);
    warn_of_events(timeline, simulation->events_path, events->timed, events->times);
    timeline_end(timeline, why);
    fflush(stdout);
    fprintf(stderr, "simulated %" PRIu64 " lines in %.2f s: %.0f lines/s\n", status.host_lines,
            seconds, seconds > 0 ? (double)status.host_lines / seconds : 0);
    return why == NULL ? 0 : 1;
}

/* What is simulated: files that are read. */
struct task {
    const char *path, *events_path;
    struct span file;
    const struct config *config;
    const struct events_file *events;
    bool json;
};

static int simulate(const struct task *task)
{
    struct simulation *simulation = calloc(1, sizeof *simulation);
    struct proxy *proxy = calloc(1, proxy_size());
    const struct settings *settings = &task->config->loaded.settings;
    struct world_options options = {
        .settings = settings,
        .rules = &task->config->loaded.ruleset,
        .printer = sim_printer_manner_marlin(),
        .host = sim_host_manner_octoprint(),
        .board = happening_board_of(settings),
        .event = on_event,
        .listen = on_bytes,
        .watcher = simulation,
        .quick = true,
    };
    int status;

    if (simulation == NULL || proxy == NULL)
        abort();
    options.printer.baud = 0;
    options.board.whole_lines = true;
    happening_supply(settings, &options);
    simulation->file = task->file;
    simulation->events_path = task->events_path;
    simulation->user_due = simulation->resume_due = INSTANT_NEVER;
    simulation->started = clock_now();
    timeline_init(&simulation->timeline, stdout, task->json, task->path, task->config->path,
                  settings, task->file);
    progress_begin(&simulation->progress, "simulate", simulation->started);
    simulate_events_init(&simulation->events, task->events, &simulation->world, settings,
                         task->file);
    world_init(&simulation->world, proxy, &options, (struct instant){0});
    status = run(simulation);
    simulate_events_free(&simulation->events);
    free(simulation);
    free(proxy);
    return status;
}

/* --- the files --- */

/* The file's bytes, to be unmapped. False, and told, if there are none. */
static bool map_file(const char *path, struct span *ret_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat file;
    void *bytes = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size > 0)
        bytes = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        fprintf(stderr, "sioproxy: %s: %s\n", path,
                fd < 0 ? strerror(errno) : "it is empty, or no file");
    else
        *ret_bytes = (struct span){bytes, (size_t)file.st_size};
    if (fd >= 0)
        close(fd);
    return bytes != MAP_FAILED;
}

static void unmap_file(struct span bytes)
{
    if (bytes.length > 0)
        munmap((void *)(uintptr_t)bytes.data, bytes.length);
}

/* The events, all mistakes told. */
static bool read_events(struct span bytes, const char *path, const struct config *config,
                        struct arena *arena, struct events_file *ret_events)
{
    struct mistakes mistakes = {0};
    bool good =
        events_file_read(bytes, path, &config->loaded.settings, arena, &mistakes, ret_events);

    mistakes_print(&mistakes, stderr);
    mistakes_free(&mistakes);
    return good;
}

int simulate_file(const char *path, const struct config *config,
                  const struct simulate_options *options)
{
    struct arena arena = {0};
    struct events_file events = {0};
    struct span events_bytes = SPAN_NONE;
    struct task task = {.path = path,
                        .events_path = options->events,
                        .config = config,
                        .events = &events,
                        .json = options->json};
    int status = 2;

    if ((options->events == NULL ||
         (map_file(options->events, &events_bytes) &&
          read_events(events_bytes, options->events, config, &arena, &events))) &&
        map_file(path, &task.file)) {
        status = simulate(&task);
        unmap_file(task.file);
    }
    unmap_file(events_bytes);
    arena_free(&arena);
    return status;
}
