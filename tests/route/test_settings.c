#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "route/settings.h"

static const struct settings settings = {
    .points = 3,
    .point = {{.name = "light", .number = -1}, {.name = "psu", .number = 100}, {.name = "b4"}},
};

static void a_point_is_found_by_its_name_in_any_case(void **unused)
{
    (void)unused;
    assert_int_equal(settings_point(&settings, SPAN("light")), 0);
    assert_int_equal(settings_point(&settings, SPAN("LIGHT")), 0);
    assert_int_equal(settings_point(&settings, SPAN("b4")), 2);
    assert_int_equal(settings_point(&settings, SPAN("ligh")), POINT_NONE);
    assert_int_equal(settings_point(&settings, SPAN_NONE), POINT_NONE);
}

static void a_point_is_found_by_its_number_if_it_has_one(void **unused)
{
    (void)unused;
    assert_int_equal(settings_point(&settings, SPAN("100")), 1);
    assert_int_equal(settings_point(&settings, SPAN("0100")), 1);
    assert_int_equal(settings_point(&settings, SPAN("0")), 2);
    assert_int_equal(settings_point(&settings, SPAN("-1")), POINT_NONE);
    assert_int_equal(settings_point(&settings, SPAN("12")), POINT_NONE);
    assert_int_equal(settings_point(&settings, SPAN("99999999999999999999")), POINT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_is_found_by_its_name_in_any_case),
        cmocka_unit_test(a_point_is_found_by_its_number_if_it_has_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
