#include "print_bench.h"

static void mark(enum print_mark which)
{
    print_job_mark(&job, which);
    check();
}

static void a_mark_starts_a_job_once(void **unused)
{
    (void)unused;
    connect();
    host("N0 M110 N0", "N1 M889 J1", NULL);
    expect_facts("");
    mark(PRINT_MARK_STARTED);
    expect_facts("started");
    host("N2 G28", "N3 G1 X1", NULL);
    expect_facts("");
    assert_int_equal(job.source, PRINT_SOURCE_HOST);
}

static void a_mark_behind_a_guess_tells_nothing_new(void **unused)
{
    (void)unused;
    connect();
    host("N0 M110 N0", "N1 G21", "N2 M889 J1", NULL);
    mark(PRINT_MARK_STARTED);
    expect_facts("started");
}

static void a_second_mark_of_a_start_is_another_job(void **unused)
{
    (void)unused;
    connect();
    host("N0 M110 N0", "N1 M889 J1", NULL);
    mark(PRINT_MARK_STARTED);
    host("N2 G28", "N0 M110 N0", "N1 M889 J1", NULL);
    mark(PRINT_MARK_STARTED);
    expect_facts("started cancelled started");
}

static void a_mark_tells_its_source_by_its_number(void **unused)
{
    (void)unused;
    connect();
    host("M23 /cube.gco", "N0 M110 N0", "N1 M889 J1", NULL);
    mark(PRINT_MARK_STARTED);
    assert_int_equal(job.source, PRINT_SOURCE_HOST);
    set_up(NULL);
    connect();
    host("M889 J1", NULL); /* no file of the card is selected */
    mark(PRINT_MARK_STARTED);
    assert_int_equal(job.source, PRINT_SOURCE_HOST);
    mark(PRINT_MARK_STARTED);
    expect_facts("started cancelled started");
}

static void a_paused_job_that_is_started_anew_is_marked_once(void **unused)
{
    (void)unused;
    start_print();
    print_job_action(&job, SPAN("paused"));
    host("N0 M110 N0", "N1 M889 J1", NULL);
    mark(PRINT_MARK_STARTED);
    host("N2 G28", NULL);
    expect_facts("paused cancelled started");
}

static void a_mark_starts_a_job_also_right_after_a_reset(void **unused)
{
    (void)unused;
    start_print();
    print_job_broken(&job);
    host("N0 M110 N0", "N1 M889 J1", NULL);
    mark(PRINT_MARK_STARTED);
    expect_facts("failed started");
    host("N2 M400", NULL);
    silence(PRINT_FINISH_QUIET_MS);
    host("N0 M110 N0", "N1 G28", NULL);
    expect_facts("finished started");
}

static void the_lines_behind_a_mark_of_a_pause_resume_nothing(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "N5 M114", "N6 M889 J2", NULL);
    mark(PRINT_MARK_PAUSED);
    expect_facts("paused");
    host("N7 G91", "N8 G1 Z10", "N9 G90", "N10 G1 X0 Y0", NULL);
    expect_facts("");
    silence(PRINT_PAUSE_QUIET_MS);
    host("N11 G1 X5", NULL);
    expect_facts("resumed");
}

static void the_mark_of_a_resume_and_the_lines_tell_it_once(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M889 J2", NULL);
    mark(PRINT_MARK_PAUSED);
    host("M105", "N5 M889 J3", NULL);
    expect_facts("paused");
    mark(PRINT_MARK_RESUMED);
    host("N6 G1 X5", NULL);
    expect_facts("resumed");
}

static void behind_the_mark_of_an_end_the_rest_of_the_script_is_no_job(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "N5 M889 J4", NULL);
    mark(PRINT_MARK_FINISHED);
    host("N6 M84", "N7 M106 S0", "M105", NULL);
    silence(60000);
    expect_facts("finished");
    start_print();
    host("N4 M108", "N5 M889 J5", NULL);
    mark(PRINT_MARK_CANCELLED);
    host("N6 M84", "N7 M104 S0", "M105", NULL);
    silence(60000);
    expect_facts("cancelled");
}

static void a_cancel_marked_while_paused_is_no_resume(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "N5 M114", "M105", NULL);
    expect_facts("paused");
    host("N6 M889 J5", NULL); /* abortHeatupOnCancel is off: no M108 before it */
    mark(PRINT_MARK_CANCELLED);
    host("N7 M84", "M105", NULL);
    expect_facts("cancelled");
}

static void where_scripts_tell_the_end_silence_does_not(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M889 J4", NULL);
    mark(PRINT_MARK_FINISHED);
    expect_facts("finished");
    host("N0 M110 N0", "N1 M889 J1", NULL);
    mark(PRINT_MARK_STARTED);
    host("N2 G28", "N3 M400", NULL);
    silence(600000); /* the file waits for something */
    expect_facts("started");
    host("N4 G1 X1", NULL);
    expect_facts("");
}

static void a_mark_beats_a_guess_that_was_wrong(void **unused)
{
    (void)unused;
    start_print();
    host("N4 M400", "M105", NULL);
    expect_facts("finished");
    mark(PRINT_MARK_CANCELLED);
    expect_facts("cancelled");
    host("N5 M84", NULL);
    expect_facts("");
}

static void a_mark_tells_an_end_whose_beginning_nobody_saw(void **unused)
{
    (void)unused;
    mark(PRINT_MARK_FINISHED);
    mark(PRINT_MARK_FINISHED);
    expect_facts("finished");
    mark(PRINT_MARK_RESUMED);
    expect_facts("resumed");
    assert_true(print_job_runs(&job));
}

static void paused_said_by_the_printer_or_by_us_is_certain(void **unused)
{
    (void)unused;
    start_print();
    print_job_action(&job, SPAN("paused"));
    check();
    expect_facts("paused");
    printer("//action:resumed", NULL);
    expect_facts("resumed");
    printer("// action:paused filament_runout 0", NULL);
    expect_facts("paused");
    printer("//action:paused//action:paused", NULL);
    expect_facts("");
    silence(4 * 3600 * 1000);
    expect_facts("");
}

static void lines_on_their_way_do_not_resume(void **unused)
{
    (void)unused;
    start_print();
    printer("//action:paused", NULL);
    host("N4 G1 X1", "N5 G1 X2", NULL);
    expect_facts("paused");
    host("N6 G1 X3", NULL);
    expect_facts("resumed");
}

static void a_pause_that_was_asked_for_is_one_when_the_host_is_silent(void **unused)
{
    (void)unused;
    start_print();
    print_job_action(&job, SPAN("pause"));
    expect_facts("");
    host("N4 M400", "N5 M114", "N6 G1 Z10", NULL);
    silence(PRINT_PAUSE_QUIET_MS);
    expect_facts("paused");
}

static void a_pause_that_was_asked_for_is_no_finish(void **unused)
{
    (void)unused;
    start_print();
    print_job_action(&job, SPAN("pause"));
    host("N4 M400", "M105", NULL); /* its script, and no position is asked for */
    expect_facts("paused");
}

static void a_pause_that_was_asked_for_in_vain_is_none(void **unused)
{
    (void)unused;
    start_print();
    print_job_action(&job, SPAN("pause"));
    for (int i = 0; i <= PRINT_SCRIPT_LINES; i++)
        host("N4 G1 X1", NULL);
    silence(PRINT_PAUSE_QUIET_MS);
    expect_facts("");
}

static void a_cancel_that_was_asked_for_needs_no_m108(void **unused)
{
    (void)unused;
    start_print();
    print_job_action(&job, SPAN("cancel"));
    host("N4 M84", "N5 M104 S0", "M105", NULL);
    expect_facts("cancelled");
    print_job_action(&job, SPAN("cancel"));
    print_job_action(&job, SPAN("pause"));
    print_job_action(&job, SPAN("start"));
    print_job_action(&job, SPAN("notification paused"));
    check();
    expect_facts("");
}

/* A host that hung long before it was asked will not say more than it did. */
static void a_host_that_hangs_has_done_what_it_was_asked_for_after_three_seconds(void **unused)
{
    static const char *const asked[][2] = {{"cancel", "cancelled"}, {"pause", "paused"}};

    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        start_print();
        silence(600000);
        print_job_action(&job, span_of(asked[i][0]));
        print_job_settled(&job, false, now);
        silence(PRINT_PAUSE_QUIET_MS - 1);
        expect_facts("");
        silence(1);
        expect_facts(asked[i][1]);
        print_job_mark(&job, PRINT_MARK_CANCELLED);
        while (print_job_next_fact(&job, &(enum print_fact){PRINT_FAILED_FACT}))
            continue;
    }
    check();
}

static void resumed_said_during_a_cancel_resumes_nothing(void **unused)
{
    (void)unused;
    start_print();
    printer("//action:paused", NULL); /* M600 */
    silence(20000);
    host("N4 M108", NULL);
    printer("//action:resumed", NULL); /* and its ok */
    host("N5 M84", "N6 M104 S0", "M105", NULL);
    expect_facts("paused cancelled");
}

static void whatever_comes_the_promises_hold(void **unused)
{
    static const char *const lines[] = {
        "N0 M110 N0", "N1 M115",   "N1 G28",    "N2 G1 X1",  "N3 M400",    "N4 M114",
        "N5 M108",    "M105",      "N6 M105",   "M23 a.g",   "M24",        "M25",
        "M26 S0",     "M524",      "N7 M889 J", "M108",      "G28",        "FOO",
        "M28 x",      "N8 M117 x", "M876 S1",   "M32 b.gco", "N9 M155 S2", "M21"};
    static const char *const replies[] = {
        "SD printing byte 1/9", "SD printing byte 5/9",   "Not SD printing", "Done printing file",
        "//action:paused",      "//action:resumed",       "//action:cancel", "//action:pause",
        "open failed",          "File opened: a Size: 1", "File selected",   "start"};
    uint32_t random = 1;

    (void)unused;
    for (unsigned i = 0; i < 300000; i++) {
        random = random * 1664525 + 1013904223;
        switch (random >> 28) {
        case 0: mark((enum print_mark)(1 + (random >> 16) % 5)); break;
        case 1: silence((random >> 16) % 12000); break;
        case 2:
            if ((random >> 16) % 16 == 0)
                print_job_broken(&job);
            break;
        case 3:
            if ((random >> 16) % 16 == 0)
                print_job_host_closed(&job);
            break;
        case 4: print_job_settled(&job, (random >> 16) % 2, now); break;
        case 5:
        case 6:
        case 7: printer(replies[(random >> 16) % 12], NULL); break;
        default: host(lines[(random >> 16) % 24], NULL); break;
        }
        check();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_mark_starts_a_job_once, set_up),
        cmocka_unit_test_setup(a_mark_behind_a_guess_tells_nothing_new, set_up),
        cmocka_unit_test_setup(a_second_mark_of_a_start_is_another_job, set_up),
        cmocka_unit_test_setup(a_mark_tells_its_source_by_its_number, set_up),
        cmocka_unit_test_setup(a_paused_job_that_is_started_anew_is_marked_once, set_up),
        cmocka_unit_test_setup(a_mark_starts_a_job_also_right_after_a_reset, set_up),
        cmocka_unit_test_setup(the_lines_behind_a_mark_of_a_pause_resume_nothing, set_up),
        cmocka_unit_test_setup(the_mark_of_a_resume_and_the_lines_tell_it_once, set_up),
        cmocka_unit_test_setup(behind_the_mark_of_an_end_the_rest_of_the_script_is_no_job, set_up),
        cmocka_unit_test_setup(a_cancel_marked_while_paused_is_no_resume, set_up),
        cmocka_unit_test_setup(where_scripts_tell_the_end_silence_does_not, set_up),
        cmocka_unit_test_setup(a_mark_beats_a_guess_that_was_wrong, set_up),
        cmocka_unit_test_setup(a_mark_tells_an_end_whose_beginning_nobody_saw, set_up),
        cmocka_unit_test_setup(paused_said_by_the_printer_or_by_us_is_certain, set_up),
        cmocka_unit_test_setup(lines_on_their_way_do_not_resume, set_up),
        cmocka_unit_test_setup(a_pause_that_was_asked_for_is_one_when_the_host_is_silent, set_up),
        cmocka_unit_test_setup(a_pause_that_was_asked_for_is_no_finish, set_up),
        cmocka_unit_test_setup(a_pause_that_was_asked_for_in_vain_is_none, set_up),
        cmocka_unit_test_setup(a_cancel_that_was_asked_for_needs_no_m108, set_up),
        cmocka_unit_test_setup(a_host_that_hangs_has_done_what_it_was_asked_for_after_three_seconds,
                               set_up),
        cmocka_unit_test_setup(resumed_said_during_a_cancel_resumes_nothing, set_up),
        cmocka_unit_test_setup(whatever_comes_the_promises_hold, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
