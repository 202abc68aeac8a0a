/* The emergency stop, whatever else is going on just then: every case of the promise that it halts.
 */
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
static struct world_options options;

static void begin(struct span saved, struct instant now)
{
    options.saved = saved;
    world_init(&world, &proxy, &options, now);
}

/* A contact that is closed to ground while nobody presses, and outputs of which one is halted. */
static int set_up(void **unused)
{
    struct point_settings *relay;

    (void)unused;
    kit_init(&kit);
    kit_mcodes(&kit);
    kit_point(&kit, "button", POINT_INPUT, BUTTON)->debounce_ms = 20;
    relay = kit_point(&kit, "relay", POINT_OUTPUT, RELAY);
    relay->start = (struct occasion){OCCASION_SET, 255};
    relay->halt = (struct occasion){OCCASION_SET, 0};
    relay->exit = (struct occasion){OCCASION_SET, 255};
    kit_point(&kit, "light", POINT_OUTPUT, LIGHT);
    kit.settings.estop.point = 0;
    kit.settings.estop.reset_point = POINT_NONE;
    kit.settings.estop.m112_halts = true;
    kit.settings.estop.reset_dtr = true;
    options = (struct world_options){.settings = &kit.settings, .rules = &kit.ruleset};
    options.printer = sim_printer_manner_marlin();
    options.host_played = true;
    begin(SPAN_NONE, (struct instant){0});
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

static void host_says(const char *lines)
{
    world_write(&world, PROXY_HOST, span_of(lines));
    world_settle(&world);
}

/* The button is seen released. */
static void arm(void)
{
    button(false);
    run_ms(3000);
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
    assert_true(sim_board_output(&world.board, RELAY));
}

static void arm_with_host(void)
{
    arm();
    world_host_opens(&world, 115200);
    run_ms(100);
}

/* How often a pin of the board has gone to that level. */
static unsigned switched(uint8_t io, bool high)
{
    struct sim_board_change change;
    unsigned times = 0;

    for (uint32_t i = 0; i < world.board.change_count; i++) {
        if (sim_board_change(&world.board, i, &change) && change.io == io && change.high == high)
            times++;
    }
    return times;
}

/* What has been written is not taken by that peer for so long. */
static void block(enum proxy_port port, int64_t ms)
{
    world.port[port].to.held_at = 0;
    world.port[port].to.held = instant_after_ms(world.now, ms);
}

static void expect_stopped(void)
{
    assert_int_equal(world.printer.state, SIM_PRINTER_HALTED);
    assert_int_equal(proxy.estop.state, ESTOP_TRIPPED);
    assert_false(sim_board_output(&world.board, RELAY));
    assert_true(span_contains(span_of(world.saved), SPAN("latch estop\n")));
}

static void a_printer_that_takes_nothing_gets_m112_before_all_that_waits(void **unused)
{
    uint64_t before;

    (void)unused;
    arm_with_host();
    host_says("G1 X10 F300\nG1 X20\nG1 X30\n");
    run_ms(100);
    before = world.entries;
    block(PROXY_PRINTER, 60000);
    host_says("G1 X40\nG1 X50\nG1 X60\nG1 X70\nG1 X80\n");
    run_ms(100);
    assert_true(world.port[PROXY_PRINTER].to.count > 0);
    button(true);
    run_ms(400);
    assert_true(world.discards > 0);
    block(PROXY_PRINTER, 0);
    run_ms(100);
    expect_stopped();
    assert_int_equal(seen(before, WORLD_EXECUTED, PROXY_PRINTER, "G1"), 0);
}

static void a_host_that_reads_nothing_does_not_hold_it_up(void **unused)
{
    (void)unused;
    arm_with_host();
    block(PROXY_HOST, 60000);
    for (int i = 0; i < 2000; i++)
        host_says("M42 Plight S1\n");
    run_ms(1000);
    button(true);
    run_ms(60);
    expect_stopped();
}

static void without_a_host_it_stops_as_well(void **unused)
{
    (void)unused;
    arm();
    button(true);
    run_ms(100);
    expect_stopped();
}

static void a_host_that_has_gone_in_mid_print_does_not_hold_it_up(void **unused)
{
    (void)unused;
    arm_with_host();
    host_says("N0 M110 N0*125\n");
    run_ms(50);
    host_says("N1 G28*18\nN2 G1 X10*81\n");
    run_ms(50);
    world_host_closes(&world);
    button(true);
    run_ms(100);
    expect_stopped();
}

/* Without its emergency parser the printer takes M112 for a line of the file until M29. */
static void an_upload_is_ended_and_then_it_stops(void **unused)
{
    static const char *const begins[] = {"M28 part.gco\n", "M928 part.gco\n"};
    uint64_t before;
    int slot;

    (void)unused;
    for (int i = 0; i < 4; i++) {
        int parser = i % 2;

        options.printer.emergency_parser = parser == 1;
        begin(SPAN_NONE, (struct instant){0});
        arm_with_host();
        host_says(begins[i / 2]);
        run_ms(100);
        host_says("G1 X1\nG1 X2\n");
        run_ms(100);
        before = world.entries;
        button(true);
        run_ms(450);
        expect_stopped();
        assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "M29"), parser == 1 ? 0 : 1);
        slot = sim_sd_find(&world.printer.sd, SPAN("PART.GCO"));
        assert_true(slot >= 0);
        assert_int_equal(seen(before, WORLD_EXECUTED, PROXY_PRINTER, "G1"), 0);
    }
}

static void played_printer_says(const char *lines)
{
    world_write(&world, PROXY_PRINTER, span_of(lines));
    run_ms(50);
}

static void arm_with_a_played_printer(void)
{
    options.printer_played = true;
    begin(SPAN_NONE, (struct instant){0});
    arm_with_host();
}

/* What is in the middle of a packet is no line: only a reset is sure to stop such a printer. */
static void in_a_binary_transfer_the_printer_is_reset_too_and_once(void **unused)
{
    (void)unused;
    arm_with_a_played_printer();
    played_printer_says("start\n");
    host_says("M28 B1 part.gco\n");
    run_ms(50);
    played_printer_says("Switching to Binary Protocol\nok\n");
    world_read(&world, PROXY_PRINTER, world_written(&world, PROXY_PRINTER).length);
    assert_true(binary_transfer_runs(&proxy.router.binary));
    host_says("\xB5\xAD\x01\x02");
    run_ms(20);
    button(true);
    run_ms(60);
    assert_true(span_contains(world_written(&world, PROXY_PRINTER), SPAN("\nM112\n")));
    run_ms(2000);
    assert_int_equal(world.pulses, 1);
    assert_int_equal(proxy.estop.state, ESTOP_TRIPPED);
}

/* It says no `start`, and whoever restarts it need not be the host. */
static void a_klipper_that_is_restarted_while_it_is_held_is_halted_again(void **unused)
{
    (void)unused;
    arm_with_a_played_printer();
    button(true);
    run_ms(60);
    played_printer_says("// Klipper state: Shutdown\n!! Shutdown due to M112 command\nok\n");
    world_read(&world, PROXY_PRINTER, world_written(&world, PROXY_PRINTER).length);
    played_printer_says("// Klipper state: Ready\n");
    assert_true(span_equal(world_written(&world, PROXY_PRINTER), SPAN("\nM112\n")));
}

/* It is there once: a rule that waits for that begins once. */
static void a_printer_that_is_back_without_a_start_is_told_once(void **unused)
{
    uint64_t before;

    (void)unused;
    arm_with_a_played_printer();
    played_printer_says("start\n");
    run_ms(10000);
    played_printer_says("// Klipper state: Shutdown\n!! Shutdown due to M112 command\n");
    played_printer_says("// Klipper state: Disconnect\n");
    before = world.entries;
    played_printer_says("// Klipper state: Ready\n");
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "printer reset"), 1);
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "printer online"), 1);
    world_unplug(&world, PROXY_PRINTER);
    run_ms(3000);
    world_plug(&world, PROXY_PRINTER);
    run_ms(3000);
    before = world.entries;
    played_printer_says("PowerUp\n");
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "printer reset"), 1);
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "printer online"), 1);
}

/* What it says tells of a reset: the stop is said to it anew. */
static void is_halted_again_when_it_says(const char *line)
{
    world_read(&world, PROXY_PRINTER, world_written(&world, PROXY_PRINTER).length);
    played_printer_says(line);
    assert_true(span_equal(world_written(&world, PROXY_PRINTER), SPAN("\nM112\n")));
}

/* The wire has lost its `start`; what follows tells that it was reset. */
static void a_printer_whose_start_was_lost_while_it_is_held_is_halted_again(void **unused)
{
    (void)unused;
    arm_with_a_played_printer();
    played_printer_says("start\n");
    run_ms(10000);
    button(true);
    run_ms(60);
    played_printer_says("Error:Printer halted. kill() called!\n");
    is_halted_again_when_it_says("PowerUp\n");
}

/* The same right behind a reset that was heard: once halted it says nothing more of that. */
static void a_start_that_is_lost_a_second_after_the_last_is_known_too(void **unused)
{
    (void)unused;
    arm_with_a_played_printer();
    button(true);
    run_ms(60);
    played_printer_says("start\n");
    played_printer_says("PowerUp\n");
    played_printer_says("Error:Printer halted. kill() called!\n");
    run_ms(1000);
    is_halted_again_when_it_says("PowerUp\n");
}

/* `wait` is said by a printer that runs: nothing else may tell of a reset whose start was lost. */
static void a_halted_printer_that_waits_was_reset(void **unused)
{
    (void)unused;
    arm_with_a_played_printer();
    button(true);
    run_ms(60);
    played_printer_says("Error:Printer halted. kill() called!\n");
    run_ms(1000);
    is_halted_again_when_it_says("wait\n");
}

/* Its buffer ran over in a wait, and M112 went under: its heaters stayed on. */
static void a_printer_that_speaks_on_though_it_is_stopped_is_told_again(void **unused)
{
    (void)unused;
    arm_with_a_played_printer();
    played_printer_says("start\n");
    button(true);
    run_ms(HALT_MS + 5000);
    is_halted_again_when_it_says("ok\n");
    run_ms(HALT_MS + 5000);
    world_read(&world, PROXY_PRINTER, world_written(&world, PROXY_PRINTER).length);
    played_printer_says("ok\n");
    assert_int_equal(world_written(&world, PROXY_PRINTER).length, 0); /* M112 is no flood */
    played_printer_says("Error:Printer halted. kill() called!\n");
    run_ms(HALT_HEARD_MS);
    is_halted_again_when_it_says("echo:SD card ok\n"); /* behind a `start` that was lost */
}

static void in_the_middle_of_a_plan_its_output_goes_off_and_nothing_more_is_done(void **unused)
{
    struct request pulse = {.kind = REQUEST_PULSE, .ms = 10000, .point = "light"};
    uint64_t before;

    (void)unused;
    arm_with_host();
    world_ask(&world, &pulse, 7);
    run_ms(100);
    assert_true(sim_board_output(&world.board, LIGHT));
    /* The stream waits for the head, which is on its way for a minute. */
    host_says("G1 X100 F100\nM62 Plight\n");
    run_ms(500);
    before = world.entries;
    button(true);
    run_ms(100);
    expect_stopped();
    run_ms(70000);
    assert_false(sim_board_output(&world.board, LIGHT));
    assert_int_equal(switched(LIGHT, true), 1);
    assert_int_equal(seen(before, WORLD_EVENT, PROXY_HOST, "M62 done"), 0);
}

static void pressed_twice_it_stops_twice_and_resets_the_printer_once(void **unused)
{
    uint64_t before;

    (void)unused;
    arm_with_host();
    button(true);
    run_ms(3000);
    assert_int_equal(world.pulses, 1);
    button(false);
    run_ms(3000);
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
    before = world.entries;
    button(true);
    run_ms(3000);
    expect_stopped();
    assert_true(seen(before, WORLD_TO, PROXY_PRINTER, "M112") >= 1);
    assert_int_equal(world.pulses, 1);
}

static void a_printer_that_is_off_is_stopped_when_it_is_switched_on(void **unused)
{
    (void)unused;
    arm_with_host();
    sim_printer_power(&world.printer, false, world.now);
    world_settle(&world);
    button(true);
    run_ms(10000);
    sim_printer_power(&world.printer, true, world.now);
    world_settle(&world);
    run_ms(3000);
    expect_stopped();
}

/* Held: each `start` of the printer is answered by M112, and none by another reset. */
static void a_printer_that_is_reset_while_it_is_held_is_no_boot_loop(void **unused)
{
    (void)unused;
    arm_with_host();
    button(true);
    run_ms(5000);
    assert_int_equal(world.pulses, 1);
    for (int i = 0; i < 3; i++) {
        uint64_t before = world.entries;

        sim_printer_reset(&world.printer, world.now);
        world_settle(&world);
        run_ms(5000);
        expect_stopped();
        assert_true(seen(before, WORLD_TO, PROXY_PRINTER, "M112") >= 1);
    }
    world_host_closes(&world);
    run_ms(1000);
    world_host_opens(&world, 115200);
    run_ms(5000);
    assert_int_equal(world.pulses, 1);
    assert_int_equal(world.printer.counters.resets, 4);
}

static void held_over_a_restart_of_the_daemon_nothing_switches_back(void **unused)
{
    char saved[ORDER_TEXT];
    uint64_t before;

    (void)unused;
    arm_with_host();
    button(true);
    run_ms(3000);
    expect_stopped();
    memcpy(saved, world.saved, sizeof saved);
    world_ask(&world, &(struct request){.kind = REQUEST_EXIT}, -1);
    run_ms(3000);
    assert_int_equal(switched(RELAY, true), 1);

    /* The button is pressed from the first report on; the printer has been reset meanwhile. */
    begin(span_of(saved), world.now);
    before = world.entries;
    button(true);
    world_host_opens(&world, 115200);
    run_ms(10000);
    assert_int_equal(world.printer.state, SIM_PRINTER_HALTED);
    assert_int_equal(proxy.estop.state, ESTOP_TRIPPED);
    assert_int_equal(switched(RELAY, true), 0);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "G"), 0);
    assert_int_equal(world.pulses, 0);
}

static void held_over_a_reset_and_a_loss_of_the_board_nothing_switches_back(void **unused)
{
    (void)unused;
    arm_with_host();
    button(true);
    run_ms(3000);
    sim_board_reset(&world.board, world.now);
    world_settle(&world);
    run_ms(10000);
    expect_stopped();
    world_unplug(&world, PROXY_BOARD);
    run_ms(15000);
    world_plug(&world, PROXY_BOARD);
    run_ms(15000);
    expect_stopped();
    button(false);
    run_ms(5000);
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
    assert_int_equal(switched(RELAY, true), 1);
}

/* Whoever wants a halted output otherwise is refused and told: a client, a line, a pulse's end. */
static void expect_held(void)
{
    static const struct request set = {.kind = REQUEST_SET, .value = 255, .point = "relay"};
    static const struct request pulse = {.kind = REQUEST_PULSE, .ms = 100, .point = "relay"};
    uint64_t before = world.entries;
    unsigned times = switched(RELAY, true);

    world_ask(&world, &set, 7);
    run_ms(100);
    assert_false(world.answer.ok);
    assert_string_equal(world.answer.text, "the emergency stop holds this output");
    world_ask(&world, &pulse, 8);
    run_ms(500);
    assert_false(world.answer.ok);
    host_says("M42 Prelay S1\n");
    run_ms(100);
    assert_int_equal(
        seen(before, WORLD_TO, PROXY_HOST,
             "error: estop: rule M42: step 1 of 1: the emergency stop holds this output"),
        1);
    assert_int_equal(seen(before, WORLD_TO, PROXY_BOARD, "IO 12 1"), 0);
    assert_int_equal(switched(RELAY, true), times);
}

static void a_halted_output_is_switched_by_nobody_until_the_reset(void **unused)
{
    (void)unused;
    world_unplug(&world, PROXY_BOARD);
    world_host_opens(&world, 115200);
    run_ms(1000);
    assert_int_equal(proxy.estop.state, ESTOP_UNKNOWN); /* not seen healthy yet */
    expect_held();
    world_plug(&world, PROXY_BOARD);
    arm();
    button(true);
    run_ms(1000);
    expect_held();
    button(false);
    run_ms(1000);
    assert_int_equal(proxy.estop.state, ESTOP_LATCHED);
    expect_held();
    world_ask(&world, &(struct request){.kind = REQUEST_RESET}, 9);
    run_ms(100);
    assert_true(world.answer.ok);
    world_ask(&world, &(struct request){.kind = REQUEST_SET, .value = 255, .point = "relay"}, 10);
    run_ms(100);
    assert_true(world.answer.ok);
    assert_true(sim_board_output(&world.board, RELAY));
}

/*
 * The reports that an original board makes by itself show pins as they are that moment, bounce or
 * not. Spikes that it never reports as an edge are put where they meet one of those.
 */
static void a_spike_in_a_periodic_report_of_an_original_board_does_nothing(void **unused)
{
    uint64_t before;

    (void)unused;
    arm_with_host();
    before = world.entries;
    for (int i = 0; i < 4000; i++) {
        button(true);
        run_ms(2);
        button(false);
        run_ms(3);
    }
    assert_true(seen(before, WORLD_FROM, PROXY_BOARD, "IO:1") >= 1);
    assert_int_equal(seen(before, WORLD_TO, PROXY_PRINTER, "M112"), 0);
    assert_int_equal(proxy.estop.state, ESTOP_ARMED);
}

/* Nothing drives the input: its pull-up does. */
static void a_wire_that_is_cut_counts_as_pressed(void **unused)
{
    (void)unused;
    run_ms(5000);
    expect_stopped();
    assert_int_equal(switched(RELAY, true), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_printer_that_takes_nothing_gets_m112_before_all_that_waits),
        TEST(a_host_that_reads_nothing_does_not_hold_it_up),
        TEST(without_a_host_it_stops_as_well),
        TEST(a_host_that_has_gone_in_mid_print_does_not_hold_it_up),
        TEST(an_upload_is_ended_and_then_it_stops),
        TEST(in_a_binary_transfer_the_printer_is_reset_too_and_once),
        TEST(a_klipper_that_is_restarted_while_it_is_held_is_halted_again),
        TEST(a_printer_that_is_back_without_a_start_is_told_once),
        TEST(a_printer_whose_start_was_lost_while_it_is_held_is_halted_again),
        TEST(a_start_that_is_lost_a_second_after_the_last_is_known_too),
        TEST(a_halted_printer_that_waits_was_reset),
        TEST(a_printer_that_speaks_on_though_it_is_stopped_is_told_again),
        TEST(in_the_middle_of_a_plan_its_output_goes_off_and_nothing_more_is_done),
        TEST(pressed_twice_it_stops_twice_and_resets_the_printer_once),
        TEST(a_printer_that_is_off_is_stopped_when_it_is_switched_on),
        TEST(a_printer_that_is_reset_while_it_is_held_is_no_boot_loop),
        TEST(held_over_a_restart_of_the_daemon_nothing_switches_back),
        TEST(held_over_a_reset_and_a_loss_of_the_board_nothing_switches_back),
        TEST(a_halted_output_is_switched_by_nobody_until_the_reset),
        TEST(a_spike_in_a_periodic_report_of_an_original_board_does_nothing),
        TEST(a_wire_that_is_cut_counts_as_pressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
