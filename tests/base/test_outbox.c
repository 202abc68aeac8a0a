#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/outbox.h"

static struct outbox outbox;
static char storage[16];

static void expect_bytes(struct span expected)
{
    assert_true(span_equal(outbox_bytes(&outbox, storage), expected));
    assert_int_equal(outbox_room(&outbox), sizeof(storage) - expected.length);
}

static int empty(void **unused)
{
    (void)unused;
    outbox_init(&outbox, sizeof(storage));
    return 0;
}

static void bytes_leave_in_order_however_few_are_taken(void **unused)
{
    (void)unused;
    assert_true(outbox_add(&outbox, storage, SPAN("G28\n")));
    assert_true(outbox_add(&outbox, storage, SPAN_NONE));
    assert_true(outbox_add(&outbox, storage, SPAN("M105\n")));
    outbox_take(&outbox, storage, 0);
    expect_bytes(SPAN("G28\nM105\n"));
    outbox_take(&outbox, storage, 1);
    expect_bytes(SPAN("28\nM105\n"));
    outbox_take(&outbox, storage, 8);
    expect_bytes(SPAN(""));
    assert_int_equal(outbox.taken, 9);
}

static void what_does_not_fit_is_dropped_whole_and_counted(void **unused)
{
    (void)unused;
    assert_true(outbox_add(&outbox, storage, SPAN("0123456789")));
    assert_false(outbox_add(&outbox, storage, SPAN("abcdefg")));
    expect_bytes(SPAN("0123456789"));
    assert_int_equal(outbox.dropped, 7);
    assert_true(outbox_add(&outbox, storage, SPAN("abcdef")));
    assert_int_equal(outbox.dropped, 7);
}

static void what_overtakes_ends_a_half_written_line_first(void **unused)
{
    (void)unused;
    assert_true(outbox_add(&outbox, storage, SPAN("G1 X10\nG1")));
    outbox_take(&outbox, storage, 3);
    outbox_overtake(&outbox, storage, SPAN("M112\n"));
    expect_bytes(SPAN("\nM112\n"));
    outbox_take(&outbox, storage, 1);
    outbox_overtake(&outbox, storage, SPAN("M112\n"));
    expect_bytes(SPAN("M112\n"));
}

static void what_overtakes_whole_lines_needs_no_line_end(void **unused)
{
    (void)unused;
    outbox_overtake(&outbox, storage, SPAN("M108\n"));
    expect_bytes(SPAN("M108\n"));
    outbox_take(&outbox, storage, 5);
    assert_true(outbox_add(&outbox, storage, SPAN("G1 X10\n")));
    outbox_overtake(&outbox, storage, SPAN("M112\n"));
    expect_bytes(SPAN("M112\n"));
}

static void a_port_opened_anew_begins_with_a_whole_line(void **unused)
{
    (void)unused;
    assert_true(outbox_add(&outbox, storage, SPAN("G1 X10\n")));
    outbox_take(&outbox, storage, 3);
    outbox_clear(&outbox);
    outbox_overtake(&outbox, storage, SPAN("M112\n"));
    expect_bytes(SPAN("M112\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bytes_leave_in_order_however_few_are_taken, empty),
        cmocka_unit_test_setup(what_does_not_fit_is_dropped_whole_and_counted, empty),
        cmocka_unit_test_setup(what_overtakes_ends_a_half_written_line_first, empty),
        cmocka_unit_test_setup(what_overtakes_whole_lines_needs_no_line_end, empty),
        cmocka_unit_test_setup(a_port_opened_anew_begins_with_a_whole_line, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
