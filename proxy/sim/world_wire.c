#include "sim/world_wire.h"

#include <assert.h>
#include <string.h>

uint32_t world_wire_room(const struct world_wire *wire)
{
    uint32_t free = WORLD_WIRE - wire->count;
    /* Faults put more on the wire than set out: lines twice, bursts. */
    uint32_t spare = wire->fault.faults == 0 ? 0 : WORLD_WIRE / 2;

    return free > spare ? free - spare : 0;
}

static void put(struct world_wire *wire, char byte)
{
    if (wire->count == WORLD_WIRE)
        return; /* a wire that stalls under a flood loses it */
    wire->bytes[(wire->first + wire->count) % WORLD_WIRE] = byte;
    wire->count++;
}

/* Bytes that nothing befalls: all at once. */
static void put_all(struct world_wire *wire, struct span bytes)
{
    uint32_t at = (wire->first + wire->count) % WORLD_WIRE;
    size_t count = bytes.length < WORLD_WIRE - at ? bytes.length : WORLD_WIRE - at;

    if (bytes.length == 0)
        return;
    memcpy(wire->bytes + at, bytes.data, count);
    if (count < bytes.length)
        memcpy(wire->bytes, bytes.data + count, bytes.length - count);
    wire->count += (uint32_t)bytes.length;
}

/* What comes from now on is held back. */
static void hold(struct world_wire *wire, struct instant now)
{
    struct instant until = instant_after_ms(now, wire->fault.delay_ms);

    wire->fault.delay_ms = 0;
    if (wire->held_at > wire->count || !instant_due(wire->held, until))
        wire->held_at = wire->count;
    wire->held = until;
}

size_t world_wire_carry(struct world_wire *wire, struct span bytes, struct instant now)
{
    char arrive[WIRE_FAULT_BYTES];

    assert(bytes.length <= world_wire_room(wire));
    if (wire->count == 0)
        wire->clock_ns = now.us * 1000;
    if (wire->fault.faults == 0) {
        put_all(wire, bytes);
        return bytes.length;
    }
    for (size_t i = 0; i < bytes.length; i++) {
        size_t count = wire_fault_byte(&wire->fault, bytes.data[i], arrive);

        if (wire->fault.delay_ms > 0)
            hold(wire, now);
        for (size_t j = 0; j < count; j++)
            put(wire, arrive[j]);
        if (wire->fault.due != NULL)
            return i + 1;
    }
    return bytes.length;
}

/* Is there a part of the wire that does not move yet? */
static bool is_held(const struct world_wire *wire, struct instant now)
{
    return wire->held_at < wire->count && wire->held.us > now.us;
}

struct span world_wire_arrived(const struct world_wire *wire, struct instant now)
{
    uint32_t count = is_held(wire, now) ? wire->held_at : wire->count;

    if (wire->byte_ns > 0 && count > 0) {
        int64_t arrived = (now.us * 1000 - wire->clock_ns) / wire->byte_ns;

        if (arrived < count)
            count = arrived > 0 ? (uint32_t)arrived : 0;
    }
    if (count > WORLD_WIRE - wire->first)
        count = WORLD_WIRE - wire->first;
    return (struct span){wire->bytes + wire->first, count};
}

void world_wire_take(struct world_wire *wire, size_t count)
{
    wire->first = (uint32_t)((wire->first + count) % WORLD_WIRE);
    wire->count -= (uint32_t)count;
    wire->held_at -= wire->held_at < count ? wire->held_at : (uint32_t)count;
    wire->clock_ns += (int64_t)count * wire->byte_ns;
}

void world_wire_clear(struct world_wire *wire)
{
    wire->first = 0;
    wire->count = 0;
    wire->held_at = 0;
    wire->held = (struct instant){0};
    wire_fault_cut(&wire->fault);
}

struct instant world_wire_deadline(const struct world_wire *wire, struct instant now)
{
    int64_t ns = wire->clock_ns + wire->byte_ns;

    if (wire->count == 0)
        return INSTANT_NEVER;
    if (is_held(wire, now) && wire->held_at == 0)
        return wire->held;
    /* What has arrived and was not taken waits for room, not for time. */
    if (wire->byte_ns == 0 || ns <= now.us * 1000)
        return INSTANT_NEVER;
    return (struct instant){(ns + 999) / 1000};
}
