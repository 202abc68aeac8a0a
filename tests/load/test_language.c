/* The rules language that is more than gcode: what each word becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/load.h"
#include "route/estop.h"
#include "route/print_job.h"
#include "route/router.h"

static const char config[] = "printer: {port: simulated}\n"
                             "board: {port: simulated}\n"
                             "points:\n"
                             "  light: {io: 12, type: output}\n"
                             "  relay: {io: 13, type: output}\n"
                             "  door: {io: 0, type: input}\n"
                             "  stop: {io: 1, type: input}\n"
                             "  air: {io: 4, type: dht}\n"
                             "psu: {point: relay}\n"
                             "estop: {point: stop}\n"
                             "filament: {point: door}\n"
                             "programs: {photo: {path: /bin/true}, notify: {path: /bin/false}}\n"
                             "mcodes: none\n"
                             "rules: [r.yaml]\n";
enum { LIGHT, RELAY, DOOR, STOP, AIR };

static struct loaded loaded;
static char *told;

/* Loads rules; without mistakes, or they are in `told`. */
static bool load(const char *rules)
{
    const struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources;
    size_t length;
    FILE *to;
    bool ok;

    free(told);
    to = open_memstream(&told, &length);
    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, "x.yaml", span_of(config)));
    assert_true(sources_add(&sources, "r.yaml", span_of(rules)));
    ok = load_all(&sources, &environment, &mistakes, &loaded);
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

/* The only rule, from its YAML without "rules:\n  - ". */
static const struct rule *rule_of(const char *yaml)
{
    char text[1000];

    if (told != NULL) {
        loaded_free(&loaded);
    }
    snprintf(text, sizeof(text), "rules:\n  - %s\n", yaml);
    if (!load(text)) {
        fail_msg("%s", told);
    }
    assert_int_equal(loaded.rules, 1);
    return ruleset_rule(&loaded.ruleset, 0);
}

static const struct when *when_of(const char *yaml)
{
    char text[300];

    snprintf(text, sizeof(text), "{when: %s, do: [{say: x}]}", yaml);
    return &rule_of(text)->when;
}

static void every_event_becomes_a_when(void **unused)
{
    const struct when *when;

    (void)unused;
    when = when_of("{point: door, becomes: off, for: 300ms}");
    assert_int_equal(when->kind, WHEN_POINT);
    assert_int_equal(when->point, DOOR);
    assert_int_equal(when->becomes, BECOMES_OFF);
    assert_int_equal(when->for_ms, 300);
    assert_int_equal(when_of("{point: door, becomes: yes}")->becomes, BECOMES_ON);
    assert_int_equal(when_of("{point: door, becomes: change}")->becomes, BECOMES_CHANGE);
    assert_int_equal(when_of("{point: door, becomes: unknown}")->becomes, BECOMES_UNKNOWN);
    when = when_of("{print: [started, failed]}");
    assert_int_equal(when->kind, WHEN_PRINT);
    assert_int_equal(when->facts, 1u << PRINT_STARTED_FACT | 1u << PRINT_FAILED_FACT);
    when = when_of("{printer: halted}");
    assert_int_equal(when->kind, WHEN_PRINTER);
    assert_int_equal(when->facts, 1u << FACT_PRINTER_HALTED);
    when = when_of("{host: silent, for: 10min}");
    assert_int_equal(when->kind, WHEN_HOST);
    assert_int_equal(when->facts, 1u << FACT_HOST_SILENT);
    assert_int_equal(when->for_ms, 600000);
    when = when_of("{board: lost}");
    assert_int_equal(when->kind, WHEN_BOARD);
    assert_int_equal(when->facts, 1u << FACT_BOARD_LOST);
    when = when_of("{every: 30s}");
    assert_int_equal(when->kind, WHEN_EVERY);
    assert_int_equal(when->every_ms, 30000);
    assert_int_equal(when_of("start")->kind, WHEN_START);
    assert_int_equal(when_of("{start: on}")->kind, WHEN_START);
}

static void a_temperature_is_of_a_heater_or_of_a_sensor(void **unused)
{
    const struct when *when;

    (void)unused;
    when = when_of("{temperature: {tool2: '>= 50C'}}");
    assert_int_equal(when->kind, WHEN_TEMPERATURE);
    assert_int_equal(when->heater, 'T');
    assert_int_equal(when->heater_index, 2);
    assert_int_equal(when->point, POINT_NONE);
    assert_int_equal(when->comparison, IS_AT_LEAST);
    assert_int_equal(when->threshold, 50000);
    when = when_of("{temperature: {air: '< 17.5C'}}");
    assert_int_equal(when->heater, 0);
    assert_int_equal(when->point, AIR);
    assert_int_equal(when->comparison, IS_BELOW);
    assert_int_equal(when->threshold, 17500);
}

static void a_reply_has_a_pattern_and_its_captures(void **unused)
{
    const struct rule *rule = rule_of("{when: {reply: 'layer (?<n>\\d+)'}, if: {n: [1, 2]}, "
                                      "do: [{say: 'layer ${n}'}]}");
    struct step_values values;
    struct rule_world world;

    (void)unused;
    rule_world_init(&world);
    assert_int_equal(rule->when.kind, WHEN_REPLY);
    assert_true(ruleset_replies(&loaded.ruleset, rule, SPAN("echo:layer 2"), &values));
    assert_true(ruleset_holds(rule, &loaded.settings, &world, &values));
    assert_true(ruleset_replies(&loaded.ruleset, rule, SPAN("echo:layer 3"), &values));
    assert_false(ruleset_holds(rule, &loaded.settings, &world, &values));
}

static void a_rule_without_a_name_is_called_by_what_it_waits_for(void **unused)
{
    (void)unused;
    assert_string_equal(rule_of("{when: {print: [started, failed]}, do: [pause]}")->name.data,
                        "print started");
    assert_string_equal(rule_of("{when: {point: door, becomes: on}, do: [pause]}")->name.data,
                        "point door");
    assert_string_equal(rule_of("{when: {temperature: {bed: '> 5C'}}, do: [pause]}")->name.data,
                        "temperature bed");
    assert_string_equal(rule_of("{when: start, do: [pause]}")->name.data, "start");
    assert_string_equal(rule_of("{when: {gcode: 'M7 .*'}, do: [pause]}")->name.data, "M7 .*");
}

static void until_and_again_say_how_a_plan_ends(void **unused)
{
    const struct rule *rule =
        rule_of("{when: {print: finished}, do: [{wait: 1h}], until: {print: started}}");

    (void)unused;
    assert_int_equal(rule->until.kind, WHEN_PRINT);
    assert_int_equal(rule->until.facts, 1u << PRINT_STARTED_FACT);
    assert_int_equal(rule->again, AGAIN_RESTART);
    rule = rule_of("{when: {print: finished}, do: [{wait: 1h}], again: ignore}");
    assert_int_equal(rule->until.kind, WHEN_NEVER);
    assert_int_equal(rule->again, AGAIN_IGNORE);
    assert_int_equal(rule_of("{when: start, do: [{wait: 1h}], again: queue}")->again, AGAIN_QUEUE);
    rule = rule_of("{when: {gcode: M1}, do: [{wait: 1h}], until: {point: door, becomes: on}}");
    assert_int_equal(rule->until.point, DOOR);
}

/* Does the `if` hold? The world is changed first. */
static struct rule_world world;

static bool if_holds(const char *yaml)
{
    static const struct step_values values;
    char text[300];

    snprintf(text, sizeof(text), "{when: start, if: %s, do: [pause]}", yaml);
    return ruleset_holds(rule_of(text), &loaded.settings, &world, &values);
}

static void every_condition_looks_at_its_part_of_the_world(void **unused)
{
    (void)unused;
    rule_world_init(&world);
    assert_true(if_holds("{print: idle, printer: offline, host: disconnected, board: lost, "
                         "estop: none, filament: none, psu: none, point: {door: unknown}}"));
    world.print = PRINT_PAUSED;
    assert_true(if_holds("{print: [printing, paused]}"));
    assert_false(if_holds("{print: printing}"));
    world.printer = PRINTER_ONLINE;
    assert_true(if_holds("{printer: online}"));
    assert_false(if_holds("{printer: [offline, silent, halted]}"));
    world.host = FACT_HOST_CONNECTED;
    assert_true(if_holds("{host: connected}"));
    world.board = FACT_BOARD_ONLINE;
    assert_true(if_holds("{board: online}"));
    world.point[DOOR] = POINT_OFF;
    assert_true(if_holds("{point: {door: [off, unknown], light: unknown}}"));
    assert_true(if_holds("{point: {door: no}}"));
    assert_false(if_holds("{point: {door: on}}"));
    assert_false(if_holds("{estop: any}"));
    world.estop = ESTOP_LATCHED;
    assert_true(if_holds("{estop: any}"));
    assert_true(if_holds("{estop: latched}"));
    assert_false(if_holds("{estop: tripped}"));
    world.filament = WORLD_FILAMENT_MISSING;
    assert_true(if_holds("{filament: missing}"));
    world.psu = WORLD_PSU_OFF;
    assert_true(if_holds("{psu: off}"));
    assert_true(if_holds("{psu: any}"));
    assert_false(if_holds("{psu: on}"));
    assert_false(if_holds("{temperature: {bed: '< 50C'}}"));
    world.heaters = 1;
    world.heater[0].name = 'B';
    world.heater[0].degree = 49000;
    world.degree[AIR] = 30000;
    assert_true(if_holds("{temperature: {bed: '< 50C', air: '> 20C'}}"));
    assert_false(if_holds("{not: {temperature: {bed: '< 50C'}, print: paused}}"));
    assert_true(if_holds("{not: {temperature: {bed: '< 50C'}, print: printing}}"));
    assert_true(if_holds("{point: any}"));
}

static void every_step_has_its_arguments(void **unused)
{
    const struct rule *rule = rule_of(
        "{when: start, do: [pause, resume, cancel, start, estop, {notify: hi}, {power: yes}, "
        "{power: {off: true, after: 60s, when: cool}}, {run: {program: notify, args: [a b, c], "
        "timeout: 1s}}, {wait: {temperature: {tool0: '< 50C'}, timeout: 1h, else: [{say: hot}]}}, "
        "{report: estop}, {filament: rearm}, {mark: started}, {reset: estop}]}");
    static const enum step_kind kinds[] = {
        STEP_PAUSE,  STEP_RESUME, STEP_CANCEL,   STEP_START, STEP_TRIP,
        STEP_NOTIFY, STEP_POWER,  STEP_POWER,    STEP_RUN,   STEP_WAIT_TEMPERATURE,
        STEP_SAY,    STEP_REPORT, STEP_FILAMENT, STEP_MARK,  STEP_RESET};

    (void)unused;
    assert_int_equal(rule->steps, 15);
    for (unsigned i = 0; i < 15; i++) {
        assert_int_equal(rule->step[i].kind, kinds[i]);
    }
    assert_true(span_equal(rule->step[5].argument[0], SPAN("hi")));
    assert_true(span_equal(rule->step[6].argument[0], SPAN("on")));
    assert_true(span_equal(rule->step[7].argument[0], SPAN("off")));
    assert_true(span_equal(rule->step[7].argument[1], SPAN("60s")));
    assert_true(span_equal(rule->step[7].argument[2], SPAN("cool")));
    assert_true(span_equal(rule->step[8].argument[1], SPAN("a b\0c\0")));
    assert_int_equal(rule->step[9].otherwise, 1);
    assert_true(span_equal(rule->step[9].argument[0], SPAN("tool0")));
    assert_true(span_equal(rule->step[9].argument[1], SPAN("< 50C")));
    assert_true(span_equal(rule->step[9].argument[2], SPAN("1h")));
    assert_int_equal(rule->step[11].argument[0].length, 0);
    assert_true(span_equal(rule->step[11].argument[1], SPAN("estop")));
}

static void what_a_program_gets_has_bounds(void **unused)
{
    char text[2000] = "- {when: start, do: [{run: {program: photo, args: [";

    (void)unused;
    for (unsigned i = 0; i < 33; i++) {
        strcat(text, "a, ");
    }
    strcat(text, "]}}]}\n");
    assert_false(load(text));
    assert_string_equal(told, "r.yaml:1:51: error: do.run.args: 33 arguments, at most 32\n");
    snprintf(text, sizeof(text),
             "- {when: start, do: [{run: {program: photo, args: [%0600d]}}, {say: %0424d}]}\n", 1,
             2);
    assert_false(load(text));
    assert_string_equal(told, "r.yaml:1:17: error: do: 1025 bytes of text to say and send, at "
                              "most 1024\n");
    free(told);
    told = NULL;
}

/* Whatever loads can be prepared without a line, unless it says otherwise. */
static void what_was_read_can_be_prepared(void **unused)
{
    static const char *const steps[] = {
        "pause",
        "{power: on}",
        "{power: {off: true, after: 5min}}",
        "{filament: off}",
        "{run: {program: photo}}",
        "{run: {program: notify, args: [x]}}",
        "{mark: finished}",
        "{report: filament}",
        "{report: relay}",
        "{wait: {temperature: {air: '>5C'}}}",
        "{wait: {temperature: {chamber: '<= 5.5 C'}, timeout: 1s}}",
        "{notify: done}",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        char text[200], why_memory[200], plan_memory[100];
        struct text why = TEXT_IN(why_memory), plan = TEXT_IN(plan_memory);
        const struct step_values values = {0};
        const struct rule *rule;
        struct step_ready ready;

        snprintf(text, sizeof(text), "{when: start, do: [%s]}", steps[i]);
        rule = rule_of(text);
        if (step_prepare(&rule->step[0], &values, &loaded.settings, &plan, &why, &ready) !=
            STEP_OK) {
            fail_msg("%s: %.*s", steps[i], (int)why.length, why.data);
        }
    }
}

static void reply_patterns_count_among_those_tried_on_each_line(void **unused)
{
    char text[4000] = "rules:\n";

    (void)unused;
    for (unsigned i = 0; i < 33; i++) {
        char rule[100];

        snprintf(rule, sizeof(rule),
                 i % 2 == 0 ? "- {when: {reply: 'x%u'}, do: [pause]}\n"
                            : "- {when: {gcode: '.. S%u'}, do: [pause]}\n",
                 i);
        strcat(text, rule);
    }
    assert_false(load(text));
    assert_non_null(strstr(told, "r.yaml:34:18: error: more than 32 patterns"));
    free(told);
    told = NULL;
}

#define SENTENCE(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(every_event_becomes_a_when),
        SENTENCE(a_temperature_is_of_a_heater_or_of_a_sensor),
        SENTENCE(a_reply_has_a_pattern_and_its_captures),
        SENTENCE(a_rule_without_a_name_is_called_by_what_it_waits_for),
        SENTENCE(until_and_again_say_how_a_plan_ends),
        SENTENCE(every_condition_looks_at_its_part_of_the_world),
        SENTENCE(every_step_has_its_arguments),
        SENTENCE(what_was_read_can_be_prepared),
        cmocka_unit_test(what_a_program_gets_has_bounds),
        cmocka_unit_test(reply_patterns_count_among_those_tried_on_each_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
