#include "print_bench.h"

static void select_file(void)
{
    connect();
    host("M23 /cube.gco", NULL);
    printer("echo:Now fresh file: cube.gco", "File opened: cube.gco Size: 1000", "File selected",
            NULL);
    host("M27", NULL);
    printer("SD printing byte 0/1000", NULL);
    expect_facts("");
    assert_string_equal(job.file, "cube.gco");
}

static void start_card(void)
{
    select_file();
    host("M26 S0", "M24", NULL);
    expect_facts("started");
    assert_int_equal(job.source, PRINT_SOURCE_SD);
}

/* Polled each second: the card is so far. */
static void at_byte(const char *report)
{
    host("M27", NULL);
    printer(report, NULL);
    silence(1000);
}

static void a_card_job_is_started_polled_and_done(void **unused)
{
    (void)unused;
    start_card();
    at_byte("SD printing byte 120/1000");
    at_byte("SD printing byte 700/1000");
    expect_facts("");
    assert_int_equal(job.state, PRINT_PRINTING);
    printer("Done printing file", NULL);
    expect_facts("finished");
    host("M400", "M105", "M27", NULL);
    printer("Not SD printing", NULL);
    silence(60000);
    expect_facts("");
    assert_int_equal(job.source, PRINT_SOURCE_NONE);
}

static void m24_without_a_file_starts_nothing(void **unused)
{
    (void)unused;
    connect();
    host("M24", "M25", "M524", "M26 S0", NULL);
    expect_facts("");
    host("M23 gone.gco", NULL);
    printer("open failed, File: gone.gco.", NULL);
    host("M24", NULL);
    expect_facts("");
}

static void a_file_that_cannot_be_opened_has_failed(void **unused)
{
    (void)unused;
    connect();
    host("M23 gone.gco", "M24", NULL);
    printer("open failed, File: gone.gco.", NULL);
    expect_facts("started failed");
}

static void m32_selects_and_starts(void **unused)
{
    (void)unused;
    connect();
    host("M32 !/dir/cube.gco#", NULL);
    expect_facts("started");
    assert_string_equal(job.file, "dir/cube.gco");
}

static void a_card_job_pauses_and_resumes(void **unused)
{
    (void)unused;
    start_card();
    at_byte("SD printing byte 120/1000");
    host("M25", "M400", "M114", NULL);
    expect_facts("paused");
    for (int i = 0; i < 3600; i++)
        at_byte("SD printing byte 150/1000");
    expect_facts("");
    host("M24", "M27", NULL);
    expect_facts("resumed");
}

static void a_card_job_resumed_at_the_display_is_seen_by_its_bytes(void **unused)
{
    (void)unused;
    start_card();
    host("M25", NULL);
    at_byte("SD printing byte 150/1000");
    at_byte("SD printing byte 150/1000");
    expect_facts("paused");
    at_byte("SD printing byte 180/1000");
    expect_facts("resumed");
}

static void reports_older_than_the_pause_resume_nothing(void **unused)
{
    struct gcode_line line;
    struct printer_reply reply;

    (void)unused;
    start_card();
    at_byte("SD printing byte 120/1000");
    gcode_line_parse(SPAN("M25"), &line);
    print_job_line(&job, &line);
    print_job_settled(&job, true, now); /* behind a long move */
    for (int i = 0; i < 2; i++) {
        printer_reply_parse(
            i == 0 ? SPAN("SD printing byte 130/1000") : SPAN("SD printing byte 140/1000"), &reply);
        print_job_reply(&job, &reply);
        print_job_settled(&job, true, now);
    }
    expect_facts("paused");
    print_job_settled(&job, false, now);
    at_byte("SD printing byte 140/1000");
    expect_facts("");
}

static void octoprints_cancel_of_a_card_job(void **unused)
{
    (void)unused;
    start_card();
    at_byte("SD printing byte 120/1000");
    host("M108", "M25", "M27", "M26 S0", "M84", "M104 T0 S0", NULL);
    at_byte("SD printing byte 0/1000");
    silence(10000);
    expect_facts("cancelled");
    /* and the same while it is paused, with abortHeatupOnCancel off */
    host("M23 /cube.gco", "M24", "M25", "M27", "M26 S0", "M84", NULL);
    expect_facts("started paused cancelled");
    host("M23 /cube.gco", "M24", "M25", "M27", "M108", "M25", "M26 S0", NULL);
    expect_facts("started paused cancelled");
}

static void m524_aborts(void **unused)
{
    (void)unused;
    start_card();
    host("M524", NULL);
    expect_facts("cancelled");
}

static void a_job_that_the_card_knows_nothing_of_any_more_was_cancelled(void **unused)
{
    (void)unused;
    start_card();
    at_byte("SD printing byte 120/1000");
    at_byte("Not SD printing");
    at_byte("SD printing byte 0/0");
    at_byte("SD printing byte 130/1000");
    at_byte("Not SD printing");
    at_byte("Not SD printing");
    expect_facts("");
    at_byte("Not SD printing");
    expect_facts("cancelled");
}

static void not_sd_printing_while_paused_ends_nothing(void **unused)
{
    (void)unused;
    start_card();
    host("M25", NULL);
    for (int i = 0; i < 10; i++)
        at_byte("Not SD printing");
    expect_facts("paused");
}

static void a_job_started_at_the_display_is_seen_by_its_bytes(void **unused)
{
    (void)unused;
    select_file();
    at_byte("SD printing byte 0/1000");
    expect_facts("");
    at_byte("SD printing byte 40/1000");
    expect_facts("started");
    assert_int_equal(job.source, PRINT_SOURCE_SD);
    assert_string_equal(job.file, "cube.gco");
    at_byte("SD printing byte 90/1000");
    printer("Done printing file", NULL);
    expect_facts("finished");
}

static void a_position_set_by_hand_starts_nothing(void **unused)
{
    (void)unused;
    select_file();
    host("M26 S500", NULL);
    at_byte("SD printing byte 500/1000");
    at_byte("SD printing byte 500/1000");
    expect_facts("");
    at_byte("SD printing byte 1000/1000"); /* at its end */
    expect_facts("");
}

static void marks_of_a_card_job_tell_its_source(void **unused)
{
    (void)unused;
    connect();
    host("M23 /cube.gco", "M889 J1", NULL);
    print_job_mark(&job, PRINT_MARK_STARTED);
    host("M24", NULL);
    expect_facts("started");
    assert_int_equal(job.source, PRINT_SOURCE_SD);
}

static void a_host_that_closes_leaves_a_card_job_alone(void **unused)
{
    (void)unused;
    start_card();
    assert_false(print_job_host_closed(&job));
    connect();
    assert_int_equal(job.state, PRINT_PRINTING);
    printer("Done printing file", NULL);
    expect_facts("finished");
}

static void a_printer_that_is_reset_has_failed_its_card_job(void **unused)
{
    (void)unused;
    start_card();
    assert_true(print_job_broken(&job));
    expect_facts("failed");
    host("M24", NULL);
    expect_facts("");
}

static void the_printers_own_pause_in_a_card_job(void **unused)
{
    (void)unused;
    start_card();
    printer("//action:paused", "echo:busy: paused for user", "//action:resumed", NULL);
    expect_facts("paused resumed");
}

static void damaged_reports_say_nothing(void **unused)
{
    (void)unused;
    start_card();
    printer("SD printing byte", "SD printing byte x/1000", "SD printing byte 12",
            "SD printing byte 12/", "SD printing byte 99999999999999999999/1",
            "File opened:", "Done", NULL);
    expect_facts("");
}

static void a_job_of_the_host_is_no_card_job_whatever_the_card_says(void **unused)
{
    (void)unused;
    start_print();
    printer("SD printing byte 10/1000", "SD printing byte 20/1000", "Not SD printing",
            "Done printing file", "File opened: x.gco Size: 1", NULL);
    expect_facts("");
    assert_int_equal(job.source, PRINT_SOURCE_HOST);
    assert_string_equal(job.file, "");
}

static void a_name_longer_than_its_place_is_cut(void **unused)
{
    char line[300] = "M23 /";

    (void)unused;
    connect();
    memset(line + 5, 'x', 290);
    host(line, NULL);
    assert_int_equal(strlen(job.file), PRINT_FILE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_card_job_is_started_polled_and_done, set_up),
        cmocka_unit_test_setup(m24_without_a_file_starts_nothing, set_up),
        cmocka_unit_test_setup(a_file_that_cannot_be_opened_has_failed, set_up),
        cmocka_unit_test_setup(m32_selects_and_starts, set_up),
        cmocka_unit_test_setup(a_card_job_pauses_and_resumes, set_up),
        cmocka_unit_test_setup(a_card_job_resumed_at_the_display_is_seen_by_its_bytes, set_up),
        cmocka_unit_test_setup(reports_older_than_the_pause_resume_nothing, set_up),
        cmocka_unit_test_setup(octoprints_cancel_of_a_card_job, set_up),
        cmocka_unit_test_setup(m524_aborts, set_up),
        cmocka_unit_test_setup(a_job_that_the_card_knows_nothing_of_any_more_was_cancelled, set_up),
        cmocka_unit_test_setup(not_sd_printing_while_paused_ends_nothing, set_up),
        cmocka_unit_test_setup(a_job_started_at_the_display_is_seen_by_its_bytes, set_up),
        cmocka_unit_test_setup(a_position_set_by_hand_starts_nothing, set_up),
        cmocka_unit_test_setup(marks_of_a_card_job_tell_its_source, set_up),
        cmocka_unit_test_setup(a_host_that_closes_leaves_a_card_job_alone, set_up),
        cmocka_unit_test_setup(a_printer_that_is_reset_has_failed_its_card_job, set_up),
        cmocka_unit_test_setup(the_printers_own_pause_in_a_card_job, set_up),
        cmocka_unit_test_setup(damaged_reports_say_nothing, set_up),
        cmocka_unit_test_setup(a_job_of_the_host_is_no_card_job_whatever_the_card_says, set_up),
        cmocka_unit_test_setup(a_name_longer_than_its_place_is_cut, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
