/*
 * Where one stands in a print file: its line and its layer.
 *
 * Knows the comments by which PrusaSlicer, Cura, OrcaSlicer, Simplify3D and ideaMaker mark a new
 * layer; the first kind that is seen counts. Moves forward only, and only when it is asked.
 */
#pragma once

#include "base/text.h"

struct print_file {
    struct span bytes;
    size_t at;      /* so far it was looked through: begins a line */
    uint64_t lines; /* before that */
    uint32_t layer; /* 0: none has begun */
    int mark;       /* the kind of mark this file has, -1 none yet */
};

void print_file_init(struct print_file *file, struct span bytes);
/*
 * Goes on to the line that begins at `offset` or behind it; `each` is shown every line on the way,
 * without its end, while `lines` is its number. NULL: nobody.
 */
void print_file_to(struct print_file *file, size_t offset,
                   void (*each)(void *context, struct span line), void *context);
