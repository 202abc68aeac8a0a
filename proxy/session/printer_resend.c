#include "session/printer_session_parts.h"

/* Is that, counted from the newest, the first line of a count? */
static bool is_behind_m110(struct printer_session *session, uint32_t count)
{
    const struct sent_line *before;

    if (count == session->lines.ring.count)
        return false;
    before = sent_lines_back(&session->lines, count);
    return before->barrier && before->number >= 0 && !before->let_go;
}

/*
 * The printer asks for a line that was answered. May it have it again, with all sent since? If the
 * ok that answered it may have been that of a refusal, and the printer insists; questions that were
 * given up at once. Never the first: for that asks a printer that was reset. `count` is how many
 * lines that is.
 */
static bool may_take_back(struct printer_session *session, uint32_t count)
{
    const struct sent_line *first = sent_lines_back(&session->lines, count - 1);
    bool questions = true, insists = session->suspect && session->question == QUESTION_OPEN;

    for (uint32_t behind = session->lines.unanswered; behind < count; behind++) {
        struct sent_line *line = sent_lines_back(&session->lines, behind);

        if (line->number < 0 || line->barrier)
            return false;
        questions &= line->question;
    }
    if (first->number <= 1)
        return false;
    if (first->doubtful)
        return questions || insists;
    return insists && first->number == session->suspect_number &&
           count - session->lines.unanswered <= PRINTER_IN_FLIGHT &&
           !is_behind_m110(session, count);
}

/* What was answered is answered: whoever sent it does not hear of it again. */
static void take_back(struct printer_session *session, uint32_t count)
{
    for (uint32_t behind = session->lines.unanswered; behind < count; behind++)
        sent_lines_back(&session->lines, behind)->tag = (struct tag){0};
    sent_lines_take_back(&session->lines, count);
}

/* So many polls from that line on were answered without temperatures: theirs may come yet. */
static uint8_t polls_without(struct printer_session *session, int64_t number)
{
    uint8_t polls = 0;

    for (uint32_t behind = session->lines.unanswered; behind < session->lines.ring.count;
         behind++) {
        const struct sent_line *line = sent_lines_back(&session->lines, behind);

        if (line->barrier || (line->number >= 0 && line->number < number))
            break;
        polls += line->untold;
    }
    return polls;
}

/* Its number was answered already: a digit was flipped, or the printer counts anew. */
static enum printer_verdict asked_for_answered(struct printer_session *session, int64_t number,
                                               struct instant now)
{
    if (session->suspect && session->question == QUESTION_OPEN &&
        number == session->suspect_number) {
        printer_session_forget(session);
        /* The ok that follows it answers nothing to come. */
        resend_enter(session, RESEND_HEARD, now);
        return PRINTER_RESET;
    }
    session->suspect = true;
    session->suspect_number = number;
    question_enter(session, QUESTION_DUE, now);
    session->late_polls = polls_without(session, number);
    return PRINTER_FOR_NOBODY;
}

/* All has come to the printer, but it may have dropped the last of it. */
static void asked_for_next(struct printer_session *session, struct instant now)
{
    struct instant soon = instant_after_ms(now, OK_OVERDUE_MS);

    if (session->question == QUESTION_NONE)
        question_enter(session, QUESTION_DUE, now);
    else if (session->question == QUESTION_OPEN) /* that may be what it dropped */
        session->question_deadline = instant_earlier(session->question_deadline, soon);
}

/* From now on M110 is sent in its place, and its ok is the line's. */
static void let_go(struct sent_line *line)
{
    line->let_go = line->barrier = line->replied = true;
    line->temperature = line->question = false;
}

/*
 * The unanswered line with this index was refused: it and all sent behind it go out again. What
 * overtook is lost with all that was in the printer's buffer, or came when the refusal was said
 * already and under way: its ok is still to come then, behind those of the lines before.
 */
static void refused(struct printer_session *session, uint32_t index, struct instant now)
{
    uint32_t at_printer = session->lines.unanswered - session->lines.unsent;

    for (uint32_t i = index + 1; i < at_printer && session->skips < PRINTER_SKIPS; i++) {
        struct sent_line *line = sent_lines_unanswered(&session->lines, i);

        if (line->number >= 0 || line->overtook)
            continue;
        line->overtook = true;
        session->skip_after[session->skips++] = (uint8_t)index;
    }
    if (sent_lines_unanswered(&session->lines, index)->barrier) {
        session->refused_behind = session->behind_m110;
        session->behind_m110 = 0;
    }
    session->lines.unsent = session->lines.unanswered - index;
    for (unsigned i = 0; i < session->skips; i++) {
        if (session->skip_after[i] > index)
            session->skip_after[i] = (uint8_t)index;
    }
    session->strange = false;
    session->may_go = true;
    resend_enter(session, RESEND_HEARD, now);
    question_enter(session, QUESTION_NONE, now);
}

/* It was asked for too often. Without its number it is given up when it is its turn. */
static bool is_stuck(struct printer_session *session, struct sent_line *line)
{
    bool was_let_go = line->let_go;

    if (session->resend_times % RESENDS_OF_ONE_LINE != 0)
        return false;
    if (line->barrier)
        line->number = -1;
    else
        let_go(line);
    return !was_let_go;
}

enum printer_verdict printer_session_resend(struct printer_session *session, int64_t number,
                                            struct instant now, struct printer_answer *ret_answer)
{
    struct sent_lines *lines = &session->lines;
    int64_t behind = number < 0 ? -1 : sent_lines_find(lines, number);
    bool insists = false;

    if (behind >= lines->unanswered && may_take_back(session, (uint32_t)behind + 1)) {
        struct sent_line *line = sent_lines_back(lines, (uint32_t)behind);

        take_back(session, (uint32_t)behind + 1);
        insists = !line->doubtful;
        if (line->given_again)
            let_go(line);
        line->given_again = insists;
    }
    for (uint32_t i = 0; i < lines->unanswered; i++) {
        struct sent_line *line = sent_lines_unanswered(lines, i);

        if (line->barrier && line->number >= 0 && !line->let_go)
            number = line->number; /* an M110 that was hurt: whatever it asks for, M110 again */
        if (line->number != number || number < 0)
            continue;
        if (line->barrier && session->refused_behind > 0) { /* that of a question behind it */
            session->refused_behind--;
            resend_enter(session, RESEND_HEARD, now);
            return PRINTER_FOR_NOBODY;
        }
        session->resends++;
        session->resend_times = number == session->resend_number ? session->resend_times + 1 : 1;
        session->resend_number = number;
        refused(session, i, now);
        *ret_answer = (struct printer_answer){
            .tag = line->tag, .number = number, .line = sent_lines_bytes(lines, i)};
        return insists ? PRINTER_INSISTS
                       : (is_stuck(session, line) ? PRINTER_STUCK : PRINTER_FOR_NOBODY);
    }
    /* A line without a number is refused in an upload, for good: the ok is its answer. */
    if (session->uploading && lines->unanswered > 0 && !sent_lines_any_numbered(lines) &&
        number == session->next_number && session->question == QUESTION_NONE)
        return PRINTER_FOR_NOBODY;
    /* Its ok, if one follows, belongs to it all the same. */
    resend_enter(session, RESEND_HEARD, now);
    if (session->upload_question >= 0 && number == session->next_number) {
        lines->unsent = 0; /* refused as it was meant: what was to go again has arrived already */
        question_enter(session, lines->unanswered > 0 ? QUESTION_REFUSED : QUESTION_NONE, now);
        return PRINTER_FOR_NOBODY;
    }
    if (number < 0 && sent_lines_any_numbered(lines) && !session->uploading)
        question_enter(session, QUESTION_DUE, now); /* its number was lost: which line is it? */
    if (number >= 0 && session->numbers_known && number < session->next_number &&
        (sent_lines_any_numbered(lines) || lines->unanswered == 0))
        return asked_for_answered(session, number, now);
    if (number == session->next_number && lines->unsent == 0 && sent_lines_any_numbered(lines))
        asked_for_next(session, now);
    return PRINTER_FOR_NOBODY;
}
