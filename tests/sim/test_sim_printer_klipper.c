/* The Klipper-like manner. */
#include "printer_bench.h"

static int setup(void **unused)
{
    (void)unused;
    begin(sim_printer_manner_klipper());
    return 0;
}

static void numbers_and_checksums_are_ignored(void **unused)
{
    (void)unused;
    send_text("N5 G90*1\nN5 G90*1\nN1 M107\n");
    assert_string_equal(said, "ok\nok\nok\n");
    assert_executed("G90");
    assert_executed("G90"); /* a doublet is executed again */
    assert_executed("M107");
}

static void blank_lines_get_an_ok(void **unused)
{
    (void)unused;
    send_text("\n; comment\n");
    assert_string_equal(said, "ok\nok\n");
    assert_nothing_executed();
}

static void an_unknown_command_is_named_by_its_word(void **unused)
{
    (void)unused;
    send_text("XYZ A=1\nM600\n");
    assert_string_equal(said, "// Unknown command:\"XYZ\"\nok\n// Unknown command:\"M600\"\nok\n");
}

static void actions_have_a_blank(void **unused)
{
    (void)unused;
    send_text("PAUSE\nresume\nM118 hello\n");
    assert_string_equal(said, "// action:paused\nok\n// action:resumed\nok\necho: hello\nok\n");
}

static void no_busy_is_ever_said_and_lower_case_is_understood(void **unused)
{
    (void)unused;
    send_and_wait("g28\nm400\n", 5001);
    assert_string_equal(said, "ok\nok\n");
    send_and_wait("G4 P1500\n", 751); /* answered early, as the look-ahead does */
    assert_string_equal(said, "ok\n");
}

static void m112_shuts_down_and_every_command_is_told_so_until_a_restart(void **unused)
{
    (void)unused;
    send_text("G4 S20\nG90\n");
    send_text("M112\n");
    assert_memory_equal(said, "// Klipper state: Shutdown\n", 27);
    pass_ms(1);
    send_text("G28\n");
    assert_int_equal(count_lines("!! Shutdown due to M112 command"), 1);
    assert_int_equal(count_said("// "), 5);
    assert_int_equal(count_lines("ok"), 1);
    send_text("M105\n");
    assert_string_equal(said, "ok T:0\n");
    send_text("FIRMWARE_RESTART\n");
    assert_int_equal(count_lines("// Klipper state: Disconnect"), 1);
    pass_ms(1669);
    assert_int_equal(count_lines("// Klipper state: Ready"), 0);
    pass_ms(2);
    assert_int_equal(count_lines("// Klipper state: Ready"), 1);
    send_text("G90\n");
    assert_string_equal(said, "ok\n");
}

static void reports_have_klippers_form(void **unused)
{
    (void)unused;
    send_text("M105\nM114\nM115\n");
    assert_string_equal(said, "ok B:21.0 /0.0 T0:21.0 /0.0\n"
                              "X:0.000 Y:0.000 Z:0.000 E:0.000\nok\n"
                              "ok FIRMWARE_NAME:Klipper FIRMWARE_VERSION:v0.11.0-100\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(numbers_and_checksums_are_ignored, setup),
        cmocka_unit_test_setup(blank_lines_get_an_ok, setup),
        cmocka_unit_test_setup(an_unknown_command_is_named_by_its_word, setup),
        cmocka_unit_test_setup(actions_have_a_blank, setup),
        cmocka_unit_test_setup(no_busy_is_ever_said_and_lower_case_is_understood, setup),
        cmocka_unit_test_setup(m112_shuts_down_and_every_command_is_told_so_until_a_restart, setup),
        cmocka_unit_test_setup(reports_have_klippers_form, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
