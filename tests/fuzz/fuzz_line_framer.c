/*
 * The line framer, whole and byte by byte: both give out the same lines, together all that came in.
 */
#include "fuzz.h"
#include "wire/line_framer.h"

static struct line_framer whole, single;

/* The next result of the framer that is fed one byte at a time; *bytes is what it has not seen. */
static enum line_result next_single(struct span *bytes, struct span *ret_line)
{
    while (bytes->length > 0) {
        struct span byte = {bytes->data, 1};
        enum line_result result = line_framer_next(&single, &byte, ret_line);

        fuzz_promise(byte.length == 0, "a byte given is a byte taken");
        *bytes = span_skip(*bytes, 1);
        if (result != LINE_NONE)
            return result;
    }
    return LINE_NONE;
}

static void check_line(enum line_result result, struct span line, struct span before)
{
    fuzz_promise(line.length > 0 && line.length <= LINE_CAPACITY, "a line has a length");
    fuzz_promise(before.length >= line.length && memcmp(line.data, before.data, line.length) == 0,
                 "a line given out is the next bytes that came in");
    fuzz_promise((line.data[line.length - 1] == '\n') == (result != LINE_PART),
                 "a line's end ends it");
    fuzz_promise(span_find(line, '\n') >= line.length - 1, "a line is one line");
    fuzz_promise(fuzz_inside(line_content(line), line), "content lies inside its line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = {(const char *)data, size}, left = bytes, line, same, before = bytes;
    enum line_result result;

    line_framer_init(&whole);
    line_framer_init(&single);
    do {
        result = line_framer_next(&whole, &bytes, &line);
        fuzz_promise(next_single(&left, &same) == result, "byte by byte gives the same result");
        if (result == LINE_NONE)
            break;
        fuzz_promise(span_equal(line, same), "byte by byte gives the same line");
        fuzz_promise(line_framer_length(&whole) == line_framer_length(&single),
                     "byte by byte gives the same length");
        check_line(result, line, before);
        before = span_skip(before, line.length);
    } while (true);
    fuzz_promise(bytes.length == 0 && left.length == 0, "all bytes are used up");
    fuzz_promise(line_framer_pending(&whole) == line_framer_pending(&single) &&
                     whole.length == before.length,
                 "what is kept is what was not given out");
    return 0;
}
