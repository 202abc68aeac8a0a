/* The M-codes that are built in: what each line becomes, by loading, matching and preparing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "load/load.h"
#include "route/estop.h"
#include "wire/gcode_line.h"

static struct loaded loaded, without_points;
static struct rule_world world; /* with everything but points: power on, stop latched */
static const struct load_environment environment = {0};

static void load(const char *config, struct loaded *ret_loaded)
{
    struct mistakes mistakes = {0};
    struct sources sources;

    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, "mk3.yaml", span_of(config)));
    assert_true(load_all(&sources, &environment, &mistakes, ret_loaded));
    sources_free(&sources);
    mistakes_free(&mistakes);
}

static int begin(void **unused)
{
    (void)unused;
    load("printer: {port: simulated}\n"
         "board: {port: simulated}\n"
         "points:\n"
         "  light: {io: 12, type: output, number: 200}\n"
         "  door: {io: 0, type: input}\n"
         "  relay: {io: 13, type: output}\n"
         "psu: {point: relay}\n"
         "filament: {point: door}\n"
         "estop: {point: door}\n",
         &loaded);
    world.psu = WORLD_PSU_ON;
    world.filament = WORLD_FILAMENT_PRESENT;
    world.estop = ESTOP_LATCHED;
    load("printer: {port: simulated}\n", &without_points);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    loaded_free(&loaded);
    loaded_free(&without_points);
    return 0;
}

/* The steps that are no matter of points. */
static bool describe_other(const struct step_ready *ready, struct text *text)
{
    static const char *const reports[] = {"", " psu", " print", " estop", " filament", " PS:"};
    static const char *const filament[] = {" on", " off", " rearm"};
    static const char *const marks[] = {"",         " started",  " paused",
                                        " resumed", " finished", " cancelled"};

    if (ready->kind == STEP_POWER) {
        text_add_string(text, ready->value > 0 ? " on" : " off after ");
        if (ready->value == 0) {
            text_add_duration(text, ready->ms);
        }
        text_add_string(text, ready->when_cool ? " when cool" : "");
    } else if (ready->kind == STEP_FILAMENT) {
        text_add_string(text, filament[ready->value]);
    } else if (ready->kind == STEP_MARK) {
        text_add_string(text, marks[ready->value]);
    } else if (ready->kind == STEP_REPORT && ready->value > 0) {
        text_add_string(text, reports[ready->value]);
    } else {
        return ready->kind == STEP_SAY || ready->kind == STEP_RESET;
    }
    return true;
}

static void describe(const struct step_ready *ready, struct text *text)
{
    text_add_string(text, step_word(ready->kind));
    if (describe_other(ready, text)) {
        return;
    }
    if (ready->kind == STEP_WAIT_MOTION) {
        text_add_string(text, " motion");
        return;
    }
    text_add_char(text, ' ');
    text_add_string(text, ready->point == POINT_NONE ? "points"
                                                     : loaded.settings.point[ready->point].name);
    if (ready->kind == STEP_SET) {
        text_add_string(text, ready->value > 0 ? " on" : " off");
    } else if (ready->kind == STEP_WAIT_POINT) {
        text_add_char(text, ' ');
        text_add_string(text, wait_for_word((enum wait_for)ready->edge));
        if (ready->ms >= 0) {
            text_add_char(text, ' ');
            text_add_duration(text, ready->ms);
        }
    }
}

/* "M42: set light on", "forwarded", or the error as the host gets it. */
static void expect_of(const struct loaded *with, const char *line_text, const char *expected)
{
    char squeezed_memory[1100], said_memory[300] = {0}, why_memory[200], plan_memory[1024];
    struct text squeezed = TEXT_IN(squeezed_memory), said = TEXT_IN(said_memory);
    struct text why = TEXT_IN(why_memory), plan = TEXT_IN(plan_memory);
    struct step_values values = {0};
    struct gcode_line line;
    const struct rule *rule;

    gcode_line_parse(span_of(line_text), &line);
    rule = ruleset_match(&with->ruleset, &with->settings, &world, &line, &squeezed, &values);
    if (rule == NULL) {
        assert_string_equal("forwarded", expected);
        return;
    }
    text_add(&said, rule->name);
    for (unsigned i = 0; i < rule->steps; i++) {
        struct step_ready ready;
        enum step_error error =
            step_prepare(&rule->step[i], &values, &with->settings, &plan, &why, &ready);

        if (error != STEP_OK) {
            memset(said_memory, 0, sizeof(said_memory));
            said = TEXT_IN(said_memory);
            text_add_string(&said, step_error_word(error));
            text_add_string(&said, ": ");
            text_add(&said, text_span(&why));
            break;
        }
        text_add_string(&said, i == 0 ? ": " : ", ");
        describe(&ready, &said);
    }
    assert_string_equal(said_memory, expected);
}

static void expect(const char *line, const char *expected)
{
    expect_of(&loaded, line, expected);
}

static void m42_sets_an_output(void **unused)
{
    (void)unused;
    expect("M42 Plight S1", "M42: set light on");
    expect("M42 PLIGHT S255", "M42: set light on");
    expect("m42 plight s0", "M42: set light off");
    expect("M42 S255 P200", "M42: set light on");
    expect("M42P\"light\"S1", "M42: set light on");
    expect("N12 M42 Plight S1 ; on*54", "M42: set light on");
    expect("M42 Plight S256", "range: S256: 0 to 255");
    expect("M42 Plight S-1", "range: S-1: 0 to 255");
    expect("M42 Plight", "usage: S is missing: on, off or 0 to 255");
    expect("M42 Pdoor S1", "point: door is an input");
    expect("M42 P13 S255", "forwarded");
    expect("M42 Plihgt S255", "forwarded");
    expect("M42 S255", "forwarded");
}

static void m43_reports_points(void **unused)
{
    (void)unused;
    expect("M43 Plight", "M43: report light");
    expect("M43 P200", "M43: report light");
    expect("M43", "M43: report points");
    expect("M43 P5", "forwarded");
    expect("M43 T S3 L40", "forwarded");
    expect("M43 E1", "forwarded");
    expect_of(&without_points, "M43", "forwarded");
    expect_of(&without_points, "M42 P4 S1", "forwarded");
}

static void m62_to_m65_set_with_and_without_motion(void **unused)
{
    (void)unused;
    expect("M62 Plight", "M62: wait motion, set light on");
    expect("M63 Plight", "M63: wait motion, set light off");
    expect("M64 Plight", "M64: set light on");
    expect("M65 Plight", "M65: set light off");
    expect("M62 P3", "forwarded");
    expect("M65 Pdoor", "point: door is an input");
}

static void m66_waits_for_an_input_and_reports_it(void **unused)
{
    (void)unused;
    expect("M66 Pdoor L0", "M66: report door");
    expect("M66 Pdoor", "M66: report door");
    expect("M66 Pdoor L0 Q5", "M66: report door");
    expect("M66 Pdoor L1 Q5", "M66: wait door rise 5s, report door");
    expect("M66 Pdoor L2 Q0.5", "M66: wait door fall 500ms, report door");
    expect("M66 Pdoor L3", "M66: wait door high, report door");
    expect("M66 Pdoor L4 Q90", "M66: wait door low 90s, report door");
    expect("M66 L4 Q90 Pdoor", "M66: wait door low 90s, report door");
    expect("M66 Pdoor L5", "range: L5: 0 report, 1 rise, 2 fall, 3 high, 4 low");
    expect("M66 Pdoor L-1", "range: L-1: 0 report, 1 rise, 2 fall, 3 high, 4 low");
    expect("M66 Pdoor L3 Q0", "range: Q0: a timeout is longer than 0");
    expect("M66 Pdoor L3 Qx", "usage: Qx: a number of seconds");
    expect("M66 Plight L3", "point: light is an output");
    expect("M66 Plight L0", "M66: report light");
    expect("M66 P3 L3", "forwarded");
}

static void m226_waits_for_a_state_and_reports_it(void **unused)
{
    (void)unused;
    expect("M226 Pdoor", "M226: wait door change, report door");
    expect("M226 Pdoor S-1", "M226: wait door change, report door");
    expect("M226 Pdoor S0", "M226: wait door off, report door");
    expect("M226 Pdoor S1", "M226: wait door on, report door");
    expect("M226 Pdoor S2", "range: S2: -1 change, 0 off, 1 on");
    expect("M226 P30 S1", "forwarded");
}

static void m80_and_m81_switch_the_power_if_there_is_a_psu(void **unused)
{
    (void)unused;
    expect("M80", "M80: power on");
    expect("M80 S", "M80: report PS:");
    expect("M81", "M81: wait motion, power off after 0s");
    expect("M81 D90", "M81: wait motion, power off after 90s");
    expect("M81 S0", "M81: wait motion, power off after 0s");
    expect("M81 S", "M81: wait motion, power off after 0s when cool");
    expect("M81 S1 D5", "M81: wait motion, power off after 5s when cool");
    expect("M81 Dx", "usage: Dx: a number of seconds");
    world.psu = WORLD_PSU_UNKNOWN;
    expect("M80 S", "M80: report PS:");
    world.psu = WORLD_PSU_NONE;
    expect("M80", "forwarded");
    expect("M81 S1", "forwarded");
    world.psu = WORLD_PSU_ON;
}

static void m412_is_for_the_filament_sensor(void **unused)
{
    (void)unused;
    expect("M412 S0", "M412: filament off");
    expect("M412 S1", "M412: filament on");
    expect("M412 S1 R", "M412: filament on, filament rearm");
    expect("M412 R", "M412: filament rearm");
    expect("M412", "M412: report filament");
    expect("M412 S2", "range: S2: 0 off, 1 on");
    expect("M412 S2 R", "range: S2: 0 off, 1 on");
    expect("M412 Sx", "usage: Sx: 0 off, 1 on");
    world.filament = WORLD_FILAMENT_NONE;
    expect("M412 S1", "forwarded");
    world.filament = WORLD_FILAMENT_PRESENT;
}

static void m999_is_ours_while_the_stop_is_latched(void **unused)
{
    (void)unused;
    expect("M999", "M999: reset, report estop");
    world.estop = ESTOP_ARMED;
    expect("M999", "forwarded");
    world.estop = ESTOP_LATCHED;
}

static void m889_says_how_the_job_stands(void **unused)
{
    (void)unused;
    expect("M889", "M889: report print");
    expect("M889 J1", "M889: mark started");
    expect("M889 J2", "M889: mark paused");
    expect("M889 J3", "M889: mark resumed");
    expect("M889 J4", "M889: mark finished");
    expect("M889 J5", "M889: mark cancelled");
    expect("M889 J\"Started\"", "M889: mark started");
    expect("M889 J6", "range: J6: 1 started, 2 paused, 3 resumed, 4 finished, 5 cancelled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(m42_sets_an_output),
        cmocka_unit_test(m43_reports_points),
        cmocka_unit_test(m62_to_m65_set_with_and_without_motion),
        cmocka_unit_test(m66_waits_for_an_input_and_reports_it),
        cmocka_unit_test(m226_waits_for_a_state_and_reports_it),
        cmocka_unit_test(m80_and_m81_switch_the_power_if_there_is_a_psu),
        cmocka_unit_test(m412_is_for_the_filament_sensor),
        cmocka_unit_test(m999_is_ours_while_the_stop_is_latched),
        cmocka_unit_test(m889_says_how_the_job_stands),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
