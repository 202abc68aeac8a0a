/*
 * What the program does without becoming a daemon: replay.
 */
#pragma once

/*
 * Runs a recorded session through a fresh core and compares every byte that goes out. Prints
 * `replay: N inputs, N bytes to host, N bytes to printer, identical` and returns 0, or the first
 * difference with its context and returns 1; 2 for a file that is no recording of ours.
 */
int batch_replay(const char *path);
