/* What the log writes, and that it waits for nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"

static int ends[2], stderr_before;
static char heard[65536];

/* stderr is a pipe that holds two pages. */
static int set_up(void **unused)
{
    (void)unused;
    unsetenv("JOURNAL_STREAM");
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETPIPE_SZ, 8192);
    stderr_before = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    log_level_set(LOG_INFO);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void expect(const char *text)
{
    ssize_t count = read(ends[0], heard, sizeof heard - 1);

    heard[count > 0 ? count : 0] = '\0';
    assert_string_equal(heard, text);
}

static void a_line_bears_its_level_whatever_stands_in_it(void **unused)
{
    (void)unused;
    log_write(LOG_WARNING, "printer: it said x: error: y");
    log_write(LOG_ERROR, "board: : warning: \x01");
    log_write(LOG_INFO, "ready");
    log_write(LOG_DEBUG, "not heard");
    expect("warning: printer: it said x: error: y\nerror: board: : warning: ?\nready\n");
    assert_string_equal(log_kept(log_count() - 1), "ready");
}

static void a_mistake_in_a_file_says_itself_what_it_is(void **unused)
{
    (void)unused;
    log_mistake(LOG_ERROR, SPAN("mk3.yaml:2:1: error: printer: port is missing"));
    log_mistake(LOG_WARNING, SPAN("mk3.yaml:3:1: warning: doubtful"));
    expect("mk3.yaml:2:1: error: printer: port is missing\nmk3.yaml:3:1: warning: doubtful\n");
    setenv("JOURNAL_STREAM", "8:1", 1);
    log_mistake(LOG_ERROR, SPAN("mk3.yaml:2:1: error: printer: port is missing"));
    log_write(LOG_INFO, "ready");
    expect("<3>mk3.yaml:2:1: error: printer: port is missing\n<6>ready\n");
}

static void nobody_waits_for_a_reader(void **unused)
{
    unsigned lines = 0, missing;
    char *lost;

    (void)unused;
    for (unsigned i = 0; i < 2000; i++)
        log_write(LOG_INFO, "line %u", i);
    assert_true(read(ends[0], heard, sizeof heard - 1) > 0);
    log_write(LOG_INFO, "again");
    memset(heard, 0, sizeof heard);
    assert_true(read(ends[0], heard, sizeof heard - 1) > 0);
    lost = strstr(heard, "warning: ");
    assert_non_null(lost);
    assert_int_equal(sscanf(lost, "warning: %u lines of the log are missing here", &missing), 1);
    assert_true(missing > 1000 && missing < 2000);
    assert_non_null(strstr(lost, "\nagain\n"));
    while (log_kept(lines) != NULL)
        lines++;
    assert_int_equal(lines, LOG_KEPT);
    assert_string_equal(log_kept(lines - 2), "line 1999");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_line_bears_its_level_whatever_stands_in_it),
        TEST(a_mistake_in_a_file_says_itself_what_it_is),
        TEST(nobody_waits_for_a_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
