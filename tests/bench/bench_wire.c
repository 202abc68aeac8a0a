/*
 * What a wire costs: round trips, lines a second, M112 in full flow; figures as JSON.
 *
 * The wires are open descriptors: who sets them up, and what lies between their ends, is
 * bench.py's business. Several wires take turns, so that what disturbs one disturbs all.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ends.h"
#include "samples.h"

#define WIRES_MAX    8
#define WATCHERS_MAX 64
#define WARM_UP      200

static const char usage[] =
    "usage: bench_wire rtt LINES ROUNDS WIRE…        round trips, LINES in each of ROUNDS\n"
    "       bench_wire flow WINDOW MS ROUNDS WIRE…   lines a second\n"
    "       bench_wire pace RATE MS WIRE             so many lines a second, to be watched\n"
    "       bench_wire halt TRIALS WINDOW SOCKET WATCHERS COMMAND EVERY WIRE\n"
    "                        M112 in full flow; COMMAND is sent every so many lines\n"
    "       bench_wire printer FD LOG                a printer for a real host, until it is "
    "killed;\n"
    "                        LOG gets `nanoseconds line` for each line when it has come\n"
    "WIRE is NAME:HOST:PRINTER, open descriptors.\n";

static struct wire wires[WIRES_MAX];
static struct samples samples[WIRES_MAX];
static unsigned wire_count;

static void take_wires(char **words, int count)
{
    if (count < 1 || count > WIRES_MAX)
        ends_fail("%s", usage);
    for (int i = 0; i < count; i++) {
        wire_init(&wires[i], words[i]);
        wire_begin(&wires[i]);
    }
    wire_count = (unsigned)count;
}

static void make_samples(size_t capacity)
{
    for (unsigned i = 0; i < wire_count; i++)
        samples_init(&samples[i], capacity);
}

static uint32_t round_trip(struct wire *wire)
{
    int64_t sent = ends_now();

    wire_send(wire);
    while (wire_hear(wire) == 0)
        continue;
    return (uint32_t)(ends_now() - sent);
}

/* The percentile of each round, as the rest of an object. */
static void tell_rounds(const char *name, const struct samples *all, unsigned lines, double share)
{
    printf("\"%s\": [", name);
    for (size_t at = 0; at < all->count; at += lines) {
        struct samples round = {all->ns + at, lines};

        samples_sort(&round);
        printf("%s%.2f", at > 0 ? ", " : "", samples_us(&round, share));
    }
    printf("], ");
}

static void run_rtt(unsigned lines, unsigned rounds)
{
    make_samples((size_t)lines * rounds);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned turn = 0; turn < wire_count; turn++) {
            unsigned which = (turn + round) % wire_count;

            for (unsigned i = 0; i < (round == 0 ? WARM_UP : WARM_UP / 10); i++)
                round_trip(&wires[which]);
            for (unsigned i = 0; i < lines; i++)
                samples_add(&samples[which], round_trip(&wires[which]));
        }
    }
    printf("{");
    for (unsigned i = 0; i < wire_count; i++) {
        printf("%s\"%s\": {", i > 0 ? ", " : "", wires[i].name);
        tell_rounds("p50s", &samples[i], lines, 0.5);
        tell_rounds("p99s", &samples[i], lines, 0.99);
        samples_tell(&samples[i]);
        printf("}");
    }
    printf("}\n");
}

static void run_flow(unsigned window, unsigned ms, unsigned rounds)
{
    double rate[WIRES_MAX][64];

    for (unsigned round = 0; round < rounds && round < 64; round++) {
        for (unsigned turn = 0; turn < wire_count; turn++) {
            unsigned which = (turn + round) % wire_count;
            int64_t start = ends_now();
            uint64_t lines = wire_print(&wires[which], window, start + ms * 1000000LL);

            rate[which][round] = (double)lines * 1e9 / (double)(ends_now() - start);
        }
    }
    printf("{");
    for (unsigned i = 0; i < wire_count; i++) {
        printf("%s\"%s\": [", i > 0 ? ", " : "", wires[i].name);
        for (unsigned round = 0; round < rounds; round++)
            printf("%s%.0f", round > 0 ? ", " : "", rate[i][round]);
        printf("]");
    }
    printf("}\n");
}

static void sleep_until(int64_t at)
{
    struct timespec time = {at / 1000000000, at % 1000000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        continue;
}

static void run_pace(unsigned rate, unsigned ms)
{
    int64_t start = ends_now(), at = start;
    uint64_t lines = 0;

    for (; at < start + ms * 1000000LL; at += 1000000000 / rate, lines++) {
        sleep_until(at);
        round_trip(&wires[0]);
    }
    printf("{\"lines\": %llu, \"seconds\": %.3f}\n", (unsigned long long)lines,
           (double)(ends_now() - start) / 1e9);
}

/* --- M112 ------------------------------------------------------------------------------------- */

static struct pollfd watcher[WATCHERS_MAX];
static unsigned watchers;
static _Atomic uint64_t watched_bytes;

static void *run_watchers(void *context)
{
    static char bytes[65536];

    (void)context;
    for (;;) {
        poll(watcher, watchers, -1);
        for (unsigned i = 0; i < watchers; i++) {
            ssize_t count = watcher[i].revents != 0 ? read(watcher[i].fd, bytes, sizeof bytes) : 1;

            if (count <= 0)
                ends_fail("a watcher was dropped");
            if (watcher[i].revents != 0)
                watched_bytes += (uint64_t)count;
        }
    }
    return NULL;
}

static void start_watchers(const char *path, unsigned count)
{
    static const char watch[] = "{\"command\":\"watch\"}\n";
    pthread_t thread;

    for (; watchers < count && watchers < WATCHERS_MAX; watchers++) {
        int fd = ends_connect(path);

        if (write(fd, watch, sizeof watch - 1) < 0)
            ends_fail("%s: %s", path, strerror(errno));
        watcher[watchers] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    if (count > 0 && pthread_create(&thread, NULL, run_watchers, NULL) != 0)
        ends_fail("no thread to be had");
}

/* One print that ends by M112 after `lines` lines; nanoseconds until the printer had it. */
static uint32_t run_halt_once(struct wire *wire, unsigned window, const char *command,
                              unsigned every, unsigned lines)
{
    char plain[ENDS_LINE];
    unsigned open = 0;
    int64_t sent, halted;

    snprintf(plain, sizeof plain, "%s\n", command);
    atomic_store(&wire->halted_at, 0);
    wire_begin(wire);
    for (unsigned i = 0; i < lines; i++) {
        for (; open < window; open++) {
            if (every > 0 && wire->command % every == 0) {
                wire->command++;
                wire_send_plain(wire, plain);
            } else {
                wire_send(wire);
            }
        }
        open -= wire_hear(wire);
    }
    sent = ends_now();
    wire_send_plain(wire, "M112\n");
    while (!wire->started)
        wire_hear(wire);
    halted = atomic_load(&wire->halted_at);
    if (halted == 0)
        ends_fail("%s: a start without an M112", wire->name);
    return (uint32_t)(halted - sent);
}

static void run_halt(unsigned trials, unsigned window, const char *command, unsigned every)
{
    make_samples(trials);
    for (unsigned i = 0; i < trials; i++)
        samples_add(&samples[0], run_halt_once(&wires[0], window, command, every, 40 + i * 7 % 31));
    printf("{");
    samples_tell(&samples[0]);
    printf(", \"watched_bytes\": %llu}\n", (unsigned long long)watched_bytes);
}

/* --- a printer for OctoPrint ------------------------------------------------------------------ */

/* What it says to a line. The command stands behind its number. */
static const char *answer_to(const char *line)
{
    const char *blank = line[0] == 'N' ? strchr(line, ' ') : NULL;
    const char *command = blank != NULL ? blank + 1 : line;

    if (strncmp(command, "M105", 4) == 0)
        return "ok T:200.0 /200.0 B:60.0 /60.0\n";
    if (strncmp(command, "M115", 4) == 0)
        return "FIRMWARE_NAME:Marlin bench\nCap:EMERGENCY_PARSER:1\nok\n";
    return line[0] == '\0' ? "" : "ok\n";
}

static void run_printer(int fd, const char *path)
{
    FILE *log = fopen(path, "w");
    struct pollfd one = {.fd = fd, .events = POLLIN};
    char bytes[4096], line[ENDS_LINE];
    size_t length = 0;

    if (log == NULL)
        ends_fail("%s: %s", path, strerror(errno));
    for (;;) {
        ssize_t count = poll(&one, 1, -1) > 0 ? read(fd, bytes, sizeof bytes) : 0;
        int64_t at = ends_now();

        for (ssize_t i = 0; i < count; i++) {
            const char *answer;

            if (bytes[i] != '\n') {
                if (length < sizeof line - 1)
                    line[length++] = bytes[i];
                continue;
            }
            line[length] = '\0';
            length = 0;
            answer = answer_to(line);
            if (write(fd, answer, strlen(answer)) < 0)
                ends_fail("the host takes no answer");
            fprintf(log, "%lld %s\n", (long long)at, line);
            fflush(log);
        }
    }
}

static unsigned number(const char *word)
{
    return (unsigned)strtoul(word, NULL, 10);
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";

    if (strcmp(what, "rtt") == 0 && count > 4) {
        take_wires(words + 4, count - 4);
        run_rtt(number(words[2]), number(words[3]));
    } else if (strcmp(what, "flow") == 0 && count > 5) {
        take_wires(words + 5, count - 5);
        run_flow(number(words[2]), number(words[3]), number(words[4]));
    } else if (strcmp(what, "pace") == 0 && count == 5) {
        take_wires(words + 4, 1);
        run_pace(number(words[2]), number(words[3]));
    } else if (strcmp(what, "halt") == 0 && count == 9) {
        start_watchers(words[4], number(words[5]));
        take_wires(words + 8, 1);
        run_halt(number(words[2]), number(words[3]), words[6], number(words[7]));
    } else if (strcmp(what, "printer") == 0 && count == 4) {
        run_printer((int)number(words[2]), words[3]);
    } else {
        fputs(usage, stderr);
        return 2;
    }
    return 0;
}
