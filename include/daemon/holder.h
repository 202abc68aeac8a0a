/*
 * Which other process has a device or file open, for messages: "octoprint (pid 812)".
 *
 * From /proc/locks (everybody may read it) and /proc/PID/fd (only as far as our rights go).
 */
#pragma once

#include <stddef.h>

/* Writes the holder of `path` (links followed), or "another program" if it cannot be seen. */
void holder_find(const char *path, char *ret_holder, size_t capacity);
