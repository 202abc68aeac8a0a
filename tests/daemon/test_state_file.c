#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/state_file.h"

static char folder[] = "/tmp/sioproxy-state-XXXXXX";
static char path[64];

/* What was done, in its order: f a file is synced, d a folder is, r the name is given. */
static char done[16];
static bool fails;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    strcat(done, S_ISDIR(status.st_mode) ? "d" : "f");
    return fails ? -1 : __real_fsync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    strcat(done, "r");
    return __real_rename(from, to);
}

static int set_up(void **unused)
{
    (void)unused;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state", folder);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    unlink(path);
    return rmdir(folder); /* nothing else was left behind */
}

static void expect(const char *text)
{
    char found[STATE_CAPACITY];
    ssize_t length = state_file_read(path, found);

    assert_int_equal(length, strlen(text));
    assert_memory_equal(found, text, (size_t)length);
}

static void without_a_file_there_is_no_state(void **unused)
{
    (void)unused;
    expect("");
}

static void what_is_there_and_cannot_be_read_is_told(void **unused)
{
    char found[STATE_CAPACITY];

    (void)unused;
    assert_int_equal(state_file_read(folder, found), -EISDIR);
}

/* The latch may stand behind what can be read of it. */
static void one_that_is_too_large_is_not_read_in_part(void **unused)
{
    static char long_text[STATE_CAPACITY];
    char found[STATE_CAPACITY];

    (void)unused;
    memset(long_text, 'x', sizeof long_text);
    assert_int_equal(state_file_write(path, (struct span){long_text, sizeof long_text}), 0);
    assert_int_equal(state_file_read(path, found), -EFBIG);
    assert_int_equal(state_file_write(path, (struct span){long_text, sizeof long_text - 1}), 0);
    assert_int_equal(state_file_read(path, found), STATE_CAPACITY - 1);
    done[0] = '\0';
}

static void what_is_written_is_on_the_disk_before_its_name_and_its_name_before_the_end(void **unused)
{
    (void)unused;
    done[0] = '\0';
    assert_int_equal(state_file_write(path, SPAN("latch estop\n")), 0);
    assert_string_equal(done, "frd");
    expect("latch estop\n");
}

static void what_cannot_be_written_leaves_what_was_there(void **unused)
{
    (void)unused;
    fails = true;
    done[0] = '\0';
    assert_true(state_file_write(path, SPAN("speed 115200\n")) < 0);
    assert_string_equal(done, "f");
    expect("latch estop\n");
    fails = false;
    assert_true(state_file_write("/tmp/sioproxy-there-is-no-such/state", SPAN("x")) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_there_is_no_state),
        cmocka_unit_test(what_is_there_and_cannot_be_read_is_told),
        cmocka_unit_test(one_that_is_too_large_is_not_read_in_part),
        cmocka_unit_test(what_is_written_is_on_the_disk_before_its_name_and_its_name_before_the_end),
        cmocka_unit_test(what_cannot_be_written_leaves_what_was_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
