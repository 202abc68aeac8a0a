#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim_gcode.h"

static void assert_span(struct span found, const char *text)
{
    assert_int_equal(found.length, strlen(text));
    if (found.length > 0)
        assert_memory_equal(found.data, text, found.length);
}

static void number_and_checksum_are_taken_off(void **unused)
{
    (void)unused;
    struct sim_gcode gcode = sim_gcode_read(SPAN("N12 G1 X1.5 Y-2 *77"));
    assert_int_equal(gcode.letter, 'G');
    assert_int_equal(gcode.number, 1);
    assert_span(gcode.text, "G1 X1.5 Y-2");
    assert_span(gcode.rest, "X1.5 Y-2");
}

static void what_is_no_command_is_kept_as_text(void **unused)
{
    (void)unused;
    static const char *const lines[] = {"", "FOO 1", "g28", "M", "Mx", "*12", "  "};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_int_equal(sim_gcode_read(span_of(lines[i])).letter, '?');
    assert_span(sim_gcode_read(SPAN("  FOO 1 ")).text, "FOO 1");
}

static void a_subcode_is_not_part_of_the_number(void **unused)
{
    (void)unused;
    struct sim_gcode gcode = sim_gcode_read(SPAN("M889.1 S2"));
    assert_int_equal(gcode.number, 889);
    assert_span(gcode.rest, "S2");
}

static void parameters_may_stand_in_any_order_with_or_without_blanks(void **unused)
{
    (void)unused;
    struct sim_gcode gcode = sim_gcode_read(SPAN("G1Y2 F 1500X-.25E"));
    double value = 0;

    assert_true(sim_gcode_value(&gcode, 'X', &value));
    assert_true(value == -0.25);
    assert_true(sim_gcode_value(&gcode, 'F', &value));
    assert_true(value == 1500);
    assert_false(sim_gcode_value(&gcode, 'E', &value));
    assert_true(sim_gcode_has(&gcode, 'E'));
    assert_false(sim_gcode_has(&gcode, 'Z'));
    assert_true(value == 1500);
}

static void numbers_too_long_stay_finite(void **unused)
{
    (void)unused;
    char line[200] = "G1 X";
    double value = 0;

    memset(line + 4, '9', 150);
    line[154] = '\0';
    struct sim_gcode gcode = sim_gcode_read(span_of(line));
    assert_true(sim_gcode_value(&gcode, 'X', &value));
    assert_true(value > 1e10 && value < 1e13);
    gcode = sim_gcode_read(SPAN("G1 X0.00000000000000001"));
    assert_true(sim_gcode_value(&gcode, 'X', &value));
    assert_true(value == 0);
    assert_int_equal(sim_gcode_read(SPAN("G99999999999999999999")).number, 99999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_and_checksum_are_taken_off),
        cmocka_unit_test(what_is_no_command_is_kept_as_text),
        cmocka_unit_test(a_subcode_is_not_part_of_the_number),
        cmocka_unit_test(parameters_may_stand_in_any_order_with_or_without_blanks),
        cmocka_unit_test(numbers_too_long_stay_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
