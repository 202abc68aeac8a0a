/* What the core makes of a host that does not read. */
#include "proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/kit.h"

#define LINES 800

static struct kit kit;
static struct proxy *proxy;
static struct instant now;

static void put(enum proxy_input_kind kind, enum proxy_port port, struct span bytes, int64_t number)
{
    struct proxy_input input = {.kind = kind, .port = port, .bytes = bytes, .number = number};
    struct order order;

    proxy_input(proxy, &input, now);
    if (proxy_check(proxy) != NULL)
        fail_msg("%s", proxy_check(proxy));
    while (proxy_next_order(proxy, &order))
        continue;
}

static int begin(void **unused)
{
    (void)unused;
    kit_init(&kit);
    kit_point(&kit, "light", POINT_OUTPUT, 12);
    kit_point(&kit, "door", POINT_INPUT, 3);
    kit_mcodes(&kit);
    proxy = malloc(proxy_size());
    if (proxy == NULL)
        return -1;
    now = (struct instant){1000000};
    proxy_init(proxy, &kit.settings, &kit.ruleset, SPAN_NONE, now);
    put(PROXY_OPENED, PROXY_PRINTER, SPAN_NONE, 0);
    put(PROXY_OPENED, PROXY_HOST, SPAN_NONE, 0);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    free(proxy);
    kit_free(&kit);
    return 0;
}

/* The host reads all there is; how many oks that are. */
static unsigned oks_read(void)
{
    unsigned oks = 0;
    struct span bytes, rest;

    while ((bytes = proxy_output(proxy, PROXY_HOST)).length > 0) {
        for (rest = bytes; rest.length > 0; rest = span_skip(rest, span_find(rest, '\n') + 1))
            oks += span_starts(rest, SPAN("ok\n"));
        put(PROXY_SENT, PROXY_HOST, SPAN_NONE, (int64_t)bytes.length);
    }
    return oks;
}

static void a_host_that_does_not_read_loses_no_ok_of_ours(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < LINES; i++)
        put(PROXY_BYTES, PROXY_HOST, SPAN("M43\n"), 0);
    assert_true(proxy_output(proxy, PROXY_HOST).length < 64 * 1024);
    assert_int_equal(oks_read(), LINES);
}

static void what_is_only_to_be_watched_leaves_room_for_answers(void **unused)
{
    (void)unused;
    put(PROXY_BYTES, PROXY_HOST, SPAN("M66 Pdoor L3\n"), 0);
    for (unsigned i = 0; i < 4000; i++) {
        now = instant_after_ms(now, 2000);
        put(PROXY_TICK, PROXY_HOST, SPAN_NONE, 0); /* busy, and what is waited for */
    }
    assert_true(proxy_output(proxy, PROXY_HOST).length > 32 * 1024);
    assert_true(proxy_output(proxy, PROXY_HOST).length < 56 * 1024);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_host_that_does_not_read_loses_no_ok_of_ours),
        TEST(what_is_only_to_be_watched_leaves_room_for_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
