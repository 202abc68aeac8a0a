#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/ruleset.h"
#include "wire/gcode_line.h"

#define RULES 16

static const struct settings settings = {
    .points = 2, .point = {{.name = "light", .number = 100}, {.name = "door", .number = -1}}};
static const struct settings empty_settings;

static struct rule rules[RULES];
static uint16_t buckets[RULES];
static struct ruleset ruleset;
static char squeezed_memory[1100];
static struct step_values values;
static struct rule_world world;

static int begin(void **unused)
{
    (void)unused;
    memset(rules, 0, sizeof(rules));
    ruleset = (struct ruleset){.rule = rules, .bucket = buckets, .buckets = RULES};
    return pattern_memory_init(&ruleset.memory) ? 0 : -1;
}

static int end(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < ruleset.count; i++) {
        pattern_free(rules[i].pattern);
    }
    pattern_memory_free(&ruleset.memory);
    return 0;
}

static struct rule *add_word(const char *name, const char *word)
{
    struct rule *rule = &rules[ruleset.count++];

    rule->when.kind = WHEN_GCODE;
    rule->name = span_of(name);
    rule->word = span_of(word);
    return rule;
}

static struct rule *add_pattern(const char *name, const char *source)
{
    char why_memory[128];
    struct text why = TEXT_IN(why_memory);
    size_t offset;
    struct rule *rule = &rules[ruleset.count++];

    rule->when.kind = WHEN_GCODE;
    rule->name = span_of(name);
    rule->source = span_of(source);
    rule->pattern = pattern_new(rule->source, PATTERN_WHOLE, &ruleset.memory, &why, &offset);
    assert_non_null(rule->pattern);
    return rule;
}

/* The name of the rule that takes the line, "" if none. */
static const char *taken_with(const struct settings *with, const char *text)
{
    static struct gcode_line line;
    static struct text squeezed;
    const struct rule *rule;

    squeezed = TEXT_IN(squeezed_memory);
    gcode_line_parse(span_of(text), &line);
    rule = ruleset_match(&ruleset, with, &world, &line, &squeezed, &values);
    return rule == NULL ? "" : rule->name.data;
}

static const char *taken(const char *text)
{
    return taken_with(&settings, text);
}

static void a_bare_word_takes_that_command_with_any_parameters(void **unused)
{
    (void)unused;
    add_word("a", "M42");
    add_word("b", "M889.1");
    add_word("c", "ENC");
    add_word("d", "SET_PIN");
    assert_int_equal(ruleset_index(&ruleset), 0);
    assert_string_equal(taken("M42"), "a");
    assert_string_equal(taken("m42P1S1"), "a");
    assert_string_equal(taken("N3 M042 S1*9\n"), "a");
    assert_string_equal(taken("M42.1"), "");
    assert_string_equal(taken("M421"), "");
    assert_string_equal(taken("M4"), "");
    assert_string_equal(taken("M889.1 J2"), "b");
    assert_string_equal(taken("M889"), "");
    assert_string_equal(taken("enc O1 S1"), "c");
    assert_string_equal(taken("ENC"), "c");
    assert_string_equal(taken("ENCL"), "");
    assert_string_equal(taken("ENC:1"), "");
    assert_string_equal(taken("SET_PIN PIN=x"), "d");
    assert_string_equal(taken(""), "");
    assert_string_equal(taken("; M42"), "");
    assert_string_equal(taken("?"), "");
}

static void a_pattern_is_tried_on_the_command_with_blanks_squeezed(void **unused)
{
    (void)unused;
    add_pattern("a", "M750 P(?<which>\\w+) S1");
    add_pattern("b", "M751 \"a  b\"");
    assert_int_equal(ruleset_index(&ruleset), 0);
    assert_string_equal(taken("N7  m750 \t Pcam   S1 ; now*12"), "a");
    assert_int_equal(values.captures, 1);
    assert_true(span_equal(values.capture[0].value, SPAN("cam")));
    assert_non_null(values.line);
    assert_string_equal(taken("M750 Pcam S11"), "");
    assert_string_equal(taken("M751  \"a  b\""), "b");
}

static void the_first_in_file_order_takes_the_line(void **unused)
{
    (void)unused;
    add_word("a", "M1000");
    add_pattern("b", "M75\\d");
    add_word("c", "M751");
    add_pattern("d", "M75.*");
    add_word("e", "M7599");
    assert_int_equal(ruleset_index(&ruleset), 2);
    assert_string_equal(taken("M751"), "b");
    assert_string_equal(taken("M751 S1"), "c");
    assert_string_equal(taken("M752 S1"), "d");
    assert_string_equal(taken("M7599"), "d");
    assert_string_equal(taken("M1000"), "a");
}

static void all_conditions_must_hold(void **unused)
{
    static const struct condition conditions[] = {
        {.kind = CONDITION_POINT, .name = SPAN_INIT("P")},
        {.kind = CONDITION_NUMBER, .name = SPAN_INIT("S")},
        {.kind = CONDITION_NONE, .name = SPAN_INIT("Q")}};
    struct rule *rule;

    (void)unused;
    rule = add_word("a", "M42");
    rule->condition = conditions;
    rule->conditions = 3;
    add_word("b", "M42");
    ruleset_index(&ruleset);
    assert_string_equal(taken("M42 Plight S1"), "a");
    assert_string_equal(taken("M42 P\"LIGHT\" S1"), "a");
    assert_string_equal(taken("M42 S1.5 P100"), "a");
    assert_string_equal(taken("M42 P13 S1"), "b");
    assert_string_equal(taken("M42 S1"), "b");
    assert_string_equal(taken("M42 Plight Sx"), "b");
    assert_string_equal(taken("M42 Plight S"), "b");
    assert_string_equal(taken("M42 Plight S1 Q"), "b");
}

static void one_of_compares_numbers_by_value(void **unused)
{
    static const struct span wanted[] = {SPAN_INIT("3"), SPAN_INIT("on"), {0}};
    static const struct condition condition = {
        .kind = CONDITION_ONE_OF, .name = SPAN_INIT("L"), .values = wanted, .count = 3};
    struct rule *rule;

    (void)unused;
    rule = add_word("a", "M66");
    rule->condition = &condition;
    rule->conditions = 1;
    ruleset_index(&ruleset);
    assert_string_equal(taken("M66 L3"), "a");
    assert_string_equal(taken("M66 L3.0"), "a");
    assert_string_equal(taken("M66 LON"), "a");
    assert_string_equal(taken("M66"), "a");
    assert_string_equal(taken("M66 L"), "");
    assert_string_equal(taken("M66 L4"), "");
}

static void conditions_of_a_not_must_not_all_hold(void **unused)
{
    static const struct condition conditions[] = {
        {.kind = CONDITION_NUMBER, .group = 1, .name = SPAN_INIT("S")},
        {.kind = CONDITION_NONE, .group = 1, .name = SPAN_INIT("P")},
        {.kind = CONDITION_NUMBER, .group = 2, .name = SPAN_INIT("R")},
        {.kind = CONDITION_POINTS}};
    struct rule *rule;

    (void)unused;
    rule = add_word("a", "M750");
    rule->condition = conditions;
    rule->conditions = 4;
    ruleset_index(&ruleset);
    assert_string_equal(taken("M750"), "a");
    assert_string_equal(taken("M750 S1"), "");
    assert_string_equal(taken("M750 S1 Px"), "a");
    assert_string_equal(taken("M750 R1"), "");
    assert_string_equal(taken_with(&empty_settings, "M750"), "");
}

static void emergency_lines_are_nobodys(void **unused)
{
    (void)unused;
    add_pattern("a", ".*");
    assert_int_equal(ruleset_index(&ruleset), 1);
    assert_string_equal(taken("M111"), "a");
    assert_string_equal(taken("M112"), "");
    assert_string_equal(taken("M108"), "");
    assert_string_equal(taken("M410"), "");
    assert_string_equal(taken("M876 S0"), "");
}

/* A rule for an event, between two for lines. */
static struct rule *add_event(const char *name, enum when_kind kind)
{
    struct rule *rule = &rules[ruleset.count++];

    rule->name = span_of(name);
    rule->when.kind = kind;
    return rule;
}

static void rules_for_an_event_are_found_in_file_order(void **unused)
{
    const struct rule *one;

    (void)unused;
    add_event("a", WHEN_POINT);
    add_word("b", "M42");
    add_event("c", WHEN_PRINT);
    add_event("d", WHEN_POINT);
    add_event("e", WHEN_START);
    assert_int_equal(ruleset_index(&ruleset), 0);
    one = ruleset_next_for(&ruleset, WHEN_POINT, NULL);
    assert_string_equal(one->name.data, "a");
    assert_int_equal(ruleset_number(&ruleset, one), 1);
    one = ruleset_next_for(&ruleset, WHEN_POINT, one);
    assert_string_equal(one->name.data, "d");
    assert_int_equal(ruleset_number(&ruleset, one), 4);
    assert_null(ruleset_next_for(&ruleset, WHEN_POINT, one));
    assert_null(ruleset_next_for(&ruleset, WHEN_BOARD, NULL));
    assert_string_equal(ruleset_next_for(&ruleset, WHEN_START, NULL)->name.data, "e");
    assert_string_equal(taken("M42"), "b");
    assert_string_equal(taken("M43"), "");
    assert_null(ruleset_next_for(NULL, WHEN_POINT, NULL));
}

static void a_reply_is_matched_anywhere_and_lends_its_captures(void **unused)
{
    char why_memory[128];
    struct text why = TEXT_IN(why_memory);
    struct rule *rule = add_event("a", WHEN_REPLY);
    size_t offset;

    (void)unused;
    rule->source = SPAN("layer (?<n>\\d+)");
    rule->pattern = pattern_new(rule->source, PATTERN_PART, &ruleset.memory, &why, &offset);
    add_pattern("b", ".*");
    assert_int_equal(ruleset_index(&ruleset), 2);
    assert_ptr_equal(ruleset_next_for(&ruleset, WHEN_REPLY, NULL), rule);
    assert_true(ruleset_replies(&ruleset, rule, SPAN("echo: Layer 12 of 80"), &values));
    assert_int_equal(values.captures, 1);
    assert_true(span_equal(values.capture[0].value, SPAN("12")));
    assert_null(values.line);
    assert_false(ruleset_replies(&ruleset, rule, SPAN("ok"), &values));
    assert_string_equal(taken("layer 12"), "b");
}

static void a_rule_takes_a_line_only_if_the_world_is_so(void **unused)
{
    static const struct condition printing[] = {
        {.kind = CONDITION_PRINT, .states = 1u << 1},
    };
    struct rule *rule = add_word("a", "M750");

    (void)unused;
    add_word("b", "M750");
    rule->condition = printing;
    rule->conditions = 1;
    ruleset_index(&ruleset);
    world.print = 1;
    assert_string_equal(taken("M750"), "a");
    world.print = 0;
    assert_string_equal(taken("M750"), "b");
    assert_false(ruleset_holds(rule, &settings, &world, &values));
}

static void no_ruleset_takes_nothing(void **unused)
{
    struct text squeezed = TEXT_IN(squeezed_memory);
    struct gcode_line line;

    (void)unused;
    gcode_line_parse(SPAN("M42"), &line);
    assert_int_equal(ruleset_count(NULL), 0);
    assert_null(ruleset_match(NULL, &settings, &world, &line, &squeezed, &values));
    ruleset_index(&ruleset);
    assert_null(ruleset_match(&ruleset, &settings, &world, &line, &squeezed, &values));
}

#define SENTENCE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(a_bare_word_takes_that_command_with_any_parameters),
        SENTENCE(a_pattern_is_tried_on_the_command_with_blanks_squeezed),
        SENTENCE(the_first_in_file_order_takes_the_line),
        SENTENCE(all_conditions_must_hold),
        SENTENCE(one_of_compares_numbers_by_value),
        SENTENCE(conditions_of_a_not_must_not_all_hold),
        SENTENCE(emergency_lines_are_nobodys),
        SENTENCE(rules_for_an_event_are_found_in_file_order),
        SENTENCE(a_reply_is_matched_anywhere_and_lends_its_captures),
        SENTENCE(a_rule_takes_a_line_only_if_the_world_is_so),
        SENTENCE(no_ruleset_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
