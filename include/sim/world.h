/*
 * Everything at once, in virtual time: the core, a printer, a board and a host, and what joins them.
 *
 * Carries bytes over wires that take their time, carries out the core's orders, jumps from one
 * deadline to the next, and calls proxy_check() after every input: a promise that does not hold ends
 * the run. Any peer may be *played* instead: then whoever runs the world writes and reads its port.
 * All that happened last is in a journal.
 *
 * One struct; the core, the settings and the rules are lent. The same world serves tests, fuzzers
 * and `sioproxy simulate`.
 */
#pragma once

#include <stdio.h>

#include "proxy.h"
#include "sim/sim_board.h"
#include "sim/sim_host.h"
#include "sim/sim_printer.h"
#include "sim/wire_fault.h"

#define WORLD_WIRE    16384 /* bytes on their way; a pty's buffer is 20480, a tty's 4096 */
#define WORLD_JOURNAL 4096
#define WORLD_TEXT    200
#define WORLD_TOLD    40 /* entries shown when a promise is broken */
#define WORLD_COMING  32 /* faults of the ends that have begun and are not over */
#define WORLD_WIRES   (2 * PROXY_PORTS)

/* A wire's index for faults: as the proxy sees it. */
static inline uint8_t world_wire_to(enum proxy_port port)
{
    return (uint8_t)(2 * port);
}
static inline uint8_t world_wire_from(enum proxy_port port)
{
    return (uint8_t)(2 * port + 1);
}

/* One direction of a port. All bytes pass through here one by one: the place for faults. */
struct world_wire {
    int64_t byte_ns; /* a byte takes so long; 0: no time */
    int64_t clock_ns; /* the first byte set out then */
    uint32_t first, count;
    struct instant held; /* what is behind the first `held_at` bytes does not arrive before */
    uint32_t held_at;
    struct wire_fault fault;
    char bytes[WORLD_WIRE];
};

/* What befalls an end of a wire, and when. */
struct world_coming {
    enum fault_kind kind;
    enum proxy_port port;
    bool over; /* the port comes back, the print goes on */
    uint32_t ms; /* if not: so long it takes */
    struct instant at;
};

enum world_kind {
    WORLD_FROM,     /* a line of that port for the proxy */
    WORLD_TO,       /* a line of the proxy for that port */
    WORLD_ORDER,    /* the proxy ordered: its word, its text */
    WORLD_EVENT,    /* the proxy told: "gcode M42 done M42 Plight S1" */
    WORLD_EXECUTED, /* the simulated printer began this command */
    WORLD_NOTE,     /* the world itself: opened, closed, and a broken promise */
};
struct world_entry {
    struct instant at;
    enum world_kind kind;
    enum proxy_port port;
    bool numbered; /* WORLD_EXECUTED: with its number */
    uint16_t length;
    char text[WORLD_TEXT]; /* cut */
};

/* What an output of the board does to the simulated printer. */
enum world_power {
    WORLD_POWER_ALWAYS,   /* nothing: it lives on USB power */
    WORLD_POWER_SWITCHED, /* it has power while the output is on; its port stays */
    WORLD_POWER_PORT,     /* so has its port */
};

struct world_options {
    const struct settings *settings;
    const struct ruleset *rules;
    struct span saved; /* the state file */
    struct sim_printer_manner printer;
    struct sim_board_options board;
    struct sim_host_manner host;
    bool printer_played, board_played, host_played;
    bool programs_last; /* until world_program_ends; else each has done its work at once */
    enum world_power power; /* of the printer: what output `power_io` of the board switches */
    uint8_t power_io;
    bool power_low;         /* on at low */
    bool sensed, sense_low; /* input `sense_io` tells whether there is power: by low, if sense_low */
    uint8_t sense_io;
    uint32_t printer_baud; /* of the wire to the printer; 0: no time */
    /* Shown every entry of the journal as it is made; NULL: nobody. */
    void (*watch)(void *watcher, const struct world_entry *entry);
    /* Shown all bytes that enter (WORLD_FROM) or leave (WORLD_TO) the core; NULL: nobody. */
    void (*listen)(void *watcher, enum world_kind kind, enum proxy_port port, struct span bytes);
    /* Shown every program that is started; NULL: nobody. */
    void (*program)(void *watcher, const struct proxy_program *program);
    /* Shown every event of the core; NULL: nobody. */
    void (*event)(void *watcher, const struct event *event);
    void *watcher;
    bool quick; /* no proxy_check(), and the journal knows neither lines nor events */
};

struct world_port {
    bool played;
    bool plugged; /* it can be opened */
    bool open;    /* by the proxy; the host's: by a host */
    struct world_wire to, from; /* as the proxy sees it */
    char to_line[WORLD_TEXT], from_line[WORLD_TEXT]; /* for the journal, so far */
    uint32_t to_length, from_length;
    uint64_t to_bytes, from_bytes; /* carried in all */
};

struct world {
    struct proxy *proxy;
    struct world_options options;
    struct instant now;
    struct sim_printer printer;
    struct sim_board board;
    struct sim_host host;
    struct world_port port[PROXY_PORTS];
    bool stop;          /* a watcher sets it: nothing more of this step happens for now */
    const char *broken; /* the promise that does not hold, NULL none */
    uint32_t idle_steps; /* without time passing */
    bool power_seen;     /* the output that switches the printer's power */
    char saved[ORDER_TEXT]; /* by the last ORDER_SAVE */
    struct order answer;    /* the last ORDER_ANSWER */
    uint64_t answers, speeds, pulses, discards;
    bool program[PROXY_PROGRAMS]; /* it runs */
    struct world_coming coming[WORLD_COMING];
    uint32_t comings;
    uint64_t befell[FAULT_KINDS]; /* ends: how often each happened */
    struct world_entry journal[WORLD_JOURNAL];
    uint64_t entries; /* ever made */
};

/* `proxy` has proxy_size() bytes. The board is plugged in, the printer up, no host is there. */
void world_init(struct world *world, struct proxy *proxy, const struct world_options *options,
                struct instant now);

/* Goes to the next deadline. False if there is none, or a promise is broken. */
bool world_step(struct world *world);
/* When that is. */
struct instant world_deadline(const struct world *world);
/* Until then, or until a promise is broken: then false. */
bool world_run_until(struct world *world, struct instant until);
bool world_run_ms(struct world *world, int64_t ms);

/* A host opens or closes its port; what it wrote before closing is read. Baud 0: it has none. */
void world_host_opens(struct world *world, uint32_t baud);
void world_host_closes(struct world *world);
/* The same for a guest of the board's share, who is always played. */
void world_guest_opens(struct world *world);
void world_guest_closes(struct world *world);
/* A port vanishes from the machine or comes back (not the printer's or the board's power). */
void world_unplug(struct world *world, enum proxy_port port);
void world_plug(struct world *world, enum proxy_port port);
/*
 * Plans faults for all wires, in the order of `at`, lent; those planned before are forgotten. Bytes
 * are counted from here. World_mended ends what is going on: no fault from now on, all ports back.
 */
void world_plan(struct world *world, const struct fault *faults, uint32_t count, uint64_t seed);
void world_mended(struct world *world);
/* A program that lasts ends; `why` is empty if nothing went wrong. */
void world_program_ends(struct world *world, unsigned number, struct span why);
/* A client of the control socket asks. */
void world_ask(struct world *world, const struct request *request, int32_t client);
/* Let everything happen that a change made from outside (a button, a reset) can cause now. */
void world_settle(struct world *world);

/* A played peer writes; all of it must fit the wire (asserted). */
void world_write(struct world *world, enum proxy_port port, struct span bytes);
/* What has reached a played peer, in one piece, lent until the next call. */
struct span world_written(struct world *world, enum proxy_port port);
void world_read(struct world *world, enum proxy_port port, size_t count);

/* The entry with that index, counted from the first ever made. False if it is forgotten or not made. */
bool world_journal(const struct world *world, uint64_t index, struct world_entry *ret_entry);
/* `1.250  host  > N1 M105` and a line end, as text. */
void world_entry_text(const struct world_entry *entry, struct text *text);
/* The last `count` entries, and the broken promise if there is one. */
void world_tell(const struct world *world, unsigned count, FILE *to);
