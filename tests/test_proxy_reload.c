/* How plans end, side by side, and what a reload in mid-print changes. */
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
    reload(other_config, "rules:\n"
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
          "  - {name: pulse, when: {point: door, becomes: on}, do: [{pulse: {point: fan, for: 20s}}]}\n");
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

static void several_plans_run_each_at_its_own_place(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: a, when: {point: door, becomes: on}, do: [{wait: 1s}, {say: a1}, {wait: 4s}, {say: a2}]}\n"
          "  - {name: b, when: {point: door, becomes: on}, do: [{pulse: {point: fan, for: 2s}}, {say: b1}]}\n"
          "  - {name: c, when: {point: door, becomes: on}, do: [{wait: {point: door, for: low}}, {say: c1}]}\n"
          "  - {name: d, when: {point: door, becomes: off}, do: [{wait: 30s}, {say: d1}]}\n"
          "  - {name: e, when: {gcode: M750}, do: [{wait: 3s}, {say: e1}]}\n");
    door(true);
    says("M750");
    before = world.entries;
    run_ms(1000);
    assert_int_equal(heard(before, "a1"), 1);
    assert_true(fan());
    run_ms(1000);
    assert_false(fan());
    assert_int_equal(heard(before, "b1"), 1);
    door(false);
    assert_int_equal(heard(before, "c1"), 1);
    run_ms(1000);
    assert_int_equal(heard(before, "e1"), 1);
    assert_int_equal(heard(before, "a2"), 0);
    run_ms(2000);
    assert_int_equal(heard(before, "a2"), 1);
    assert_int_equal(heard(before, "d1"), 0);
    run_ms(28000);
    assert_int_equal(heard(before, "d1"), 1);
    for (const char *const *end =
             (const char *const[]){"rule a done", "rule b done", "rule c done", "rule d done", NULL};
         *end != NULL; end++)
        assert_int_equal(told(before, *end), 1);
}

static void until_ends_a_plan_tells_it_and_switches_its_pulse_off(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: flash, when: {point: door, becomes: on},\n"
          "     do: [{pulse: {point: light, for: 10s, times: 5, every: 20s}}, {say: never}],\n"
          "     until: {point: door, becomes: off}}\n"
          "  - {name: line, when: {gcode: M750}, until: {point: door, becomes: off},\n"
          "     do: [{pulse: {point: fan, for: 10s}}, {say: never}]}\n");
    door(true);
    says("M750");
    assert_true(light() && fan());
    assert_int_equal(heard(0, "ok"), 0);
    door(false);
    run_ms(200);
    assert_false(light() || fan());
    assert_int_equal(told(0, "rule flash ended point door off"), 1);
    assert_int_equal(told(0, "rule line ended point door off"), 1);
    assert_int_equal(heard(0, "ok"), 1); /* the line's */
    run_ms(30000);
    assert_false(light() || fan());
    assert_int_equal(heard(0, "never"), 0);
}

static void m108_ends_the_plan_of_the_line_tells_it_and_switches_its_pulse_off(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: line, when: {gcode: M750}, do: [{pulse: {point: fan, for: 10s}}, {say: never}]}\n"
          "  - {name: other, when: {point: door, becomes: on}, do: [{wait: 5s}, {say: other}]}\n");
    door(true);
    says("M750");
    assert_true(fan());
    says("M108");
    run_ms(200);
    assert_false(fan());
    assert_int_equal(told(0, "rule line ended M108"), 1);
    assert_true(heard(0, "ok") >= 1);
    run_ms(6000);
    assert_int_equal(heard(0, "never"), 0);
    assert_int_equal(heard(0, "other"), 1); /* which does not hold the stream: it goes on */
}

static void a_halt_ends_all_plans_tells_each_and_switches_their_pulses_off(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: line, when: {gcode: M750}, do: [{pulse: {point: fan, for: 10s}}, {say: never}]}\n"
          "  - {name: flash, when: {point: door, becomes: on},\n"
          "     do: [{pulse: {point: light, for: 10s, times: 5, every: 20s}}, {say: never}]}\n"
          "  - {name: held, when: {point: door, becomes: on, for: 10s}, do: [{say: never}]}\n");
    door(true);
    says("M750");
    assert_true(light() && fan());
    says("M112");
    run_ms(200);
    assert_false(light() || fan());
    assert_int_equal(heard(0, "error: estop: rule line: step 1 of 2: the printer is halted"), 1);
    assert_int_equal(heard(0, "error: estop: rule flash: step 1 of 2: the printer is halted"), 1);
    assert_int_equal(told(0, "rule held"), 0); /* it had not begun */
    run_ms(60000);
    assert_false(light() || fan());
    assert_int_equal(heard(0, "never"), 0);
}

static void a_rule_begins_when_what_starts_it_has_lasted(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: open, when: {point: door, becomes: on, for: 3s}, do: [{say: open}]}\n");
    door(true);
    run_ms(2000);
    door(false);
    run_ms(5000);
    assert_int_equal(told(0, "rule open"), 0);
    door(true);
    run_ms(4000);
    assert_int_equal(told(0, "rule open started"), 1);
    assert_int_equal(told(0, "rule open done"), 1);
    assert_int_equal(heard(0, "open"), 1);
}

static void sioctl_continue_ends_a_wait_as_m108_does(void **unused)
{
    const struct request request = {.kind = REQUEST_CONTINUE};

    (void)unused;
    begin("rules:\n"
          "  - {name: line, when: {gcode: M750}, do: [{wait: {point: door, for: high}}, {say: never}]}\n");
    world_ask(&world, &request, 1);
    assert_false(world.answer.ok);
    says("M750");
    world_ask(&world, &request, 2);
    assert_true(world.answer.ok);
    run_ms(100);
    assert_int_equal(told(0, "rule line ended sioctl continue"), 1);
    assert_int_equal(heard(0, "never"), 0);
    assert_int_equal(heard(0, "ok"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(new_rules_and_points_are_there_at_once_in_mid_print),
        TEST(plans_that_run_finish_as_they_were),
        TEST(a_plan_that_lost_its_point_ends_and_says_so),
        TEST(several_plans_run_each_at_its_own_place),
        TEST(until_ends_a_plan_tells_it_and_switches_its_pulse_off),
        TEST(m108_ends_the_plan_of_the_line_tells_it_and_switches_its_pulse_off),
        TEST(a_halt_ends_all_plans_tells_each_and_switches_their_pulses_off),
        TEST(a_rule_begins_when_what_starts_it_has_lasted),
        TEST(sioctl_continue_ends_a_wait_as_m108_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
