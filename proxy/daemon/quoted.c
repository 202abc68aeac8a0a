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
