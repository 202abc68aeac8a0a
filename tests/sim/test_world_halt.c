/*
 * M112 of a host through the core, a halted printer that is reset and halted again.
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

#define KILLED "Error:Printer halted. kill() called!\n"

static struct kit kit;
static struct world *world;
static struct proxy *proxy;

/* Host and printer are played by the test. */
static int begin(void **unused)
{
    struct world_options options;

    (void)unused;
    kit_init(&kit);
    options = (struct world_options){.settings = &kit.settings,
                                     .rules = &kit.ruleset,
                                     .printer = sim_printer_manner_marlin(),
                                     .host = sim_host_manner_octoprint(),
                                     .host_played = true,
                                     .printer_played = true};
    world = malloc(sizeof *world);
    proxy = malloc(proxy_size());
    if (world == NULL || proxy == NULL)
        return 1;
    world_init(world, proxy, &options, (struct instant){1000000});
    world_host_opens(world, 115200);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    free(world);
    free(proxy);
    kit_free(&kit);
    return 0;
}

/* One of them says that, and a millisecond later all that it causes has happened. */
static void say(enum proxy_port who, const char *line)
{
    world_write(world, who, span_of(line));
    if (!world_run_ms(world, 1))
        fail_msg("%s", world->broken);
}

/* How often the printer has heard M112 since last asked. */
static unsigned halts_heard(void)
{
    struct span bytes = world_written(world, PROXY_PRINTER);
    unsigned halts = 0;

    for (size_t i = 0; i < bytes.length; i++)
        halts += span_starts(span_skip(bytes, i), SPAN("M112"));
    world_read(world, PROXY_PRINTER, bytes.length);
    return halts;
}

static void an_m112_after_a_reset_halts_at_once_again(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 40; i++) {
        say(PROXY_HOST, "M112\n");
        assert_int_equal(halts_heard(), 1);
        say(PROXY_PRINTER, KILLED);
        say(PROXY_PRINTER, "start\n");
        say(PROXY_HOST, "G28\n");
        say(PROXY_PRINTER, "ok\n");
        world_run_ms(world, 180);
        assert_int_equal(halts_heard(), 0);
    }
}

static void an_m112_after_a_halt_that_nobody_confirmed_halts_at_once_again(void **unused)
{
    (void)unused;
    say(PROXY_HOST, "M112\n");
    assert_int_equal(halts_heard(), 1);
    say(PROXY_HOST, "G28\n");
    say(PROXY_HOST, "M112\n");
    assert_int_equal(halts_heard(), 1);
}

static void an_m112_said_three_times_is_told_once(void **unused)
{
    struct span told;
    unsigned times = 0;

    (void)unused;
    say(PROXY_HOST, "M112\nN5 M112*39\nM112\n");
    assert_in_range(halts_heard(), 1, 3);
    told = world_written(world, PROXY_HOST);
    for (size_t i = 0; i < told.length; i++)
        times += span_starts(span_skip(told, i), SPAN("M112 of the host"));
    assert_int_equal(times, 1);
}

static void it_is_repeated_until_the_printer_says_that_it_is_halted(void **unused)
{
    (void)unused;
    say(PROXY_HOST, "M112\n");
    assert_int_equal(halts_heard(), 1);
    world_run_ms(world, 600);
    assert_int_equal(halts_heard(), 2);
    say(PROXY_PRINTER, KILLED);
    world_run_ms(world, 10000);
    assert_int_equal(halts_heard(), 0);
}

/* The numbers behind it are written anew, and that breaks no promise: found by a fuzzer. */
static void an_m112_that_is_only_forwarded_leaves_no_hole_in_the_numbers(void **unused)
{
    (void)unused;
    kit.settings.estop.m112_halts = false;
    say(PROXY_HOST, "N0 M110 N0*125\n");
    say(PROXY_PRINTER, "ok\n");
    say(PROXY_HOST, "N1 M112*32\nN2 G28*17\n");
    assert_true(span_equal(world_written(world, PROXY_PRINTER),
                           SPAN("N0 M110 N0*125\n\nM112\nN1 G28*18\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_m112_after_a_reset_halts_at_once_again, begin, end),
        cmocka_unit_test_setup_teardown(
            an_m112_after_a_halt_that_nobody_confirmed_halts_at_once_again, begin, end),
        cmocka_unit_test_setup_teardown(an_m112_said_three_times_is_told_once, begin, end),
        cmocka_unit_test_setup_teardown(
            an_m112_that_is_only_forwarded_leaves_no_hole_in_the_numbers, begin, end),
        cmocka_unit_test_setup_teardown(it_is_repeated_until_the_printer_says_that_it_is_halted,
                                        begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
