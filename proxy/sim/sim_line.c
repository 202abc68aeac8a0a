#include "sim/sim_line.h"

#include <string.h>

void sim_line_init(struct sim_line *line)
{
    *line = (struct sim_line){0};
}

struct span sim_line_text(const struct sim_line *line)
{
    uint32_t blanks = 0;

    while (blanks < line->length && line->text[blanks] == ' ')
        blanks++;
    return (struct span){line->text + blanks, line->length - blanks};
}

/* As strtol does: blanks, a sign, digits; 0 if there is no number. Saturates. */
static int64_t read_long(struct span text)
{
    size_t at = 0;
    int64_t value = 0;
    bool negative = false;

    while (at < text.length && text.data[at] == ' ')
        at++;
    if (at < text.length && (text.data[at] == '-' || text.data[at] == '+'))
        negative = text.data[at++] == '-';
    for (; at < text.length && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        if (value < INT32_MAX)
            value = value * 10 + (text.data[at] - '0');
    }
    if (value > INT32_MAX)
        value = INT32_MAX;
    return negative ? -value : value;
}

static bool has(struct span text, const char *word, size_t *ret_at)
{
    size_t length = strlen(word);
    size_t at = 0;

    while (at + length <= text.length) {
        const char *found = memchr(text.data + at, word[0], text.length - at - length + 1);
        if (found == NULL)
            return false;
        at = (size_t)(found - text.data);
        if (memcmp(found, word, length) == 0) {
            *ret_at = at;
            return true;
        }
        at++;
    }
    return false;
}

bool sim_line_is_m29(struct span text)
{
    size_t at;

    return has(text, "M29", &at) &&
           (at + 3 >= text.length || text.data[at + 3] < '0' || text.data[at + 3] > '9');
}

static struct span from(struct span text, size_t at)
{
    return (struct span){text.data + at, text.length - at};
}

/* Number and checksum of a line that begins with N; accepts it by setting last_number. */
static enum sim_line_result check_number(struct sim_line *line, struct span text,
                                         struct sim_line_rules rules)
{
    size_t number_at = 0;
    size_t at;
    bool m110 = has(text, "M110", &at);

    if (m110) {
        const char *second = text.length > 4 ? memchr(text.data + 4, 'N', text.length - 4) : NULL;
        if (second != NULL)
            number_at = (size_t)(second - text.data);
    }
    int64_t number = read_long(from(text, number_at + 1));
    if (number != line->last_number + 1 && !m110) {
        bool doublet = number == line->last_number || number == line->last_number - 1;
        if (doublet && !rules.doublets_refused)
            return SIM_LINE_DOUBLET;
        return SIM_LINE_BAD_NUMBER;
    }
    size_t star = text.length;
    while (star > 0 && text.data[star - 1] != '*')
        star--;
    if (star == 0)
        return SIM_LINE_NO_CHECKSUM;
    if (read_long(from(text, star)) != span_xor((struct span){text.data, star - 1}))
        return SIM_LINE_BAD_SUM;
    if (!m110 && rules.never != '\0' && memchr(text.data, rules.never, text.length) != NULL)
        return SIM_LINE_BAD_SUM;
    line->last_number = number;
    return SIM_LINE_COMMAND;
}

static enum sim_line_result end_line(struct sim_line *line, struct sim_line_rules rules)
{
    line->skipping = false;
    line->escaped = false;
    line->complete = true;
    if (line->length == 0)
        return SIM_LINE_BLANK;
    line->numbered = false;
    if (rules.plain)
        return SIM_LINE_COMMAND;
    struct span text = sim_line_text(line);
    if (text.length > 0 && text.data[0] == 'N') {
        line->numbered = true;
        return check_number(line, text, rules);
    }
    if (rules.numbered_only && !sim_line_is_m29(text))
        return SIM_LINE_NO_CHECKSUM;
    return SIM_LINE_COMMAND;
}

enum sim_line_result sim_line_take(struct sim_line *line, char byte, struct sim_line_rules rules)
{
    if (line->complete) {
        line->complete = false;
        line->length = 0;
    }
    if (byte == '\n' || byte == '\r') {
        if (rules.plain && byte == '\r')
            return SIM_LINE_NONE;
        return end_line(line, rules);
    }
    if (line->skipping)
        return SIM_LINE_NONE;
    uint32_t limit = rules.plain ? SIM_LINE_CAPACITY - 1 : SIM_LINE_MARLIN_LIMIT;
    if (rules.plain) {
        line->text[line->length++] = byte;
        line->skipping = line->length >= limit;
        return SIM_LINE_NONE;
    }
    if (line->escaped) {
        line->escaped = false;
    } else if (byte == '\\') {
        line->escaped = true;
        return SIM_LINE_NONE;
    } else if (byte == ';') {
        line->skipping = true;
        return SIM_LINE_NONE;
    }
    if (byte == 0x08) {
        line->length -= line->length > 0;
    } else {
        line->text[line->length++] = byte;
        line->skipping = line->length >= limit;
    }
    return SIM_LINE_NONE;
}

size_t sim_line_take_plain(struct sim_line *line, struct span bytes, struct sim_line_rules rules)
{
    /* What ends a line, escapes, comments, deletes. */
    static const char special[] = {'\n', '\r', '\\', ';', 0x08};
    size_t room;

    if (line->complete || line->skipping || line->escaped || rules.plain)
        return 0;
    room = SIM_LINE_MARLIN_LIMIT - line->length - 1; /* the last one has consequences */
    if (bytes.length > room)
        bytes.length = room;
    for (size_t i = 0; i < sizeof special; i++)
        bytes.length = span_find(bytes, special[i]);
    if (bytes.length > 0)
        memcpy(line->text + line->length, bytes.data, bytes.length);
    line->length += (uint32_t)bytes.length;
    return bytes.length;
}
