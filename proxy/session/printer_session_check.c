#include "session/printer_session.h"

const char *printer_session_check(const struct printer_session *session)
{
    if (session->lines.unsent > 0 && session->resend == RESEND_NONE)
        return "printer_session: lines to go again, and no Resend open";
    if (session->lines.unanswered > 0 && session->question == QUESTION_NONE &&
        instant_is_never(session->question_deadline))
        return "printer_session: lines unanswered, and nobody will ever ask";
    return sent_lines_check(&session->lines);
}
