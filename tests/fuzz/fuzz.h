/*
 * What every fuzz target is made of: decisions taken from the front of a fuzzer's bytes, and
 * promises that abort when they do not hold.
 *
 * When the bytes are used up every decision is 0 and every span empty, so that any input means
 * something. Knows no target.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* The target: libFuzzer's name for it, called by libFuzzer or by replay_main. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    const uint8_t *data;
    size_t size;
};

static inline uint8_t fuzz_byte(struct fuzz *fuzz)
{
    if (fuzz->size == 0)
        return 0;
    fuzz->size--;
    return *fuzz->data++;
}

static inline unsigned fuzz_word(struct fuzz *fuzz)
{
    unsigned low = fuzz_byte(fuzz);

    return low | (unsigned)fuzz_byte(fuzz) << 8;
}

/* A number below `limit`, which is at most 256. */
static inline unsigned fuzz_below(struct fuzz *fuzz, unsigned limit)
{
    return fuzz_byte(fuzz) % limit;
}

/* At most `most` bytes. */
static inline struct span fuzz_bytes(struct fuzz *fuzz, size_t most)
{
    struct span bytes = {(const char *)fuzz->data, fuzz->size < most ? fuzz->size : most};

    fuzz->data += bytes.length;
    fuzz->size -= bytes.length;
    return bytes;
}

/* A length of one byte, and so many bytes. */
static inline struct span fuzz_span(struct fuzz *fuzz)
{
    size_t length = fuzz_byte(fuzz);

    return fuzz_bytes(fuzz, length);
}

/* Bytes up to the next LF, which is taken and not given. */
static inline struct span fuzz_line(struct fuzz *fuzz, size_t most)
{
    struct span rest = {(const char *)fuzz->data, fuzz->size};
    size_t length = span_find(rest, '\n');
    struct span line = fuzz_bytes(fuzz, length < most ? length : most);

    if (fuzz->size > 0 && *fuzz->data == '\n')
        fuzz_byte(fuzz);
    return line;
}

/* A promise must hold: a fuzzer takes an abort for a finding. */
static inline void fuzz_promise(bool holds, const char *promise)
{
    if (!holds) {
        fprintf(stderr, "broken: %s\n", promise);
        abort();
    }
}

/* What a module's own check says; NULL is well. */
static inline void fuzz_check(const char *broken)
{
    fuzz_promise(broken == NULL, broken);
}

/* Does `part` lie inside `whole`? Empty spans lie anywhere. */
static inline bool fuzz_inside(struct span part, struct span whole)
{
    return part.length == 0 ||
           (part.data >= whole.data && part.data + part.length <= whole.data + whole.length);
}
