/*
 * For tests that play a world: time that passes without a broken promise, and what was seen on the
 * wires.
 */
#pragma once

#include <stdio.h>

#include "sim/world.h"

/* So much time passes. A promise that does not hold fails the test, with what came before it. */
static inline void world_passes(struct world *world, int64_t ms)
{
    if (!world_run_ms(world, ms)) {
        world_tell(world, WORLD_TOLD, stderr);
        fail_msg("%s", world->broken != NULL ? world->broken : "it stopped");
    }
}

/* How many lines with this in them went that way since that entry of the journal. */
static inline unsigned world_seen(const struct world *world, uint64_t since, enum world_kind kind,
                                  enum proxy_port port, const char *part)
{
    struct world_entry entry;
    unsigned times = 0;

    for (; since < world->entries; since++) {
        if (world_journal(world, since, &entry) && entry.kind == kind && entry.port == port &&
            span_contains((struct span){entry.text, entry.length}, span_of(part)))
            times++;
    }
    return times;
}

/* An input of the board changes. */
static inline void world_input(struct world *world, uint8_t io, bool high)
{
    sim_board_input(&world->board, io, high, world->now);
    world_settle(world);
}
