/* The state file in another thread: nobody waits for the disk, and nothing is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/state_writer.h"

#define HELD_MS 60000 /* at most */

static char folder[64], path[80];
static uv_loop_t loop;
static struct state_writer writer;
static atomic_uint slow_ms, writes;
static atomic_bool refuses, held;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    struct stat status;

    for (unsigned ms = 0; held && ms < HELD_MS; ms++)
        usleep(1000);
    usleep(slow_ms * 1000);
    if (fstat(fd, &status) != 0 || S_ISDIR(status.st_mode))
        return 0;
    writes++;
    errno = ENOSPC;
    return refuses ? -1 : __real_fsync(fd);
}

static int set_up(void **unused)
{
    (void)unused;
    slow_ms = writes = 0;
    refuses = held = false;
    snprintf(folder, sizeof folder, "/tmp/sioproxy-writer-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state", folder);
    uv_loop_init(&loop);
    state_writer_init(&writer, &loop, path);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    uv_close((uv_handle_t *)&writer.again, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    unlink(path);
    return rmdir(folder);
}

static void expect(const char *text)
{
    char found[STATE_CAPACITY];
    ssize_t length = state_file_read(path, found);

    assert_int_equal(length, strlen(text));
    assert_memory_equal(found, text, (size_t)length);
}

static unsigned told(const char *part)
{
    unsigned times = 0;

    for (unsigned i = 0; i < log_count(); i++)
        times += strstr(log_kept(i), part) != NULL && strstr(log_kept(i), folder) != NULL;
    return times;
}

static void until_written(void)
{
    while (writer.writes)
        uv_run(&loop, UV_RUN_ONCE);
}

static void nobody_waits_for_the_disk_and_the_last_text_counts(void **unused)
{
    (void)unused;
    held = true;
    state_writer_save(&writer, "latch estop\n");
    state_writer_save(&writer, "speed 115200\n");
    state_writer_save(&writer, "");
    state_writer_save(&writer, "speed 250000\n");
    held = false; /* who had waited for it would have written more often */
    until_written();
    expect("speed 250000\n");
    assert_int_equal(writes, 2);
}

static void what_a_disk_refuses_is_told_once_and_tried_again(void **unused)
{
    (void)unused;
    refuses = true;
    state_writer_save(&writer, "latch estop\n");
    until_written();
    state_writer_save(&writer, "latch estop\nspeed 1\n");
    until_written();
    expect("");
    assert_int_equal(told("cannot be written: No space left on device"), 1);
    assert_true(uv_timer_get_due_in(&writer.again) > STATE_AGAIN_MS / 2);
    refuses = false;
    uv_timer_start(&writer.again, writer.again.timer_cb, 1, 0); /* it is later */
    while (uv_is_active((uv_handle_t *)&writer.again))
        uv_run(&loop, UV_RUN_ONCE);
    until_written();
    expect("latch estop\nspeed 1\n");
    assert_int_equal(told("is written"), 1);
    assert_false(uv_is_active((uv_handle_t *)&writer.again));
}

static void the_end_waits_for_what_is_not_written(void **unused)
{
    (void)unused;
    slow_ms = 20;
    state_writer_save(&writer, "speed 1\n");
    state_writer_save(&writer, "speed 2\n");
    assert_true(state_writer_end(&writer));
    expect("speed 2\n");
}

static void the_end_tries_once_more_and_never_again(void **unused)
{
    (void)unused;
    refuses = true;
    state_writer_save(&writer, "speed 1\n");
    until_written();
    assert_true(state_writer_end(&writer));
    assert_int_equal(writes, 2);
    assert_false(uv_is_active((uv_handle_t *)&writer.again));
}

static void the_end_does_not_wait_longer_for_what_came_last(void **unused)
{
    (void)unused;
    /* Twice for each, and then it is late; with patience from the second on it were not. */
    slow_ms = 1000;
    state_writer_save(&writer, "speed 1\n");
    state_writer_save(&writer, "speed 2\n");
    assert_false(state_writer_end(&writer));
    assert_int_equal(told("the disk does not answer"), 1);
    until_written();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nobody_waits_for_the_disk_and_the_last_text_counts),
        TEST(what_a_disk_refuses_is_told_once_and_tried_again),
        TEST(the_end_waits_for_what_is_not_written),
        TEST(the_end_tries_once_more_and_never_again),
        TEST(the_end_does_not_wait_longer_for_what_came_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
