/* Steps on the printer, its power and programs, as they are prepared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/print_job.h"
#include "route/step.h"
#include "route/when.h"
#include "wire/gcode_line.h"

enum { DOOR, AIR, PSU };

static struct settings settings;
static char why_memory[200];
static char plan_memory[64];
static struct text plan;
static struct step_ready ready;

static int begin(void **unused)
{
    (void)unused;
    settings_init(&settings);
    settings.points = 3;
    settings.point[DOOR] = (struct point_settings){.name = "door", .type = POINT_INPUT};
    settings.point[AIR] = (struct point_settings){.name = "air", .type = POINT_DHT};
    settings.point[PSU] = (struct point_settings){.name = "psu", .type = POINT_OUTPUT};
    settings.psu.point = PSU;
    settings.filaments = 1;
    settings.programs = 2;
    settings.program[0] = (struct program_settings){.name = "photo", .timeout_ms = 5000};
    settings.program[1] = (struct program_settings){.name = "notify", .timeout_ms = 10000};
    return 0;
}

static enum step_error prepare(const char *line_text, struct step step)
{
    struct step_values values = {0};
    struct gcode_line line;
    struct text why = TEXT_IN(why_memory);
    enum step_error error;

    gcode_line_parse(span_of(line_text), &line);
    values.line = line_text == NULL ? NULL : &line;
    memset(why_memory, 0, sizeof(why_memory));
    plan = TEXT_IN(plan_memory);
    memset(&ready, 0x55, sizeof(ready));
    error = step_prepare(&step, &values, &settings, &plan, &why, &ready);
    assert_int_equal(why.length > 0, error != STEP_OK);
    return error;
}

#define STEP(k, ...) ((struct step){.kind = (k), .argument = {__VA_ARGS__}})
#define NO_ARGUMENT  SPAN_INIT("")

static void expect_error(enum step_error got, enum step_error error, const char *text)
{
    assert_string_equal(why_memory, text);
    assert_int_equal(got, error);
}

static void bare_steps_need_nothing(void **unused)
{
    static const enum step_kind kinds[] = {STEP_PAUSE, STEP_RESUME, STEP_CANCEL, STEP_START,
                                           STEP_TRIP};

    (void)unused;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        assert_int_equal(prepare(NULL, STEP(kinds[i], NO_ARGUMENT)), STEP_OK);
        assert_int_equal(ready.kind, kinds[i]);
    }
}

static void a_temperature_is_waited_for_of_a_heater_or_a_sensor(void **unused)
{
    (void)unused;
    assert_int_equal(
        prepare(NULL, STEP(STEP_WAIT_TEMPERATURE, SPAN_INIT("tool3"), SPAN_INIT("< 50C"))),
        STEP_OK);
    assert_int_equal(ready.heater, 'T');
    assert_int_equal(ready.heater_index, 3);
    assert_int_equal(ready.comparison, IS_BELOW);
    assert_int_equal(ready.threshold, 50000);
    assert_int_equal(ready.ms, -1);
    assert_int_equal(ready.point, POINT_NONE);
    assert_int_equal(prepare("M1 S37.5", STEP(STEP_WAIT_TEMPERATURE, SPAN_INIT("air"),
                                              SPAN_INIT(">= ${S}C"), SPAN_INIT("1h"))),
                     STEP_OK);
    assert_int_equal(ready.heater, 0);
    assert_int_equal(ready.point, AIR);
    assert_int_equal(ready.threshold, 37500);
    assert_int_equal(ready.ms, 3600000);
    expect_error(prepare(NULL, STEP(STEP_WAIT_TEMPERATURE, SPAN_INIT("door"), SPAN_INIT("< 50C"))),
                 STEP_NO_POINT, "door has no temperature");
    expect_error(prepare(NULL, STEP(STEP_WAIT_TEMPERATURE, SPAN_INIT("bad"), SPAN_INIT("< 50C"))),
                 STEP_NO_POINT, "no point 'bad'");
    expect_error(prepare(NULL, STEP(STEP_WAIT_TEMPERATURE, SPAN_INIT("bed"), SPAN_INIT("50"))),
                 STEP_USAGE, "50: a comparison like '>= 50C'");
    expect_error(prepare(NULL, STEP(STEP_WAIT_TEMPERATURE, SPAN_INIT("bed"), SPAN_INIT("< 50C"),
                                    SPAN_INIT("0s"))),
                 STEP_RANGE, "0s: a timeout is longer than 0");
}

static void power_is_on_or_off_or_off_later(void **unused)
{
    (void)unused;
    assert_int_equal(prepare(NULL, STEP(STEP_POWER, SPAN_INIT("on"))), STEP_OK);
    assert_int_equal(ready.value, 255);
    assert_false(ready.when_cool);
    assert_int_equal(prepare(NULL, STEP(STEP_POWER, SPAN_INIT("off"))), STEP_OK);
    assert_int_equal(ready.value, 0);
    assert_int_equal(ready.ms, 0);
    assert_int_equal(prepare("M81 D90", STEP(STEP_POWER, SPAN_INIT("off"), SPAN_INIT("${D:-0}s"),
                                             SPAN_INIT("cool"))),
                     STEP_OK);
    assert_int_equal(ready.ms, 90000);
    assert_true(ready.when_cool);
    expect_error(prepare("M81 D9x", STEP(STEP_POWER, SPAN_INIT("off"), SPAN_INIT("${D}"))),
                 STEP_USAGE, "D9: needs a unit: ms, s, min or h");
    settings.psu.point = POINT_NONE;
    expect_error(prepare(NULL, STEP(STEP_POWER, SPAN_INIT("on"))), STEP_PSU,
                 "no psu is configured");
}

static void what_is_reported_is_a_state_or_a_point_of_that_name(void **unused)
{
    (void)unused;
    assert_int_equal(prepare(NULL, STEP(STEP_REPORT, NO_ARGUMENT, SPAN_INIT("psu"))), STEP_OK);
    assert_int_equal(ready.value, REPORT_PSU);
    assert_int_equal(prepare(NULL, STEP(STEP_REPORT, NO_ARGUMENT, SPAN_INIT("filament"))), STEP_OK);
    assert_int_equal(ready.value, REPORT_FILAMENT);
    assert_int_equal(prepare("M43 Ppsu", STEP(STEP_REPORT, SPAN_INIT("${P}"))), STEP_OK);
    assert_int_equal(ready.value, REPORT_POINT);
    assert_int_equal(ready.point, PSU);
}

static void a_mark_is_what_print_job_knows(void **unused)
{
    (void)unused;
    assert_int_equal(prepare(NULL, STEP(STEP_MARK, SPAN_INIT("started"))), STEP_OK);
    assert_int_equal(ready.value, PRINT_MARK_STARTED);
    assert_int_equal(prepare("M889 J\"Cancelled\"", STEP(STEP_MARK, SPAN_INIT("${J}"))), STEP_OK);
    assert_int_equal(ready.value, PRINT_MARK_CANCELLED);
    expect_error(prepare("M889 J7", STEP(STEP_MARK, SPAN_INIT("${J}"))), STEP_RANGE,
                 "J7: not one of started, paused, resumed, finished, cancelled");
    expect_error(prepare("M889 Jx", STEP(STEP_MARK, SPAN_INIT("${J}"))), STEP_USAGE,
                 "Jx: not one of started, paused, resumed, finished, cancelled");
}

static void the_filament_sensor_is_switched_if_there_is_one(void **unused)
{
    (void)unused;
    assert_int_equal(prepare(NULL, STEP(STEP_FILAMENT, SPAN_INIT("off"))), STEP_OK);
    assert_int_equal(ready.value, FILAMENT_SWITCH_OFF);
    assert_int_equal(prepare(NULL, STEP(STEP_FILAMENT, SPAN_INIT("rearm"))), STEP_OK);
    assert_int_equal(ready.value, FILAMENT_SWITCH_REARM);
    settings.filaments = 0;
    expect_error(prepare(NULL, STEP(STEP_FILAMENT, SPAN_INIT("on"))), STEP_USAGE,
                 "no filament sensor is configured");
}

static void a_program_gets_its_arguments_one_by_one(void **unused)
{
    (void)unused;
    assert_int_equal(
        prepare("M1 S\"a b\"", STEP(STEP_RUN, SPAN_INIT("notify"), SPAN_INIT("-m\0${S}\0${Q}\0"))),
        STEP_OK);
    assert_int_equal(ready.program, 1);
    assert_int_equal(ready.ms, 10000);
    assert_int_equal(ready.text_length, 8);
    assert_memory_equal(plan_memory + ready.text_at, "-m\0a b\0\0", 8);
    assert_int_equal(
        prepare(NULL, STEP(STEP_RUN, SPAN_INIT("photo"), NO_ARGUMENT, SPAN_INIT("1s"))), STEP_OK);
    assert_int_equal(ready.program, 0);
    assert_int_equal(ready.ms, 1000);
    assert_int_equal(ready.text_length, 0);
    expect_error(prepare(NULL, STEP(STEP_RUN, SPAN_INIT("reboot"))), STEP_USAGE,
                 "no program 'reboot' is configured");
    assert_int_equal(prepare("M1 S12345678901234567890123456789012345678901234567890",
                             STEP(STEP_RUN, SPAN_INIT("photo"), SPAN_INIT("${S}${S}\0"))),
                     STEP_LONG);
    assert_int_equal(plan.length, 0);
}

static void a_program_cannot_be_given_an_argument_more(void **unused)
{
    static const char raw[] = "M1 S\"a\0b\"";
    const struct step step = STEP(STEP_RUN, SPAN_INIT("photo"), SPAN_INIT("${S}\0"));
    struct step_values values = {0};
    struct gcode_line line;
    struct text why = TEXT_IN(why_memory);

    (void)unused;
    gcode_line_parse((struct span){raw, sizeof(raw) - 1}, &line);
    values.line = &line;
    plan = TEXT_IN(plan_memory);
    assert_int_equal(step_prepare(&step, &values, &settings, &plan, &why, &ready), STEP_OK);
    assert_int_equal(ready.text_length, 4);
    assert_memory_equal(plan_memory, "a b\0", 4);
}

static void steps_have_the_words_of_the_language(void **unused)
{
    (void)unused;
    assert_string_equal(step_word(STEP_TRIP), "estop");
    assert_string_equal(step_word(STEP_WAIT_TEMPERATURE), "wait");
    assert_string_equal(step_word(STEP_RESET), "reset");
    for (unsigned kind = 0; kind < STEP_KINDS; kind++) {
        assert_true(strlen(step_word((enum step_kind)kind)) > 1);
    }
    assert_int_equal(STEP_RESET, STEP_KINDS - 1);
}

#define SENTENCE(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(bare_steps_need_nothing),
        SENTENCE(a_temperature_is_waited_for_of_a_heater_or_a_sensor),
        SENTENCE(power_is_on_or_off_or_off_later),
        SENTENCE(what_is_reported_is_a_state_or_a_point_of_that_name),
        SENTENCE(a_mark_is_what_print_job_knows),
        SENTENCE(the_filament_sensor_is_switched_if_there_is_one),
        SENTENCE(a_program_gets_its_arguments_one_by_one),
        SENTENCE(a_program_cannot_be_given_an_argument_more),
        SENTENCE(steps_have_the_words_of_the_language),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
