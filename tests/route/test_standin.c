#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "route/standin.h"

static struct span text;

static enum standin_answer answer(const char *command)
{
    struct gcode_line line;

    gcode_line_parse(span_of(command), &line);
    return standin_answer(&line, &text);
}

static void says(const char *command, const char *expected)
{
    assert_int_equal(answer(command), STANDIN_OK);
    assert_true(span_equal(text, span_of(expected)));
}

static void a_host_stays_connected(void **unused)
{
    (void)unused;
    says("N0 M110 N0*125\n", "ok\n");
    says("N1 M115*39\n", "ok\n");
    says("M105\n", "ok T:0.00 /0.00 B:0.00 /0.00 @:0 B@:0\n");
    says("M114\n", "X:0.00 Y:0.00 Z:0.00 E:0.00 Count X:0 Y:0 Z:0\nok\n");
    says("M21\n", "echo:No SD card\nok\n");
    says("M20\n", "Begin file list\nEnd file list\nok\n");
    says("M27\n", "Not SD printing\nok\n");
    says("M155 S2\n", "ok\n");
    says("M113 S2\n", "ok\n");
    says("M84\n", "ok\n");
}

static void motion_and_heating_are_refused(void **unused)
{
    static const char *const commands[] = {
        "G0 X1\n",    "G1 X1\n",    "g28\n",   "G29\n",       "M104 S200\n", "M109 S200\n",
        "M140 S60\n", "M190 S60\n", "M600\n",  "N7 G1 X1*1\n", "M24\n",      "M28 a.gco\n",
        "G1X1\n",     "M104\n"};

    (void)unused;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        assert_int_equal(answer(commands[i]), STANDIN_REFUSED);
}

static void cooling_down_is_no_heating(void **unused)
{
    (void)unused;
    says("M104 T0 S0\n", "ok\n");
    says("M140 S0\n", "ok\n");
    says("M104 S0.0\n", "ok\n");
    assert_int_equal(answer("M109 S0\n"), STANDIN_REFUSED);
}

static void m400_takes_its_time(void **unused)
{
    (void)unused;
    assert_int_equal(answer("M400\n"), STANDIN_LATER);
}

static void an_unknown_line_is_just_ok(void **unused)
{
    (void)unused;
    says("M117 hello\n", "ok\n");
    says("M1104\n", "ok\n");
    says("G1.5\n", "ok\n");
    says("FOO\n", "ok\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_stays_connected),
        cmocka_unit_test(motion_and_heating_are_refused),
        cmocka_unit_test(cooling_down_is_no_heating),
        cmocka_unit_test(m400_takes_its_time),
        cmocka_unit_test(an_unknown_line_is_just_ok),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
