#include <string.h>

#include "sim/world.h"
#include "sim/world_wire.h"

void world_write(struct world *world, enum proxy_port port, struct span bytes)
{
    world_wire_carry(&world->port[port].from, bytes, world->now);
    world_settle(world);
}

struct span world_written(struct world *world, enum proxy_port port)
{
    struct world_wire *wire = &world->port[port].to;
    char all[WORLD_WIRE];

    /* A ring that wraps is turned until it does not. */
    if (wire->first + wire->count > WORLD_WIRE) {
        for (uint32_t i = 0; i < wire->count; i++)
            all[i] = wire->bytes[(wire->first + i) % WORLD_WIRE];
        memcpy(wire->bytes, all, wire->count);
        wire->first = 0;
    }
    return world_wire_arrived(wire, world->now);
}

void world_read(struct world *world, enum proxy_port port, size_t count)
{
    world_wire_take(&world->port[port].to, count);
    world_settle(world);
}
