#include "session/printer_session.h"

#include <assert.h>
#include <string.h>

/* Marlin cuts longer lines, and with them their checksum. */
#define LONGEST_LINE_DEFAULT GCODE_NUMBERED_MAX

void printer_session_init(struct printer_session *session, unsigned in_flight)
{
    memset(session, 0, sizeof *session);
    line_ring_init(&session->ring, PRINTER_BYTES_KEPT);
    session->in_flight = in_flight;
    session->longest_line = LONGEST_LINE_DEFAULT;
    session->resend_deadline = INSTANT_NEVER;
    session->resend_number = -1;
    session->given_up = -1;
    session->question_deadline = INSTANT_NEVER;
    session->upload_question = -1;
}

/* The only writer of the question's state. */
static void ask(struct printer_session *session, enum question_state state, struct instant now)
{
    session->question = state;
    switch (state) {
    case QUESTION_NONE:
        session->upload_question = -1;
        session->question_deadline =
            session->unanswered > 0 ? instant_after_ms(now, OK_OVERDUE_MS) : INSTANT_NEVER;
        break;
    case QUESTION_DUE: session->question_deadline = INSTANT_NEVER; break;
    case QUESTION_ALONE:
        session->question_deadline = instant_after_ms(now, OK_OVERDUE_MS);
        break;
    case QUESTION_OPEN:
        session->question_deadline = instant_after_ms(now, QUESTION_OVERDUE_MS);
        break;
    }
}

static void enter(struct printer_session *session, enum resend_state state, struct instant now)
{
    session->resend = state;
    switch (state) {
    case RESEND_NONE:
    case RESEND_AGAIN:
        session->resend_deadline = INSTANT_NEVER;
        session->may_go = true;
        break;
    case RESEND_HEARD: session->resend_deadline = instant_after_ms(now, RESEND_OK_MS); break;
    }
}

void printer_session_forget(struct printer_session *session)
{
    line_ring_clear(&session->ring);
    session->first = 0;
    session->unanswered = 0;
    session->unsent = 0;
    session->skips = 0;
    session->unanswered_bytes = 0;
    session->numbers_known = false;
    session->resend_number = -1;
    session->resend_times = 0;
    session->given_up = -1;
    session->suspect = false;
    session->uploading = false;
    enter(session, RESEND_NONE, INSTANT_NEVER);
    ask(session, QUESTION_NONE, INSTANT_NEVER);
}

void printer_session_reopened(struct printer_session *session, struct instant now)
{
    if (session->resend == RESEND_HEARD)
        enter(session, session->unsent > 0 ? RESEND_AGAIN : RESEND_NONE, now);
    ask(session, QUESTION_NONE, now);
    if (session->unanswered > 0)
        session->question_deadline = instant_after_ms(now, REOPENED_MS);
}

void printer_session_uploading(struct printer_session *session, bool uploading)
{
    session->uploading = uploading;
}

void printer_session_longest_line(struct printer_session *session, unsigned bytes)
{
    session->longest_line = bytes;
}

void printer_session_answers_blank(struct printer_session *session, bool answers)
{
    session->answers_blank = answers;
}

/* The sent line with that index, 0 the oldest kept. */
static struct sent_line *sent_at(struct printer_session *session, uint32_t index)
{
    return &session->sent[(session->first + index) % PRINTER_LINES_KEPT];
}

static const struct sent_line *newest(const struct printer_session *session)
{
    return &session->sent[(session->first + session->ring.count - 1) % PRINTER_LINES_KEPT];
}

static bool too_long(const struct printer_session *session, struct span command, int64_t number)
{
    return session->longest_line != 0 &&
           gcode_line_numbered_length(command, number) > session->longest_line;
}

/* The number this line will bear. */
static int64_t number_of(const struct printer_session *session, const struct gcode_line *line)
{
    if (line->numbered && (gcode_line_is(line, 'M', 110) || !session->numbers_known))
        return line->number;
    return session->next_number;
}

/* Does it go alone, nothing before it unanswered and nothing behind it until its ok? */
static bool goes_alone(const struct printer_session *session, const struct gcode_line *line,
                       bool numbered)
{
    return gcode_line_is(line, 'M', 110) ||
           (numbered && too_long(session, line->command, number_of(session, line)));
}

/*
 * Can one more line of `length` bytes be kept? A place is left for the question; half of the bytes
 * are enough for it and for what the ring's end wastes.
 */
static bool can_keep(const struct printer_session *session, size_t length)
{
    return session->unanswered < PRINTER_LINES_KEPT - 1 &&
           session->unanswered_bytes + length <= PRINTER_BYTES_KEPT / 2;
}

bool printer_session_can_send(const struct printer_session *session, const struct gcode_line *line,
                              bool numbered)
{
    if (session->resend != RESEND_NONE || session->question != QUESTION_NONE)
        return false;
    if (session->unanswered == 0)
        return true;
    if (newest(session)->barrier || goes_alone(session, line, numbered))
        return false;
    if (numbered && !session->numbers_known)
        return false; /* an M110 of ours has to go first */
    if ((newest(session)->number >= 0) != numbered)
        return false;
    return session->unanswered < PRINTER_IN_FLIGHT && can_keep(session, line->raw.length) &&
           session->unanswered_bytes + line->raw.length <= session->in_flight;
}

/* Keeps a line that is being sent, dropping the oldest answered ones to make room. */
static void keep(struct printer_session *session, struct span bytes, struct sent_line line,
                 struct instant now)
{
    while (session->ring.count == PRINTER_LINES_KEPT ||
           !line_ring_fits(&session->ring, bytes.length)) {
        assert(session->ring.count > session->unanswered);
        line_ring_drop(&session->ring, session->bytes);
        session->first = (session->first + 1) % PRINTER_LINES_KEPT;
    }
    line.length = (uint16_t)bytes.length;
    *sent_at(session, session->ring.count) = line;
    line_ring_push(&session->ring, session->bytes, bytes);
    session->unanswered++;
    session->unanswered_bytes += (uint32_t)bytes.length;
    if (session->unanswered == 1 && session->question == QUESTION_NONE)
        ask(session, QUESTION_NONE, now);
}

/* Appends the bytes of a line and keeps them. */
static void write_line(struct printer_session *session, const struct gcode_line *line,
                       int64_t number, struct tag tag, bool barrier, struct text *ret_bytes,
                       struct instant now)
{
    size_t start = ret_bytes->length;
    /* Below 0 is an M110 only: `N-1 M110*15` is how Pronterface begins. */
    bool as_it_came = line->numbered ? line->number == number && line->checksum_right : number < 0;

    if (as_it_came) {
        text_add(ret_bytes, line->raw);
    } else if (number < 0) {
        text_add(ret_bytes, line->command);
        text_add_char(ret_bytes, '\n');
    } else {
        gcode_line_number(line->command, number, ret_bytes);
    }
    assert(!ret_bytes->cut);
    keep(session, (struct span){ret_bytes->data + start, ret_bytes->length - start},
         (struct sent_line){.tag = tag,
                            .number = number,
                            .barrier = barrier,
                            .temperature = gcode_line_is(line, 'M', 105)},
         now);
}

/* An M110 of our own, so that `next` is what the printer expects. */
static void write_m110(struct printer_session *session, int64_t next, struct text *ret_bytes,
                       struct instant now)
{
    char command_bytes[32];
    struct text command = TEXT_IN(command_bytes);
    size_t start = ret_bytes->length;

    text_add_string(&command, "M110 N");
    text_add_integer(&command, next - 1);
    gcode_line_number(text_span(&command), next - 1, ret_bytes);
    keep(session, (struct span){ret_bytes->data + start, ret_bytes->length - start},
         (struct sent_line){.tag = {0}, .number = next - 1, .barrier = true}, now);
    session->numbers_known = true;
    session->next_number = next;
}

bool printer_session_send(struct printer_session *session, const struct gcode_line *line,
                          bool numbered, struct tag tag, struct text *ret_bytes,
                          struct instant now)
{
    int64_t number;

    assert(printer_session_can_send(session, line, numbered));
    if (gcode_line_is(line, 'M', 110)) {
        int64_t sets;
        bool has = gcode_line_m110(line, &sets);

        number = line->numbered ? line->number : -1;
        if (numbered && number < 0)
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
    if (numbered && !session->numbers_known) {
        write_m110(session, number, ret_bytes, now);
        return false;
    }
    write_line(session, line, number, tag, false, ret_bytes, now);
    if (numbered)
        session->next_number = number + 1;
    return true;
}

bool printer_session_can_overtake(const struct printer_session *session, struct span command)
{
    return can_keep(session, command.length + 1) &&
           (session->unsent == 0 || session->skips < PRINTER_SKIPS);
}

void printer_session_overtake(struct printer_session *session, struct span command, struct tag tag,
                              struct text *ret_bytes, struct instant now)
{
    size_t start = ret_bytes->length;

    assert(printer_session_can_overtake(session, command));
    if (session->unsent > 0) {
        session->skip_after[session->skips++] = (uint8_t)(session->unanswered - session->unsent);
        session->unsent++;
    }
    text_add(ret_bytes, command);
    text_add_char(ret_bytes, '\n');
    keep(session, (struct span){ret_bytes->data + start, ret_bytes->length - start},
         (struct sent_line){.tag = tag, .number = -1, .barrier = false}, now);
}

/* Is something unanswered, and nothing but questions of ours? */
static bool only_questions(struct printer_session *session)
{
    for (uint32_t i = 0; i < session->unanswered; i++) {
        if (!sent_at(session, session->ring.count - 1 - i)->question)
            return false;
    }
    return session->unanswered > 0;
}

/* The oldest unanswered line is over. */
static void answered(struct printer_session *session, struct printer_answer *ret_answer,
                     struct instant now)
{
    struct sent_line *line = sent_at(session, session->ring.count - session->unanswered);

    *ret_answer = (struct printer_answer){line->tag, line->number};
    session->unanswered--;
    session->unanswered_bytes -= line->length;
    if (line->number >= 0 && line->number >= session->resend_number)
        session->resend_number = -1;
    if (session->resend == RESEND_AGAIN && session->unanswered == 0)
        enter(session, RESEND_NONE, now);
    session->suspect = false;
    session->given_up = -1;
    session->may_go = true;
    for (unsigned i = 0; i < session->skips; i++) {
        if (session->skip_after[i] > 0)
            session->skip_after[i]--;
    }
    /* An answer is no silence; and the question is answered with its own ok only. */
    if (only_questions(session))
        ask(session, QUESTION_ALONE, now);
    else if (line->question || session->question == QUESTION_NONE)
        ask(session, QUESTION_NONE, now);
}

/* The questions that are left were answered already, in the name of lines whose oks were lost. */
static void give_up_questions(struct printer_session *session, struct instant now)
{
    session->given_up = sent_at(session, session->ring.count - session->unanswered)->number;
    session->unanswered = 0;
    session->unsent = 0;
    session->skips = 0;
    session->unanswered_bytes = 0;
    enter(session, RESEND_NONE, now);
    ask(session, QUESTION_NONE, now);
}

/* One of them never arrived: it goes again with all sent since. */
static void take_back(struct printer_session *session, int64_t number)
{
    uint32_t bytes = session->unanswered_bytes;

    for (uint32_t behind = session->unanswered + 1; behind <= session->ring.count; behind++) {
        const struct sent_line *line = sent_at(session, session->ring.count - behind);

        if (!line->question || line->number < number)
            return;
        bytes += line->length;
        if (line->number == number) {
            session->unanswered = behind;
            session->unanswered_bytes = bytes;
            session->given_up = -1;
            return;
        }
    }
}

/* Its number was answered already: a digit was flipped, or the printer counts from the start again. */
static enum printer_verdict asked_for_answered(struct printer_session *session, struct instant now)
{
    if (session->suspect && session->question == QUESTION_OPEN) {
        printer_session_forget(session);
        enter(session, RESEND_HEARD, now); /* the ok that follows it answers nothing to come */
        return PRINTER_RESET;
    }
    session->suspect = true;
    ask(session, QUESTION_DUE, now);
    return PRINTER_FOR_NOBODY;
}

/* The printer asks for line n: it and all sent behind it go out again. */
static enum printer_verdict asked_again(struct printer_session *session, int64_t number,
                                        struct instant now)
{
    bool any_numbered = false;

    if (session->given_up >= 0 && number >= session->given_up)
        take_back(session, number);
    for (uint32_t i = 0; i < session->unanswered; i++) {
        struct sent_line *line = sent_at(session, session->ring.count - session->unanswered + i);

        if (line->barrier && line->number >= 0)
            number = line->number; /* an M110 that was hurt: whatever it asks for, M110 again */
        if (line->number >= 0)
            any_numbered = true;
        if (line->number != number || number < 0)
            continue;
        session->resends++;
        if (number == session->resend_number)
            session->resend_times++;
        else
            session->resend_times = 1;
        session->resend_number = number;
        session->unsent = session->unanswered - i;
        session->skips = 0; /* lost with all that was in the printer's buffer */
        enter(session, RESEND_HEARD, now);
        ask(session, QUESTION_NONE, now);
        return session->resend_times == RESENDS_OF_ONE_LINE ? PRINTER_STUCK : PRINTER_FOR_NOBODY;
    }
    /* A line without a number is refused in an upload, for good: the ok is its answer. */
    if (session->uploading && session->unanswered > 0 && !any_numbered &&
        number == session->next_number && session->question == QUESTION_NONE)
        return PRINTER_FOR_NOBODY;
    /* Its ok, if one follows, belongs to it all the same. */
    if (session->resend == RESEND_NONE)
        enter(session, RESEND_HEARD, now);
    if (session->upload_question >= 0 && number == session->next_number) {
        session->question_deadline = now; /* refused as it was meant: all before it is over, … */
        session->unsent = 0;              /* … and what was to go again has arrived already */
        return session->unanswered > 0 ? PRINTER_LOST_OK : PRINTER_FOR_NOBODY;
    }
    if (number >= 0 && session->numbers_known && number < session->next_number &&
        (any_numbered || session->unanswered == 0))
        return asked_for_answered(session, now);
    return PRINTER_FOR_NOBODY;
}

/* The first line that asks for temperatures is so far behind the oldest; -1 if none is unanswered. */
static int64_t first_temperature(struct printer_session *session)
{
    for (uint32_t i = 0; i + session->unsent < session->unanswered; i++) {
        if (sent_at(session, session->ring.count - session->unanswered + i)->temperature)
            return i;
    }
    return -1;
}

/* Reports come by themselves and `wait` when nothing is done: who says those may have lost all. */
static bool shows_work(const struct printer_reply *reply)
{
    return reply->kind == REPLY_BUSY || reply->kind == REPLY_OK || reply->kind == REPLY_ACTION ||
           (reply->kind == REPLY_TEMPERATURE && span_contains(reply->text, SPAN("W:")));
}

enum printer_verdict printer_session_reply(struct printer_session *session,
                                           const struct printer_reply *reply, struct instant now,
                                           struct printer_answer *ret_answer)
{
    if (reply->kind == REPLY_RESEND) {
        enum printer_verdict verdict = asked_again(session, reply->number, now);

        if (verdict != PRINTER_LOST_OK)
            return verdict;
        answered(session, ret_answer, now);
        if (session->unanswered == 0)
            ask(session, QUESTION_NONE, now);
        return PRINTER_LOST_OK;
    }
    if (reply->kind == REPLY_START) {
        printer_session_forget(session);
        return PRINTER_STARTED;
    }
    if (session->resend == RESEND_HEARD) {
        bool its_own = reply->kind == REPLY_OK && !instant_due(session->resend_deadline, now);

        enter(session, session->unsent > 0 ? RESEND_AGAIN : RESEND_NONE, now);
        if (its_own)
            return PRINTER_FOR_NOBODY;
    }
    if (reply->kind == REPLY_BUSY &&
        (session->question == QUESTION_NONE || session->question == QUESTION_ALONE))
        ask(session, session->question, now);
    if (session->question == QUESTION_OPEN && shows_work(reply))
        session->question_deadline = instant_after_ms(now, QUESTION_OVERDUE_MS);
    if (reply->kind != REPLY_OK)
        return PRINTER_TEXT;
    if (session->skips > 0 && session->skip_after[0] == 0) {
        session->skips--;
        memmove(session->skip_after, session->skip_after + 1, session->skips);
        return PRINTER_FOR_NOBODY;
    }
    if (session->unanswered == session->unsent)
        return PRINTER_SURPLUS_OK; /* what it could answer has yet to go out again */
    if ((session->question == QUESTION_OPEN || session->question == QUESTION_ALONE) &&
        reply->heaters > 0 &&
        first_temperature(session) > 0) {
        answered(session, ret_answer, now);
        return PRINTER_LOST_OK;
    }
    answered(session, ret_answer, now);
    return PRINTER_ANSWER;
}

bool printer_session_again(struct printer_session *session, struct text *ret_bytes)
{
    struct span bytes;

    if (session->resend != RESEND_AGAIN || session->unsent == 0)
        return false;
    /* One at a time: for each answer, whose ever; those before it may have lost theirs. */
    if (!session->may_go)
        return false;
    if (!line_ring_at(&session->ring, session->bytes, session->ring.count - session->unsent,
                      &bytes))
        return false;
    text_add(ret_bytes, bytes);
    session->unsent--;
    session->may_go = false;
    return true;
}

/* A number in flight, be it behind lines that overtook it: only a number asks for it. */
static bool any_numbered(const struct printer_session *session)
{
    for (uint32_t i = session->ring.count - session->unanswered; i < session->ring.count; i++) {
        if (session->sent[(session->first + i) % PRINTER_LINES_KEPT].number >= 0)
            return true;
    }
    return false;
}

bool printer_session_give_up(struct printer_session *session, struct instant now,
                             struct printer_answer *ret_answer)
{
    if (session->question != QUESTION_DUE || session->resend == RESEND_HEARD ||
        session->uploading || session->unanswered < PRINTER_LINES_KEPT)
        return false;
    answered(session, ret_answer, now);
    if (session->unsent > session->unanswered)
        session->unsent = session->unanswered;
    ask(session, QUESTION_DUE, now);
    return true;
}

bool printer_session_ask(struct printer_session *session, struct text *ret_bytes,
                         struct instant now)
{
    bool numbered = session->numbers_known &&
                    (session->unanswered == 0 || session->uploading || any_numbered(session) ||
                     session->suspect);
    int64_t number = numbered ? session->next_number : -1;
    size_t start;

    if (session->question != QUESTION_DUE || session->resend == RESEND_HEARD)
        return false;
    if (session->uploading) {
        /* Unnumbered it would be refused without telling anything. */
        if (numbered) {
            text_add_char(ret_bytes, '\n');
            gcode_line_number(SPAN("M105"), number + 1, ret_bytes);
            session->upload_question = number + 1;
        }
        ask(session, QUESTION_OPEN, now);
        return numbered;
    }
    if (session->unanswered == PRINTER_LINES_KEPT) {
        ask(session, QUESTION_OPEN, now);
        return false;
    }
    if (!session->answers_blank)
        text_add_char(ret_bytes, '\n'); /* ends what was half lost */
    start = ret_bytes->length;
    if (numbered)
        gcode_line_number(SPAN("M105"), number, ret_bytes);
    else
        text_add(ret_bytes, SPAN("M105\n"));
    keep(session, (struct span){ret_bytes->data + start, ret_bytes->length - start},
         (struct sent_line){.number = number, .temperature = true, .question = true}, now);
    if (session->unsent > 0)
        session->unsent++; /* it is refused now, and goes again behind those before it */
    if (numbered)
        session->next_number++;
    ask(session, QUESTION_OPEN, now);
    return true;
}

struct instant printer_session_deadline(const struct printer_session *session)
{
    return instant_earlier(session->resend_deadline, session->question_deadline);
}

void printer_session_expire(struct printer_session *session, struct instant now)
{
    if (instant_due(session->resend_deadline, now))
        enter(session, session->unsent > 0 ? RESEND_AGAIN : RESEND_NONE, now);
    if (instant_due(session->question_deadline, now) && session->question == QUESTION_ALONE)
        give_up_questions(session, now);
    else if (instant_due(session->question_deadline, now))
        ask(session, session->unanswered > 0 ? QUESTION_DUE : QUESTION_NONE, now);
}

struct tag printer_session_unanswered(const struct printer_session *session, unsigned index)
{
    assert(index < session->unanswered);
    return session
        ->sent[(session->first + session->ring.count - session->unanswered + index) %
               PRINTER_LINES_KEPT]
        .tag;
}

void printer_session_disown(struct printer_session *session, uint8_t sender, uint8_t nobody)
{
    for (uint32_t i = 0; i < session->unanswered; i++) {
        struct sent_line *line = sent_at(session, session->ring.count - session->unanswered + i);

        if (line->tag.sender == sender)
            line->tag.sender = nobody;
    }
}
