/*
 * A printer_session under test: lines go in, what was written is compared, answers are read.
 */
#pragma once

#include "session/printer_session.h"

static struct printer_session session;
static struct instant now;
static char written_bytes[4096];
static struct text written;
static uint32_t serial; /* of the tags, in the order of sending */

static inline int begin(void **unused)
{
    (void)unused;
    printer_session_init(&session, 120);
    now = (struct instant){1000000};
    serial = 0;
    return 0;
}

static inline int end(void **unused)
{
    (void)unused;
    assert_null(printer_session_check(&session));
    return 0;
}

static struct gcode_line parsed(const char *text)
{
    struct gcode_line line;

    gcode_line_parse(span_of(text), &line);
    return line;
}

static inline bool can_send(const char *text, bool numbered)
{
    struct gcode_line line = parsed(text);

    return printer_session_can_send(&session, &line, numbered);
}

static inline void wrote(const char *text)
{
    assert_true(span_equal(text_span(&written), span_of(text)));
    assert_null(printer_session_check(&session));
}

/* Sends a line with a number or without; what was written is this. */
static inline void send_as(const char *text, bool numbered, const char *expected)
{
    struct gcode_line line = parsed(text);
    struct tag tag = {1, 0, ++serial};

    written = TEXT_IN(written_bytes);
    assert_true(printer_session_can_send(&session, &line, numbered));
    assert_true(printer_session_send(&session, &line, numbered, tag, &written, now));
    wrote(expected);
}

static inline void send(const char *text)
{
    send_as(text, text[0] == 'N', text);
}

static inline enum printer_verdict reply(const char *text, struct printer_answer *ret_answer)
{
    struct printer_reply parsed_reply;
    enum printer_verdict verdict;

    printer_reply_parse(span_of(text), &parsed_reply);
    verdict = printer_session_reply(&session, &parsed_reply, now, ret_answer);
    assert_null(printer_session_check(&session));
    return verdict;
}

static inline enum printer_verdict verdict_of(const char *text)
{
    struct printer_answer answer;

    return reply(text, &answer);
}

/* A Resend answers nothing, nor does its ok. */
static inline void asks_for(const char *resend)
{
    assert_int_equal(verdict_of(resend), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
}

/* An ok answers the line that was sent as that. */
static inline void ok_answers(uint32_t expected)
{
    struct printer_answer answer = {.number = -9};

    assert_int_equal(reply("ok", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.serial, expected);
}

/* What goes out again, "" if nothing. */
static inline void again(const char *expected)
{
    written = TEXT_IN(written_bytes);
    assert_int_equal(printer_session_again(&session, &written), expected[0] != '\0');
    wrote(expected);
}

static inline void hello(void)
{
    send("N0 M110 N0*125\n");
    ok_answers(serial);
}

/* The time has come to ask; what is asked is this. */
static inline void asks(const char *expected)
{
    now = printer_session_deadline(&session);
    printer_session_expire(&session, now);
    written = TEXT_IN(written_bytes);
    assert_int_equal(printer_session_ask(&session, &written, now), expected[0] != '\0');
    wrote(expected);
}
