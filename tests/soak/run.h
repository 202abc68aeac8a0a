/*
 * One seeded run: a host, a printer, rules, a script and faults, played to the end of the print and
 * then once more without any fault.
 */
#pragma once

#include "audit.h"
#include "kit/kit.h"
#include "machine.h"

#define RUN_FAULTS 256
#define RUN_LINES  400

/* What of a seed's run is wanted; a run is made smaller by wanting less of it. */
struct run_plan {
    uint64_t seed;
    uint32_t lines; /* of the script at most */
    uint32_t cut;   /* so many at its end are left out; where faults happen does not change by it */
    bool without[RUN_FAULTS]; /* these faults do not happen */
    bool machine; /* it is RUN_MACHINE, whatever the seed says */
};

struct run_totals {
    uint64_t runs, lines, oks, resends, bytes;
    uint64_t finished, cancelled, broken_off, uploads, binaries, machines;
    struct machine_counts machine;
    uint64_t faults[FAULT_KINDS], overruns, doublets;
    uint64_t excused[AUDIT_CLASSES];
};

/* What is in the script besides single lines. */
enum run_kind {
    RUN_PRINT,
    RUN_UPLOAD,  /* M28 to M29: half of it is content of a file */
    RUN_LOG,     /* M928 to M29: it is written, and carried out all the same */
    RUN_BINARY,  /* M28 B1 and packets */
    RUN_MACHINE, /* with a stop, a sensor and switched power */
};

struct run {
    struct kit kit, events,
        bare; /* M-codes; the same, and rules that send lines at any moment; none */
    const struct kit *rules;
    enum run_kind kind;
    struct world *world;
    struct proxy *proxy;
    struct audit *audit;
    struct world_options options;
    const struct run_plan *plan;
    bool shown; /* the journal as it is made */
    uint64_t dice;

    bool numbers, host_faults, happenings;
    bool stubborn; /* the host prints on though it is told to cancel */
    struct fault fault[RUN_FAULTS];
    uint32_t faults;
    char file[RUN_LINES * 128 + 4096];
    size_t file_length;
    struct instant waits_since, leaves; /* who looks after the printer */
    bool cancelled; /* the host was told to end the print with the faults */
    const char *wrong;
    uint32_t wrong_serial;
};

/* False without memory. */
bool run_begin(struct run *run);
void run_end(struct run *run);
/* True if all promises hold; else run->wrong says which does not. Adds to *totals. */
bool run_play(struct run *run, const struct run_plan *plan, struct run_totals *totals);
/* The end of its journal, what it was made of, and what is wrong. */
void run_tell(const struct run *run, unsigned entries, FILE *to);
