#include "session/board_levels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct board_levels levels;
static struct instant now;

static void check(void)
{
    const char *broken = board_levels_check(&levels);

    if (broken != NULL) {
        fail_msg("%s", broken);
    }
}

static enum board_report report_with_aim(const char *line, unsigned aim)
{
    struct board_message message;
    enum board_report result;

    board_message_parse(span_of(line), &message);
    assert_int_equal(message.kind, BOARD_IO);
    result = board_levels_report(&levels, &message, aim, now);
    check();
    return result;
}

static void report(const char *line)
{
    assert_int_equal(report_with_aim(line, BOARD_IO_MAX), BOARD_REPORT_BELIEVED);
}

static void pass_ms(int64_t ms)
{
    now = instant_after_ms(now, ms);
    board_levels_expire(&levels, now);
}

static void want(unsigned io, bool high)
{
    assert_int_equal(board_levels_want(&levels, io, high, false), BOARD_WANTED);
    check();
}

static void expect_next(unsigned io)
{
    unsigned next = BOARD_IO_MAX;

    assert_true(board_levels_next(&levels, &next));
    assert_int_equal(next, io);
}

static void expect_none(void)
{
    unsigned next;

    assert_false(board_levels_next(&levels, &next));
}

/* Six ios, the last three outputs, all low, looked at twice. */
static int begin(void **unused)
{
    (void)unused;
    now = (struct instant){1000000};
    board_levels_init(&levels);
    check();
    board_levels_types(&levels, 6, 0x38);
    report("IO:000000");
    pass_ms(10);
    report("IO:000000");
    assert_false(levels.look_now);
    return 0;
}

static void the_count_is_what_the_types_say_or_two_reports_in_a_row(void **unused)
{
    (void)unused;
    board_levels_init(&levels);
    assert_int_equal(report_with_aim("IO:00000", BOARD_IO_MAX), BOARD_REPORT_DAMAGED);
    assert_int_equal(report_with_aim("IO:0000", BOARD_IO_MAX), BOARD_REPORT_DAMAGED);
    assert_int_equal(report_with_aim("IO:0000", BOARD_IO_MAX), BOARD_REPORT_BELIEVED);
    assert_int_equal(levels.count, 4);
    board_levels_forget(&levels);
    board_levels_types(&levels, 6, 0);
    assert_int_equal(report_with_aim("IO:00000", BOARD_IO_MAX), BOARD_REPORT_DAMAGED);
    assert_int_equal(report_with_aim("IO:00000", BOARD_IO_MAX), BOARD_REPORT_DAMAGED);
    assert_int_equal(report_with_aim("IO:000000", BOARD_IO_MAX), BOARD_REPORT_BELIEVED);
    assert_int_equal(levels.count, 6);
}

static void another_count_is_ignored_once_and_believed_twice_in_a_row(void **unused)
{
    (void)unused;
    assert_int_equal(report_with_aim("IO:11111", BOARD_IO_MAX), BOARD_REPORT_DAMAGED);
    report("IO:000000");
    assert_int_equal(report_with_aim("IO:11111", BOARD_IO_MAX), BOARD_REPORT_DAMAGED);
    assert_int_equal(report_with_aim("IO:1111111", BOARD_IO_MAX), BOARD_REPORT_DAMAGED);
    assert_int_equal(levels.level[0], BOARD_LOW);
    assert_int_equal(report_with_aim("IO:1111111", BOARD_IO_MAX), BOARD_REPORT_COUNT);
    assert_int_equal(levels.count, 0);
    report("IO:1111111"); /* the third: now believed */
    assert_int_equal(levels.level[6], BOARD_HIGH);
}

static void the_oldest_wish_goes_first_and_an_urgent_one_before_it(void **unused)
{
    (void)unused;
    want(5, true);
    want(3, true);
    expect_next(5);
    assert_int_equal(board_levels_want(&levels, 4, true, true), BOARD_WANTED);
    expect_next(4);
    board_levels_release(&levels, 4);
    want(5, true); /* anew: behind the other */
    expect_next(3);
}

static void what_is_as_wanted_is_not_commanded(void **unused)
{
    (void)unused;
    want(3, false);
    expect_none();
    assert_int_equal(board_levels_outcome(&levels, 3), BOARD_REACHED);
    want(3, true);
    want(3, false); /* before it was sent */
    expect_none();
}

static void three_failures_are_told_once_and_a_new_wish_begins_anew(void **unused)
{
    unsigned io = 0;

    (void)unused;
    want(3, true);
    assert_true(board_levels_failed(&levels, 3, true));
    assert_false(board_levels_failed(&levels, 3, false)); /* an older command */
    assert_true(board_levels_failed(&levels, 3, true));
    assert_false(board_levels_next_fault(&levels, &io));
    assert_false(board_levels_failed(&levels, 3, true));
    check();
    expect_none();
    assert_true(board_levels_next_fault(&levels, &io));
    assert_int_equal(io, 3);
    assert_false(board_levels_next_fault(&levels, &io));
    assert_int_equal(board_levels_outcome(&levels, 3), BOARD_FAILED);
    want(3, true);
    expect_next(3);
    board_levels_failed(&levels, 3, true);
    board_levels_failed(&levels, 3, true);
    board_levels_failed(&levels, 3, true);
    board_levels_forgive(&levels);
    expect_next(3);
}

/* A wire that is dead for a second must not leave the power on for as long as the stop is pressed. */
static void what_a_halt_wants_is_tried_again_with_each_report_and_told_once(void **unused)
{
    unsigned io;

    (void)unused;
    assert_int_equal(board_levels_want(&levels, 3, true, true), BOARD_WANTED);
    for (unsigned tries = 0; tries < 3; tries++) {
        expect_next(3);
        board_levels_failed(&levels, 3, true);
        check();
    }
    expect_none();
    assert_true(board_levels_next_fault(&levels, &io));
    for (unsigned reports = 0; reports < 5; reports++) {
        report("IO:000000");
        expect_next(3);
        board_levels_failed(&levels, 3, true);
        check();
        expect_none();
        assert_false(board_levels_next_fault(&levels, &io));
    }
    report("IO:000100");
    assert_int_equal(board_levels_outcome(&levels, 3), BOARD_REACHED);
    expect_none();
}

static void an_output_that_fails_and_then_is_reported_has_not_failed(void **unused)
{
    unsigned io;

    (void)unused;
    want(3, true);
    for (unsigned i = 0; i < BOARD_TRIES; i++) {
        board_levels_failed(&levels, 3, true);
    }
    report("IO:000100");
    assert_int_equal(board_levels_outcome(&levels, 3), BOARD_REACHED);
    assert_false(board_levels_next_fault(&levels, &io));
}

static void what_changes_unasked_is_looked_at_ten_milliseconds_later(void **unused)
{
    (void)unused;
    assert_true(instant_is_never(board_levels_deadline(&levels)));
    report("IO:100000");
    assert_int_equal(board_levels_deadline(&levels).us, now.us + 10000);
    pass_ms(9);
    assert_false(levels.look_now);
    pass_ms(1);
    assert_true(levels.look_now);
    report("IO:100000");
    assert_false(levels.look_now);
    assert_true(instant_is_never(board_levels_deadline(&levels)));
    /* Any report that late will do. */
    report("IO:000000");
    now = instant_after_ms(now, 10);
    report("IO:000000");
    assert_true(instant_is_never(board_levels_deadline(&levels)));
}

static void what_was_undone_is_set_again_after_the_second_look(void **unused)
{
    (void)unused;
    want(3, true);
    want(4, true);
    report("IO:000110");
    pass_ms(10);
    report("IO:000110");
    for (unsigned i = 0; i < BOARD_TRIES; i++) {
        report("IO:000010");
        expect_none();
        pass_ms(10);
        report("IO:000010");
        expect_next(3);
        report("IO:000110");
        pass_ms(10);
        report("IO:000110");
        expect_none();
    }
    report("IO:000010");
    pass_ms(10);
    report("IO:000010");
    expect_none(); /* somebody insists */
    assert_int_equal(board_levels_outcome(&levels, 3), BOARD_FAILED);
}

static void a_flipped_bit_sets_nothing(void **unused)
{
    (void)unused;
    want(3, true);
    report("IO:000100");
    pass_ms(10);
    report("IO:000100");
    report("IO:000000");
    expect_none();
    pass_ms(10);
    report("IO:000100");
    expect_none();
    pass_ms(10);
    report("IO:000100");
    expect_none();
}

static void all_that_was_set_high_low_twice_is_a_reset(void **unused)
{
    (void)unused;
    want(3, true);
    want(4, true);
    want(5, false);
    report("IO:000110");
    pass_ms(10);
    report("IO:000110");
    report("IO:000000");
    pass_ms(10);
    assert_int_equal(report_with_aim("IO:000000", BOARD_IO_MAX), BOARD_REPORT_RESET);
}

static void what_a_damaged_command_switched_is_put_back(void **unused)
{
    unsigned io;

    (void)unused;
    want(3, true);
    board_levels_commanded(&levels); /* IO 3 1 became IO 4 1 */
    assert_int_equal(report_with_aim("IO:000010", 3), BOARD_REPORT_BELIEVED);
    expect_next(4);
    assert_int_equal(levels.wish[4].level, BOARD_LOW);
    for (unsigned i = 0; i < BOARD_TRIES; i++) {
        board_levels_failed(&levels, 4, false);
    }
    assert_false(board_levels_next_fault(&levels, &io)); /* nobody's wish, nobody's fault */
    expect_next(3);
    report("IO:000110"); /* of the board's own accord: try again */
    expect_next(4);
    report("IO:000100");
    assert_int_equal(board_levels_outcome(&levels, 4), BOARD_NOT_WANTED);
    expect_none();
}

static void what_was_wanted_and_hit_by_a_damaged_command_is_set_at_once(void **unused)
{
    (void)unused;
    want(4, true);
    report("IO:000010");
    want(3, false);
    want(5, true);
    board_levels_commanded(&levels);
    assert_int_equal(report_with_aim("IO:000000", 5), BOARD_REPORT_BELIEVED);
    expect_next(4);
}

static void an_input_that_changes_with_a_command_is_not_put_back(void **unused)
{
    (void)unused;
    want(3, true);
    board_levels_commanded(&levels);
    assert_int_equal(report_with_aim("IO:010000", 3), BOARD_REPORT_BELIEVED);
    expect_next(3);
    assert_int_equal(board_levels_outcome(&levels, 1), BOARD_NOT_WANTED);
}

static void wanted_otherwise_while_the_command_was_on_its_way(void **unused)
{
    (void)unused;
    want(3, true);
    board_levels_commanded(&levels); /* IO 3 1 */
    want(3, false);
    assert_int_equal(board_levels_outcome(&levels, 3), BOARD_REACHED); /* as reported so far */
    assert_int_equal(report_with_aim("IO:000100", 3), BOARD_REPORT_BELIEVED);
    expect_next(3);
    assert_int_equal(levels.wish[3].level, BOARD_LOW);
}

static void what_is_forgotten_is_unknown_and_still_wanted(void **unused)
{
    (void)unused;
    want(3, true);
    report("IO:000100");
    board_levels_forget(&levels);
    check();
    assert_int_equal(levels.level[3], BOARD_UNKNOWN);
    assert_int_equal(board_levels_outcome(&levels, 3), BOARD_PENDING);
    expect_none(); /* it is not known which ios there are */
    board_levels_types(&levels, 3, 0);
    report("IO:000");
    expect_none();
    assert_int_equal(board_levels_outcome(&levels, 3), BOARD_FAILED);
    assert_int_equal(board_levels_want(&levels, 3, true, false), BOARD_NO_SUCH_IO);
    assert_int_equal(board_levels_want(&levels, 64, true, false), BOARD_NO_SUCH_IO);
}

static void a_repair_is_forgotten_with_the_board(void **unused)
{
    (void)unused;
    want(3, true);
    board_levels_commanded(&levels);
    assert_int_equal(report_with_aim("IO:000010", 3), BOARD_REPORT_BELIEVED);
    board_levels_forget(&levels);
    assert_int_equal(board_levels_outcome(&levels, 4), BOARD_NOT_WANTED);
    assert_int_equal(board_levels_outcome(&levels, 3), BOARD_PENDING);
}

static void a_new_wish_or_letting_go_takes_an_untold_fault_back(void **unused)
{
    unsigned io;

    (void)unused;
    for (unsigned round = 0; round < 2; round++) {
        want(3, true);
        for (unsigned i = 0; i < BOARD_TRIES; i++) {
            board_levels_failed(&levels, 3, true);
        }
        if (round == 0) {
            want(3, true);
        } else {
            board_levels_release(&levels, 3);
        }
        assert_false(board_levels_next_fault(&levels, &io));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_count_is_what_the_types_say_or_two_reports_in_a_row, begin),
        cmocka_unit_test_setup(another_count_is_ignored_once_and_believed_twice_in_a_row, begin),
        cmocka_unit_test_setup(the_oldest_wish_goes_first_and_an_urgent_one_before_it, begin),
        cmocka_unit_test_setup(what_is_as_wanted_is_not_commanded, begin),
        cmocka_unit_test_setup(three_failures_are_told_once_and_a_new_wish_begins_anew, begin),
        cmocka_unit_test_setup(what_a_halt_wants_is_tried_again_with_each_report_and_told_once,
                               begin),
        cmocka_unit_test_setup(an_output_that_fails_and_then_is_reported_has_not_failed, begin),
        cmocka_unit_test_setup(what_changes_unasked_is_looked_at_ten_milliseconds_later, begin),
        cmocka_unit_test_setup(what_was_undone_is_set_again_after_the_second_look, begin),
        cmocka_unit_test_setup(a_flipped_bit_sets_nothing, begin),
        cmocka_unit_test_setup(all_that_was_set_high_low_twice_is_a_reset, begin),
        cmocka_unit_test_setup(what_a_damaged_command_switched_is_put_back, begin),
        cmocka_unit_test_setup(what_was_wanted_and_hit_by_a_damaged_command_is_set_at_once, begin),
        cmocka_unit_test_setup(an_input_that_changes_with_a_command_is_not_put_back, begin),
        cmocka_unit_test_setup(wanted_otherwise_while_the_command_was_on_its_way, begin),
        cmocka_unit_test_setup(what_is_forgotten_is_unknown_and_still_wanted, begin),
        cmocka_unit_test_setup(a_repair_is_forgotten_with_the_board, begin),
        cmocka_unit_test_setup(a_new_wish_or_letting_go_takes_an_untold_fault_back, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
