/*
 * How the world writes its journal; who reads it includes world.h.
 */
#pragma once

#include "sim/world.h"

/* One entry more, cut to WORLD_TEXT; the oldest is forgotten when there are WORLD_JOURNAL. */
void world_note(struct world *world, enum world_kind kind, enum proxy_port port,
                struct span text);
/* The printer began a command, which came with its number or without. */
void world_note_executed(struct world *world, struct span command, bool numbered);
/* Bytes of one direction, kept by lines. */
void world_note_lines(struct world *world, enum world_kind kind, enum proxy_port port,
                      struct span bytes);
/* The same for all that may want to know of them. */
static inline void world_note_bytes(struct world *world, enum world_kind kind, enum proxy_port port,
                                    struct span bytes)
{
    if (world->options.listen != NULL)
        world->options.listen(world->options.watcher, kind, port, bytes);
    if (!world->options.quick)
        world_note_lines(world, kind, port, bytes);
}
