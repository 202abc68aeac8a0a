/*
 * Many seeded runs of the whole core among faulty wires; a run that breaks a promise is told and
 * made smaller.
 *
 *     soak [--from SEED] [--lines N] [--machines] SEEDS | SECONDSs | --seed SEED
 */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES     60
#define TOLD      40
#define BAR       30
#define BAR_EVERY 50

static struct run run;
static struct run_totals totals;
static unsigned told_events = TOLD;

static double seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* In the same way: another failure is another story. */
static bool still_fails(const struct run_plan *plan, const char *how)
{
    struct run_totals ignored = {0};

    return !run_play(&run, plan, &ignored) && strcmp(run.wrong, how) == 0;
}

/* Leaves out what the failure does not need: faults, then the end of the script. */
static void shrink(struct run_plan *plan, const char *how)
{
    for (uint32_t step = RUN_FAULTS / 2; step > 0; step /= 2) {
        for (uint32_t first = 0; first < RUN_FAULTS; first += step) {
            struct run_plan smaller = *plan;
            bool changes = false;

            for (uint32_t i = first; i < first + step && i < RUN_FAULTS; i++) {
                changes |= !smaller.without[i];
                smaller.without[i] = true;
            }
            if (changes && still_fails(&smaller, how))
                *plan = smaller;
        }
    }
    for (uint32_t step = plan->lines / 2; step > 0; step /= 2) {
        struct run_plan smaller = *plan;

        smaller.cut += step;
        if (smaller.cut < plan->lines && still_fails(&smaller, how))
            *plan = smaller;
    }
}

static void tell_failure(struct run_plan *plan)
{
    const char *how = run.wrong;

    run_tell(&run, told_events, stderr);
    shrink(plan, how);
    still_fails(plan, how);
    fputs("the same with as little as it takes:\n", stderr);
    run_tell(&run, told_events, stderr);
}

static void tell_counts(FILE *to, double took)
{
    fprintf(to, "%llu runs, %llu lines, %llu bytes in %.1f s\n", (unsigned long long)totals.runs,
            (unsigned long long)totals.lines, (unsigned long long)totals.bytes, took);
    fprintf(to, "%10llu prints came to their end\n", (unsigned long long)totals.finished);
    fprintf(to, "%10llu were cancelled\n", (unsigned long long)totals.cancelled);
    fprintf(to, "%10llu were broken off by the host\n", (unsigned long long)totals.broken_off);
    fprintf(to, "%10llu had an upload in the middle, %llu a binary one\n",
            (unsigned long long)totals.uploads, (unsigned long long)totals.binaries);
    fprintf(
        to,
        "%10llu had a stop, filament sensors, switched power, M-codes and rules of their own:\n",
        (unsigned long long)totals.machines);
    fprintf(to, "%10llu trips of the stop\n", (unsigned long long)totals.machine.trips);
    fprintf(to, "%10llu runouts told\n", (unsigned long long)totals.machine.runouts);
    fprintf(to, "%10llu M-codes of their own\n", (unsigned long long)totals.machine.codes);
    fprintf(to, "%10llu times the power was switched\n",
            (unsigned long long)totals.machine.powered);
    fprintf(to, "%10llu oks reached the host\n", (unsigned long long)totals.oks);
    fprintf(to, "%10llu Resends of the printer\n", (unsigned long long)totals.resends);
    fprintf(to, "%10llu doublets dropped by it\n", (unsigned long long)totals.doublets);
    fputs("faults:\n", to);
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        fprintf(to, "%10llu %s\n", (unsigned long long)totals.faults[kind],
                fault_word((enum fault_kind)kind));
    fprintf(to, "%10llu overflow of the printer's buffer\n", (unsigned long long)totals.overruns);
    fputs("what the protocol cannot save:\n", to);
    for (unsigned class = 0; class < AUDIT_CLASSES; class ++)
        fprintf(to, "%10llu %s\n", (unsigned long long)totals.excused[class],
                audit_word((enum audit_class) class));
}

static void progress(double done, double took)
{
    char bar[BAR + 1];
    int full = done >= 1 ? BAR : (int)(done * BAR);

    memset(bar, ' ', BAR);
    memset(bar, '#', (size_t)full);
    bar[BAR] = '\0';
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r[%s] %3d %%  %llu seeds  %llu lines  %.0f s ", bar, (int)(done * 100),
                (unsigned long long)totals.runs, (unsigned long long)totals.lines, took);
}

int main(int argc, char **argv)
{
    uint64_t from = 0, most = 2000, told = 0, bad = 0;
    uint32_t lines = LINES;
    double limit = 0, began = seconds(), next_line = 30;
    bool one = false, machines = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            from = strtoull(argv[++i], NULL, 10);
            most = 1;
            one = true;
        } else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc) {
            from = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--lines") == 0 && i + 1 < argc) {
            lines = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--events") == 0 && i + 1 < argc) {
            told_events = (unsigned)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--machines") == 0) {
            machines = true;
        } else if (strcmp(argv[i], "--told") == 0 && i + 1 < argc) {
            told = strtoull(argv[++i], NULL, 10);
        } else if (argv[i][0] >= '0' && argv[i][0] <= '9') {
            most = strtoull(argv[i], NULL, 10);
            if (argv[i][strlen(argv[i]) - 1] == 's') {
                limit = (double)most;
                most = UINT64_MAX;
            }
        } else {
            fputs("usage: soak [--from SEED] [--lines N] [--machines] [SEEDS | SECONDSs | --seed "
                  "SEED]\n",
                  stderr);
            return 2;
        }
    }
    if (lines > RUN_LINES)
        lines = RUN_LINES;
    if (!run_begin(&run))
        return 2;
    run.shown = one;
    for (uint64_t seed = from; seed - from < most; seed++) {
        struct run_plan plan = {.seed = seed, .lines = lines, .machine = machines};
        double took = seconds() - began;

        if (limit > 0 && took >= limit)
            break;
        if (totals.runs % BAR_EVERY == 0)
            progress(limit > 0 ? took / limit : (double)(seed - from) / (double)most, took);
        if (!isatty(STDERR_FILENO) && took >= next_line) {
            fprintf(stderr, "%llu seeds, %llu lines, %.0f s\n", (unsigned long long)totals.runs,
                    (unsigned long long)totals.lines, took);
            next_line += 30;
        }
        if (run_play(&run, &plan, &totals))
            continue;
        bad++;
        if (told > 0) { /* only what fails, a line each */
            run_tell(&run, 0, stdout);
            if (bad == told)
                break;
            continue;
        }
        if (isatty(STDERR_FILENO))
            fputc('\n', stderr);
        if (one)
            run_tell(&run, 0, stderr);
        else
            tell_failure(&plan);
        break;
    }
    if (one && bad == 0)
        run_tell(&run, 0, stderr);
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    tell_counts(stdout, seconds() - began);
    run_end(&run);
    return bad > 0;
}
