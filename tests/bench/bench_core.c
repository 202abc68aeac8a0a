/*
 * What a line costs inside the core, without ports and processes: nanoseconds, as JSON.
 *
 * Each figure is the fastest of several runs over the same lines, which last less than a slice of
 * the CPU's time: what disturbs only slows. Runs of what is compared take turns. The whole way is
 * what the daemon does for a line: bytes of the host in, bytes for the printer out and taken, its
 * ok in, the ok for the host out and taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load/load.h"
#include "proxy.h"
#include "wire/gcode_line.h"
#include "wire/line_framer.h"
#include "wire/printer_reply.h"

#define LINES      4096
#define LINE_MAX   64
#define RUNS       15
#define RULE_BYTES 128

static const char config[] = "name: bench\n"
                             "printer: {port: /dev/null}\n"
                             "host: {port: /run/bench}\n"
                             "points:\n"
                             "  light: {io: 12, type: output}\n"
                             "  door: {io: 2, type: input}\n"
                             "rules: [rules.yaml]\n";

struct print {
    char bytes[LINES * LINE_MAX];
    size_t length;
    size_t start[LINES + 1];
    struct gcode_line line[LINES];
    struct gcode_line command[LINES];
};

static struct print print;
static volatile uint64_t sink;

static void fail(const char *what)
{
    fprintf(stderr, "bench_core: %s\n", what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static double fastest(const double *of)
{
    double least = of[0];

    for (unsigned i = 1; i < RUNS; i++)
        least = of[i] < least ? of[i] : least;
    return least;
}

/* Numbered moves as slicers write them. */
static void make_print(void)
{
    for (unsigned i = 0; i < LINES; i++) {
        char command[LINE_MAX];
        struct text text = {print.bytes, sizeof print.bytes, print.length, false};

        snprintf(command, sizeof command, "G1 X%u.%03u Y%u.%03u E.0%04u", 60 + i % 97,
                 i * 37 % 1000, 40 + i % 83, i * 59 % 1000, i * 13 % 10000);
        print.start[i] = print.length;
        gcode_line_number((struct span){command, strlen(command)}, i + 1, &text);
        print.length = text.length;
    }
    print.start[LINES] = print.length;
}

static struct span line_at(unsigned i)
{
    return (struct span){print.bytes + print.start[i], print.start[i + 1] - print.start[i]};
}

/* The M-codes, and so many rules besides, of codes that the print has none of. */
static void load_rules(unsigned count, struct loaded *ret_loaded)
{
    struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources = {0};
    char *text = malloc((size_t)count * RULE_BYTES + 16), *end = text;

    if (text == NULL)
        fail("no memory");
    end += sprintf(end, count > 0 ? "rules:\n" : "rules: []\n");
    for (unsigned i = 0; i < count; i++)
        end += sprintf(end,
                       i % 4 == 0
                           ? "  - {name: b%u, when: {gcode: 'M%u P(?<p>\\d+).*'}, do: [{say: b}]}\n"
                           : "  - {name: b%u, when: {gcode: M%u}, do: [{say: b}]}\n",
                       i, 20000 + i);
    sources_init(&sources, "/");
    sources_add(&sources, "bench.yaml", (struct span){config, sizeof config - 1});
    sources_add(&sources, "rules.yaml", (struct span){text, (size_t)(end - text)});
    if (!load_all(&sources, &environment, &mistakes, ret_loaded)) {
        mistakes_print(&mistakes, stderr);
        fail("the config is not right");
    }
    mistakes_free(&mistakes);
    sources_free(&sources);
    free(text);
}

/* --- one stage at a time; each returns nanoseconds per line ------------------------------------
 */

static double frame_lines(void)
{
    static struct line_framer framer;
    struct span bytes = {print.bytes, print.length}, line;
    int64_t start = now_ns();

    line_framer_init(&framer);
    while (line_framer_next(&framer, &bytes, &line) == LINE_COMPLETE)
        sink += line.length;
    return (double)(now_ns() - start) / LINES;
}

static double parse_lines(void)
{
    int64_t start = now_ns();

    for (unsigned i = 0; i < LINES; i++) {
        gcode_line_parse(line_at(i), &print.line[i]);
        sink += (uint64_t)print.line[i].code;
    }
    return (double)(now_ns() - start) / LINES;
}

static double parse_replies(void)
{
    static const struct span ok = SPAN_INIT("ok");
    struct printer_reply reply;
    int64_t start = now_ns();

    for (unsigned i = 0; i < LINES; i++) {
        printer_reply_parse(ok, &reply);
        sink += reply.kind;
    }
    return (double)(now_ns() - start) / LINES;
}

/* The commands of a print, which no rule takes: all that could are asked. */
static void parse_commands(struct gcode_line *ret_lines)
{
    static const char *const words[] = {"G0",   "G1",   "G2",   "G3",   "G10",  "G11",  "G28",
                                        "G92",  "M73",  "M82",  "M83",  "M104", "M106", "M107",
                                        "M109", "M117", "M140", "M204", "M205", "M900", "T0"};
    enum { WORDS = sizeof words / sizeof *words };

    for (unsigned i = 0; i < LINES; i++)
        gcode_line_parse((struct span){words[i % WORDS], strlen(words[i % WORDS])}, &ret_lines[i]);
}

static double match_lines(const struct loaded *loaded)
{
    static char bytes[1100];
    static const struct rule_world world;
    static struct step_values values;
    struct text squeezed = TEXT_IN(bytes);
    int64_t start = now_ns();

    for (unsigned i = 0; i < LINES; i++)
        sink += ruleset_match(&loaded->ruleset, &loaded->settings, &world, &print.command[i],
                              &squeezed, &values) != NULL;
    return (double)(now_ns() - start) / LINES;
}

/* --- the whole way -----------------------------------------------------------------------------
 */

struct way {
    struct proxy *proxy;
    struct instant now;
};

static void put(struct way *way, enum proxy_input_kind kind, enum proxy_port port, int64_t number,
                struct span bytes)
{
    proxy_input(way->proxy,
                &(struct proxy_input){.kind = kind, .port = port, .number = number, .bytes = bytes},
                way->now);
}

/* Takes what is to be written, as the daemon does after each input. */
static size_t take(struct way *way)
{
    struct order order;
    struct event event;
    size_t taken = 0;

    while (proxy_next_order(way->proxy, &order))
        continue;
    for (enum proxy_port port = 0; port < PROXY_PORTS; port++) {
        struct span output = proxy_output(way->proxy, port);

        taken += output.length;
        if (output.length > 0)
            put(way, PROXY_SENT, port, (int64_t)output.length, output);
    }
    while (proxy_next_event(way->proxy, &event))
        continue;
    sink += (uint64_t)proxy_deadline(way->proxy).us;
    return taken;
}

static void way_init(struct way *way, const struct loaded *loaded)
{
    way->proxy = calloc(1, proxy_size());
    if (way->proxy == NULL)
        fail("no memory");
    way->now = (struct instant){1000000};
    proxy_init(way->proxy, &loaded->settings, &loaded->ruleset, SPAN_NONE, way->now);
    put(way, PROXY_OPENED, PROXY_PRINTER, 115200, SPAN_NONE);
    put(way, PROXY_OPENED, PROXY_HOST, 115200, SPAN_NONE);
    take(way);
}

/* A print of all lines, window 1. *ret_down and *ret_up: its two halves. */
static double go_the_way(struct way *way, double *ret_down, double *ret_up)
{
    int64_t start, down = 0, up = 0;

    put(way, PROXY_BYTES, PROXY_HOST, 0, SPAN("N0 M110 N0*125\n"));
    take(way);
    put(way, PROXY_BYTES, PROXY_PRINTER, 0, SPAN("ok\n"));
    take(way);
    start = now_ns();
    for (unsigned i = 0; i < LINES; i++) {
        int64_t at = now_ns(), turn;

        way->now.us += 50;
        put(way, PROXY_BYTES, PROXY_HOST, 0, line_at(i));
        if (take(way) != print.start[i + 1] - print.start[i])
            fail("a line did not come through as it was");
        turn = now_ns();
        put(way, PROXY_BYTES, PROXY_PRINTER, 0, SPAN("ok\n"));
        if (take(way) != 3)
            fail("an ok did not come through as it was");
        down += turn - at;
        up += now_ns() - turn;
    }
    *ret_down = (double)down / LINES;
    *ret_up = (double)up / LINES;
    return (double)(now_ns() - start) / LINES;
}

/* --- all of it ---------------------------------------------------------------------------------
 */

int main(void)
{
    static const unsigned counts[] = {10, 100, 1000, 10000};
    enum { COUNTS = sizeof counts / sizeof *counts };
    static struct loaded loaded[COUNTS];
    static double match[COUNTS][RUNS];
    double frame[RUNS], parse[RUNS], reply[RUNS], down[RUNS], up[RUNS], both[RUNS];
    struct way way;

    make_print();
    parse_commands(print.command);
    for (unsigned i = 0; i < COUNTS; i++)
        load_rules(counts[i], &loaded[i]);
    way_init(&way, &loaded[2]);
    for (unsigned run = 0; run < RUNS; run++) {
        frame[run] = frame_lines();
        parse[run] = parse_lines();
        reply[run] = parse_replies();
        for (unsigned i = 0; i < COUNTS; i++)
            match[i][run] = match_lines(&loaded[i]);
        both[run] = go_the_way(&way, &down[run], &up[run]);
    }
    printf("{\"frame\": %.1f, \"parse\": %.1f, \"reply\": %.1f, \"match\": {", fastest(frame),
           fastest(parse), fastest(reply));
    for (unsigned i = 0; i < COUNTS; i++)
        printf("%s\"%u\": %.1f", i > 0 ? ", " : "", counts[i], fastest(match[i]));
    printf("}, \"down\": %.1f, \"up\": %.1f, \"both\": %.1f}\n", fastest(down), fastest(up),
           fastest(both));
    for (unsigned i = 0; i < COUNTS; i++)
        loaded_free(&loaded[i]);
    free(way.proxy);
    return 0;
}
