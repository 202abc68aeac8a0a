#include "sim/sim_host_line.h"

bool sim_host_word(struct span command, char *ret_letter, int64_t *ret_code)
{
    command = span_trim(command);
    if (command.length < 2 || !text_is_digit(command.data[1]) ||
        text_integer(span_skip(command, 1), ret_code) == 0)
        return false;
    *ret_letter = command.data[0];
    return true;
}

bool sim_host_is(struct span command, char letter, int64_t code)
{
    char its_letter;
    int64_t its_code;

    /* Most lines begin otherwise, and need not be read further. */
    if (command.length > 0 && !text_is_blank(command.data[0]) && command.data[0] != letter)
        return false;
    return sim_host_word(command, &its_letter, &its_code) && its_letter == letter && its_code == code;
}

bool sim_host_counted(char letter)
{
    return letter == 'G' || letter == 'M' || letter == 'T' || letter == 'F';
}

bool sim_host_blank(struct span command)
{
    command = span_trim(command);
    return command.length == 0 || command.data[0] == ';';
}

struct span sim_host_stripped(struct span line)
{
    size_t at = span_find(line, ';');

    while (at < line.length && at > 0 && line.data[at - 1] == '\\')
        at += 1 + span_find(span_skip(line, at + 1), ';');
    line.length = at;
    return span_trim(line);
}

bool sim_host_m110(struct span command, int64_t *ret_number)
{
    size_t at = span_find(command, 'N');

    return at < command.length && text_integer(span_skip(command, at + 1), ret_number) > 0;
}

void sim_host_number(struct span command, int64_t number, struct text *text)
{
    size_t start = text->length;
    uint8_t sum;

    text_add_char(text, 'N');
    text_add_integer(text, number);
    text_add_char(text, ' ');
    text_add(text, command);
    sum = span_xor((struct span){text->data + start, text->length - start});
    text_add_char(text, '*');
    text_add_integer(text, sum);
    text_add_char(text, '\n');
}

static int64_t first_number(struct span text)
{
    int64_t number;

    for (size_t i = 0; i < text.length; i++) {
        if (text_is_digit(text.data[i]) && text_integer(span_skip(text, i), &number) > 0)
            return number;
    }
    return -1;
}

static bool is_harmless(struct span error)
{
    static const char *const words[] = {
        "line number", "linenumber",  "checksum",    "format error",         "expected line",
        "volume.init", "openroot",    "workdir",     "error writing to file", "cannot open",
        "open failed", "cannot enter", "unknown command"};

    if (span_contains_nocase(error, SPAN("kill() called")))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (span_contains_nocase(error, span_of(words[i])))
            return true;
    }
    return false;
}

void sim_host_reply(struct span line, struct sim_host_reply *ret_reply)
{
    struct span stripped = span_trim(line);
    enum sim_host_reply_kind kind = SIM_HOST_TEXT;

    *ret_reply = (struct sim_host_reply){.number = -1};
    if (span_starts(stripped, SPAN("ok"))) {
        kind = SIM_HOST_OK;
    } else if (span_starts(line, SPAN("//"))) {
        struct span rest = span_trim(span_skip(line, 2));

        if (span_starts(rest, SPAN("action:"))) {
            kind = SIM_HOST_ACTION;
            ret_reply->rest = span_trim(span_skip(rest, 7));
        }
    } else if (span_starts_nocase(line, SPAN("error:")) || span_starts(line, SPAN("!!")) ||
               span_starts_nocase(line, SPAN("fatal:"))) {
        kind = is_harmless(line) ? SIM_HOST_ERROR_TOLD : SIM_HOST_ERROR_FATAL;
    } else if (span_starts_nocase(line, SPAN("busy:")) ||
               span_starts_nocase(line, SPAN("echo:busy:"))) {
        kind = SIM_HOST_BUSY;
    } else if (span_starts_nocase(stripped, SPAN("resend")) ||
               span_starts_nocase(stripped, SPAN("rs"))) {
        kind = SIM_HOST_RESEND;
        ret_reply->number = first_number(stripped);
    } else if (span_equal(stripped, SPAN("start"))) {
        kind = SIM_HOST_START;
    } else if (span_contains(stripped, SPAN("FIRMWARE_NAME:"))) {
        kind = SIM_HOST_FIRMWARE;
    }
    ret_reply->kind = kind;
}
