#include "session/printer_session.h"

const char *printer_session_check(const struct printer_session *session)
{
    uint32_t bytes = 0;

    if (session->unanswered > session->ring.count)
        return "printer_session: more lines unanswered than kept";
    if (session->unsent > session->unanswered)
        return "printer_session: more lines to go again than unanswered";
    if (session->unsent > 0 && session->resend == RESEND_NONE)
        return "printer_session: lines to go again, and no Resend open";
    for (uint32_t i = session->ring.count - session->unanswered; i < session->ring.count; i++) {
        const struct sent_line *line = &session->sent[(session->first + i) % PRINTER_LINES_KEPT];

        bytes += line->length;
    }
    if (bytes != session->unanswered_bytes)
        return "printer_session: the bytes in flight are not the sum of the lines";
    if (session->unanswered > 0 && session->question == QUESTION_NONE &&
        instant_is_never(session->question_deadline))
        return "printer_session: lines unanswered, and nobody will ever ask";
    return NULL;
}
