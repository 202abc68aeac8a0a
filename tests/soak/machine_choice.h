/*
 * What a seed chooses of a machine with a board: its config and its rules, written as files and
 * read as the daemon reads them, so that every word of both languages takes part.
 */
#pragma once

#include "load/load.h"

enum { MACHINE_BUTTON = 2, MACHINE_RUNOUT = 3, MACHINE_RUNOUT_2 = 4, MACHINE_DOOR = 5 };
enum { MACHINE_OPENS = 6, MACHINE_SENSE = 7 }; /* opens the latch; tells whether power is there */
enum {
    MACHINE_LIGHT = 12,
    MACHINE_RELAY = 13,
    MACHINE_FAN = 14,
    MACHINE_HORN = 15,
    MACHINE_LAMP = 16
};

/* How the printer takes what is sent to it when filament runs out. */
enum machine_change {
    CHANGE_IS_MADE, /* M600, and it waits for its user */
    CHANGE_AT_ONCE, /* a macro that is answered at once */
    CHANGE_UNKNOWN, /* it knows no such command */
    CHANGE_PAUSES,  /* nothing is sent: the host is paused */
};

#define MACHINE_CODES 4

struct machine_choice {
    struct loaded loaded;
    char config[2048], rules[8192];
    uint64_t dice;
    bool power, sense;
    bool fan_low; /* it is on at low */
    enum machine_change change;
    unsigned sensors;
    unsigned codes; /* M-codes of its own … */
    char code[MACHINE_CODES][16];
    bool forwards[MACHINE_CODES]; /* what it becomes in the end is the printer's */
};

/* Frees what was chosen before. False if what it wrote has mistakes, which are told on stderr. */
bool machine_choose(struct machine_choice *choice, uint64_t seed);
/* Before the first it is zero; frees the last. */
void machine_choice_free(struct machine_choice *choice);
