#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules_bench.h"

static void a_mark_is_told_by_its_own_line(void **unused)
{
    struct world_entry entry;
    unsigned found = 0;

    (void)unused;
    begin("rules: []\n");
    world_write(&world, PROXY_HOST, SPAN("M889 J1\nM105\n")); /* both are there at once */
    run_ms(50);
    for (uint64_t i = 0; i < world.entries; i++) {
        if (world_journal(&world, i, &entry) && entry.kind == WORLD_EVENT &&
            span_contains((struct span){entry.text, entry.length}, SPAN("print")) &&
            span_contains((struct span){entry.text, entry.length}, SPAN("started"))) {
            assert_true(span_contains((struct span){entry.text, entry.length}, SPAN("M889 J1")));
            found++;
        }
    }
    assert_int_equal(found, 1);
}

static void the_light_follows_the_print(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: on, when: {print: started}, do: [{set: {light: on}}]}\n"
          "  - {name: off, when: {print: [finished, cancelled]},\n"
          "     do: [{wait: 10min}, {set: {light: off}}], until: {print: started}}\n");
    job();
    assert_true(light());
    says_numbered("M400");
    says("M105");
    run_ms(9 * 60000);
    assert_true(light());
    job(); /* the next one ends what was to switch it off */
    says_numbered("M400");
    says("M105");
    run_ms(5 * 60000);
    assert_true(light());
    run_ms(6 * 60000);
    assert_false(light());
}

static void a_door_pauses_the_print_in_front_of_the_ok(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - name: door opened\n"
          "    when: {point: door, becomes: on, for: 300ms}\n"
          "    if: {print: printing}\n"
          "    do: [pause, {notify: 'Door opened'}]\n");
    door(true);
    run_ms(1000);
    door(false);
    assert_int_equal(heard(0, "//action:pause"), 0);
    job();
    before = world.entries;
    door(true);
    run_ms(100);
    door(false); /* too short */
    run_ms(1000);
    assert_int_equal(heard(before, "//action:"), 0);
    door(true);
    run_ms(1000);
    assert_int_equal(heard(before, "//action:pause"), 1);
    assert_int_equal(heard(before, "//action:notification Door opened"), 1);
}

/* Neither the line on its way nor the one that a rule takes is behind the word: their ok is. */
static void a_host_that_was_just_answered_hears_pause_in_front_of_its_next_ok(void **unused)
{
    static const char *const next[] = {"G1 X2", "M889"};

    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t before;

        begin("rules:\n"
              "  - {name: door, when: {point: door, becomes: on}, do: [pause]}\n");
        job();
        before = world.entries;
        sim_board_input(&world.board, DOOR, true, world.now);
        world_settle(&world);
        run_ms(10);
        assert_int_equal(heard(before, "//action:pause"), 0);
        says_numbered(next[i]);
        assert_int_equal(heard(before, "//action:pause"), 1);
        assert_true(heard(before, "ok") == 1);
        for (bool ok = false; before < world.entries; before++) {
            struct world_entry entry;

            assert_true(world_journal(&world, before, &entry));
            if (entry.kind != WORLD_TO || entry.port != PROXY_HOST)
                continue;
            ok = ok || span_starts((struct span){entry.text, entry.length}, SPAN("ok"));
            assert_false(ok && span_starts((struct span){entry.text, entry.length}, SPAN("//")));
        }
        tear_down(NULL);
    }
    begin("rules:\n  - {name: door, when: {point: door, becomes: on}, do: [pause]}\n");
    job();
    sim_board_input(&world.board, DOOR, true, world.now);
    run_ms(150); /* it says nothing: it is told all the same */
    assert_int_equal(heard(0, "//action:pause"), 1);
}

static void a_rule_runs_once_again_or_queued_as_it_says(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: run-on, when: {point: door, becomes: off},\n"
          "     do: [{set: {light: on}}, {wait: 10s}, {set: {light: off}}]}\n"
          "  - {name: once, when: {point: door, becomes: off}, again: ignore,\n"
          "     do: [{set: {fan: on}}, {wait: 10s}, {set: {fan: off}}]}\n");
    door(true);
    door(false);
    run_ms(8000);
    assert_true(light() && fan());
    door(true);
    door(false);
    run_ms(4000);
    assert_true(light());
    assert_false(fan());
    run_ms(8000);
    assert_false(light());
}

static void temperatures_cross_once_with_a_degree_of_play(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: warm, when: {temperature: {tool0: '>= 50C'}}, do: [{toggle: fan}]}\n");
    says("M104 S52");
    for (int i = 0; i < 120; i++) {
        says("M105");
        run_ms(950);
    }
    assert_true(fan());
}

/* Of tools, bed and chamber, by the answers to M105 as by what the printer reports by itself. */
static void every_heater_crosses_in_every_report(void **unused)
{
    static const struct {
        const char *report, *told;
    } steps[] = {
        {" T:20.00 /0.00 B:20.00 /0.00 T0:20.00 /0.00 T1:20.00 /0.00 C:20.00 /0.00 @:0\n", ""},
        {" T:20.00 /0.00 B:20.00 /0.00 T0:20.00 /0.00 T1:61.00 /0.00 C:20.00 /0.00 @:0\n", "tool"},
        {"T:20.00 /0.00 B:61.00 /0.00 T0:20.00 /0.00 T1:61.00 /0.00 C:20.00 /0.00 @:0\n", "bed"},
        {"T0:20.00 /0.00 T1:61.00 /0.00 B:61.00 /0.00 C:61.00 /0.00 @:0\n", "chamber"},
        {"T0:20.00 /0.00 T1:60.50 /0.00 B:20.00 /0.00 C:59.50 /0.00 @:0\n", "cold"},
        {"T0:20.00 /0.00 T1:60.50 /0.00 B:20.00 /0.00 C:61.00 /0.00 @:0\n", ""},
        {"T0:20.00 /0.00 T1:58.00 /0.00 B:61.00 /0.00 C:61.00 /0.00 @:0\n", "bed"},
    };

    (void)unused;
    for (unsigned polled = 0; polled < 2; polled++) {
        begin("rules:\n"
              "  - {name: tool, when: {temperature: {tool1: '>= 60C'}}, do: [{say: x}]}\n"
              "  - {name: bed, when: {temperature: {bed: '> 60C'}}, do: [{say: x}]}\n"
              "  - {name: chamber, when: {temperature: {chamber: '>= 60C'}}, do: [{say: x}]}\n"
              "  - {name: cold, when: {temperature: {bed: '<= 30C'}}, do: [{say: x}]}\n");
        for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
            char bytes[128], wanted[64];
            uint64_t before = world.entries;

            snprintf(bytes, sizeof bytes, "%s%s", polled != 0 ? "ok " : "", steps[i].report);
            reads(PROXY_PRINTER, bytes);
            snprintf(wanted, sizeof wanted, "rule %s started", steps[i].told);
            assert_int_equal(told(before, wanted), steps[i].told[0] != '\0');
            assert_int_equal(told(before, " started"), steps[i].told[0] != '\0');
        }
        tear_down(NULL);
    }
    begin("rules: []\n");
}

static void replies_and_times_start_rules(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: unknown, when: {reply: 'Unknown command'}, do: [{set: {light: on}}]}\n"
          "  - {name: beat, when: {every: 30s}, do: [{toggle: fan}]}\n"
          "  - {name: begin, when: {start: true}, do: [{say: hello}]}\n");
    assert_false(light());
    says("M99999");
    assert_true(light());
    run_ms(27000);
    assert_true(fan());
    run_ms(30000);
    assert_false(fan());
}

static void of_lines_that_come_at_once_each_has_its_steps_done(void **unused)
{
    static const char *const agains[] = {"restart", "ignore", "queue"};

    (void)unused;
    for (size_t i = 0; i < sizeof agains / sizeof agains[0]; i++) {
        char rules[200];

        snprintf(rules, sizeof rules,
                 "rules:\n  - when: {reply: 'Layer (?<n>\\d+)'}\n"
                 "    do: [{say: 'begins ${n}'}, {say: 'goes on ${n}'}]\n    again: %s\n",
                 agains[i]);
        begin(rules);
        proxy_input(&proxy,
                    &(struct proxy_input){.kind = PROXY_BYTES,
                                          .port = PROXY_PRINTER,
                                          .bytes = SPAN("Layer 1\nLayer 2\nLayer 3\n")},
                    world.now);
        world_settle(&world);
        assert_int_equal(heard(0, "echo:begins"), 3);
        assert_int_equal(heard(0, "echo:goes on 1"), 1);
        assert_int_equal(heard(0, "echo:goes on 3"), 1);
        assert_int_equal(told(0, "it begins anew"), 0);
        tear_down(unused);
        memset(&loaded, 0, sizeof loaded);
    }
}

static void a_silent_host_is_noticed_and_a_line_begins_its_silence_anew(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: silent, when: {host: silent, for: 10min}, do: [{set: {light: on}}]}\n");
    run_ms(9 * 60000);
    says("M105");
    run_ms(9 * 60000);
    assert_false(light());
    run_ms(61000);
    assert_true(light());
}

static void a_rule_that_starts_itself_is_told_and_not_done_again(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: flip, when: {point: light, becomes: change}, do: [{toggle: light}]}\n");
    says("M42 Plight S1");
    run_ms(2000);
    says("M105");
    assert_true(heard(0, "ok T:") >= 1); /* it has not hung itself up */
}

/* A chain of rules that comes back to its begin within one turn. */
static void a_circle_of_rules_is_told_and_left(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: there, when: {print: started}, do: [{say: there}, {mark: finished}]}\n"
          "  - {name: back, when: {print: finished}, do: [{say: back}, {mark: started}]}\n");
    says("M889 J1");
    assert_int_equal(heard(0, "there"), 1);
    assert_int_equal(heard(0, "back"), 1);
    assert_int_equal(heard(0, "error: usage: a rule started itself: not done again"), 1);
    assert_int_equal(told(0, "rule there failed cycle"), 1);
}

/* Each of two lines that came at once is one thing from outside. */
static void two_lines_in_one_read_are_no_circle(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: layer, when: {reply: 'layer (?<n>.*)'}, again: queue, do: [{say: 'at ${n}'}]}\n"
          "  - {name: open, when: {point: door, becomes: on}, again: queue, do: [{say: open}]}\n");
    reads(PROXY_PRINTER, "layer 1\nlayer 2\n");
    assert_int_equal(told(0, "failed cycle"), 0);
    assert_int_equal(heard(0, "at 1"), 1);
    assert_int_equal(heard(0, "at 2"), 1);
    reads(PROXY_BOARD, "IO:111111111111000000\nIO:111011111111000000\nIO:111111111111000000\n");
    assert_int_equal(told(0, "failed cycle"), 0);
    assert_int_equal(heard(0, "open"), 2);
}

/* Each report of the board is another thing from outside: the pace tells that it goes round. */
static void a_circle_by_way_of_the_board_is_told_and_ends(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: off again, when: {point: light, becomes: on}, do: [{set: {light: off}}]}\n"
          "  - {name: on again, when: {point: light, becomes: off}, do: [{set: {light: on}}]}\n");
    says("M42 Plight S1");
    run_ms(5000);
    assert_int_equal(told(0, "rule off again started"), 100);
    assert_int_equal(told(0, "rule off again failed cycle"), 1);
    assert_int_equal(heard(0, "echo:sioproxy warning: rule off again has started 100 times in ten "
                              "seconds: does it switch what starts it?"),
                     1);
    run_ms(10000);
    before = world.entries;
    says("M42 Plight S0");
    run_ms(5000);
    assert_int_equal(told(before, "rule on again started"), 100);
    assert_int_equal(told(before, "off again has started 100 times"), 0); /* within a minute */
}

static void an_input_that_rattles_starts_its_rule_all_the_same(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: knock, when: {point: door, becomes: on}, do: [{say: knock}]}\n");
    for (unsigned i = 0; i < 300; i++) {
        sim_board_input(&world.board, DOOR, i % 2 == 0, world.now);
        run_ms(30);
    }
    assert_int_equal(heard(0, "echo:knock"), 150);
    assert_int_equal(heard(0, "warning: rule knock has started 100 times"), 1);
}

/* A blinker is no mistake. */
static void a_circle_that_takes_its_time_is_not_told(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: off again, when: {point: light, becomes: on}, do: [{wait: 200ms}, {set: {light: off}}]}\n"
          "  - {name: on again, when: {point: light, becomes: off}, do: [{wait: 200ms}, {set: {light: on}}]}\n");
    says("M42 Plight S1");
    run_ms(60000);
    assert_true(told(0, "rule on again started") > 100);
    assert_int_equal(told(0, "warning: "), 0);
}

/* In its turn it would come behind what it is to stop. */
static void m112_of_a_rule_is_a_halt(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: door, when: {point: door, becomes: on}, do: [{send: M112}]}\n");
    says("G4 P60000");
    says("G4 P60000");
    says("G1 X7");
    before = world.entries;
    door(true);
    run_ms(500);
    assert_int_equal(proxy.router.printer_state, PRINTER_HALTED);
    assert_int_equal(written(PROXY_PRINTER, before, "G1 X7"), 0);
    assert_true(heard(before, "Error:Printer halted") > 0);
    assert_int_equal(told(before, "rule door done"), 1);
    assert_int_equal(heard(before, "error: estop: "), 0);
}

/* What it has done, it has done; what comes behind it is ended like everything else. */
static void a_rule_that_halts_is_done_and_ends_with_the_halt(void **unused)
{
    static const char *const halts[] = {"{send: M112}", "estop"};

    (void)unused;
    for (size_t i = 0; i < sizeof halts / sizeof halts[0]; i++) {
        char rules[400];
        uint64_t before;

        snprintf(rules, sizeof rules,
                 "rules:\n"
                 "  - {name: last, when: {point: door, becomes: on}, do: [{say: a}, %s]}\n"
                 "  - {name: more, when: {point: door, becomes: off}, do: [%s, {say: never}]}\n"
                 "  - {name: line, when: {gcode: M750}, do: [%s], then: forward}\n",
                 halts[i], halts[i], halts[i]);
        begin(rules);
        before = world.entries;
        door(true);
        run_ms(500);
        assert_int_equal(told(before, "rule last done"), 1);
        assert_int_equal(heard(before, "error: "), 0);
        before = world.entries;
        door(false);
        run_ms(500);
        assert_int_equal(told(before, "rule more failed the printer is halted"), 1);
        assert_int_equal(
            heard(before, "error: estop: rule more: step 2 of 2: the printer is halted"), 1);
        before = world.entries;
        says("M750");
        run_ms(500);
        assert_int_equal(heard(before, "error: "), 0);
        assert_int_equal(written(PROXY_PRINTER, before, "M750"), 0);
        tear_down(NULL);
    }
    begin("rules: []\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_light_follows_the_print),
        TEST(a_circle_by_way_of_the_board_is_told_and_ends),
        TEST(an_input_that_rattles_starts_its_rule_all_the_same),
        TEST(a_circle_that_takes_its_time_is_not_told),
        TEST(m112_of_a_rule_is_a_halt),
        TEST(a_rule_that_halts_is_done_and_ends_with_the_halt),
        TEST(a_mark_is_told_by_its_own_line),
        TEST(a_door_pauses_the_print_in_front_of_the_ok),
        TEST(a_host_that_was_just_answered_hears_pause_in_front_of_its_next_ok),
        TEST(a_rule_runs_once_again_or_queued_as_it_says),
        TEST(temperatures_cross_once_with_a_degree_of_play),
        TEST(every_heater_crosses_in_every_report),
        TEST(replies_and_times_start_rules),
        TEST(of_lines_that_come_at_once_each_has_its_steps_done),
        TEST(a_silent_host_is_noticed_and_a_line_begins_its_silence_anew),
        TEST(a_circle_of_rules_is_told_and_left),
        TEST(two_lines_in_one_read_are_no_circle),
        TEST(a_rule_that_starts_itself_is_told_and_not_done_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
