#include "filament_bench.h"

static void marlins_change_from_beginning_to_end(void **unused)
{
    (void)unused;
    run_out();
    wait(20);
    assert_false(printer("//action:paused"));
    expect("ok");
    print(FILAMENT_PAUSED);
    for (int i = 0; i < 3; i++) {
        wait(2000);
        assert_false(printer("echo:busy: processing"));
    }
    assert_false(printer("echo:Insert filament and send M108"));
    assert_false(printer("//action:prompt_begin Nozzle Parked"));
    assert_false(printer("//action:prompt_button Continue"));
    assert_false(printer("//action:prompt_show"));
    for (int i = 0; i < 100; i++) {
        wait(2000);
        printer("echo:busy: paused for user");
    }
    emergency("M108"); /* the user's own */
    see(0, FILAMENT_PRESENT);
    assert_false(printer("//action:resumed"));
    print(FILAMENT_PRINTING);
    assert_int_equal(host("N9 G1 X5", 0), FILAMENT_WAITS);
    expect("changed");
    filament_answered(&filament, now);
    expect("notify"); /* the host was told by the printer */
    assert_string_equal(notified, "Filament is changed: the print goes on");
    assert_int_equal(host("N9 G1 X5", 0), FILAMENT_PASSES);
}

static void a_printer_that_only_waits_is_resumed_by_us(void **unused)
{
    (void)unused;
    run_out();
    wait(2000);
    expect("paused, ok"); /* nothing heard for 2 s */
    print(FILAMENT_PAUSED);
    wait(100);
    assert_false(printer("echo:busy: paused for user"));
    assert_true(printer("//action:paused")); /* not repeated */
    assert_true(printer("// action:paused filament_runout 0"));
    wait(60000);
    filament_answered(&filament, now);
    expect("notify, resumed");
}

static void the_first_busy_tells_the_host(void **unused)
{
    (void)unused;
    run_out();
    wait(1999);
    printer("busy: processing");
    expect("paused, ok");
}

static void busy_for_more_than_two_seconds_is_waiting(void **unused)
{
    (void)unused;
    run_out();
    wait(1000);
    printer("echo:busy: processing");
    expect("paused, ok");
    wait(1000);
    printer("echo:busy: processing");
    filament_answered(&filament, now);
    expect("notify, resumed");
}

static void a_macro_that_answers_at_once_leaves_the_print_paused(void **unused)
{
    (void)unused;
    run_out();
    wait(5);
    filament_answered(&filament, now); /* Klipper */
    expect("notify, paused, ok");
    assert_string_equal(notified, "Filament change is over: the print goes on when you resume it");
    print(FILAMENT_PAUSED);
    assert_int_equal(host("M105", 0), FILAMENT_PASSES);
    assert_int_equal(host("LOAD_FILAMENT", 0), FILAMENT_PASSES);
    print(FILAMENT_PRINTING);
    assert_int_equal(host("N9 G1 X5", 0), FILAMENT_PASSES);
    expect("");
}

static void a_short_busy_is_no_waiting(void **unused)
{
    (void)unused;
    run_out();
    wait(50);
    printer("echo:busy: processing");
    wait(50);
    assert_true(printer("// action:paused"));
    filament_answered(&filament, now);
    expect("notify, paused, ok");
    assert_string_equal(notified, "Filament change is over: the print goes on when you resume it");
}

static void a_printer_that_knows_no_m600_gets_the_host_to_pause(void **unused)
{
    static const char *const forms[] = {"echo:Unknown command: \"M600\"",
                                        "// Unknown command:\"M600\""};

    (void)unused;
    for (int i = 0; i < 2; i++) {
        set_up(NULL);
        run_out();
        printer("echo:Unknown command: \"M750\""); /* of somebody else */
        expect("");
        assert_false(printer(forms[i]));
        expect("notify, pause, ok");
        filament_answered(&filament, now); /* its ok follows */
        expect("");
        print(FILAMENT_PAUSED);
        print(FILAMENT_PRINTING);
        filament_extruded(&filament, 0, 5000, now);
        assert_false(filament_holds(&filament));
    }
}

static void an_unknown_command_that_comes_late_leaves_it_paused(void **unused)
{
    (void)unused;
    run_out();
    wait(2000);
    expect("paused, ok");
    print(FILAMENT_PAUSED);
    printer("echo:Unknown command: \"M600\"");
    expect("notify");
    assert_int_equal(filament.state, FILAMENT_WATCHES);
}

static void what_cannot_be_sent_gets_the_host_to_pause(void **unused)
{
    (void)unused;
    run_out();
    filament_failed(&filament, now);
    expect("notify, pause, ok");
    set_up(NULL);
    change();
    filament_failed(&filament, now);
    expect("notify");
}

static void meanwhile_m105_is_answered_and_the_rest_waits(void **unused)
{
    (void)unused;
    change();
    assert_int_equal(host("M105", 0), FILAMENT_CACHED);
    assert_int_equal(host("M117 DLP 50%", 0), FILAMENT_ACKED);
    assert_int_equal(host("M73 P50", 0), FILAMENT_ACKED);
    assert_int_equal(host("M113 S2", 0), FILAMENT_ACKED);
    assert_int_equal(host("M106 S0", 0), FILAMENT_WAITS);
    assert_int_equal(host("G1 E5", 5000), FILAMENT_WAITS);
    assert_int_equal(host("M600", 0), FILAMENT_WAITS);
    filament_answered(&filament, now);
    assert_int_equal(host("M105", 0), FILAMENT_PASSES);
}

static void resume_in_the_host_lets_the_printer_go_on(void **unused)
{
    (void)unused;
    change();
    wait(10000);
    printer("echo:busy: paused for user");
    print(FILAMENT_PRINTING);
    expect("press M108");
    assert_int_equal(host("N9 G1 X5", 0), FILAMENT_WAITS);
    wait(1000);
    printer("echo:busy: paused for user"); /* a moment old */
    expect("");
    wait(1000);
    printer("echo:busy: processing"); /* it reheats: do not disturb */
    wait(2000);
    printer("echo:busy: processing");
    expect("");
    wait(2000);
    printer("echo:busy: paused for user"); /* and waits again */
    expect("press M108");
    wait(2000);
    filament_answered(&filament, now);
    expect("notify"); /* nothing to resume: the host did that itself */
}

static void resume_answers_an_open_prompt_by_its_continue(void **unused)
{
    (void)unused;
    change();
    printer("//action:prompt_begin Paused");
    printer("//action:prompt_button PurgeMore");
    printer("//action:prompt_button Continue");
    printer("//action:prompt_show");
    expect("");
    print(FILAMENT_PRINTING);
    expect("press M876 S1");
    wait(3000);
    printer("echo:busy: paused for user");
    expect("press M108"); /* a prompt is answered once */
    printer("//action:prompt_begin Paused");
    printer("//action:prompt_choice Purge more");
    printer("//action:prompt_choice Continue printing");
    printer("//action:prompt_show"); /* it asks again */
    expect("press M876 S1");
}

static void a_prompt_without_continue_is_the_users(void **unused)
{
    (void)unused;
    change();
    printer("//action:prompt_begin Heater Timeout");
    printer("//action:prompt_button Reheat");
    printer("//action:prompt_show");
    print(FILAMENT_PRINTING);
    expect("press M108");
    printer("//action:prompt_begin Nozzle Parked");
    printer("//action:prompt_button Continue");
    printer("//action:prompt_end");
    wait(2000);
    printer("echo:busy: paused for user");
    expect("press M108");
}

static void a_prompt_the_user_has_answered_is_not_answered_again(void **unused)
{
    (void)unused;
    change();
    printer("//action:prompt_begin Nozzle Parked");
    printer("//action:prompt_button Continue");
    printer("//action:prompt_show");
    emergency("M876 S0");
    wait(1000);
    print(FILAMENT_PRINTING);
    expect("press M108");
}

static void a_prompt_that_is_being_built_is_not_answered_yet(void **unused)
{
    (void)unused;
    change();
    printer("//action:prompt_begin Nozzle Parked");
    printer("//action:prompt_button Continue");
    printer("//action:prompt_show");
    printer("//action:prompt_begin Paused");
    printer("//action:prompt_button Continue");
    print(FILAMENT_PRINTING);
    expect("press M108");
    printer("//action:prompt_begin Heater Timeout");
    printer("//action:prompt_button Reheat");
    printer("//action:prompt_show"); /* the Continue was the last one's */
    wait(2000);
    printer("echo:busy: paused for user");
    expect("press M108");
}

static void the_users_own_m108_is_given_time(void **unused)
{
    (void)unused;
    change();
    print(FILAMENT_PRINTING);
    expect("press M108");
    wait(1500);
    emergency("M108");
    wait(1000);
    printer("echo:busy: paused for user");
    expect("");
    wait(1000);
    printer("echo:busy: paused for user");
    expect("press M108");
}

static void a_command_is_known_by_its_word(void **unused)
{
    (void)unused;
    strcpy(set[0].command, "M600 T0 B5");
    filament_init(&filament, set, 1);
    start_print();
    see(0, FILAMENT_MISSING);
    filament_held(&filament, now);
    expect("changed, notify, inject M600 T0 B5");
    printer("echo:Unknown command: \"M600 T0\"");
    expect("notify, pause, ok");
}

static void resumed_by_the_printer_presses_nothing(void **unused)
{
    (void)unused;
    change();
    wait(10000);
    printer("echo:busy: paused for user");
    printer("//action:resumed");
    print(FILAMENT_PRINTING);
    wait(10000);
    expect("");
}

static void a_cancel_presses_until_the_printer_is_done_and_resumes_nothing(void **unused)
{
    (void)unused;
    change();
    wait(10000);
    printer("echo:busy: paused for user");
    emergency("N9 M108"); /* the host's own goes out */
    expect("");
    wait(2000);
    expect("press M108");
    wait(1000);
    emergency("N9 M108"); /* pressing again is nothing new */
    wait(2000);
    expect("press M108");
    printer("//action:prompt_begin Paused");
    printer("//action:prompt_button PurgeMore");
    printer("//action:prompt_button Continue");
    printer("//action:prompt_show");
    expect("press M876 S1");
    wait(1999);
    expect("");
    wait(1);
    expect("press M108");
    assert_int_equal(host("N10 M84", 0), FILAMENT_WAITS);
    filament_answered(&filament, now);
    wait(60000);
    expect("");
    assert_int_equal(host("N10 M84", 0), FILAMENT_PASSES);
}

static void a_cancel_before_the_host_was_told_says_nothing_of_a_pause(void **unused)
{
    (void)unused;
    run_out();
    emergency("N9 M108");
    expect("ok");
    wait(2000);
    expect("press M108");
    filament_answered(&filament, now);
    expect("");
}

static void a_print_that_ends_meanwhile_is_a_cancel(void **unused)
{
    (void)unused;
    change();
    print(FILAMENT_NO_JOB);
    expect("press M108");
    wait(2000);
    expect("press M108");
    filament_answered(&filament, now);
    expect("");
    wait(60000);
    expect("");
}

static void a_cancel_before_the_command_was_sent_sends_none(void **unused)
{
    (void)unused;
    start_print();
    see(0, FILAMENT_MISSING);
    filament_held(&filament, now);
    print(FILAMENT_NO_JOB);
    expect("changed, notify, ok");
    assert_int_equal(filament.state, FILAMENT_WATCHES);
}

static void a_host_that_closes_gets_no_ok(void **unused)
{
    (void)unused;
    run_out();
    print(FILAMENT_NO_JOB);
    filament_host_closed(&filament, now);
    expect("press M108");
    set_up(NULL);
    run_out();
    filament_host_closed(&filament, now); /* first */
    print(FILAMENT_NO_JOB);
    expect("press M108");
}

static void m600_of_the_host_counts_as_changing(void **unused)
{
    (void)unused;
    start_print();
    assert_int_equal(host("N9 M600", 0), FILAMENT_PASSES);
    see(0, FILAMENT_MISSING); /* it is pulled out */
    filament_extruded(&filament, 0, 5000, now);
    assert_false(filament_holds(&filament));
    assert_false(printer("//action:paused")); /* all of this is between the two of them */
    assert_false(printer("//action:paused"));
    assert_int_equal(host("M105", 0), FILAMENT_PASSES);
    see(0, FILAMENT_PRESENT);
    filament_host_answered(&filament, now);
    assert_int_equal(filament.state, FILAMENT_WATCHES);
    see(0, FILAMENT_MISSING);
    assert_true(filament_holds(&filament));
}

static void after_a_change_that_brought_no_filament_there_is_no_second(void **unused)
{
    (void)unused;
    start_print();
    host("N9 M600", 0);
    see(0, FILAMENT_MISSING);
    filament_host_answered(&filament, now);
    filament_extruded(&filament, 0, 100000, now);
    assert_false(filament_holds(&filament));
    filament_host_answered(&filament, now); /* of nothing */
    expect("changed");
}

static void m600_of_the_host_comes_before_ours(void **unused)
{
    (void)unused;
    start_print();
    see(0, FILAMENT_MISSING);
    assert_true(filament_holds(&filament));
    assert_int_equal(host("N9 M600", 0), FILAMENT_PASSES);
    assert_false(filament_holds(&filament));
}

static void m600_of_a_host_that_is_gone_ends_with_it(void **unused)
{
    (void)unused;
    host("M600", 0);
    assert_int_equal(filament.state, FILAMENT_HOSTS);
    filament_host_closed(&filament, now);
    assert_int_equal(filament.state, FILAMENT_WATCHES);
    start_print();
    host("N9 M600", 0);
    print(FILAMENT_NO_JOB);
    assert_int_equal(filament.state, FILAMENT_WATCHES);
}

static void a_printer_that_is_reset_in_mid_change_owes_nothing(void **unused)
{
    (void)unused;
    run_out();
    filament_broken(&filament, now);
    expect("");
    wait(60000);
    expect("");
    set_up(NULL);
    change();
    emergency("N9 M108");
    filament_broken(&filament, now);
    wait(60000);
    expect("");
    print(FILAMENT_NO_JOB);
    expect("");
    assert_int_equal(filament.state, FILAMENT_WATCHES);
}

static void what_is_said_outside_a_change_is_not_ours(void **unused)
{
    (void)unused;
    start_print();
    assert_false(printer("//action:paused"));
    assert_false(printer("echo:busy: paused for user"));
    assert_false(printer("echo:Unknown command: \"M600\""));
    emergency("N3 M108");
    filament_answered(&filament, now);
    filament_failed(&filament, now);
    wait(60000);
    expect("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(marlins_change_from_beginning_to_end, set_up),
        cmocka_unit_test_setup(a_printer_that_only_waits_is_resumed_by_us, set_up),
        cmocka_unit_test_setup(the_first_busy_tells_the_host, set_up),
        cmocka_unit_test_setup(busy_for_more_than_two_seconds_is_waiting, set_up),
        cmocka_unit_test_setup(a_macro_that_answers_at_once_leaves_the_print_paused, set_up),
        cmocka_unit_test_setup(a_short_busy_is_no_waiting, set_up),
        cmocka_unit_test_setup(a_printer_that_knows_no_m600_gets_the_host_to_pause, set_up),
        cmocka_unit_test_setup(an_unknown_command_that_comes_late_leaves_it_paused, set_up),
        cmocka_unit_test_setup(what_cannot_be_sent_gets_the_host_to_pause, set_up),
        cmocka_unit_test_setup(meanwhile_m105_is_answered_and_the_rest_waits, set_up),
        cmocka_unit_test_setup(resume_in_the_host_lets_the_printer_go_on, set_up),
        cmocka_unit_test_setup(resume_answers_an_open_prompt_by_its_continue, set_up),
        cmocka_unit_test_setup(a_prompt_without_continue_is_the_users, set_up),
        cmocka_unit_test_setup(a_prompt_the_user_has_answered_is_not_answered_again, set_up),
        cmocka_unit_test_setup(a_prompt_that_is_being_built_is_not_answered_yet, set_up),
        cmocka_unit_test_setup(the_users_own_m108_is_given_time, set_up),
        cmocka_unit_test_setup(a_command_is_known_by_its_word, set_up),
        cmocka_unit_test_setup(resumed_by_the_printer_presses_nothing, set_up),
        cmocka_unit_test_setup(a_cancel_presses_until_the_printer_is_done_and_resumes_nothing, set_up),
        cmocka_unit_test_setup(a_cancel_before_the_host_was_told_says_nothing_of_a_pause, set_up),
        cmocka_unit_test_setup(a_print_that_ends_meanwhile_is_a_cancel, set_up),
        cmocka_unit_test_setup(a_cancel_before_the_command_was_sent_sends_none, set_up),
        cmocka_unit_test_setup(a_host_that_closes_gets_no_ok, set_up),
        cmocka_unit_test_setup(m600_of_the_host_counts_as_changing, set_up),
        cmocka_unit_test_setup(after_a_change_that_brought_no_filament_there_is_no_second, set_up),
        cmocka_unit_test_setup(m600_of_the_host_comes_before_ours, set_up),
        cmocka_unit_test_setup(m600_of_a_host_that_is_gone_ends_with_it, set_up),
        cmocka_unit_test_setup(a_printer_that_is_reset_in_mid_change_owes_nothing, set_up),
        cmocka_unit_test_setup(what_is_said_outside_a_change_is_not_ours, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
