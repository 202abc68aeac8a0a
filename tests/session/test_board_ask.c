#include "session/board_ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct board_ask ask;
static const struct instant now = {1000000};

static int begin(void **unused)
{
    (void)unused;
    board_ask_reset(&ask);
    return 0;
}

static void expect_sent(enum board_ask_kind kind, unsigned number, bool high, const char *line)
{
    char memory[BOARD_COMMAND_MAX];
    struct text text = TEXT_IN(memory);

    board_ask_send(&ask, kind, number, high, &text, now);
    assert_false(text.cut);
    assert_true(span_equal(text_span(&text), span_of(line)));
    assert_int_equal(ask.kind, kind);
    assert_false(ask.acked || ask.heard);
    assert_int_equal(ask.sent.us, now.us);
}

static void each_command_is_spelled_as_the_board_reads_it(void **unused)
{
    static const struct {
        enum board_ask_kind kind;
        unsigned number;
        bool high;
        const char *line;
    } cases[] = {
        {BOARD_ASK_VERSION, 0, false, "VC\n"},
        {BOARD_ASK_CONSTANTS, 0, false, "TC\n"},
        {BOARD_ASK_TYPES, 0, false, "IOT\n"},
        {BOARD_ASK_INTERVAL, 500, false, "SI 500\n"},
        {BOARD_ASK_BEGIN, 0, false, "BIO\n"},
        {BOARD_ASK_STATES, 0, false, "GS\n"},
        {BOARD_ASK_SET, 0, false, "IO 0 0\n"},
        {BOARD_ASK_SET, 63, true, "IO 63 1\n"},
        {BOARD_ASK_INTERVAL, UINT32_MAX, false, "SI 4294967295\n"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_sent(cases[i].kind, cases[i].number, cases[i].high, cases[i].line);
        board_ask_done(&ask);
        assert_int_equal(ask.kind, BOARD_ASK_NOTHING);
    }
}

static void an_OK_is_that_of_the_command_outstanding(void **unused)
{
    (void)unused;
    assert_false(board_ask_ok(&ask));
    assert_false(ask.acked);
    expect_sent(BOARD_ASK_STATES, 0, false, "GS\n");
    assert_true(board_ask_ok(&ask));
    assert_true(ask.acked);
}

static void the_OK_of_a_command_given_up_is_not_taken_for_the_next_ones(void **unused)
{
    (void)unused;
    expect_sent(BOARD_ASK_SET, 12, true, "IO 12 1\n");
    board_ask_abandon(&ask);
    expect_sent(BOARD_ASK_SET, 13, true, "\nIO 13 1\n");
    assert_false(board_ask_ok(&ask));
    assert_true(board_ask_ok(&ask));
    board_ask_abandon(&ask); /* its OK has come */
    expect_sent(BOARD_ASK_SET, 14, true, "\nIO 14 1\n");
    assert_true(board_ask_ok(&ask));
    board_ask_done(&ask);
    expect_sent(BOARD_ASK_SET, 15, true, "IO 15 1\n");
    board_ask_abandon(&ask);
    board_ask_reset(&ask);
    expect_sent(BOARD_ASK_VERSION, 0, false, "VC\n");
    assert_true(board_ask_ok(&ask));
}

static void a_refusal_is_of_what_is_outstanding_or_of_a_damaged_line(void **unused)
{
    bool damaged = true;

    (void)unused;
    assert_false(board_ask_refused(&ask, SPAN("ERR: bad cmnd[TC]"), &damaged));
    expect_sent(BOARD_ASK_CONSTANTS, 0, false, "TC\n");
    assert_false(board_ask_refused(&ask, SPAN("ART now:500"), &damaged));
    assert_false(board_ask_refused(&ask, SPAN("ERR: bad cmnd[]"), &damaged));
    assert_true(board_ask_refused(&ask, SPAN("ERR: bad cmnd[TC]"), &damaged));
    assert_false(damaged);
    assert_true(board_ask_refused(&ask, SPAN("ERR: bad cmnd[C]"), &damaged));
    assert_true(damaged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_command_is_spelled_as_the_board_reads_it, begin),
        cmocka_unit_test_setup(an_OK_is_that_of_the_command_outstanding, begin),
        cmocka_unit_test_setup(the_OK_of_a_command_given_up_is_not_taken_for_the_next_ones, begin),
        cmocka_unit_test_setup(a_refusal_is_of_what_is_outstanding_or_of_a_damaged_line, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
