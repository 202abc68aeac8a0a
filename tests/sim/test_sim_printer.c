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

static void every_command_gets_one_ok(void **unused)
{
    (void)unused;
    send_text("G90\nM107\nM82\nM220 S100\n");
    assert_string_equal(said, "ok\nok\nok\nok\n");
    assert_executed("G90");
    assert_executed("M107");
    assert_executed("M82");
    assert_executed("M220 S100");
    assert_nothing_executed();
}

static void blank_and_comment_lines_get_no_answer(void **unused)
{
    (void)unused;
    send_text("\n\r\n;M105\n;\nG90;M105\n");
    assert_string_equal(said, "ok\n");
    assert_executed("G90");
}

static void an_unknown_command_is_named_and_gets_its_ok(void **unused)
{
    (void)unused;
    send_text("FOO bar\nM62 P1\nm105\n");
    assert_string_equal(said, "echo:Unknown command: \"FOO bar\"\nok\n"
                              "echo:Unknown command: \"M62 P1\"\nok\n"
                              "echo:Unknown command: \"m105\"\nok\n");
    assert_int_equal(printer.counters.unknown, 3);
}

static void marlins_own_codes_for_pins_are_taken_and_recorded(void **unused)
{
    (void)unused;
    send_text("M42 P13 S255\nM43\nM226 P2\n");
    assert_string_equal(said, "ok\nok\nok\n");
    assert_executed("M42 P13 S255");
    assert_executed("M43");
    assert_executed("M226 P2");
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

static void busy_is_said_every_two_seconds_while_a_command_blocks(void **unused)
{
    (void)unused;
    send_text("G4 S7\n");
    pass_ms(1999);
    assert_string_equal(said, "");
    pass_ms(2);
    assert_string_equal(said, "echo:busy: processing\n");
    pass_ms(4998);
    assert_int_equal(count_lines("echo:busy: processing"), 3);
    assert_int_equal(count_lines("ok"), 0);
    pass_ms(2);
    assert_int_equal(count_lines("ok"), 1);
    send_text("M113 S1\nG4 P3500\n");
    pass_ms(4000);
    assert_int_equal(count_lines("echo:busy: processing"), 3);
    send_text("M113\n");
    assert_string_equal(said, "echo:M113 S1\nok\n");
}

static void temperatures_are_reported_by_themselves_also_while_a_command_blocks(void **unused)
{
    (void)unused;
    send_text("M155 S1\nG4 S3\n");
    pass_ms(3500);
    assert_int_equal(count_said(" T:21.00 /0.00 B:21.00 /0.00 @:0 B@:0\n"), 3);
    send_text("M155 S0\n");
    pass_ms(5000);
    assert_string_equal(said, "ok\n");
}

static void a_heater_is_waited_for_and_told_each_second(void **unused)
{
    (void)unused;
    send_and_wait("M109 S205\n", 30000);
    assert_true(count_said(" W:?\n") >= 10);
    assert_true(count_said(" W:0\n") >= 1);
    assert_int_equal(count_lines("ok"), 1);
    send_text("M105\n");
    assert_string_equal(said, "ok T:205.00 /205.00 B:21.00 /0.00 @:40 B@:0\n");
    send_and_wait("M140 S60\nM190 S60\n", 60000);
    assert_int_equal(count_lines("ok"), 2);
    send_text("M104 S0\n");
    pass_ms(600000);
    send_text("M105\n");
    assert_string_equal(said, "ok T:21.00 /0.00 B:60.00 /60.00 @:0 B@:40\n");
}

static void m108_ends_the_wait_for_a_heater(void **unused)
{
    (void)unused;
    send_and_wait("M109 S205\n", 2500);
    assert_int_equal(count_lines("ok"), 0);
    send_text("M108\n");
    assert_int_equal(count_lines("ok"), 2);
}

static void a_move_is_answered_at_once_while_the_planner_has_room(void **unused)
{
    (void)unused;
    send_text("G91\nG1 X100 F6000\n");
    for (int i = 0; i < 14; i++)
        sim_printer_receive(&printer, SPAN("G1 X100\n"), now);
    hear();
    assert_int_equal(count_lines("ok"), 16);
    sim_printer_receive(&printer, SPAN("G1 X100\n"), now);
    hear();
    assert_int_equal(count_lines("ok"), 16);
    pass_ms(1100); /* 100 mm at 100 mm/s */
    assert_int_equal(count_lines("ok"), 17);
    send_text("M400\n");
    pass_ms(14500);
    assert_int_equal(count_lines("ok"), 0);
    pass_ms(1000);
    assert_int_equal(count_lines("ok"), 1);
    send_text("M114\n");
    assert_string_equal(said, "X:1600.00 Y:0.00 Z:0.00 E:0.00 Count X:128000 Y:0 Z:0\nok\n");
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

static void m112_halts_behind_a_full_queue_and_then_nobody_is_heard(void **unused)
{
    (void)unused;
    send_text("M155 S1\nG4 S60\nG90\nG90\nG90\nG90\n");
    send_text("M112\n");
    assert_string_equal(said, "echo:M112 Shutdown\nError:Printer halted. kill() called!\n"
                              "//action:poweroff\n");
    assert_int_equal(printer.state, SIM_PRINTER_HALTED);
    send_and_wait("M105\nG28\n", 100000);
    assert_string_equal(said, "");
    assert_true(instant_is_never(sim_printer_deadline(&printer)));
    send_and_wait("KILL\n", 1100);
    assert_int_equal(count_lines("start"), 1);
    send_text("M105\n");
    assert_int_equal(count_said("ok T:"), 1);
}

static void the_emergency_parser_sees_numbered_lines_and_m1120_but_no_half_line(void **unused)
{
    (void)unused;
    send_text("G4 S9\n");
    send_text("G1 X1M112\n");
    assert_int_equal(printer.state, SIM_PRINTER_UP);
    send_text("G1 X1");
    send_text("M112\n");
    assert_int_equal(printer.state, SIM_PRINTER_UP);
    send_text(numbered(16, "M112"));
    assert_int_equal(printer.state, SIM_PRINTER_HALTED);
    begin_marlin();
    send_text("M1120\n");
    assert_int_equal(printer.state, SIM_PRINTER_HALTED);
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

static void m410_stops_the_moves_and_answers_a_second_later(void **unused)
{
    (void)unused;
    send_text("G1 X1000 F600\nM400\n");
    send_text("M410\n");
    assert_string_equal(said, "ok\n"); /* of M400: no moves are left */
    pass_ms(990);
    assert_int_equal(count_lines("ok"), 1);
    pass_ms(20);
    assert_int_equal(count_lines("ok"), 2);
}

static void answers_are_paced_by_the_wire(void **unused)
{
    (void)unused;
    begin(sim_printer_manner_marlin());
    send_text("M105\n"); /* 40 bytes at 115200 baud are 3.47 ms */
    assert_string_equal(said, "");
    pass_ms(3);
    assert_true(said_length < 40);
    pass_ms(1);
    assert_string_equal(said, "ok T:21.00 /0.00 B:21.00 /0.00 @:0 B@:0\n");
    assert_true(instant_is_never(sim_printer_deadline(&printer)));
}

static void a_reset_boots_for_its_time_and_hears_nothing_meanwhile(void **unused)
{
    (void)unused;
    send_text("G4 S60\n");
    sim_printer_reset(&printer, now);
    send_and_wait("M105\n", 999);
    assert_string_equal(said, "");
    pass_ms(2);
    assert_memory_equal(said, "start\nPowerUp\nMarlin bugfix-2.1.x\n", 34);
    send_text(numbered(1, "G90"));
    assert_string_equal(said, "ok\n");
}

static void a_printer_without_power_is_silent_and_boots_when_it_has_some(void **unused)
{
    (void)unused;
    sim_printer_power(&printer, false, now);
    send_and_wait("M105\nM112\n", 5000);
    assert_string_equal(said, "");
    assert_true(instant_is_never(sim_printer_deadline(&printer)));
    sim_printer_power(&printer, true, now);
    pass_ms(1001);
    assert_int_equal(count_lines("start"), 1);
}

static void only_the_last_executed_commands_are_kept(void **unused)
{
    struct span command;
    char text[32];

    (void)unused;
    for (int i = 0; i < SIM_EXECUTED_KEPT + 10; i++) {
        snprintf(text, sizeof text, "M106 S%d\n", i);
        send_text(text);
    }
    assert_int_equal(printer.counters.executed_missed, 10);
    assert_int_equal(printer.counters.lines, SIM_EXECUTED_KEPT + 10);
    assert_executed("M106 S10");
    for (int i = 1; i < SIM_EXECUTED_KEPT; i++)
        assert_true(sim_printer_executed(&printer, &command));
    assert_memory_equal(command.data, "M106 S265", 9);
    assert_nothing_executed();
}

static void a_host_that_reads_nothing_stops_the_printer_and_loses_no_answer(void **unused)
{
    (void)unused;
    begin_marlin();
    for (int i = 0; i < 10000; i++)
        sim_printer_receive(&printer, SPAN("M114\n"), now);
    check_promises();
    assert_int_equal(printer.counters.output_lost, 0);
    assert_true(printer.output_length > SIM_OUTPUT_HELD);
    assert_int_equal(printer.receive_count, 128);
    uint64_t before = printer.counters.lines;
    pass_ms(1);
    assert_true(printer.counters.lines > before);
    assert_int_equal(count_lines("ok"), printer.counters.lines);
}

static void a_late_call_lets_everything_happen_at_its_own_time(void **unused)
{
    static char exact[SAID_CAPACITY];

    (void)unused;
    send_and_wait("M155 S1\nG28\nG4 P2500\nM109 S60\n", 30000);
    memcpy(exact, said, sizeof exact);
    begin_marlin();
    send_text("M155 S1\nG28\nG4 P2500\nM109 S60\n");
    now = instant_after_ms(now, 30000);
    sim_printer_expire(&printer, now);
    hear();
    assert_string_equal(said, exact);
}

static void a_snapshot_is_a_copy(void **unused)
{
    static struct sim_printer snapshot;
    static char first[SAID_CAPACITY];
    struct instant then;

    (void)unused;
    send_text("M155 S1\nG1 X50\nG28\nM109 S100\n");
    pass_ms(3300);
    snapshot = printer;
    then = now;
    forget_said();
    pass_ms(20000);
    memcpy(first, said, sizeof first);
    printer = snapshot;
    now = then;
    forget_said();
    pass_ms(20000);
    assert_string_equal(said, first);
}

static void capabilities_follow_the_build(void **unused)
{
    struct sim_printer_manner manner = unpaced();

    (void)unused;
    send_text("M115\n");
    assert_memory_equal(said, "FIRMWARE_NAME:Marlin ", 21);
    assert_int_equal(count_lines("Cap:EMERGENCY_PARSER:1"), 1);
    assert_int_equal(count_lines("Cap:AUTOREPORT_TEMP:1"), 1);
    assert_int_equal(count_lines("Cap:PROMPT_SUPPORT:1"), 1);
    assert_int_equal(count_lines("ok"), 1);
    manner.emergency_parser = false;
    begin(manner);
    send_text("M115\n");
    assert_int_equal(count_lines("Cap:EMERGENCY_PARSER:0"), 1);
}

static void m118_says_what_it_is_told_with_cr(void **unused)
{
    (void)unused;
    send_text("M118 hello\nM118 E1 hi\nM118 A1 action:pause\n");
    assert_string_equal(said, "hello\r\nok\necho:hi\r\nok\n//action:pause\r\nok\n");
}

static void wait_is_said_each_second_when_nothing_comes(void **unused)
{
    struct sim_printer_manner manner = unpaced();

    (void)unused;
    manner.wait_when_idle = true;
    begin(manner);
    pass_ms(3500);
    assert_string_equal(said, "wait\nwait\nwait\n");
    send_and_wait("G4 S3\n", 2900);
    assert_int_equal(count_lines("wait"), 0);
}

static void m999_asks_for_the_next_line_again(void **unused)
{
    (void)unused;
    send_text("M999\n");
    assert_string_equal(said, "Resend: 1\nok\nok\n");
    send_text("M999 S1\n");
    assert_string_equal(said, "ok\n");
}

static void speed_makes_everything_of_the_machine_faster(void **unused)
{
    struct sim_printer_manner manner = unpaced();

    (void)unused;
    manner.speed = 10;
    begin(manner);
    send_and_wait("G28\nG4 S10\nM109 S205\n", 500 + 1000 + 1500);
    assert_int_equal(count_lines("ok"), 3);
    manner.speed = 0;
    begin(manner);
    send_text("G28\nG4 S10\nM109 S205\n");
    assert_int_equal(count_lines("ok"), 3);
    send_text("M105\n");
    assert_int_equal(count_said("ok T:205.00 /205.00"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_command_gets_one_ok, setup),
        cmocka_unit_test_setup(blank_and_comment_lines_get_no_answer, setup),
        cmocka_unit_test_setup(an_unknown_command_is_named_and_gets_its_ok, setup),
        cmocka_unit_test_setup(marlins_own_codes_for_pins_are_taken_and_recorded, setup),
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
        cmocka_unit_test_setup(busy_is_said_every_two_seconds_while_a_command_blocks, setup),
        cmocka_unit_test_setup(temperatures_are_reported_by_themselves_also_while_a_command_blocks,
                               setup),
        cmocka_unit_test_setup(a_heater_is_waited_for_and_told_each_second, setup),
        cmocka_unit_test_setup(m108_ends_the_wait_for_a_heater, setup),
        cmocka_unit_test_setup(a_move_is_answered_at_once_while_the_planner_has_room, setup),
        cmocka_unit_test_setup(advanced_ok_tells_number_planner_and_queue, setup),
        cmocka_unit_test_setup(m112_halts_behind_a_full_queue_and_then_nobody_is_heard, setup),
        cmocka_unit_test_setup(the_emergency_parser_sees_numbered_lines_and_m1120_but_no_half_line,
                               setup),
        cmocka_unit_test_setup(without_emergency_parser_m112_acts_when_it_is_read, setup),
        cmocka_unit_test_setup(m410_stops_the_moves_and_answers_a_second_later, setup),
        cmocka_unit_test_setup(answers_are_paced_by_the_wire, setup),
        cmocka_unit_test_setup(a_reset_boots_for_its_time_and_hears_nothing_meanwhile, setup),
        cmocka_unit_test_setup(a_printer_without_power_is_silent_and_boots_when_it_has_some, setup),
        cmocka_unit_test_setup(only_the_last_executed_commands_are_kept, setup),
        cmocka_unit_test_setup(a_host_that_reads_nothing_stops_the_printer_and_loses_no_answer,
                               setup),
        cmocka_unit_test_setup(a_late_call_lets_everything_happen_at_its_own_time, setup),
        cmocka_unit_test_setup(a_snapshot_is_a_copy, setup),
        cmocka_unit_test_setup(capabilities_follow_the_build, setup),
        cmocka_unit_test_setup(m118_says_what_it_is_told_with_cr, setup),
        cmocka_unit_test_setup(wait_is_said_each_second_when_nothing_comes, setup),
        cmocka_unit_test_setup(m999_asks_for_the_next_line_again, setup),
        cmocka_unit_test_setup(speed_makes_everything_of_the_machine_faster, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
