#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/claim.h"
#include "daemon/state_file.h"
#include "scratch.h"

static char folder[SCRATCH], path[128], why[300];

static int setup(void **unused)
{
    (void)unused;
    if (scratch_make(folder) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/deep/er/printer", folder);
    why[0] = '\0';
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    return scratch_remove(folder);
}

static void a_name_is_had_by_one_alone(void **unused)
{
    struct claim first, second;
    char number[32];

    (void)unused;
    assert_true(claim_take(&first, path, why, sizeof why));
    assert_false(claim_take(&second, path, why, sizeof why));
    assert_non_null(strstr(why, "is used by another sioproxy"));
    snprintf(number, sizeof number, "(pid %ld)", (long)getpid());
    assert_non_null(strstr(why, number));
    claim_leave(&second);
    claim_leave(&first);
    assert_true(claim_take(&second, path, why, sizeof why));
    claim_leave(&second);
}

static void nothing_is_left_behind(void **unused)
{
    struct claim claim;
    char lock[sizeof claim.lock];

    (void)unused;
    assert_true(claim_take(&claim, path, why, sizeof why));
    memcpy(lock, claim.lock, sizeof lock);
    assert_int_equal(access(lock, F_OK), 0);
    assert_int_equal(strncmp(strrchr(lock, '/'), "/.", 2), 0); /* hidden from OctoPrint */
    claim_leave(&claim);
    assert_int_equal(access(lock, F_OK), -1);
    claim_leave(&claim);
}

static void a_lock_file_without_an_owner_is_stale(void **unused)
{
    struct claim claim;
    FILE *file;

    (void)unused;
    assert_true(claim_take(&claim, path, why, sizeof why));
    claim_leave(&claim);
    file = fopen(claim.lock, "w");
    assert_non_null(file);
    fputs("1\n", file);
    fclose(file);
    assert_true(claim_take(&claim, path, why, sizeof why));
    claim_leave(&claim);
}

static void a_folder_that_cannot_be_written_is_told(void **unused)
{
    struct claim claim;

    (void)unused;
    assert_false(claim_take(&claim, "/proc/nothing/printer", why, sizeof why));
    assert_non_null(strstr(why, "cannot be had"));
    claim_leave(&claim);
}

static void only_links_that_dangle_or_name_a_pty_are_replaced(void **unused)
{
    char target[128];

    (void)unused;
    snprintf(path, sizeof path, "%s/link", folder);
    assert_true(claim_link(path, "/dev/pts/7777", why, sizeof why));
    assert_true(claim_link(path, "/dev/pts/7778", why, sizeof why));
    assert_int_equal(readlink(path, target, sizeof target), strlen("/dev/pts/7778"));
    claim_unlink(path, "/dev/pts/7777"); /* somebody else's by now */
    assert_int_equal(readlink(path, target, sizeof target), strlen("/dev/pts/7778"));
    claim_unlink(path, "/dev/pts/7778");
    assert_int_equal(readlink(path, target, sizeof target), -1);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_false(claim_link(path, "/dev/pts/7777", why, sizeof why));
    assert_non_null(strstr(why, "it is left alone"));
    unlink(path);
    assert_int_equal(symlink("/nowhere", path), 0);
    assert_true(claim_link(path, "/dev/pts/7777", why, sizeof why));
    unlink(path);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_false(claim_link(path, "/dev/pts/7777", why, sizeof why));
}

static void the_state_is_replaced_whole_or_not_at_all(void **unused)
{
    char text[STATE_CAPACITY];

    (void)unused;
    snprintf(path, sizeof path, "%s/state", folder);
    assert_int_equal(state_file_read(path, text), 0);
    assert_int_equal(state_file_write(path, SPAN("baud 115200\n")), 0);
    assert_int_equal(state_file_write(path, SPAN("baud 1\n")), 0);
    assert_int_equal(state_file_read(path, text), 7);
    assert_memory_equal(text, "baud 1\n", 7);
    assert_int_equal(state_file_write("/proc/nothing/state", SPAN("x")), -ENOENT);
    snprintf(path, sizeof path, "%s/state.new", folder);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_is_had_by_one_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_left_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lock_file_without_an_owner_is_stale, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_written_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(only_links_that_dangle_or_name_a_pty_are_replaced, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_state_is_replaced_whole_or_not_at_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
