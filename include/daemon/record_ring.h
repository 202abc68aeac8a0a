/*
 * The recordings that `record:` in the config asks for: a few files in a folder, the oldest of
 * which make room for the next.
 *
 * Never holds anything back. What happens goes to a buffer; a thread writes it to disk. If the disk
 * is full, slow or gone, what does not fit the buffer is dropped, told once, and a new file begins
 * when the disk takes bytes again. The first file of a run begins with the daemon itself and can be
 * replayed by any version; a later one begins with a picture of the core.
 *
 * The files are NAME-NUMBER-DATE.rec; the number tells their order, whatever the clock does.
 */
#pragma once

#include "daemon/config.h"
#include "proxy.h"

/* The folder's size is divided among so many files. */
#define RECORD_RING_FILES 8

struct service;
struct record_ring;

/*
 * Begins with the core, which was given `saved`; NULL: with a core in mid-run. NULL if the config
 * wants no recordings.
 */
struct record_ring *record_ring_new(struct service *service, const struct span *saved);
/* Everything below: NULL is fine. */
void record_ring_input(struct record_ring *ring, const struct proxy_input *input,
                       struct instant now);
void record_ring_reload(struct record_ring *ring, const struct config *config, struct instant now);
/* The core has come to rest: the place to begin the next file. */
void record_ring_settled(struct record_ring *ring);
/* Is all written that was given to the thread? */
bool record_ring_idle(const struct record_ring *ring);
/*
 * Writes what there is, then frees itself and sets service->ring to NULL; the loop has to run on
 * for that.
 */
void record_ring_end(struct record_ring *ring);
