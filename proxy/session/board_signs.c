#include "session/board_signs.h"

bool board_sign_banner(const struct board_message *message)
{
    static const struct span names[] = {
        SPAN_INIT("SIO_"),
        SPAN_INIT("NanoSerialIO "),
        SPAN_INIT("CanaduinoPLCSerialIO "),
    };
    struct span text = span_trim(message->argument);

    for (size_t i = 0; message->kind == BOARD_DEBUG && i < sizeof(names) / sizeof(names[0]); i++) {
        if (span_starts(text, names[i])) {
            return true;
        }
    }
    return false;
}

bool board_sign_printer(struct span line)
{
    static const struct span starts[] = {
        SPAN_INIT("ok "),
        SPAN_INIT("echo:"),
        SPAN_INIT("Error:"),
        SPAN_INIT("busy:"),
        SPAN_INIT("FIRMWARE_NAME:"),
        SPAN_INIT("Resend:"),
        SPAN_INIT("// "),
        SPAN_INIT("!! "),
    };

    line = span_trim(line);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (span_starts(line, starts[i])) {
            return true;
        }
    }
    /* `IT:2,2,…` without its I is no temperature. */
    if (span_starts(line, SPAN("T:")) && span_contains(line, SPAN(" /"))) {
        return true;
    }
    return span_equal(line, SPAN("ok")) || span_equal(line, SPAN("start")) ||
           span_equal(line, SPAN("wait"));
}

bool board_sign_board(struct span line)
{
    static const struct span starts[] = {
        SPAN_INIT("CP:SIOPlugin"),
        SPAN_INIT("DG:SIO_"),
        SPAN_INIT("DG:NanoSerialIO "),
        SPAN_INIT("DG:CanaduinoPLCSerialIO "),
        SPAN_INIT("DG:ERR: bad cmnd["), /* to M105: one that did not boot when it was opened */
        SPAN_INIT("DG:ERR: Unrecognized command["),
        SPAN_INIT("DG:ERROR: Unrecognized command["),
        SPAN_INIT("Looks like OctoPrint thinks I am a printer"), /* to a numbered line, to M115 */
        SPAN_INIT("Recieved a command that looks like OctoPrint thinks I am a printer"),
    };

    line = span_trim(line);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (span_starts(line, starts[i])) {
            return true;
        }
    }
    return false;
}

bool board_sign_refusal(struct span debug, struct span *ret_word)
{
    struct span word = span_skip(debug, span_find(debug, '[') + 1);

    if (!span_contains(debug, SPAN("bad cmnd[")) &&
        !span_contains(debug, SPAN("Unrecognized command["))) {
        return false;
    }
    word.length = span_find(word, ']');
    *ret_word = span_trim(word);
    return true;
}

struct board_constants board_sign_constants(struct span argument)
{
    static const struct span names[BOARD_OUTPUT_TYPES] = {
        SPAN_INIT("OUTPUT"),
        SPAN_INIT("OUTPUT_OPEN_DRAIN"),
        SPAN_INIT("OUTPUT_PWM"),
    };
    struct board_constants constants = {0};

    for (unsigned i = 0; i < BOARD_OUTPUT_TYPES; i++) {
        int64_t value = 0;

        if (board_message_constant(argument, names[i], &value) && value >= INT16_MIN &&
            value <= INT16_MAX) {
            constants.output[constants.count++] = (int16_t)value;
        }
    }
    return constants;
}

uint64_t board_sign_outputs(const struct board_constants *constants,
                            const struct board_message *types)
{
    uint64_t outputs = 0;

    for (unsigned io = 0; io < types->count; io++) {
        for (unsigned i = 0; i < constants->count; i++) {
            if (types->type[io] == constants->output[i]) {
                outputs |= UINT64_C(1) << io;
            }
        }
    }
    return outputs;
}
