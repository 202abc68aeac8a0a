#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/mistakes.h"

static void expect_printed(const struct mistakes *mistakes, const char *expected)
{
    char *told = NULL;
    size_t length;
    FILE *to = open_memstream(&told, &length);

    mistakes_print(mistakes, to);
    fclose(to);
    assert_string_equal(told, expected);
    free(told);
}

static void mistakes_are_told_by_file_and_place(void **unused)
{
    struct mistakes mistakes = {0};

    (void)unused;
    mistakes_error(&mistakes, (struct place){"b.yaml", 9, 1}, "nine");
    mistakes_warning(&mistakes, (struct place){"b.yaml", 2, 30}, "%s %d", "thirty", 30);
    mistakes_error(&mistakes, (struct place){"b.yaml", 2, 4}, "four");
    mistakes_error(&mistakes, (struct place){"a.yaml", 1, 1}, "another file");
    mistakes_error(&mistakes, (struct place){"c.yaml", 0, 0}, "no place");
    mistakes_error(&mistakes, (struct place){"b.yaml", 2, 4}, "five");
    assert_int_equal(mistakes.errors, 5);
    assert_int_equal(mistakes.warnings, 1);
    expect_printed(&mistakes, "b.yaml:2:4: error: four\n"
                              "b.yaml:2:4: error: five\n"
                              "b.yaml:2:30: warning: thirty 30\n"
                              "b.yaml:9:1: error: nine\n"
                              "a.yaml:1:1: error: another file\n"
                              "c.yaml: error: no place\n");
    mistakes_free(&mistakes);
}

static void the_same_at_the_same_place_is_told_once(void **unused)
{
    struct mistakes mistakes = {0};

    (void)unused;
    mistakes_error(&mistakes, (struct place){"b.yaml", 1, 1}, "x");
    mistakes_error(&mistakes, (struct place){"b.yaml", 1, 1}, "x");
    assert_int_equal(mistakes.errors, 1);
    mistakes_error(&mistakes, (struct place){"b.yaml", 1, 2}, "x");
    assert_int_equal(mistakes.errors, 2);
    mistakes_free(&mistakes);
    expect_printed(&mistakes, "");
}

static void too_many_are_counted(void **unused)
{
    struct mistakes mistakes = {0};
    char *told = NULL;
    size_t length;
    FILE *to = open_memstream(&told, &length);

    (void)unused;
    for (unsigned i = 1; i <= MISTAKES_MAX + 5; i++) {
        mistakes_error(&mistakes, (struct place){"b.yaml", i, 1}, "x");
    }
    assert_int_equal(mistakes.errors, MISTAKES_MAX + 5);
    mistakes_print(&mistakes, to);
    fclose(to);
    assert_non_null(strstr(told, "\nand 5 more\n"));
    free(told);
    mistakes_free(&mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_told_by_file_and_place),
        cmocka_unit_test(the_same_at_the_same_place_is_told_once),
        cmocka_unit_test(too_many_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
