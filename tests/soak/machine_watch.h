/*
 * Looks at a machine while it works, from outside: what the printer carries out, what the host
 * hears, and every pin of the board; and says what must not be.
 */
#pragma once

#include "machine_choice.h"
#include "sim/world.h"

#define MACHINE_SERIALS 8192

struct machine_watch {
    struct world *world;
    const struct machine_choice *choice;
    const char *wrong;
    bool shown;

    /* The file's lines: `G1 X5 Y5 E0.2 F3000`, and `M750 K5` of the machine's own. */
    unsigned given, first; /* of the print that runs */
    unsigned last;         /* carried out with its number … */
    unsigned reached;      /* … or without */
    bool kept; /* its first move waits for filament: what else was on its way goes before it */
    uint8_t done[MACHINE_SERIALS];
    unsigned changes; /* commands for new filament, carried out */

    /* The stop. */
    struct instant tripped; /* NEVER: it is not */
    struct instant heard;   /* the printer, last */
    struct instant pressed; /* NEVER: it is not */
    struct instant plugged; /* the printer's cable, last; NEVER: not yet */

    /* Filament: so often it ran out or counted again, and so often the host was told. */
    unsigned runouts, told;
    bool missing[2];          /* levels of the pins */
    struct instant loaded[2]; /* they are not, since then; NEVER: they never were */

    /* The board. */
    struct instant hurt; /* anything last went wrong with it or its wires */
    uint64_t faults;
    uint32_t pins;         /* so many changes were looked at */
    struct instant horn;   /* it sounds since; NEVER: it does not */
    bool misread;          /* a report said so while it did not */
    struct instant unheld; /* an output is not as the stop wants it since; NEVER: all are */
    struct instant began;  /* a print, or went on */
    const char *print;     /* how it stood when anything last happened */
    struct instant stands; /* … since then */
    struct instant forced; /* power was last to be off whatever runs, or the printer was halted */

    /* The host: what it said and was not answered. */
    uint64_t commands, oks;
    uint64_t trips, codes, powered; /* how often: for the totals */
    bool loose; /* it is not known: a host came or went, or a printer was reset */
    char line[2][WORLD_TEXT];
    uint32_t length[2];
};

void machine_watch_init(struct machine_watch *watch, struct world *world,
                        const struct machine_choice *choice);
/* A move of the file. */
void machine_watch_move(unsigned serial, char *ret_line, size_t size);
/* For the world's options: the watch itself is the watcher. */
void machine_watch_entry(void *watch, const struct world_entry *entry);
void machine_watch_bytes(void *watch, enum world_kind kind, enum proxy_port port,
                         struct span bytes);
/* An input of the board is moved. */
void machine_watch_input(struct machine_watch *watch, uint8_t io, bool high);
/* Every now and then, and whenever anything happened. */
void machine_watch_look(struct machine_watch *watch);
void machine_watch_wrong(struct machine_watch *watch, const char *what);
bool machine_estop_is(const struct machine_watch *watch, const char *word);
