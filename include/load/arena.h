/*
 * Memory that is taken piece by piece and given back at once.
 *
 * For what load makes: trees, rules, texts. Pieces are zeroed and aligned as malloc does. Without
 * memory the program ends: there is nothing a reader of a few hundred kilobytes could do better.
 */
#pragma once

#include "base/text.h"

struct arena_block;
struct arena {
    struct arena_block *last; /* a zeroed arena is empty */
    size_t used;              /* of the last block */
};

void *arena_take(struct arena *arena, size_t size);
/* A copy with a NUL behind it. */
struct span arena_copy(struct arena *arena, struct span text);
void arena_free(struct arena *arena);
