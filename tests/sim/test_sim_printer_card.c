/* Files on the simulated printer's card: uploaded, listed, printed, removed. */
#include "printer_bench.h"

static int setup(void **unused)
{
    (void)unused;
    begin_marlin();
    return 0;
}

/* As OctoPrint uploads: M28 unnumbered, the lines numbered. */
static void upload(const char *name, const char *const *lines, int count)
{
    char text[64];

    send_text("N0 M110 N0*125\n");
    snprintf(text, sizeof text, "M28 %s\n", name);
    send_text(text);
    for (int i = 0; i < count; i++)
        send_text(numbered(i + 1, lines[i]));
    send_text(numbered(count + 1, "M29"));
}

static void an_uploaded_file_is_written_and_not_executed(void **unused)
{
    static const char *const lines[] = {"G28", "M600", "M42 P1 S1"};
    struct span command;

    (void)unused;
    upload("/t3.gco", lines, 3);
    assert_string_equal(said, "Done saving file.\nok\n");
    assert_true(sim_printer_executed(&printer, &command)); /* M110 */
    assert_executed("M28 /t3.gco");
    assert_nothing_executed();
    send_text("M20\n");
    assert_string_equal(said, "Begin file list\nT3.GCO 19\nEnd file list\nok\n");
}

static void an_unnumbered_line_in_an_upload_is_refused_and_m112_halts_nevertheless(void **unused)
{
    (void)unused;
    send_text("M28 a.gco\n");
    send_text("G28\n");
    assert_int_equal(count_said("Error:No Checksum with line number"), 1);
    send_text("M29\n");
    assert_int_equal(count_said("Done saving file.\nok\n"), 1);
    send_text("M28 a.gco\n");
    send_text("M112\n");
    assert_int_equal(printer.state, SIM_PRINTER_HALTED);
}

/* Marlin looks for M29 in the line (is_M29), and does not check what is no number. */
static void an_m29_whose_number_is_hurt_ends_an_upload(void **unused)
{
    (void)unused;
    send_text("M28 a.gco\n");
    send_text("X1 M29*24\n");
    assert_int_equal(count_said("Done saving file.\nok\n"), 1);
    send_text("M105\n");
    assert_int_equal(count_said("ok T:"), 1);
}

static void without_emergency_parser_m112_waits_for_the_end_of_an_upload(void **unused)
{
    struct sim_printer_manner manner = sim_printer_manner_marlin();

    (void)unused;
    manner.baud = 0;
    manner.emergency_parser = false;
    begin(manner);
    send_text("M28 a.gco\n");
    send_text("M112\n");
    assert_int_equal(printer.state, SIM_PRINTER_UP);
    send_text("M29\n");
    send_text("M112\n");
    assert_int_equal(printer.state, SIM_PRINTER_HALTED);
}

static void a_file_is_selected_printed_and_told_done(void **unused)
{
    static const char *const lines[] = {"M42 P1 S1", "G4 P500", "M42 P1 S0"};

    (void)unused;
    upload("a.gco", lines, 3);
    send_text("M23 /a.gco\n");
    assert_string_equal(said, "echo:Now fresh file: /a.gco\n"
                              "File opened: /a.gco Size: 28\nFile selected\nok\n");
    send_text("M27\n");
    assert_string_equal(said, "Not SD printing\nok\n");
    send_text("M24\n");
    /* no oks for lines of the file */
    assert_int_equal(count_lines("ok"), 1);
    assert_int_equal(count_lines("Done printing file"), 1);
    pass_ms(600);
    assert_int_equal(count_lines("ok"), 1);
    struct span command;
    uint64_t seen = 0;
    while (sim_printer_executed(&printer, &command))
        seen++;
    assert_int_equal(seen, printer.counters.lines);
    assert_memory_equal(command.data, "M42 P1 S0", 9);
}

static void a_print_from_the_card_is_reported_paused_and_resumed(void **unused)
{
    static const char *lines[40];

    (void)unused;
    for (int i = 0; i < 40; i++)
        lines[i] = "G4 P1000";
    upload("b.gco", lines, 40);
    send_text("M23 b.gco\nM27 S2\nM24\n");
    pass_ms(4100);
    assert_int_equal(count_said("SD printing byte "), 2);
    send_text("M25\n");
    pass_ms(10000);
    uint64_t paused_at = printer.counters.lines;
    pass_ms(10000);
    assert_int_equal(printer.counters.lines, paused_at);
    send_text("M24\n");
    pass_ms(40000);
    assert_int_equal(count_lines("Done printing file"), 1);
}

static void files_that_do_not_exist_are_told(void **unused)
{
    (void)unused;
    send_text("M23 no.gco\n");
    assert_string_equal(said, "open failed, File: no.gco.\nok\n");
    send_text("M30 no.gco\n");
    assert_string_equal(said, "Deletion failed, File: no.gco.\nok\n");
    send_text("M28\n");
    assert_string_equal(said, "open failed, File: .\nok\n");
    send_text("M24\nM26 S10\nM27 C\n");
    assert_string_equal(said, "ok\nok\nCurrent file: (no file)\nok\n");
}

static void a_full_file_is_told_and_no_more_is_written(void **unused)
{
    (void)unused;
    send_text("N0 M110 N0*125\nM28 c.gco\n");
    for (int i = 1; i <= 400; i++) {
        send_text(numbered(i, "G1 X100.000 Y100.000 Z100.000 E100.00000 F100000"));
        if (count_said("Error:error writing to file") > 0)
            return;
    }
    fail();
}

static void a_reset_keeps_the_files(void **unused)
{
    static const char *const lines[] = {"G28"};

    (void)unused;
    upload("a.gco", lines, 1);
    sim_printer_reset(&printer, now);
    pass_ms(2000);
    send_text("M20\n");
    assert_int_equal(count_lines("A.GCO 4"), 1);
    send_text("M30 a.gco\n");
    assert_string_equal(said, "File deleted:a.gco\nok\n");
    send_text("M20\n");
    assert_string_equal(said, "Begin file list\nEnd file list\nok\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_uploaded_file_is_written_and_not_executed, setup),
        cmocka_unit_test_setup(
            an_unnumbered_line_in_an_upload_is_refused_and_m112_halts_nevertheless, setup),
        cmocka_unit_test_setup(an_m29_whose_number_is_hurt_ends_an_upload, setup),
        cmocka_unit_test_setup(without_emergency_parser_m112_waits_for_the_end_of_an_upload, setup),
        cmocka_unit_test_setup(a_file_is_selected_printed_and_told_done, setup),
        cmocka_unit_test_setup(a_print_from_the_card_is_reported_paused_and_resumed, setup),
        cmocka_unit_test_setup(files_that_do_not_exist_are_told, setup),
        cmocka_unit_test_setup(a_full_file_is_told_and_no_more_is_written, setup),
        cmocka_unit_test_setup(a_reset_keeps_the_files, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
