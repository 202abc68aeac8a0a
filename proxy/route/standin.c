#include "route/standin.h"

struct row {
    char letter;
    int16_t code;
    enum standin_answer answer;
    const char *text;
};

/* Sorted by letter and code. */
static const struct row rows[] = {
    {'G', 0, STANDIN_REFUSED, NULL},
    {'G', 1, STANDIN_REFUSED, NULL},
    {'G', 2, STANDIN_REFUSED, NULL},
    {'G', 3, STANDIN_REFUSED, NULL},
    {'G', 5, STANDIN_REFUSED, NULL},
    {'G', 10, STANDIN_REFUSED, NULL},
    {'G', 11, STANDIN_REFUSED, NULL},
    {'G', 28, STANDIN_REFUSED, NULL},
    {'G', 29, STANDIN_REFUSED, NULL},
    {'G', 30, STANDIN_REFUSED, NULL},
    {'G', 32, STANDIN_REFUSED, NULL},
    {'G', 33, STANDIN_REFUSED, NULL},
    {'G', 34, STANDIN_REFUSED, NULL},
    {'M', 20, STANDIN_OK, "Begin file list\nEnd file list\nok\n"},
    {'M', 21, STANDIN_OK, "echo:No SD card\nok\n"},
    {'M', 23, STANDIN_REFUSED, NULL},
    {'M', 24, STANDIN_REFUSED, NULL},
    {'M', 27, STANDIN_OK, "Not SD printing\nok\n"},
    {'M', 28, STANDIN_REFUSED, NULL},
    {'M', 104, STANDIN_REFUSED, NULL},
    {'M', 105, STANDIN_OK, "ok T:0.00 /0.00 B:0.00 /0.00 @:0 B@:0\n"},
    {'M', 109, STANDIN_REFUSED, NULL},
    {'M', 114, STANDIN_OK, "X:0.00 Y:0.00 Z:0.00 E:0.00 Count X:0 Y:0 Z:0\nok\n"},
    {'M', 140, STANDIN_REFUSED, NULL},
    {'M', 141, STANDIN_REFUSED, NULL},
    {'M', 190, STANDIN_REFUSED, NULL},
    {'M', 191, STANDIN_REFUSED, NULL},
    {'M', 303, STANDIN_REFUSED, NULL},
    {'M', 400, STANDIN_LATER, NULL},
    {'M', 600, STANDIN_REFUSED, NULL},
    {'M', 701, STANDIN_REFUSED, NULL},
    {'M', 702, STANDIN_REFUSED, NULL},
};

bool standin_cold(const struct gcode_line *line)
{
    struct span value;
    int64_t target;

    return (gcode_line_is(line, 'M', 104) || gcode_line_is(line, 'M', 140) ||
            gcode_line_is(line, 'M', 141)) &&
           gcode_line_parameter(line, 'S', &value) && text_decimal(value, &target) > 0 &&
           target == 0;
}

enum standin_answer standin_answer(const struct gcode_line *line, struct span *ret_text)
{
    *ret_text = SPAN("ok\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!gcode_line_is(line, rows[i].letter, rows[i].code))
            continue;
        if (standin_cold(line))
            return STANDIN_OK;
        if (rows[i].answer == STANDIN_OK)
            *ret_text = span_of(rows[i].text);
        return rows[i].answer;
    }
    return STANDIN_OK;
}
