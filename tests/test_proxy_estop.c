#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kit/kit.h"
#include "proxy_state.h"
#include "sim/world.h"
#include "world_seen.h"

#define BUTTON 0
#define RELAY  12
#define LIGHT  13

static struct kit kit;
static struct world world;
static struct proxy proxy;

/* A contact that is closed to ground while nobody presses: pressed or cut reads high. */
static int set_up(void **unused)
{
    struct world_options options = {.settings = &kit.settings, .rules = &kit.ruleset};
    struct point_settings *relay;

    (void)unused;
    kit_init(&kit);
    kit_mcodes(&kit);
    kit_point(&kit, "button", POINT_INPUT, BUTTON)->debounce_ms = 20;
    relay = kit_point(&kit, "relay", POINT_OUTPUT, RELAY);
    relay->start = (struct occasion){OCCASION_SET, 255};
    relay->halt = (struct occasion){OCCASION_SET, 0};
    kit_point(&kit, "light", POINT_OUTPUT, LIGHT);
    kit.settings.estop.point = 0;
    kit.settings.estop.reset_point = POINT_NONE;
    kit.settings.estop.m112_halts = true;
    kit.settings.reset_on_connect = RESET_HALTED;
    options.printer = sim_printer_manner_marlin();
    options.host_played = true;
    world_init(&world, &proxy, &options, (struct instant){0});
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    kit_free(&kit);
    return 0;
}

static void run_ms(int64_t ms)
{
    world_passes(&world, ms);
}

static void button(bool pressed)
{
    world_input(&world, BUTTON, pressed);
}

/* How many lines with this in them went that way since that entry. */
static unsigned seen(uint64_t since, enum world_kind kind, enum proxy_port port, const char *part)
{
    return world_seen(&world, since, kind, port, part);
}

static void host_says(const char *line)
{
    world_write(&world, PROXY_HOST, span_of(line));
    world_write(&world, PROXY_HOST, SPAN("\n"));
    run_ms(300);
}

/* The same with number and checksum, as in a job. */
static void host_numbers(const char *command, int64_t number)
{
    char bytes[128];
    struct text text = TEXT_IN(bytes);

    gcode_line_number(span_of(command), number, &text);
    world_write(&world, PROXY_HOST, text_span(&text));
    run_ms(300);
}

static void ask(enum request_kind kind)
{
    world_ask(&world, &(struct request){.kind = kind}, 7);
    run_ms(50);
}

/* The button is seen released, and a host is there. */
static void arm(void)
{
    button(false);
    run_ms(3000);
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    world_host_opens(&world, 115200);
    run_ms(100);
}

static void until_the_button_is_seen_motion_waits_and_its_outputs_stay_as_they_are(void **unused)
{
    uint64_t before = world.entries;

    (void)unused;
    button(false);
    world_host_opens(&world, 115200);
    host_says("M105");
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "ok T:"), 1);
    world_write(&world, PROXY_HOST, SPAN("G1 X10 F3000\n"));
    run_ms(20);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "G1 X10"), 0);
    assert_false(sim_board_output(&world.board, RELAY));
    run_ms(3000);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "G1 X10"), 1);
    assert_true(sim_board_output(&world.board, RELAY));
}

static void a_press_halts_everything_and_latches(void **unused)
{
    uint64_t before;

    (void)unused;
    arm();
    before = world.entries;
    button(true);
    run_ms(1000);
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "Error:Printer halted. kill() called!"),
                     2); /* ours, and its own */
    assert_int_equal(proxy.router.printer_state, PRINTER_HALTED);
    assert_int_equal(proxy.estop.state, ESTOP_TRIPPED);
    assert_false(sim_board_output(&world.board, RELAY));
    assert_true(span_contains(span_of(world.saved), SPAN("latch estop\n")));
    button(false);
    run_ms(1000);
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
}

static void a_spike_shorter_than_the_debounce_does_nothing(void **unused)
{
    uint64_t before;

    (void)unused;
    arm();
    before = world.entries;
    button(true);
    run_ms(12);
    button(false);
    run_ms(5000);
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "M112"), 0);
}

static void while_latched_nothing_reaches_the_printer_and_the_host_is_answered(void **unused)
{
    uint64_t before;

    (void)unused;
    arm();
    button(true);
    run_ms(1000);
    button(false);
    run_ms(1000);
    world_host_closes(&world);
    run_ms(1000);
    before = world.entries;
    world_host_opens(&world, 115200);
    run_ms(100);
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "//action:notification"), 1);
    host_says("N0 M110 N0*125");
    host_says("M105");
    host_says("G28");
    host_says("M42 Plight S1");
    host_says("M42 Prelay S1");
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "ok"), 5);
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "error: estop: "), 2);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, ""), 0);
    assert_true(sim_board_output(&world.board, LIGHT));
    assert_false(sim_board_output(&world.board, RELAY));
}

/* OctoPrint's cancel begins with an M108, and it waits for that one's ok. */
static void while_latched_what_overtakes_is_answered_and_does_not_reach_the_printer(void **unused)
{
    static const char *const lines[] = {"M108", "M410", "M876 S0"};

    (void)unused;
    arm();
    button(true);
    run_ms(1000);
    button(false);
    run_ms(5000);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        uint64_t before = world.entries;

        host_says(lines[i]);
        assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "ok"), 1);
        assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, ""), 0);
    }
}

/* A printer that boots meanwhile is halted again, and says so: OctoPrint would go offline by that. */
static void a_host_that_came_to_a_stopped_machine_hears_no_error_of_the_printer(void **unused)
{
    uint64_t before;

    (void)unused;
    arm();
    button(true);
    run_ms(1000);
    world_host_closes(&world);
    run_ms(1000);
    world_host_opens(&world, 115200);
    run_ms(100);
    before = world.entries;
    sim_printer_reset(&world.printer, world.now);
    run_ms(3000);
    assert_true(seen(before, WORLD_FROM, PROXY_PRINTER, "Error:Printer halted") >= 1);
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "Error:"), 0);
    button(false);
    run_ms(1000);
    ask(REQUEST_RESET);
    run_ms(3000);
    before = world.entries;
    button(true);
    run_ms(1000);
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "Error:Printer halted. kill() called!"), 1);
}

/* Latched, and a host that knows prompts has connected: OctoPrint's M876 P1 is no press of Reset.
 */
static void the_prompt_resets_and_no_other_m876_does(void **unused)
{
    static const char *const others[] = {"M876 P1", "M876", "M876 S1", "M876 S", "M876 P0"};
    uint64_t before;

    (void)unused;
    arm();
    host_says("M115");
    button(true);
    run_ms(1000);
    world_host_closes(&world);
    run_ms(1000);
    before = world.entries;
    world_host_opens(&world, 115200);
    run_ms(100);
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "//action:prompt_button Reset"), 1);
    host_says("M115");
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "Cap:PROMPT_SUPPORT:1"), 1);
    before = world.entries;
    host_says("M876 S0");
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "still pressed"), 1);
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "//action:prompt_show"), 1);
    button(false);
    run_ms(1000);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        before = world.entries;
        host_says(others[i]);
        assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "ok"), 1);
        assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "prompt_show"), i == 0);
        assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
    }
    host_says("M876 S0"); /* there is no prompt on the screen of a host that cannot show one */
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
    host_says("M876 P1");
    host_says("M876 S0");
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "M876"), 0);
}

static void it_opens_on_request_once_the_button_is_released(void **unused)
{
    uint64_t before;

    (void)unused;
    arm();
    button(true);
    run_ms(1000);
    ask(REQUEST_RESET);
    assert_false(world.answer.ok);
    assert_int_equal(proxy.estop.state, ESTOP_TRIPPED);
    button(false);
    run_ms(1000);
    before = world.entries;
    ask(REQUEST_RESET);
    assert_true(world.answer.ok);
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    assert_false(span_contains(span_of(world.saved), SPAN("latch estop\n")));
    run_ms(3000);
    assert_int_equal(proxy.router.printer_state, PRINTER_ONLINE);
    host_says("M105");
    assert_true(seen(before, WORLD_TO, PROXY_PRINTER, "M105") >= 1);
}

/* A halted printer whose port is opened again says nothing: M112 is repeated, for a while. */
static void a_halted_printer_that_says_nothing_is_reset_with_the_latch(void **unused)
{
    (void)unused;
    arm();
    button(true);
    run_ms(1000);
    button(false);
    run_ms(1000);
    world_unplug(&world, PROXY_PRINTER);
    run_ms(500);
    world_plug(&world, PROXY_PRINTER);
    run_ms(1000);
    assert_int_equal(proxy.router.printer_state, PRINTER_SILENT);
    ask(REQUEST_RESET);
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    run_ms(5000);
    assert_int_equal(proxy.router.printer_state, PRINTER_ONLINE);
}

static void once_reset_m112_is_not_repeated_into_a_printer_that_starts_again(void **unused)
{
    (void)unused;
    kit.settings.reset_on_connect = RESET_NEVER;
    arm();
    button(true);
    run_ms(1000);
    button(false);
    run_ms(1000);
    world_unplug(&world, PROXY_PRINTER);
    run_ms(500);
    world_plug(&world, PROXY_PRINTER);
    run_ms(1000);
    ask(REQUEST_RESET);
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    sim_printer_reset(&world.printer, world.now);
    world_settle(&world);
    run_ms(5000);
    assert_int_equal(proxy.router.printer_state, PRINTER_ONLINE);
}

static void a_stop_halts_a_printer_that_comes_back(void **unused)
{
    uint64_t before;

    (void)unused;
    arm();
    world_unplug(&world, PROXY_PRINTER);
    run_ms(500);
    button(true);
    run_ms(2000);
    assert_int_equal(proxy.estop.state, ESTOP_TRIPPED);
    before = world.entries;
    world_plug(&world, PROXY_PRINTER);
    run_ms(3000);
    assert_true(seen(before, WORLD_TO, PROXY_PRINTER, "M112") >= 1);
    assert_int_equal(proxy.router.printer_state, PRINTER_HALTED);
}

static void a_board_that_is_reset_while_latched_keeps_the_halt_values(void **unused)
{
    (void)unused;
    arm();
    button(true);
    run_ms(1000);
    sim_board_reset(&world.board, world.now);
    run_ms(5000);
    assert_false(sim_board_output(&world.board, RELAY));
    assert_int_equal(proxy.estop.state, ESTOP_TRIPPED);
}

static void a_client_stops_the_machine_as_the_button_does(void **unused)
{
    uint64_t before;

    (void)unused;
    arm();
    before = world.entries;
    ask(REQUEST_TRIP);
    assert_true(world.answer.ok);
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED); /* nobody has to release anything */
    assert_true(span_contains(span_of(world.saved), SPAN("latch estop\n")));
    assert_false(sim_board_output(&world.board, RELAY));
    assert_int_equal(world.printer.state, SIM_PRINTER_HALTED);
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "Error:Printer halted. kill() called!") > 0,
                     1);
    ask(REQUEST_TRIP); /* once more changes nothing */
    run_ms(3000);
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
    assert_int_equal(world.printer.state, SIM_PRINTER_HALTED);
    ask(REQUEST_RESET);
    assert_true(world.answer.ok);
    run_ms(3000);
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    assert_int_equal(proxy.router.printer_state, PRINTER_ONLINE);
}

/* Ten seconds without the board, in a print: told, paused, or stopped as by the button. */
static void with_the_board_lost_a_print_goes_on_pauses_or_is_stopped(void **unused)
{
    static const enum on_board_lost wishes[] = {LOST_WARN, LOST_PAUSE, LOST_STOP};

    for (unsigned i = 0; i < 6; i++) {
        enum on_board_lost wish = wishes[i % 3];
        uint64_t before;

        set_up(unused);
        kit.settings.estop.on_board_lost = wish;
        proxy_reload(&proxy, &kit.settings, &kit.ruleset, world.now);
        arm();
        before = world.entries;
        if (i >= 3) { /* lost before it begins */
            world_unplug(&world, PROXY_BOARD);
            run_ms(20000);
            assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "M112"), 0);
            assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "//action:"), 0);
            assert_int_equal(proxy.estop.state, ESTOP_UNKNOWN);
        }
        host_numbers("M110 N0", 0);
        host_numbers("G1 X1 F3000", 1);
        /* With the board gone already it is stopped as it begins. */
        assert_int_equal(proxy.router.job.state, i < 5 ? PRINT_PRINTING : PRINT_FAILED);
        if (i < 3) {
            world_unplug(&world, PROXY_BOARD);
            for (int line = 2; line < 11; line++) {
                host_numbers("G1 X2", line);
                run_ms(600);
            }
            assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "M112"), 0);
            assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "//action:"), 0);
            run_ms(3000);
        } else {
            run_ms(500);
        }
        if (wish != LOST_STOP)
            assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "the IO board is lost"),
                             i < 3 ? 1 : 2);
        assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "//action:pause"), wish == LOST_PAUSE);
        assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "M112") > 0, wish == LOST_STOP);
        run_ms(3000);
        assert_int_equal(world.printer.state == SIM_PRINTER_HALTED, wish == LOST_STOP);
        assert_int_equal(span_contains(span_of(world.saved), SPAN("latch estop\n")),
                         wish == LOST_STOP);
        tear_down(unused);
    }
    set_up(unused);
}

static void m112_of_the_host_halts_outputs_too_and_never_latches(void **unused)
{
    (void)unused;
    arm();
    assert_true(sim_board_output(&world.board, RELAY));
    host_says("M112");
    assert_false(sim_board_output(&world.board, RELAY));
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    assert_int_equal(proxy.router.printer_state, PRINTER_HALTED);
}

static void a_line_for_a_halted_printer_is_refused_to_its_client(void **unused)
{
    struct request request = {.kind = REQUEST_SEND};

    (void)unused;
    arm();
    host_says("M112");
    memcpy(request.line, "M105", 5);
    world_ask(&world, &request, 7);
    run_ms(50);
    assert_int_equal(world.answers, 1);
    assert_false(world.answer.ok);
}

static void m112_of_a_client_is_a_halt_before_all_that_waits(void **unused)
{
    struct request request = {.kind = REQUEST_SEND, .line = "m112"};
    uint64_t before;

    (void)unused;
    arm();
    for (unsigned i = 0; i < 20; i++)
        world_write(&world, PROXY_HOST, SPAN("G4 P1000\n"));
    run_ms(100);
    before = world.entries;
    world_ask(&world, &request, 7);
    run_ms(300);
    assert_int_equal(world.answers, 1);
    assert_true(world.answer.ok);
    assert_int_equal(proxy.router.printer_state, PRINTER_HALTED);
    assert_false(sim_board_output(&world.board, RELAY));
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "G4"), 0);
    assert_int_equal(seen(before, WORLD_TO, PROXY_HOST, "Error:Printer halted"), 1);
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(until_the_button_is_seen_motion_waits_and_its_outputs_stay_as_they_are),
        TEST(a_press_halts_everything_and_latches),
        TEST(a_spike_shorter_than_the_debounce_does_nothing),
        TEST(while_latched_nothing_reaches_the_printer_and_the_host_is_answered),
        TEST(while_latched_what_overtakes_is_answered_and_does_not_reach_the_printer),
        TEST(a_host_that_came_to_a_stopped_machine_hears_no_error_of_the_printer),
        TEST(the_prompt_resets_and_no_other_m876_does),
        TEST(it_opens_on_request_once_the_button_is_released),
        TEST(a_halted_printer_that_says_nothing_is_reset_with_the_latch),
        TEST(once_reset_m112_is_not_repeated_into_a_printer_that_starts_again),
        TEST(a_stop_halts_a_printer_that_comes_back),
        TEST(a_board_that_is_reset_while_latched_keeps_the_halt_values),
        TEST(a_client_stops_the_machine_as_the_button_does),
        TEST(with_the_board_lost_a_print_goes_on_pauses_or_is_stopped),
        TEST(m112_of_the_host_halts_outputs_too_and_never_latches),
        TEST(a_line_for_a_halted_printer_is_refused_to_its_client),
        TEST(m112_of_a_client_is_a_halt_before_all_that_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
