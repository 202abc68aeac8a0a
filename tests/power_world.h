/*
 * The whole core with a printer whose power hangs on the board, and a host that is played.
 */
#pragma once

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

#define SENSE  1
#define BUTTON 2
#define LIGHT  12
#define RELAY  13

static struct kit kit;
static struct world world;
static struct proxy proxy;
static struct world_options options;

static int __attribute__((unused)) set_up(void **unused)
{
    (void)unused;
    memset(&options, 0, sizeof options);
    kit_init(&kit);
    kit_mcodes(&kit);
    kit_point(&kit, "psu", POINT_OUTPUT, RELAY)->guarded = true;
    kit_point(&kit, "light", POINT_OUTPUT, LIGHT);
    kit_point(&kit, "sense", POINT_INPUT, SENSE);
    kit_point(&kit, "button", POINT_INPUT, BUTTON);
    kit.settings.psu.point = 0;
    options = (struct world_options){.settings = &kit.settings,
                                     .rules = &kit.ruleset,
                                     .printer = sim_printer_manner_marlin(),
                                     .host_played = true,
                                     .power = WORLD_POWER_SWITCHED,
                                     .power_io = RELAY};
    return 0;
}

static int __attribute__((unused)) tear_down(void **unused)
{
    (void)unused;
    kit_free(&kit);
    return 0;
}

static void __attribute__((unused)) run_ms(int64_t ms)
{
    world_passes(&world, ms);
}

/* The board is online and all is off; a host is there. */
static void __attribute__((unused)) begin(void)
{
    world_init(&world, &proxy, &options, (struct instant){0});
    run_ms(8000);
    world_host_opens(&world, 115200);
    run_ms(100);
}

/* Lines with this in them that went that way since that entry. */
static unsigned __attribute__((unused))
seen(uint64_t since, enum world_kind kind, enum proxy_port port, const char *part)
{
    return world_seen(&world, since, kind, port, part);
}

static void __attribute__((unused))
tell_and_fail(const char *what, const char *part, unsigned times)
{
    world_tell(&world, WORLD_TOLD, stderr);
    fail_msg("%s: %s, %u times", what, part, times);
}

static void __attribute__((unused)) host_heard(uint64_t since, const char *part, unsigned times)
{
    if (seen(since, WORLD_TO, PROXY_HOST, part) != times)
        tell_and_fail("the host heard", part, seen(since, WORLD_TO, PROXY_HOST, part));
}

/* Lines that are an ok. */
static void __attribute__((unused)) host_got_oks(uint64_t since, unsigned count)
{
    struct world_entry entry;
    unsigned oks = 0;

    for (uint64_t at = since; at < world.entries; at++) {
        if (world_journal(&world, at, &entry) && entry.kind == WORLD_TO &&
            entry.port == PROXY_HOST &&
            span_starts((struct span){entry.text, entry.length}, SPAN("ok")))
            oks++;
    }
    if (oks != count)
        tell_and_fail("the host got", "ok", oks);
}

static void __attribute__((unused)) executed(uint64_t since, const char *part, unsigned times)
{
    if (seen(since, WORLD_EXECUTED, PROXY_PRINTER, part) != times)
        tell_and_fail("the printer did", part, seen(since, WORLD_EXECUTED, PROXY_PRINTER, part));
}

static void __attribute__((unused)) host_says(const char *line)
{
    world_write(&world, PROXY_HOST, span_of(line));
    world_write(&world, PROXY_HOST, SPAN("\n"));
    run_ms(300);
}

static void __attribute__((unused)) psu(enum request_kind kind, bool on)
{
    world_ask(&world, &(struct request){.kind = kind, .value = on ? 255 : 0}, 7);
    run_ms(300);
}

static void __attribute__((unused)) expect_psu(const char *word, bool printer)
{
    struct status status;

    proxy_status(&proxy, world.now, &status);
    assert_string_equal(status.psu_state, word);
    assert_int_equal(world.printer.state != SIM_PRINTER_OFF, printer);
}

static void __attribute__((unused)) switch_on(void)
{
    psu(REQUEST_POWER, true);
    run_ms(5000);
    expect_psu("on", true);
    assert_false(proxy.router.standin);
}
