/*
 * A world with rules for a test: a light, a fan, a door, two programs; the test plays the host.
 */
#pragma once

#include "load/load.h"
#include "proxy_state.h"
#include "sim/world.h"
#include "world_seen.h"

#define LIGHT 12
#define FAN   13
#define DOOR  3

/* What every config of these tests begins with; the door is open while its level is high. */
static const char config[] = "name: test\n"
                             "host: {port: /run/test}\n"
                             "printer: {port: simulated}\n"
                             "board: {port: simulated}\n"
                             "points:\n"
                             "  light: {io: 12, type: output}\n"
                             "  fan: {io: 13, type: output}\n"
                             "  door: {io: 3, type: input, active: high, debounce: 0}\n"
                             "programs:\n"
                             "  photo: {path: photo.sh}\n"
                             "  notify: {path: /bin/notify, timeout: 5s}\n"
                             "rules: [rules.yaml]\n";

static struct loaded loaded, reloaded[2]; /* one is in force, the other was before */
static unsigned reloads;
static struct world world;
static struct proxy proxy;
static int64_t number;
static bool programs_last;      /* for begin(): programs run until the test ends them */
static char ran[16][2048];      /* each program that started: name, arguments, environment, by blanks */
static unsigned runs;

static inline void note_program(void *unused, const struct proxy_program *program)
{
    struct text text = {ran[runs % 16], sizeof ran[0] - 1, 0, false};

    (void)unused;
    memset(ran[runs % 16], 0, sizeof ran[0]);
    text_add(&text, program->name);
    text_add_char(&text, ' ');
    text_add(&text, program->arguments);
    text_add(&text, program->environment);
    for (size_t i = 0; i < text.length; i++)
        text.data[i] = (char)(text.data[i] == '\0' ? ' ' : text.data[i]);
    runs++;
}

/* Reads a config with these rules. */
static inline void read_config(const char *text, const char *rules, struct loaded *ret_loaded)
{
    static const struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources;

    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, "test.yaml", span_of(text)));
    assert_true(sources_add(&sources, "rules.yaml", span_of(rules)));
    if (!load_all(&sources, &environment, &mistakes, ret_loaded)) {
        mistakes_print(&mistakes, stderr);
        fail();
    }
    mistakes_free(&mistakes);
    sources_free(&sources);
}

/* A world with these rules, its host connected and the board of use. */
static inline void begin(const char *rules)
{
    struct world_options options = {.settings = &loaded.settings,
                                    .rules = &loaded.ruleset,
                                    .programs_last = programs_last,
                                    .program = note_program};

    runs = 0;
    read_config(config, rules, &loaded);
    options.printer = sim_printer_manner_marlin();
    options.host_played = true;
    world_init(&world, &proxy, &options, (struct instant){0});
    sim_board_input(&world.board, DOOR, false, world.now);
    assert_true(world_run_ms(&world, 3000));
    world_host_opens(&world, 115200);
    assert_true(world_run_ms(&world, 100));
}

static inline int tear_down(void **unused)
{
    (void)unused;
    loaded_free(&loaded);
    for (unsigned i = 0; i < 2; i++) {
        loaded_free(&reloaded[i]);
        memset(&reloaded[i], 0, sizeof reloaded[i]);
    }
    programs_last = false;
    return 0;
}

/* Another config and other rules, while everything runs. */
static inline void reload(const char *text, const char *rules)
{
    struct loaded *to = &reloaded[reloads++ % 2];

    loaded_free(to);
    read_config(text, rules, to);
    proxy_reload(&proxy, &to->settings, &to->ruleset, world.now);
    proxy_input(&proxy, &(struct proxy_input){.kind = PROXY_TICK}, world.now);
    world_settle(&world);
}

static inline void run_ms(int64_t ms)
{
    world_passes(&world, ms);
}

static inline void door(bool open)
{
    sim_board_input(&world.board, DOOR, open, world.now);
    world_settle(&world);
    run_ms(50);
}

static inline bool light(void)
{
    return sim_board_output(&world.board, LIGHT);
}

static inline bool fan(void)
{
    return sim_board_output(&world.board, FAN);
}

/* A line of the host, and 50 ms. */
static inline void says(const char *line)
{
    world_write(&world, PROXY_HOST, span_of(line));
    world_write(&world, PROXY_HOST, SPAN("\n"));
    run_ms(50);
}

/* The same with number and checksum, as in a job. */
static inline void says_numbered(const char *command)
{
    char bytes[128];
    struct text text = TEXT_IN(bytes);

    gcode_line_number(span_of(command), number++, &text);
    world_write(&world, PROXY_HOST, text_span(&text));
    run_ms(50);
}

/* A job begins as OctoPrint begins one. */
static inline void job(void)
{
    number = 0;
    says("M105");
    says_numbered("M110 N0");
    says_numbered("G90");
    says_numbered("G1 X1 F3000");
}

/* These bytes come from there in one piece. */
static inline void reads(enum proxy_port port, const char *bytes)
{
    proxy_input(&proxy,
                &(struct proxy_input){.kind = PROXY_BYTES, .port = port, .bytes = span_of(bytes)},
                world.now);
    world_settle(&world);
    run_ms(50);
}

/* How many entries of that kind had this in them; lines: those for that port. */
static inline unsigned noted(enum world_kind kind, enum proxy_port port, uint64_t since,
                             const char *part)
{
    struct world_entry entry;
    unsigned times = 0;

    for (; since < world.entries; since++) {
        if (world_journal(&world, since, &entry) && entry.kind == kind &&
            (kind != WORLD_TO || entry.port == port) &&
            span_contains((struct span){entry.text, entry.length}, span_of(part)))
            times++;
    }
    return times;
}

/* How many lines of the proxy for that port had this in them. */
static inline unsigned written(enum proxy_port port, uint64_t since, const char *part)
{
    return noted(WORLD_TO, port, since, part);
}

static inline unsigned heard(uint64_t since, const char *part)
{
    return written(PROXY_HOST, since, part);
}

/* How often an event or entry of the log had this in it. */
static inline unsigned told(uint64_t since, const char *part)
{
    return noted(WORLD_EVENT, PROXY_HOST, since, part);
}

/* How often this was ordered. */
static inline unsigned ordered(uint64_t since, const char *part)
{
    return noted(WORLD_ORDER, PROXY_HOST, since, part);
}
