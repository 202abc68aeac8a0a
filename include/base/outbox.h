/*
 * Bytes to be written to one port: appended whole, taken from the front as the port takes them.
 *
 * Knows what a line end is, because what was half written must be ended before anything urgent
 * follows it, and because what nobody reads is dropped by whole lines. The storage belongs to the
 * owner and is handed in at every call: nothing in here points anywhere.
 */
#pragma once

#include "base/text.h"

struct outbox {
    uint32_t capacity;
    uint32_t length;  /* bytes not yet taken, from the storage's start */
    bool mid_line;    /* the last byte taken was no LF */
    uint64_t taken;   /* bytes taken since init */
    uint64_t dropped; /* bytes dropped because they did not fit */
};

void outbox_init(struct outbox *outbox, uint32_t capacity);
size_t outbox_room(const struct outbox *outbox);
/* Appends all of `bytes`, or nothing and false if they do not fit (counted in `dropped`). */
bool outbox_add(struct outbox *outbox, char *storage, struct span bytes);
/* What is to be written, lent until the next call that is not const. */
struct span outbox_bytes(const struct outbox *outbox, const char *storage);
/* The port has taken the first `count` bytes (at most outbox_bytes().length). */
void outbox_take(struct outbox *outbox, char *storage, size_t count);
/*
 * Drops everything not yet taken, then appends `bytes`, after an LF if a line had been half
 * taken: for what must not wait. `bytes` always fit (asserted).
 */
void outbox_overtake(struct outbox *outbox, char *storage, struct span bytes);
/* Drops everything, as if the port had never been there. */
void outbox_clear(struct outbox *outbox);
