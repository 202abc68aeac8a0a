/*
 * What the soak found: what the wire makes of refusals, numbers and answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "printer_bench.h"

/* The question that is due at once; what is asked is this. */
static void asks_now(const char *expected)
{
    written = TEXT_IN(written_bytes);
    assert_true(printer_session_ask(&session, &written, now));
    wrote(expected);
}

/* It was taken for the line's answer, and the line was never carried out. */
static void the_ok_behind_an_error_whose_resend_was_lost_is_no_answer(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    assert_int_equal(verdict_of("Error:checksum mismatch, Last Line: 0"), PRINTER_REFUSAL);
    assert_int_equal(verdict_of("Rxsend: 1"), PRINTER_TEXT);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    asks_now("\nN2 M105*37\n");
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N1 G1*41\n");
    ok_answers(2);
}

static void an_error_with_neither_resend_nor_ok_brings_the_question(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    assert_int_equal(verdict_of("Error:checksum mismatch, Last Line: 0"), PRINTER_REFUSAL);
    assert_int_equal(printer_session_deadline(&session).us, now.us + RESEND_OK_MS * 1000);
    asks("\nN2 M105*37\n");
}

static void an_error_of_another_kind_is_in_doubt_until_the_printer_is_asked(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send("N1 M21*17\n");
    assert_int_equal(verdict_of("Error:volume.init failed"), PRINTER_TEXT);
    assert_true(printer_session_doubts(&session));
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    assert_true(printer_session_doubts(&session));
    asks_now("\nN2 M105*37\n");
    assert_int_equal(reply("ok T:20.0 /0.0", &answer), PRINTER_LOST_OK);
    assert_int_equal(answer.tag.serial, 2);
    assert_int_equal(reply("ok T:20.0 /0.0", &answer), PRINTER_ANSWER);
    assert_false(printer_session_doubts(&session));
}

static void the_ok_of_a_line_whose_number_was_hurt_is_no_answer(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 G2*41\n");
    assert_int_equal(verdict_of("echo:Unknown command: \"X1 G1\""), PRINTER_TEXT);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N1 G1*41\n");
    ok_answers(2);
    again("N2 G2*41\n");
    ok_answers(3);
}

/* The rest of a line whose beginning went with the buffer that a refusal emptied. */
static void a_stray_is_known_while_all_is_to_go_again(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 G1 X3*97\n");
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("echo:Unknown command: \"1 X3\""), PRINTER_TEXT);
    again("N1 G1*41\n");
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    ok_answers(2);
    again("N2 G1 X3*97\n");
    ok_answers(3);
}

static void a_command_that_is_unknown_indeed_is_answered(void **unused)
{
    (void)unused;
    hello();
    send("N1 M9999*18\n");
    assert_int_equal(verdict_of("echo:Unknown command: \"M9999\""), PRINTER_TEXT);
    ok_answers(2);
    /* Klipper tells the word only. */
    send("N2 M9999 S1*83\n");
    assert_int_equal(verdict_of("// Unknown command:\"M9999\""), PRINTER_TEXT);
    ok_answers(3);
}

/* Its echo was hurt as well: the ok was taken, and the printer asks for what it had answered. */
static void a_line_that_was_answered_in_doubt_goes_again_when_the_printer_insists(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    ok_answers(2);
    send("N2 G2*41\n");
    assert_int_equal(verdict_of("exho:Unkn"), PRINTER_TEXT);
    ok_answers(3);
    send("N3 G3*41\n");
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    asks_now("\nN4 M105*35\n");
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N2 G2*41\n");
    assert_int_equal(reply("ok", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.sender, 0); /* the host has its ok already */
    again("N3 G3*41\n");
    ok_answers(4);
    again("N4 M105*35\n");
}

/* Questions went again from the first on, and then the job's line: into a part, on a cold machine.
 */
static void the_first_line_is_never_given_again_to_a_printer_that_was_reset(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    assert_int_equal(verdict_of("strange"), PRINTER_TEXT);
    ok_answers(2);
    send("N2 G2*41\n");
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    asks_now("\nN3 M105*36\n");
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_RESET);
}

/* It waited for the answer of the line before, which was lost: question after question was refused.
 */
static void a_lost_ok_before_a_resend_holds_nothing_back(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    asks("\nN2 M105*37\n");
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY); /* 1 has arrived */
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N2 M105*37\n");
    assert_int_equal(reply("ok T:20.0 /0.0", &answer), PRINTER_LOST_OK);
    assert_int_equal(answer.tag.serial, 2);
    assert_int_equal(reply("ok T:20.0 /0.0", &answer), PRINTER_ANSWER);
}

/* A printer that reports by itself, or says wait, was never asked a second time. */
static void reports_and_wait_are_no_sign_of_work(void **unused)
{
    struct instant due;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    asks("\nN2 M105*37\n");
    due = printer_session_deadline(&session);
    now = instant_after_ms(now, 1000);
    verdict_of("wait");
    verdict_of(" T:20.0 /0.0 B:20.0 /0.0 @:0 B@:0");
    assert_int_equal(printer_session_deadline(&session).us, due.us);
    verdict_of(" T:20.0 /60.0 B:20.0 /0.0 @:0 B@:0 W:?");
    assert_int_equal(printer_session_deadline(&session).us,
                     now.us + (int64_t)QUESTION_OVERDUE_MS * 1000);
}

static void an_ok_that_says_the_number_of_an_answered_line_is_said_twice(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 G2*41\n");
    assert_int_equal(verdict_of("ok N1 P15 B3"), PRINTER_ANSWER);
    assert_int_equal(verdict_of("ok N1 P15 B3"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok N2 P15 B3"), PRINTER_ANSWER);
    assert_int_equal(verdict_of("ok N2 P15 B3"), PRINTER_FOR_NOBODY);
}

/* What overtook the question was forgotten with it, and the host never got its ok. */
static void a_question_is_not_given_up_with_a_line_that_overtook_it(void **unused)
{
    struct text bytes = TEXT_IN(written_bytes);

    (void)unused;
    hello();
    send("N1 G1*41\n");
    asks("\nN2 M105*37\n");
    ok_answers(2);
    printer_session_overtake(&session, SPAN("M108"), (struct tag){1, 0, 9}, &bytes, now);
    now = printer_session_deadline(&session);
    printer_session_expire(&session, now);
    assert_int_equal(session.lines.unanswered, 2);
}

/* Two in a row: the number of one alone may have been hurt. */
static void oks_that_say_their_numbers_tell_which_were_lost(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 G2*41\n");
    send("N3 G3*41\n");
    assert_int_equal(reply("ok N2 P15 B3", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.serial, 2);
    assert_int_equal(reply("ok N3 P15 B3", &answer), PRINTER_LOST_OK);
    assert_int_equal(answer.tag.serial, 3);
    assert_int_equal(reply("ok N3 P15 B3", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.serial, 4);
}

/* It answers what the wire has made of a line, or is the end of a refusal that was hurt. */
static void where_oks_say_numbers_one_without_is_of_no_numbered_line(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    assert_int_equal(reply("ok N1 P15 B3", &answer), PRINTER_ANSWER);
    send("N2 G2*41\n");
    assert_int_equal(verdict_of("ok P15 B3"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    assert_int_equal(reply("ok N2 P15 B3", &answer), PRINTER_ANSWER);
    send("N3 M105*36\n");
    assert_int_equal(reply("ok T:20.0 /0.0", &answer), PRINTER_ANSWER);
    send_as("G1\n", false, "G1\n");
    assert_int_equal(reply("ok P15 B3", &answer), PRINTER_ANSWER);
}

/* Lines of ours every second, and each ok taken for the line before: the host would never catch
 * up. */
static void lines_of_ours_do_not_hide_a_lost_ok(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    for (int i = 0; i < 4; i++) {
        now = instant_after_ms(now, 1000);
        assert_false(printer_session_asks_first(&session, now));
        printer_session_expire(&session, now);
    }
    now = instant_after_ms(now, 1000);
    assert_true(printer_session_asks_first(&session, now));
    asks_now("\nN2 M105*37\n");
}

static void nothing_goes_out_until_a_reopened_printer_has_lived_on(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    printer_session_reopened(&session, now);
    assert_false(can_send("N2 G2*41\n", true));
    now = instant_after_ms(now, REOPENED_MS);
    printer_session_expire(&session, now);
    asks_now("\nN2 M105*37\n");
    assert_false(can_send("N3 G3*41\n", true));
    assert_int_equal(reply("ok T:20.0 /0.0", &answer), PRINTER_LOST_OK);
    assert_int_equal(reply("ok T:20.0 /0.0", &answer), PRINTER_ANSWER);
    send("N3 G3*41\n");
    /* where nothing is open it is not asked either */
    ok_answers(serial);
    printer_session_reopened(&session, now);
    send("N4 G4*41\n");
}

/* What waits in its queue was not lost: its oks come behind the refusal. */
static void in_an_upload_a_refused_question_waits_for_the_printers_queue(void **unused)
{
    struct printer_answer over;

    (void)unused;
    hello();
    printer_session_uploading(&session, true);
    send("N1 G1*41\n");
    send("N2 G2*41\n");
    now = instant_after_ms(now, OK_OVERDUE_MS);
    printer_session_expire(&session, now);
    asks_now("\nN4 M105*35\n");
    assert_int_equal(verdict_of("Resend: 3"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    assert_false(printer_session_give_up(&session, now, &over));
    ok_answers(2);
    now = instant_after_ms(now, UPLOAD_SETTLES_MS);
    printer_session_expire(&session, now);
    assert_true(printer_session_give_up(&session, now, &over));
    assert_int_equal(over.tag.serial, 3);
    assert_false(printer_session_give_up(&session, now, &over));
    send("N3 G3*41\n");
}

/* A printer that says no ok behind a Resend: lines and refusals would keep step for ever. */
static void refusals_without_oks_are_let_pass_too(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    for (int i = 0; i < RESENDS_CALMED - 1; i++) {
        assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
        assert_int_equal(verdict_of("echo:a word between"), PRINTER_TEXT);
        again("N1 G1*41\n");
    }
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("echo:a word between"), PRINTER_TEXT);
    again("");
    now = instant_after_ms(now, RESEND_OK_MS);
    printer_session_expire(&session, now);
    again("N1 G1*41\n");
    ok_answers(2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_ok_behind_an_error_whose_resend_was_lost_is_no_answer),
        TEST(an_error_with_neither_resend_nor_ok_brings_the_question),
        TEST(an_error_of_another_kind_is_in_doubt_until_the_printer_is_asked),
        TEST(the_ok_of_a_line_whose_number_was_hurt_is_no_answer),
        TEST(oks_that_say_their_numbers_tell_which_were_lost),
        TEST(where_oks_say_numbers_one_without_is_of_no_numbered_line),
        TEST(lines_of_ours_do_not_hide_a_lost_ok),
        TEST(nothing_goes_out_until_a_reopened_printer_has_lived_on),
        TEST(in_an_upload_a_refused_question_waits_for_the_printers_queue),
        TEST(refusals_without_oks_are_let_pass_too),
        TEST(a_stray_is_known_while_all_is_to_go_again),
        TEST(a_command_that_is_unknown_indeed_is_answered),
        TEST(a_line_that_was_answered_in_doubt_goes_again_when_the_printer_insists),
        TEST(the_first_line_is_never_given_again_to_a_printer_that_was_reset),
        TEST(a_lost_ok_before_a_resend_holds_nothing_back),
        TEST(reports_and_wait_are_no_sign_of_work),
        TEST(an_ok_that_says_the_number_of_an_answered_line_is_said_twice),
        TEST(a_question_is_not_given_up_with_a_line_that_overtook_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
