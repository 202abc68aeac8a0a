/* What the simulated printer reads, refuses, queues and loses. */
#include "printer_bench.h"

static int setup(void **unused)
{
    (void)unused;
    begin_marlin();
    return 0;
}

/* Marlin 2.1 with one thing changed. */
static struct sim_printer_manner unpaced(void)
{
    struct sim_printer_manner manner = sim_printer_manner_marlin();

    manner.baud = 0;
    return manner;
}

static void numbered_lines_are_executed_without_number_and_checksum(void **unused)
{
    (void)unused;
    send_text("N0 M110 N0*125\n");
    assert_string_equal(said, "ok\n");
    send_text(numbered(1, "G1 X10 E1"));
    assert_string_equal(said, "ok\n");
    assert_executed("M110 N0");
    assert_executed("G1 X10 E1");
}

static void a_wrong_checksum_is_refused_in_marlins_words(void **unused)
{
    (void)unused;
    send_text(numbered(1, "G90"));
    send_text(numbered(2, "G90"));
    send_text("N3 G90*1\n");
    assert_string_equal(said, "Error:checksum mismatch, Last Line: 2\nResend: 3\nok\n");
    assert_int_equal(printer.counters.refused, 1);
}

static void a_hole_is_refused_in_marlins_words(void **unused)
{
    (void)unused;
    send_text(numbered(1, "G90"));
    send_text(numbered(3, "G90"));
    assert_string_equal(
        said, "Error:Line Number is not Last Line Number+1, Last Line: 1\nResend: 2\nok\n");
}

static void a_missing_checksum_is_refused_in_marlins_words(void **unused)
{
    (void)unused;
    send_text("N1 G90\n");
    assert_string_equal(said, "Error:No Checksum with line number, Last Line: 0\nResend: 1\nok\n");
}

static void a_refusal_empties_the_receive_buffer(void **unused)
{
    char text[128];

    (void)unused;
    snprintf(text, sizeof text, "N1 G90*9\n%s", "G91\nG91\n");
    send_text(text);
    assert_string_equal(said, "Error:checksum mismatch, Last Line: 0\nResend: 1\nok\n");
    assert_nothing_executed();
}

static void a_doublet_is_dropped_without_a_word(void **unused)
{
    (void)unused;
    send_text(numbered(1, "G90"));
    send_text(numbered(2, "G91"));
    send_text(numbered(2, "G91"));
    assert_string_equal(said, "");
    send_text(numbered(1, "G90"));
    assert_string_equal(said, "");
    assert_int_equal(printer.counters.doublets, 2);
    assert_int_equal(printer.counters.lines, 2);
}

static void older_marlin_refuses_a_doublet(void **unused)
{
    struct sim_printer_manner manner = unpaced();

    (void)unused;
    manner.doublets_refused = true;
    begin(manner);
    send_text(numbered(1, "G90"));
    send_text(numbered(1, "G90"));
    assert_string_equal(
        said, "Error:Line Number is not Last Line Number+1, Last Line: 1\nResend: 2\nok\n");
}

static void m110_sets_the_number_that_comes_next(void **unused)
{
    (void)unused;
    send_text(numbered(7, "M110 N41"));
    assert_string_equal(said, "ok\n");
    send_text(numbered(42, "G90"));
    assert_string_equal(said, "ok\n");
    send_text("M110 N99\n");
    send_text(numbered(100, "G90"));
    assert_string_equal(said, "ok\n");
}

static void an_overlong_numbered_line_fails_its_checksum(void **unused)
{
    char text[120];

    (void)unused;
    memset(text, 'x', sizeof text);
    memcpy(text, "M117 ", 5);
    text[92] = '\0'; /* 95 with `N1 `, and then the checksum */
    send_text(numbered(1, text));
    assert_int_equal(count_said("Error:No Checksum with line number"), 1);
    text[88] = '\0';
    send_text(numbered(1, text));
    assert_string_equal(said, "ok\n");
}

static void the_ok_after_a_resend_comes_always_never_or_while_a_line_is_executed(void **unused)
{
    struct sim_printer_manner manner = unpaced();

    (void)unused;
    manner.resend_ok = SIM_RESEND_OK_NEVER;
    begin(manner);
    send_text("N5 G90*9\n");
    assert_int_equal(count_lines("ok"), 0);
    assert_int_equal(count_lines("Resend: 1"), 1);
    manner.resend_ok = SIM_RESEND_OK_EXECUTING;
    begin(manner);
    send_text("N5 G90*9\n");
    assert_int_equal(count_lines("ok"), 0);
    send_text("G4 P1000\nN5 G90*9\n");
    assert_int_equal(count_lines("ok"), 1);
}

static void a_queue_of_four_is_read_and_the_rest_waits(void **unused)
{
    (void)unused;
    send_text("G28\nM105\nM114\nG90\nG91\n");
    assert_string_equal(said, "");
    assert_int_equal(printer.queue_count, 4);
    assert_int_equal(printer.receive_count, 4);
    pass_ms(4900);
    assert_int_equal(count_lines("ok"), 0);
    pass_ms(200);
    assert_int_equal(count_lines("ok"), 4);
    assert_int_equal(count_said("ok T:21.00 /0.00 B:21.00 /0.00 @:0 B@:0\n"), 1);
}

static void what_overflows_the_receive_buffer_is_lost(void **unused)
{
    char text[256];
    size_t length = 0;

    (void)unused;
    send_text("G28\nG90\nG90\nG90\n");
    for (int i = 0; i < 20; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "M106 S%03d\n", i);
    send_text(text);
    assert_int_equal(printer.receive_count, 128);
    assert_int_equal(printer.counters.overruns, 1);
    assert_int_equal(printer.counters.lost_bytes, length - 128);
    pass_ms(4000);
    forget_said();
    pass_ms(2000);
    assert_int_equal(count_lines("ok"), 4 + 12);
    /* twelve lines of ten bytes, and eight bytes that no line end followed */
    assert_int_equal(printer.line.length, 8);
}

static void with_flow_control_nothing_is_lost(void **unused)
{
    struct sim_printer_manner manner = unpaced();
    char text[512];
    size_t length = 0;
    size_t sent;

    (void)unused;
    manner.flow_control = true;
    begin(manner);
    send_text("G28\n");
    for (int i = 0; i < 40; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "M106 S%03d\n", i);
    sent = sim_printer_receive(&printer, (struct span){text, length}, now);
    assert_int_equal(sent, 3 * 10 + 128);
    assert_int_equal(sim_printer_room(&printer), 0);
    pass_ms(6000);
    assert_int_equal(sim_printer_room(&printer), 128);
    sent += sim_printer_receive(&printer, (struct span){text + sent, length - sent}, now);
    pass_ms(10);
    assert_int_equal(sent, length);
    assert_int_equal(count_lines("ok"), 41);
    assert_int_equal(printer.counters.lost_bytes, 0);
}

static void advanced_ok_tells_number_planner_and_queue(void **unused)
{
    struct sim_printer_manner manner = unpaced();

    (void)unused;
    manner.advanced_ok = true;
    begin(manner);
    send_text(numbered(1, "G1 X10"));
    assert_string_equal(said, "ok N1 P14 B3\n");
    pass_ms(1000);
    send_text("G90\n");
    assert_string_equal(said, "ok P15 B3\n");
    send_text("M105\n");
    assert_string_equal(said, "ok T:21.00 /0.00 B:21.00 /0.00 @:0 B@:0\n");
    send_text("N9 G90*1\n");
    assert_int_equal(count_lines("ok"), 1);
}

static void without_emergency_parser_m112_acts_when_it_is_read(void **unused)
{
    struct sim_printer_manner manner = unpaced();

    (void)unused;
    manner.emergency_parser = false;
    begin(manner);
    send_text("G4 S5\n");
    send_text("M112\n");
    assert_int_equal(printer.state, SIM_PRINTER_HALTED);

    begin(manner);
    send_text("G4 S5\nG90\nG90\nG90\nM112\n");
    assert_int_equal(printer.state, SIM_PRINTER_UP);
    pass_ms(4999);
    assert_int_equal(printer.state, SIM_PRINTER_UP);
    pass_ms(2);
    assert_int_equal(printer.state, SIM_PRINTER_HALTED);

    begin(manner);
    send_text("G4 S5\n");
    send_text(numbered(1, "M112"));
    pass_ms(4000);
    assert_int_equal(printer.state, SIM_PRINTER_UP);
    pass_ms(1100);
    assert_int_equal(printer.state, SIM_PRINTER_HALTED);
}

static void m999_asks_for_the_next_line_again(void **unused)
{
    (void)unused;
    send_text("M999\n");
    assert_string_equal(said, "Resend: 1\nok\nok\n");
    send_text("M999 S1\n");
    assert_string_equal(said, "ok\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(numbered_lines_are_executed_without_number_and_checksum, setup),
        cmocka_unit_test_setup(a_wrong_checksum_is_refused_in_marlins_words, setup),
        cmocka_unit_test_setup(a_hole_is_refused_in_marlins_words, setup),
        cmocka_unit_test_setup(a_missing_checksum_is_refused_in_marlins_words, setup),
        cmocka_unit_test_setup(a_refusal_empties_the_receive_buffer, setup),
        cmocka_unit_test_setup(a_doublet_is_dropped_without_a_word, setup),
        cmocka_unit_test_setup(older_marlin_refuses_a_doublet, setup),
        cmocka_unit_test_setup(m110_sets_the_number_that_comes_next, setup),
        cmocka_unit_test_setup(an_overlong_numbered_line_fails_its_checksum, setup),
        cmocka_unit_test_setup(the_ok_after_a_resend_comes_always_never_or_while_a_line_is_executed,
                               setup),
        cmocka_unit_test_setup(a_queue_of_four_is_read_and_the_rest_waits, setup),
        cmocka_unit_test_setup(what_overflows_the_receive_buffer_is_lost, setup),
        cmocka_unit_test_setup(with_flow_control_nothing_is_lost, setup),
        cmocka_unit_test_setup(advanced_ok_tells_number_planner_and_queue, setup),
        cmocka_unit_test_setup(without_emergency_parser_m112_acts_when_it_is_read, setup),
        cmocka_unit_test_setup(m999_asks_for_the_next_line_again, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
