/*
 * A printer that insists: on a line that never gets through, on one that it has answered, and on
 * the next, as if what it was sent had never been.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "printer_bench.h"

/* The question that is due at once; what is asked is this, "" if nothing. */
static void asks_now(const char *expected)
{
    written = TEXT_IN(written_bytes);
    assert_int_equal(printer_session_ask(&session, &written, now), expected[0] != '\0');
    wrote(expected);
}

static void refuses(const char *resend)
{
    assert_int_equal(verdict_of("Error:checksum mismatch, Last Line: 0"), PRINTER_REFUSAL);
    asks_for(resend);
}

/* All refusals under way are let pass; then that goes out again. */
static void goes_again(const char *expected)
{
    if (session.resend == RESEND_CALMING) {
        now = printer_session_deadline(&session);
        printer_session_expire(&session, now);
    }
    again(expected);
}

/* So often refused, and given again each time. */
static void refused_times(unsigned times, const char *resend, const char *line)
{
    for (unsigned i = 0; i < times; i++) {
        refuses(resend);
        goes_again(line);
    }
}

/* The tenth time: something else goes in its place. */
static void is_let_go_for(const char *resend, const char *instead)
{
    assert_int_equal(verdict_of(resend), PRINTER_STUCK);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    goes_again(instead);
}

/* --- a line that never gets through --- */

/* It was sent ten times a second for ever, and the lines that switch the heaters off waited. */
static void a_line_refused_ten_times_is_let_go_and_those_behind_go_on(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 M104 S0*103\n");
    refused_times(RESENDS_OF_ONE_LINE - 1, "Resend: 1", "N1 G1*41\n");
    assert_int_equal(verdict_of("Error:checksum mismatch, Last Line: 0"), PRINTER_REFUSAL);
    assert_int_equal(reply("Resend: 1", &answer), PRINTER_STUCK);
    assert_int_equal(answer.tag.serial, 2);
    assert_true(span_equal(answer.line, SPAN("N1 G1*41\n")));
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    goes_again("N1 M110 N1*125\n"); /* the printer counts on */
    ok_answers(2);                  /* and the sender has its ok */
    again("N2 M104 S0*103\n");
    ok_answers(3);
}

static void each_line_has_ten_of_its_own(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 G2*41\n");
    refused_times(RESENDS_OF_ONE_LINE - 1, "Resend: 1", "N1 G1*41\n");
    is_let_go_for("Resend: 1", "N1 M110 N1*125\n");
    ok_answers(2);
    again("N2 G2*41\n");
    refused_times(RESENDS_OF_ONE_LINE - 1, "Resend: 2", "N2 G2*41\n");
    assert_int_equal(reply("Resend: 2", &answer), PRINTER_STUCK);
    assert_int_equal(answer.tag.serial, 3);
}

/* In its file a number would be one of whatever prints it. */
static void in_an_upload_a_bare_m110_stands_for_it(void **unused)
{
    (void)unused;
    hello();
    printer_session_uploading(&session, true);
    send("N1 G1*41\n");
    refused_times(RESENDS_OF_ONE_LINE - 1, "Resend: 1", "N1 G1*41\n");
    is_let_go_for("Resend: 1", "N1 M110*34\n");
    ok_answers(2);
}

static void where_m110_is_refused_for_ever_as_well_the_line_is_over(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 G2*41\n");
    refused_times(RESENDS_OF_ONE_LINE - 1, "Resend: 1", "N1 G1*41\n");
    is_let_go_for("Resend: 1", "N1 M110 N1*125\n");
    refused_times(RESENDS_OF_ONE_LINE - 1, "Resend: 1", "N1 M110 N1*125\n");
    refuses("Resend: 1");
    goes_again("");
    assert_true(printer_session_give_up(&session, now, &answer));
    assert_int_equal(answer.tag.serial, 2);
    again("N2 G2*41\n");
}

static void an_m110_refused_ten_times_is_let_go_too(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    send("N0 M110 N0*125\n");
    refused_times(RESENDS_OF_ONE_LINE - 1, "Resend: 5", "N0 M110 N0*125\n");
    assert_int_equal(reply("Resend: 5", &answer), PRINTER_STUCK);
    assert_int_equal(answer.tag.serial, 1);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    goes_again("");
    assert_true(printer_session_give_up(&session, now, &answer));
    assert_int_equal(answer.tag.serial, 1);
    assert_int_equal(session.lines.unanswered, 0);
}

/* --- a line that was answered beyond doubt --- */

static void sent_and_answered_up_to(int64_t last)
{
    char text[32];

    hello();
    for (int64_t number = 1; number <= last; number++) {
        struct text line = TEXT_IN(text);

        gcode_line_number(SPAN("G1"), number, &line);
        text[line.length] = '\0';
        send(text);
        ok_answers(serial);
    }
}

/* OctoPrint's virtual printer does that (`trigger_resend_lineno`); the job died of it. */
static void a_line_that_was_answered_goes_again_when_it_is_insisted_on(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    sent_and_answered_up_to(2);
    send("N3 G3*41\n");
    refuses("Resend: 2");
    asks_now("\nN4 M105*35\n");
    assert_int_equal(verdict_of("Error:checksum mismatch, Last Line: 1"), PRINTER_REFUSAL);
    assert_int_equal(reply("Resend: 2", &answer), PRINTER_INSISTS);
    assert_true(span_equal(answer.line, SPAN("N2 G1*42\n")));
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N2 G1*42\n");
    assert_int_equal(reply("ok", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.sender, 0); /* the host has its ok already */
    again("N3 G3*41\n");
    ok_answers(4);
    again("N4 M105*35\n");
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    send("N5 G1*45\n");
}

/* Then it counts wrong, and the line is not what it lacks. */
static void it_goes_again_once_and_then_the_printer_is_told_its_number(void **unused)
{
    (void)unused;
    sent_and_answered_up_to(2);
    send("N3 G3*41\n");
    refuses("Resend: 2");
    asks_now("\nN4 M105*35\n");
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_INSISTS);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N2 G1*42\n");
    assert_int_equal(verdict_of("ok"), PRINTER_ANSWER);
    again("N3 G3*41\n");
    refuses("Resend: 2");
    asks_now("\nN5 M105*34\n");
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_INSISTS);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N2 M110 N2*125\n");
    assert_int_equal(verdict_of("ok"), PRINTER_ANSWER);
    again("N3 G3*41\n");
    ok_answers(4);
}

/* `Resend: 2` for `Resend: 25`: whoever tears twice tears differently. */
static void two_torn_numbers_are_no_insisting(void **unused)
{
    (void)unused;
    sent_and_answered_up_to(24);
    send("N25 G3*29\n");
    refuses("Resend: 2");
    asks_now("\nN26 M105*19\n");
    refuses("Resend: 5");
    asks_now("\nN27 M105*18\n");
    refuses("Resend: 25");
    again("N25 G3*29\n");
    ok_answers(26);
}

static void no_more_is_given_again_than_can_have_been_in_flight(void **unused)
{
    (void)unused;
    sent_and_answered_up_to(PRINTER_IN_FLIGHT + 3);
    send("N20 G3*24\n");
    refuses("Resend: 3");
    asks_now("\nN21 M105*20\n");
    assert_int_equal(verdict_of("Resend: 3"), PRINTER_RESET);
}

static void a_printer_that_asks_for_line_1_was_reset(void **unused)
{
    (void)unused;
    sent_and_answered_up_to(2);
    send("N3 G3*41\n");
    refuses("Resend: 1");
    asks_now("\nN4 M105*35\n");
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_RESET);
}

/* The first behind a host's own M110 is the first of its count. */
static void so_was_one_that_asks_for_what_stands_behind_m110(void **unused)
{
    (void)unused;
    send("N100 M110 N100*125\n");
    ok_answers(1);
    send("N101 G1*40\n");
    ok_answers(2);
    send("N102 G2*40\n");
    refuses("Resend: 101");
    asks_now("\nN103 M105*37\n");
    assert_int_equal(verdict_of("Resend: 101"), PRINTER_RESET);
}

/* It was let pass as that one was; the oks of the refusals behind it were taken for answers. */
static void a_line_refused_often_delays_no_question_about_another(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    refused_times(RESENDS_CALMED, "Resend: 1", "N1 G1*41\n");
    ok_answers(2);
    send("N2 G2*41\n");
    send("N3 G3*41\n");
    send("N4 G4*41\n");
    ok_answers(3);
    ok_answers(4); /* N2's again; N3 was hurt */
    refuses("Resend: 3");
    asks_now("\nN5 M105*34\n");
    assert_int_equal(verdict_of("Resend: 3"), PRINTER_INSISTS);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N3 G3*41\n");
    assert_int_equal(verdict_of("ok"), PRINTER_ANSWER);
    again("N4 G4*41\n");
    ok_answers(5);
}

/* A digit was flipped. */
static void while_refusals_are_let_pass_the_ok_of_each_is_its_own(void **unused)
{
    (void)unused;
    sent_and_answered_up_to(2);
    send("N3 G3*41\n");
    refused_times(RESENDS_CALMED - 1, "Resend: 3", "N3 G3*41\n");
    refuses("Resend: 3");
    assert_int_equal(session.resend, RESEND_CALMING);
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    goes_again("N3 G3*41\n");
    ok_answers(4);
}

/* --- the next --- */

/* It takes line 1, drops it and asks for 2 (`resend_ratio`): the host waited for five seconds. */
static void a_resend_for_the_next_line_brings_the_question_at_once(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    refuses("Resend: 2");
    asks_now("\nN2 M105*37\n");
    assert_int_equal(reply("ok T:20.0 /0.0", &answer), PRINTER_LOST_OK);
    assert_int_equal(answer.tag.serial, 2);
    assert_int_equal(reply("ok T:20.0 /0.0", &answer), PRINTER_ANSWER);
    send("N3 G3*41\n");
}

static void nothing_is_asked_where_all_is_answered(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    ok_answers(2);
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    asks_now("");
}

/* One question at a time, and the next in five seconds. */
static void a_storm_of_resends_makes_no_storm_of_questions(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    refuses("Resend: 2");
    asks_now("\nN2 M105*37\n");
    for (unsigned i = 0; i < 20; i++) {
        refuses("Resend: 3");
        asks_now("");
    }
    assert_int_equal(printer_session_deadline(&session).us,
                     instant_after_ms(now, OK_OVERDUE_MS).us);
    asks("\nN3 M105*36\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_line_refused_ten_times_is_let_go_and_those_behind_go_on),
        TEST(each_line_has_ten_of_its_own),
        TEST(in_an_upload_a_bare_m110_stands_for_it),
        TEST(where_m110_is_refused_for_ever_as_well_the_line_is_over),
        TEST(an_m110_refused_ten_times_is_let_go_too),
        TEST(a_line_that_was_answered_goes_again_when_it_is_insisted_on),
        TEST(it_goes_again_once_and_then_the_printer_is_told_its_number),
        TEST(two_torn_numbers_are_no_insisting),
        TEST(no_more_is_given_again_than_can_have_been_in_flight),
        TEST(a_printer_that_asks_for_line_1_was_reset),
        TEST(so_was_one_that_asks_for_what_stands_behind_m110),
        TEST(a_line_refused_often_delays_no_question_about_another),
        TEST(while_refusals_are_let_pass_the_ok_of_each_is_its_own),
        TEST(a_resend_for_the_next_line_brings_the_question_at_once),
        TEST(nothing_is_asked_where_all_is_answered),
        TEST(a_storm_of_resends_makes_no_storm_of_questions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
