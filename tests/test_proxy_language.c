/* Each word of the rules language in a machine that runs: what happens starts it, and ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules_bench.h"

/* How often the rule of that name has begun since then. */
static unsigned began(uint64_t since, const char *name)
{
    char text[64];

    snprintf(text, sizeof text, "rule %s started", name);
    return told(since, text);
}

static void every_word_of_a_point_starts_its_rule(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: opens, when: {point: door, becomes: on}, do: [{say: x}]}\n"
          "  - {name: closes, when: {point: door, becomes: off}, do: [{say: x}]}\n"
          "  - {name: moves, when: {point: door, becomes: change}, do: [{say: x}]}\n"
          "  - {name: gone, when: {point: door, becomes: unknown}, do: [{say: x}]}\n");
    assert_int_equal(told(0, "point door off"), 1); /* which has started nothing: */
    assert_int_equal(began(0, "opens") + began(0, "closes") + began(0, "moves"), 0);
    door(true);
    assert_int_equal(began(0, "opens"), 1);
    assert_int_equal(began(0, "moves"), 1);
    door(false);
    assert_int_equal(began(0, "closes"), 1);
    assert_int_equal(began(0, "moves"), 2);
    before = world.entries;
    world_unplug(&world, PROXY_BOARD);
    run_ms(1000);
    assert_int_equal(began(before, "gone"), 1);
    world_plug(&world, PROXY_BOARD);
    run_ms(10000);
    assert_int_equal(told(before, "point door off"), 1); /* as it was known last */
    assert_int_equal(began(before, "closes") + began(before, "moves"), 0);
    before = world.entries;
    world_unplug(&world, PROXY_BOARD);
    run_ms(1000);
    sim_board_input(&world.board, DOOR, true, world.now);
    world_plug(&world, PROXY_BOARD);
    run_ms(10000);
    assert_int_equal(began(before, "opens"), 1); /* it was opened meanwhile */
    assert_int_equal(began(before, "moves"), 1);
}

static void every_word_of_the_print_starts_its_rule(void **unused)
{
    static const char *const marks[][2] = {{"M889 J1", "started"}, {"M889 J2", "paused"},
                                           {"M889 J3", "resumed"}, {"M889 J4", "finished"},
                                           {"M889 J1", "started"}, {"M889 J5", "cancelled"}};

    (void)unused;
    begin("rules:\n"
          "  - {name: started, when: {print: started}, do: [{say: x}]}\n"
          "  - {name: paused, when: {print: paused}, do: [{say: x}]}\n"
          "  - {name: resumed, when: {print: resumed}, do: [{say: x}]}\n"
          "  - {name: finished, when: {print: finished}, do: [{say: x}]}\n"
          "  - {name: cancelled, when: {print: cancelled}, do: [{say: x}]}\n"
          "  - {name: failed, when: {print: failed}, do: [{say: x}]}\n"
          "  - {name: over, when: {print: [finished, cancelled, failed]}, do: [{say: x}]}\n");
    for (unsigned i = 0; i < sizeof marks / sizeof *marks; i++) {
        uint64_t before = world.entries;

        says(marks[i][0]);
        assert_int_equal(began(before, marks[i][1]), 1);
    }
    assert_int_equal(began(0, "over"), 2);
    job();
    world_host_closes(&world);
    run_ms(2000);
    assert_int_equal(began(0, "failed"), 1);
    assert_int_equal(began(0, "over"), 3);
}

static void every_word_of_printer_host_and_board_starts_its_rule(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: online, when: {printer: online}, do: [{say: x}]}\n"
          "  - {name: offline, when: {printer: offline}, do: [{say: x}]}\n"
          "  - {name: reset, when: {printer: reset}, do: [{say: x}]}\n"
          "  - {name: halted, when: {printer: halted}, do: [{say: x}]}\n"
          "  - {name: comes, when: {host: connected}, do: [{say: x}]}\n"
          "  - {name: goes, when: {host: disconnected}, do: [{say: x}]}\n"
          "  - {name: board, when: {board: online}, do: [{say: x}]}\n"
          "  - {name: lost, when: {board: lost}, do: [{say: x}]}\n"
          "  - {name: begins, when: start, do: [{set: {light: on}}]}\n");
    assert_int_equal(began(0, "begins"), 1);
    assert_int_equal(began(0, "board"), 1);
    assert_int_equal(began(0, "comes"), 1);
    says("M105");
    assert_int_equal(began(0, "online"), 1);
    before = world.entries;
    sim_printer_reset(&world.printer, world.now);
    world_settle(&world);
    run_ms(5000);
    assert_int_equal(began(before, "reset"), 1);
    says("M112");
    run_ms(500);
    assert_int_equal(began(before, "halted"), 1);
    world_unplug(&world, PROXY_PRINTER);
    run_ms(5000);
    assert_int_equal(began(before, "offline"), 1);
    world_unplug(&world, PROXY_BOARD);
    run_ms(1000);
    assert_int_equal(began(before, "lost"), 1);
    world_plug(&world, PROXY_BOARD);
    run_ms(10000);
    assert_int_equal(began(before, "board"), 1);
    world_host_closes(&world);
    run_ms(1000);
    assert_int_equal(began(before, "goes"), 1);
    world_host_opens(&world, 115200);
    run_ms(1000);
    assert_int_equal(began(before, "comes"), 1);
    assert_int_equal(began(before, "begins"), 0);
}

/* Each ends the plan that waits for an hour, and nothing else does. */
static void every_word_of_until_ends_its_rule(void **unused)
{
    (void)unused;
    begin(
        "rules:\n"
        "  - {name: a, when: {gcode: M750}, do: [{wait: 1h}], until: {point: door, becomes: on}}\n"
        "  - {name: b, when: {print: started}, do: [{wait: 1h}], until: {print: [paused]}}\n"
        "  - {name: c, when: {print: started}, do: [{wait: 1h}], until: {printer: reset}}\n"
        "  - {name: d, when: {print: started}, do: [{wait: 1h}], until: {board: lost}}\n"
        "  - {name: e, when: {print: started}, do: [{wait: 1h}], until: {host: disconnected}}\n"
        "  - {name: f, when: {print: started}, do: [{wait: 1h}],\n"
        "     until: {temperature: {bed: '> 40C'}}}\n");
    says("M140 S45");
    says("M889 J1");
    assert_int_equal(told(0, "ended"), 0);
    says("M750");
    door(true);
    assert_int_equal(told(0, "rule a ended point door on"), 1);
    says("M889 J2");
    assert_int_equal(told(0, "rule b ended print paused"), 1);
    for (int i = 0; i < 300; i++) {
        says("M105");
        run_ms(950);
    }
    assert_int_equal(told(0, "rule f ended temperature bed"), 1);
    world_unplug(&world, PROXY_BOARD);
    run_ms(1000);
    assert_int_equal(told(0, "rule d ended board lost"), 1);
    assert_int_equal(told(0, "ended"), 4);
    sim_printer_reset(&world.printer, world.now);
    world_settle(&world);
    run_ms(5000);
    assert_int_equal(told(0, "rule c ended printer reset"), 1);
    assert_int_equal(told(0, "rule e ended"), 0);
    world_host_closes(&world);
    run_ms(1000);
    assert_int_equal(told(0, "rule e ended host disconnected"), 1);
}

/* Of two rules for one line the first whose `if` holds; of others every one, judged before a step.
 */
static void one_rule_takes_a_line_and_every_rule_an_event(void **unused)
{
    (void)unused;
    begin("rules:\n"
          "  - {name: dark, when: {gcode: M750}, if: {point: {light: off}}, do: [{say: first}]}\n"
          "  - {name: bright, when: {gcode: M750}, do: [{say: second}]}\n"
          "  - {name: one, when: {point: door, becomes: on}, if: {point: {light: off}},\n"
          "     do: [{set: {light: on}}, {say: one}]}\n"
          "  - {name: two, when: {point: door, becomes: on}, if: {point: {light: off}},\n"
          "     do: [{say: two}]}\n"
          "  - {name: three, when: {point: door, becomes: on}, if: {point: {light: on}},\n"
          "     do: [{say: three}]}\n");
    says("M750");
    assert_int_equal(heard(0, "first"), 1);
    assert_int_equal(heard(0, "second"), 0);
    door(true);
    run_ms(100);
    assert_int_equal(heard(0, "one"), 1);
    assert_int_equal(heard(0, "two"), 1);
    assert_int_equal(heard(0, "three"), 0);
    says("M750");
    assert_int_equal(heard(0, "first"), 1);
    assert_int_equal(heard(0, "second"), 1);
}

/* With all that a config can have besides. */
static const char whole[] = "name: test\n"
                            "host: {port: /run/test}\n"
                            "printer: {port: simulated}\n"
                            "board: {port: simulated}\n"
                            "points:\n"
                            "  light: {io: 12, type: output}\n"
                            "  fan: {io: 13, type: output}\n"
                            "  relay: {io: 14, type: output}\n"
                            "  door: {io: 3, type: input, active: high, debounce: 0}\n"
                            "  button: {io: 4, type: input, active: high, debounce: 0}\n"
                            "  runout: {io: 5, type: input, active: high, debounce: 0}\n"
                            "psu: {point: relay}\n"
                            "estop: {point: button}\n"
                            "filament: {point: runout}\n"
                            "rules: [rules.yaml]\n";

static void begin_whole(const char *rules)
{
    begin("rules: []\n");
    sim_board_input(&world.board, 4, false, world.now);
    sim_board_input(&world.board, 5, false, world.now);
    run_ms(5000);
    reload(whole, rules);
    run_ms(5000);
    says("M80");
    run_ms(10000);
}

static void every_state_is_reported_in_its_words(void **unused)
{
    static const char *const words[] = {
        "echo:sioproxy print idle",       "echo:sioproxy estop armed",
        "echo:sioproxy psu on",           "PS:1",
        "echo:sioproxy filament present", "echo:sioproxy point door off",
        "echo:sioproxy point light off",  "echo:sioproxy point relay on"};
    uint64_t before;

    (void)unused;
    begin_whole("rules:\n"
                "  - {when: {gcode: M750}, do: [{report: print}, {report: estop}, {report: psu},\n"
                "     {report: 'PS:'}, {report: filament}, {report: door}]}\n"
                "  - {when: {gcode: M751}, do: [{report: points}]}\n");
    before = world.entries;
    says("M750");
    says("M751");
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        assert_int_equal(heard(before, words[i]), i == 5 ? 2 : 1);
    assert_int_equal(heard(before, "echo:sioproxy point "), 1 + 6);
    assert_int_equal(heard(before, "ok"), 2);
    assert_int_equal(written(PROXY_PRINTER, before, "M75"), 0);
    before = world.entries;
    says("M889 J1");
    says("M889");
    assert_int_equal(heard(before, "echo:sioproxy print printing"), 1);
    before = world.entries;
    world_unplug(&world, PROXY_BOARD);
    run_ms(10000);
    says("M750");
    run_ms(1000);
    assert_int_equal(heard(before, "echo:sioproxy estop unknown"), 1);
    assert_int_equal(heard(before, "echo:sioproxy psu unknown"), 2); /* PS: knows but 0 and 1 */
    assert_int_equal(heard(before, "echo:sioproxy filament unknown"), 1);
    assert_int_equal(heard(before, "echo:sioproxy point door unknown"), 1);
}

/* How often the host heard this line and nothing else in it. */
static unsigned heard_line(uint64_t since, const char *line)
{
    struct world_entry entry;
    unsigned times = 0;

    for (; since < world.entries; since++) {
        if (world_journal(&world, since, &entry) && entry.kind == WORLD_TO &&
            entry.port == PROXY_HOST &&
            span_equal(span_trim((struct span){entry.text, entry.length}), span_of(line)))
            times++;
    }
    return times;
}

static void what_is_asked_of_the_host_is_an_action(void **unused)
{
    static const char *const steps[][2] = {{"M750", "//action:pause"},
                                           {"M751", "//action:resume"},
                                           {"M752", "//action:cancel"},
                                           {"M753", "//action:start"},
                                           {"M754", "//action:notification hello there"}};

    (void)unused;
    begin_whole("rules:\n"
                "  - {when: {gcode: M750}, do: [pause]}\n"
                "  - {when: {gcode: M751}, do: [resume]}\n"
                "  - {when: {gcode: M752}, do: [cancel]}\n"
                "  - {when: {gcode: M753}, do: [start]}\n"
                "  - {when: {gcode: M754}, do: [{notify: hello there}]}\n");
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint64_t before = world.entries;

        says(steps[i][0]);
        run_ms(200);
        assert_int_equal(heard_line(before, steps[i][1]), 1);
        assert_int_equal(heard(before, "//action"), 1);
        assert_int_equal(heard(before, "ok"), 1);
        assert_int_equal(written(PROXY_PRINTER, before, ""), 0);
    }
}

static void a_rule_stops_the_machine_and_a_rule_resets_it(void **unused)
{
    uint64_t before;

    (void)unused;
    begin_whole("rules:\n"
                "  - {name: fire, when: {point: door, becomes: on}, do: [estop, {say: never}]}\n"
                "  - {name: back, when: {gcode: M750}, do: [{reset: estop}, {report: estop}]}\n");
    says("M750");
    assert_int_equal(heard(0, "rule back: step 1 of 2: the emergency stop is not latched"), 1);
    before = world.entries;
    door(true);
    run_ms(100);
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
    assert_int_equal(told(before, "estop latched fire"), 1); /* who it was */
    assert_true(span_contains(span_of(world.saved), SPAN("latch estop\n")));
    assert_int_equal(world.printer.state, SIM_PRINTER_HALTED);
    assert_int_equal(heard(before, "Error:Printer halted. kill() called!") > 0, 1);
    assert_int_equal(heard(before, "never"), 0);
    run_ms(5000); /* DTR has reset it, and it was halted again */
    assert_int_equal(world.printer.state, SIM_PRINTER_HALTED);
    sim_board_input(&world.board, 4, true, world.now);
    run_ms(1000);
    says("M750");
    assert_int_equal(heard(before, "still pressed"), 1);
    assert_int_equal(proxy.estop.state, ESTOP_TRIPPED);
    sim_board_input(&world.board, 4, false, world.now);
    run_ms(1000);
    says("M750");
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    assert_int_equal(heard(before, "echo:sioproxy estop armed"), 1);
    assert_int_equal(told(before, "estop tripped board report"), 1);
    assert_int_equal(told(before, "estop armed M750"), 1);
}

/* Of the default M-codes the one that is ours only while there is something to open. */
static void m999_opens_the_latch_and_is_the_printers_else(void **unused)
{
    uint64_t before;

    (void)unused;
    begin_whole("rules: []\n");
    before = world.entries;
    says("M999");
    assert_int_equal(written(PROXY_PRINTER, before, "M999"), 1); /* not latched */
    sim_board_input(&world.board, 4, true, world.now);
    run_ms(1000);
    before = world.entries;
    says("M999");
    assert_int_equal(heard(before, "still pressed"), 1);
    assert_int_equal(heard(before, "ok"), 1);
    assert_int_equal(proxy.estop.state, ESTOP_TRIPPED);
    sim_board_input(&world.board, 4, false, world.now);
    run_ms(1000);
    before = world.entries;
    says("M999");
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    assert_int_equal(heard(before, "echo:sioproxy estop armed"), 1);
    assert_int_equal(heard(before, "ok"), 1);
    assert_int_equal(written(PROXY_PRINTER, before, "M999"), 0);
    assert_false(span_contains(span_of(world.saved), SPAN("latch estop\n")));
}

static void what_rules_send_is_for_the_printer_alone(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: sends, when: {gcode: M750}, do: [{send: M751}, {send: M117 hello}]}\n"
          "  - {name: never, when: {gcode: M751}, do: [{say: never}]}\n");
    before = world.entries;
    says("M750");
    assert_int_equal(heard(before, "never"), 0);
    assert_int_equal(written(PROXY_PRINTER, before, "M751"), 1);
    assert_int_equal(written(PROXY_PRINTER, before, "M117 hello"), 1);
    assert_int_equal(heard(before, "ok"), 1); /* the line's; theirs are swallowed */
}

static void what_cannot_be_read_is_told_before_any_step(void **unused)
{
    uint64_t before;

    (void)unused;
    begin(
        "rules:\n"
        "  - {name: both, when: {gcode: M750}, do: [{set: {light: on}}, {set: {fan: '${S}'}}]}\n"
        "  - {name: stuck, when: {gcode: M751}, do: [{say: here}, {pulse: {point: fan, for: 1s}},\n"
        "     {say: never}]}\n");
    before = world.entries;
    says("M750 S300");
    assert_int_equal(heard(before, "echo:sioproxy error: range: S300: 0 to 255"), 1);
    assert_int_equal(heard(before, "ok"), 1);
    assert_false(light() || fan());
    world_unplug(&world, PROXY_BOARD);
    run_ms(2000);
    before = world.entries;
    says("M751");
    run_ms(5000);
    assert_int_equal(heard(before, "here"), 1);
    assert_int_equal(heard(before, "error: board: rule stuck: step 2 of 3: "), 1);
    assert_int_equal(heard(before, "never"), 0);
    assert_int_equal(heard(before, "ok"), 1);
}

/* The same where no line waits for its ok: it is told all the same, and to those that watch. */
static void what_an_event_brings_that_cannot_be_read_is_told(void **unused)
{
    uint64_t before;

    (void)unused;
    begin("rules:\n"
          "  - {name: lamp, when: {reply: 'lamp (?<n>.*)'}, do: [{set: {light: on}}, {toggle: "
          "'${n}'}]}\n");
    before = world.entries;
    reads(PROXY_PRINTER, "lamp nowhere\n");
    run_ms(500);
    assert_int_equal(told(before, "rule lamp failed"), 1);
    assert_int_equal(heard(before, "echo:sioproxy error: point: no point 'nowhere'"), 1);
    assert_false(light());
    reads(PROXY_PRINTER, "lamp fan\n");
    run_ms(500);
    assert_true(light() && fan());
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_word_of_a_point_starts_its_rule),
        TEST(every_word_of_the_print_starts_its_rule),
        TEST(every_word_of_printer_host_and_board_starts_its_rule),
        TEST(every_word_of_until_ends_its_rule),
        TEST(one_rule_takes_a_line_and_every_rule_an_event),
        TEST(every_state_is_reported_in_its_words),
        TEST(what_is_asked_of_the_host_is_an_action),
        TEST(a_rule_stops_the_machine_and_a_rule_resets_it),
        TEST(m999_opens_the_latch_and_is_the_printers_else),
        TEST(what_rules_send_is_for_the_printer_alone),
        TEST(what_cannot_be_read_is_told_before_any_step),
        TEST(what_an_event_brings_that_cannot_be_read_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
