#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "session/sent_lines.h"

static struct sent_lines lines;

static int begin(void **unused)
{
    (void)unused;
    memset(&lines, 0, sizeof lines);
    sent_lines_init(&lines);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    assert_null(sent_lines_check(&lines));
    return 0;
}

static void keep(const char *text, int64_t number)
{
    sent_lines_keep(&lines, span_of(text), (struct sent_line){.number = number});
    assert_null(sent_lines_check(&lines));
}

static void the_oldest_unanswered_line_is_answered_first(void **unused)
{
    (void)unused;
    keep("N1 G1*41\n", 1);
    keep("N2 G1*42\n", 2);
    assert_int_equal(lines.unanswered_bytes, 18);
    sent_lines_answer(&lines);
    assert_int_equal(sent_lines_unanswered_number(&lines), 2);
    assert_true(span_equal(sent_lines_bytes(&lines, 0), SPAN("N2 G1*42\n")));
    assert_int_equal(lines.unanswered_bytes, 9);
}

static void what_was_answered_can_be_taken_back(void **unused)
{
    (void)unused;
    keep("N1 G1*41\n", 1);
    keep("N2 G1*42\n", 2);
    sent_lines_answer_all(&lines);
    assert_int_equal(sent_lines_find(&lines, 1), 1);
    assert_int_equal(sent_lines_find(&lines, 3), -1);
    sent_lines_take_back(&lines, 2);
    assert_int_equal(sent_lines_unanswered_number(&lines), 1);
    assert_int_equal(lines.unanswered_bytes, 18);
}

static void the_oldest_answered_line_makes_room(void **unused)
{
    (void)unused;
    for (int64_t number = 0; number < PRINTER_LINES_KEPT + 3; number++) {
        keep("N1 G1*41\n", number);
        sent_lines_answer(&lines);
    }
    assert_int_equal(lines.ring.count, PRINTER_LINES_KEPT);
    assert_int_equal(sent_lines_find(&lines, 2), -1);
    assert_int_equal(sent_lines_find(&lines, 3), PRINTER_LINES_KEPT - 1);
}

static void a_place_is_left_for_the_question(void **unused)
{
    (void)unused;
    while (sent_lines_can_keep(&lines, 9))
        keep("N1 G1*41\n", 1);
    assert_int_equal(lines.unanswered, PRINTER_LINES_KEPT - 1);
}

static void a_command_at_the_printer_is_known_by_its_beginning(void **unused)
{
    (void)unused;
    keep("N1 G1 X1*57\n", 1);
    assert_true(sent_lines_has(&lines, SPAN("G1 X1")));
    assert_true(sent_lines_has(&lines, SPAN("G1")));
    assert_false(sent_lines_has(&lines, SPAN("X1 G1 X1")));
    assert_false(sent_lines_has(&lines, SPAN("")));
    lines.unsent = 1; /* it is not there */
    assert_false(sent_lines_has(&lines, SPAN("G1 X1")));
}

static void questions_are_told_from_the_others(void **unused)
{
    (void)unused;
    assert_false(sent_lines_only_questions(&lines));
    keep("G28\n", -1);
    assert_false(sent_lines_any_question(&lines));
    assert_false(sent_lines_any_numbered(&lines));
    sent_lines_keep(&lines, SPAN("N1 M105*38\n"),
                    (struct sent_line){.number = 1, .temperature = true, .question = true});
    assert_true(sent_lines_any_question(&lines));
    assert_true(sent_lines_any_numbered(&lines));
    assert_false(sent_lines_only_questions(&lines));
    assert_int_equal(sent_lines_first_temperature(&lines), 1);
    sent_lines_answer(&lines);
    assert_true(sent_lines_only_questions(&lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_unanswered_line_is_answered_first, begin, end),
        cmocka_unit_test_setup_teardown(what_was_answered_can_be_taken_back, begin, end),
        cmocka_unit_test_setup_teardown(the_oldest_answered_line_makes_room, begin, end),
        cmocka_unit_test_setup_teardown(a_place_is_left_for_the_question, begin, end),
        cmocka_unit_test_setup_teardown(a_command_at_the_printer_is_known_by_its_beginning, begin,
                                        end),
        cmocka_unit_test_setup_teardown(questions_are_told_from_the_others, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
