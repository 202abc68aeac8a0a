#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/step.h"
#include "wire/gcode_line.h"

enum { LIGHT, FAN, DOOR, AIR };

static const struct settings settings = {
    .points = 4,
    .point = {{.name = "light", .type = POINT_OUTPUT, .number = 100},
              {.name = "fan", .type = POINT_PWM, .number = -1},
              {.name = "door", .type = POINT_INPUT, .number = -1},
              {.name = "air", .type = POINT_DHT, .number = -1}},
};

/* What the last preparation left behind. */
static char why_memory[200];
static struct text why;
static char plan_memory[64];
static struct text plan;
static struct step_ready ready;

/* Prepares a step for a line (NULL: without one). */
static enum step_error prepare(const char *line_text, enum step_kind kind, const char *a,
                               const char *b, const char *c, const char *d)
{
    const struct step step = {
        .kind = kind, .otherwise = 2, .argument = {span_of(a), span_of(b), span_of(c), span_of(d)}};
    struct step_values values = {0};
    struct gcode_line line;
    enum step_error error;

    gcode_line_parse(span_of(line_text), &line);
    values.line = line_text == NULL ? NULL : &line;
    memset(why_memory, 0, sizeof(why_memory));
    why = TEXT_IN(why_memory);
    plan = TEXT_IN(plan_memory);
    ready = (struct step_ready){.times = 4711};
    error = step_prepare(&step, &values, &settings, &plan, &why, &ready);
    assert_int_equal(ready.times == 4711, error != STEP_OK);
    assert_int_equal(why.length > 0, error != STEP_OK);
    return error;
}

static void expect_error(enum step_error got, enum step_error error, const char *text)
{
    assert_string_equal(why_memory, text);
    assert_int_equal(got, error);
}

static void expect_fill(const char *line_text, const char *template, const char *expected)
{
    char memory[80] = {0};
    struct text text = TEXT_IN(memory);
    struct step_values values = {.captures = 1, .capture = {{SPAN_INIT("name"), SPAN_INIT("Bob")}}};
    struct gcode_line line;

    gcode_line_parse(span_of(line_text), &line);
    values.line = &line;
    step_fill(span_of(template), &values, &text);
    assert_string_equal(memory, expected);
}

static void templates_are_filled_from_captures_and_parameters(void **unused)
{
    (void)unused;
    expect_fill("M750 S200", "${S}", "200");
    expect_fill("m750 s200", "a ${S}ms b", "a 200ms b");
    expect_fill("M750 P\"chamber light\" S1", "${P}/${S}", "chamber light/1");
    expect_fill("M750", "${S:-200}ms", "200ms");
    expect_fill("M750 S", "${S:-200}ms", "200ms");
    expect_fill("M750 S5", "${S:-200}ms", "5ms");
    expect_fill("M750", "[${S}]", "[]");
    expect_fill("M750", "${name}", "Bob");
    expect_fill("M226", "${S:--1}", "-1");
    expect_fill("M66 Q5", "${Q:+${Q}s}", "5s");
    expect_fill("M66", "${Q:+${Q}s}", "");
    expect_fill("M66 Q5", "${Q:?a number}", "5");
    expect_fill("M66", "${Q:?a number}", "");
    expect_fill("M750 R3", "${P:-${S:-${R:-x}}}", "3");
    expect_fill("M750", "$${S} costs $5", "${S} costs $5");
}

static void a_template_that_is_not_well_formed_stays_as_it_is(void **unused)
{
    (void)unused;
    expect_fill("M750 S1", "${S", "${S");
    expect_fill("M750 S1", "${}", "${}");
    expect_fill("M750 S1", "${S:x}", "${S:x}");
    expect_fill("M750 S1", "${S:-a", "${S:-a");
    expect_fill("M750 S1", "$", "$");
    expect_fill("M750", "${A:-${A:-${A:-${A:-${A:-x}}}}}", "${A:-x}");
}

static void an_output_is_set_by_words_and_by_numbers(void **unused)
{
    static const struct {
        const char *value;
        uint8_t light, fan;
    } cases[] = {{"on", 255, 255}, {"ON", 255, 255},  {"yes", 255, 255},  {"true", 255, 255},
                 {"off", 0, 0},    {"no", 0, 0},      {"False", 0, 0},    {"0", 0, 0},
                 {"1", 255, 1},    {"255", 255, 255}, {"128.0", 255, 128}};

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(prepare(NULL, STEP_SET, "light", cases[i].value, NULL, NULL), STEP_OK);
        assert_int_equal(ready.point, LIGHT);
        assert_int_equal(ready.value, cases[i].light);
        assert_int_equal(ready.otherwise, 2);
        assert_int_equal(prepare(NULL, STEP_SET, "fan", cases[i].value, NULL, NULL), STEP_OK);
        assert_int_equal(ready.point, FAN);
        assert_int_equal(ready.value, cases[i].fan);
    }
    assert_int_equal(prepare(NULL, STEP_SET, "fan", "40%", NULL, NULL), STEP_OK);
    assert_int_equal(ready.value, 102);
    assert_int_equal(prepare(NULL, STEP_SET, "fan", "50%", NULL, NULL), STEP_OK);
    assert_int_equal(ready.value, 128);
    assert_int_equal(prepare("M42 P100 S255", STEP_SET, "${P}", "${S}", NULL, NULL), STEP_OK);
    assert_int_equal(ready.point, LIGHT);
    assert_int_equal(prepare("M42 PLIGHT SON", STEP_SET, "${P}", "${S}", NULL, NULL), STEP_OK);
    assert_int_equal(ready.value, 255);
}

static void a_value_that_cannot_be_is_told_as_it_was_written(void **unused)
{
    (void)unused;
    expect_error(prepare("M42 Plight S300", STEP_SET, "${P}", "${S}", NULL, NULL), STEP_RANGE,
                 "S300: 0 to 255");
    expect_error(prepare("M42 Plight s-1", STEP_SET, "${P}", "${S}", NULL, NULL), STEP_RANGE,
                 "S-1: 0 to 255");
    expect_error(prepare("M42 Plight S1.5", STEP_SET, "${P}", "${S}", NULL, NULL), STEP_RANGE,
                 "S1.5: 0 to 255");
    expect_error(prepare("M42 Plight", STEP_SET, "${P}", "${S}", NULL, NULL), STEP_USAGE,
                 "S is missing: on, off or 0 to 255");
    expect_error(prepare("M42 Plight Sfoo", STEP_SET, "${P}", "${S}", NULL, NULL), STEP_USAGE,
                 "Sfoo: on, off or 0 to 255");
    expect_error(prepare(NULL, STEP_SET, "light", "40%", NULL, NULL), STEP_USAGE,
                 "40%: only a pwm point takes a %");
    expect_error(prepare(NULL, STEP_SET, "fan", "140%", NULL, NULL), STEP_RANGE,
                 "140%: 0% to 100%");
}

static void a_point_that_cannot_be_is_told(void **unused)
{
    (void)unused;
    expect_error(prepare("M42 PLIGTH S1", STEP_SET, "${P}", "${S}", NULL, NULL), STEP_NO_POINT,
                 "no point 'LIGTH' (did you mean light?)");
    expect_error(prepare("M42 P7 S1", STEP_TOGGLE, "${P}", NULL, NULL, NULL), STEP_NO_POINT,
                 "no point '7'");
    expect_error(prepare("M42 Pdoor S1", STEP_SET, "${P}", "${S}", NULL, NULL), STEP_NO_POINT,
                 "door is an input");
    expect_error(prepare(NULL, STEP_PULSE, "air", "1s", NULL, NULL), STEP_NO_POINT,
                 "air is a sensor");
    expect_error(prepare("M42 S1", STEP_TOGGLE, "${P}", NULL, NULL, NULL), STEP_USAGE,
                 "P is missing: the name of a point");
    expect_error(prepare(NULL, STEP_WAIT_POINT, "light", "high", NULL, NULL), STEP_NO_POINT,
                 "light is an output");
}

static void a_pulse_has_a_length_a_count_and_a_period(void **unused)
{
    (void)unused;
    assert_int_equal(prepare("M750", STEP_PULSE, "light", "${S:-200}ms", NULL, NULL), STEP_OK);
    assert_int_equal(ready.point, LIGHT);
    assert_int_equal(ready.ms, 200);
    assert_int_equal(ready.times, 1);
    assert_int_equal(prepare(NULL, STEP_PULSE, "light", "200ms", "3", "1s"), STEP_OK);
    assert_int_equal(ready.times, 3);
    assert_int_equal(ready.every_ms, 1000);
    assert_int_equal(prepare(NULL, STEP_PULSE, "light", "200ms", "3", NULL), STEP_OK);
    assert_int_equal(ready.every_ms, 400);
    expect_error(prepare(NULL, STEP_PULSE, "light", "200ms", "3", "200ms"), STEP_RANGE,
                 "pulse: every must be longer than for");
    expect_error(prepare(NULL, STEP_PULSE, "light", "200ms", "0", NULL), STEP_RANGE,
                 "0: 1 to 1000 times");
    expect_error(prepare(NULL, STEP_PULSE, "light", "200ms", "x", NULL), STEP_USAGE,
                 "x: how many times, 1 to 1000");
    expect_error(prepare(NULL, STEP_PULSE, "light", "0s", NULL, NULL), STEP_RANGE,
                 "pulse: for: longer than 0");
    expect_error(prepare(NULL, STEP_PULSE, "light", NULL, NULL, NULL), STEP_USAGE,
                 "pulse: for: needs a duration");
}

static void a_duration_that_cannot_be_is_told(void **unused)
{
    (void)unused;
    assert_int_equal(prepare(NULL, STEP_WAIT, "10min", NULL, NULL, NULL), STEP_OK);
    assert_int_equal(ready.ms, 600000);
    expect_error(prepare("M750 S-5", STEP_WAIT, "${S}ms", NULL, NULL, NULL), STEP_RANGE,
                 "S-5: not below 0");
    expect_error(prepare("M750 Sx", STEP_WAIT, "${S}ms", NULL, NULL, NULL), STEP_USAGE,
                 "Sx: a number of milliseconds");
    expect_error(prepare("M750 S\"10min\"", STEP_WAIT, "${S:-200}s", NULL, NULL, NULL), STEP_USAGE,
                 "S10min: a number of seconds");
    expect_error(prepare("M750 Sx", STEP_WAIT, "${S}", NULL, NULL, NULL), STEP_USAGE,
                 "Sx: a duration (200ms, 1.5s, 10min, 2h)");
    expect_error(prepare(NULL, STEP_WAIT, "20", NULL, NULL, NULL), STEP_USAGE,
                 "20: needs a unit: ms, s, min or h");
    expect_error(prepare(NULL, STEP_WAIT, "20m", NULL, NULL, NULL), STEP_USAGE,
                 "20m: a duration (200ms, 1.5s, 10min, 2h)");
    expect_error(prepare(NULL, STEP_WAIT, "99999h", NULL, NULL, NULL), STEP_RANGE,
                 "99999h: at most 1000 days");
    expect_error(prepare(NULL, STEP_WAIT, NULL, NULL, NULL, NULL), STEP_USAGE,
                 "wait: needs a duration");
}

static void a_wait_for_a_point_may_have_a_timeout(void **unused)
{
    (void)unused;
    assert_int_equal(prepare("M66 Pdoor L3", STEP_WAIT_POINT, "${P}", "high", "${Q:+${Q}s}", NULL),
                     STEP_OK);
    assert_int_equal(ready.point, DOOR);
    assert_int_equal(ready.edge, WAIT_HIGH);
    assert_int_equal(ready.ms, -1);
    assert_int_equal(
        prepare("M66 Pdoor L3 Q2.5", STEP_WAIT_POINT, "${P}", "FALL", "${Q:+${Q}s}", NULL),
        STEP_OK);
    assert_int_equal(ready.edge, WAIT_FALL);
    assert_int_equal(ready.ms, 2500);
    expect_error(prepare("M66 Pdoor L7", STEP_WAIT_POINT, "${P}", "${L}", NULL, NULL), STEP_RANGE,
                 "L7: not one of high, low, rise, fall, on, off, change");
    expect_error(prepare("M66 Pdoor L7", STEP_WAIT_POINT, "${P}", "${L:?0 to 4}", NULL, NULL),
                 STEP_RANGE, "L7: 0 to 4");
    expect_error(prepare("M66 Pdoor", STEP_WAIT_POINT, "${P}", "${L:?0 to 4}", NULL, NULL),
                 STEP_USAGE, "L is missing: 0 to 4");
    expect_error(prepare("M66 Pdoor", STEP_WAIT_POINT, "${P}", "${L}", NULL, NULL), STEP_USAGE,
                 "L is missing: not one of high, low, rise, fall, on, off, change");
    expect_error(prepare("M66 Pdoor Q0", STEP_WAIT_POINT, "${P}", "low", "${Q:+${Q}s}", NULL),
                 STEP_RANGE, "Q0: a timeout is longer than 0");
}

static void texts_stand_in_the_plan_one_behind_the_other(void **unused)
{
    const struct step say = {.kind = STEP_SAY, .argument = {SPAN_INIT("layer ${S}")}};
    struct step_values values = {0};
    struct gcode_line line;

    (void)unused;
    assert_int_equal(prepare("M750 S3", STEP_SEND, "M106 S${S}", NULL, NULL, NULL), STEP_OK);
    assert_int_equal(ready.text_at, 0);
    assert_int_equal(ready.text_length, 7);
    gcode_line_parse(SPAN("M750 S3"), &line);
    values.line = &line;
    assert_int_equal(step_prepare(&say, &values, &settings, &plan, &why, &ready), STEP_OK);
    assert_int_equal(ready.text_at, 7);
    assert_memory_equal(plan_memory, "M106 S3layer 3", 14);
}

static void a_text_that_is_too_long_is_told_and_taken_back(void **unused)
{
    (void)unused;
    expect_error(prepare(NULL, STEP_SAY,
                         "0123456789012345678901234567890123456789012345678901234567890123456789",
                         NULL, NULL, NULL),
                 STEP_LONG, "the texts of this rule have more than 64 bytes");
    assert_int_equal(plan.length, 0);
    assert_false(plan.cut);
    expect_error(prepare("M750", STEP_SEND, "${S}", NULL, NULL, NULL), STEP_USAGE,
                 "send: nothing to send");
}

static void a_text_never_has_a_line_end(void **unused)
{
    (void)unused;
    assert_int_equal(prepare(NULL, STEP_SEND, "M106\nM112\r", NULL, NULL, NULL), STEP_OK);
    assert_memory_equal(plan_memory, "M106 M112 ", 10);
}

static void a_report_is_of_one_point_or_all(void **unused)
{
    (void)unused;
    assert_int_equal(prepare(NULL, STEP_REPORT, "points", NULL, NULL, NULL), STEP_OK);
    assert_int_equal(ready.point, POINT_NONE);
    assert_int_equal(prepare("M43 Pair", STEP_REPORT, "${P}", NULL, NULL, NULL), STEP_OK);
    assert_int_equal(ready.point, AIR);
    expect_error(prepare(NULL, STEP_REPORT, "lite", NULL, NULL, NULL), STEP_NO_POINT,
                 "no point 'lite'");
}

static void steps_and_errors_have_the_words_of_the_language(void **unused)
{
    (void)unused;
    assert_string_equal(step_word(STEP_SET), "set");
    assert_string_equal(step_word(STEP_WAIT_POINT), "wait");
    assert_string_equal(step_word(STEP_FORWARD), "forward");
    assert_string_equal(step_error_word(STEP_NO_POINT), "point");
    assert_string_equal(step_error_word(STEP_RANGE), "range");
    assert_string_equal(step_error_word(STEP_USAGE), "usage");
    assert_string_equal(step_error_word(STEP_LONG), "long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_filled_from_captures_and_parameters),
        cmocka_unit_test(a_template_that_is_not_well_formed_stays_as_it_is),
        cmocka_unit_test(an_output_is_set_by_words_and_by_numbers),
        cmocka_unit_test(a_value_that_cannot_be_is_told_as_it_was_written),
        cmocka_unit_test(a_point_that_cannot_be_is_told),
        cmocka_unit_test(a_pulse_has_a_length_a_count_and_a_period),
        cmocka_unit_test(a_duration_that_cannot_be_is_told),
        cmocka_unit_test(a_wait_for_a_point_may_have_a_timeout),
        cmocka_unit_test(texts_stand_in_the_plan_one_behind_the_other),
        cmocka_unit_test(a_text_that_is_too_long_is_told_and_taken_back),
        cmocka_unit_test(a_text_never_has_a_line_end),
        cmocka_unit_test(a_report_is_of_one_point_or_all),
        cmocka_unit_test(steps_and_errors_have_the_words_of_the_language),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
