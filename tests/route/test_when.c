#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/when.h"

static void expect_read(const char *text, enum when_comparison comparison, int32_t threshold)
{
    enum when_comparison read = (enum when_comparison)99;
    int32_t at = 4711;

    assert_true(when_comparison_read(span_of(text), &read, &at));
    assert_int_equal(read, comparison);
    assert_int_equal(at, threshold);
}

static void expect_unread(const char *text)
{
    enum when_comparison read = (enum when_comparison)99;
    int32_t at = 4711;

    assert_false(when_comparison_read(span_of(text), &read, &at));
    assert_int_equal(read, 99);
    assert_int_equal(at, 4711);
}

static void a_comparison_has_a_sign_a_number_and_its_unit(void **unused)
{
    (void)unused;
    expect_read(">= 50C", IS_AT_LEAST, 50000);
    expect_read(">50C", IS_ABOVE, 50000);
    expect_read("<= 37.5 C", IS_AT_MOST, 37500);
    expect_read("<-5C", IS_BELOW, -5000);
    expect_unread("50C");
    expect_unread(">= 50");
    expect_unread(">= 50F");
    expect_unread(">= C");
    expect_unread("=> 50C");
    expect_unread("> = 50C");
    expect_unread(">= 50C or so");
    expect_unread(">= 2001C");
    expect_unread("< -2001C");
    expect_unread(">= 99999999999999C");
    expect_unread(">");
    expect_unread("");
}

static void a_comparison_is_written_as_it_is_read(void **unused)
{
    (void)unused;
    assert_string_equal(when_comparison_word(IS_BELOW), "<");
    assert_string_equal(when_comparison_word(IS_AT_MOST), "<=");
    assert_string_equal(when_comparison_word(IS_AT_LEAST), ">=");
    assert_string_equal(when_comparison_word(IS_ABOVE), ">");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comparison_has_a_sign_a_number_and_its_unit),
        cmocka_unit_test(a_comparison_is_written_as_it_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
