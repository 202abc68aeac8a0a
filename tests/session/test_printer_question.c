#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "printer_bench.h"

static void an_overdue_ok_is_asked_for_under_our_next_number(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 G1*42\n");
    assert_int_equal(printer_session_deadline(&session).us, now.us + OK_OVERDUE_MS * 1000);
    now = printer_session_deadline(&session);
    printer_session_expire(&session, now);
    written = TEXT_IN(written_bytes);
    assert_true(printer_session_ask(&session, &written, now));
    wrote("\nN3 M105*36\n");
    assert_false(can_send("N4 G1*44\n", true));
    /* Both are over, their oks were lost. */
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_LOST_OK);
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_LOST_OK);
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    assert_int_equal(session.lines.unanswered, 0);
    send_as("N3 G1*43\n", true, "N4 G1*44\n");
}

static void a_question_that_is_refused_tells_which_line_never_came(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    now = printer_session_deadline(&session);
    printer_session_expire(&session, now);
    written = TEXT_IN(written_bytes);
    assert_true(printer_session_ask(&session, &written, now));
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N1 G1*41\n");
    ok_answers(2);
    again("N2 M105*37\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
}

static void busy_is_no_silence(void **unused)
{
    (void)unused;
    send("G28\n");
    for (unsigned i = 0; i < 10; i++) {
        now = instant_after_ms(now, 2000);
        printer_session_expire(&session, now);
        assert_int_equal(verdict_of("echo:busy: processing"), PRINTER_TEXT);
        written = TEXT_IN(written_bytes);
        assert_false(printer_session_ask(&session, &written, now));
    }
}

static void a_question_bears_a_number_while_a_numbered_line_is_in_flight(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    written = TEXT_IN(written_bytes);
    printer_session_overtake(&session, SPAN("M108"), (struct tag){1, 0, 77}, &written, now);
    now = printer_session_deadline(&session);
    printer_session_expire(&session, now);
    written = TEXT_IN(written_bytes);
    assert_true(printer_session_ask(&session, &written, now));
    wrote("\nN2 M105*37\n");
}

/* A lost poll and the question are both M105, and one answer came: the next was waited for, for
 * ever. */
static void a_question_whose_answer_was_taken_for_a_lost_polls_is_given_up(void **unused)
{
    (void)unused;
    send("M105\n");
    asks("\nM105\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    assert_int_equal(session.lines.unanswered, 1);
    assert_false(can_send("M105\n", false));
    asks("");
    assert_int_equal(session.lines.unanswered, 0);
    assert_true(instant_is_never(printer_session_deadline(&session)));
    send("M105\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
}

static void a_question_given_up_that_never_arrived_goes_again(void **unused)
{
    (void)unused;
    hello();
    send("N1 M105*38\n");
    asks("\nN2 M105*37\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    asks("");
    send_as("N2 G1*42\n", true, "N3 G1*43\n");
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N2 M105*37\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    again("N3 G1*43\n");
    ok_answers(3);
    send_as("N3 G1*43\n", true, "N4 G1*44\n");
}

/* A vanished port took oks with it, one of them a poll's: the next question came after 30 s. */
static void a_question_perhaps_answered_in_a_polls_name_is_asked_again_soon(void **unused)
{
    (void)unused;
    hello();
    send("N1 M105*38\n");
    send("N2 G1*42\n");
    asks("\nN3 M105*36\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER); /* it was the question's */
    assert_int_equal(printer_session_deadline(&session).us, now.us + OK_OVERDUE_MS * 1000);
    asks("\nN4 M105*35\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_LOST_OK);
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    asks("");
    assert_int_equal(session.lines.unanswered, 0);
}

/* It works on, so what it answered was the poll: the question is still behind. */
static void a_printer_that_works_on_is_not_asked_again_soon(void **unused)
{
    (void)unused;
    hello();
    send("N1 M105*38\n");
    send("N2 G1*42\n");
    send("N3 G28*16\n");
    asks("\nN4 M105*35\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    assert_int_equal(verdict_of("ok"), PRINTER_ANSWER);
    assert_int_equal(printer_session_deadline(&session).us, now.us + QUESTION_OVERDUE_MS * 1000);
}

/* Its blank line's ok was taken for a line's. */
static void klipper_is_asked_without_a_blank_line(void **unused)
{
    (void)unused;
    printer_session_answers_blank(&session, true);
    send("G28\n");
    asks("M105\n");
    assert_int_equal(verdict_of("ok"), PRINTER_ANSWER);
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    assert_int_equal(session.lines.unanswered, 0);
}

/* An ok that the wire doubled had answered the poll, and the poll's own was taken for the question's:
 * oks that were to come were made up. */
static void the_late_answer_of_a_poll_is_not_that_of_the_question(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 M105*37\n");
    send("N3 G1*43\n");
    ok_answers(2);
    ok_answers(3); /* N1's again */
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY); /* of N1, doubled as well */
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    written = TEXT_IN(written_bytes);
    assert_true(printer_session_ask(&session, &written, now));
    wrote("\nN4 M105*35\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_FOR_NOBODY);
    ok_answers(4);
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    assert_int_equal(session.lines.unanswered, 0);
    assert_int_equal(session.question, QUESTION_NONE);
}

/* The poll's was hurt, and a digit of a Resend: then it was the question's, and nothing more comes. */
static void a_question_whose_answer_was_taken_for_a_late_polls_is_asked_again_soon(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 M105*37\n");
    send("N3 G1*43\n");
    ok_answers(2);
    ok_answers(3);
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    written = TEXT_IN(written_bytes);
    assert_true(printer_session_ask(&session, &written, now));
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_FOR_NOBODY);
    assert_int_equal(printer_session_deadline(&session).us, now.us + OK_OVERDUE_MS * 1000);
    asks("\nN5 M105*34\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_LOST_OK);
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
}

static void an_m110_and_its_question_are_refused(void)
{
    send("N0 M110 N0*125\n");
    asks("\nN1 M105*38\n");
    asks_for("Resend: 3");
    again("N0 M110 N0*125\n");
}

/* Its LF was hurt, and both were refused: it went twice, and its second ok was the question's. */
static void the_refusal_of_a_question_behind_an_m110_is_not_the_m110s(void **unused)
{
    (void)unused;
    an_m110_and_its_question_are_refused();
    asks_for("Resend: 3");
    again("");
    ok_answers(1);
    again("N1 M105*38\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    assert_int_equal(session.lines.unanswered, 0);
    send("N2 G1*42\n");
}

/* The ok of the one under way is nobody's: the next answers it, and no line behind it. */
static void an_m110_that_was_torn_in_two_is_answered_once(void **unused)
{
    (void)unused;
    send("N0 M110 N0*125\n");
    asks_for("Resend: 3");
    again("N0 M110 N0*125\n");
    asks_for("Resend: 3");
    again("");
    assert_int_equal(verdict_of("ok"), PRINTER_SURPLUS_OK);
    now = printer_session_deadline(&session);
    printer_session_expire(&session, now);
    again("N0 M110 N0*125\n");
    ok_answers(1);
    assert_int_equal(session.lines.unanswered, 0);
}

/* What went behind was lost with the buffer, and the M110 hurt anew: the next question tells. */
static void an_m110_refused_for_its_question_goes_again_behind_the_next(void **unused)
{
    (void)unused;
    an_m110_and_its_question_are_refused();
    asks_for("Resend: 3");
    again("");
    asks("\nN2 M105*37\n");
    asks_for("Resend: 3");
    now = printer_session_deadline(&session);
    printer_session_expire(&session, now);
    again("N0 M110 N0*125\n");
    ok_answers(1);
    again("N1 M105*38\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
}

/* The printer expected just that number; taken for the M110's, all oks came one line early. */
static void the_late_answer_of_a_question_is_not_that_of_an_m110_that_goes_again(void **unused)
{
    (void)unused;
    an_m110_and_its_question_are_refused();
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_FOR_NOBODY);
    again("");
    ok_answers(1);
    again("N1 M105*38\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    assert_int_equal(session.lines.unanswered, 0);
}

/* Nothing else tells that its own was lost: the host waited for ever. */
static void the_answer_of_the_next_question_is_that_of_an_m110_that_goes_again(void **unused)
{
    (void)unused;
    an_m110_and_its_question_are_refused();
    asks("\nN2 M105*37\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    assert_int_equal(session.lines.unanswered, 2);
}

/* It was that of a line whose number the printer had emptied its buffer over: all oks came early. */
static void an_ok_without_temperatures_is_no_questions_where_a_poll_had_them(void **unused)
{
    (void)unused;
    hello();
    send("N1 M105*38\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    asks_for("Resend: 1"); /* a digit was flipped */
    written = TEXT_IN(written_bytes);
    assert_true(printer_session_ask(&session, &written, now));
    wrote("\nN2 M105*37\n");
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    assert_int_equal(session.lines.unanswered, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(an_overdue_ok_is_asked_for_under_our_next_number),
        TEST(a_question_that_is_refused_tells_which_line_never_came),
        TEST(busy_is_no_silence),
        TEST(a_question_bears_a_number_while_a_numbered_line_is_in_flight),
        TEST(a_question_whose_answer_was_taken_for_a_lost_polls_is_given_up),
        TEST(a_question_given_up_that_never_arrived_goes_again),
        TEST(a_question_perhaps_answered_in_a_polls_name_is_asked_again_soon),
        TEST(a_printer_that_works_on_is_not_asked_again_soon),
        TEST(klipper_is_asked_without_a_blank_line),
        TEST(the_late_answer_of_a_poll_is_not_that_of_the_question),
        TEST(a_question_whose_answer_was_taken_for_a_late_polls_is_asked_again_soon),
        TEST(the_refusal_of_a_question_behind_an_m110_is_not_the_m110s),
        TEST(an_m110_that_was_torn_in_two_is_answered_once),
        TEST(an_m110_refused_for_its_question_goes_again_behind_the_next),
        TEST(the_late_answer_of_a_question_is_not_that_of_an_m110_that_goes_again),
        TEST(the_answer_of_the_next_question_is_that_of_an_m110_that_goes_again),
        TEST(an_ok_without_temperatures_is_no_questions_where_a_poll_had_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
