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

/* Verbatim what OctoPrint 1.11 sends when it connects, line by line behind each ok. */
static void octoprints_handshake_is_answered_line_by_line(void **unused)
{
    static const char *const lines[] = {
        "N0 M110 N0*125\n", "N0 M110 N0*125\n", "N1 M115*39\n", "M21\n", "M155 S2\n", "M20\n",
        "M876 P1\n",        "M113 S2\n"};

    (void)unused;
    send_text("N0 M110 N0*125\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        send_text(lines[i]);
        assert_int_equal(count_lines("ok"), 1);
        assert_int_equal(count_said("Error"), 0);
        assert_string_equal(said + said_length - 3, "ok\n");
    }
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
        cmocka_unit_test_setup(octoprints_handshake_is_answered_line_by_line, setup),
        cmocka_unit_test_setup(blank_and_comment_lines_get_no_answer, setup),
        cmocka_unit_test_setup(an_unknown_command_is_named_and_gets_its_ok, setup),
        cmocka_unit_test_setup(marlins_own_codes_for_pins_are_taken_and_recorded, setup),
        cmocka_unit_test_setup(busy_is_said_every_two_seconds_while_a_command_blocks, setup),
        cmocka_unit_test_setup(temperatures_are_reported_by_themselves_also_while_a_command_blocks,
                               setup),
        cmocka_unit_test_setup(a_heater_is_waited_for_and_told_each_second, setup),
        cmocka_unit_test_setup(m108_ends_the_wait_for_a_heater, setup),
        cmocka_unit_test_setup(a_move_is_answered_at_once_while_the_planner_has_room, setup),
        cmocka_unit_test_setup(m112_halts_behind_a_full_queue_and_then_nobody_is_heard, setup),
        cmocka_unit_test_setup(the_emergency_parser_sees_numbered_lines_and_m1120_but_no_half_line,
                               setup),
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
        cmocka_unit_test_setup(speed_makes_everything_of_the_machine_faster, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
