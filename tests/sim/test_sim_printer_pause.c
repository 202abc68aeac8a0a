/* Filament changes and other waits for the user, as they were seen on Marlin 2.1. */
#include "printer_bench.h"

static int setup(void **unused)
{
    (void)unused;
    begin_marlin();
    send_and_wait("M109 S205\n", 30000);
    return 0;
}

static void a_filament_change_goes_through_its_prompts_and_answers_at_the_end(void **unused)
{
    (void)unused;
    send_text("M600\nG90\n");
    assert_string_equal(said, "//action:paused\n"
                              "//action:prompt_end\n"
                              "//action:prompt_begin Pause\n"
                              "//action:prompt_button Dismiss\n"
                              "//action:prompt_show\n");
    forget_said();
    pass_ms(7259);
    assert_string_equal(said, "echo:busy: processing\necho:busy: processing\n"
                              "echo:busy: processing\n");
    forget_said();
    pass_ms(2);
    assert_string_equal(said, "echo:Insert filament and send M108\n"
                              "//action:prompt_end\n"
                              "//action:prompt_begin Nozzle Parked\n"
                              "//action:prompt_button Continue\n"
                              "//action:prompt_show\n");
    pass_ms(5000);
    assert_int_equal(count_lines("echo:busy: paused for user"), 3);
    send_text("M108\n");
    assert_string_equal(said, "");
    pass_ms(3001);
    assert_int_equal(count_lines("//action:prompt_begin Paused"), 1);
    assert_int_equal(count_lines("//action:prompt_button PurgeMore"), 1);
    send_text("M108\n"); /* no button of this prompt */
    pass_ms(5000);
    assert_int_equal(count_lines("//action:resumed"), 0);
    assert_int_equal(count_said("prompt"), 0);
    send_text("M876 S0\n");
    pass_ms(2001);
    assert_int_equal(count_lines("//action:prompt_begin Paused"), 1);
    assert_int_equal(count_lines("ok"), 0);
    send_text("M876 S1\n");
    pass_ms(1001);
    assert_int_equal(count_lines("//action:resumed"), 1);
    /* M600, G90, and those of M108 and M876 that the queue of four had room for */
    pass_ms(1000);
    assert_int_equal(count_lines("ok"), 6);
    const char *resumed = strstr(said, "//action:resumed\n");
    assert_non_null(resumed);
    assert_ptr_equal(strstr(said, "ok\n"), resumed + strlen("//action:resumed\n"));
}

static void the_user_can_answer_at_the_machine_itself(void **unused)
{
    (void)unused;
    send_and_wait("M600\n", 7270);
    sim_printer_press(&printer, -1, now);
    pass_ms(3001);
    assert_int_equal(count_lines("//action:prompt_begin Paused"), 1);
    sim_printer_press(&printer, 1, now);
    pass_ms(1001);
    assert_int_equal(count_lines("//action:resumed"), 1);
    assert_int_equal(count_lines("ok"), 1);
}

static void a_nozzle_left_alone_cools_and_wants_two_answers(void **unused)
{
    (void)unused;
    send_and_wait("M600\n", 7270 + 20000);
    assert_int_equal(count_lines("echo:Send M108 to heat nozzle"), 1);
    assert_int_equal(count_lines("//action:prompt_begin Heater Timeout"), 1);
    pass_ms(120000);
    send_text("M108\n");
    pass_ms(60000);
    assert_int_equal(count_lines("//action:prompt_begin Reheat Done"), 1);
    send_text("M108\n");
    pass_ms(3001);
    assert_int_equal(count_lines("//action:prompt_begin Paused"), 1);
    send_text("M876 S1\n");
    pass_ms(1001);
    assert_int_equal(count_lines("//action:resumed"), 1);
    assert_int_equal((int)printer.heaters[0].target, 205);
}

static void a_change_with_a_cold_nozzle_heats_it_first_and_m108_ends_that(void **unused)
{
    (void)unused;
    begin_marlin();
    send_and_wait("M600\n", 5000);
    assert_int_equal((int)printer.heaters[0].target, 170);
    assert_int_equal(count_lines("echo:busy: processing"), 2);
    send_text("M108\n");
    pass_ms(7270);
    assert_int_equal(count_lines("echo:Insert filament and send M108"), 1);
}

static void a_change_waits_for_the_moves_before_it(void **unused)
{
    (void)unused;
    send_text("G1 X100 F600\n"); /* 10 s */
    send_and_wait("M600\n", 15000);
    assert_int_equal(count_lines("echo:Insert filament and send M108"), 0);
    pass_ms(3000);
    assert_int_equal(count_lines("echo:Insert filament and send M108"), 1);
}

static void m112_works_while_paused(void **unused)
{
    (void)unused;
    send_and_wait("M600\n", 10000);
    send_text("M112\n");
    assert_int_equal(printer.state, SIM_PRINTER_HALTED);
    sim_printer_reset(&printer, now);
    pass_ms(1001);
    send_text("M105\n");
    assert_int_equal(count_said("ok T:"), 1);
}

static void without_prompts_nothing_is_asked_after_loading(void **unused)
{
    struct sim_printer_manner manner = sim_printer_manner_marlin();

    (void)unused;
    manner.baud = 0;
    manner.prompts = false;
    manner.emergency_parser = false;
    begin(manner);
    send_and_wait("M109 S205\n", 30000);
    send_and_wait("M600\n", 7270);
    send_text("M108\n");
    pass_ms(3000 + 1000 + 1);
    assert_int_equal(count_said("prompt"), 0);
    assert_int_equal(count_lines("//action:resumed"), 1);
    assert_int_equal(count_lines("ok"), 2);
}

static void a_runout_pauses_the_host_and_changes_filament_by_itself(void **unused)
{
    (void)unused;
    send_text("G4 S1\n");
    sim_printer_runout(&printer, true, now);
    hear();
    assert_string_equal(said, "//action:paused filament_runout 0\n");
    pass_ms(1001);
    assert_int_equal(count_lines("ok"), 1);
    assert_int_equal(count_lines("//action:paused"), 1);
    pass_ms(7270);
    send_text("M108\n");
    pass_ms(3001);
    send_text("M876 S1\n");
    pass_ms(1001);
    assert_int_equal(count_lines("//action:resumed"), 1);
    assert_int_equal(count_lines("ok"), 2); /* of M108 and M876: nobody sent the M600 */
    begin_marlin();
    send_text("M412 S0\n");
    sim_printer_runout(&printer, true, now);
    hear();
    assert_string_equal(said, "ok\n");
}

static void a_runout_gets_its_turn_before_what_a_busy_host_has_queued(void **unused)
{
    (void)unused;
    send_text("G4 S1\nG90\nG90\nG90\nG90\nG90\nG90\n");
    sim_printer_runout(&printer, true, now);
    pass_ms(2000);
    assert_int_equal(count_lines("ok"), 1);
    assert_int_equal(count_lines("//action:paused"), 1);
}

static void m0_waits_for_the_user_or_its_time(void **unused)
{
    (void)unused;
    send_and_wait("M0\n", 4100);
    assert_int_equal(count_lines("echo:busy: paused for user"), 2);
    assert_int_equal(count_lines("ok"), 0);
    send_text("M108\n");
    assert_int_equal(count_lines("ok"), 2);
    send_and_wait("M0 S3\n", 2999);
    assert_int_equal(count_lines("ok"), 0);
    pass_ms(2);
    assert_int_equal(count_lines("ok"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_filament_change_goes_through_its_prompts_and_answers_at_the_end,
                               setup),
        cmocka_unit_test_setup(the_user_can_answer_at_the_machine_itself, setup),
        cmocka_unit_test_setup(a_nozzle_left_alone_cools_and_wants_two_answers, setup),
        cmocka_unit_test_setup(a_change_with_a_cold_nozzle_heats_it_first_and_m108_ends_that,
                               setup),
        cmocka_unit_test_setup(a_change_waits_for_the_moves_before_it, setup),
        cmocka_unit_test_setup(m112_works_while_paused, setup),
        cmocka_unit_test_setup(without_prompts_nothing_is_asked_after_loading, setup),
        cmocka_unit_test_setup(a_runout_pauses_the_host_and_changes_filament_by_itself, setup),
        cmocka_unit_test_setup(a_runout_gets_its_turn_before_what_a_busy_host_has_queued, setup),
        cmocka_unit_test_setup(m0_waits_for_the_user_or_its_time, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
