/* `run`: what the core orders, and what becomes of the rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules_bench.h"

static const char photo_rule[] =
    "rules:\n"
    "  - name: photo\n"
    "    when: {gcode: M765}\n"
    "    do:\n"
    "      - run: {program: photo, args: ['--layer', '${L}', 'a  b', '${A}']}\n"
    "      - say: done\n";

static bool has(const char *part)
{
    assert_true(runs > 0);
    return span_contains(span_of(ran[(runs - 1) % 16]), span_of(part));
}

static void begin_lasting(const char *rules)
{
    programs_last = true;
    begin(rules);
}

static unsigned running(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < PROXY_PROGRAMS; i++)
        count += world.program[i];
    return count;
}

static void a_program_gets_its_arguments_and_what_happened(void **unused)
{
    (void)unused;
    begin(photo_rule);
    says("M765 L7 A\"x; y\"");
    assert_int_equal(runs, 1);
    assert_true(has("photo --layer 7 a  b x; y SIOPROXY_DAEMON=test SIOPROXY_RULE=photo "
                    "SIOPROXY_EVENT=gcode SIOPROXY_NAME=M765 SIOPROXY_STATE= "
                    "SIOPROXY_CAUSE=M765 L7 A\"x; y\" SIOPROXY_PRINT=idle SIOPROXY_FILE= "));
    assert_int_equal(ordered(0, "run 0 /etc/sioproxy/photo.sh"), 1);
    assert_int_equal(heard(0, "done"), 1);
    assert_int_equal(told(0, "program photo: started"), 1);
}

static void what_a_program_is_told_of_an_event_is_what_watch_shows(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: door, when: {point: door, becomes: on}, do: [{run: {program: photo}}]}\n"
          "  - {name: job, when: {print: started}, do: [{run: {program: photo}}]}\n"
          "  - {name: beat, when: {every: 30s}, do: [{run: {program: photo}}]}\n"
          "  - {name: hello, when: {reply: 'echo:Unknown.*'}, do: [{run: {program: photo}}]}\n");
    door(true);
    assert_true(has("SIOPROXY_RULE=door SIOPROXY_EVENT=point SIOPROXY_NAME=door SIOPROXY_STATE=on "
                    "SIOPROXY_CAUSE=board report SIOPROXY_PRINT=idle"));
    says("M12345");
    assert_true(has("SIOPROXY_RULE=hello SIOPROXY_EVENT=reply SIOPROXY_NAME= SIOPROXY_STATE= "
                    "SIOPROXY_CAUSE=echo:Unknown command: \"M12345\""));
    job();
    assert_true(has("SIOPROXY_RULE=job SIOPROXY_EVENT=print SIOPROXY_NAME= SIOPROXY_STATE=started "
                    "SIOPROXY_CAUSE="));
    assert_true(has("SIOPROXY_PRINT=printing"));
    run_ms(30000);
    assert_true(has("SIOPROXY_RULE=beat SIOPROXY_EVENT=every SIOPROXY_NAME= "));
}

static void the_stream_waits_for_the_program_and_says_so(void **unused)
{
    struct status status;

    (void)unused;
    begin_lasting(photo_rule);
    says("M765");
    says("M106 S1");
    assert_int_equal(heard(0, "ok"), 0);
    proxy_status(&proxy, world.now, &status);
    assert_true(status.waiting);
    assert_string_equal(status.waiting_for, "program photo");
    assert_int_equal(status.waiting_timeout_ms, 10000);
    run_ms(3000);
    assert_true(heard(0, "echo:busy: processing") > 0);
    world_program_ends(&world, 0, SPAN_NONE);
    run_ms(50);
    assert_int_equal(heard(0, "done"), 1);
    assert_int_equal(heard(0, "ok"), 2);
}

static void a_program_that_fails_ends_its_rule(void **unused)
{
    (void)unused;
    begin_lasting(photo_rule);
    says("M765");
    world_program_ends(&world, 0, SPAN("status 3"));
    run_ms(50);
    assert_int_equal(heard(0, "echo:sioproxy error: usage: rule photo: step 1 of 2: "
                              "photo: status 3"), 1);
    assert_int_equal(heard(0, "done"), 0);
    assert_int_equal(heard(0, "ok"), 1);
}

static void a_program_whose_time_is_over_is_asked_to_end_and_then_killed(void **unused)
{
    (void)unused;
    begin_lasting("rules:\n"
                  "  - {name: door, when: {point: door, becomes: on},\n"
                  "     do: [{run: {program: notify, timeout: 3s}}, {say: done}]}\n");
    door(true);
    run_ms(2900);
    assert_int_equal(ordered(0, "end"), 0);
    run_ms(100);
    assert_int_equal(ordered(0, "end 0 please"), 1);
    run_ms(1900);
    assert_int_equal(ordered(0, "end 0 at once"), 0);
    run_ms(200);
    assert_int_equal(ordered(0, "end 0 at once"), 1);
    run_ms(60000);
    assert_int_equal(ordered(0, "end"), 2);
    world_program_ends(&world, 0, SPAN("ended by signal 9 (Killed)"));
    assert_int_equal(heard(0, "rule door: step 1 of 2: notify: not done after 3s"), 1);
    assert_int_equal(heard(0, "done after"), 1);
}

static void the_time_limit_is_the_steps_or_the_programs(void **unused)
{
    (void)unused;
    begin_lasting("rules:\n"
                  "  - {name: door, when: {point: door, becomes: on}, do: [{run: {program: notify}}]}\n");
    door(true);
    run_ms(4800);
    assert_int_equal(ordered(0, "end"), 0);
    run_ms(300);
    assert_int_equal(ordered(0, "end 0 please"), 1);
}

static void four_run_at_once_and_the_fifth_is_refused(void **unused)
{
    (void)unused;
    begin_lasting("rules:\n"
                  "  - {name: a, when: {point: door, becomes: on}, do: [{run: {program: photo}}]}\n"
                  "  - {name: b, when: {point: door, becomes: on}, do: [{run: {program: photo}}]}\n"
                  "  - {name: c, when: {point: door, becomes: on}, do: [{run: {program: notify}}]}\n"
                  "  - {name: d, when: {point: door, becomes: on}, do: [{run: {program: photo}}]}\n"
                  "  - {name: e, when: {point: door, becomes: on}, do: [{run: {program: photo}}]}\n");
    door(true);
    assert_int_equal(runs, 4);
    assert_int_equal(running(), 4);
    assert_int_equal(heard(0, "rule e: step 1 of 1: four programs run already"), 1);
    world_program_ends(&world, 2, SPAN_NONE);
    door(false);
    door(true); /* `again: restart`: a to d begin anew, but only one place is free */
    assert_int_equal(runs, 5);
    assert_int_equal(running(), 4);
}

static void m108_ends_the_wait_for_a_program_but_not_the_program(void **unused)
{
    (void)unused;
    begin_lasting(photo_rule);
    says("M765");
    says("M108");
    assert_int_equal(heard(0, "done"), 0);
    assert_true(heard(0, "ok") >= 1);
    assert_int_equal(running(), 1);
    world_program_ends(&world, 0, SPAN("status 9"));
    assert_int_equal(heard(0, "echo:sioproxy photo: status 9"), 1); /* it is told all the same */
}

static void a_halt_ends_the_rule_but_not_the_program(void **unused)
{
    (void)unused;
    begin_lasting("rules:\n"
                  "  - {name: door, when: {point: door, becomes: on},\n"
                  "     do: [{run: {program: photo}}, {set: {light: on}}]}\n");
    door(true);
    says("M112");
    assert_int_equal(running(), 1);
    world_program_ends(&world, 0, SPAN_NONE);
    run_ms(500);
    assert_false(light());
}

static void a_late_end_belongs_to_no_later_plan(void **unused)
{
    (void)unused;
    begin_lasting("rules:\n"
                  "  - {name: door, when: {point: door, becomes: on},\n"
                  "     do: [{run: {program: photo}}, {toggle: light}]}\n");
    door(true);
    door(false);
    door(true); /* begun anew, in the same place */
    assert_int_equal(running(), 2);
    world_program_ends(&world, 0, SPAN_NONE);
    run_ms(100);
    assert_false(light());
    world_program_ends(&world, 1, SPAN_NONE);
    run_ms(100);
    assert_true(light());
}

static void a_plan_finds_its_program_after_a_reload_by_name(void **unused)
{
    static const char rules[] =
        "rules:\n"
        "  - {name: door, when: {point: door, becomes: on},\n"
        "     do: [{wait: 10s}, {run: {program: notify}}, {run: {program: photo}}]}\n";
    static const char other[] = "name: test\n"
                                "host: {port: /run/test}\n"
                                "printer: {port: simulated}\n"
                                "board: {port: simulated}\n"
                                "points:\n"
                                "  door: {io: 3, type: input, active: high, debounce: 0}\n"
                                "programs: {notify: {path: /bin/notify}}\n"
                                "rules: [rules.yaml]\n";

    (void)unused;
    begin(rules);
    door(true);
    reload(other, "rules: []\n");
    run_ms(11000);
    assert_int_equal(runs, 1);
    assert_true(has("notify "));
    assert_int_equal(ordered(0, "run 0 /bin/notify"), 1);
    assert_int_equal(heard(0, "step 3 of 3: the program is gone from the config"), 1);
}

static void an_end_that_nobody_waits_for_is_ignored(void **unused)
{
    (void)unused;
    begin(photo_rule);
    for (int64_t i = -1; i < 6; i++)
        proxy_input(&proxy, &(struct proxy_input){.kind = PROXY_ENDED, .number = i}, world.now);
    assert_null(proxy_check(&proxy));
}

static void an_argument_cannot_become_two_or_end_a_variable(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: any, when: {gcode: 'M765 (?<x>.*)'}, do: [{run: {program: photo, args: ['${x}']}}]}\n");
    says("M765 a\tb\x01 c");
    assert_int_equal(runs, 1);
    assert_null(strchr(ran[0], '\x01'));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_program_gets_its_arguments_and_what_happened),
        TEST(what_a_program_is_told_of_an_event_is_what_watch_shows),
        TEST(the_stream_waits_for_the_program_and_says_so),
        TEST(a_program_that_fails_ends_its_rule),
        TEST(a_program_whose_time_is_over_is_asked_to_end_and_then_killed),
        TEST(the_time_limit_is_the_steps_or_the_programs),
        TEST(four_run_at_once_and_the_fifth_is_refused),
        TEST(m108_ends_the_wait_for_a_program_but_not_the_program),
        TEST(a_halt_ends_the_rule_but_not_the_program),
        TEST(a_late_end_belongs_to_no_later_plan),
        TEST(a_plan_finds_its_program_after_a_reload_by_name),
        TEST(an_end_that_nobody_waits_for_is_ignored),
        TEST(an_argument_cannot_become_two_or_end_a_variable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
