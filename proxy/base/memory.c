#include "base/memory.h"

#include <string.h>

/* A part of a page: what is in use is rarely more than the begin of a struct. */
#define PART 1024

void memory_clear(void *memory, size_t size)
{
    static const char zeros[PART];
    char *at = memory;

    while (size > 0) {
        size_t length = size < PART ? size : PART;

        if (memcmp(at, zeros, length) != 0)
            memset(at, 0, length);
        at += length;
        size -= length;
    }
}
