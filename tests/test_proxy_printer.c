/* What the core makes of what stands behind the printer's port. */
#include "proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kit/kit.h"

static struct kit kit;
static struct proxy *proxy;
static struct instant now;
static char host_bytes[4096];
static struct text to_host;

static void put(const struct proxy_input *input)
{
    proxy_input(proxy, input, now);
    if (proxy_check(proxy) != NULL)
        fail_msg("%s", proxy_check(proxy));
    for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++) {
        struct span bytes = proxy_output(proxy, port);

        if (bytes.length == 0)
            continue;
        if (port == PROXY_HOST)
            text_add(&to_host, bytes);
        proxy_input(proxy,
                    &(struct proxy_input){
                        .kind = PROXY_SENT, .port = port, .number = (int64_t)bytes.length},
                    now);
    }
}

static void opened(enum proxy_port port)
{
    put(&(struct proxy_input){.kind = PROXY_OPENED, .port = port, .number = 115200});
}

static void said(enum proxy_port port, const char *bytes)
{
    put(&(struct proxy_input){.kind = PROXY_BYTES, .port = port, .bytes = span_of(bytes)});
}

static bool told(const char *part)
{
    return span_contains(text_span(&to_host), span_of(part));
}

/* Orders since the last time, one of these among them? */
static bool ordered(enum order_kind kind)
{
    struct order order;
    bool found = false;

    while (proxy_next_order(proxy, &order))
        found |= order.kind == kind && order.port == PROXY_PRINTER;
    return found;
}

static int begin(void **unused)
{
    (void)unused;
    kit_init(&kit);
    kit_mcodes(&kit);
    proxy = malloc(proxy_size());
    if (proxy == NULL)
        return 1;
    now = (struct instant){0};
    to_host = TEXT_IN(host_bytes);
    proxy_init(proxy, &kit.settings, &kit.ruleset, SPAN_NONE, now);
    opened(PROXY_PRINTER);
    opened(PROXY_HOST);
    assert_true(ordered(ORDER_OPEN));
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    free(proxy);
    kit_free(&kit);
    return 0;
}

static void a_printer_that_is_a_board_is_closed_and_told(void **unused)
{
    (void)unused;
    said(PROXY_HOST, "N0 M110 N0*125\n");
    said(PROXY_PRINTER, "OK\r\nLooks like OctoPrint thinks I am a printer.\r\n"
                        "I not printer; Am SIOControler. Send disconnect host action cmnd.\r\n"
                        "//action:disconnect\r\n");
    assert_true(told("echo:sioproxy printer: what answers there is an IO board: port closed\n"));
    assert_false(told("//action:disconnect"));
    assert_true(ordered(ORDER_CLOSE));
    for (now.us = 0; now.us < 60000000; now.us += 500000)
        put(&(struct proxy_input){.kind = PROXY_TICK});
    assert_false(ordered(ORDER_OPEN));
}

static void a_printer_that_has_said_its_name_may_talk_like_a_board(void **unused)
{
    (void)unused;
    said(PROXY_HOST, "M115\n");
    said(PROXY_PRINTER, "FIRMWARE_NAME:Marlin 2.1\nok\n");
    said(PROXY_PRINTER, "CP:SIOPlugin 0.1.1\n");
    assert_true(told("CP:SIOPlugin 0.1.1\n"));
    assert_false(ordered(ORDER_CLOSE));
}

static void a_printer_without_emergency_parser_is_told_once(void **unused)
{
    static const char warning[] = "echo:sioproxy warning: this firmware reads M112 only in turn; "
                                  "wire the PSU to the stop\n";

    (void)unused;
    said(PROXY_HOST, "M115\n");
    said(PROXY_PRINTER, "FIRMWARE_NAME:Marlin 2.1\nCap:EMERGENCY_PARSER:0\nok\n");
    assert_true(told(warning));
    to_host.length = 0;
    said(PROXY_HOST, "M115\n");
    said(PROXY_PRINTER, "FIRMWARE_NAME:Marlin 2.1\nCap:EMERGENCY_PARSER:0\nok\n");
    assert_false(told(warning));
}

static void a_printer_with_emergency_parser_is_not_warned_of(void **unused)
{
    (void)unused;
    said(PROXY_HOST, "M115\n");
    said(PROXY_PRINTER, "FIRMWARE_NAME:Marlin 2.1\nCap:EMERGENCY_PARSER:1\nok\n");
    assert_false(told("warning"));
}

static void the_temperatures_of_a_printer_that_is_gone_are_not_shown(void **unused)
{
    struct status status;

    (void)unused;
    said(PROXY_HOST, "M105\n");
    said(PROXY_PRINTER, "ok T:21.50 /205.00 B:60.00 /60.00\n");
    proxy_status(proxy, now, &status);
    assert_int_equal(status.heaters, 2);
    put(&(struct proxy_input){.kind = PROXY_CLOSED, .port = PROXY_PRINTER});
    now.us += 61000000;
    put(&(struct proxy_input){.kind = PROXY_TICK});
    proxy_status(proxy, now, &status);
    assert_string_equal(status.printer_state, "offline");
    assert_int_equal(status.heaters, 0);
}

/* An opening may take its time, and the host sets its speed meanwhile. */
static void a_port_that_opens_late_gets_the_speed_of_then(void **unused)
{
    (void)unused;
    kit.settings.printer.baud = 0;
    proxy_init(proxy, &kit.settings, &kit.ruleset, SPAN_NONE, now);
    put(&(struct proxy_input){.kind = PROXY_OPENED, .port = PROXY_HOST, .number = 250000});
    assert_false(ordered(ORDER_SPEED));
    opened(PROXY_PRINTER);
    assert_true(ordered(ORDER_SPEED));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_port_that_opens_late_gets_the_speed_of_then),
        TEST(a_printer_that_is_a_board_is_closed_and_told),
        TEST(a_printer_that_has_said_its_name_may_talk_like_a_board),
        TEST(a_printer_without_emergency_parser_is_told_once),
        TEST(a_printer_with_emergency_parser_is_not_warned_of),
        TEST(the_temperatures_of_a_printer_that_is_gone_are_not_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
