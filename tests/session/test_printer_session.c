#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "printer_bench.h"

static void an_ok_answers_the_oldest_line(void **unused)
{
    (void)unused;
    send("G28\n");
    send("M105\n");
    ok_answers(1);
    ok_answers(2);
    assert_int_equal(verdict_of("ok"), PRINTER_SURPLUS_OK);
}

static void text_is_no_answer(void **unused)
{
    (void)unused;
    send("M115\n");
    assert_int_equal(verdict_of("FIRMWARE_NAME:Marlin"), PRINTER_TEXT);
    assert_int_equal(verdict_of("echo:busy: processing"), PRINTER_TEXT);
    assert_int_equal(verdict_of(" T:20.0 /0.0"), PRINTER_TEXT);
    assert_int_equal(verdict_of("wait"), PRINTER_TEXT);
    ok_answers(1);
}

static void an_answer_tells_the_number_on_the_wire(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    hello();
    send_as("N7 G1*47\n", true, "N1 G1*41\n");
    assert_int_equal(reply("ok N1 P15 B3", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.number, 1);
    send("M105\n");
    assert_int_equal(reply("ok", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.number, -1);
}

static void a_line_with_our_next_number_goes_out_in_its_very_bytes(void **unused)
{
    (void)unused;
    hello();
    send("N1   G1 X1 *64\r\n");
    ok_answers(2);
    /* A number of ours it is written with anew, without comment. */
    send_as("N5 G1 X2 ; left*3\n", true, "N2 G1 X2*96\n");
    ok_answers(3);
    send_as("G1 X3\n", true, "N3 G1 X3*96\n");
    ok_answers(4);
    send_as("N4 G1 X4*96\n", false, "G1 X4\n");
    ok_answers(5);
    send("G1 X5 ; right \r\n");
}

static void at_most_so_many_bytes_are_in_flight_and_one_line_always(void **unused)
{
    char text[200];

    (void)unused;
    memset(text, 'x', 150);
    memcpy(text, "M117 ", 5);
    text[150] = '\n';
    text[151] = '\0';
    send(text);
    assert_false(can_send("M105\n", false));
    ok_answers(1);
    text[59] = '\n';
    text[60] = '\0';
    send(text);
    send(text);
    assert_false(can_send("\n", false));
    ok_answers(2);
    send(text);
}

static void at_most_sixteen_lines_are_in_flight(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < PRINTER_IN_FLIGHT; i++)
        send("G1\n");
    assert_false(can_send("G1\n", false));
    ok_answers(1);
    send("G1\n");
}

static void numbered_and_unnumbered_lines_are_never_in_flight_together(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    assert_false(can_send("M105\n", false));
    ok_answers(2);
    send("M105\n");
    assert_false(can_send("N2 G1*42\n", true));
    ok_answers(3);
    assert_true(can_send("N2 G1*42\n", true));
}

static void m110_waits_for_all_and_all_wait_for_it(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    assert_false(can_send("N2 M110 N9*118\n", true));
    ok_answers(2);
    send("N2 M110 N9*118\n");
    assert_false(can_send("N10 G1*25\n", true));
    assert_false(can_send("M105\n", false));
    ok_answers(3);
    send("N10 G1*25\n");
}

/* Its number torn off, M28 opened the file before a refused line had gone again, which was written. */
static void what_begins_or_ends_a_file_waits_for_all(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    assert_false(can_send("N2 M28 A*122\n", true));
    assert_false(can_send("N2 M928 A*67\n", true));
    assert_false(can_send("N2 M29*26\n", true));
    assert_true(can_send("N2 M290*42\n", true));
    ok_answers(2);
    send("N2 M29*26\n");
    send("N3 G1*43\n"); /* behind it all goes on */
    ok_answers(3);
    ok_answers(4);
    send("N4 M28 A*124\n");
    assert_false(can_send("N5 G1*45\n", true));
    ok_answers(5);
    send("N5 G1*45\n");
}

/* It went out as `M110` alone, which sets nothing: the printer refused the next line. */
static void a_host_may_begin_below_zero_as_pronterface_does(void **unused)
{
    (void)unused;
    send("N-1 M110*15\n");
    wrote("N-1 M110*15\n");
    ok_answers(1);
    send("N0 M105*39\n");
    wrote("N0 M105*39\n");
    ok_answers(2);
}

/* It went out as `N0 M110 N0`: other bytes than the host's. */
static void an_m110_below_zero_that_sets_another_number_goes_as_it_came(void **unused)
{
    (void)unused;
    send("N-1 M110 N0*81\n");
    wrote("N-1 M110 N0*81\n");
    ok_answers(1);
    send("N1 M105*38\n");
    wrote("N1 M105*38\n");
    ok_answers(2);
}

static void an_m110_of_ours_goes_first_if_the_first_number_is_no_m110(void **unused)
{
    struct gcode_line line = parsed("N41 G1*29\n");

    (void)unused;
    written = TEXT_IN(written_bytes);
    assert_false(printer_session_send(&session, &line, true, (struct tag){1, 0, 7}, &written, now));
    wrote("N40 M110 N40*125\n");
    assert_false(can_send("N41 G1*29\n", true));
    ok_answers(0); /* nobody's */
    send("N41 G1*29\n");
}

static void offer_behind_an_m110_of_ours(const char *raw)
{
    struct gcode_line line = parsed(raw);

    written = TEXT_IN(written_bytes);
    assert_false(printer_session_send(&session, &line, true, (struct tag){1, 0, 7}, &written, now));
    wrote("N-1 M110 N-1*125\n");
    assert_false(can_send(raw, true));
    ok_answers(0);
}

/* Below 0 a line of ours bore no number and used one up: the next left a hole. */
static void numbers_below_zero_begin_anew_at_zero(void **unused)
{
    (void)unused;
    offer_behind_an_m110_of_ours("N-1 G28*63\n");
    send_as("N-1 G28*63\n", true, "N0 G28*19\n");
    ok_answers(1);
    send("N-5 M110*11\n");
    wrote("N-5 M110*11\n");
    ok_answers(2);
    offer_behind_an_m110_of_ours("M105\n");
    send_as("M105\n", true, "N0 M105*39\n");
    ok_answers(3);
    send_as("N-4 G28*58\n", true, "N1 G28*18\n");
}

static void a_line_too_long_for_its_number_goes_alone_and_without(void **unused)
{
    char command[120], numbered[120];

    (void)unused;
    hello();
    memset(command, 'x', 90);
    memcpy(command, "M117 ", 5);
    command[90] = '\n';
    command[91] = '\0';
    strcpy(numbered, "N1 ");
    strcat(numbered, command);
    send_as(numbered, true, command);
    assert_false(can_send("N2 G1*42\n", true));
    ok_answers(2);
    /* Its number is not used up. */
    send_as("N2 G1*42\n", true, "N1 G1*41\n");
    assert_false(can_send(numbered, true));
    ok_answers(3);
    printer_session_longest_line(&session, 0);
    assert_true(can_send(numbered, true));
}

static void a_resend_brings_the_line_and_all_behind_it_again_one_at_a_time(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 G1*42\n");
    send("N3 G1*43\n");
    ok_answers(2);
    assert_int_equal(verdict_of("Error:checksum mismatch, Last Line: 1"), PRINTER_REFUSAL);
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    again(""); /* its ok may come yet */
    assert_false(can_send("N4 G1*44\n", true));
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N2 G1*42\n");
    again("");
    assert_false(can_send("N4 G1*44\n", true));
    ok_answers(3);
    again("N3 G1*43\n");
    ok_answers(4);
    send("N4 G1*44\n");
    assert_int_equal(session.resends, 1);
}

static void the_ok_of_a_resend_comes_within_100_ms_as_the_next_line_or_not_at_all(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
    assert_int_equal(printer_session_deadline(&session).us, now.us + RESEND_OK_MS * 1000);
    now = printer_session_deadline(&session);
    printer_session_expire(&session, now);
    again("N1 G1*41\n");
    ok_answers(2);

    send("N2 G1*42\n");
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of(" T:20.0 /0.0"), PRINTER_TEXT);
    again("N2 G1*42\n");
    ok_answers(3);
}

static void an_ok_before_what_was_asked_for_went_out_again_answers_nothing(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_SURPLUS_OK);
    again("N1 G1*41\n");
    ok_answers(2);
}

static void a_resend_for_a_line_not_sent_yet_repeats_nothing(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("");
    written = TEXT_IN(written_bytes);
    assert_true(printer_session_ask(&session, &written, now));
    wrote("\nN2 M105*37\n");
    ok_answers(2);
    assert_int_equal(verdict_of("ok T:20.0 /0.0"), PRINTER_ANSWER);
    send("N3 G1*43\n");
}

static void a_hurt_m110_goes_again_whatever_is_asked_for(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    ok_answers(2);
    send("N0 M110 N0*125\n");
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("N0 M110 N0*125\n");
    ok_answers(3);
}

/* A line that is asked for again and again goes out when the refusals are over. */
static void let_calm_down(void)
{
    if (session.resend == RESEND_CALMING) {
        again("");
        now = printer_session_deadline(&session);
        printer_session_expire(&session, now);
    }
}

static void the_third_resend_of_a_line_in_a_row_is_let_pass_first(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    for (unsigned i = 1; i < RESENDS_CALMED; i++) {
        assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
        assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
        again("N1 G1*41\n");
    }
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    again("");
    assert_int_equal(printer_session_deadline(&session).us, now.us + RESEND_OK_MS * 1000);
    let_calm_down();
    again("N1 G1*41\n");
    ok_answers(2);
}

static void the_tenth_resend_in_a_row_of_one_line_is_the_last(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    for (unsigned i = 1; i < RESENDS_OF_ONE_LINE; i++) {
        assert_int_equal(verdict_of("Resend: 1"), PRINTER_FOR_NOBODY);
        assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
        let_calm_down();
        again("N1 G1*41\n");
    }
    assert_int_equal(verdict_of("Resend: 1"), PRINTER_STUCK);
}

static void resends_of_a_line_that_got_through_do_not_count(void **unused)
{
    char text[32];

    (void)unused;
    hello();
    for (int64_t number = 1; number < 30; number++) {
        struct text line = TEXT_IN(text);

        gcode_line_number(SPAN("G1"), number, &line);
        text[line.length] = '\0';
        send(text);
        for (unsigned i = 0; i < 5; i++) {
            char resend[32];
            struct text wanted = TEXT_IN(resend);

            text_add_string(&wanted, "Resend: ");
            text_add_integer(&wanted, number);
            resend[wanted.length] = '\0';
            assert_int_equal(verdict_of(resend), PRINTER_FOR_NOBODY);
            assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
            let_calm_down();
            again(text);
        }
        ok_answers(serial);
    }
}

static void start_forgets_what_was_unanswered(void **unused)
{
    struct gcode_line line = parsed("N3 G1*43\n");

    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 G1*42\n");
    assert_int_equal(verdict_of("start"), PRINTER_STARTED);
    assert_int_equal(session.lines.unanswered, 0);
    assert_int_equal(verdict_of("ok"), PRINTER_SURPLUS_OK);
    /* It knows no number any more. */
    written = TEXT_IN(written_bytes);
    assert_false(printer_session_send(&session, &line, true, (struct tag){0}, &written, now));
    wrote("N2 M110 N2*125\n");
}

static void what_overtakes_is_answered_in_its_turn(void **unused)
{
    (void)unused;
    hello();
    send("N1 G1*41\n");
    written = TEXT_IN(written_bytes);
    printer_session_overtake(&session, SPAN("M108"), (struct tag){1, 0, 77}, &written, now);
    wrote("M108\n");
    ok_answers(2);
    ok_answers(77);
}

/* Its ok was taken for that of a line that had to go again, and another line was never sent. */
static void what_overtakes_while_a_resend_is_open_takes_no_lines_answer(void **unused)
{
    struct printer_answer over;

    (void)unused;
    hello();
    send("N1 G1*41\n");
    send("N2 G1*42\n");
    send("N3 G1*43\n");
    assert_int_equal(verdict_of("Resend: 2"), PRINTER_FOR_NOBODY);
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY);
    written = TEXT_IN(written_bytes);
    printer_session_overtake(&session, SPAN("M108"), (struct tag){1, 0, 77}, &written, now);
    wrote("M108\n");
    ok_answers(2); /* N1 got through after all */
    again("N2 G1*42\n");
    assert_int_equal(verdict_of("ok"), PRINTER_FOR_NOBODY); /* of the M108 */
    ok_answers(3);
    again("N3 G1*43\n");
    ok_answers(4);
    again(""); /* it was carried out: an M410 would be done twice */
    assert_true(printer_session_give_up(&session, now, &over));
    assert_int_equal(over.tag.serial, 77);
    assert_true(over.overtook);
    send("N4 G1*44\n");
}

static void answers_of_a_sender_that_is_gone_are_nobodys(void **unused)
{
    struct printer_answer answer;

    (void)unused;
    send("G1\n");
    send("G2\n");
    sent_lines_disown(&session.lines, 1, 0);
    assert_int_equal(reply("ok", &answer), PRINTER_ANSWER);
    assert_int_equal(answer.tag.sender, 0);
    assert_int_equal(sent_lines_tag(&session.lines, 0).sender, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(an_ok_answers_the_oldest_line),
        TEST(text_is_no_answer),
        TEST(an_answer_tells_the_number_on_the_wire),
        TEST(a_line_with_our_next_number_goes_out_in_its_very_bytes),
        TEST(at_most_so_many_bytes_are_in_flight_and_one_line_always),
        TEST(at_most_sixteen_lines_are_in_flight),
        TEST(numbered_and_unnumbered_lines_are_never_in_flight_together),
        TEST(m110_waits_for_all_and_all_wait_for_it),
        TEST(what_begins_or_ends_a_file_waits_for_all),
        TEST(a_host_may_begin_below_zero_as_pronterface_does),
        TEST(an_m110_below_zero_that_sets_another_number_goes_as_it_came),
        TEST(an_m110_of_ours_goes_first_if_the_first_number_is_no_m110),
        TEST(numbers_below_zero_begin_anew_at_zero),
        TEST(a_line_too_long_for_its_number_goes_alone_and_without),
        TEST(a_resend_brings_the_line_and_all_behind_it_again_one_at_a_time),
        TEST(the_ok_of_a_resend_comes_within_100_ms_as_the_next_line_or_not_at_all),
        TEST(an_ok_before_what_was_asked_for_went_out_again_answers_nothing),
        TEST(a_resend_for_a_line_not_sent_yet_repeats_nothing),
        TEST(a_hurt_m110_goes_again_whatever_is_asked_for),
        TEST(the_third_resend_of_a_line_in_a_row_is_let_pass_first),
        TEST(the_tenth_resend_in_a_row_of_one_line_is_the_last),
        TEST(resends_of_a_line_that_got_through_do_not_count),
        TEST(start_forgets_what_was_unanswered),
        TEST(what_overtakes_is_answered_in_its_turn),
        TEST(what_overtakes_while_a_resend_is_open_takes_no_lines_answer),
        TEST(answers_of_a_sender_that_is_gone_are_nobodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
