#include "session/board_share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VERSION "OK\r\nVI:sioproxy\r\nCP:SIOPlugin 0.1.1\r\nFS:NA\r\nXT BRD:sioproxy\r\n"
#define LOST    "DG:ERR: the IO board is not connected\r\n"

static struct board_share share;
static struct board_session board;
static struct instant now;

static void check(void)
{
    const char *broken = board_share_check(&share);

    if (broken != NULL) {
        fail_msg("%s", broken);
    }
}

/* All that was said to the guest since the last time; it has read it. */
static void hears(const char *expected)
{
    static char said[SHARE_OUT + 1];
    struct span output = board_share_output(&share);

    memcpy(said, output.data, output.length);
    said[output.length] = '\0';
    assert_string_equal(said, expected);
    board_share_sent(&share, output.length);
    check();
}

static void says(const char *text)
{
    board_share_bytes(&share, span_of(text), now);
    check();
}

static void look(void)
{
    board_share_look(&share, &board, now);
    check();
}

static void passes(int64_t ms)
{
    now = instant_after_ms(now, ms);
    board_share_expire(&share, now);
    check();
}

/* Six ios of a board that is of use. */
static void board_is(const char *levels)
{
    board.levels.told++;
    board.levels.count = (uint8_t)strlen(levels);
    for (unsigned io = 0; io < board.levels.count; io++)
        board.levels.level[io] = levels[io] == '1' ? BOARD_HIGH : BOARD_LOW;
    board.online = true;
    look();
}

static void board_is_lost(void)
{
    board_levels_forget(&board.levels);
    board.online = false;
    look();
}

static void told(const char *line)
{
    struct board_message message;

    board_message_parse(span_of(line), &message);
    board_share_hear(&share, &message);
    check();
}

static void wish_is(unsigned io, bool high)
{
    struct share_wish wish;

    assert_true(board_share_next_wish(&share, &wish));
    assert_int_equal(wish.io, io);
    assert_int_equal(wish.high, high);
    check();
}

static void no_wish(void)
{
    struct share_wish wish;

    assert_false(board_share_next_wish(&share, &wish));
}

static int set_up(void **unused)
{
    (void)unused;
    now = (struct instant){1000000};
    board_share_init(&share);
    board_session_init(&board, 3000);
    board_is("110000");
    board_share_opened(&share, now);
    check();
    return 0;
}

/* --- greeting --- */

static void nothing_is_said_before_the_guest_speaks(void **unused)
{
    (void)unused;
    passes(2999);
    board_is("110000");
    hears("");
}

static void a_guest_that_only_listens_hears_reports(void **unused)
{
    (void)unused;
    passes(3000);
    hears("IO:110000\r\nRR\r\n");
    passes(3000);
    hears("IO:110000\r\n");
    passes(3000);
    passes(3000);
    hears("IO:110000\r\nIO:110000\r\nRR\r\n");
}

static void vc_is_answered_and_the_share_is_ready(void **unused)
{
    (void)unused;
    says("VC\n");
    hears(VERSION "IO:110000\r\nRR\r\n");
    says("VC\r\n");
    hears(VERSION "IO:110000\r\nRR\r\n");
}

static void byte_by_byte_it_is_the_same(void **unused)
{
    const char *text = " VC \r\nIO 3 1\nGS\nfoo\n";

    (void)unused;
    for (const char *at = text; *at != '\0'; at++)
        says((const char[]){*at, '\0'});
    hears(VERSION "IO:110000\r\nRR\r\nOK\r\nOK\r\nIO:110000\r\nOK\r\nDG:ERR: bad cmnd[foo]\r\n");
    wish_is(3, true);
}

static void vc_behind_half_a_line_of_a_guest_that_died_is_answered(void **unused)
{
    (void)unused;
    says("IO 12");
    says("VC\n");
    hears(VERSION "IO:110000\r\nRR\r\n");
    no_wish();
}

static void the_share_is_what_the_board_says_of_itself(void **unused)
{
    (void)unused;
    told("VI:SIO_ESP32WRM_Relay_X2 1.1.5");
    told("XT BRD:ESP32-WROOM");
    told("TC INPUT:1,OUTPUT:2,INPUT_PULLUP:5,OUTPUT_PWM:-2");
    told("IT:5,5,2,2,-2,2,");
    says("VC\nTC\nIOT\nIC\n");
    hears("OK\r\nVI:SIO_ESP32WRM_Relay_X2 1.1.5\r\nCP:SIOPlugin 0.1.1\r\nFS:NA\r\n"
          "XT BRD:ESP32-WROOM\r\nOK\r\nTC INPUT:1,OUTPUT:2,INPUT_PULLUP:5,OUTPUT_PWM:-2\r\n"
          "OK\r\nIT:5,5,2,2,-2,2,\r\nOK\r\nIC:5\r\nIO:110000\r\nRR\r\n");
}

static void without_a_board_vc_is_answered_and_the_share_is_not_ready(void **unused)
{
    (void)unused;
    board_share_init(&share);
    board_share_opened(&share, now);
    says("VC\n");
    hears(VERSION);
    passes(20000);
    says("IC\nIOT\nGS\nTC\n");
    hears("OK\r\n" LOST "OK\r\n" LOST "OK\r\n" LOST "OK\r\nTC INPUT:0,OUTPUT:1,INPUT_PULLUP:2\r\n");
    board_is("101000");
    hears("IO:101000\r\nRR\r\n");
}

static void a_board_whose_levels_are_being_set_is_not_ready(void **unused)
{
    (void)unused;
    board_is_lost();
    hears(LOST);
    says("VC\n");
    hears(VERSION);
    board.levels.told++;
    board.levels.count = 2;
    board.levels.level[0] = BOARD_HIGH;
    board.levels.level[1] = BOARD_UNKNOWN;
    look();
    hears("");
    board.levels.told++;
    board.levels.level[1] = BOARD_LOW;
    look();
    hears("IO:10\r\n");
    board.online = true;
    look();
    hears("RR\r\n");
}

static void a_lost_board_is_told_and_reports_nothing(void **unused)
{
    (void)unused;
    says("VC\n");
    hears(VERSION "IO:110000\r\nRR\r\n");
    board_is_lost();
    hears(LOST);
    passes(9000);
    hears("");
    board_is("110000");
    hears("IO:110000\r\nRR\r\n");
}

static void a_printers_host_is_sent_away(void **unused)
{
    const char *away = "OK\r\nThis is the share of an IO board, and no printer.\r\n"
                       "//action:disconnect\r\n";

    (void)unused;
    says("N0 M110 N0*125\n");
    hears(away);
    says("M115\n");
    hears(away);
}

/* --- reports --- */

static void a_change_is_reported_at_once(void **unused)
{
    (void)unused;
    says("VC\n");
    hears(VERSION "IO:110000\r\nRR\r\n");
    passes(1000);
    board_is("010000");
    hears("IO:010000\r\n");
    board_is("010000");
    passes(2999);
    hears("");
    passes(1);
    hears("IO:010000\r\n");
}

static void reports_come_as_often_as_the_guest_wants(void **unused)
{
    (void)unused;
    says("SI 500\n");
    hears("OK\r\nDG:ART now:500\r\n");
    passes(500);
    hears("IO:110000\r\n");
    for (const char *const *wrong = (const char *const[]){"SI 499\n", "SI 5x0\n", "SI\n",
                                                          "SI -500\n", "SI 99999999999\n", NULL};
         *wrong != NULL; wrong++) {
        says(*wrong);
        hears("OK\r\nDG:ERR: # out of range.\r\n");
    }
    passes(500);
    hears("IO:110000\r\n");
}

static void eio_keeps_reports_back_and_bio_gives_them(void **unused)
{
    (void)unused;
    says("EIO\n");
    hears("OK\r\n");
    board_is("100000");
    passes(60000);
    hears("");
    says("GS\n");
    hears("OK\r\nIO:100000\r\n");
    says("BIO\n");
    hears("OK\r\nIO:100000\r\nRR\r\n");
}

static void the_next_guest_is_not_paused_and_hears_nothing_of_the_last(void **unused)
{
    (void)unused;
    says("EIO\nSI 500\nIO 2 1\nGS\nhal");
    board_share_closed(&share);
    check();
    no_wish();
    board_share_opened(&share, now);
    says("GS\n");
    hears("OK\r\nIO:110000\r\n");
    passes(2999);
    hears("");
    passes(1);
    hears("IO:110000\r\nRR\r\n");
}

static void extensions_of_the_board_are_passed_on(void **unused)
{
    (void)unused;
    told("XT DHT 4 21.5 40");
    hears("XT DHT 4 21.5 40\r\n");
    says("EIO\n");
    hears("OK\r\n");
    told("XT DHT 4 21.5 40");
    hears("");
}

/* --- wishes --- */

static void a_wish_is_acknowledged_at_once_and_reported_when_it_has_come_true(void **unused)
{
    (void)unused;
    says("IO 4 1\n");
    hears("OK\r\n");
    wish_is(4, true);
    no_wish();
    board_is("110010");
    hears("IO:110010\r\n");
    board_share_done(&share, SPAN_NONE);
    check();
    hears("");
    no_wish();
}

static void what_is_so_already_is_reported_all_the_same(void **unused)
{
    (void)unused;
    says("EIO\nIO 4 0\n");
    hears("OK\r\nOK\r\n");
    wish_is(4, false);
    board_share_done(&share, SPAN_NONE);
    hears("IO:110000\r\n");
}

static void a_refused_wish_is_told(void **unused)
{
    (void)unused;
    says("IO 4 1\n");
    wish_is(4, true);
    board_share_done(&share, SPAN("it is private"));
    hears("OK\r\nDG:ERR: it is private\r\nIO:110000\r\n");
}

static void wishes_are_taken_one_by_one_in_their_order(void **unused)
{
    (void)unused;
    says("IO 2 1\nIO 3 1\nIO 2 0\n");
    wish_is(2, true);
    board_share_done(&share, SPAN_NONE);
    wish_is(3, true);
    board_share_done(&share, SPAN_NONE);
    wish_is(2, false);
}

static void what_is_no_wish_is_told_as_the_firmware_does(void **unused)
{
    static const struct {
        const char *line, *answer;
    } rows[] = {
        {"IO 1\n", "ERR: value out of range\r\n"},
        {"IO\n", "ERR: value out of range\r\n"},
        {"IO 2  1\n", "ERR: invalid cmd/vlu\r\n"},
        {"IO 123\n", "ERR: invalid cmd/vlu\r\n"},
        {"IO 6 1\n", "ERR: Atmpt set IO not an output\r\n"},
        {"IO -1 1\n", "ERR: Atmpt set IO not an output\r\n"},
        {"IO 2x 1\n", "ERR: Atmpt set IO not an output\r\n"},
        {"IO 99999999999999999999 1\n", "ERR: Atmpt set IO not an output\r\n"},
        {"IO 2 2\n", "ERR: Atmpt set IO value not valid\r\n"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[128];
        struct text text = TEXT_IN(expected);

        says(rows[i].line);
        text_add_string(&text, "OK\r\nDG:");
        text_add_string(&text, rows[i].answer);
        text_add_string(&text, "IO:110000\r\n");
        expected[text.length] = '\0';
        hears(expected);
        no_wish();
    }
}

static void a_halt_ends_what_was_wanted_but_what_is_being_carried_out(void **unused)
{
    (void)unused;
    says("IO 2 1\nIO 3 1\nIO 4 1\n");
    hears("OK\r\nOK\r\nOK\r\n");
    wish_is(2, true);
    board_share_refuse(&share, SPAN("halted"));
    check();
    hears("DG:ERR: halted\r\nIO:110000\r\nDG:ERR: halted\r\nIO:110000\r\n");
    board_share_done(&share, SPAN("halted"));
    hears("DG:ERR: halted\r\nIO:110000\r\n");
    no_wish();
}

static void a_wish_of_a_guest_that_has_gone_is_nobodys(void **unused)
{
    (void)unused;
    says("IO 2 1\n");
    wish_is(2, true);
    board_share_closed(&share);
    board_share_done(&share, SPAN("too late"));
    check();
    board_share_opened(&share, now);
    board_share_done(&share, SPAN("too late"));
    hears("");
}

/* --- bounds --- */

static void with_many_wishes_at_hand_the_guest_is_not_read(void **unused)
{
    unsigned said = 0;

    (void)unused;
    while (board_share_room(&share) >= 7 && said < 1000) {
        says("IO 2 1\n");
        said++;
        board_share_sent(&share, board_share_output(&share).length);
    }
    assert_in_range(said, SHARE_WISHES - 2, SHARE_WISHES);
    wish_is(2, true);
    board_share_done(&share, SPAN_NONE);
    assert_true(board_share_room(&share) >= 7);
}

static void a_guest_that_does_not_read_is_not_read_and_loses_no_answer(void **unused)
{
    unsigned asked = 0, answers = 0;
    struct span output;

    (void)unused;
    while (board_share_room(&share) >= 3 && asked < 10000) {
        says("GS\n");
        asked++;
    }
    assert_in_range(asked, 20, 1000);
    passes(100000);
    board_is("000000");
    output = board_share_output(&share);
    for (size_t i = 0; i + 2 < output.length; i++)
        answers += output.data[i] == 'O' && output.data[i + 1] == 'K';
    assert_int_equal(answers, asked);
    assert_true(share.unread > 0);
    /* When it reads again, it hears how things are now, once. */
    board_share_sent(&share, output.length);
    hears("IO:000000\r\nRR\r\n");
}

static void a_line_that_is_too_long_is_not_understood_and_the_next_one_is(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 5000; i++)
        says("x");
    hears("");
    says("\nGS\n");
    hears("OK\r\nDG:ERR: bad cmnd[xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]\r\nOK\r\nIO:110000\r\n");
}

static void what_the_share_does_not_do_is_said_so(void **unused)
{
    (void)unused;
    says("CIO 1,1,1\n");
    says("SIO\nFS FormatSPIFFS\nPWM 3 40 1\nWF x\n");
    hears("OK\r\nDG:ERR: not by a share\r\nOK\r\nDG:ERR: not by a share\r\n"
          "OK\r\nDG:ERR: not by a share\r\nOK\r\nDG:ERR: not by a share\r\n"
          "OK\r\nDG:ERR: not by a share\r\n");
    says("debug 1\nrestart\nSE 1\n");
    hears("OK\r\nDG:debug disabled\r\nOK\r\nDG:!supported\r\nOK\r\n");
    says("vc\n\n\x01\x80\n");
    hears("OK\r\nDG:ERR: bad cmnd[vc]\r\nDG:ERR: bad cmnd[]\r\nOK\r\nDG:ERR: bad cmnd[??]\r\n");
}

static void whatever_is_said_in_one_read_the_answers_have_room(void **unused)
{
    static const char *const lines[] = {"VC\n", "IOT\n", "TC\n", "\n",
                                        "GS\n", "x\n",   "N\n",  "IO 2 1\n"};
    char types[BOARD_IO_MAX * 8 + 8] = "IT:", levels[BOARD_IO_MAX + 1];

    (void)unused;
    for (unsigned io = 0; io < BOARD_IO_MAX; io++)
        strcat(types, "-32768,");
    memset(levels, '1', BOARD_IO_MAX);
    levels[BOARD_IO_MAX] = '\0';
    told(types);
    board_is(levels);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char flood[SHARE_OUT];
        size_t length = strlen(lines[i]);

        board_share_opened(&share, now);
        for (unsigned round = 0; round < 1000; round++) {
            size_t room = board_share_room(&share);

            assert_true(room < sizeof flood);
            for (size_t at = 0; at < room; at++)
                flood[at] = lines[i][(at + round) % length];
            board_share_bytes(&share, (struct span){flood, room}, now);
            check();
        }
    }
}

int main(void)
{
#define SHARED(test) cmocka_unit_test_setup(test, set_up)
    const struct CMUnitTest tests[] = {
        SHARED(nothing_is_said_before_the_guest_speaks),
        SHARED(a_guest_that_only_listens_hears_reports),
        SHARED(vc_is_answered_and_the_share_is_ready),
        SHARED(byte_by_byte_it_is_the_same),
        SHARED(vc_behind_half_a_line_of_a_guest_that_died_is_answered),
        SHARED(the_share_is_what_the_board_says_of_itself),
        SHARED(without_a_board_vc_is_answered_and_the_share_is_not_ready),
        SHARED(a_board_whose_levels_are_being_set_is_not_ready),
        SHARED(a_lost_board_is_told_and_reports_nothing),
        SHARED(a_printers_host_is_sent_away),
        SHARED(a_change_is_reported_at_once),
        SHARED(reports_come_as_often_as_the_guest_wants),
        SHARED(eio_keeps_reports_back_and_bio_gives_them),
        SHARED(the_next_guest_is_not_paused_and_hears_nothing_of_the_last),
        SHARED(extensions_of_the_board_are_passed_on),
        SHARED(a_wish_is_acknowledged_at_once_and_reported_when_it_has_come_true),
        SHARED(what_is_so_already_is_reported_all_the_same),
        SHARED(a_refused_wish_is_told),
        SHARED(wishes_are_taken_one_by_one_in_their_order),
        SHARED(what_is_no_wish_is_told_as_the_firmware_does),
        SHARED(a_halt_ends_what_was_wanted_but_what_is_being_carried_out),
        SHARED(a_wish_of_a_guest_that_has_gone_is_nobodys),
        SHARED(with_many_wishes_at_hand_the_guest_is_not_read),
        SHARED(a_guest_that_does_not_read_is_not_read_and_loses_no_answer),
        SHARED(a_line_that_is_too_long_is_not_understood_and_the_next_one_is),
        SHARED(what_the_share_does_not_do_is_said_so),
        SHARED(whatever_is_said_in_one_read_the_answers_have_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
