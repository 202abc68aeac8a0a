#include "daemon/check_rules.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/rule_test.h"

/* The file's bytes, to be freed. NULL, and told, if they cannot be read. */
static char *read_file(const char *path, struct mistakes *mistakes, size_t *ret_length)
{
    const struct place whole = {.file = path};
    char *bytes = malloc(SOURCES_FILE_MAX + 1);
    FILE *file = fopen(path, "re");
    size_t length = 0;
    int error = errno;

    if (bytes == NULL)
        abort();
    if (file != NULL) {
        errno = 0;
        length = fread(bytes, 1, SOURCES_FILE_MAX + 1, file);
        error = ferror(file) ? errno : 0;
        fclose(file);
    }
    if (error != 0 && (file == NULL || length == 0))
        mistakes_error(mistakes, whole, "%s", strerror(error));
    else if (length > SOURCES_FILE_MAX)
        mistakes_error(mistakes, whole, "larger than 1 MiB");
    if (mistakes->errors > 0) {
        free(bytes);
        return NULL;
    }
    *ret_length = length;
    return bytes;
}

/* The rule file as the only source; relative paths begin at its folder. */
static bool read_source(const char *path, struct mistakes *mistakes, struct sources *ret_sources)
{
    char folder[PATH_MAX], *slash;
    size_t length = 0;
    char *bytes = read_file(path, mistakes, &length);
    bool read = bytes != NULL && realpath(path, folder) != NULL;

    if (read) {
        slash = strrchr(folder, '/');
        slash[slash == folder ? 1 : 0] = '\0';
        sources_init(ret_sources, folder);
        read = sources_add(ret_sources, path, (struct span){bytes, length});
    }
    free(bytes);
    return read;
}

/* Runs them all. Returns how many fail. */
static unsigned run_all(const char *path, const struct rule_tests *tests,
                        const struct loaded *loaded)
{
    unsigned failed = 0;

    for (unsigned i = 0; i < tests->tests; i++) {
        const struct rule_test *test = &tests->test[i];
        struct rule_test_failure failure;

        if (rule_test_run(test, loaded, &failure))
            continue;
        failed++;
        printf("%s:%u:%u: test %.*s: step %u: expected %s, got %s\n", path, failure.step->line,
               failure.step->column, (int)test->name.length, test->name.data, failure.step->item,
               failure.expected, failure.got);
    }
    return failed;
}

int check_rules(const char *path)
{
    const struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources = {0};
    struct rule_tests tests;
    struct loaded loaded;
    int status = 2;
    bool read = read_source(path, &mistakes, &sources);
    bool valid = read && load_rule_file(&sources, &environment, &mistakes, &loaded, &tests);

    mistakes_print(&mistakes, stderr);
    mistakes_free(&mistakes);
    if (valid) {
        status = run_all(path, &tests, &loaded) > 0 ? 1 : 0;
        if (status == 0)
            printf("%s: %u tests, all hold\n", path, tests.tests);
        loaded_free(&loaded);
    }
    if (read)
        sources_free(&sources);
    return status;
}
