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
#include "daemon/timeline.h"
#include "sim/world.h"

#define BOARD_STARTS_MS 5000
#define HOST_GREETS_MS  60000
#define HOST_IDLES_MS   10000 /* between greeting and print: a few polls */
#define USER_MS         5000                /* the user takes so long to answer */
#define STILL_MS        INT64_C(86400000)   /* longer than this nothing of a file may take */
#define AFTERWARDS_MS   3600000             /* rules may act so long after the end */
#define STEPS           4096                /* between two looks at the real clock */
#define PRINTER_LINE    200
#define BUTTON_CONTINUE 1

struct simulation {
    struct world world;
    struct timeline timeline;
    struct progress progress;
    struct span file;
    char line[PRINTER_LINE]; /* of the printer, so far */
    size_t line_length;
    bool waiting; /* the core has told that it waits for a point */
    struct instant user_due; /* when the user answers at the printer */
    struct instant moved;    /* when the file last went on */
    size_t offset;           /* so much of it was sent then */
    struct instant started;  /* in real time */
};

static const char demo[] = "host: {port: demo}\n"
                           "printer: {port: simulated}\n"
                           "board: {port: simulated}\n"
                           "control: {socket: demo}\n"
                           "state: demo\n"
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
        simulation->waiting = true;
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

static void on_bytes(void *watcher, enum world_kind kind, enum proxy_port port, struct span bytes)
{
    struct simulation *simulation = watcher;

    if (kind != WORLD_FROM || port != PROXY_PRINTER)
        return;
    if (simulation->line_length == 0 && span_equal(bytes, SPAN("ok\n")))
        return;
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.data[i] == '\n') {
            printer_line(simulation, (struct span){simulation->line, simulation->line_length});
            simulation->line_length = 0;
        } else if (simulation->line_length < PRINTER_LINE) {
            simulation->line[simulation->line_length++] = bytes.data[i];
        }
    }
}

/* --- who is not there --- */

static void note(struct simulation *simulation, const char *what, const char *why)
{
    progress_clear(&simulation->progress);
    timeline_note(&simulation->timeline, simulation->world.now, sent(simulation), what, why);
}

static void set_input(struct simulation *simulation, const struct point_settings *point, bool on)
{
    sim_board_input(&simulation->world.board, point->io, on == point->active_high,
                    simulation->world.now);
}

/* Doors closed, buttons not pressed, filament there. */
static void rest_inputs(struct simulation *simulation)
{
    const struct settings *settings = simulation->world.options.settings;

    for (unsigned i = 0; i < settings->points; i++) {
        if (settings->point[i].type == POINT_INPUT)
            set_input(simulation, &settings->point[i], false);
    }
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

    simulation->waiting = false;
    if (point == NULL)
        return;
    on = proxy_point(simulation->world.proxy, index, &value) != POINT_ON;
    snprintf(what, sizeof what, "%s is moved to %s", point->name, on ? "on" : "off");
    note(simulation, what, "nothing else would end the wait");
    set_input(simulation, point, on);
    world_settle(&simulation->world);
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
           host->state == SIM_HOST_FAILED;
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
    for (unsigned step = 1; !is_over(host); step++) {
        if (!world_step(world))
            return "nothing more would ever happen";
        if (world->printer.wait == SIM_WAIT_USER)
            answer_user(simulation);
        if (simulation->waiting)
            move_input(simulation);
        if (step % STEPS != 0)
            continue;
        show_progress(simulation);
        if (stands_still(simulation))
            return "it stands still for ever";
    }
    if (host->state == SIM_HOST_FAILED)
        return host->why;
    return host->counters.finished > 0 ? NULL : "it was cancelled";
}

/* Everybody is there, and the host has greeted the printer. */
static bool make_ready(struct simulation *simulation)
{
    struct world *world = &simulation->world;
    struct instant end;

    rest_inputs(simulation);
    world_run_ms(world, BOARD_STARTS_MS);
    world_host_opens(world, 115200);
    end = instant_after_ms(world->now, HOST_GREETS_MS);
    while ((world->host.state != SIM_HOST_OPERATIONAL || !sim_host_idle(&world->host)) &&
           !instant_due(end, world->now) && world_step(world))
        continue;
    world_run_ms(world, HOST_IDLES_MS);
    return world->host.state == SIM_HOST_OPERATIONAL;
}

static int run(struct simulation *simulation)
{
    const char *why = "the printer does not answer";
    struct world *world = &simulation->world;
    struct status status;
    double seconds;

    if (make_ready(simulation))
        why = print(simulation);
    seconds = (double)(clock_now().us - simulation->started.us) / 1e6;
    proxy_status(world->proxy, world->now, &status);
    timeline_printed(&simulation->timeline, sent(simulation), &status, world->now);
    if (why == NULL)
        world_run_ms(world, AFTERWARDS_MS);
    progress_clear(&simulation->progress);
    timeline_end(&simulation->timeline);
    if (why != NULL)
        printf("the print did not come to its end: %s\n", why);
    fflush(stdout);
    fprintf(stderr, "simulated %" PRIu64 " lines in %.2f s: %.0f lines/s\n", status.host_lines,
            seconds, seconds > 0 ? (double)status.host_lines / seconds : 0);
    return why == NULL ? 0 : 1;
}

static int simulate_bytes(struct span file, const struct config *config)
{
    struct simulation *simulation = calloc(1, sizeof *simulation);
    struct proxy *proxy = calloc(1, proxy_size());
    const struct settings *settings = &config->loaded.settings;
    struct world_options options = {
        .settings = settings,
        .rules = &config->loaded.ruleset,
        .printer = sim_printer_manner_marlin(),
        .host = sim_host_manner_octoprint(),
        .event = on_event,
        .listen = on_bytes,
        .watcher = simulation,
        .quick = true,
    };
    int status;

    if (simulation == NULL || proxy == NULL)
        abort();
    options.printer.baud = 0;
    for (unsigned i = 0; i < settings->points; i++) {
        if (settings->point[i].type != POINT_INPUT && settings->point[i].type != POINT_DHT &&
            settings->point[i].io < 32)
            options.board.outputs |= 1U << settings->point[i].io;
    }
    simulation->file = file;
    simulation->user_due = INSTANT_NEVER;
    simulation->started = clock_now();
    timeline_init(&simulation->timeline, stdout, settings, file);
    progress_begin(&simulation->progress, "simulate", simulation->started);
    world_init(&simulation->world, proxy, &options, (struct instant){0});
    status = run(simulation);
    free(simulation);
    free(proxy);
    return status;
}

int simulate_file(const char *path, const struct config *config)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), status;
    struct stat file;
    void *bytes = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size > 0)
        bytes = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        fprintf(stderr, "sioproxy: %s: %s\n", path,
                fd < 0 ? strerror(errno) : "it is empty, or no file");
        if (fd >= 0)
            close(fd);
        return 2;
    }
    close(fd);
    printf("%s, with %s\n", path, config->path);
    status = simulate_bytes((struct span){bytes, (size_t)file.st_size}, config);
    munmap(bytes, (size_t)file.st_size);
    return status;
}
