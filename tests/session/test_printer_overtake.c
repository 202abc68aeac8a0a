#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "session/printer_session.h"
#include "wire/line_framer.h"

static struct printer_session session;
static struct instant now = {1000000};
static char memory[2 * LINE_CAPACITY];

/* As many lines of that length overtake as may. */
static unsigned flood(size_t length)
{
    char command[LINE_CAPACITY] = "M108 ";
    unsigned count = 0;

    memset(command + 5, 'x', sizeof command - 5);
    while (count < 1000 && printer_session_can_overtake(&session, (struct span){command, length})) {
        struct text bytes = TEXT_IN(memory);

        printer_session_overtake(&session, (struct span){command, length}, (struct tag){0}, &bytes,
                                 now);
        assert_null(printer_session_check(&session));
        count++;
    }
    return count;
}

/* The longest lines filled the memory for lines sent before their number was full. */
static void a_flood_of_lines_that_overtake_is_held_back(void **unused)
{
    struct text bytes = TEXT_IN(memory);

    (void)unused;
    printer_session_init(&session, 120);
    assert_in_range(flood(1000), 4, PRINTER_LINES_KEPT);
    printer_session_init(&session, 120);
    assert_int_equal(flood(4), PRINTER_LINES_KEPT - 1);
    /* There is room for the question all the same. */
    now = instant_after_ms(now, OK_OVERDUE_MS);
    printer_session_expire(&session, now);
    assert_true(printer_session_ask(&session, &bytes, now));
    assert_null(printer_session_check(&session));
}

/* With no place for another question a printer that had lost them all was never asked again. */
static void the_oldest_is_given_up_to_ask_again(void **unused)
{
    struct printer_answer lost;

    (void)unused;
    printer_session_init(&session, 120);
    flood(4);
    for (unsigned i = 0; i < 5; i++) {
        struct text bytes = TEXT_IN(memory);

        now = printer_session_deadline(&session);
        printer_session_expire(&session, now);
        assert_int_equal(printer_session_give_up(&session, now, &lost), i > 0);
        assert_true(printer_session_ask(&session, &bytes, now));
        assert_false(printer_session_give_up(&session, now, &lost));
        assert_null(printer_session_check(&session));
    }
}

static void many_lines_in_flight_are_no_more_than_can_be_kept(void **unused)
{
    char raw[LINE_CAPACITY];
    struct gcode_line line;
    unsigned count = 0;

    (void)unused;
    memset(raw, 'x', sizeof raw);
    raw[sizeof raw - 1] = '\n';
    gcode_line_parse((struct span){raw, sizeof raw}, &line);
    printer_session_init(&session, 65535);
    while (printer_session_can_send(&session, &line, false)) {
        struct text bytes = TEXT_IN(memory);

        printer_session_send(&session, &line, false, (struct tag){0}, &bytes, now);
        assert_null(printer_session_check(&session));
        count++;
    }
    assert_in_range(count, 4, PRINTER_IN_FLIGHT);
}

static void sends(const char *raw, uint32_t serial)
{
    struct text bytes = TEXT_IN(memory);
    struct gcode_line line;

    gcode_line_parse(span_of(raw), &line);
    assert_true(
        printer_session_send(&session, &line, true, (struct tag){1, 0, serial}, &bytes, now));
}

static enum printer_verdict hears(const char *text, struct printer_answer *ret_answer)
{
    struct printer_reply reply;

    printer_reply_parse(span_of(text), &reply);
    return printer_session_reply(&session, &reply, now, ret_answer);
}

static void goes_again(const char *expected)
{
    struct text bytes = TEXT_IN(memory);

    assert_true(printer_session_again(&session, &bytes));
    assert_true(span_equal(text_span(&bytes), span_of(expected)));
}

/* Between two lines that go again it is the printer's next to answer: no line's ok but its own. */
static void the_ok_of_what_overtook_lines_that_go_again_is_none_of_theirs(void **unused)
{
    struct text bytes = TEXT_IN(memory);
    struct printer_answer answer;

    (void)unused;
    printer_session_init(&session, 120);
    sends("N0 M110 N0*125\n", 1);
    assert_int_equal(hears("ok", &answer), PRINTER_ANSWER);
    sends("N1 G1 X1*96\n", 2);
    sends("N2 G1 X1*99\n", 3);
    assert_int_equal(hears("Resend: 1", &answer), PRINTER_FOR_NOBODY);
    assert_int_equal(hears("ok", &answer), PRINTER_FOR_NOBODY);
    goes_again("N1 G1 X1*96\n");
    printer_session_overtake(&session, SPAN("M108"), (struct tag){1, 0, 4}, &bytes, now);
    assert_int_equal(hears("ok", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.serial, 2);
    goes_again("N2 G1 X1*99\n");
    assert_int_equal(hears("ok", &answer), PRINTER_FOR_NOBODY); /* M108's */
    assert_int_equal(hears("ok", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.serial, 3);
    assert_true(printer_session_give_up(&session, now, &answer));
    assert_int_equal(answer.tag.serial, 4);
    assert_true(answer.overtook);
    assert_null(printer_session_check(&session));
}

/* It was refused and said so when M108 was on its way: M108 came behind that, and is answered. */
static void what_overtook_a_refusal_under_way_is_still_answered(void **unused)
{
    struct text bytes = TEXT_IN(memory);
    struct printer_answer answer;

    (void)unused;
    printer_session_init(&session, 120);
    sends("N0 M110 N0*125\n", 1);
    assert_int_equal(hears("ok", &answer), PRINTER_ANSWER);
    sends("N1 G1 X1*96\n", 2);
    sends("N2 G1 X1*99\n", 3);
    assert_int_equal(hears("Resend: 1", &answer), PRINTER_FOR_NOBODY);
    assert_int_equal(hears("ok", &answer), PRINTER_FOR_NOBODY);
    goes_again("N1 G1 X1*96\n");
    printer_session_overtake(&session, SPAN("M108"), (struct tag){1, 0, 4}, &bytes, now);
    assert_int_equal(hears("Resend: 1", &answer), PRINTER_FOR_NOBODY);
    assert_int_equal(hears("ok", &answer), PRINTER_FOR_NOBODY);
    goes_again("N1 G1 X1*96\n");
    assert_int_equal(hears("ok", &answer), PRINTER_FOR_NOBODY); /* M108's */
    assert_int_equal(hears("ok", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.serial, 2);
    assert_null(printer_session_check(&session));
}

/* Its ok was taken for that of the line that was going out again: carried out after younger ones. */
static void what_came_behind_a_refused_line_is_answered_before_it(void **unused)
{
    struct text bytes = TEXT_IN(memory);
    struct printer_answer answer;

    (void)unused;
    printer_session_init(&session, 120);
    sends("N0 M110 N0*125\n", 1);
    assert_int_equal(hears("ok", &answer), PRINTER_ANSWER);
    sends("N1 G1 X1*96\n", 2);
    sends("N2 G1 X1*99\n", 3);
    printer_session_overtake(&session, SPAN("M108"), (struct tag){1, 0, 4}, &bytes, now);
    assert_int_equal(hears("Resend: 2", &answer), PRINTER_FOR_NOBODY);
    assert_int_equal(hears("ok", &answer), PRINTER_FOR_NOBODY);
    goes_again("N2 G1 X1*99\n");
    assert_int_equal(hears("ok", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.serial, 2);
    assert_int_equal(hears("ok", &answer), PRINTER_FOR_NOBODY); /* M108's */
    assert_int_equal(hears("ok", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.serial, 3);
    assert_true(printer_session_give_up(&session, now, &answer));
    assert_int_equal(answer.tag.serial, 4);
    assert_true(answer.overtook);
    assert_null(printer_session_check(&session));
}

/* It stood in the buffer that the refusal has emptied: then an ok is awaited that does not come. */
static void what_was_lost_behind_a_refused_line_costs_a_question(void **unused)
{
    struct text bytes = TEXT_IN(memory);
    struct printer_answer answer;

    (void)unused;
    printer_session_init(&session, 120);
    sends("N0 M110 N0*125\n", 1);
    assert_int_equal(hears("ok", &answer), PRINTER_ANSWER);
    sends("N1 G1 X1*96\n", 2);
    printer_session_overtake(&session, SPAN("M108"), (struct tag){1, 0, 3}, &bytes, now);
    assert_int_equal(hears("Resend: 1", &answer), PRINTER_FOR_NOBODY);
    assert_int_equal(hears("ok", &answer), PRINTER_FOR_NOBODY);
    goes_again("N1 G1 X1*96\n");
    assert_int_equal(hears("ok", &answer), PRINTER_FOR_NOBODY);
    now = printer_session_deadline(&session);
    printer_session_expire(&session, now);
    bytes = TEXT_IN(memory);
    assert_true(printer_session_ask(&session, &bytes, now));
    assert_int_equal(hears("ok T:20.0 /0.0", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.serial, 2);
    assert_true(printer_session_give_up(&session, now, &answer));
    assert_int_equal(answer.tag.serial, 3);
    goes_again("N2 M105*37\n");
    assert_int_equal(hears("ok T:20.0 /0.0", &answer), PRINTER_ANSWER);
    assert_int_equal(session.lines.unanswered, 0);
    assert_null(printer_session_check(&session));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_lines_that_overtake_is_held_back),
        cmocka_unit_test(the_oldest_is_given_up_to_ask_again),
        cmocka_unit_test(many_lines_in_flight_are_no_more_than_can_be_kept),
        cmocka_unit_test(the_ok_of_what_overtook_lines_that_go_again_is_none_of_theirs),
        cmocka_unit_test(what_overtook_a_refusal_under_way_is_still_answered),
        cmocka_unit_test(what_came_behind_a_refused_line_is_answered_before_it),
        cmocka_unit_test(what_was_lost_behind_a_refused_line_costs_a_question),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
