#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/load.h"
#include "load/rules_file.h"
#include "wire/gcode_line.h"

static const char config[] = "printer: {port: simulated}\n"
                             "points:\n"
                             "  light: {io: 12, type: output}\n"
                             "  door: {io: 0, type: input}\n"
                             "rules: [r.yaml]\n"
                             "mcodes: ";
static const char *mcodes = "none";

/* Loads rules; what is told is compared. True if they were loaded. */
static bool load(const char *rules, const char *expected, struct loaded *ret_loaded)
{
    const struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources;
    char *told = NULL;
    size_t length;
    FILE *to = open_memstream(&told, &length);
    char text[400];
    bool ok;

    snprintf(text, sizeof(text), "%s%s\nboard: {port: simulated}\n", config, mcodes);
    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, "x.yaml", span_of(text)));
    assert_true(sources_add(&sources, "r.yaml", span_of(rules)));
    ok = load_all(&sources, &environment, &mistakes, ret_loaded);
    mistakes_print(&mistakes, to);
    fclose(to);
    sources_free(&sources);
    mistakes_free(&mistakes);
    if (expected != NULL) {
        assert_string_equal(told, expected);
    }
    free(told);
    return ok;
}

static void a_rule_is_as_it_is_written(void **unused)
{
    struct loaded loaded;
    const struct rule *rule;

    (void)unused;
    assert_true(load("rules:\n"
                     "  - name: shutter\n"
                     "    when: {gcode: M750}\n"
                     "    if: {P: point, L: [3, none], not: {q: none, S: number}}\n"
                     "    do:\n"
                     "      - set: {light: on, '${P}': '${S}'}\n"
                     "      - wait: {point: door, for: high, timeout: 30s, else: [{wait: 1s}, "
                     "{wait: {point: door, for: low, timeout: 1s, else: [{say: x}]}}]}\n"
                     "      - say: done\n"
                     "    then: {replace: 'M117 ${S}'}\n",
                     "", &loaded));
    assert_int_equal(loaded.rules, 1);
    rule = ruleset_rule(&loaded.ruleset, 0);
    assert_string_equal(rule->name.data, "shutter");
    assert_string_equal(rule->file.data, "r.yaml");
    assert_int_equal(rule->line, 2);
    assert_string_equal(rule->word.data, "M750");
    assert_int_equal(rule->conditions, 4);
    assert_int_equal(rule->condition[0].kind, CONDITION_POINT);
    assert_int_equal(rule->condition[0].group, 0);
    assert_int_equal(rule->condition[1].count, 2);
    assert_int_equal(rule->condition[1].values[1].length, 0);
    assert_string_equal(rule->condition[2].name.data, "Q");
    assert_int_equal(rule->condition[2].group, 1);
    assert_int_equal(rule->condition[3].group, 1);
    assert_int_equal(rule->steps, 7);
    assert_int_equal(rule->step[0].kind, STEP_SET);
    assert_string_equal(rule->step[1].argument[1].data, "${S}");
    assert_int_equal(rule->step[2].kind, STEP_WAIT_POINT);
    assert_int_equal(rule->step[2].otherwise, 3);
    assert_int_equal(rule->step[3].kind, STEP_WAIT);
    assert_int_equal(rule->step[4].otherwise, 1);
    assert_int_equal(rule->step[6].otherwise, 0);
    assert_int_equal(rule->then, RULE_REPLACE);
    assert_string_equal(rule->replacement.data, "M117 ${S}");
    loaded_free(&loaded);
}

static void a_list_alone_and_an_empty_file_are_rule_files(void **unused)
{
    struct loaded loaded;

    (void)unused;
    assert_true(load("- {when: {gcode: M750}, then: forward}\n", "", &loaded));
    assert_int_equal(loaded.rules, 1);
    assert_string_equal(ruleset_rule(&loaded.ruleset, 0)->name.data, "M750");
    loaded_free(&loaded);
    assert_true(load("", "", &loaded));
    assert_int_equal(loaded.rules, 0);
    loaded_free(&loaded);
    assert_true(load("rules:\n", "", &loaded));
    loaded_free(&loaded);
    assert_false(
        load("rules: x\n", "r.yaml:1:8: error: rules: expected a list, got 'x'\n", &loaded));
    assert_false(load("rulse: []\n",
                      "r.yaml:1:1: error: rulse: unknown key (did you mean rules?)\n", &loaded));
}

/* So many rules of a form, each with its number. To be freed. */
static char *many(unsigned count, const char *form)
{
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);

    for (unsigned i = 0; i < count; i++) {
        fprintf(to, form, i);
    }
    fclose(to);
    return text;
}

static void patterns_without_a_word_are_few(void **unused)
{
    char *text = many(32, "- {when: {gcode: '.. S%u'}, then: forward}\n");
    struct loaded loaded;

    (void)unused;
    assert_true(load(text, "", &loaded));
    loaded_free(&loaded);
    free(text);
    text = many(34, "- {when: {gcode: '.. S%u'}, then: forward}\n");
    assert_false(
        load(text,
             "r.yaml:33:18: error: more than 32 patterns that are tried on each line: those of "
             "reply rules, and of gcode rules without a literal word (one that begins like "
             "M750\\b has a word)\n",
             &loaded));
    free(text);
}

static void a_thousand_rules_stand_in_short_chains(void **unused)
{
    char *text = many(1000, "- {when: {gcode: 'M%u\\b.*'}, then: forward}\n");
    struct loaded loaded;
    unsigned longest = 0;

    (void)unused;
    assert_true(load(text, NULL, &loaded));
    assert_int_equal(loaded.ruleset.each, RULE_NONE);
    for (unsigned i = 0; i < loaded.ruleset.buckets; i++) {
        unsigned length = 0;

        for (uint16_t one = loaded.ruleset.bucket[i]; one != RULE_NONE;
             one = loaded.ruleset.rule[one].next) {
            length++;
        }
        longest = length > longest ? length : longest;
    }
    assert_in_range(longest, 1, 6);
    loaded_free(&loaded);
    free(text);
}

static void rules_have_a_bound(void **unused)
{
    char *text = many(RULES_MAX, "- {when: {gcode: M%u}, then: forward}\n");
    char *more = many(RULES_MAX + 1, "- {when: {gcode: M%u}, then: forward}\n");
    struct loaded loaded;

    (void)unused;
    assert_true(load(text, NULL, &loaded));
    assert_int_equal(loaded.rules, RULES_MAX);
    loaded_free(&loaded);
    mcodes = "builtin"; /* they do not count */
    assert_true(load(text, NULL, &loaded));
    assert_int_equal(loaded.rules, RULES_MAX);
    assert_true(loaded.ruleset.count > RULES_MAX);
    loaded_free(&loaded);
    mcodes = "none";
    assert_false(load(more, "r.yaml: error: more than 10000 rules with this file\n", &loaded));
    free(text);
    free(more);
}

static void a_rule_that_never_gets_a_line_is_told(void **unused)
{
    struct loaded loaded;

    (void)unused;
    assert_true(load("- {when: {gcode: M1}, if: {S: 1}, then: forward}\n"
                     "- {when: {gcode: M1}, then: forward}\n"
                     "- {when: {gcode: M1.1}, then: forward}\n"
                     "- {when: {gcode: m01}, if: {S: 1}, then: forward}\n"
                     "- {when: {gcode: 'M2 .*'}, then: forward}\n"
                     "- {when: {gcode: 'M2 .*'}, then: forward}\n",
                     "r.yaml:4:18: warning: when.gcode: never matches: r.yaml:2 takes the same "
                     "lines before\n"
                     "r.yaml:6:18: warning: when.gcode: never matches: r.yaml:5 takes the same "
                     "lines before\n",
                     &loaded));
    loaded_free(&loaded);
}

static void emergencies_are_told(void **unused)
{
    struct loaded loaded;

    (void)unused;
    assert_true(load("- {when: {gcode: M112}, then: forward}\n"
                     "- {when: {gcode: M1120}, then: forward}\n"
                     "- {when: {gcode: 'm410\\d?'}, then: forward}\n"
                     "- {when: {gcode: 'M108\\b.*'}, then: forward}\n"
                     "- {when: {gcode: M11}, then: forward}\n",
                     "r.yaml:1:18: warning: when.gcode: never matches: M112 is acted on before any "
                     "rule sees it\n"
                     "r.yaml:2:18: warning: when.gcode: firmware with an emergency parser takes it "
                     "for M112 if it is ever forwarded\n"
                     "r.yaml:3:18: warning: when.gcode: firmware with an emergency parser takes it "
                     "for M410 if it is ever forwarded\n"
                     "r.yaml:4:18: warning: when.gcode: never matches: M108 is acted on before any "
                     "rule sees it\n",
                     &loaded));
    loaded_free(&loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_is_as_it_is_written),
        cmocka_unit_test(a_list_alone_and_an_empty_file_are_rule_files),
        cmocka_unit_test(patterns_without_a_word_are_few),
        cmocka_unit_test(a_thousand_rules_stand_in_short_chains),
        cmocka_unit_test(rules_have_a_bound),
        cmocka_unit_test(a_rule_that_never_gets_a_line_is_told),
        cmocka_unit_test(emergencies_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
