/* With FUZZ_TRACE in the environment all that enters and leaves the core is shown. */
#pragma once

#include <stdio.h>

#include "base/instant.h"
#include "base/text.h"

static bool traced; /* FUZZ_TRACE is set */

static inline void trace(const char *what, unsigned port, struct span bytes, int64_t number,
                         struct instant at)
{
    static const char *const names[] = {"host", "printer", "board", "guest"};

    if (!traced)
        return;
    fprintf(stderr, "%lld.%06lld %s %s %lld ", (long long)(at.us / 1000000),
            (long long)(at.us % 1000000), what, names[port], (long long)number);
    for (size_t i = 0; i < bytes.length && i < 100; i++)
        fprintf(stderr, bytes.data[i] >= ' ' && bytes.data[i] < 127 ? "%c" : "\\x%02x",
                (unsigned char)bytes.data[i]);
    fputc('\n', stderr);
}
