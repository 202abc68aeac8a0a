/* The handshake, and levels that are wanted. What goes wrong: test_board_session_faults.c. */
#include "board_bench.h"

static void the_handshake_asks_one_thing_after_the_other(void **unused)
{
    (void)unused;
    go_online();
    assert_true(board_session_online(&session));
    assert_string_equal(session.version, "SIO_Arduino_General 1.0.11");
    assert_int_equal(board_session_level(&session, 0), BOARD_HIGH);
    assert_int_equal(board_session_level(&session, 17), BOARD_LOW);
    assert_int_equal(board_session_level(&session, 18), BOARD_UNKNOWN);
    assert_int_equal(board_session_level(&session, 1000), BOARD_UNKNOWN);
    assert_int_equal(board_session_faults(&session), 0);
    expect_no_event();
}

static void before_CP_nothing_is_believed(void **unused)
{
    (void)unused;
    board_session_opened(&session, now);
    expect_line("VC\n");
    hear(LOW_18);
    hear("RR");
    assert_int_equal(board_session_level(&session, 0), BOARD_UNKNOWN);
    hear("CP:SomethingElse 1");
    assert_int_equal(session.state, BOARD_GREETING);
    expect_line(NULL);
    pass_ms(699);
    expect_line(NULL);
    pass_ms(1);
    expect_line("VC\n");
}

static void a_boot_while_greeting_is_greeted_at_once(void **unused)
{
    (void)unused;
    board_session_opened(&session, now);
    expect_line("VC\n");
    hear("DG:SIO_Arduino_General 1.0.11");
    expect_line("VC\n");
    hear("IT:2,2,1,");
    expect_line("VC\n");
    expect_no_event();
}

static void a_port_that_stays_silent_is_to_be_opened_again(void **unused)
{
    (void)unused;
    board_session_opened(&session, now);
    for (unsigned i = 0; i < 15; i++) {
        expect_line("VC\n");
        expect_no_event();
        pass_ms(700);
    }
    expect_event(BOARD_EVENT_REOPEN);
    expect_no_event();
    assert_int_equal(session.state, BOARD_GREETING);
}

static void a_command_unknown_to_the_board_is_done_without(void **unused)
{
    (void)unused;
    greet();
    expect_line("TC\n");
    hear("DG:ERR: bad cmnd[TC]"); /* no OK: Arduino */
    expect_line("IOT\n");
    hear("OK"); /* ESP32 */
    hear("DG:ERROR: Unrecognized command[IOT]");
    expect_line("SI 3000\n");
    hear("OK");
    expect_line("BIO\n");
    hear("OK");
    expect_line("GS\n");
    hear("OK");
    hear("IO:0101"); /* no table of types: the second in a row is believed */
    assert_int_equal(board_session_level(&session, 1), BOARD_UNKNOWN);
    expect_line("GS\n");
    hear("OK");
    hear("IO:0101");
    assert_int_equal(board_session_level(&session, 1), BOARD_HIGH);
    expect_event(BOARD_EVENT_ONLINE);
}

static void a_damaged_command_of_the_handshake_is_asked_again(void **unused)
{
    (void)unused;
    greet();
    expect_line("TC\n");
    hear("DG:ERR: bad cmnd[T]");
    expect_line("TC\n");
    pass_ms(1500);
    expect_line("TC\n");
    pass_ms(1500);
    expect_line("IOT\n");
    assert_int_equal(board_session_faults(&session), 2);
}

static void a_handshake_without_a_report_begins_anew(void **unused)
{
    (void)unused;
    set_up_board();
    board_session_closed(&session, now);
    expect_event(BOARD_EVENT_LOST);
    greet();
    for (unsigned row = 0; row < 5; row++) {
        for (unsigned i = 0; i < 3; i++) {
            char memory[BOARD_COMMAND_MAX];
            struct text text = TEXT_IN(memory);

            if (session.state == BOARD_SETTING_UP) {
                assert_true(board_session_next_line(&session, &text, now));
                pass_ms(1500);
            }
        }
    }
    assert_int_equal(session.state, BOARD_GREETING);
    expect_no_event();
}

static void a_level_is_reached_when_it_is_reported(void **unused)
{
    (void)unused;
    go_online();
    assert_int_equal(board_session_outcome(&session, 12), BOARD_NOT_WANTED);
    assert_int_equal(board_session_want(&session, 12, true, now), BOARD_WANTED);
    expect_line("IO 12 1\n");
    expect_line(NULL);
    hear(LOW_18); /* a periodic report just before it was read */
    hear("OK");
    assert_int_equal(board_session_outcome(&session, 12), BOARD_PENDING);
    hear("IO:111111111111100000");
    assert_int_equal(board_session_outcome(&session, 12), BOARD_REACHED);
    expect_line(NULL);
    board_session_want(&session, 12, true, now);
    expect_line(NULL);
    assert_int_equal(board_session_faults(&session), 0);
    expect_no_event();
}

static void a_lost_OK_does_not_matter_if_the_level_is_reported(void **unused)
{
    (void)unused;
    go_online();
    board_session_want(&session, 12, true, now);
    expect_line("IO 12 1\n");
    hear("IO:111111111111100000");
    assert_int_equal(board_session_outcome(&session, 12), BOARD_REACHED);
    board_session_want(&session, 13, true, now);
    expect_line("IO 13 1\n");
}

static void an_output_that_does_not_switch_is_told_after_three_tries(void **unused)
{
    struct board_event event;

    (void)unused;
    go_online();
    board_session_want(&session, 13, true, now);
    for (unsigned i = 0; i < 3; i++) {
        expect_no_event();
        expect_line("IO 13 1\n");
        hear("OK");
        hear("DG:ERR: Atmpt set IO not an output");
        hear(LOW_18);
    }
    expect_line(NULL);
    assert_true(board_session_next_event(&session, &event));
    assert_int_equal(event.kind, BOARD_EVENT_FAULT);
    assert_int_equal(event.io, 13);
    assert_true(event.high);
    expect_no_event();
    assert_int_equal(board_session_outcome(&session, 13), BOARD_FAILED);
    pass_ms(2000);
    hear(LOW_18);
    expect_line(NULL);
    board_session_want(&session, 13, true, now);
    expect_line("IO 13 1\n");
}

static void a_command_not_answered_is_tried_again_if_the_board_talks(void **unused)
{
    (void)unused;
    go_online();
    board_session_want(&session, 13, true, now);
    expect_line("IO 13 1\n");
    pass_ms(1000);
    hear("RR");
    pass_ms(499);
    expect_line(NULL);
    pass_ms(1);
    expect_line("IO 13 1\n");
    assert_int_equal(session.timeouts, 1);
}

static void a_number_the_board_has_not_is_never_sent(void **unused)
{
    (void)unused;
    assert_int_equal(board_session_want(&session, 18, true, now), BOARD_WANTED);
    assert_int_equal(board_session_want(&session, 64, true, now), BOARD_NO_SUCH_IO);
    set_up_board(); /* ends without an IO 18 1 */
    expect_line(NULL);
    expect_event(BOARD_EVENT_FAULT);
    expect_event(BOARD_EVENT_ONLINE);
    assert_int_equal(board_session_outcome(&session, 18), BOARD_FAILED);
    assert_int_equal(board_session_want(&session, 18, true, now), BOARD_NO_SUCH_IO);
    assert_int_equal(board_session_want(&session, 99, true, now), BOARD_NO_SUCH_IO);
    expect_line(NULL);
}

static void what_cannot_wait_goes_first_and_ends_a_half_line(void **unused)
{
    (void)unused;
    go_online();
    board_session_want(&session, 12, true, now);
    board_session_want(&session, 13, true, now);
    expect_line("IO 12 1\n");
    pass_ms(20);
    board_session_want_first(&session, 17, true, now);
    expect_line(NULL);
    expect_deadline_ms(30);
    pass_ms(30);
    expect_line("\nIO 17 1\n");
    hear("OK");                    /* of IO 12 1 */
    hear("IO:111111111111100000"); /* and its report */
    expect_line(NULL);
    hear("DG:ERR: bad cmnd[]");
    hear("OK");
    hear("IO:111111111111100001");
    assert_int_equal(board_session_outcome(&session, 17), BOARD_REACHED);
    expect_line("IO 13 1\n");
    assert_int_equal(board_session_faults(&session), 0);
}

static void what_cannot_wait_is_repeated_soon(void **unused)
{
    (void)unused;
    go_online();
    board_session_want_first(&session, 17, true, now);
    expect_line("IO 17 1\n");
    pass_ms(250);
    expect_line("\nIO 17 1\n");
    pass_ms(250);
    expect_line("\nIO 17 1\n");
    pass_ms(250);
    expect_event(BOARD_EVENT_FAULT);
    assert_int_equal(session.state, BOARD_DOUBTED);
}

static void a_printer_is_told_once_and_left_alone(void **unused)
{
    (void)unused;
    board_session_opened(&session, now);
    expect_line("VC\n");
    hear("start");
    expect_no_event();
    hear("echo:Unknown command: \"VC\"");
    expect_event(BOARD_EVENT_FOREIGN);
    hear("ok");
    expect_no_event();
    pass_ms(60000);
    expect_line(NULL);
    expect_no_event();
    board_session_closed(&session, now);
    assert_int_equal(session.state, BOARD_FOREIGN);
    board_session_opened(&session, now);
    expect_line("VC\n");
}

static void a_board_is_never_taken_for_a_printer(void **unused)
{
    (void)unused;
    go_online();
    hear("ok");
    hear("start");
    hear("T:2,2,2");
    hear("Looks like OctoPrint thinks I am a printer.");
    hear("//action:disconnect");
    assert_int_equal(session.state, BOARD_ONLINE);
}

static void a_confirmation_is_a_report_asked_for_after_the_question(void **unused)
{
    (void)unused;
    board_session_confirm(&session, now); /* there is no board */
    go_online();
    hear("IO:011111111111000000");
    pass_ms(10);
    expect_line("GS\n");
    board_session_confirm(&session, now);
    hear("OK");
    hear("IO:011111111111000000");
    expect_no_event();
    expect_line("GS\n");
    hear("OK");
    hear("IO:011111111111000000");
    expect_event(BOARD_EVENT_CONFIRMED);
    expect_line(NULL);
}

static void another_interval_is_sent_at_once(void **unused)
{
    (void)unused;
    go_online();
    board_session_interval(&session, 500, now);
    expect_line("TC\n");
    hear("TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2");
    expect_line("IOT\n");
    hear("IT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,");
    expect_line("SI 500\n");
    assert_true(board_session_online(&session));
}

/* It was asked for the interval again and again, each OK taken for the one before. */
static void what_cannot_wait_goes_before_a_handshake_in_use(void **unused)
{
    (void)unused;
    go_online();
    board_session_interval(&session, 500, now);
    expect_line("TC\n");
    pass_ms(20);
    board_session_want_first(&session, 17, true, now);
    pass_ms(30);
    expect_line("\nIO 17 1\n"); /* TC's OK is lost */
    hear("OK");
    hear("IO:111111111111000001");
    assert_int_equal(board_session_outcome(&session, 17), BOARD_REACHED);
    expect_line("TC\n");
    hear("OK");
    hear("TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2");
    expect_line("IOT\n");
}

static void the_same_interval_again_sends_nothing(void **unused)
{
    (void)unused;
    go_online();
    board_session_interval(&session, INTERVAL_MS, now);
    expect_line(NULL);
    board_session_closed(&session, now);
    board_session_interval(&session, 1000, now);
    expect_line(NULL);
}

static void a_greeting_is_not_hurried_by_what_cannot_wait(void **unused)
{
    (void)unused;
    board_session_opened(&session, now);
    expect_line("VC\n");
    board_session_want_first(&session, 12, true, now);
    expect_deadline_ms(700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_handshake_asks_one_thing_after_the_other, begin),
        cmocka_unit_test_setup(before_CP_nothing_is_believed, begin),
        cmocka_unit_test_setup(a_boot_while_greeting_is_greeted_at_once, begin),
        cmocka_unit_test_setup(a_port_that_stays_silent_is_to_be_opened_again, begin),
        cmocka_unit_test_setup(a_command_unknown_to_the_board_is_done_without, begin),
        cmocka_unit_test_setup(a_damaged_command_of_the_handshake_is_asked_again, begin),
        cmocka_unit_test_setup(a_handshake_without_a_report_begins_anew, begin),
        cmocka_unit_test_setup(a_level_is_reached_when_it_is_reported, begin),
        cmocka_unit_test_setup(a_lost_OK_does_not_matter_if_the_level_is_reported, begin),
        cmocka_unit_test_setup(an_output_that_does_not_switch_is_told_after_three_tries, begin),
        cmocka_unit_test_setup(a_command_not_answered_is_tried_again_if_the_board_talks, begin),
        cmocka_unit_test_setup(a_number_the_board_has_not_is_never_sent, begin),
        cmocka_unit_test_setup(what_cannot_wait_goes_first_and_ends_a_half_line, begin),
        cmocka_unit_test_setup(what_cannot_wait_is_repeated_soon, begin),
        cmocka_unit_test_setup(a_printer_is_told_once_and_left_alone, begin),
        cmocka_unit_test_setup(a_board_is_never_taken_for_a_printer, begin),
        cmocka_unit_test_setup(a_confirmation_is_a_report_asked_for_after_the_question, begin),
        cmocka_unit_test_setup(another_interval_is_sent_at_once, begin),
        cmocka_unit_test_setup(what_cannot_wait_goes_before_a_handshake_in_use, begin),
        cmocka_unit_test_setup(the_same_interval_again_sends_nothing, begin),
        cmocka_unit_test_setup(a_greeting_is_not_hurried_by_what_cannot_wait, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
