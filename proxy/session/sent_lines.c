#include "session/sent_lines.h"

#include <assert.h>

#include "wire/gcode_line.h"

void sent_lines_init(struct sent_lines *lines)
{
    line_ring_init(&lines->ring, PRINTER_BYTES_KEPT);
    sent_lines_clear(lines);
}

void sent_lines_clear(struct sent_lines *lines)
{
    line_ring_clear(&lines->ring);
    lines->first = 0;
    lines->unanswered = 0;
    lines->unsent = 0;
    lines->unanswered_bytes = 0;
}

static uint32_t slot(const struct sent_lines *lines, uint32_t index)
{
    return (lines->first + index) % PRINTER_LINES_KEPT;
}

bool sent_lines_can_keep(const struct sent_lines *lines, size_t length)
{
    return lines->unanswered < PRINTER_LINES_KEPT - 1 &&
           lines->unanswered_bytes + length <= PRINTER_BYTES_KEPT / 2;
}

void sent_lines_keep(struct sent_lines *lines, struct span bytes, struct sent_line line)
{
    while (lines->ring.count == PRINTER_LINES_KEPT ||
           !line_ring_fits(&lines->ring, bytes.length)) {
        assert(lines->ring.count > lines->unanswered);
        line_ring_drop(&lines->ring, lines->bytes);
        lines->first = slot(lines, 1);
    }
    line.length = (uint16_t)bytes.length;
    lines->line[slot(lines, lines->ring.count)] = line;
    line_ring_push(&lines->ring, lines->bytes, bytes);
    lines->unanswered++;
    lines->unanswered_bytes += (uint32_t)bytes.length;
}

const struct sent_line *sent_lines_newest(const struct sent_lines *lines)
{
    assert(lines->ring.count > 0);
    return &lines->line[slot(lines, lines->ring.count - 1)];
}

struct sent_line *sent_lines_back(struct sent_lines *lines, uint32_t behind)
{
    assert(behind < lines->ring.count);
    return &lines->line[slot(lines, lines->ring.count - 1 - behind)];
}

struct sent_line *sent_lines_unanswered(struct sent_lines *lines, uint32_t index)
{
    assert(index < lines->unanswered);
    return sent_lines_back(lines, lines->unanswered - 1 - index);
}

int64_t sent_lines_unanswered_number(const struct sent_lines *lines)
{
    assert(lines->unanswered > 0);
    return lines->line[slot(lines, lines->ring.count - lines->unanswered)].number;
}

bool sent_lines_has(const struct sent_lines *lines, struct span command)
{
    struct gcode_line line;

    for (uint32_t i = 0; i + lines->unsent < lines->unanswered; i++) {
        gcode_line_parse(sent_lines_bytes(lines, i), &line);
        if (command.length > 0 && line.command.length > 0 &&
            (span_starts(line.command, command) || span_starts(command, line.command)))
            return true;
    }
    return false;
}

struct span sent_lines_bytes(const struct sent_lines *lines, uint32_t index)
{
    struct span bytes = SPAN_NONE;

    assert(index < lines->unanswered);
    line_ring_at(&lines->ring, lines->bytes, lines->ring.count - lines->unanswered + index, &bytes);
    return bytes;
}

void sent_lines_answer(struct sent_lines *lines)
{
    lines->unanswered_bytes -= sent_lines_unanswered(lines, 0)->length;
    lines->unanswered--;
}

void sent_lines_answer_all(struct sent_lines *lines)
{
    lines->unanswered = 0;
    lines->unsent = 0;
    lines->unanswered_bytes = 0;
}

void sent_lines_take_back(struct sent_lines *lines, uint32_t count)
{
    assert(count >= lines->unanswered && count <= lines->ring.count);
    while (lines->unanswered < count) {
        lines->unanswered_bytes += sent_lines_back(lines, lines->unanswered)->length;
        lines->unanswered++;
    }
}

int64_t sent_lines_find(const struct sent_lines *lines, int64_t number)
{
    for (uint32_t behind = 0; behind < lines->ring.count; behind++) {
        if (lines->line[slot(lines, lines->ring.count - 1 - behind)].number == number)
            return behind;
    }
    return -1;
}

bool sent_lines_any_numbered(const struct sent_lines *lines)
{
    for (uint32_t i = lines->ring.count - lines->unanswered; i < lines->ring.count; i++) {
        if (lines->line[slot(lines, i)].number >= 0)
            return true;
    }
    return false;
}

int64_t sent_lines_first_temperature(const struct sent_lines *lines)
{
    for (uint32_t i = 0; i + lines->unsent < lines->unanswered; i++) {
        if (lines->line[slot(lines, lines->ring.count - lines->unanswered + i)].temperature)
            return i;
    }
    return -1;
}

struct tag sent_lines_tag(const struct sent_lines *lines, uint32_t index)
{
    assert(index < lines->unanswered);
    return lines->line[slot(lines, lines->ring.count - lines->unanswered + index)].tag;
}

void sent_lines_disown(struct sent_lines *lines, uint8_t sender, uint8_t nobody)
{
    for (uint32_t i = 0; i < lines->unanswered; i++) {
        struct sent_line *line = sent_lines_unanswered(lines, i);

        if (line->tag.sender == sender)
            line->tag.sender = nobody;
    }
}

bool sent_lines_any_question(const struct sent_lines *lines)
{
    for (uint32_t i = lines->ring.count - lines->unanswered; i < lines->ring.count; i++) {
        if (lines->line[slot(lines, i)].question)
            return true;
    }
    return false;
}

bool sent_lines_only_questions(const struct sent_lines *lines)
{
    for (uint32_t i = lines->ring.count - lines->unanswered; i < lines->ring.count; i++) {
        if (!lines->line[slot(lines, i)].question)
            return false;
    }
    return lines->unanswered > 0;
}

const char *sent_lines_check(const struct sent_lines *lines)
{
    uint32_t bytes = 0;

    if (lines->unanswered > lines->ring.count)
        return "sent_lines: more lines unanswered than kept";
    if (lines->unsent > lines->unanswered)
        return "sent_lines: more lines to go again than unanswered";
    for (uint32_t i = lines->ring.count - lines->unanswered; i < lines->ring.count; i++)
        bytes += lines->line[slot(lines, i)].length;
    if (bytes != lines->unanswered_bytes)
        return "sent_lines: the bytes unanswered are not the sum of the lines";
    return NULL;
}
