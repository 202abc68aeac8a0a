/*
 * One line of a host: whatever it is, what is found lies inside it, and numbered anew it is the
 * same command.
 */
#include "fuzz.h"
#include "wire/gcode_line.h"
#include "wire/line_framer.h"

static void check_parameters(const struct gcode_line *line)
{
    for (char letter = 'A'; letter <= 'Z'; letter++) {
        struct span upper, lower;

        if (!gcode_line_parameter(line, letter, &upper)) {
            fuzz_promise(!gcode_line_parameter(line, text_lower(letter), &lower),
                         "letters have no case");
            continue;
        }
        fuzz_promise(fuzz_inside(upper, line->command), "a parameter lies inside its line");
        fuzz_promise(gcode_line_parameter(line, text_lower(letter), &lower) &&
                         lower.data == upper.data && lower.length == upper.length,
                     "letters have no case");
    }
}

static void check_kind(const struct gcode_line *line)
{
    fuzz_promise(fuzz_inside(line->command, line->raw), "a command lies inside its line");
    fuzz_promise(line->has_checksum || !line->checksum_right, "no checksum is not right");
    fuzz_promise(line->numbered || !line->has_checksum, "a checksum needs a number");
    fuzz_promise(line->is_command || (!line->counted && line->code < 0), "no command, no code");
    fuzz_promise(!line->is_command || line->code >= 0, "a command has a code");
    fuzz_promise(!line->blank || (line->command.length == 0 && !line->comment_only),
                 "a blank line has nothing in it");
    fuzz_promise(!line->comment_only || line->command.length == 0, "a comment is no command");
}

/* Its command under another number, as it goes to the printer. */
static void check_numbered(const struct gcode_line *line, int64_t number)
{
    static char bytes[LINE_CAPACITY + 64];
    struct text text = TEXT_IN(bytes);
    struct gcode_line again;

    gcode_line_number(line->command, number, &text);
    fuzz_promise(!text.cut, "a numbered line is not much longer");
    fuzz_promise(text.length == gcode_line_numbered_length(line->command, number) + 1,
                 "its length is known before");
    gcode_line_parse(text_span(&text), &again);
    fuzz_promise(again.numbered && again.number == number, "the number comes back");
    fuzz_promise(again.has_checksum && again.checksum_right, "the checksum is right");
    fuzz_promise(span_equal(again.command, line->command), "the command comes back");
    fuzz_promise(again.letter == line->letter && again.is_command == line->is_command &&
                     again.code == line->code && again.subcode == line->subcode,
                 "it is the same command");
    fuzz_promise(gcode_line_emergency(&again) == gcode_line_emergency(line),
                 "it is no more and no less urgent");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t numbers[] = {0, 1, 99999, -1, GCODE_NUMBER_MAX, -GCODE_NUMBER_MAX};
    struct fuzz fuzz = {data, size};
    struct gcode_line line;
    int64_t sets = 4711;

    while (fuzz.size > 0) {
        struct span raw = fuzz_line(&fuzz, LINE_CAPACITY);

        gcode_line_parse(raw, &line);
        fuzz_promise(span_equal(line.raw, raw), "raw is all that came");
        check_kind(&line);
        check_parameters(&line);
        for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
            check_numbered(&line, numbers[i]);
        fuzz_promise(gcode_line_m110(&line, &sets) || sets == 4711, "untouched on failure");
        sets = 4711;
    }
    return 0;
}
