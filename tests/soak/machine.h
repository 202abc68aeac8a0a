/*
 * A machine with an emergency stop, filament sensors, switched power, M-codes and rules of its own,
 * printing while all of it is used and all wires have faults.
 */
#pragma once

#include <stdio.h>

#include "sim/world.h"

void machine_end(void);
/*
 * Plays one. NULL if all promises hold, else which does not. While it runs (machine_watch.h):
 * nothing moves and no output is switched while the stop is latched, and its button held keeps it
 * so; no line is carried out twice or after a younger one; no ok that nothing is owed for; a runout
 * is told once; pulses end; nobody takes the power from a print. And when all is well again the
 * stop trips, holds, and is reset, and a print with M-codes of its own and a runout comes to its
 * end: each line once, an ok for each, one change at most. Of the world's options the printer is
 * kept.
 */
const char *machine_play(struct world *world, uint64_t seed, bool shown);
/* How often what happened to the one that was played last. */
struct machine_counts {
    uint64_t trips, runouts, codes, powered;
};
struct machine_counts machine_counts(void);
/* The config and the rules of the one that was played last. */
void machine_tell(FILE *to);
