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

#include "load/sources.h"
#include "scratch.h"

static char folder[SCRATCH];

static int begin(void **unused)
{
    (void)unused;
    return scratch_make(folder) != 0 || chdir(folder) != 0;
}

static int end(void **unused)
{
    (void)unused;
    return chdir("/") != 0 || scratch_remove(folder) != 0;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Reads a config; the names of what it consists of, a blank after each, and what is told. */
static void expect_sources(const char *config, const char *names, const char *told)
{
    struct mistakes mistakes = {0};
    struct sources sources;
    char got[200] = "", *said = NULL;
    size_t length;
    FILE *to = open_memstream(&said, &length);
    bool read = sources_read(config, &mistakes, &sources);

    for (unsigned i = 0; i < sources.count; i++) {
        strcat(strcat(got, sources.source[i].path), " ");
    }
    mistakes_print(&mistakes, to);
    fclose(to);
    assert_string_equal(got, names);
    assert_string_equal(said, told);
    assert_int_equal(read, told[0] == '\0');
    assert_int_equal(strncmp(sources.folder, folder, strlen(folder)), 0);
    free(said);
    sources_free(&sources);
    mistakes_free(&mistakes);
}

static void files_come_as_named_and_globs_in_byte_order(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir("r", 0700), 0);
    write_file("r/b.yaml", "");
    write_file("r/a.yaml", "");
    write_file("r/B.yaml", "");
    write_file("r/c.yml", "");
    write_file("m.yaml", "");
    write_file("x.yaml", "mcodes: m.yaml\nrules: [r/c.yml, r/*.yaml, r/a.yaml, none/*]\n");
    expect_sources("x.yaml", "x.yaml m.yaml r/c.yml r/B.yaml r/a.yaml r/b.yaml ", "");
    write_file("x.yaml", "mcodes: none\nrules: r/a.yaml\n");
    expect_sources("./x.yaml", "./x.yaml ./r/a.yaml ", "");
    write_file("r/y.yaml", "rules: [a.yaml]\n");
    expect_sources("r/y.yaml", "r/y.yaml r/a.yaml ", "");
}

static void a_file_that_cannot_be_read_is_told_where_it_is_named(void **unused)
{
    (void)unused;
    expect_sources("none.yaml", "", "none.yaml: error: No such file or directory\n");
    write_file("x.yaml", "mcodes: m.yaml\nrules: [a.yaml, b.yaml]\n");
    write_file("b.yaml", "");
    expect_sources("x.yaml", "x.yaml b.yaml ",
                   "x.yaml:1:9: error: m.yaml: No such file or directory\n"
                   "x.yaml:2:9: error: a.yaml: No such file or directory\n");
    assert_int_equal(mkdir("d", 0700), 0);
    expect_sources("d", "", "d: error: Is a directory\n");
}

static void a_config_that_is_no_yaml_names_nothing(void **unused)
{
    (void)unused;
    write_file("x.yaml", "rules: [a.yaml\n");
    expect_sources("x.yaml", "x.yaml ", "");
}

static void a_file_of_more_than_a_mebibyte_is_refused(void **unused)
{
    (void)unused;
    write_file("x.yaml", "#");
    assert_int_equal(truncate("x.yaml", SOURCES_FILE_MAX), 0);
    expect_sources("x.yaml", "x.yaml ", "");
    assert_int_equal(truncate("x.yaml", SOURCES_FILE_MAX + 1), 0);
    expect_sources("x.yaml", "", "x.yaml: error: larger than 1 MiB\n");
}

#define SENTENCE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(files_come_as_named_and_globs_in_byte_order),
        SENTENCE(a_file_that_cannot_be_read_is_told_where_it_is_named),
        SENTENCE(a_config_that_is_no_yaml_names_nothing),
        SENTENCE(a_file_of_more_than_a_mebibyte_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
