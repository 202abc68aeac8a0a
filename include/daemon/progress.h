/*
 * How far a long task is, on stderr: a bar that stays in one line on a terminal, else a plain line
 * now and then.
 */
#pragma once

#include <stdbool.h>

#include "base/instant.h"

struct progress {
    const char *what;
    bool terminal;
    bool bar; /* is there */
    struct instant due;
};

void progress_begin(struct progress *progress, const char *what, struct instant now);
/* `part` of 1 is done; `words` say more. Shown at most so often that nobody is kept waiting. */
void progress_show(struct progress *progress, double part, const char *words, struct instant now);
/* The bar makes room for a line of text; it comes again by itself. */
void progress_clear(struct progress *progress);
