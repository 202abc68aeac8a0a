/*
 * A file sent by Marlin's binary protocol (M28 B1) through the core, over a printer's wire with
 * faults: both ends are played here, as binary_stream.h and its hosts read.
 */
#pragma once

#include "sim/world.h"

/*
 * Plays one, and lines before and behind it. NULL if all promises hold, else which does not: bytes
 * pass as they are, in both directions, behind the end lines are lines again, and the emergency stop
 * in the middle halts and resets the printer. Of the world's options settings, rules and wires are kept.
 */
const char *binary_play(struct world *world, uint64_t seed);
