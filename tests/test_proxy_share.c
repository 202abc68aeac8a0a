/* A guest of the board's share in a whole core: what it may switch, and what is stronger. */
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
#define PSU    14
#define SPARE  15 /* no point */

static struct kit kit;
static struct world world;
static struct proxy proxy;

static void run_ms(int64_t ms)
{
    world_passes(&world, ms);
}

static void button(bool pressed)
{
    world_input(&world, BUTTON, pressed);
}

/* The button is healthy, a guest is there, and the relay is on. */
static int set_up(void **unused)
{
    struct world_options options = {.settings = &kit.settings, .rules = &kit.ruleset};
    struct point_settings *relay, *psu;

    (void)unused;
    kit_init(&kit);
    kit_mcodes(&kit);
    kit_point(&kit, "button", POINT_INPUT, BUTTON)->debounce_ms = 20;
    relay = kit_point(&kit, "relay", POINT_OUTPUT, RELAY);
    relay->start = (struct occasion){OCCASION_SET, 255};
    relay->halt = (struct occasion){OCCASION_SET, 0};
    kit_point(&kit, "light", POINT_OUTPUT, LIGHT);
    psu = kit_point(&kit, "mains", POINT_OUTPUT, PSU);
    psu->guarded = true;
    kit.settings.estop.point = 0;
    kit.settings.estop.reset_point = POINT_NONE;
    kit.settings.estop.m112_halts = true;
    kit.settings.share_writes = SHARE_OUTPUTS;
    options.printer = sim_printer_manner_marlin();
    options.host_played = true;
    world_init(&world, &proxy, &options, (struct instant){0});
    button(false);
    run_ms(5000);
    assert_true(sim_board_output(&world.board, RELAY));
    world_guest_opens(&world);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    kit_free(&kit);
    return 0;
}

/* What the guest has heard since the last time. */
static const char *heard(void)
{
    static char bytes[WORLD_WIRE + 1];
    struct span written = world_written(&world, PROXY_SHARE);

    memcpy(bytes, written.data, written.length);
    bytes[written.length] = '\0';
    world_read(&world, PROXY_SHARE, written.length);
    return bytes;
}

static const char *guest_says(const char *line)
{
    heard();
    world_write(&world, PROXY_SHARE, span_of(line));
    run_ms(100);
    return heard();
}

static void guests_switch_points_that_are_not_private(void **unused)
{
    (void)unused;
    assert_non_null(strstr(guest_says("IO 13 1\n"), "IO:"));
    assert_true(sim_board_output(&world.board, LIGHT));
    assert_non_null(strstr(guest_says("IO 14 1\n"), "DG:ERR: it is private"));
    assert_false(sim_board_output(&world.board, PSU));
    assert_non_null(strstr(guest_says("IO 15 1\n"), "DG:ERR: it is no point"));
    assert_false(sim_board_output(&world.board, SPARE));
}

static void all_are_the_boards_other_outputs_too_but_nothing_private(void **unused)
{
    (void)unused;
    kit.settings.share_writes = SHARE_ALL;
    guest_says("IO 15 1\n");
    assert_true(sim_board_output(&world.board, SPARE));
    guest_says("IO 15 0\n");
    assert_false(sim_board_output(&world.board, SPARE));
    assert_non_null(strstr(guest_says("IO 5 1\n"), "DG:ERR: Atmpt set IO not an output"));
    guest_says("IO 14 1\n");
    assert_false(sim_board_output(&world.board, PSU));
}

/* Boards before SIO_Arduino 1.0.11 do not know TC: which of their ios are outputs nobody knows. */
static void of_a_board_that_does_not_say_which_are_outputs_all_may_be_tried(void **unused)
{
    (void)unused;
    kit.settings.share_writes = SHARE_ALL;
    proxy.board.constants = (struct board_constants){0};
    proxy.board.levels.outputs = 0;
    guest_says("IO 15 1\n");
    assert_true(sim_board_output(&world.board, SPARE));
}

static void none_is_nothing(void **unused)
{
    (void)unused;
    kit.settings.share_writes = SHARE_NONE;
    assert_non_null(strstr(guest_says("IO 13 1\n"), "DG:ERR: guests switch nothing here"));
    assert_false(sim_board_output(&world.board, LIGHT));
}

static void what_the_emergency_stop_holds_no_guest_switches(void **unused)
{
    (void)unused;
    button(true);
    run_ms(1000);
    assert_false(sim_board_output(&world.board, RELAY));
    assert_non_null(
        strstr(guest_says("IO 12 1\n"), "DG:ERR: the emergency stop holds this output"));
    assert_false(sim_board_output(&world.board, RELAY));
    button(false);
    run_ms(1000);
    guest_says("IO 12 1\n");
    assert_false(sim_board_output(&world.board, RELAY));
    /* All others are its own. */
    guest_says("IO 13 1\n");
    assert_true(sim_board_output(&world.board, LIGHT));
}

static void a_halt_is_the_last_word_on_what_was_wanted_before_it(void **unused)
{
    (void)unused;
    world_write(&world, PROXY_SHARE, SPAN("IO 13 1\nIO 12 0\nIO 12 1\nIO 13 0\n"));
    world_host_opens(&world, 115200);
    world_write(&world, PROXY_HOST, SPAN("M112\n"));
    run_ms(1000);
    assert_false(sim_board_output(&world.board, RELAY));
    assert_non_null(strstr(heard(), "DG:ERR: the printer is halted"));
    /* M112 does not latch: the guest may go on. */
    guest_says("IO 12 1\n");
    assert_true(sim_board_output(&world.board, RELAY));
}

static void wishes_for_a_board_that_is_gone_come_to_nothing(void **unused)
{
    (void)unused;
    kit.settings.share_writes = SHARE_ALL;
    world_write(&world, PROXY_SHARE, SPAN("IO 15 1\nIO 13 1\n"));
    world_unplug(&world, PROXY_BOARD);
    run_ms(10000);
    assert_non_null(strstr(heard(), "DG:ERR: the IO board does not answer\r\n"
                                    "DG:ERR: the IO board is not connected\r\n"));
    assert_non_null(strstr(guest_says("IO 15 1\n"), "DG:ERR: the IO board is not connected"));
    world_plug(&world, PROXY_BOARD);
    run_ms(15000);
    assert_non_null(strstr(heard(), "RR\r\n"));
    assert_false(sim_board_output(&world.board, SPARE));
    guest_says("IO 15 1\n");
    assert_true(sim_board_output(&world.board, SPARE));
}

static void a_guest_that_leaves_takes_its_wishes_along(void **unused)
{
    (void)unused;
    world_write(&world, PROXY_SHARE, SPAN("IO 13 1\nIO 13 0\nIO 12 0\n"));
    world_guest_closes(&world);
    world_guest_opens(&world);
    world_write(&world, PROXY_SHARE, SPAN("IO 13 1\n"));
    assert_int_equal(proxy.router.plans.running, 1);
    run_ms(1000);
    assert_true(sim_board_output(&world.board, LIGHT));
    assert_true(sim_board_output(&world.board, RELAY));
}

static void a_refusal_is_logged_once_for_each_guest(void **unused)
{
    uint64_t before = world.entries;
    unsigned logged = 0;
    struct world_entry entry;

    (void)unused;
    for (unsigned i = 0; i < 20; i++)
        guest_says("IO 14 1\n");
    for (; before < world.entries; before++) {
        if (world_journal(&world, before, &entry) && entry.kind == WORLD_EVENT &&
            span_contains((struct span){entry.text, entry.length},
                          SPAN("guest: io 14 is not switched: it is private")))
            logged++;
    }
    assert_int_equal(logged, 1);
}

static void a_guest_holds_one_plan_however_much_it_wants(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 200; i++) {
        world_write(&world, PROXY_SHARE, i % 2 == 0 ? SPAN("IO 13 1\n") : SPAN("IO 13 0\n"));
        assert_true(proxy.router.plans.running <= 1);
    }
    run_ms(5000);
    assert_false(sim_board_output(&world.board, LIGHT));
    assert_int_equal(proxy.router.plans.running, 0);
}

int main(void)
{
#define SHARED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SHARED(guests_switch_points_that_are_not_private),
        SHARED(all_are_the_boards_other_outputs_too_but_nothing_private),
        SHARED(of_a_board_that_does_not_say_which_are_outputs_all_may_be_tried),
        SHARED(none_is_nothing),
        SHARED(what_the_emergency_stop_holds_no_guest_switches),
        SHARED(a_halt_is_the_last_word_on_what_was_wanted_before_it),
        SHARED(wishes_for_a_board_that_is_gone_come_to_nothing),
        SHARED(a_guest_that_leaves_takes_its_wishes_along),
        SHARED(a_refusal_is_logged_once_for_each_guest),
        SHARED(a_guest_holds_one_plan_however_much_it_wants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
