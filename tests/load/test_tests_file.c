#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/load.h"
#include "route/print_job.h"

static const char head[] = "example:\n"
                           "  points:\n"
                           "    light: {io: 12, type: output}\n"
                           "    door: {io: 0, type: input}\n"
                           "    air: {io: 4, type: dht}\n"
                           "  programs: {photo: {path: /bin/true}}\n"
                           "rules:\n"
                           "  - {when: {gcode: M750}, do: [{set: {light: on}}]}\n";

static struct loaded loaded;
static struct rule_tests tests;
static char *told;

static bool load(const char *before, const char *text)
{
    const struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources;
    char whole[4000];
    size_t length;
    FILE *to;
    bool ok;

    free(told);
    to = open_memstream(&told, &length);
    snprintf(whole, sizeof(whole), "%s%s", before, text);
    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, "r.yaml", span_of(whole)));
    ok = load_rule_file(&sources, &environment, &mistakes, &loaded, &tests);
    mistakes_print(&mistakes, to);
    fclose(to);
    sources_free(&sources);
    mistakes_free(&mistakes);
    return ok;
}

static int end(void **unused)
{
    (void)unused;
    loaded_free(&loaded);
    free(told);
    told = NULL;
    return 0;
}

static void a_rule_file_stands_alone_with_its_example(void **unused)
{
    (void)unused;
    assert_true(load(head, ""));
    assert_string_equal(told, "");
    assert_int_equal(loaded.settings.points, 3);
    assert_int_equal(loaded.settings.printer.kind, PORT_SIMULATED);
    assert_int_equal(loaded.settings.board.kind, PORT_SIMULATED);
    assert_int_equal(loaded.rules, 1);
    assert_true(loaded.ruleset.count > 1);
    assert_int_equal(tests.tests, 0);
}

static void a_list_of_rules_needs_no_example(void **unused)
{
    (void)unused;
    assert_true(load("- {when: {gcode: M750}, do: [{say: x}]}\n", ""));
    assert_int_equal(loaded.rules, 1);
    assert_int_equal(loaded.settings.points, 0);
}

/* One step of a test as a sentence. */
static void describe(const struct rule_test_step *step, char *words, size_t size)
{
    snprintf(words, size, "%d%s %u %d %d %d %.*s @%u", step->kind, step->never ? " not" : "",
             step->index, step->heater, step->value, (int)step->ms, (int)step->text.length,
             step->text.length > 0 ? step->text.data : "", step->line);
}

static void every_step_of_a_test_is_read(void **unused)
{
    const struct rule_test *test;
    static const struct {
        enum rule_test_kind kind;
        int never, index, heater, value, ms;
        const char *text;
        unsigned line;
    } expected[] = {
        {TEST_GCODE, 0, 0, 0, 0, 0, "M750 S1", 12},
        {TEST_REPLY, 0, 0, 0, 0, 0, "echo:x", 13},
        {TEST_POINT, 0, 1, 0, POINT_ON, 0, "", 14},
        {TEST_PRINT, 0, 0, 0, PRINT_FAILED_FACT, 0, "", 15},
        {TEST_PRINTER, 0, 0, 0, FACT_PRINTER_RESET, 0, "", 16},
        {TEST_HOST, 0, 0, 0, FACT_HOST_DISCONNECTED, 0, "", 17},
        {TEST_BOARD, 0, 0, 0, FACT_BOARD_LOST, 0, "", 18},
        {TEST_TEMPERATURE, 0, 0, 'B', 60500, 0, "", 19},
        {TEST_TEMPERATURE, 0, 2, 0, 20000, 0, "", 19},
        {TEST_WAIT, 0, 0, 0, 0, 600000, "", 20},
        {TEST_EXPECT_POINT, 0, 0, 0, POINT_ON, 0, "", 21},
        {TEST_EXPECT_PRINT, 0, 0, 0, PRINT_PAUSED, 0, "", 21},
        {TEST_EXPECT_SENT, 0, 0, 0, 0, 0, "M106", 22},
        {TEST_EXPECT_SENT, 0, 0, 0, 0, 0, "M107", 22},
        {TEST_EXPECT_SAID, 1, 0, 0, 0, 0, "hello", 22},
        {TEST_EXPECT_PSU, 0, 0, 0, 1, 0, "", 23},
        {TEST_EXPECT_RAN, 0, 0, 0, 0, 0, "", 23},
    };

    (void)unused;
    if (!load(head, "tests:\n"
                    "  - name: all of it\n"
                    "    steps:\n"
                    "      - gcode: M750 S1\n"
                    "      - reply: echo:x\n"
                    "      - point: {door: on}\n"
                    "      - print: failed\n"
                    "      - printer: reset\n"
                    "      - host: disconnected\n"
                    "      - board: lost\n"
                    "      - temperature: {bed: 60.5C, air: 20C}\n"
                    "      - wait: 10min\n"
                    "      - expect: {point: {light: on}, print: paused}\n"
                    "      - expect: {not: {said: hello}, sent: [M106, M107]}\n"
                    "      - expect: {psu: on, ran: photo}\n"
                    "  - {name: none of it, steps: []}\n")) {
        fail_msg("%s", told);
    }
    assert_int_equal(tests.tests, 2);
    assert_string_equal(tests.test[1].name.data, "none of it");
    assert_int_equal(tests.test[1].steps, 0);
    test = &tests.test[0];
    assert_string_equal(test->name.data, "all of it");
    assert_int_equal(test->line, 10);
    assert_int_equal(test->steps, sizeof(expected) / sizeof(expected[0]));
    for (unsigned i = 0; i < test->steps; i++) {
        struct rule_test_step step = {.kind = expected[i].kind,
                                      .never = expected[i].never != 0,
                                      .heater = (char)expected[i].heater,
                                      .index = (uint8_t)expected[i].index,
                                      .value = expected[i].value,
                                      .ms = expected[i].ms,
                                      .text = span_of(expected[i].text),
                                      .line = expected[i].line};
        char wanted[200], got[200];

        describe(&step, wanted, sizeof(wanted));
        describe(&test->step[i], got, sizeof(got));
        assert_string_equal(got, wanted);
    }
}

static void mistakes_in_tests_are_told(void **unused)
{
    (void)unused;
    assert_false(load(head, "tests:\n"
                            "  - steps: [{tickle: me}]\n"
                            "  - name: x\n"
                            "    steps:\n"
                            "      - {gcode: M1, wait: 1s}\n"
                            "      - point: {light: on}\n"
                            "      - point: {dor: on}\n"
                            "      - temperature: {door: 5C, bed: 5}\n"
                            "      - expect: {said: [], not: {not: {psu: on}}, ran: foto}\n"
                            "      - print: done\n"
                            "  - {name: y}\n"));
    assert_string_equal(
        told,
        "r.yaml:10:5: error: tests: name is missing\n"
        "r.yaml:10:14: error: tests.steps.tickle: unknown key\n"
        "r.yaml:13:9: error: tests.steps: expected one step, got 2 in one list item\n"
        "r.yaml:14:17: error: light is an output, an input is needed here\n"
        "r.yaml:15:17: error: no point 'dor' (did you mean door?)\n"
        "r.yaml:16:23: error: door has no temperature: tool0 to tool9, bed, chamber or a dht "
        "point\n"
        "r.yaml:16:38: error: tests.steps.temperature.bed: 5 needs a unit: C\n"
        "r.yaml:17:34: error: tests.steps.expect.not.not: a not inside a not\n"
        "r.yaml:17:56: error: tests.steps.expect.ran: expected photo, got 'foto'\n"
        "r.yaml:18:16: error: tests.steps.print: expected started, paused, resumed, cancelled, "
        "finished or failed, got 'done'\n"
        "r.yaml:19:5: error: tests: steps is missing\n");
    free(told);
    told = NULL;
}

static void a_daemon_does_not_look_at_tests_and_examples(void **unused)
{
    const struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources;

    (void)unused;
    sources_init(&sources, "/etc/sioproxy");
    assert_true(
        sources_add(&sources, "x.yaml", SPAN("printer: {port: simulated}\nrules: [r.yaml]\n")));
    assert_true(sources_add(&sources, "r.yaml",
                            SPAN("example: {points: {nobody: {}}}\n"
                                 "rules:\n  - {when: {gcode: M750}, do: [{say: x}]}\n"
                                 "tests: [{name: x, steps: [{point: {nobody: on}}]}]\n")));
    assert_true(load_all(&sources, &environment, &mistakes, &loaded));
    assert_int_equal(mistakes.warnings, 0);
    assert_int_equal(loaded.settings.points, 0);
    sources_free(&sources);
    mistakes_free(&mistakes);
}

#define LOADED(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest sentences[] = {
        LOADED(a_rule_file_stands_alone_with_its_example),
        LOADED(a_list_of_rules_needs_no_example),
        LOADED(every_step_of_a_test_is_read),
        cmocka_unit_test(mistakes_in_tests_are_told),
        LOADED(a_daemon_does_not_look_at_tests_and_examples),
    };

    return cmocka_run_group_tests(sentences, NULL, NULL);
}
