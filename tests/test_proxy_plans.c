/* How plans run and end, side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules_bench.h"

static void several_plans_run_each_at_its_own_place(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: a, when: {point: door, becomes: on}, do: [{wait: 1s}, {say: a1}, {wait: 4s}, "
          "{say: a2}]}\n"
          "  - {name: b, when: {point: door, becomes: on}, do: [{pulse: {point: fan, for: 2s}}, "
          "{say: b1}]}\n"
          "  - {name: c, when: {point: door, becomes: on}, do: [{wait: {point: door, for: low}}, "
          "{say: c1}]}\n"
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
    for (const char *const *end = (const char *const[]){"rule a done", "rule b done", "rule c done",
                                                        "rule d done", NULL};
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
          "  - {name: line, when: {gcode: M750}, do: [{pulse: {point: fan, for: 10s}}, {say: "
          "never}]}\n"
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

/* It was of use when it was told to switch; `board_back: keep` wants nothing of one that is lost. */
/* Restored is what was wanted last, and that is: off. */
static void a_pulse_that_ends_while_the_board_is_gone_is_off_when_it_is_back(void **unused)
{
    (void)unused;
    begin("rules: [{when: {point: door, becomes: on}, do: [{pulse: {point: light, for: 10s}}]}]\n");
    loaded.settings.point[0].board_back.kind = OCCASION_RESTORE;
    proxy_reload(&proxy, &loaded.settings, &loaded.ruleset, world.now);
    door(true);
    run_ms(1000);
    assert_true(light());
    world_unplug(&world, PROXY_BOARD);
    run_ms(20000);
    world_plug(&world, PROXY_BOARD);
    run_ms(20000);
    assert_false(light());
}

static void a_pulse_that_is_on_when_the_daemon_ends_goes_off(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {when: {point: door, becomes: on}, do: [{pulse: {point: light, for: 5s}}]}\n");
    door(true);
    run_ms(1000);
    assert_true(light());
    world_ask(&world, &(struct request){.kind = REQUEST_EXIT}, 7);
    run_ms(200);
    assert_true(world.answer.ok);
    assert_false(light());
}

static void an_output_that_is_let_go_of_was_not_switched(void **unused)
{
    static const char *const backs[] = {"keep", "restore"};

    (void)unused;
    for (size_t i = 0; i < sizeof backs / sizeof backs[0]; i++) {
        struct request request = {.kind = REQUEST_SET, .value = 255, .point = "light"};
        char text[300];

        begin("rules: []\n");
        snprintf(text, sizeof text,
                 "name: test\nhost: {port: /run/test}\nprinter: {port: simulated}\n"
                 "board: {port: simulated}\nrules: [rules.yaml]\n"
                 "points:\n  light: {io: 12, type: output, board_back: %s}\n", backs[i]);
        reload(text, "rules: []\n");
        world.port[PROXY_BOARD].played = true; /* it falls silent */
        world_ask(&world, &request, 7);
        says("M42 Plight S1");
        run_ms(15000);
        assert_int_equal(world.answers, 1);
        assert_false(world.answer.ok);
        assert_int_equal(heard(0, "error: board: rule M42: step 1 of 1: the IO board "), 1);
        tear_down(NULL);
    }
    begin("rules: []\n");
}

static void a_halt_ends_all_plans_tells_each_and_switches_their_pulses_off(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: line, when: {gcode: M750}, do: [{pulse: {point: fan, for: 10s}}, {say: "
          "never}]}\n"
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
          "  - {name: line, when: {gcode: M750}, do: [{wait: {point: door, for: high}}, {say: "
          "never}]}\n");
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

/* A rule with `for` is due when it has lasted, not before: what did not last changes nothing. */
static void what_did_not_last_does_not_begin_a_running_rule_again(void **unused)
{
    static const char *const again[] = {"restart", "ignore", "queue"};

    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        char rules[300];

        snprintf(rules, sizeof rules,
                 "rules:\n  - {name: open, when: {point: door, becomes: on, for: 3s}, again: %s,\n"
                 "     do: [{wait: 20s}, {say: passed}]}\n",
                 again[i]);
        begin(rules);
        door(true);
        run_ms(5000);
        door(false);
        door(true);
        run_ms(1000);
        door(false);
        run_ms(17500);
        assert_int_equal(told(0, "rule open started"), 1);
        assert_int_equal(told(0, "rule open ended"), 0);
        assert_int_equal(heard(0, "passed"), 1);
        run_ms(30000);
        assert_int_equal(heard(0, "passed"), 1);
        tear_down(NULL);
    }
    begin("rules: []\n");
}

static void what_has_lasted_again_begins_a_running_rule_as_it_says(void **unused)
{
    static const struct {
        const char *again;
        unsigned started, ended, passed;
    } expected[] = {{"restart", 2, 1, 1}, {"ignore", 1, 0, 1}, {"queue", 2, 0, 2}};

    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        char rules[300];

        snprintf(rules, sizeof rules,
                 "rules:\n  - {name: open, when: {point: door, becomes: on, for: 3s}, again: %s,\n"
                 "     do: [{wait: 20s}, {say: passed}]}\n",
                 expected[i].again);
        begin(rules);
        door(true);
        run_ms(5000);
        door(false);
        door(true);
        run_ms(60000);
        assert_int_equal(told(0, "rule open started"), expected[i].started);
        assert_int_equal(told(0, "rule open ended it begins anew"), expected[i].ended);
        assert_int_equal(heard(0, "passed"), expected[i].passed);
        tear_down(NULL);
    }
    begin("rules: []\n");
}

static void queued_plans_run_one_after_the_other_each_with_its_own_words(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: layer, when: {reply: 'layer (?<n>.*)'}, again: queue,\n"
          "     do: [{wait: 1s}, {say: 'at ${n}'}], until: {point: door, becomes: on}}\n");
    for (char line[] = "layer 0\n"; line[6] < '9'; line[6]++)
        reads(PROXY_PRINTER, line);
    run_ms(2000);
    assert_int_equal(heard(0, "at 0"), 1);
    assert_int_equal(heard(0, "at 1"), 1);
    assert_int_equal(heard(0, "at 2"), 0);
    assert_int_equal(told(0, "rule layer started"), 3);
    reload(config, "rules: []\n"); /* they belong to no rule any more, and finish as they were */
    run_ms(3000);
    assert_int_equal(heard(0, "at 4"), 1);
    assert_int_equal(told(0, "rule layer started"), 6);
    door(true);
    run_ms(10000);
    assert_int_equal(told(0, "rule layer started"), 6);
    assert_int_equal(told(0, "rule layer ended"), 1); /* the others had not begun */
    assert_int_equal(told(0, "rule layer done"), 5);
}

static void of_nine_that_wait_the_last_is_forgotten(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: layer, when: {reply: 'layer'}, again: queue, do: [{wait: 1s}, {say: here}]}\n");
    for (int i = 0; i < 10; i++)
        reads(PROXY_PRINTER, "layer\n");
    run_ms(20000);
    assert_int_equal(heard(0, "here"), 9);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(several_plans_run_each_at_its_own_place),
        TEST(until_ends_a_plan_tells_it_and_switches_its_pulse_off),
        TEST(a_pulse_that_ends_while_the_board_is_gone_is_off_when_it_is_back),
        TEST(a_pulse_that_is_on_when_the_daemon_ends_goes_off),
        TEST(m108_ends_the_plan_of_the_line_tells_it_and_switches_its_pulse_off),
        TEST(an_output_that_is_let_go_of_was_not_switched),
        TEST(a_halt_ends_all_plans_tells_each_and_switches_their_pulses_off),
        TEST(a_rule_begins_when_what_starts_it_has_lasted),
        TEST(what_did_not_last_does_not_begin_a_running_rule_again),
        TEST(what_has_lasted_again_begins_a_running_rule_as_it_says),
        TEST(queued_plans_run_one_after_the_other_each_with_its_own_words),
        TEST(of_nine_that_wait_the_last_is_forgotten),
        TEST(sioctl_continue_ends_a_wait_as_m108_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
