/*
 * Names in the file system that are ours alone while we run: a link, a socket, a state file.
 *
 * Each is guarded by a flock on `.NAME.lock` beside it (hidden, so that OctoPrint does not list it
 * as a port), which dies with us: what stands there without a lock is stale.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct claim {
    int fd; /* of the lock file, -1: not ours */
    char lock[300];
};

/*
 * Makes the folder if it is missing, and takes the lock. False if somebody else has it or it
 * cannot be had: ret_why is a sentence.
 */
bool claim_take(struct claim *claim, const char *path, char *ret_why, size_t capacity);
/* Gives it up; harmless if it was never taken (zeroed or taken in vain). */
void claim_leave(struct claim *claim);
/*
 * Puts a symlink to `target` at `path` in one step. Replaces a link that dangles or points to a
 * pty; false for anything else that stands there.
 */
bool claim_link(const char *path, const char *target, char *ret_why, size_t capacity);
/* Removes the link if it still points to `target`. */
void claim_unlink(const char *path, const char *target);
/* Sets group (if named) and mode. False if that is not possible: ret_why is a sentence. */
bool claim_share(const char *path, const char *group, unsigned mode, char *ret_why,
                 size_t capacity);
