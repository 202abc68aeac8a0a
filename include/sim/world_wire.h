/*
 * One direction of a port of the world: bytes set out, take their time, and arrive; faults on the way.
 *
 * Knows bytes only. Who includes world.h has the struct; only the world's own files need this.
 */
#pragma once

#include "sim/world.h"

/* How many bytes may set out now. */
uint32_t world_wire_room(const struct world_wire *wire);
/* Bytes set out; they fit. Stops behind the byte at which something befalls an end of the wire
 * (fault.due is set): returns how many have set out. */
size_t world_wire_carry(struct world_wire *wire, struct span bytes, struct instant now);
/* What has arrived by now, the part of it that is in one piece. */
struct span world_wire_arrived(const struct world_wire *wire, struct instant now);
void world_wire_take(struct world_wire *wire, size_t count);
void world_wire_clear(struct world_wire *wire);
/* When the next byte arrives; what takes no time has arrived already. */
struct instant world_wire_deadline(const struct world_wire *wire, struct instant now);
