/*
 * What the thread behind record_ring.h does: bytes into the present file, the next file, and the
 * oldest files away.
 *
 * One job at a time; the job is the thread's alone while it runs. Blocks as long as the disk does.
 */
#pragma once

#include "base/text.h"

#define RECORD_DISK_PATH 512

struct record_job {
    char folder[256], name[64];
    uint64_t size; /* of all files together, at most */
    uint64_t file; /* of the next one, at most */

    struct span bytes; /* for the present file, if there is one */
    bool ends;         /* and this is its end */
    struct span head;  /* a new file begins with this; empty: none */
    struct span state; /* then the picture of this; empty: none */

    int fd; /* the present file, -1 none */
    char path[RECORD_DISK_PATH];
    int error; /* out: 0 or an errno; the present file is closed then */
};

void record_disk_do(struct record_job *job);
