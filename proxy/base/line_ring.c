#include "base/line_ring.h"

#include <assert.h>
#include <string.h>

/* Each record stands behind its length. */
#define HEADER ((uint32_t)sizeof(uint32_t))

/* In a length's place: the record did not fit up to the storage's end and begins at 0. */
#define SKIP UINT32_MAX

static uint32_t length_at(const char *storage, uint32_t offset)
{
    uint32_t length;

    memcpy(&length, storage + offset, HEADER);
    return length;
}

static void set_length_at(char *storage, uint32_t offset, uint32_t length)
{
    memcpy(storage + offset, &length, HEADER);
}

/* Where the record after the one at `offset` stands; there must be one. */
static uint32_t next_after(const struct line_ring *ring, const char *storage, uint32_t offset)
{
    uint32_t next = offset + HEADER + length_at(storage, offset);

    assert(next <= ring->capacity);
    if (ring->capacity - next < HEADER || length_at(storage, next) == SKIP) {
        return 0;
    }
    return next;
}

static struct span record_at(const char *storage, uint32_t offset)
{
    return (struct span){storage + offset + HEADER, length_at(storage, offset)};
}

/*
 * Bytes that a record would take, those of a skipped end included. 0 if it does not fit, which no
 * record takes.
 */
static uint32_t bytes_for(const struct line_ring *ring, size_t length)
{
    uint32_t behind, need;

    if (ring->capacity < HEADER || length > ring->capacity - HEADER) {
        return 0;
    }
    need = HEADER + (uint32_t)length;
    if (ring->capacity - ring->used < need) {
        return 0;
    }
    if (ring->tail < ring->head) {
        return need; /* all that is free is in one piece */
    }
    behind = ring->capacity - ring->tail;
    if (behind >= need) {
        return need;
    }
    return ring->head >= need ? behind + need : 0;
}

void line_ring_init(struct line_ring *ring, uint32_t capacity)
{
    *ring = (struct line_ring){.capacity = capacity};
}

bool line_ring_fits(const struct line_ring *ring, size_t length)
{
    return bytes_for(ring, length) != 0;
}

bool line_ring_push(struct line_ring *ring, char *storage, struct span record)
{
    uint32_t need = HEADER + (uint32_t)record.length;
    uint32_t taken = bytes_for(ring, record.length);
    uint32_t behind = ring->capacity - ring->tail;

    if (taken == 0) {
        return false;
    }
    if (behind < need) {
        if (behind >= HEADER) {
            set_length_at(storage, ring->tail, SKIP);
        }
        ring->tail = 0;
    }
    set_length_at(storage, ring->tail, (uint32_t)record.length);
    if (record.length > 0) {
        memcpy(storage + ring->tail + HEADER, record.data, record.length);
    }
    ring->tail += need;
    ring->used += taken;
    ring->count++;
    return true;
}

bool line_ring_front(const struct line_ring *ring, const char *storage, struct span *ret_record)
{
    if (ring->count == 0) {
        return false;
    }
    *ret_record = record_at(storage, ring->head);
    return true;
}

bool line_ring_at(const struct line_ring *ring, const char *storage, uint32_t index,
                  struct span *ret_record)
{
    uint32_t offset = ring->head;

    if (index >= ring->count) {
        return false;
    }
    for (; index > 0; index--) {
        offset = next_after(ring, storage, offset);
    }
    *ret_record = record_at(storage, offset);
    return true;
}

void line_ring_drop(struct line_ring *ring, const char *storage)
{
    uint32_t end, next;

    assert(ring->count > 0);
    if (ring->count == 1) {
        line_ring_clear(ring);
        return;
    }
    end = ring->head + HEADER + length_at(storage, ring->head);
    next = next_after(ring, storage, ring->head);
    ring->used -= next == 0 ? ring->capacity - ring->head : end - ring->head;
    ring->head = next;
    ring->count--;
}

void line_ring_clear(struct line_ring *ring)
{
    line_ring_init(ring, ring->capacity);
}
