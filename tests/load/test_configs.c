/* Every configs/X.yaml says exactly what configs/X.expected says. With --write it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "load/load.h"

/* What `check` says of a config. */
static char *say(const char *path)
{
    const struct load_environment environment = {.state_directory = "/var/lib/sioproxy"};
    struct mistakes mistakes = {0};
    struct sources sources;
    struct loaded loaded;
    char *said = NULL;
    size_t length;
    FILE *to = open_memstream(&said, &length);
    bool read = sources_read(path, &mistakes, &sources);
    bool ok = sources.count > 0 && load_all(&sources, &environment, &mistakes, &loaded);

    assert_non_null(to);
    assert_true(ok == (mistakes.errors == 0) || !read);
    mistakes_print(&mistakes, to);
    if (ok && read) {
        char memory[200];
        struct text text = TEXT_IN(memory);

        load_summary(&loaded, path, &text);
        fprintf(to, "%.*s\n", (int)text.length, text.data);
    }
    if (ok) {
        loaded_free(&loaded);
    }
    fclose(to);
    sources_free(&sources);
    mistakes_free(&mistakes);
    return said;
}

/* The file's content, "" if there is none. To be freed. */
static char *content_of(const char *path)
{
    char *content = calloc(1, 65536);
    FILE *file = fopen(path, "r");

    assert_non_null(content);
    if (file != NULL) {
        content[fread(content, 1, 65535, file)] = '\0';
        fclose(file);
    }
    return content;
}

static void each_config(void (*act)(const char *config, const char *expected))
{
    glob_t found;

    assert_int_equal(chdir(CONFIGS), 0);
    assert_int_equal(glob("*.yaml", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char expected[200];

        snprintf(expected, sizeof(expected), "%.*s.expected",
                 (int)(strlen(found.gl_pathv[i]) - strlen(".yaml")), found.gl_pathv[i]);
        act(found.gl_pathv[i], expected);
    }
    globfree(&found);
}

static void compare(const char *config, const char *expected)
{
    char *said = say(config), *wanted = content_of(expected);

    assert_string_equal(said, wanted);
    free(said);
    free(wanted);
}

static void write_anew(const char *config, const char *expected)
{
    char *said = say(config);
    FILE *file = fopen(expected, "w");

    if (file == NULL || fputs(said, file) < 0 || fclose(file) != 0) {
        perror(expected);
        exit(1);
    }
    free(said);
}

static void every_config_gets_exactly_the_messages_it_should(void **unused)
{
    (void)unused;
    each_config(compare);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_config_gets_exactly_the_messages_it_should),
    };

    if (count > 1 && strcmp(arguments[1], "--write") == 0) {
        each_config(write_anew);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
