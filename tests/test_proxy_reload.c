/* What a reload in mid-print changes, and what it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules_bench.h"

/* The fan is called pump, there is a lamp, and the door is on another io. */
static const char other_config[] = "name: test\n"
                                   "host: {port: /run/test}\n"
                                   "printer: {port: simulated}\n"
                                   "board: {port: simulated}\n"
                                   "points:\n"
                                   "  lamp: {io: 14, type: output}\n"
                                   "  pump: {io: 13, type: output}\n"
                                   "  light: {io: 12, type: output}\n"
                                   "  door: {io: 4, type: input, active: high, debounce: 0}\n"
                                   "rules: [rules.yaml]\n";

static void new_rules_and_points_are_there_at_once_in_mid_print(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: old, when: {gcode: M750}, do: [{say: old}]}\n"
          "  - {name: opened, when: {point: door, becomes: on}, do: [{set: {fan: on}}]}\n");
    job();
    says_numbered("M750");
    before = world.entries;
    reload(other_config, "rules:\n"
                         "  - {name: new, when: {gcode: M750}, do: [{say: new}]}\n"
                         "  - {name: print, when: {print: finished}, do: [{set: {lamp: on}}]}\n");
    assert_int_equal(told(before, "reload done"), 1);
    says_numbered("M750");
    says_numbered("M42 Ppump S1");
    says_numbered("M42 Pfan S1"); /* no point any more: the printer's */
    assert_int_equal(heard(0, "old"), 1);
    assert_int_equal(heard(before, "new"), 1);
    assert_true(fan()); /* the io of the pump */
    assert_int_equal(heard(before, "ok"), 3);
    sim_board_input(&world.board, DOOR, true, world.now);
    run_ms(500);
    assert_int_equal(told(before, "opened"), 0);
    assert_false(sim_board_output(&world.board, 14));
    says_numbered("M400");
    says("M105");
    run_ms(3000);
    assert_true(sim_board_output(&world.board, 14)); /* the job was the same one all the time */
}

static void plans_that_run_finish_as_they_were(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: opened, when: {point: door, becomes: on},\n"
          "     do: [{wait: 5s}, {say: as it was}, {set: {light: on}}, {wait: 5s},\n"
          "          {set: {light: off}}, {pulse: {point: light, for: 10s}}]}\n"
          "  - {name: shot, when: {gcode: M750}, do: [{wait: 7s}, {say: 'shot ${A}'}]}\n");
    door(true);
    says("M750 A12");
    before = world.entries;
    reload(other_config,
           "rules:\n"
           "  - {name: opened, when: {point: door, becomes: on}, do: [{say: new}]}\n");
    run_ms(6000);
    assert_int_equal(heard(before, "as it was"), 1);
    assert_true(light());
    assert_int_equal(heard(before, "ok"), 0);
    run_ms(3000);
    assert_int_equal(heard(before, "shot 12"), 1);
    assert_int_equal(heard(before, "ok"), 1);
    run_ms(2000);
    assert_true(light()); /* the pulse */
    reload(other_config, "rules: []\n");
    run_ms(10000);
    assert_false(light());
    assert_int_equal(told(before, "rule opened done"), 1);
    assert_int_equal(heard(before, "new"), 0);
}

static void a_plan_that_lost_its_point_ends_and_says_so(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: opened, when: {point: door, becomes: on},\n"
          "     do: [{wait: 5s}, {set: {fan: on}}, {say: never}]}\n"
          "  - {name: pulse, when: {point: door, becomes: on}, do: [{pulse: {point: fan, for: "
          "20s}}]}\n");
    door(true);
    assert_true(fan());
    reload(other_config, "rules: []\n");
    run_ms(1000);
    assert_false(fan()); /* the pulse could not end it later */
    run_ms(30000);
    assert_int_equal(heard(0, "error: point: rule opened: step 2 of 3: the point is gone"), 1);
    assert_int_equal(heard(0, "error: point: rule pulse: step 1 of 1: the point is gone"), 1);
    assert_int_equal(heard(0, "never"), 0);
}

static void a_point_that_is_another_thing_on_the_board_is_told(void **unused)
{
    static const char wrong[] = "name: test\nhost: {port: /run/test}\n"
                                "printer: {port: simulated}\nboard: {port: simulated}\n"
                                "points:\n"
                                "  light: {io: 12, type: output}\n"
                                "  lamp: {io: 5, type: output}\n"
                                "  door: {io: 13, type: input}\n"
                                "  air: {io: 6, type: dht}\n"
                                "  far: {io: 30, type: output}\n";

    (void)unused;
    begin("rules: []\n");
    assert_int_equal(told(0, " of the board is "), 0);
    reload(wrong, "rules: []\n");
    assert_int_equal(told(0, " of the board is "), 4);
    assert_int_equal(told(0, "point lamp: io 5 of the board is no output"), 1);
    assert_int_equal(told(0, "point door: io 13 of the board is an output"), 1);
    assert_int_equal(told(0, "point air: io 6 of the board is no sensor"), 1);
    assert_int_equal(told(0, "point far: io 30 of the board is not there"), 1);
    sim_board_reset(&world.board, world.now);
    run_ms(10000);
    assert_int_equal(told(0, " of the board is "), 8); /* it is online again */
}

/* All names are there, under other indices; only the fan is on another io. */
static const char other_order[] = "name: test\n"
                                  "host: {port: /run/test}\n"
                                  "printer: {port: simulated}\n"
                                  "board: {port: simulated}\n"
                                  "points:\n"
                                  "  button: {io: 2, type: input, active: high, debounce: 0}\n"
                                  "  door: {io: 3, type: input, active: high, debounce: 0}\n"
                                  "  fan: {io: 15, type: output}\n"
                                  "  light: {io: 12, type: output}\n"
                                  "rules: [rules.yaml]\n";

static void until_of_a_plan_that_runs_knows_its_point_by_name(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: long, when: {print: started}, do: [{wait: 1h}],\n"
          "     until: {point: door, becomes: on}}\n");
    job();
    reload(other_order, "rules: []\n");
    sim_board_input(&world.board, 2, true, world.now);
    run_ms(500);
    assert_int_equal(told(0, "rule long ended"), 0);
    door(true);
    assert_int_equal(told(0, "rule long ended point door on"), 1);
}

static void what_has_to_last_goes_on_lasting(void **unused)
{
    static const char rules[] =
        "rules:\n"
        "  - {name: open, when: {point: door, becomes: on, for: 10s}, do: [{say: lasted}]}\n";

    (void)unused;
    begin(rules);
    door(true);
    run_ms(5000);
    reload(other_order, rules);
    sim_board_input(&world.board, 2, true, world.now); /* another point */
    run_ms(4000);
    assert_int_equal(heard(0, "lasted"), 0);
    run_ms(1500);
    assert_int_equal(heard(0, "lasted"), 1);
    door(false);
    door(true);
    run_ms(5000);
    reload(config, rules);
    door(false);
    run_ms(20000);
    assert_int_equal(heard(0, "lasted"), 1);
    door(true);
    run_ms(5000);
    reload("name: test\nhost: {port: /run/test}\nprinter: {port: simulated}\nrules: [rules.yaml]\n",
           "rules: []\n"); /* nobody can say whether it lasts */
    run_ms(20000);
    assert_int_equal(heard(0, "lasted"), 1);
}

static void a_silence_counts_from_the_reload(void **unused)
{
    static const char rules[] =
        "rules:\n"
        "  - {name: silent, when: {host: silent, for: 2min}, do: [{set: {light: on}}]}\n";

    (void)unused;
    begin(rules);
    run_ms(90000);
    reload(config, rules);
    run_ms(90000);
    assert_false(light());
    run_ms(32000);
    assert_true(light());
    says("M42 Plight S0");
    run_ms(90000);
    reload(config, "rules: []\n"); /* nobody waits for it any more */
    run_ms(90000);
    assert_false(light());
}

static void a_pulse_ends_where_it_began(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: pulse, when: {gcode: M750},\n"
          "     do: [{pulse: {point: fan, for: 5s, times: 2, every: 10s}}, {set: {light: on}}]}\n");
    says("M750");
    assert_true(fan());
    before = world.entries;
    reload(other_order, "rules: []\n");
    run_ms(200);
    assert_false(fan());
    assert_false(sim_board_output(&world.board, 15)); /* not by itself */
    run_ms(8000);
    assert_false(sim_board_output(&world.board, 15));
    run_ms(3000);
    assert_true(sim_board_output(&world.board, 15)); /* the second one, where the fan is now */
    assert_int_equal(heard(before, "ok"), 0);
    run_ms(5000);
    assert_false(sim_board_output(&world.board, 15));
    assert_true(light());
    assert_int_equal(heard(before, "ok"), 1);
    assert_int_equal(heard(before, "error"), 0);
}

/* A point of the same name and io that is something else now. */
static void a_point_that_is_no_output_any_more_ends_what_switches_it(void **unused)
{
    (void)unused;
    begin(
        "rules:\n"
        "  - {name: pulse, when: {point: door, becomes: on}, do: [{pulse: {point: fan, for: "
        "5s}}]}\n"
        "  - {name: set, when: {point: door, becomes: on}, do: [{wait: 5s}, {set: {fan: on}}]}\n");
    door(true);
    assert_true(fan());
    reload("name: test\nhost: {port: /run/test}\nprinter: {port: simulated}\n"
           "board: {port: simulated}\n"
           "points:\n  fan: {io: 4, type: input}\n  light: {io: 12, type: output}\n",
           "rules: []\n");
    run_ms(200);
    assert_false(fan());
    run_ms(20000);
    assert_int_equal(heard(0, "error: point: rule pulse: step 1 of 1: the point is gone"), 1);
    assert_int_equal(heard(0, "error: point: rule set: step 2 of 2: the point is gone"), 1);
}

static void a_step_whose_point_is_gone_ends_its_plan(void **unused)
{
    static const char *const steps[] = {"{set: {fan: on}}",
                                        "{toggle: fan}",
                                        "{pulse: {point: fan, for: 1s}}",
                                        "{report: fan}",
                                        "{wait: {point: door, for: low}}",
                                        "{wait: {temperature: {air: '> 5C'}}}"};
    static const char with_air[] = "name: test\nhost: {port: /run/test}\n"
                                   "printer: {port: simulated}\nboard: {port: simulated}\n"
                                   "points:\n"
                                   "  fan: {io: 13, type: output}\n"
                                   "  door: {io: 3, type: input, active: high, debounce: 0}\n"
                                   "  air: {io: 4, type: dht}\n"
                                   "rules: [rules.yaml]\n";

    (void)unused;
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        char rules[200];

        begin("rules: []\n");
        snprintf(rules, sizeof rules,
                 "rules:\n  - {name: later, when: {point: door, becomes: on}, "
                 "do: [{wait: 2s}, %s, {say: never}]}\n",
                 steps[i]);
        reload(with_air, rules);
        door(true);
        reload("name: test\nhost: {port: /run/test}\nprinter: {port: simulated}\n"
               "board: {port: simulated}\npoints:\n  light: {io: 12, type: output}\n",
               "rules: []\n");
        run_ms(3000);
        assert_int_equal(heard(0, "rule later: step 2 of 3: the point is gone"), 1);
        assert_int_equal(heard(0, "never"), 0);
        tear_down(NULL);
    }
    begin("rules: []\n");
}

static void a_wait_looks_at_the_point_where_it_is_now(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: wait, when: {gcode: M750}, do: [{wait: {point: door, for: high}}, {say: "
          "passed}]}\n");
    sim_board_input(&world.board, 4, false, world.now);
    says("M750");
    reload(other_config, "rules: []\n"); /* the door is at io 4 */
    before = world.entries;
    door(true);
    run_ms(1000);
    assert_int_equal(heard(before, "passed"), 0);
    sim_board_input(&world.board, 4, true, world.now);
    run_ms(100);
    assert_int_equal(heard(before, "passed"), 1);
    assert_int_equal(heard(before, "ok"), 1);
}

static void a_wait_whose_point_is_gone_or_no_input_ends_and_the_line_gets_its_ok(void **unused)
{
    static const char *const points[] = {"  light: {io: 12, type: output}\n",
                                         "  door: {io: 14, type: output}\n"};

    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        char text[300];
        uint64_t before;

        begin("rules:\n"
              "  - {name: wait, when: {gcode: M750}, do: [{wait: {point: door, for: high}}, {say: "
              "never}]}\n");
        says("M750");
        before = world.entries;
        snprintf(text, sizeof text,
                 "name: test\nhost: {port: /run/test}\nprinter: {port: simulated}\n"
                 "board: {port: simulated}\npoints:\n%s",
                 points[i]);
        reload(text, "rules: []\n");
        run_ms(100);
        assert_int_equal(heard(before, "error: point: rule wait: step 1 of 2: the point is gone"),
                         1);
        assert_int_equal(heard(before, "ok"), 1);
        assert_int_equal(heard(before, "never"), 0);
        assert_false(sim_board_output(&world.board, 14));
        tear_down(NULL);
    }
    begin("rules: []\n");
}

/* Both ends of it: the rule that runs keeps its program's end, and what is said meanwhile is new.
 */
static void a_halt_goes_on_over_a_reload(void **unused)
{
    static const char halting[] = "name: test\nhost: {port: /run/test}\n"
                                  "printer: {port: simulated}\nboard: {port: simulated}\n"
                                  "points:\n"
                                  "  lamp: {io: 14, type: output}\n"
                                  "  fan: {io: 13, type: output, halt: on}\n"
                                  "  stop: {io: 3, type: input, active: high, debounce: 0}\n"
                                  "estop: {point: stop, reset_dtr: false}\n"
                                  "rules: [rules.yaml]\n";
    static const char again[] = "name: test\nhost: {port: /run/test}\n"
                                "printer: {port: simulated}\nboard: {port: simulated}\n"
                                "points:\n"
                                "  stop: {io: 4, type: input, active: high, debounce: 0}\n"
                                "  fan: {io: 13, type: output, halt: on}\n"
                                "  light: {io: 12, type: output, halt: off, start: on}\n"
                                "estop: {point: stop, reset_dtr: false}\n"
                                "rules: [rules.yaml]\n";
    uint64_t before, since;

    (void)unused;
    begin("rules: []\n");
    world.printer.manner.emergency_parser = false;
    sim_board_input(&world.board, 4, false, world.now);
    reload(halting, "rules: []\n");
    run_ms(500);
    assert_int_equal(told(0, "estop armed"), 1);
    says("M42 Plamp S1");
    job();
    for (int i = 0; i < 7; i++)
        says("G4 S3"); /* the printer reads no line until there is room in its queue */
    before = world.entries;
    sim_board_input(&world.board, DOOR, true, world.now);
    run_ms(100);
    assert_true(fan());
    assert_int_equal(told(before, "estop tripped"), 1);
    reload(again, "rules: []\n");
    since = world.entries;
    run_ms(2000);
    assert_int_equal(written(PROXY_PRINTER, since, "M112"), 8);
    run_ms(12000);
    assert_int_equal(told(before, "printer halted"), 1);
    assert_true(fan());
    assert_false(light());
    assert_true(sim_board_output(&world.board, 14));    /* nobody's any more, and left alone */
    assert_int_equal(told(before, "estop latched"), 1); /* the new button is released */
    says("M42 Pfan S0");
    assert_true(
        heard(before,
              "error: estop: rule M42: step 1 of 1: the emergency stop holds this output") >= 1);
    says("G1 X5");
    assert_true(fan());
    before = world.entries;
    says("M999");
    run_ms(500);
    assert_int_equal(told(before, "estop armed"), 1);
    assert_true(fan());
    assert_false(light());
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(new_rules_and_points_are_there_at_once_in_mid_print),
        TEST(plans_that_run_finish_as_they_were),
        TEST(a_plan_that_lost_its_point_ends_and_says_so),
        TEST(a_point_that_is_another_thing_on_the_board_is_told),
        TEST(until_of_a_plan_that_runs_knows_its_point_by_name),
        TEST(what_has_to_last_goes_on_lasting),
        TEST(a_silence_counts_from_the_reload),
        TEST(a_pulse_ends_where_it_began),
        TEST(a_point_that_is_no_output_any_more_ends_what_switches_it),
        TEST(a_step_whose_point_is_gone_ends_its_plan),
        TEST(a_wait_looks_at_the_point_where_it_is_now),
        TEST(a_wait_whose_point_is_gone_or_no_input_ends_and_the_line_gets_its_ok),
        TEST(a_halt_goes_on_over_a_reload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
