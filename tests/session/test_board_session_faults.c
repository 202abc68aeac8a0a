/* Damage, silence, resets and losses. */
#include "board_bench.h"

static void nothing_is_asked_through_a_closed_port(void **unused)
{
    (void)unused;
    expect_line(NULL);
    assert_true(instant_is_never(board_session_deadline(&session)));
    assert_int_equal(board_session_want(&session, 12, true, now), BOARD_WANTED);
    hear("CP:SIOPlugin 0.1.1");
    expect_line(NULL);
    expect_no_event();
}

static void a_damaged_report_is_ignored_and_counted(void **unused)
{
    (void)unused;
    go_online();
    hear("IO:00000000000000000");
    assert_int_equal(board_session_level(&session, 0), BOARD_HIGH);
    hear("IO:0000O0000000000000");
    hear("IO:1111111111110000001");
    assert_int_equal(board_session_level(&session, 0), BOARD_HIGH);
    assert_int_equal(session.damaged, 3);
    expect_line(NULL);
}

static void two_reports_of_another_count_have_the_board_learned_anew(void **unused)
{
    (void)unused;
    go_online();
    hear("IO:0000");
    hear("IO:0000");
    assert_int_equal(board_session_level(&session, 0), BOARD_UNKNOWN);
    assert_true(board_session_online(&session));
    expect_line("TC\n");
    hear("TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2");
    expect_line("IOT\n");
    hear("IT:2,2,2,1,");
    expect_line("SI 3000\n");
    hear("OK");
    expect_line("BIO\n");
    hear("OK");
    expect_line("GS\n");
    hear("OK");
    hear("IO:0001");
    assert_int_equal(board_session_level(&session, 3), BOARD_HIGH);
    assert_int_equal(board_session_level(&session, 4), BOARD_UNKNOWN);
    expect_no_event();
}

static void an_unasked_change_is_a_report_and_is_looked_at_again(void **unused)
{
    (void)unused;
    go_online();
    hear("IO:011111111111000000");
    assert_int_equal(board_session_level(&session, 0), BOARD_LOW);
    expect_line(NULL);
    expect_deadline_ms(10);
    pass_ms(10);
    expect_line("GS\n");
    hear("OK");
    hear("IO:011111111111000000");
    expect_line(NULL);
    pass_ms(100);
    expect_line(NULL);
}

static void an_output_that_somebody_else_switched_is_set_again(void **unused)
{
    (void)unused;
    go_online();
    board_session_want(&session, 12, true, now);
    expect_line("IO 12 1\n");
    hear("OK");
    hear("IO:111111111111100000");
    board_session_want(&session, 13, true, now);
    expect_line("IO 13 1\n");
    hear("OK");
    hear("IO:111111111111110000");
    hear("IO:111111111111010000");
    assert_int_equal(board_session_level(&session, 12), BOARD_LOW);
    expect_line(NULL);
    pass_ms(10);
    expect_line("GS\n");
    hear("OK");
    hear("IO:111111111111010000");
    expect_line("IO 12 1\n");
    expect_no_event();
}

static void all_high_outputs_low_at_once_is_a_reset(void **unused)
{
    (void)unused;
    go_online();
    board_session_want(&session, 12, true, now);
    expect_line("IO 12 1\n");
    hear("OK");
    hear("IO:111111111111100000");
    pass_ms(100);
    hear(LOW_18);
    expect_no_event();
    pass_ms(10);
    expect_line("GS\n");
    hear("OK");
    hear(LOW_18);
    expect_event(BOARD_EVENT_RESET);
    assert_int_equal(session.state, BOARD_GREETING);
    assert_int_equal(board_session_level(&session, 0), BOARD_UNKNOWN);
    assert_int_equal(board_session_outcome(&session, 12), BOARD_PENDING);
}

static void a_banner_is_a_reset_and_what_was_wanted_is_set_again(void **unused)
{
    (void)unused;
    go_online();
    board_session_want(&session, 12, true, now);
    board_session_want(&session, 13, true, now);
    expect_line("IO 12 1\n");
    hear("DG:SIO_Arduino_General 1.0.11");
    expect_event(BOARD_EVENT_RESET);
    expect_no_event();
    assert_false(board_session_online(&session));
    board_session_release(&session, 13);
    set_up_board();
    expect_no_event();
    expect_line("IO 12 1\n");
    hear("OK");
    hear("IO:111111111111100000");
    expect_event(BOARD_EVENT_ONLINE);
    pass_ms(2000);
    hear("IT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,"); /* the banner was lost */
    expect_event(BOARD_EVENT_RESET);
}

/* As NanoSerialIO 1.0.5 came: it repeats what it reads, VC gets no OK, TC is not known. */
static void an_old_board_that_talks_much_is_a_board(void **unused)
{
    (void)unused;
    board_session_opened(&session, now);
    expect_line("VC\n");
    hear("DG:NanoSerialIO 1.0.5");
    hear("DG:!:Using IO defaults4590");
    hear("IT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,");
    hear("RR");
    expect_line("VC\n");
    hear("DG:buf:VC");
    hear("DG:command:[VC]");
    hear("DG:value:[VC]");
    hear("VI:NanoSerialIO 1.0.5");
    hear("CP:SIOPlugin 0.1.1");
    pass_ms(BOARD_GREETED_MS);
    expect_line("TC\n");
    hear("DG:buf:TC");
    hear("DG:command:[TC]");
    hear("DG:value:[TC]");
    hear("DG:ERR: Unrecognized command[TC]");
    expect_line("IOT\n");
    hear("OK");
    hear("IT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,");
    expect_line("SI 3000\n");
    hear("OK");
    expect_line("BIO\n");
    hear("DG:Report interval now:3000"); /* behind its OK */
    hear("OK");
    expect_line("GS\n");
    hear("OK");
    hear(LOW_18);
    expect_event(BOARD_EVENT_ONLINE);
    hear("DG:NanoSerialIO 1.0.5");
    expect_event(BOARD_EVENT_RESET);
}

static void silence_is_asked_about_twice_then_the_board_is_lost(void **unused)
{
    (void)unused;
    go_online();
    pass_ms(7499);
    expect_line(NULL);
    pass_ms(1);
    expect_line("BIO\n");
    hear("OK");
    expect_line("GS\n");
    pass_ms(1499);
    expect_line(NULL);
    pass_ms(1);
    expect_line("BIO\n");
    expect_no_event();
    assert_int_equal(board_session_level(&session, 0), BOARD_HIGH);
    pass_ms(1500);
    expect_event(BOARD_EVENT_LOST);
    assert_int_equal(board_session_level(&session, 0), BOARD_UNKNOWN);
    assert_false(board_session_online(&session));
    expect_line("VC\n");
    pass_ms(9999);
    expect_no_event();
    pass_ms(1);
    expect_event(BOARD_EVENT_REOPEN);
}

static void a_report_ends_the_doubt(void **unused)
{
    (void)unused;
    go_online();
    pass_ms(7500);
    expect_line("BIO\n");
    hear("OK");
    expect_line("GS\n");
    hear("OK");
    hear(LOW_18);
    assert_true(board_session_online(&session));
    expect_line("TC\n"); /* the interval may be gone with a reset nobody saw */
    expect_no_event();
}

static void a_command_into_silence_raises_the_doubt_at_once(void **unused)
{
    (void)unused;
    go_online();
    board_session_want(&session, 12, true, now);
    expect_line("IO 12 1\n");
    pass_ms(1500);
    expect_line("BIO\n");
    hear("OK");
    expect_line("GS\n");
    hear("OK");
    hear(LOW_18);
    expect_line("TC\n");
    expect_no_event();
    assert_int_equal(board_session_outcome(&session, 12), BOARD_PENDING);
}

static void a_closed_port_is_a_loss_once(void **unused)
{
    (void)unused;
    go_online();
    board_session_closed(&session, now);
    check();
    expect_event(BOARD_EVENT_LOST);
    board_session_closed(&session, now);
    expect_no_event();
    assert_int_equal(board_session_level(&session, 0), BOARD_UNKNOWN);
    assert_true(instant_is_never(board_session_deadline(&session)));
    expect_line(NULL);
}

/* Whatever the peer says and however late we are, the promises hold and the lines are bounded. */
static void any_mixture_of_lines_keeps_the_promises(void **unused)
{
    static const char *const lines[] = {
        "OK",
        LOW_18,
        "IO:111111111111111111",
        "IO:0",
        "IO:000000000000000000",
        "RR",
        "IT:1,1,1,",
        "IT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,",
        "TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2",
        "TC ",
        "VI:",
        "CP:SIOPlugin 0.1.1",
        "CP:x",
        "DG:SIO_",
        "DG:ERR: bad cmnd[IO]",
        "DG:ERR: bad cmnd[",
        "DG:ERR: bad cmnd[]",
        "IC:17",
        "FS:NA",
        "XT DHT 1 2 3",
        "ok",
        "\xff\x80",
        "",
        "IO:0101010101010101010101010101010101010101010101010101010101010101",
    };
    uint32_t dice = 7;

    (void)unused;
    board_session_opened(&session, now);
    for (unsigned i = 0; i < 300000; i++) {
        char memory[BOARD_COMMAND_MAX];
        struct text text = TEXT_IN(memory);
        struct board_event event;
        uint32_t roll;

        dice = dice * 1664525 + 1013904223;
        roll = dice >> 16;
        switch (roll % 16) {
        case 0: board_session_want(&session, roll % 70, (roll & 64) != 0, now); break;
        case 1: board_session_want_first(&session, roll % 70, (roll & 64) != 0, now); break;
        case 2: board_session_release(&session, roll % 70); break;
        case 3: board_session_confirm(&session, now); break;
        case 4: pass_ms(roll % 2000); break;
        case 5: pass_ms(roll % 20); break;
        case 6:
            if (roll % 11 == 0) {
                board_session_closed(&session, now);
            }
            break;
        case 7:
            if (roll % 3 == 0) {
                board_session_opened(&session, now);
            }
            break;
        default: hear(lines[roll / 16 % (sizeof(lines) / sizeof(lines[0]))]); break;
        }
        check();
        while (board_session_next_event(&session, &event)) {
            check();
        }
        if (board_session_next_line(&session, &text, now)) {
            assert_false(text.cut);
            check();
            text = TEXT_IN(memory);
            assert_false(board_session_next_line(&session, &text, now)); /* one at a time */
        }
    }
}

static void a_damaged_answer_to_GS_is_asked_for_again_without_waiting(void **unused)
{
    (void)unused;
    go_online();
    hear("IO:011111111111000000");
    pass_ms(10);
    for (unsigned i = 0; i < 4; i++) {
        expect_line("GS\n");
        hear("OK");
        hear(i % 2 == 0 ? "IO:01111111111100000" : "IO:0111111111110000");
    }
    expect_line(NULL); /* but not for ever */
    assert_int_equal(session.damaged, 4);
    hear("IO:011111111111000000");
    expect_line(NULL);
    assert_int_equal(session.state, BOARD_ONLINE);
}

static void a_handshake_whose_reports_do_not_fit_the_types_begins_anew(void **unused)
{
    (void)unused;
    set_up_board();
    board_session_closed(&session, now);
    expect_event(BOARD_EVENT_LOST);
    set_up_board(); /* ends with a fitting one: count is known */
    hear("IO:0000");
    hear("IO:0000");
    expect_line("TC\n");
    hear("TC OUTPUT:1");
    expect_line("IOT\n");
    hear("IT:1,1,1,");
    expect_line("SI 3000\n");
    hear("OK");
    expect_line("BIO\n");
    hear("OK");
    for (unsigned i = 0; i < 3; i++) {
        expect_line("GS\n");
        hear("OK");
        hear("IO:0000");
    }
    expect_line("VC\n");
    assert_int_equal(session.state, BOARD_GREETING);
}

static void each_question_of_the_handshake_has_its_own_tries(void **unused)
{
    (void)unused;
    greet();
    for (unsigned i = 0; i < 3; i++) {
        expect_line("TC\n");
        pass_ms(1500);
    }
    for (unsigned i = 0; i < 3; i++) {
        expect_line("IOT\n");
        hear("DG:ERR: bad cmnd[I]");
    }
    for (unsigned i = 0; i < 3; i++) {
        expect_line("SI 3000\n");
        pass_ms(1500);
    }
    expect_line("BIO\n");
    assert_int_equal(session.timeouts, 6);
}

static void faults_are_counted(void **unused)
{
    (void)unused;
    go_online();
    board_session_want(&session, 12, true, now);
    expect_line("IO 12 1\n");
    hear("DG:ERR: bad cmnd[O]");
    assert_int_equal(session.retries, 1);
    expect_line("IO 12 1\n");
    hear("OK");
    hear("IO:111111111111100000");
    hear("I:111111111111100000");
    hear("IO:11111111111110000");
    hear("IO:11111111111110000");
    assert_int_equal(session.damaged, 3);
    assert_int_equal(board_session_faults(&session), 4);
    board_session_release(&session, 12);
    board_session_closed(&session, now);
    expect_event(BOARD_EVENT_LOST);
    go_online();
    pass_ms(7500 + 3000);
    assert_int_equal(session.timeouts, 2);
}

static void a_command_read_wrongly_before_a_report_is_put_back_after_it(void **unused)
{
    (void)unused;
    go_online();
    board_session_want(&session, 12, true, now);
    expect_line("IO 12 1\n");
    hear(LOW_18); /* a periodic report, older than the command */
    hear("OK");
    hear("IO:111111111111000001"); /* it set another output */
    expect_line("IO 17 0\n");
    hear("OK");
    hear(LOW_18);
    expect_line("IO 12 1\n");
}

static void a_loss_while_start_values_are_set_is_told(void **unused)
{
    (void)unused;
    board_session_want(&session, 12, true, now);
    set_up_board();
    expect_line("IO 12 1\n");
    expect_no_event();
    board_session_closed(&session, now);
    expect_event(BOARD_EVENT_LOST);
    expect_no_event();
}

static void what_was_to_be_confirmed_is_void_after_a_reset(void **unused)
{
    (void)unused;
    go_online();
    board_session_confirm(&session, now);
    hear("DG:SIO_Arduino_General 1.0.11");
    expect_event(BOARD_EVENT_RESET);
    assert_string_equal(session.version, "SIO_Arduino_General 1.0.11");
    board_session_opened(&session, now);
    assert_string_equal(session.version, "");
    go_online();
    expect_line(NULL);
    expect_no_event();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_asked_through_a_closed_port, begin),
        cmocka_unit_test_setup(a_damaged_report_is_ignored_and_counted, begin),
        cmocka_unit_test_setup(two_reports_of_another_count_have_the_board_learned_anew, begin),
        cmocka_unit_test_setup(an_unasked_change_is_a_report_and_is_looked_at_again, begin),
        cmocka_unit_test_setup(an_output_that_somebody_else_switched_is_set_again, begin),
        cmocka_unit_test_setup(all_high_outputs_low_at_once_is_a_reset, begin),
        cmocka_unit_test_setup(a_banner_is_a_reset_and_what_was_wanted_is_set_again, begin),
        cmocka_unit_test_setup(an_old_board_that_talks_much_is_a_board, begin),
        cmocka_unit_test_setup(silence_is_asked_about_twice_then_the_board_is_lost, begin),
        cmocka_unit_test_setup(a_report_ends_the_doubt, begin),
        cmocka_unit_test_setup(a_command_into_silence_raises_the_doubt_at_once, begin),
        cmocka_unit_test_setup(a_closed_port_is_a_loss_once, begin),
        cmocka_unit_test_setup(any_mixture_of_lines_keeps_the_promises, begin),
        cmocka_unit_test_setup(a_damaged_answer_to_GS_is_asked_for_again_without_waiting, begin),
        cmocka_unit_test_setup(a_handshake_whose_reports_do_not_fit_the_types_begins_anew, begin),
        cmocka_unit_test_setup(each_question_of_the_handshake_has_its_own_tries, begin),
        cmocka_unit_test_setup(faults_are_counted, begin),
        cmocka_unit_test_setup(a_command_read_wrongly_before_a_report_is_put_back_after_it, begin),
        cmocka_unit_test_setup(a_loss_while_start_values_are_set_is_told, begin),
        cmocka_unit_test_setup(what_was_to_be_confirmed_is_void_after_a_reset, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
