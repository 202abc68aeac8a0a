#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/sim_emergency.h"

static struct sim_emergency parser;

static enum sim_emergency_code feed(const char *text)
{
    enum sim_emergency_code code = SIM_EMERGENCY_NONE;

    for (; *text != '\0'; text++)
        code = sim_emergency_take(&parser, *text);
    return code;
}

static void codes_are_seen_at_the_start_of_a_line_numbered_or_not(void **unused)
{
    (void)unused;
    assert_int_equal(feed("M112\n"), SIM_EMERGENCY_M112);
    assert_int_equal(feed("  M108\r"), SIM_EMERGENCY_M108);
    assert_int_equal(feed("N16 M410*22\n"), SIM_EMERGENCY_M410);
    assert_int_equal(feed("M876 S3\n"), SIM_EMERGENCY_M876);
    assert_int_equal(parser.digit, 3);
    assert_int_equal(feed("KILL\n"), SIM_EMERGENCY_KILL);
    assert_int_equal(feed("^X\n"), SIM_EMERGENCY_KILL);
}

static void what_follows_m112_up_to_the_line_end_does_not_matter(void **unused)
{
    (void)unused;
    assert_int_equal(feed("M1120\n"), SIM_EMERGENCY_M112);
    assert_int_equal(feed("M112 ; no\n"), SIM_EMERGENCY_M112);
}

static void nothing_is_seen_before_the_line_end_or_inside_a_line(void **unused)
{
    (void)unused;
    assert_int_equal(feed("M112"), SIM_EMERGENCY_NONE);
    assert_int_equal(feed("\n"), SIM_EMERGENCY_M112);
    assert_int_equal(feed("G1 M112\n"), SIM_EMERGENCY_NONE);
    assert_int_equal(feed("xM112\n"), SIM_EMERGENCY_NONE);
    assert_int_equal(feed("M11\n"), SIM_EMERGENCY_NONE);
    assert_int_equal(feed("M876 P1\n"), SIM_EMERGENCY_NONE);
    assert_int_equal(feed("M812\n"), SIM_EMERGENCY_NONE);
    assert_int_equal(feed("m112\n"), SIM_EMERGENCY_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_seen_at_the_start_of_a_line_numbered_or_not),
        cmocka_unit_test(what_follows_m112_up_to_the_line_end_does_not_matter),
        cmocka_unit_test(nothing_is_seen_before_the_line_end_or_inside_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
