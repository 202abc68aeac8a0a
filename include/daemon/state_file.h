/*
 * The state file: read whole at start, replaced whole and durably when the core asks for it.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"

#define STATE_CAPACITY 4096 /* the core writes a few hundred bytes */

/*
 * What the file holds, fewer than STATE_CAPACITY bytes; 0 if there is none. A negative errno if it
 * is there and cannot be read, or is larger: who goes on then may have forgotten a latch.
 */
ssize_t state_file_read(const char *path, char *ret_text);
/*
 * Temporary file, fsync, rename, fsync of the folder. 0, or a negative errno: the old content stays,
 * but for an error of the last.
 */
int state_file_write(const char *path, struct span text);
