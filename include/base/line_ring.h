/*
 * A queue of records in a byte ring, each record whole in memory so that it can be lent as a span.
 *
 * Knows nothing of what a record is: host lines, sent lines, the flight recorder. The storage
 * belongs to the owner and is handed in at every call, so that the owner can be copied as a
 * whole: nothing in here points anywhere.
 */
#pragma once

#include "base/text.h"

struct line_ring {
    uint32_t capacity; /* bytes of storage */
    uint32_t head;     /* offset of the oldest record */
    uint32_t tail;     /* offset where the next record goes */
    uint32_t used;     /* bytes taken, headers and skipped ends included */
    uint32_t count;    /* records */
};

void line_ring_init(struct line_ring *ring, uint32_t capacity);
/* Would a record of `length` bytes fit now? */
bool line_ring_fits(const struct line_ring *ring, size_t length);
/* Appends a record. False, and nothing changed, if it does not fit. */
bool line_ring_push(struct line_ring *ring, char *storage, struct span record);
/* The oldest record, lent until it is dropped. False if there is none. */
bool line_ring_front(const struct line_ring *ring, const char *storage, struct span *ret_record);
/* The record after the `index` oldest ones (0 is the front). Walks: for short queues. */
bool line_ring_at(const struct line_ring *ring, const char *storage, uint32_t index,
                  struct span *ret_record);
/* Drops the oldest record; there must be one. */
void line_ring_drop(struct line_ring *ring, const char *storage);
void line_ring_clear(struct line_ring *ring);
