#include <assert.h>

#include "session/printer_session_parts.h"

/* N, a number, a blank, and * with its sum. */
#define NUMBERING_MAX 26

static bool too_long(const struct printer_session *session, struct span command, int64_t number)
{
    return session->longest_line != 0 && command.length + NUMBERING_MAX > session->longest_line &&
           gcode_line_numbered_length(command, number) > session->longest_line;
}

/* The number this line will bear. */
static int64_t number_of(const struct printer_session *session, const struct gcode_line *line)
{
    if (line->numbered && (gcode_line_is(line, 'M', 110) || !session->numbers_known))
        return line->number;
    return session->next_number;
}

bool printer_session_too_long(const struct printer_session *session, const struct gcode_line *line)
{
    return line->numbered && too_long(session, line->command, number_of(session, line));
}

/* Nothing follows it until its ok: it sets the numbers, has none, or opens the file for the rest. */
static bool is_awaited(const struct sent_line *line)
{
    return line->barrier || line->opens_file;
}

/* Does it go when nothing before it is unanswered? */
static bool waits_for_all(const struct printer_session *session, const struct gcode_line *line,
                          bool numbered)
{
    return gcode_line_is(line, 'M', 110) || gcode_line_is(line, 'M', 28) ||
           gcode_line_is(line, 'M', 29) || gcode_line_is(line, 'M', 928) ||
           (numbered && too_long(session, line->command, number_of(session, line)));
}

bool printer_session_can_send(const struct printer_session *session, const struct gcode_line *line,
                              bool numbered)
{
    if (session->resend != RESEND_NONE || session->question != QUESTION_NONE || session->reopened)
        return false;
    if (session->lines.unanswered == 0)
        return true;
    if (is_awaited(sent_lines_newest(&session->lines)) || waits_for_all(session, line, numbered))
        return false;
    if (numbered && !printer_session_counts(session))
        return false; /* an M110 of ours has to go first */
    if ((sent_lines_newest(&session->lines)->number >= 0) != numbered)
        return false;
    return session->lines.unanswered < PRINTER_IN_FLIGHT &&
           sent_lines_can_keep(&session->lines, line->raw.length) &&
           session->lines.unanswered_bytes + line->raw.length <= session->in_flight;
}

/* Appends the bytes of a line and keeps them. */
static void write_line(struct printer_session *session, const struct gcode_line *line,
                       int64_t number, struct tag tag, bool barrier, struct text *ret_bytes,
                       struct instant now)
{
    size_t start = ret_bytes->length;
    /* Below 0 is an M110 only: `N-1 M110*15` is how Pronterface begins. */
    bool as_it_came =
        line->numbered ? line->number == number && line->checksum_right && gcode_line_is_plain(line)
                       : number < 0;

    if (as_it_came) {
        text_add(ret_bytes, line->raw);
    } else if (number < 0) {
        text_add(ret_bytes, line->command);
        text_add_char(ret_bytes, '\n');
    } else {
        gcode_line_number(line->command, number, ret_bytes);
    }
    assert(!ret_bytes->cut);
    if (line->numbered && as_it_came && number < 0)
        number = 0; /* below 0 it would be kept as one that has none */
    printer_session_keep(session, (struct span){ret_bytes->data + start, ret_bytes->length - start},
                         (struct sent_line){.tag = tag,
                                            .number = number,
                                            .barrier = barrier,
                                            .opens_file = gcode_line_is(line, 'M', 28),
                                            .temperature = gcode_line_is(line, 'M', 105)},
                         now);
}

void printer_session_m110(int64_t number, bool bare, struct text *ret_bytes)
{
    char command_bytes[32];
    struct text command = TEXT_IN(command_bytes);

    text_add_string(&command, "M110");
    if (!bare) {
        text_add_string(&command, " N");
        text_add_integer(&command, number);
    }
    gcode_line_number(text_span(&command), number, ret_bytes);
}

/* An M110 of our own, so that `next` is what the printer expects. */
static void write_m110(struct printer_session *session, int64_t next, struct text *ret_bytes,
                       struct instant now)
{
    size_t start = ret_bytes->length;

    printer_session_m110(next - 1, false, ret_bytes);
    printer_session_keep(
        session, (struct span){ret_bytes->data + start, ret_bytes->length - start},
        (struct sent_line){.tag = {0}, .number = next > 0 ? next - 1 : 0, .barrier = true}, now);
    session->numbers_known = true;
    session->next_number = next;
}

bool printer_session_send(struct printer_session *session, const struct gcode_line *line,
                          bool numbered, struct tag tag, struct text *ret_bytes, struct instant now)
{
    int64_t number;

    assert(printer_session_can_send(session, line, numbered));
    if (gcode_line_is(line, 'M', 110)) {
        int64_t sets;
        bool has = gcode_line_m110(line, &sets);

        number = line->numbered ? line->number : -1;
        if (numbered && !line->numbered)
            number = has ? sets : session->next_number;
        write_line(session, line, number, tag, true, ret_bytes, now);
        if (has || number >= 0) {
            session->numbers_known = true;
            session->next_number = (has ? sets : number) + 1;
        }
        return true;
    }
    number = numbered ? number_of(session, line) : -1;
    if (numbered && too_long(session, line->command, number)) {
        write_line(session, line, -1, tag, true, ret_bytes, now);
        return true;
    }
    if (numbered && !(session->numbers_known && number >= 0)) {
        write_m110(session, number < 0 ? 0 : number, ret_bytes, now);
        return false;
    }
    write_line(session, line, number, tag, false, ret_bytes, now);
    if (numbered)
        session->next_number = number + 1;
    return true;
}

bool printer_session_can_overtake(const struct printer_session *session, struct span command)
{
    return sent_lines_can_keep(&session->lines, command.length + 1) &&
           (session->lines.unsent == 0 || session->skips < PRINTER_SKIPS);
}

void printer_session_overtake(struct printer_session *session, struct span command, struct tag tag,
                              struct text *ret_bytes, struct instant now)
{
    size_t start = ret_bytes->length;

    assert(printer_session_can_overtake(session, command));
    if (session->lines.unsent > 0) {
        session->skip_after[session->skips++] =
            (uint8_t)(session->lines.unanswered - session->lines.unsent);
        session->lines.unsent++;
    }
    text_add(ret_bytes, command);
    text_add_char(ret_bytes, '\n');
    printer_session_keep(
        session, (struct span){ret_bytes->data + start, ret_bytes->length - start},
        (struct sent_line){.tag = tag, .number = -1, .overtook = session->lines.unsent > 0}, now);
}
