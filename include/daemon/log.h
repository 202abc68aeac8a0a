/*
 * What happened, one line each, on stderr; the last LOG_KEPT lines are kept for `sioctl log`.
 *
 * A warning or error says so at its start; under systemd each line begins with `<N>` instead, its
 * syslog level. Control characters in a line (a peer's bytes may be in it) are shown as `?`.
 *
 * Nobody waits for whoever reads stderr: lines that a full pipe, a stopped terminal or a journal
 * that hangs does not take are lost, and counted there as soon as it does. They are kept all the
 * same.
 */
#pragma once

#include "route/settings.h"

#define LOG_KEPT 1000
#define LOG_LINE 320 /* longer lines are cut off */

/* Lines quieter than this level are not written. */
void log_level_set(enum log_level level);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for a mistake in a file, which says itself what it is: `mk3.yaml:2:1: error: …`. */
void log_mistake(enum log_level level, struct span line);
/* From now on what ends us by a fault of ours says so; a handler that is there already stays. */
void log_last_words(void);
/* The kept line number `index`, 0 the oldest; NULL behind the last. Lent until the next line. */
const char *log_kept(unsigned index);
/* How many are kept. */
unsigned log_count(void);
