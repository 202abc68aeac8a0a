/*
 * What the program does without becoming a daemon: replay.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Runs a recorded session through a fresh core and compares every byte that goes out. Prints
 * `replay: N inputs, N bytes to host, N bytes to printer, identical` and returns 0, or the first
 * difference with its context and returns 1; 1 also for a recording that is torn, replayed as far as
 * it is whole, and 2 for a file that is no recording of ours. `timeline`: prints what happened
 * meanwhile, too. `until_ms` after its begin it stops; -1: never.
 */
int batch_replay(const char *path, bool timeline, int64_t until_ms);
