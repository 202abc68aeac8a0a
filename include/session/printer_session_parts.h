/*
 * What the files of printer_session share: printer_send.c writes lines, printer_session.c
 * understands answers, printer_resend.c what the printer asks for again.
 */
#pragma once

#include "session/printer_session.h"

/* Keeps a line that is being sent; somebody waits for its answer from now on. */
void printer_session_keep(struct printer_session *session, struct span bytes, struct sent_line line,
                          struct instant now);

/* An M110 under `number`, after which the printer expects the next; `bare`: it names it once only.
 */
void printer_session_m110(int64_t number, bool bare, struct text *ret_bytes);
/* The printer asks for line n, -1 if it did not say which. */
enum printer_verdict printer_session_resend(struct printer_session *session, int64_t number,
                                            struct instant now, struct printer_answer *ret_answer);

/* The only writer of the question's state. */
void question_enter(struct printer_session *session, enum question_state state, struct instant now);
/* The only writer of the Resend's state. */
void resend_enter(struct printer_session *session, enum resend_state state, struct instant now);
