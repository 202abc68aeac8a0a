/*
 * What the files of printer_session share: printer_send.c writes lines, printer_session.c
 * understands answers.
 */
#pragma once

#include "session/printer_session.h"

/* Keeps a line that is being sent; somebody waits for its answer from now on. */
void printer_session_keep(struct printer_session *session, struct span bytes, struct sent_line line,
                          struct instant now);
