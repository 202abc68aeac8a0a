/*
 * Nothing switches by accident: every pin of the simulated board that changes, over start, print,
 * reload, reconnects, resets, halt and exit, is on a list of what may change then.
 */
#include "sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/kit.h"

/* After each occasion: polls, timeouts and reports have all been there. */
#define SETTLES_MS 70000

/* Two configs: a reload goes from the one to the other. */
static struct kit kit, other;
static struct world *world;
static struct proxy *proxy;
static uint32_t seen; /* pin changes that were looked at */

static struct occasion set_to(bool on)
{
    return (struct occasion){OCCASION_SET, on ? UINT8_MAX : 0};
}

/* One output for each occasion, and one that is on at low level. */
static void make_points(struct kit *to)
{
    static const char *const names[] = {"plain", "started", "kept", "halted", "lost", "low"};

    kit_init(to);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        struct point_settings *point = kit_point(to, names[i], POINT_OUTPUT, 12 + i);

        if (i != 2)
            point->board_back.kind = OCCASION_RESTORE;
    }
    kit_point(to, "door", POINT_INPUT, 2);
    to->settings.point[1].start = set_to(true);
    to->settings.point[1].exit = set_to(false);
    to->settings.point[3].halt = set_to(true);
    to->settings.point[4].host_lost = set_to(false);
    to->settings.point[5].active_high = false;
    to->settings.point[5].start = set_to(false);
    kit_mcodes(to);
}

static int begin(void **unused)
{
    struct world_options options;

    (void)unused;
    make_points(&kit);
    make_points(&other);
    other.settings.point[0].start = set_to(true); /* of no effect: it is no start */
    other.settings.point[1].start = set_to(false);
    options = (struct world_options){.settings = &kit.settings,
                                     .rules = &kit.ruleset,
                                     .printer = sim_printer_manner_marlin(),
                                     .host = sim_host_manner_octoprint()};
    world = malloc(sizeof *world);
    proxy = malloc(proxy_size());
    if (world == NULL || proxy == NULL)
        return 1;
    seen = 0;
    world_init(world, proxy, &options, (struct instant){1000000});
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    free(world);
    free(proxy);
    kit_free(&kit);
    kit_free(&other);
    return 0;
}

/* What has changed since last asked, in order: `12+ 13-`. */
static const char *changes(void)
{
    static char memory[1024];
    struct text text = {memory, sizeof memory - 1, 0, false};
    struct sim_board_change change;

    if (!world_run_ms(world, SETTLES_MS))
        fail_msg("%s", world->broken);
    while (sim_board_change(&world->board, seen, &change)) {
        seen++;
        if (text.length > 0)
            text_add_char(&text, ' ');
        text_add_integer(&text, change.io);
        text_add_char(&text, change.high ? '+' : '-');
    }
    assert_int_equal(seen, world->board.change_count);
    assert_false(text.cut);
    memory[text.length] = '\0';
    return memory;
}

static void type(const char *line)
{
    assert_true(sim_host_command(&world->host, span_of(line), world->now));
    world_settle(world);
}

/* The board is there, the host prints, and what it has switched is on. */
static void be_printing(void)
{
    static char file[400 * 16];
    size_t length = 0;

    assert_string_equal(changes(), "13+ 17+");
    world_host_opens(world, 115200);
    assert_string_equal(changes(), "");
    for (unsigned i = 0; i < 400; i++, length += 14)
        memcpy(file + length, i % 2 == 0 ? "G1 X100 F0300\n" : "G1 X000 F0300\n", 14);
    sim_host_print(&world->host, (struct span){file, length}, world->now);
    world_settle(world);
    type("M42 Pplain S1");
    type("M42 Pkept S1");
    type("M42 Plost S1");
    assert_string_equal(changes(), "12+ 14+ 16+");
    assert_int_equal(world->host.state, SIM_HOST_PRINTING);
}

static void a_reload_switches_nothing(void **unused)
{
    (void)unused;
    be_printing();
    proxy_reload(proxy, &other.settings, &other.ruleset, world->now);
    assert_string_equal(changes(), "");
    proxy_reload(proxy, &kit.settings, &kit.ruleset, world->now);
    assert_string_equal(changes(), "");
    other.settings.points = 1; /* all others are gone: nobody wants anything of them */
    proxy_reload(proxy, &other.settings, &other.ruleset, world->now);
    assert_string_equal(changes(), "");
    proxy_reload(proxy, &kit.settings, &kit.ruleset, world->now);
    assert_string_equal(changes(), "");
}

static void a_host_that_comes_again_switches_nothing(void **unused)
{
    (void)unused;
    be_printing();
    world_host_closes(world);
    world_run_ms(world, 9000);
    world_host_opens(world, 115200);
    assert_string_equal(changes(), "");
    world_host_opens(world, 250000); /* twice at once, as OctoPrint does */
    world_host_opens(world, 115200);
    assert_string_equal(changes(), "");
}

static void a_host_that_is_lost_switches_what_the_config_says(void **unused)
{
    (void)unused;
    be_printing();
    world_host_closes(world);
    assert_string_equal(changes(), "16-");
    world_host_opens(world, 115200);
    assert_string_equal(changes(), "");
}

static void a_printer_that_is_reset_or_gone_switches_nothing(void **unused)
{
    (void)unused;
    be_printing();
    sim_printer_reset(&world->printer, world->now);
    world_settle(world);
    assert_string_equal(changes(), "");
    world_unplug(world, PROXY_PRINTER);
    assert_string_equal(changes(), "");
    world_plug(world, PROXY_PRINTER);
    assert_string_equal(changes(), "");
}

/* A boot drives all outputs low, and that is not ours: only what is wanted comes back. */
static void a_board_that_boots_gets_back_what_was_wanted(void **unused)
{
    (void)unused;
    be_printing();
    sim_board_reset(&world->board, world->now);
    world_settle(world);
    assert_string_equal(changes(), "12- 13- 14- 16- 17- 12+ 13+ 16+ 17+");
}

static void a_board_whose_port_comes_back_gets_back_what_was_wanted(void **unused)
{
    (void)unused;
    be_printing();
    world_unplug(world, PROXY_BOARD);
    assert_string_equal(changes(), ""); /* outputs stay as they are without us */
    world_plug(world, PROXY_BOARD);
    assert_string_equal(changes(), "12- 13- 14- 16- 17- 12+ 13+ 16+ 17+");
}

static void a_halt_switches_what_the_config_says(void **unused)
{
    (void)unused;
    be_printing();
    sim_host_emergency(&world->host, world->now);
    world_settle(world);
    assert_string_equal(changes(), "15+");
    world_host_closes(world);
    assert_string_equal(changes(), "16-");
    world_host_opens(world, 115200);
    sim_printer_reset(&world->printer, world->now);
    world_settle(world);
    assert_string_equal(changes(), "");
}

static void the_end_of_the_daemon_switches_what_the_config_says(void **unused)
{
    (void)unused;
    be_printing();
    world_ask(world, &(struct request){.kind = REQUEST_EXIT}, -1);
    assert_string_equal(changes(), "13-");
}

static void inputs_that_move_switch_nothing(void **unused)
{
    (void)unused;
    be_printing();
    for (unsigned i = 0; i < 5; i++) {
        sim_board_input(&world->board, 2, i % 2 == 0, world->now);
        world_settle(world);
        assert_string_equal(changes(), i == 0 ? "" : i % 2 == 0 ? "2+" : "2-");
    }
}

/* What power and the emergency stop switch is on the list, too: what they are asked for, no more.
 */
static void power_and_stop_switch_what_they_are_asked_for(void **unused)
{
    struct world_options options = world->options;

    (void)unused;
    kit.settings.point[0].guarded = true;
    kit.settings.psu.point = 0;
    kit.settings.point[0].halt = set_to(false);
    kit.settings.estop.point = 6; /* the door; high is pressed */
    kit.settings.estop.reset_point = POINT_NONE;
    kit.settings.estop.m112_halts = true;
    other.settings.psu = kit.settings.psu;
    other.settings.estop = kit.settings.estop;
    world_init(world, proxy, &options, world->now);
    sim_board_input(&world->board, 2, false, world->now);
    seen = 0;
    assert_string_equal(changes(), "13+ 17+");
    world_host_opens(world, 115200);
    assert_string_equal(changes(), "");
    world_ask(world, &(struct request){.kind = REQUEST_POWER, .value = 255}, 1);
    assert_string_equal(changes(), "12+");
    proxy_reload(proxy, &other.settings, &other.ruleset, world->now);
    assert_string_equal(changes(), "");
    proxy_reload(proxy, &kit.settings, &kit.ruleset, world->now);
    assert_string_equal(changes(), "");
    sim_printer_reset(&world->printer, world->now);
    world_settle(world);
    assert_string_equal(changes(), "");
    world_unplug(world, PROXY_PRINTER);
    assert_string_equal(changes(), "");
    world_plug(world, PROXY_PRINTER);
    assert_string_equal(changes(), "");
    sim_board_reset(&world->board, world->now);
    world_settle(world);
    assert_string_equal(changes(), "12- 13- 17- 12+ 13+ 17+");
    world_unplug(world, PROXY_BOARD);
    assert_string_equal(changes(), "");
    world_plug(world, PROXY_BOARD);
    assert_string_equal(changes(), "12- 13- 17- 12+ 13+ 17+");
    sim_board_input(&world->board, 2, true, world->now);
    world_settle(world);
    assert_string_equal(changes(), "2+ 12- 15+");
    sim_board_reset(&world->board, world->now); /* held: only what is halted, and what is not */
    world_settle(world);
    assert_string_equal(changes(), "13- 15- 17- 15+ 13+ 17+");
    sim_board_input(&world->board, 2, false, world->now);
    world_settle(world);
    assert_string_equal(changes(), "2-");
    world_ask(world, &(struct request){.kind = REQUEST_RESET}, 2);
    assert_string_equal(changes(), "");
    world_ask(world, &(struct request){.kind = REQUEST_EXIT}, -1);
    assert_string_equal(changes(), "13-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reload_switches_nothing, begin, end),
        cmocka_unit_test_setup_teardown(a_host_that_comes_again_switches_nothing, begin, end),
        cmocka_unit_test_setup_teardown(a_host_that_is_lost_switches_what_the_config_says, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_printer_that_is_reset_or_gone_switches_nothing, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_board_that_boots_gets_back_what_was_wanted, begin, end),
        cmocka_unit_test_setup_teardown(a_board_whose_port_comes_back_gets_back_what_was_wanted,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_halt_switches_what_the_config_says, begin, end),
        cmocka_unit_test_setup_teardown(the_end_of_the_daemon_switches_what_the_config_says, begin,
                                        end),
        cmocka_unit_test_setup_teardown(inputs_that_move_switch_nothing, begin, end),
        cmocka_unit_test_setup_teardown(power_and_stop_switch_what_they_are_asked_for, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
