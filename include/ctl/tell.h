/*
 * What sioctl says when it cannot do what it was asked: a sentence on stderr, or with --json an
 * object on stdout that looks like a refusal of the daemon's own.
 */
#pragma once

#include <stdbool.h>

/* From now on as JSON, or not. */
void tell_as_json(bool json);
/* `code` is usage, refused, unknown or no_daemon. */
void tell(const char *code, const char *format, ...) __attribute__((format(printf, 2, 3)));
