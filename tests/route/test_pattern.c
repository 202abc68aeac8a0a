#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <string.h>
#include <cmocka.h>

#include "route/pattern.h"

static struct pattern_memory memory;

static int take_memory(void **unused)
{
    (void)unused;
    return pattern_memory_init(&memory) ? 0 : -1;
}

static int free_memory(void **unused)
{
    (void)unused;
    pattern_memory_free(&memory);
    return 0;
}

static struct pattern *make(const char *source, enum pattern_kind kind)
{
    char why_memory[128];
    struct text why = TEXT_IN(why_memory);
    size_t offset;
    struct pattern *pattern = pattern_new(span_of(source), kind, &memory, &why, &offset);

    assert_non_null(pattern);
    return pattern;
}

static bool matches(const char *source, enum pattern_kind kind, const char *subject)
{
    struct step_values values = {0};
    struct pattern *pattern = make(source, kind);
    bool matched = pattern_match(pattern, &memory, span_of(subject), &values);

    pattern_free(pattern);
    return matched;
}

static void a_command_is_matched_whole_and_in_any_case(void **unused)
{
    (void)unused;
    assert_true(matches("M750\\b.*", PATTERN_WHOLE, "m750 s1"));
    assert_false(matches("M750", PATTERN_WHOLE, "M750 S1"));
    assert_false(matches("M750", PATTERN_WHOLE, "N1 M750"));
    assert_true(matches("M7|M75", PATTERN_WHOLE, "M75"));
    assert_true(matches("busy", PATTERN_PART, "echo:Busy: processing"));
    assert_true(matches(".", PATTERN_WHOLE, "\xff"));
}

static void captures_are_lent_from_the_subject(void **unused)
{
    struct pattern *pattern = make("M750 P(?<which>\\w+)( S(?<how>\\d+))?", PATTERN_WHOLE);
    struct span subject = SPAN("M750 Pcam S20"), names[STEP_CAPTURES];
    struct step_values values = {0};

    (void)unused;
    assert_int_equal(pattern_captures(pattern, names), 2);
    assert_true(span_equal(names[0], SPAN("how")));
    assert_true(span_equal(names[1], SPAN("which")));
    assert_true(pattern_match(pattern, &memory, subject, &values));
    assert_int_equal(values.captures, 2);
    assert_true(span_equal(values.capture[0].value, SPAN("20")));
    assert_ptr_equal(values.capture[1].value.data, subject.data + 6);
    assert_true(pattern_match(pattern, &memory, SPAN("M750 Pcam"), &values));
    assert_int_equal(values.captures, 1);
    pattern_free(pattern);
}

static void a_mistake_is_told_with_its_place(void **unused)
{
    char why_memory[128] = {0};
    struct text why = TEXT_IN(why_memory);
    size_t offset = 0;

    (void)unused;
    assert_null(pattern_new(SPAN("M750 (S"), PATTERN_WHOLE, &memory, &why, &offset));
    assert_string_equal(why_memory, "missing closing parenthesis");
    assert_int_equal(offset, 7);
    why = TEXT_IN(why_memory);
    assert_null(pattern_new(SPAN("M750 (?z)"), PATTERN_WHOLE, &memory, &why, &offset));
    assert_int_equal(offset, 7);
}

static void a_pattern_that_runs_away_is_no_match(void **unused)
{
    (void)unused;
    assert_false(
        matches("(a+)+$", PATTERN_WHOLE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaX"));
}

static void matching_takes_no_memory(void **unused)
{
    char subject[1000];
    struct step_values values = {0};
    struct pattern *pattern = make("((a|b)*c?)+", PATTERN_WHOLE);
    struct pattern *other =
        make("(?<x>a)(?<y>b)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.*?)*", PATTERN_WHOLE);
    size_t before;

    (void)unused;
    memset(subject, 'a', sizeof(subject));
    before = mallinfo2().uordblks;
    for (size_t i = 0; i < sizeof(subject); i++) {
        pattern_match(pattern, &memory, (struct span){subject, i}, &values);
        pattern_match(other, &memory, (struct span){subject, i}, &values);
    }
    assert_int_equal(mallinfo2().uordblks, before);
    pattern_free(pattern);
    pattern_free(other);
}

static void expect_word(const char *source, const char *word)
{
    struct span got = SPAN_NONE;

    assert_int_equal(pattern_literal_word(span_of(source), &memory, &got), word != NULL);
    assert_true(span_equal(got, span_of(word)));
}

static void a_literal_word_is_one_that_nothing_goes_on_with(void **unused)
{
    (void)unused;
    expect_word("M750", "M750");
    expect_word("^M750$", "M750");
    expect_word("M750\\b.*", "M750");
    expect_word("M750 P\\w+", "M750");
    expect_word("M750( .*)?", "M750");
    expect_word("M750(?!\\d).*", "M750");
    expect_word("M750x?", "M750");
    expect_word("M750X(1|2)", "M750");
    expect_word("M889\\.1", "M889");
    expect_word("ENC", "ENC");
    expect_word("ENC .*", "ENC");
    expect_word("OCTO12( .*)?", "OCTO12");
    expect_word("set_pin pin=(?P<pin>\\w+) .*", "set_pin");
    expect_word("T\\b.*", "T");
    expect_word("M750.*", NULL);
    expect_word("M75\\d", NULL);
    expect_word("M75[01]", NULL);
    expect_word("M75(0|1)", NULL);
    expect_word("M7500?", NULL);
    expect_word("M75+", NULL);
    expect_word("M75{2}", NULL);
    expect_word("M750|M751", NULL);
    expect_word("M750[|]|M751", NULL);
    expect_word("M750\\Q(\\E|M751", NULL);
    expect_word("M750(?x) # (\n|M751", NULL);
    expect_word("M750[[:digit:]()]|M751", NULL);
    expect_word("OCTO\\d+", NULL);
    expect_word("(M750) .*", NULL);
    expect_word("\\w+", NULL);
    expect_word("", NULL);
}

static void a_start_that_nothing_can_match_is_seen(void **unused)
{
    (void)unused;
    assert_true(pattern_could_match(SPAN("M112\\d"), &memory, SPAN("M1121")));
    assert_true(pattern_could_match(SPAN("M11.*"), &memory, SPAN("M1121")));
    assert_true(pattern_could_match(SPAN("M750 S.*"), &memory, SPAN("m750")));
    assert_false(pattern_could_match(SPAN("M112\\d"), &memory, SPAN("M112 ")));
    assert_false(pattern_could_match(SPAN("M750"), &memory, SPAN("M7501")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_matched_whole_and_in_any_case),
        cmocka_unit_test(captures_are_lent_from_the_subject),
        cmocka_unit_test(a_mistake_is_told_with_its_place),
        cmocka_unit_test(a_pattern_that_runs_away_is_no_match),
        cmocka_unit_test(matching_takes_no_memory),
        cmocka_unit_test(a_literal_word_is_one_that_nothing_goes_on_with),
        cmocka_unit_test(a_start_that_nothing_can_match_is_seen),
    };

    return cmocka_run_group_tests(tests, take_memory, free_memory);
}
