/*
 * A machine with an emergency stop, a filament sensor, switched power and rules, printing while all
 * of it is used and all wires have faults.
 */
#pragma once

#include "sim/world.h"

/* Its settings and rules; once, before the first is played. */
void machine_begin(void);
void machine_end(void);
/*
 * Plays one. NULL if all promises hold, else which does not: nothing moves while the stop is
 * latched, no numbered line is carried out twice or after a younger one, and when all is well again
 * the stop trips and is reset, outputs are as it wants them, and a print with a runout comes to its
 * end, each line once. Of the world's options the printer is kept, and who watches.
 */
const char *machine_play(struct world *world, uint64_t seed);
