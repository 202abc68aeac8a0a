/*
 * The examples of the documents are what they say: each is a config or a rule file without
 * mistakes, but for the lines that end in `# error: …`, which get that error. And the reference
 * names what is yet to come, no more and no less; the examples may use it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/load.h"

static const char config[] = "printer: {port: simulated}\n"
                             "board: {port: simulated}\n"
                             "points:\n"
                             "  light: {io: 12, type: output}\n"
                             "  shutter: {io: 13, type: output}\n"
                             "  pump: {io: 14, type: output}\n"
                             "  relay: {io: 16, type: output}\n"
                             "  fan: {io: 15, type: pwm}\n"
                             "  door: {io: 0, type: input}\n"
                             "  button: {io: 1, type: input}\n"
                             "  air: {io: 4, type: dht}\n"
                             "psu: {point: relay}\n"
                             "estop: {point: button}\n"
                             "filament: {point: door}\n"
                             "programs: {photo: {path: /usr/local/bin/photo}}\n"
                             "rules: [example.yaml]\n";

/* The mistakes of an example, a line each. To be freed. */
static char *mistakes_of(struct span example)
{
    const struct load_environment environment = {0};
    bool is_config =
        span_starts(example, SPAN("printer:")) || span_contains(example, SPAN("\nprinter:"));
    bool is_tested = span_contains(example, SPAN("\ntests:"));
    struct mistakes mistakes = {0};
    struct sources sources;
    struct loaded loaded;
    struct rule_tests tests;
    char *said = NULL;
    size_t length;
    FILE *to = open_memstream(&said, &length);

    assert_non_null(to);
    sources_init(&sources, "/etc/sioproxy");
    if (!is_config && !is_tested) {
        assert_true(sources_add(&sources, "config.yaml", span_of(config)));
    }
    assert_true(sources_add(&sources, "example.yaml", example));
    if (is_tested ? load_rule_file(&sources, &environment, &mistakes, &loaded, &tests)
                  : load_all(&sources, &environment, &mistakes, &loaded)) {
        loaded_free(&loaded);
    }
    mistakes_print(&mistakes, to);
    fclose(to);
    sources_free(&sources);
    mistakes_free(&mistakes);
    return said;
}

static unsigned errors_in(const char *said)
{
    unsigned errors = 0;

    for (const char *at = strstr(said, ": error: "); at != NULL; at = strstr(at + 1, ": error: ")) {
        errors++;
    }
    return errors;
}

/* Is there an error in this line of the example that has `text` in it? */
static bool is_told(const char *said, unsigned line, struct span text)
{
    char start[40];
    size_t length = (size_t)snprintf(start, sizeof(start), "example.yaml:%u:", line);

    while (*said != '\0') {
        struct span one = {said, span_find(span_of(said), '\n')};

        if (span_starts(one, (struct span){start, length}) &&
            span_contains(one, SPAN(": error: ")) && span_contains(one, text)) {
            return true;
        }
        said += one.length + 1;
    }
    return false;
}

static void check_example(const char *file, unsigned first, struct span example)
{
    char *said = mistakes_of(example);
    unsigned errors = 0, line = 1;

    for (struct span rest = example; rest.length > 0; line++) {
        struct span one = {rest.data, span_find(rest, '\n')};
        const char *mark = memmem(one.data, one.length, "# error: ", 9);

        if (mark != NULL) {
            struct span text = {mark + 9, (size_t)(one.data + one.length - mark - 9)};

            errors++;
            if (!is_told(said, line, text)) {
                fail_msg("%s:%u: this error is not told:\n%s", file, first + line - 1, said);
            }
        }
        rest = span_skip(rest, one.length + 1);
    }
    if (errors_in(said) != errors) {
        fail_msg("%s:%u: the example has other mistakes:\n%s", file, first, said);
    }
    free(said);
}

/* Calls check_example for every ```yaml block; returns how many there are. */
static unsigned check_file(const char *path)
{
    static char content[1 << 20];
    FILE *file = fopen(path, "r");
    unsigned examples = 0, line = 1, first = 0;
    const char *start = NULL;
    struct span rest;

    assert_non_null(file);
    rest = (struct span){content, fread(content, 1, sizeof(content), file)};
    fclose(file);
    for (; rest.length > 0; line++) {
        struct span one = {rest.data, span_find(rest, '\n')};

        if (start == NULL && span_equal(one, SPAN("```yaml"))) {
            start = one.data + one.length + 1;
            first = line + 1;
        } else if (start != NULL && span_equal(one, SPAN("```"))) {
            check_example(path, first, (struct span){start, (size_t)(one.data - start)});
            start = NULL;
            examples++;
        }
        rest = span_skip(rest, one.length + 1);
    }
    return examples;
}

static void the_examples_of_the_reference_are_what_they_say(void **unused)
{
    (void)unused;
    assert_true(check_file(ROOT "/rules/README.md") >= 42);
}

static void the_examples_of_the_readme_are_what_they_say(void **unused)
{
    (void)unused;
    assert_true(check_file(ROOT "/README.md") >= 3);
}

static void an_example_with_a_mistake_would_be_seen(void **unused)
{
    char *said = mistakes_of(SPAN("rules:\n  - when: {gcode: M1}\n    do: [tickle: me]\n"));

    (void)unused;
    assert_int_equal(errors_in(said), 1);
    assert_true(is_told(said, 3, SPAN("'tickle' is no step")));
    assert_false(is_told(said, 2, SPAN("'tickle' is no step")));
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_reference_are_what_they_say),
        cmocka_unit_test(the_examples_of_the_readme_are_what_they_say),
        cmocka_unit_test(an_example_with_a_mistake_would_be_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
