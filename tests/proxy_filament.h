/*
 * A print through the whole core, a filament sensor at the board, and what is to be seen of it:
 * every line of the file executed once and in order, and no line behind the word that pauses.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/load.h"
#include "proxy_state.h"
#include "sim/world.h"
#include "world_seen.h"

#define RUNOUT  3
#define RUNOUT2 4
#define LINES   400
#define MINUTE  60000

static struct loaded loaded, reloaded;
static struct world world;
static struct proxy proxy;
static char file[64 * 1024];
static const char *rules; /* of the next world, NULL none */

/* What was seen since the print began. */
static struct {
    unsigned next;       /* moves executed, each in its turn */
    bool wrong;          /* one came twice, or out of turn */
    bool hurt;           /* ... or as no line of the file, its checksum right by chance */
    unsigned changes;    /* M600 executed */
    unsigned changed_at; /* ... the last behind so many moves */
    bool paused;         /* the host was told, and did not go on */
    unsigned stragglers; /* numbered lines of a paused host */
} seen;

static void watch(void *unused, const struct world_entry *entry)
{
    struct span text = {entry->text, entry->length};
    char expected[40];

    (void)unused;
    if (entry->kind == WORLD_EXECUTED && span_starts(text, SPAN("G1 X"))) {
        snprintf(expected, sizeof expected, "G1 X%u E", seen.next);
        seen.wrong |= !span_starts(text, span_of(expected));
        for (size_t i = 0; i < text.length; i++)
            seen.hurt |= text.data[i] < ' ' || text.data[i] > '~';
        seen.next++;
    } else if (entry->kind == WORLD_EXECUTED && span_starts(text, SPAN("M600"))) {
        seen.changes++;
        seen.changed_at = seen.next;
    } else if (entry->kind == WORLD_TO && entry->port == PROXY_HOST &&
               span_starts(text, SPAN("//"))) {
        seen.paused |= span_contains(text, SPAN("action:paused"));
        seen.paused &= !span_contains(text, SPAN("action:resumed"));
    } else if (entry->kind == WORLD_FROM && entry->port == PROXY_HOST &&
               span_starts(text, SPAN("N"))) {
        seen.stragglers += seen.paused;
    }
}

static void run_ms(int64_t ms)
{
    world_passes(&world, ms);
}

/* Until that holds, which it must within so long. */
#define UNTIL(condition, ms)                                                                       \
    do {                                                                                           \
        int64_t until_left = (ms);                                                                 \
        while (!(condition) && until_left > 0) {                                                   \
            run_ms(5);                                                                             \
            until_left -= 5;                                                                       \
        }                                                                                          \
        if (!(condition)) {                                                                        \
            world_tell(&world, 3000, stderr);                                                      \
            fail_msg("%s:%d: never: %s", __FILE__, __LINE__, #condition);                          \
        }                                                                                          \
    } while (0)

/* Filament runs out, or is back. */
static void runout(uint8_t io, bool missing)
{
    sim_board_input(&world.board, io, missing, world.now);
    world_settle(&world);
}

/* Reads a config with this in it. */
static void read_config(const char *extra, struct loaded *ret_loaded)
{
    static const char config[] = "name: test\n"
                                 "host: {port: /run/test}\n"
                                 "printer: {port: simulated, baud: 115200}\n"
                                 "board: {port: simulated}\n"
                                 "points:\n"
                                 "  light: {io: 12, type: output}\n"
                                 "  runout: {io: 3, type: input, debounce: 100ms}\n"
                                 "  runout2: {io: 4, type: input, debounce: 100ms}\n";
    static const struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources;
    char text[2048];

    snprintf(text, sizeof text, "%s%s%s", config, extra,
             rules == NULL ? "" : "rules: [rules.yaml]\n");
    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, "test.yaml", span_of(text)));
    if (rules != NULL)
        assert_true(sources_add(&sources, "rules.yaml", span_of(rules)));
    rules = NULL;
    if (!load_all(&sources, &environment, &mistakes, ret_loaded)) {
        mistakes_print(&mistakes, stderr);
        fail();
    }
    mistakes_free(&mistakes);
    sources_free(&sources);
}

/* A world with this in the config, its host connected and the board of use. */
static void begin_as(const char *extra, struct sim_printer_manner printer,
                     struct sim_host_manner host)
{
    struct world_options options = {.settings = &loaded.settings,
                                    .rules = &loaded.ruleset,
                                    .printer = printer,
                                    .host = host,
                                    .watch = watch};

    read_config(extra, &loaded);
    memset(&seen, 0, sizeof seen);
    world_init(&world, &proxy, &options, (struct instant){0});
    runout(RUNOUT, false);
    runout(RUNOUT2, false);
    run_ms(6000);
    world_host_opens(&world, 115200);
    run_ms(8000); /* its first poll tells how it numbers */
    assert_int_equal(world.host.state, SIM_HOST_OPERATIONAL);
}

static inline void begin(const char *extra)
{
    begin_as(extra, sim_printer_manner_marlin(), sim_host_manner_octoprint());
}

/* Another config, while everything runs. */
static inline void reload(const char *extra)
{
    read_config(extra, &reloaded);
    proxy_reload(&proxy, &reloaded.settings, &reloaded.ruleset, world.now);
    proxy_input(&proxy, &(struct proxy_input){.kind = PROXY_TICK}, world.now);
    world_settle(&world);
}

static int tear_down(void **unused)
{
    (void)unused;
    loaded_free(&loaded);
    loaded_free(&reloaded);
    memset(&reloaded, 0, sizeof reloaded);
    return 0;
}

/* A file of `head`, then LINES moves of 1 mm with `e` each, then `tail`. */
static void write_file(const char *head, const char *e, const char *tail)
{
    size_t length = (size_t)snprintf(file, sizeof file, "G28\n%s", head);

    for (unsigned i = 0; i < LINES; i++)
        length += (size_t)snprintf(file + length, sizeof file - length, "G1 X%u %s F3000\n", i, e);
    length += (size_t)snprintf(file + length, sizeof file - length, "%s", tail);
    assert_true(length < sizeof file);
}

static void print(void)
{
    sim_host_print(&world.host, span_of(file), world.now);
    world_settle(&world);
}

#define HOT "M109 S200\nM83\n"

/* A print with filament, well on its way. */
static inline void print_some(void)
{
    write_file(HOT, "E0.1", "M104 S0\n");
    print();
    UNTIL(seen.next > 50, 10 * MINUTE);
}

static unsigned told(enum proxy_port port, const char *part)
{
    struct world_entry entry;
    unsigned times = 0;

    for (uint64_t i = 0; i < world.entries; i++) {
        if (world_journal(&world, i, &entry) && entry.kind == WORLD_TO && entry.port == port &&
            span_contains((struct span){entry.text, entry.length}, span_of(part)))
            times++;
    }
    return times;
}
/* How often the host, or the printer, was sent a line with this in it. */
static inline unsigned heard(const char *part)
{
    return told(PROXY_HOST, part);
}

/* The user does at the machine whatever it asks for, until the change is over. */
static inline void user_changes_filament(void)
{
    struct sim_printer *printer = &world.printer;

    for (unsigned i = 0; i < 1000 && printer->pause != SIM_PAUSE_NONE; i++) {
        if (printer->wait == SIM_WAIT_USER)
            sim_printer_press(printer, printer->pause == SIM_PAUSE_PURGED ? 1 : -1, world.now);
        world_settle(&world);
        run_ms(500);
    }
    assert_int_equal(printer->pause, SIM_PAUSE_NONE);
}

static inline enum filament_state state(void)
{
    return proxy.router.filament.state;
}

/* The print ends as if nothing had been: each line once, nobody was left waiting. */
static inline void finishes(void)
{
    UNTIL(world.host.counters.finished > 0, 10 * MINUTE);
    assert_int_equal(seen.next, LINES);
    assert_false(seen.wrong);
    assert_int_equal(seen.stragglers, 0);
    assert_int_equal(world.host.counters.timeouts, 0);
    assert_true(sim_host_idle(&world.host));
    assert_int_equal(world.host.counters.oks, world.host.counters.commands);
    assert_int_equal(state(), FILAMENT_WATCHES);
    assert_int_equal(proxy.router.ok_debt, 0);
}
