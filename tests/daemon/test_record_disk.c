/* The files of the ring of recordings: what stays, what goes, what is told. */
#include "daemon/record_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"

static char folder[SCRATCH];
static struct record_job job;

static int begin(void **unused)
{
    (void)unused;
    assert_int_equal(scratch_make(folder), 0);
    job = (struct record_job){.size = 1000, .file = 200, .fd = -1, .name = "mk3"};
    snprintf(job.folder, sizeof job.folder, "%s/rec", folder);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    if (job.fd >= 0)
        close(job.fd);
    return scratch_remove(folder);
}

static void put_file(const char *name, size_t size)
{
    char path[512];
    FILE *file;

    mkdir(job.folder, 0700);
    snprintf(path, sizeof path, "%s/%s", job.folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc('x', file);
    fclose(file);
}

static bool there(const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", job.folder, name);
    return access(path, F_OK) == 0;
}

static const char *content(const char *path)
{
    static char bytes[1000];
    FILE *file = fopen(path, "r");
    size_t length;

    assert_non_null(file);
    length = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    bytes[length] = '\0';
    return bytes;
}

static void begin_file(const char *head)
{
    job.head = span_of(head);
    job.bytes = SPAN_NONE;
    record_disk_do(&job);
    job.head = SPAN_NONE;
}

static void write_bytes(const char *bytes, bool ends)
{
    job.bytes = span_of(bytes);
    job.ends = ends;
    record_disk_do(&job);
}

static void a_file_is_its_head_and_what_follows(void **unused)
{
    (void)unused;
    begin_file("head ");
    assert_int_equal(job.error, 0);
    assert_non_null(strstr(job.path, "/rec/mk3-000000-"));
    write_bytes("one ", false);
    write_bytes("two", true);
    assert_int_equal(job.error, 0);
    assert_int_equal(job.fd, -1);
    assert_string_equal(content(job.path), "head one two");
}

static void the_next_file_has_the_next_number(void **unused)
{
    char first[RECORD_DISK_PATH];

    (void)unused;
    put_file("mk3-000041-20260101-000000.rec", 10);
    begin_file("a");
    assert_non_null(strstr(job.path, "/mk3-000042-"));
    memcpy(first, job.path, sizeof first);
    job.head = SPAN("b");
    write_bytes(" end of a", true);
    assert_non_null(strstr(job.path, "/mk3-000043-"));
    assert_string_equal(content(first), "a end of a");
    assert_string_equal(content(job.path), "b");
}

static void the_oldest_make_room_by_number_whatever_their_date_is(void **unused)
{
    (void)unused;
    put_file("mk3-000007-20990101-000000.rec", 400);
    put_file("mk3-000008-20200101-000000.rec", 300);
    put_file("mk3-000009-19700101-000000.rec", 300);
    begin_file("x");
    assert_int_equal(job.error, 0);
    assert_false(there("mk3-000007-20990101-000000.rec"));
    assert_true(there("mk3-000008-20200101-000000.rec"));
    assert_true(there("mk3-000009-19700101-000000.rec"));
    assert_non_null(strstr(job.path, "/mk3-000010-"));
}

static void what_is_not_ours_stays_and_counts_for_nothing(void **unused)
{
    static const char *const names[] = {"mk4-000000-20260101-000000.rec", "notes.rec", "mk3-1.rec",
                                        "mk3-000000-20260101-000000.rec.gz", "mk3-00000a-x.rec"};

    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_file(names[i], 5000);
    begin_file("x");
    assert_int_equal(job.error, 0);
    assert_non_null(strstr(job.path, "/mk3-000000-"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_true(there(names[i]));
}

static void a_folder_that_cannot_be_had_is_an_error_and_later_work_goes_on(void **unused)
{
    char path[sizeof job.folder];

    (void)unused;
    memcpy(path, job.folder, sizeof path);
    snprintf(job.folder, sizeof job.folder, "%s/no/such", folder);
    begin_file("x");
    assert_int_equal(job.error, ENOENT);
    assert_int_equal(job.fd, -1);
    memcpy(job.folder, path, sizeof path);
    begin_file("y");
    assert_int_equal(job.error, 0);
    write_bytes("z", true);
    assert_string_equal(content(job.path), "yz");
}

static void a_full_disk_closes_the_file(void **unused)
{
    (void)unused;
    begin_file("x");
    close(job.fd);
    job.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    write_bytes("more", false);
    assert_int_equal(job.error, ENOSPC);
    assert_int_equal(job.fd, -1);
    write_bytes("is for no file", false);
    assert_int_equal(job.error, 0);
    begin_file("again");
    assert_int_equal(job.error, 0);
    assert_string_equal(content(job.path), "again");
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        test(a_file_is_its_head_and_what_follows),
        test(the_next_file_has_the_next_number),
        test(the_oldest_make_room_by_number_whatever_their_date_is),
        test(what_is_not_ours_stays_and_counts_for_nothing),
        test(a_folder_that_cannot_be_had_is_an_error_and_later_work_goes_on),
        test(a_full_disk_closes_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
