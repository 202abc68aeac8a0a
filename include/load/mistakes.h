/*
 * The operator's mistakes: collected while files are read, told as `file:line:column: error: …`.
 *
 * All of them in one run. Knows nothing of YAML or of what is right.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include "load/arena.h"

/* Where something stands. Lines and columns count from 1; line 0: in the file as a whole. */
struct place {
    const char *file; /* as the user wrote it; outlives the mistakes that name it, or is copied */
    unsigned line, column;
};

struct mistake;
struct mistakes {
    struct arena arena;
    struct mistake *first, *last;
    unsigned errors, warnings;
    unsigned untold; /* beyond MISTAKES_MAX */
};
#define MISTAKES_MAX 1000

/* A zeroed struct mistakes is none. The same sentence at the same place is told once. */
void mistakes_error(struct mistakes *mistakes, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mistakes_warning(struct mistakes *mistakes, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A line each, file by file in the order in which files were first named, and by place. */
void mistakes_print(const struct mistakes *mistakes, FILE *to);
void mistakes_free(struct mistakes *mistakes);
