/*
 * What an event costs that rules wait for: nanoseconds, as JSON.
 *
 * An event is a report of the board or of the printer, its bytes in, and all that follows out and
 * taken, as the daemon does it. Half of the rules wait for points, half for temperatures, evenly
 * over eight inputs and three heaters; the `if` of none holds, so that rules are looked for and
 * nothing else is done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ends.h"
#include "load/load.h"
#include "samples.h"
#include "sim/world.h"

#define REPORTS    20000
#define RULE_BYTES 128
#define INPUTS     8

static const char config[] = "name: bench\n"
                             "host: {port: /run/bench}\n"
                             "printer: {port: simulated}\n"
                             "board: {port: simulated}\n"
                             "points:\n"
                             "  i0: {io: 0, type: input, debounce: 0}\n"
                             "  i1: {io: 1, type: input, debounce: 0}\n"
                             "  i2: {io: 2, type: input, debounce: 0}\n"
                             "  i3: {io: 3, type: input, debounce: 0}\n"
                             "  i4: {io: 4, type: input, debounce: 0}\n"
                             "  i5: {io: 5, type: input, debounce: 0}\n"
                             "  i6: {io: 6, type: input, debounce: 0}\n"
                             "  i7: {io: 7, type: input, debounce: 0}\n"
                             "rules: [rules.yaml]\n";

static struct loaded loaded;
static struct world world;
static struct proxy *proxy;

static void load_rules(unsigned count)
{
    static const char *const heaters[] = {"tool0", "tool1", "bed"};
    struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources = {0};
    char *text = malloc((size_t)count * RULE_BYTES + 16), *end = text;

    if (text == NULL)
        ends_fail("no memory");
    end += sprintf(end, "rules:\n");
    for (unsigned i = 0; i < count; i++)
        end += i % 2 == 0 ? sprintf(end,
                                    "  - {name: b%u, when: {point: i%u, becomes: %s}, "
                                    "if: {print: printing}, do: [{say: b}]}\n",
                                    i, i / 2 % INPUTS, i / 16 % 2 == 0 ? "on" : "off")
                          : sprintf(end,
                                    "  - {name: b%u, when: {temperature: {%s: '>= %uC'}}, "
                                    "if: {print: printing}, do: [{say: b}]}\n",
                                    i, heaters[i / 2 % 3], 30 + i % 250);
    sources_init(&sources, "/");
    sources_add(&sources, "bench.yaml", (struct span){config, sizeof config - 1});
    sources_add(&sources, "rules.yaml", (struct span){text, (size_t)(end - text)});
    if (!load_all(&sources, &environment, &mistakes, &loaded)) {
        mistakes_print(&mistakes, stderr);
        ends_fail("the config is not right");
    }
    mistakes_free(&mistakes);
    sources_free(&sources);
    free(text);
}

/* Nobody answers: what there is to write is written, and what happened is looked at. */
static unsigned take(struct instant now)
{
    struct order order;
    struct event event;
    unsigned events = 0;

    while (proxy_next_order(proxy, &order))
        continue;
    for (enum proxy_port port = 0; port < PROXY_PORTS; port++) {
        struct span output = proxy_output(proxy, port);

        if (output.length > 0)
            proxy_input(proxy,
                        &(struct proxy_input){.kind = PROXY_SENT,
                                              .port = port,
                                              .number = (int64_t)output.length,
                                              .bytes = output},
                        now);
    }
    while (proxy_next_event(proxy, &event))
        events += event.kind == EVENT_POINT || event.kind == EVENT_TEMPERATURE;
    return events;
}

/* One event each time; every input and every heater takes its turn. */
static void tell_events(const char *name, enum proxy_port port)
{
    struct instant now = world.now;
    struct samples samples;
    unsigned levels = 0, events = 0;

    samples_init(&samples, REPORTS);
    for (unsigned i = 0; i < REPORTS; i++) {
        char bytes[96];
        int length;
        int64_t start;

        now.us += 20;
        if (port == PROXY_BOARD) {
            levels ^= 1u << i % INPUTS;
            length = sprintf(bytes, "IO:");
            for (unsigned io = 0; io < 18; io++)
                bytes[length++] = (char)('0' + (levels >> io & 1));
            bytes[length++] = '\n';
        } else {
            unsigned degree = 20 + i / 3 % 200;

            length = sprintf(bytes, " T:%u.0 /0.0 T0:%u.0 /0.0 T1:%u.0 /0.0 B:%u.0 /0.0\n", degree,
                             degree, degree + (i % 3 > 0), degree + (i % 3 > 1));
        }
        start = ends_now();
        proxy_input(proxy,
                    &(struct proxy_input){
                        .kind = PROXY_BYTES, .port = port, .bytes = {bytes, (size_t)length}},
                    now);
        events += take(now);
        samples_add(&samples, ends_now() - start);
    }
    if (events < REPORTS / 4 * 3)
        ends_fail("%s: %u events", name, events);
    printf("\"%s\": {", name);
    samples_tell(&samples);
    printf("}");
    free(samples.ns);
}

/* With so many rules; a board and a printer that are online. */
static void run(unsigned count)
{
    struct world_options options = {.quick = true, .host_played = true};

    load_rules(count);
    options.settings = &loaded.settings;
    options.rules = &loaded.ruleset;
    options.printer = sim_printer_manner_marlin();
    world_init(&world, proxy, &options, (struct instant){0});
    world_run_ms(&world, 3000);
    world_host_opens(&world, 115200);
    world_run_ms(&world, 100);
    printf("\"%u\": {", count);
    tell_events("point", PROXY_BOARD);
    printf(", ");
    tell_events("temperature", PROXY_PRINTER);
    printf("}");
    loaded_free(&loaded);
}

int main(void)
{
    proxy = malloc(proxy_size());
    if (proxy == NULL)
        ends_fail("no memory");
    printf("{");
    run(10);
    printf(", ");
    run(1000);
    printf("}\n");
    free(proxy);
    return 0;
}
