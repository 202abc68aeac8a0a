#include "daemon/print_file.h"

#include <string.h>

void print_file_init(struct print_file *file, struct span bytes)
{
    *file = (struct print_file){.bytes = bytes, .mark = -1};
}

/* Which kind of mark of a new layer this comment is, -1 if none. */
static int mark_of(struct span comment)
{
    static const struct {
        struct span word;
        bool number; /* and one follows */
    } marks[] = {
        {SPAN_INIT("LAYER_CHANGE"), false},
        {SPAN_INIT("CHANGE_LAYER"), false},
        {SPAN_INIT("LAYER:"), true},
        {SPAN_INIT("layer "), true},
    };

    comment = span_trim(comment);
    for (int mark = 0; mark < (int)(sizeof marks / sizeof *marks); mark++) {
        struct span rest;

        if (!span_starts_nocase(comment, marks[mark].word))
            continue;
        rest = span_skip(comment, marks[mark].word.length);
        if (!marks[mark].number || (rest.length > 0 && text_is_digit(rest.data[0])))
            return mark;
    }
    return -1;
}

static void see_comment(struct print_file *file, struct span comment)
{
    int mark = mark_of(comment);

    if (mark < 0 || (file->mark >= 0 && file->mark != mark))
        return;
    file->mark = mark;
    file->layer++;
}

void print_file_to(struct print_file *file, size_t offset,
                   void (*each)(void *context, struct span line), void *context)
{
    while (file->at < offset && file->at < file->bytes.length) {
        const char *begin = file->bytes.data + file->at;
        size_t left = file->bytes.length - file->at;
        const char *end = memchr(begin, '\n', left);
        size_t length = end != NULL ? (size_t)(end - begin) : left;

        file->lines++;
        file->at += length + (end != NULL);
        if (*begin == ';')
            see_comment(file, (struct span){begin + 1, length - 1});
        if (each != NULL)
            each(context, (struct span){begin, length});
    }
}
