#include "daemon/quoted.h"

#define LONGEST 4 /* of a byte: \x00 */
#define END     5 /* quote, … and a NUL of the caller's */

static void add_byte(struct text *text, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";

    if (byte == '\n') {
        text_add_string(text, "\\n");
    } else if (byte == '\r') {
        text_add_string(text, "\\r");
    } else if (byte == '"' || byte == '\\') {
        text_add_char(text, '\\');
        text_add_char(text, (char)byte);
    } else if (byte < ' ' || byte > 126) {
        text_add_string(text, "\\x");
        text_add_char(text, digits[byte >> 4]);
        text_add_char(text, digits[byte & 15]);
    } else {
        text_add_char(text, (char)byte);
    }
}

void quoted_add(struct text *text, struct span bytes, size_t shown)
{
    size_t i = 0;

    text_add_char(text, '"');
    while (i < bytes.length && i < shown && text->length + LONGEST + END <= text->capacity)
        add_byte(text, (unsigned char)bytes.data[i++]);
    text_add_string(text, i < bytes.length ? "\"…" : "\"");
}

/* How many bytes the character at the begin of `text` has in UTF-8, 0 if it is none. */
static size_t character(struct span text)
{
    unsigned char first = (unsigned char)text.data[0];
    size_t length = first < 0x80   ? 1
                    : first < 0xc2 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                    : first < 0xf5 ? 4
                                   : 0;

    if (length > text.length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text.data[i] & 0xc0) != 0x80)
            return 0;
    }
    /* too long a form, a surrogate, or behind the last */
    if ((first == 0xe0 && (unsigned char)text.data[1] < 0xa0) ||
        (first == 0xed && (unsigned char)text.data[1] > 0x9f) ||
        (first == 0xf0 && (unsigned char)text.data[1] < 0x90) ||
        (first == 0xf4 && (unsigned char)text.data[1] > 0x8f))
        return 0;
    return length;
}

void quoted_json(FILE *to, const char *text)
{
    fputc('"', to);
    for (struct span rest = span_of(text); rest.length > 0;) {
        size_t length = character(rest);
        unsigned char byte = (unsigned char)rest.data[0];

        if (length == 0)
            fputs("\\ufffd", to);
        else if (byte < 32 || byte == 127)
            fprintf(to, "\\u%04x", byte);
        else if (byte == '"' || byte == '\\')
            fprintf(to, "\\%c", byte);
        else
            fwrite(rest.data, 1, length, to);
        rest = span_skip(rest, length > 0 ? length : 1);
    }
    fputc('"', to);
}
