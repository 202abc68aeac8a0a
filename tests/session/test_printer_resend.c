#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "session/printer_session.h"

static struct printer_session session;
static const struct instant now = {1000000};

static void sent(struct span raw)
{
    char memory[128];
    struct text bytes = TEXT_IN(memory);
    struct gcode_line line;

    gcode_line_parse(raw, &line);
    assert_true(printer_session_can_send(&session, &line, line.numbered));
    assert_true(printer_session_send(&session, &line, line.numbered, (struct tag){0}, &bytes,
                                     now));
    assert_true(span_equal(text_span(&bytes), raw));
}

static enum printer_verdict answered(struct span content)
{
    struct printer_reply reply;
    struct printer_answer answer;

    printer_reply_parse(content, &reply);
    return printer_session_reply(&session, &reply, now, &answer);
}

static void a_resend_that_lost_its_number_doubles_no_line_without_one(void **unused)
{
    char memory[128];
    struct text bytes = TEXT_IN(memory);

    (void)unused;
    printer_session_init(&session, 120);
    sent(SPAN("G1 X10\n"));
    assert_int_equal(answered(SPAN("Resend: ")), PRINTER_FOR_NOBODY);
    assert_int_equal(answered(SPAN("ok")), PRINTER_FOR_NOBODY);
    assert_false(printer_session_again(&session, &bytes));
    assert_int_equal(bytes.length, 0);
    assert_int_equal(answered(SPAN("ok")), PRINTER_ANSWER);
    assert_null(printer_session_check(&session));
}

/* Kept as a line without a number it was never sent again, and what followed it was refused. */
static void an_m110_below_zero_that_was_hurt_goes_again(void **unused)
{
    char memory[128];
    struct text bytes = TEXT_IN(memory);

    (void)unused;
    printer_session_init(&session, 120);
    sent(SPAN("N-1 M110*15\n"));
    assert_int_equal(answered(SPAN("Resend: 1")), PRINTER_FOR_NOBODY);
    assert_int_equal(answered(SPAN("ok")), PRINTER_FOR_NOBODY);
    assert_true(printer_session_again(&session, &bytes));
    assert_true(span_equal(text_span(&bytes), SPAN("N-1 M110*15\n")));
    assert_int_equal(answered(SPAN("ok")), PRINTER_ANSWER);
    assert_null(printer_session_check(&session));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resend_that_lost_its_number_doubles_no_line_without_one),
        cmocka_unit_test(an_m110_below_zero_that_was_hurt_goes_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
