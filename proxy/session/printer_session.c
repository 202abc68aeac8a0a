#include "session/printer_session_parts.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

/* Marlin cuts longer lines, and with them their checksum. */
#define LONGEST_LINE_DEFAULT GCODE_NUMBERED_MAX

void printer_session_init(struct printer_session *session, unsigned in_flight)
{
    memory_clear(session, sizeof *session);
    sent_lines_init(&session->lines);
    session->in_flight = in_flight;
    session->longest_line = LONGEST_LINE_DEFAULT;
    session->resend_deadline = INSTANT_NEVER;
    session->resend_number = -1;
    session->question_deadline = INSTANT_NEVER;
    session->upload_question = -1;
}

void question_enter(struct printer_session *session, enum question_state state, struct instant now)
{
    session->question = state;
    switch (state) {
    case QUESTION_NONE:
        session->doubt &= session->resend == RESEND_FEARED;
        session->reopened &= session->lines.unanswered > 0;
        session->upload_question = -1;
        session->late_polls = 0;
        session->question_deadline =
            session->lines.unanswered > 0 ? instant_after_ms(now, OK_OVERDUE_MS) : INSTANT_NEVER;
        break;
    case QUESTION_DUE:
        session->late_polls = 0;
        session->question_deadline = INSTANT_NEVER;
        break;
    case QUESTION_ALONE: session->question_deadline = instant_after_ms(now, OK_OVERDUE_MS); break;
    case QUESTION_REFUSED:
        session->question_deadline = instant_after_ms(now, UPLOAD_SETTLES_MS);
        break;
    case QUESTION_SETTLED: session->question_deadline = INSTANT_NEVER; break;
    case QUESTION_OPEN:
        session->reopened = false;
        session->question_deadline = instant_after_ms(now, QUESTION_OVERDUE_MS);
        break;
    }
}

void resend_enter(struct printer_session *session, enum resend_state state, struct instant now)
{
    session->resend = state;
    switch (state) {
    case RESEND_NONE:
    case RESEND_AGAIN: session->resend_deadline = INSTANT_NEVER; break;
    case RESEND_CALMING: break; /* as it was heard */
    case RESEND_FEARED:
    case RESEND_HEARD: session->resend_deadline = instant_after_ms(now, RESEND_OK_MS); break;
    }
}

/* What a Resend asked for goes again from now on, if there is anything. */
static void go_on(struct printer_session *session, struct instant now)
{
    resend_enter(session, session->lines.unsent > 0 ? RESEND_AGAIN : RESEND_NONE, now);
}

void printer_session_halted(struct printer_session *session)
{
    bool known = session->numbers_known;

    printer_session_forget(session);
    session->numbers_known = known;
}

void printer_session_forget(struct printer_session *session)
{
    sent_lines_clear(&session->lines);
    session->skips = 0;
    session->strays = 0;
    session->strange = session->guessed = false;
    session->ahead = 0;
    session->tells_numbers = session->tells_temperatures = false;
    session->numbers_known = false;
    session->resend_number = -1;
    session->resend_times = 0;
    session->behind_m110 = session->refused_behind = 0;
    session->suspect = false;
    session->uploading = false;
    resend_enter(session, RESEND_NONE, INSTANT_NEVER);
    question_enter(session, QUESTION_NONE, INSTANT_NEVER);
}

void printer_session_reopened(struct printer_session *session, struct instant now)
{
    if (session->resend != RESEND_NONE)
        go_on(session, now);
    session->may_go = true;
    question_enter(session, QUESTION_NONE, now);
    session->reopened = session->lines.unanswered > 0;
    if (session->reopened)
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

void printer_session_keep(struct printer_session *session, struct span bytes, struct sent_line line,
                          struct instant now)
{
    sent_lines_keep(&session->lines, bytes, line);
    if (session->lines.unanswered == 1)
        session->waiting_since = now;
    if (session->lines.unanswered == 1 && session->question == QUESTION_NONE)
        question_enter(session, QUESTION_NONE, now);
}

bool printer_session_asks_first(struct printer_session *session, struct instant now)
{
    if (session->lines.unanswered == 0 || session->resend != RESEND_NONE ||
        session->question != QUESTION_NONE ||
        !instant_due(instant_after_ms(session->waiting_since, OK_OVERDUE_MS), now))
        return false;
    session->waiting_since = now;
    question_enter(session, QUESTION_DUE, now);
    return true;
}

/* The oldest unanswered line is over. */
static void answered(struct printer_session *session, struct printer_answer *ret_answer,
                     struct instant now)
{
    struct sent_line *line = sent_lines_unanswered(&session->lines, 0);

    *ret_answer = (struct printer_answer){line->tag, line->number, line->temperature,
                                          sent_lines_any_question(&session->lines), line->overtook,
                                          SPAN_NONE};
    line->doubtful = session->strange || session->guessed;
    session->guessed &= !line->question;
    session->strange = false;
    sent_lines_answer(&session->lines);
    if (line->number >= 0 && line->number >= session->resend_number) {
        session->resend_number = -1;
        session->resend_times = 0;
    }
    if (line->barrier)
        session->behind_m110 = session->refused_behind = 0;
    if (session->resend == RESEND_AGAIN && session->lines.unanswered == 0)
        resend_enter(session, RESEND_NONE, now);
    if (session->lines.unanswered == 0 || line->question)
        session->strays = 0; /* all before it is over */
    session->suspect = false;
    session->may_go = true;
    for (unsigned i = 0; i < session->skips; i++) {
        if (session->skip_after[i] > 0)
            session->skip_after[i]--;
    }
    /* An answer is no silence; and the question is answered with its own ok only. */
    if (sent_lines_only_questions(&session->lines))
        question_enter(session, QUESTION_ALONE, now);
    else if (line->question || session->question == QUESTION_NONE ||
             (session->lines.unanswered == 0 && session->question >= QUESTION_REFUSED))
        question_enter(session, QUESTION_NONE, now);
    else if (session->question == QUESTION_REFUSED)
        question_enter(session, QUESTION_REFUSED, now);
}

/* The questions that are left were answered already, in the name of lines whose oks were lost. */
static void give_up_questions(struct printer_session *session, struct instant now)
{
    for (uint32_t i = 0; i < session->lines.unanswered; i++)
        sent_lines_unanswered(&session->lines, i)->doubtful = true;
    session->guessed = true;
    sent_lines_answer_all(&session->lines);
    session->skips = 0;
    resend_enter(session, RESEND_NONE, now);
    question_enter(session, QUESTION_NONE, now);
}

/* An ok says its number: was that line answered already? */
static bool was_answered(const struct printer_session *session, int64_t number)
{
    return sent_lines_find(&session->lines, number) >= session->lines.unanswered &&
           (session->lines.unanswered == 0 ||
            number < sent_lines_unanswered_number(&session->lines));
}

/* Reports come by themselves and `wait` when nothing is done: who says those may have lost all. */
static bool shows_work(const struct printer_reply *reply)
{
    return reply->kind == REPLY_BUSY || reply->kind == REPLY_OK || reply->kind == REPLY_ACTION ||
           (reply->kind == REPLY_TEMPERATURE && span_contains(reply->text, SPAN("W:")));
}

/* `echo:Unknown command: "X5 G1 X1"` for `N5 G1 X1`: the line came without its number. */
static bool is_unknown_stray(const struct printer_session *session,
                             const struct printer_reply *reply)
{
    return reply->unknown_command && reply->argument.data != NULL &&
           session->lines.unanswered > 0 && sent_lines_unanswered_number(&session->lines) >= 0 &&
           !sent_lines_has(&session->lines, reply->argument);
}

/* A line that is no ok and no Resend: does it begin a refusal, or is an ok to come that is
 * nobody's? */
static enum printer_verdict text_came(struct printer_session *session,
                                      const struct printer_reply *reply, struct instant now)
{
    bool refusal = reply->kind == REPLY_ERROR || (reply->kind == REPLY_TEXT && reply->numbering);

    if (refusal && !reply->halted &&
        (session->resend == RESEND_NONE || session->resend == RESEND_AGAIN) &&
        sent_lines_any_numbered(&session->lines)) {
        session->doubt = true;
        resend_enter(session, RESEND_FEARED, now);
        return reply->kind == REPLY_ERROR && reply->numbering ? PRINTER_REFUSAL : PRINTER_TEXT;
    }
    if (is_unknown_stray(session, reply)) {
        session->strays++;
        return PRINTER_TEXT;
    }
    if (reply->kind == REPLY_TEXT || reply->kind == REPLY_ERROR)
        session->strange |= reply->text.length > 0;
    return PRINTER_TEXT;
}

/*
 * An ok says the number of a line behind the oldest: were the oks before it lost? If the one before
 * this said the same, and one number alone was not hurt.
 */
static bool is_ahead(struct printer_session *session, int64_t number)
{
    int64_t behind = number < 0 ? -1 : sent_lines_find(&session->lines, number);
    int64_t ahead = (int64_t)session->lines.unanswered - 1 - behind;
    bool again = ahead > 0 && ahead == session->ahead;

    if (behind < (int64_t)session->lines.unsent || ahead < 0)
        ahead = 0;
    session->ahead = (uint32_t)(again ? ahead - 1 : ahead);
    return again;
}

/* An ok came that is not a Resend's. */
static enum printer_verdict ok_came(struct printer_session *session,
                                    const struct printer_reply *reply, struct instant now,
                                    struct printer_answer *ret_answer)
{
    struct sent_line *oldest;
    bool poll;

    if (session->skips > 0 && session->skip_after[0] == 0) {
        session->skips--;
        memmove(session->skip_after, session->skip_after + 1, session->skips);
        return PRINTER_FOR_NOBODY;
    }
    if (reply->number >= 0 && was_answered(session, reply->number))
        return PRINTER_FOR_NOBODY;
    if (reply->number >= 0)
        session->tells_numbers = true;
    else if (session->tells_numbers && reply->heaters == 0 &&
             session->lines.unanswered > session->lines.unsent &&
             sent_lines_unanswered_number(&session->lines) >= 0) {
        session->strays -= session->strays > 0;
        return PRINTER_FOR_NOBODY;
    }
    if (session->strays > 0 && reply->heaters == 0 && reply->number < 0) {
        session->strays--;
        return PRINTER_FOR_NOBODY;
    }
    if (session->lines.unanswered == session->lines.unsent)
        return PRINTER_SURPLUS_OK; /* what it could answer has yet to go out again */
    oldest = sent_lines_unanswered(&session->lines, 0);
    if (reply->heaters > 0 && oldest->barrier && session->lines.unsent > 0 &&
        session->behind_m110 == 0)
        return PRINTER_FOR_NOBODY; /* of a question that came before the M110 went again */
    session->tells_temperatures |= reply->heaters > 0;
    if (oldest->question && reply->heaters == 0 && session->tells_temperatures)
        return PRINTER_FOR_NOBODY;
    if (is_ahead(session, reply->number)) {
        answered(session, ret_answer, now);
        return PRINTER_LOST_OK;
    }
    if (reply->heaters > 0 && session->late_polls > 0 && session->question == QUESTION_OPEN) {
        session->late_polls--;
        session->question_deadline = instant_after_ms(now, OK_OVERDUE_MS);
        return PRINTER_FOR_NOBODY;
    }
    if (reply->heaters > 0 && sent_lines_any_question(&session->lines) &&
        sent_lines_first_temperature(&session->lines) > 0) {
        answered(session, ret_answer, now);
        return PRINTER_LOST_OK;
    }
    oldest->untold = oldest->temperature && reply->heaters == 0;
    poll = reply->heaters > 0 && !oldest->question;
    answered(session, ret_answer, now);
    /* Was that the question's answer, and the poll's was lost? Then nothing more comes. */
    if (poll && session->question == QUESTION_OPEN)
        session->question_deadline = instant_after_ms(now, OK_OVERDUE_MS);
    return PRINTER_ANSWER;
}

/* Is it an M110 that was refused? It may be on its way already, and be taken twice. */
static bool m110_goes_next(struct printer_session *session)
{
    struct sent_lines *lines = &session->lines;

    return lines->unsent > 0 &&
           sent_lines_unanswered(lines, lines->unanswered - lines->unsent)->barrier;
}

enum printer_verdict printer_session_reply(struct printer_session *session,
                                           const struct printer_reply *reply, struct instant now,
                                           struct printer_answer *ret_answer)
{
    if (reply->kind == REPLY_RESEND)
        return printer_session_resend(session, reply->number, now, ret_answer);
    if (reply->kind == REPLY_START) {
        printer_session_forget(session);
        return PRINTER_STARTED;
    }
    if (session->resend == RESEND_FEARED && reply->kind == REPLY_OK) {
        go_on(session, now);
        question_enter(session, QUESTION_DUE,
                       now); /* its Resend was lost or hurt: which line is it? */
        return PRINTER_FOR_NOBODY;
    }
    if (session->resend == RESEND_HEARD) {
        if (session->resend_times >= (m110_goes_next(session) ? M110S_CALMED : RESENDS_CALMED))
            resend_enter(session, RESEND_CALMING, now);
        else
            go_on(session, now);
        if (reply->kind == REPLY_OK)
            return PRINTER_FOR_NOBODY;
    }
    if (reply->kind == REPLY_BUSY &&
        (session->question == QUESTION_NONE || session->question == QUESTION_ALONE ||
         session->question == QUESTION_REFUSED))
        question_enter(session, session->question, now);
    if (session->question == QUESTION_OPEN && shows_work(reply))
        session->question_deadline = instant_after_ms(now, QUESTION_OVERDUE_MS);
    if (reply->kind != REPLY_OK)
        return text_came(session, reply, now);
    return ok_came(session, reply, now, ret_answer);
}

bool printer_session_again(struct printer_session *session, struct text *ret_bytes)
{
    struct sent_lines *lines = &session->lines;
    uint32_t next = lines->unanswered - lines->unsent;
    const struct sent_line *line;

    /* One at a time: for each answer, whose ever; those before it may have lost theirs. */
    if (session->resend != RESEND_AGAIN || lines->unsent == 0 || !session->may_go)
        return false;
    line = sent_lines_unanswered(lines, next);
    if (line->number < 0)
        return false;
    if (line->barrier)
        session->behind_m110 = 0;
    if (line->let_go)
        printer_session_m110(line->number, session->uploading, ret_bytes);
    else
        text_add(ret_bytes, sent_lines_bytes(lines, next));
    lines->unsent--;
    session->may_go = false;
    return true;
}

/*
 * Is it the turn of a line without a number to go again? It does not: a refusal says nothing of it.
 * Behind the refused line it is gone; or it overtook, and was carried out.
 */
static bool is_bare(const struct printer_session *session)
{
    return session->lines.unsent > 0 && session->lines.unsent == session->lines.unanswered &&
           sent_lines_unanswered_number(&session->lines) < 0;
}

bool printer_session_give_up(struct printer_session *session, struct instant now,
                             struct printer_answer *ret_answer)
{
    struct sent_lines *lines = &session->lines;

    if (session->resend == RESEND_AGAIN && is_bare(session)) {
        lines->unsent--;
        answered(session, ret_answer, now);
        return true;
    }
    if (session->question == QUESTION_SETTLED && lines->unanswered > 0) {
        answered(session, ret_answer, now);
        return true;
    }
    if (session->question != QUESTION_DUE || session->resend == RESEND_HEARD ||
        lines->unanswered == 0 ||
        (session->uploading ? printer_session_counts(session)
                            : lines->unanswered < PRINTER_LINES_KEPT))
        return false;
    answered(session, ret_answer, now);
    if (lines->unsent > lines->unanswered)
        lines->unsent = lines->unanswered;
    question_enter(session, session->uploading ? QUESTION_NONE : QUESTION_DUE, now);
    return true;
}

/* A question with a number is being written: if an M110 before it is refused, it will be, too. */
static void ask_behind_m110(struct printer_session *session)
{
    uint32_t at_printer = session->lines.unanswered - session->lines.unsent;

    session->refused_behind = 0; /* what was to come has come by now */
    for (uint32_t i = 0; i < at_printer; i++) {
        const struct sent_line *line = sent_lines_unanswered(&session->lines, i);

        if (line->barrier && line->number >= 0)
            session->behind_m110++;
    }
}

bool printer_session_ask(struct printer_session *session, struct text *ret_bytes,
                         struct instant now)
{
    struct sent_lines *lines = &session->lines;
    bool numbered =
        printer_session_counts(session) && (lines->unanswered == 0 || session->uploading ||
                                            sent_lines_any_numbered(lines) || session->suspect);
    int64_t number = numbered ? session->next_number : -1;
    size_t start;

    if (session->question != QUESTION_DUE || session->resend == RESEND_HEARD ||
        session->resend == RESEND_CALMING)
        return false;
    if (numbered)
        ask_behind_m110(session);
    if (session->uploading) {
        /* Unnumbered it would be refused without telling anything. */
        if (numbered) {
            text_add_char(ret_bytes, '\n');
            gcode_line_number(SPAN("M105"), number + 1, ret_bytes);
            session->upload_question = number + 1;
        }
        question_enter(session, QUESTION_OPEN, now);
        return numbered;
    }
    if (lines->unanswered == PRINTER_LINES_KEPT) {
        question_enter(session, QUESTION_OPEN, now);
        return false;
    }
    if (!session->answers_blank)
        text_add_char(ret_bytes, '\n'); /* ends what was half lost */
    start = ret_bytes->length;
    if (numbered)
        gcode_line_number(SPAN("M105"), number, ret_bytes);
    else
        text_add(ret_bytes, SPAN("M105\n"));
    printer_session_keep(
        session, (struct span){ret_bytes->data + start, ret_bytes->length - start},
        (struct sent_line){.number = number, .temperature = true, .question = true}, now);
    if (lines->unsent > 0)
        lines->unsent++; /* it is refused now, and goes again behind those before it */
    if (numbered)
        session->next_number++;
    question_enter(session, QUESTION_OPEN, now);
    return true;
}

struct instant printer_session_deadline(const struct printer_session *session)
{
    return instant_earlier(session->resend_deadline, session->question_deadline);
}

void printer_session_expire(struct printer_session *session, struct instant now)
{
    if (instant_due(session->resend_deadline, now)) {
        bool feared = session->resend == RESEND_FEARED;

        go_on(session, now);
        if (feared)
            question_enter(session, QUESTION_DUE, now); /* neither Resend nor ok came */
        else
            session->strange = true; /* an ok to come may be the Resend's, late */
    }
    if (instant_due(session->question_deadline, now) && session->question == QUESTION_ALONE &&
        sent_lines_only_questions(&session->lines)) /* nothing has overtaken them */
        give_up_questions(session, now);
    else if (instant_due(session->question_deadline, now) && session->question == QUESTION_REFUSED)
        question_enter(session, QUESTION_SETTLED, now);
    else if (instant_due(session->question_deadline, now))
        question_enter(session, session->lines.unanswered > 0 ? QUESTION_DUE : QUESTION_NONE, now);
}
