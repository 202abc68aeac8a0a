/* Reloads at any moment of a print, while rules pulse outputs: no line is lost, no output stays on.
 */
#include "proxy_filament.h"

#define WALKS 40

/* The same names on other ios and under other indices, or not there at all. */
static const char *const points[] = {
    "points: {light: {io: 12, type: output}, lamp: {io: 13, type: output}, "
    "door: {io: 4, type: input, debounce: 0}, runout: {io: 3, type: input}}\n",
    "points: {runout: {io: 3, type: input}, door: {io: 4, type: input, debounce: 0}, "
    "lamp: {io: 12, type: output}, light: {io: 14, type: output}}\n",
    "points: {door: {io: 5, type: input, debounce: 0}, light: {io: 12, type: output}, "
    "lamp: {io: 15, type: output, active: low}, runout: {io: 3, type: input}}\n",
    "points: {runout: {io: 3, type: input}, lamp: {io: 13, type: output}}\n",
};
#define CONFIGS (sizeof points / sizeof *points)

/* What they do with an output they do for a while only. Those of the last config have no door. */
static const char *const rule_files[] = {
    "rules:\n"
    "  - {name: a, when: {point: door, becomes: change}, again: queue,\n"
    "     do: [{pulse: {point: light, for: 300ms, times: 2, every: 1s}}, {say: a}]}\n"
    "  - {name: b, when: {point: door, becomes: on, for: 400ms}, do: [{wait: 200ms},\n"
    "     {pulse: {point: lamp, for: 1s}}], until: {point: door, becomes: off}}\n"
    "  - {name: c, when: {every: 700ms}, do: [{pulse: {point: lamp, for: 200ms}}]}\n",
    "rules:\n"
    "  - {name: d, when: {point: door, becomes: on}, again: ignore,\n"
    "     do: [{wait: {point: door, for: low, timeout: 2s}}, {report: light}]}\n"
    "  - {name: e, when: {every: 500ms}, do: [{pulse: {point: light, for: 400ms}}]}\n",
    "rules: [{when: {every: 300ms}, again: queue, do: [{pulse: {point: lamp, for: 250ms}}]}]\n",
};

static uint32_t seed;

static uint32_t roll(uint32_t sides)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 16) % sides;
}

static void take_config(unsigned which, unsigned rule_file, struct loaded *to)
{
    static const struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources;
    char text[2048];

    snprintf(text, sizeof text,
             "name: test\nhost: {port: /run/test}\nprinter: {port: simulated, baud: 115200}\n"
             "board: {port: simulated}\nfilament: {point: runout}\n%srules: [rules.yaml]\n",
             points[which]);
    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, "test.yaml", span_of(text)));
    assert_true(sources_add(&sources, "rules.yaml", span_of(rule_files[rule_file])));
    if (!load_all(&sources, &environment, &mistakes, to)) {
        mistakes_print(&mistakes, stderr);
        fail();
    }
    mistakes_free(&mistakes);
    sources_free(&sources);
    proxy_reload(&proxy, &to->settings, &to->ruleset, world.now);
    proxy_input(&proxy, &(struct proxy_input){.kind = PROXY_TICK}, world.now);
    world_settle(&world);
}

/* In the last config nobody names the door and the light. */
static unsigned file_for(unsigned which)
{
    return which == CONFIGS - 1 ? 2 : roll(3);
}

static void walk(void)
{
    static struct loaded config[2];
    unsigned turn = 0;

    begin("filament: {point: runout}\n");
    print_some();
    while (world.host.counters.finished == 0 && turn < 400) {
        struct loaded *to = &config[turn++ % 2];
        unsigned which = roll(CONFIGS);

        loaded_free(to);
        memset(to, 0, sizeof *to);
        take_config(which, file_for(which), to);
        for (unsigned i = roll(4); i > 0; i--) {
            runout((uint8_t)(4 + roll(2)), roll(2) == 0);
            run_ms(roll(600));
        }
        run_ms(roll(3) == 0 ? 0 : roll(2500));
    }
    finishes();
    assert_int_equal(seen.changes, 0);
    /* The config that they began with has no rules: what they began is over. */
    proxy_reload(&proxy, &loaded.settings, &loaded.ruleset, world.now);
    run_ms(30000);
    for (uint8_t io = 12; io < 18; io++)
        assert_false(io != 15 && sim_board_output(&world.board, io)); /* 15: on at low */
    assert_int_equal(proxy.router.plans.running, 0);
    for (unsigned i = 0; i < 2; i++) {
        loaded_free(&config[i]);
        memset(&config[i], 0, sizeof config[i]);
    }
    tear_down(NULL);
}

static void whenever_a_reload_comes_no_line_is_lost_and_every_pulse_ends(void **unused)
{
    (void)unused;
    for (uint32_t i = 1; i <= WALKS; i++) {
        seed = i * 7919;
        walk();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whenever_a_reload_comes_no_line_is_lost_and_every_pulse_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
