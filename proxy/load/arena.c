#include "load/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16384

struct arena_block {
    struct arena_block *before;
    size_t size;
    alignas(max_align_t) char bytes[];
};

void *arena_take(struct arena *arena, size_t size)
{
    void *piece;

    size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (arena->last == NULL || arena->last->size - arena->used < size) {
        size_t room = size > BLOCK ? size : BLOCK;
        struct arena_block *block = calloc(1, sizeof(*block) + room);

        if (block == NULL) {
            abort();
        }
        block->before = arena->last;
        block->size = room;
        arena->last = block;
        arena->used = 0;
    }
    piece = arena->last->bytes + arena->used;
    arena->used += size;
    return piece;
}

struct span arena_copy(struct arena *arena, struct span text)
{
    char *copy = arena_take(arena, text.length + 1);

    if (text.length > 0) {
        memcpy(copy, text.data, text.length);
    }
    return (struct span){copy, text.length};
}

void arena_free(struct arena *arena)
{
    while (arena->last != NULL) {
        struct arena_block *before = arena->last->before;

        free(arena->last);
        arena->last = before;
    }
    arena->used = 0;
}
