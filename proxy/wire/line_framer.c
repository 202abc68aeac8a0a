#include "wire/line_framer.h"

#include <string.h>

void line_framer_init(struct line_framer *framer)
{
    framer->length = 0;
    framer->overlong = false;
    framer->line_length = 0;
}

/* Gives out what is kept; it stays where it is until the next call writes over it. */
static enum line_result give(struct line_framer *framer, enum line_result result,
                             struct span *ret_line)
{
    *ret_line = (struct span){framer->line, framer->length};
    framer->length = 0;
    framer->overlong = result == LINE_PART;
    return result;
}

enum line_result line_framer_next(struct line_framer *framer, struct span *bytes,
                                  struct span *ret_line)
{
    struct span part = *bytes;
    size_t room = LINE_CAPACITY - framer->length, end;
    bool ended;

    if (part.length == 0) {
        return LINE_NONE;
    }
    if (!line_framer_pending(framer)) {
        framer->line_length = 0;
    }
    if (part.length > room) {
        part.length = room;
    }
    end = span_find(part, '\n');
    ended = end < part.length;
    if (ended) {
        part.length = end + 1;
    }
    memcpy(framer->line + framer->length, part.data, part.length);
    framer->length += (uint32_t)part.length;
    framer->line_length += part.length;
    *bytes = span_skip(*bytes, part.length);

    if (ended) {
        return give(framer, framer->overlong ? LINE_REST : LINE_COMPLETE, ret_line);
    }
    return framer->length == LINE_CAPACITY ? give(framer, LINE_PART, ret_line) : LINE_NONE;
}

uint64_t line_framer_length(const struct line_framer *framer)
{
    return framer->line_length;
}

bool line_framer_pending(const struct line_framer *framer)
{
    return framer->length > 0 || framer->overlong;
}

void line_framer_reset(struct line_framer *framer)
{
    line_framer_init(framer);
}

struct span line_content(struct span line)
{
    if (line.length > 0 && line.data[line.length - 1] == '\n') {
        line.length--;
        if (line.length > 0 && line.data[line.length - 1] == '\r') {
            line.length--;
        }
    }
    return line;
}
