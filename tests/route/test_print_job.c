#include "print_bench.h"

static void connecting_starts_no_job(void **unused)
{
    (void)unused;
    connect();
    host("M105", "M105", NULL);
    silence(60000);
    expect_facts("");
    assert_int_equal(job.state, PRINT_IDLE);
    assert_false(print_job_runs(&job));
}

static void a_numbered_m110_and_a_line_behind_it_start_a_job(void **unused)
{
    (void)unused;
    connect();
    host("N0 M110 N0*125", NULL);
    expect_facts("");
    host("N1 G28", NULL);
    expect_facts("started");
    assert_int_equal(job.source, PRINT_SOURCE_HOST);
    host("N2 G1 X10", "N3 M105", NULL);
    assert_int_equal(job.lines, 3);
}

static void polls_between_m110_and_the_first_line_change_nothing(void **unused)
{
    (void)unused;
    connect();
    host("N0 M110 N0", "N1 M105", "N2 M117 0%", NULL);
    expect_facts("");
    host("N3 G28", NULL);
    expect_facts("started");
}

static void an_upload_is_no_job(void **unused)
{
    (void)unused;
    connect();
    host("N0 M110 N0", "M28 /t3.gco", NULL); /* what follows is not shown */
    host("M20", "M105", NULL);
    expect_facts("");
    host("N0 M110 N0", "N1 M28 /t3.gco", "M20", NULL);
    expect_facts("");
}

static void a_printer_reset_while_idle_starts_no_job(void **unused)
{
    (void)unused;
    connect();
    print_job_broken(&job);
    host("N0 M110 N0", "N0 M110 N0", "M155 S2", "M105", NULL);
    silence(20000);
    expect_facts("");
}

static void of_a_host_that_numbers_everything_nothing_is_guessed(void **unused)
{
    (void)unused;
    print_job_host_opened(&job);
    host("N0 M110 N0", "N0 M110 N0", "N0 M110 N0", "N1 M115", "N2 M21", "N3 M155 S2", "N4 M105",
         "N5 M106 S0", "N6 G28", NULL);
    expect_facts("");
    host("N0 M110 N0", "N1 G28", "N2 G1 X10", NULL);
    expect_facts("");
    host("N3 M400", NULL);
    silence(60000);
    expect_facts("");
    /* Its marks do it. */
    host("N0 M110 N0", "N1 M889 J1", NULL);
    print_job_mark(&job, PRINT_MARK_STARTED);
    expect_facts("started");
    host("N2 G28", "N3 M400", "N4 M114", "N5 M105", NULL);
    silence(60000);
    expect_facts("");
    print_job_mark(&job, PRINT_MARK_PAUSED);
    host("N6 M106 S255", "N7 M105", NULL);
    silence(60000);
    host("N8 M106 S0", NULL);
    expect_facts("paused");
    print_job_mark(&job, PRINT_MARK_FINISHED);
    expect_facts("finished");
}

static void a_reconnect_forgets_how_the_host_numbered(void **unused)
{
    (void)unused;
    start_print();
    assert_true(print_job_host_closed(&job));
    expect_facts("failed");
    print_job_host_opened(&job);
    /* Now with alwaysSendChecksum: somebody types G28, and prints. */
    host("N0 M110 N0", "N1 M115", "N2 M21", "N3 M105", "N4 G28", NULL);
    host("N0 M110 N0", "N1 G28", NULL);
    expect_facts("");
}

/* OctoPrint has hardly connected and prints: it numbers its greeting, too. */
static void a_print_before_the_greeting_is_over_is_seen(void **unused)
{
    (void)unused;
    print_job_host_opened(&job);
    host("N0 M110 N0", "N0 M110 N0", "N0 M110 N0", "N1 M115", "N2 M21", "N3 M155 S2", "N4 M876 P1",
         "N5 M27 S1", "N0 M110 N0", "N1 M107", "N2 G1 X1", NULL);
    expect_facts("started");
    host("N3 M400", "N4 M114", "N5 M105", NULL);
    silence(PRINT_PAUSE_QUIET_MS);
    expect_facts("paused");
    host("N6 G1 X2", "N7 M400", "M105", NULL);
    expect_facts("resumed finished");
    host("N0 M110 N0", "N1 G28", NULL);
    expect_facts("started");
}

/* The same from a host that numbers all: after its first job nothing is guessed any more. */
static void behind_a_numbered_greeting_only_one_job_is_guessed(void **unused)
{
    (void)unused;
    print_job_host_opened(&job);
    host("N0 M110 N0", "N1 M115", "N2 M21", "N3 M105", "N0 M110 N0", "N1 G1 X1", "N2 M400", NULL);
    silence(PRINT_FINISH_QUIET_MS);
    expect_facts("started finished");
    host("N3 M105", "N4 G28", "N5 M105", "N0 M110 N0", "N1 G1 X1", NULL);
    expect_facts("");
}

static void a_pause_is_m400_m114_and_then_a_line_without_number(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "N5 M114", NULL);
    expect_facts("");
    host("M105", NULL);
    expect_facts("paused");
    assert_int_equal(job.state, PRINT_PAUSED);
    assert_true(print_job_runs(&job));
}

static void a_pause_is_m400_m114_its_script_and_then_silence(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M154 S0", "N5 M400", "N6 M105", "N7 M114", "N8 G91", "N9 G1 Z10", "N10 G90", NULL);
    silence(PRINT_PAUSE_QUIET_MS - 1);
    expect_facts("");
    silence(1);
    expect_facts("paused");
}

/* OctoPrint overlooks an ok of M400 that is too quick for it, and goes on when it has had enough. */
static void the_m114_of_a_pause_may_come_late(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", NULL);
    print_job_action(&job, SPAN("pause"));
    print_job_settled(&job, false, now);
    silence(PRINT_PAUSE_QUIET_MS);
    expect_facts("paused");
    host("N5 M105", "N6 M114", NULL);
    expect_facts("");
    host("N7 G1 X2", NULL);
    expect_facts("resumed");
}

static void silence_counts_only_while_nothing_is_owed(void **unused)
{
    struct gcode_line line;

    (void)unused;
    start_print();
    host("N4 M400", NULL);
    gcode_line_parse(SPAN("N5 M114"), &line);
    print_job_line(&job, &line);
    print_job_settled(&job, true, now); /* the printer takes its time */
    silence(60000);
    expect_facts("");
    print_job_settled(&job, false, now);
    silence(PRINT_PAUSE_QUIET_MS);
    expect_facts("paused");
}

/* The ok of its M105 was lost, and came when the printer was asked: then it goes on at once. */
static void a_host_that_waits_for_the_answer_of_a_poll_is_not_silent(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M108", "N5 M105", NULL);
    print_job_settled(&job, true, now);
    silence(PRINT_PAUSE_QUIET_MS + 2000);
    expect_facts("");
    print_job_settled(&job, false, now);
    silence(PRINT_PAUSE_QUIET_MS - 1);
    expect_facts("");
    silence(1);
    expect_facts("cancelled");
}

static void a_paused_job_that_is_silent_for_hours_stays_paused(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "N5 M114", NULL);
    silence(5 * 3600 * 1000);
    expect_facts("paused");
    for (int i = 0; i < 1000; i++) {
        host("M117 ETL 12:30", "M105", NULL);
        silence(5000);
    }
    expect_facts("");
    assert_int_equal(job.state, PRINT_PAUSED);
    host("N6 G1 X30", NULL);
    expect_facts("resumed");
    assert_int_equal(job.state, PRINT_PRINTING);
}

static void m117_floods_and_polls_resume_nothing(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "N5 M114", "M105", "N6 M117 paused", "N7 M105", "M117 50%", "M73 P50", NULL);
    expect_facts("paused");
}

static void m400_and_m114_in_the_file_are_no_pause_when_lines_go_on(void **unused)
{
    (void)unused;
    start_print();
    for (int i = 0; i < 5; i++) {
        host("N4 M400", "N5 M114", "N6 G1 X1", NULL);
        silence(1000);
    }
    for (int i = 0; i < PRINT_SCRIPT_LINES + 1; i++)
        host("N7 G1 X2", NULL);
    silence(60000); /* long ago by now: this is a host that thinks */
    expect_facts("");
    assert_int_equal(job.state, PRINT_PRINTING);
}

static void words_and_comments_without_number_say_nothing(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "FOO bar", "; a comment", "m801 s1", "", "@pause", "enc 5", "N5 G1 X1", NULL);
    expect_facts("");
    assert_int_equal(job.state, PRINT_PRINTING);
}

static void the_emergency_lane_says_nothing_but_m108(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "M876 S1", "M410", "M112", NULL);
    expect_facts("");
}

static void a_job_finishes_with_m400_and_a_line_without_number(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M84", "N5 M400", "N6 M104 S0", "N7 M117 done", NULL);
    expect_facts("");
    host("M105", NULL);
    expect_facts("finished");
    assert_int_equal(job.state, PRINT_FINISHED);
    assert_int_equal(job.source, PRINT_SOURCE_NONE);
}

static void a_job_finishes_with_m400_and_long_silence(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", NULL);
    silence(PRINT_FINISH_QUIET_MS - 1);
    expect_facts("");
    silence(1);
    expect_facts("finished");
}

static void polls_do_not_break_the_silence(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", NULL);
    for (int i = 0; i < 10; i++) {
        silence(1000);
        host("N5 M105", NULL);
    }
    expect_facts("finished");
}

static void a_finish_that_was_guessed_too_early_goes_on_as_resumed(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", NULL);
    silence(30000); /* a long exposure of a time-lapse camera */
    expect_facts("finished");
    host("N5 G1 X1", NULL);
    expect_facts("resumed");
    assert_int_equal(job.source, PRINT_SOURCE_HOST);
    host("N6 M400", "M105", NULL);
    expect_facts("finished");
}

static void behind_a_reset_a_finished_job_does_not_go_on(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", NULL);
    silence(PRINT_FINISH_QUIET_MS);
    assert_false(print_job_broken(&job));
    host("N5 G1 X1", NULL);
    expect_facts("finished");
}

static void a_cancel_is_m108_its_script_and_a_line_without_number(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M108", "N5 M84", "N6 M104 T0 S0", "N7 M140 S0", "N8 M106 S0", NULL);
    expect_facts("");
    host("M105", NULL);
    expect_facts("cancelled");
}

static void a_cancel_is_m108_its_script_and_silence(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M108", "N5 M400", "N6 M114", "N7 M84", NULL); /* logPositionOnCancel */
    silence(PRINT_PAUSE_QUIET_MS);
    expect_facts("cancelled");
}

static void an_m108_that_ends_a_heat_up_cancels_nothing(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M108", NULL);
    for (int i = 0; i <= PRINT_SCRIPT_LINES; i++)
        host("N5 G1 X1", NULL);
    host("N6 M400", "M105", NULL);
    expect_facts("finished");
}

static void a_paused_job_is_cancelled_by_a_numbered_m108(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "N5 M114", "M105", NULL);
    expect_facts("paused");
    host("N6 M108", "N7 M84", "N8 M104 T0 S0", NULL);
    expect_facts("");
    host("M105", NULL);
    expect_facts("cancelled");
}

static void an_m108_typed_while_paused_is_no_cancel(void **unused)
{
    (void)unused;
    start_print();
    printer("//action:paused", NULL);
    silence(10000);
    host("M108", "M105", NULL);
    silence(60000);
    expect_facts("paused");
    host("N4 G1 X1", NULL);
    expect_facts("resumed");
}

static void lines_without_number_and_without_reason_are_a_pause(void **unused)
{
    (void)unused;
    start_print(); /* logPositionOnPause is off */
    host("M105", NULL);
    expect_facts("");
    silence(PRINT_PAUSE_QUIET_MS);
    expect_facts("paused");
}

static void a_host_that_polls_without_numbers_in_mid_print_prints_on(void **unused)
{
    (void)unused;
    start_print();
    for (int i = 0; i < 5; i++) {
        host("M105", "N4 G1 X1", "N5 G1 X2", NULL);
        silence(1000);
    }
    host("N6 M400", "M105", "N7 G1 X3", NULL);
    expect_facts("");
    host("N8 M400", "M105", NULL);
    silence(PRINT_FINISH_QUIET_MS);
    expect_facts("finished");
}

static void the_next_job_ends_the_last(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", NULL);
    host("N0 M110 N0", "N1 G28", NULL);
    expect_facts("finished started");
    host("N2 M108", "N3 M84", NULL);
    host("N0 M110 N0", "N1 G28", NULL);
    expect_facts("cancelled started");
    host("N2 G1 X1", NULL);
    silence(5000);
    host("N0 M110 N0", "N1 G28", NULL);
    expect_facts("cancelled started");
    assert_int_equal(job.lines, 1);
}

static void a_paused_job_that_is_started_anew_was_cancelled(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "N5 M114", "M105", NULL);
    host("N0 M110 N0", "N1 G28", NULL); /* //action:start does that */
    expect_facts("paused cancelled started");
}

static void numbers_that_begin_anew_in_mid_job_are_the_same_job(void **unused)
{
    (void)unused;
    start_print();
    host("N4 G1 X1", "N0 M110 N0", "N1 G1 X2", "N2 G1 X3", NULL);
    expect_facts("");
    assert_int_equal(job.state, PRINT_PRINTING);
}

static void a_host_that_closes_in_mid_print_has_failed(void **unused)
{
    (void)unused;
    start_print();
    assert_true(print_job_host_closed(&job));
    expect_facts("failed");
    assert_false(print_job_host_closed(&job));
    start_print();
    host("N4 M400", "N5 M114", "M105", NULL);
    expect_facts("paused");
    print_job_host_closed(&job);
    expect_facts("failed");
}

static void a_printer_that_is_reset_in_mid_print_has_failed_and_the_rest_is_no_job(void **unused)
{
    (void)unused;
    start_print();
    assert_true(print_job_broken(&job));
    expect_facts("failed");
    /* as OctoPrint 1.11.8 was seen to answer `start` in a job; its script follows */
    host("N0 M108", "N0 M110 N0", "N0 M110 N0", "N1 M155 S2", "N2 M84", "N3 M104 T0 S0",
         "N4 M140 S0", NULL);
    expect_facts("");
    silence(PRINT_PAUSE_QUIET_MS);
    host("N0 M110 N0", "N1 G28", NULL);
    expect_facts("started");
}

/* What it had still to say had numbers and was no job: so it seemed to number everything. */
static void a_host_that_begins_anew_behind_a_reset_without_a_plain_line_has_a_job_again(void **unused)
{
    (void)unused;
    host("N0 M110 N0", "N1 G28", NULL);
    expect_facts("started");
    assert_true(print_job_broken(&job));
    expect_facts("failed");
    host("N2 G1 X1", "N3 G1 X2", NULL);
    silence(PRINT_PAUSE_QUIET_MS);
    host("N0 M110 N0", "N1 G28", NULL);
    expect_facts("started");
}

static void facts_nobody_takes_are_bounded(void **unused)
{
    enum print_fact fact;
    unsigned facts = 0;

    (void)unused;
    for (int i = 0; i < 20; i++) {
        print_job_host_opened(&job);
        host("N0 M110 N0", "N1 G28", "N2 M108", "M105", NULL);
    }
    assert_true(print_job_next_fact(&job, &fact));
    assert_int_equal(fact, PRINT_STARTED_FACT);
    facts++;
    while (print_job_next_fact(&job, &fact))
        facts++;
    assert_int_equal(facts, PRINT_FACTS);
    assert_int_equal(fact, PRINT_CANCELLED_FACT);
}

static void every_word_is_the_one_that_rules_use(void **unused)
{
    (void)unused;
    assert_string_equal(print_state_word(PRINT_IDLE), "idle");
    assert_string_equal(print_state_word(PRINT_PAUSED), "paused");
    assert_string_equal(print_state_word(PRINT_FAILED), "failed");
    assert_string_equal(print_fact_word(PRINT_RESUMED_FACT), "resumed");
    assert_string_equal(print_fact_word(PRINT_STARTED_FACT), "started");
    assert_string_equal(print_source_word(PRINT_SOURCE_NONE), "none");
    assert_string_equal(print_source_word(PRINT_SOURCE_HOST), "host");
    assert_string_equal(print_source_word(PRINT_SOURCE_SD), "sd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(connecting_starts_no_job, set_up),
        cmocka_unit_test_setup(a_numbered_m110_and_a_line_behind_it_start_a_job, set_up),
        cmocka_unit_test_setup(polls_between_m110_and_the_first_line_change_nothing, set_up),
        cmocka_unit_test_setup(an_upload_is_no_job, set_up),
        cmocka_unit_test_setup(a_printer_reset_while_idle_starts_no_job, set_up),
        cmocka_unit_test_setup(of_a_host_that_numbers_everything_nothing_is_guessed, set_up),
        cmocka_unit_test_setup(a_reconnect_forgets_how_the_host_numbered, set_up),
        cmocka_unit_test_setup(a_print_before_the_greeting_is_over_is_seen, set_up),
        cmocka_unit_test_setup(behind_a_numbered_greeting_only_one_job_is_guessed, set_up),
        cmocka_unit_test_setup(a_pause_is_m400_m114_and_then_a_line_without_number, set_up),
        cmocka_unit_test_setup(a_pause_is_m400_m114_its_script_and_then_silence, set_up),
        cmocka_unit_test_setup(the_m114_of_a_pause_may_come_late, set_up),
        cmocka_unit_test_setup(silence_counts_only_while_nothing_is_owed, set_up),
        cmocka_unit_test_setup(a_host_that_waits_for_the_answer_of_a_poll_is_not_silent, set_up),
        cmocka_unit_test_setup(a_paused_job_that_is_silent_for_hours_stays_paused, set_up),
        cmocka_unit_test_setup(m117_floods_and_polls_resume_nothing, set_up),
        cmocka_unit_test_setup(m400_and_m114_in_the_file_are_no_pause_when_lines_go_on, set_up),
        cmocka_unit_test_setup(words_and_comments_without_number_say_nothing, set_up),
        cmocka_unit_test_setup(the_emergency_lane_says_nothing_but_m108, set_up),
        cmocka_unit_test_setup(a_job_finishes_with_m400_and_a_line_without_number, set_up),
        cmocka_unit_test_setup(a_job_finishes_with_m400_and_long_silence, set_up),
        cmocka_unit_test_setup(polls_do_not_break_the_silence, set_up),
        cmocka_unit_test_setup(a_finish_that_was_guessed_too_early_goes_on_as_resumed, set_up),
        cmocka_unit_test_setup(behind_a_reset_a_finished_job_does_not_go_on, set_up),
        cmocka_unit_test_setup(a_cancel_is_m108_its_script_and_a_line_without_number, set_up),
        cmocka_unit_test_setup(a_cancel_is_m108_its_script_and_silence, set_up),
        cmocka_unit_test_setup(an_m108_that_ends_a_heat_up_cancels_nothing, set_up),
        cmocka_unit_test_setup(a_paused_job_is_cancelled_by_a_numbered_m108, set_up),
        cmocka_unit_test_setup(an_m108_typed_while_paused_is_no_cancel, set_up),
        cmocka_unit_test_setup(lines_without_number_and_without_reason_are_a_pause, set_up),
        cmocka_unit_test_setup(a_host_that_polls_without_numbers_in_mid_print_prints_on, set_up),
        cmocka_unit_test_setup(the_next_job_ends_the_last, set_up),
        cmocka_unit_test_setup(a_paused_job_that_is_started_anew_was_cancelled, set_up),
        cmocka_unit_test_setup(numbers_that_begin_anew_in_mid_job_are_the_same_job, set_up),
        cmocka_unit_test_setup(a_host_that_closes_in_mid_print_has_failed, set_up),
        cmocka_unit_test_setup(
            a_printer_that_is_reset_in_mid_print_has_failed_and_the_rest_is_no_job, set_up),
        cmocka_unit_test_setup(
            a_host_that_begins_anew_behind_a_reset_without_a_plain_line_has_a_job_again, set_up),
        cmocka_unit_test_setup(facts_nobody_takes_are_bounded, set_up),
        cmocka_unit_test_setup(every_word_is_the_one_that_rules_use, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
