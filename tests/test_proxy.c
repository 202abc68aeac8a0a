/*
 * The core as one machine: orders, ports, speeds, clients and occasions; what is said on the wire is
 * shown by the transcripts.
 */
#include "proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/kit.h"

static struct kit kit;
static struct proxy *proxy;
static struct instant now;
static struct order order;
static char host_bytes[8192], printer_bytes[8192], board_bytes[1024];
static struct text written[PROXY_PORTS];
static bool board_silent;
static char levels[] = "111111111111000000";

static int begin(void **unused)
{
    (void)unused;
    kit_init(&kit);
    kit_point(&kit, "light", POINT_OUTPUT, 12);
    kit_point(&kit, "door", POINT_INPUT, 3);
    kit_mcodes(&kit);
    proxy = malloc(proxy_size());
    now = (struct instant){0};
    board_silent = false;
    memcpy(levels, "111111111111000000", sizeof levels - 1);
    return proxy == NULL;
}

static int end(void **unused)
{
    (void)unused;
    free(proxy);
    kit_free(&kit);
    return 0;
}

static void take_output(void);

static void put(const struct proxy_input *input)
{
    proxy_input(proxy, input, now);
    if (proxy_check(proxy) != NULL)
        fail_msg("%s", proxy_check(proxy));
    take_output();
}

static void said(enum proxy_port port, const char *bytes)
{
    put(&(struct proxy_input){.kind = PROXY_BYTES, .port = port, .bytes = span_of(bytes)});
}

/* The board that is behind its port: it answers all it is asked. */
static void board_answers(struct span line)
{
    char report[128] = "OK\r\n";

    if (board_silent)
        return;
    if (span_starts(line, SPAN("VC")))
        strcat(report, "VI:SIO_Test 1.0\r\nCP:SIOPlugin 0.1.1\r\n");
    if (span_equal(line, SPAN("TC")))
        strcat(report, "TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2\r\n");
    if (span_equal(line, SPAN("IOT")))
        strcat(report, "IT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,\r\n");
    if (span_starts(line, SPAN("IO ")))
        levels[atoi(line.data + 3)] = line.data[line.length - 1];
    if (span_starts(line, SPAN("IO ")) || span_equal(line, SPAN("GS"))) {
        strcat(report, "IO:");
        strcat(report, levels);
        strcat(report, "\r\n");
    }
    said(PROXY_BOARD, report);
}

/* What the core has to write is written, and kept. */
static void take_output(void)
{
    for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++) {
        char copy[8192];
        struct span bytes = proxy_output(proxy, port), rest;

        if (bytes.length == 0)
            continue;
        assert_true(bytes.length <= sizeof copy);
        memcpy(copy, bytes.data, bytes.length);
        rest = (struct span){copy, bytes.length};
        text_add(&written[port], bytes);
        proxy_input(proxy,
                    &(struct proxy_input){
                        .kind = PROXY_SENT, .port = port, .number = (int64_t)bytes.length},
                    now);
        while (port == PROXY_BOARD && rest.length > 0) {
            size_t length = span_find(rest, '\n');

            board_answers((struct span){rest.data, length});
            rest = span_skip(rest, length + 1);
        }
    }
}

static void opened(enum proxy_port port, int64_t baud)
{
    put(&(struct proxy_input){.kind = PROXY_OPENED, .port = port, .number = baud});
}

static void closed(enum proxy_port port, const char *why)
{
    put(&(struct proxy_input){.kind = PROXY_CLOSED, .port = port, .bytes = span_of(why)});
}

/* The next order is this; else none is there. */
static void ordered(enum order_kind kind, enum proxy_port port)
{
    assert_true(proxy_next_order(proxy, &order));
    assert_int_equal(order.kind, kind);
    if (kind != ORDER_ANSWER)
        assert_int_equal(order.port, port);
}

static void nothing_ordered(void)
{
    assert_false(proxy_next_order(proxy, &order));
}

/* Time passes, every deadline in its turn. */
static void pass(int64_t ms)
{
    struct instant until = instant_after_ms(now, ms);

    while (instant_due(proxy_deadline(proxy), until)) {
        if (proxy_deadline(proxy).us > now.us)
            now = proxy_deadline(proxy);
        put(&(struct proxy_input){.kind = PROXY_TICK});
    }
    now = until;
}

static void begin_with(struct span saved)
{
    written[PROXY_HOST] = TEXT_IN(host_bytes);
    written[PROXY_PRINTER] = TEXT_IN(printer_bytes);
    written[PROXY_BOARD] = TEXT_IN(board_bytes);
    proxy_init(proxy, &kit.settings, &kit.ruleset, saved, now);
    ordered(ORDER_OPEN, PROXY_PRINTER);
}

/* Ports open, the board in use. */
static void all_open(void)
{
    begin_with(SPAN_NONE);
    ordered(ORDER_OPEN, PROXY_BOARD);
    nothing_ordered();
    opened(PROXY_PRINTER, 115200);
    opened(PROXY_BOARD, 115200);
    pass(3000);
    said(PROXY_BOARD, "IO:111111111111000000\r\n");
    written[PROXY_BOARD].length = 0;
}

static bool wrote(enum proxy_port port, const char *part)
{
    return span_contains(text_span(&written[port]), span_of(part));
}

static void ask(struct request request, int32_t client)
{
    put(&(struct proxy_input){.kind = PROXY_ASKED, .number = client, .request = &request});
}

static void a_port_that_is_not_there_is_tried_each_second_and_told_once(void **unused)
{
    (void)unused;
    begin_with(SPAN_NONE);
    ordered(ORDER_OPEN, PROXY_BOARD);
    opened(PROXY_HOST, 0);
    for (unsigned i = 0; i < 5; i++) {
        written[PROXY_HOST].length = 0;
        closed(PROXY_PRINTER, "/dev/ttyUSB0 is held by octoprint");
        assert_int_equal(wrote(PROXY_HOST, "held by octoprint"), i == 0);
        nothing_ordered();
        pass(999);
        nothing_ordered();
        pass(1);
        ordered(ORDER_OPEN, PROXY_PRINTER);
    }
    opened(PROXY_PRINTER, 0);
    assert_true(wrote(PROXY_HOST, "echo:sioproxy printer: connected\n"));
    nothing_ordered();
}

static void the_speed_is_the_hosts_the_saved_or_115200(void **unused)
{
    (void)unused;
    kit.settings.printer.baud = 0;
    kit.settings.board.kind = PORT_NONE;
    begin_with(SPAN_NONE);
    assert_int_equal(order.number, 115200);
    begin_with(SPAN("later stuff\nspeed 250000\n"));
    assert_int_equal(order.number, 250000);
    opened(PROXY_PRINTER, 250000);
    /* The host sets another one: the open port follows. */
    opened(PROXY_HOST, 57600);
    ordered(ORDER_SPEED, PROXY_PRINTER);
    assert_int_equal(order.number, 57600);
    put(&(struct proxy_input){.kind = PROXY_SPEED, .port = PROXY_HOST, .number = 57600});
    nothing_ordered();
    /* It is kept once the printer has answered at it. */
    said(PROXY_HOST, "M105\n");
    said(PROXY_PRINTER, "ok T:20.0 /0.0\n");
    ordered(ORDER_SAVE, PROXY_PRINTER);
    assert_string_equal(order.text, "speed 57600\n");
    nothing_ordered();
}

static void the_speed_is_never_changed_while_a_job_runs(void **unused)
{
    (void)unused;
    kit.settings.printer.baud = 0;
    kit.settings.board.kind = PORT_NONE;
    begin_with(SPAN("speed 115200\n"));
    opened(PROXY_PRINTER, 115200);
    opened(PROXY_HOST, 115200);
    said(PROXY_HOST, "N0 M110 N0*125\n");
    said(PROXY_PRINTER, "ok\n");
    said(PROXY_HOST, "N1 G28*18\n");
    put(&(struct proxy_input){.kind = PROXY_SPEED, .port = PROXY_HOST, .number = 9600});
    nothing_ordered();
}

static void a_configured_speed_follows_nobody_and_no_board_is_opened_where_none_is(void **unused)
{
    (void)unused;
    kit.settings.board.kind = PORT_NONE;
    kit.settings.printer.baud = 250000;
    begin_with(SPAN("speed 9600\n"));
    assert_int_equal(order.number, 250000);
    nothing_ordered();
    opened(PROXY_PRINTER, 250000);
    opened(PROXY_HOST, 9600);
    said(PROXY_HOST, "M105\n");
    said(PROXY_PRINTER, "ok\n");
    nothing_ordered();
}

static void dtr_is_pulsed_when_the_host_connects_if_that_is_wanted(void **unused)
{
    (void)unused;
    kit.settings.board.kind = PORT_NONE;
    kit.settings.reset_on_connect = RESET_ALWAYS;
    begin_with(SPAN_NONE);
    opened(PROXY_PRINTER, 0);
    opened(PROXY_HOST, 0);
    ordered(ORDER_DTR, PROXY_PRINTER);
    nothing_ordered();

    kit.settings.reset_on_connect = RESET_HALTED;
    begin_with(SPAN_NONE);
    opened(PROXY_PRINTER, 0);
    opened(PROXY_HOST, 0);
    nothing_ordered();
    said(PROXY_PRINTER, "Error:Printer halted. kill() called!\n");
    opened(PROXY_HOST, 0);
    ordered(ORDER_DTR, PROXY_PRINTER);

    kit.settings.reset_on_connect = RESET_NEVER;
    begin_with(SPAN_NONE);
    opened(PROXY_PRINTER, 0);
    said(PROXY_PRINTER, "Error:Printer halted. kill() called!\n");
    opened(PROXY_HOST, 0);
    nothing_ordered();
}

static void m112_is_repeated_until_the_printer_says_so_for_five_seconds_at_most(void **unused)
{
    unsigned count = 0;

    (void)unused;
    kit.settings.point[0].halt = (struct occasion){OCCASION_SET, 255};
    all_open();
    opened(PROXY_HOST, 0);
    said(PROXY_HOST, "M112\n");
    ordered(ORDER_DISCARD, PROXY_PRINTER);
    /* Outputs go to their halt state in the same turn. */
    assert_true(wrote(PROXY_BOARD, "IO 12 1\n"));
    pass(6000);
    for (struct span rest = text_span(&written[PROXY_PRINTER]); rest.length > 0; count++) {
        assert_true(span_starts(rest, SPAN("\nM112\n")));
        /* It may be written into a file: that is closed, and M112 said again. */
        assert_int_equal(span_starts(span_skip(rest, 6), SPAN("M29\n")), count > 6);
        rest = span_skip(rest, count > 6 ? 10 : 6);
    }
    assert_int_equal(count, 20);

    written[PROXY_PRINTER].length = 0;
    said(PROXY_HOST, "M112\n");
    pass(300);
    said(PROXY_PRINTER, "echo:M112 Shutdown\nError:Printer halted. kill() called!\n");
    written[PROXY_PRINTER].length = 0;
    pass(6000);
    assert_int_equal(written[PROXY_PRINTER].length, 0);
}

static void outputs_have_their_states_for_start_and_a_host_that_is_gone(void **unused)
{
    (void)unused;
    kit.settings.point[0].start = (struct occasion){OCCASION_SET, 255};
    kit.settings.point[0].host_lost = (struct occasion){OCCASION_SET, 0};
    begin_with(SPAN_NONE);
    opened(PROXY_PRINTER, 0);
    opened(PROXY_BOARD, 0);
    pass(3000);
    assert_true(wrote(PROXY_BOARD, "IO 12 1\n"));
    said(PROXY_BOARD, "IO:111111111111100000\r\n");
    opened(PROXY_HOST, 0);
    closed(PROXY_HOST, "");
    pass(250);
    opened(PROXY_HOST, 0); /* OctoPrint opens twice */
    pass(5000);
    said(PROXY_BOARD, "IO:111111111111100000\r\n");
    pass(5000);
    assert_false(wrote(PROXY_BOARD, "IO 12 0\n"));
    closed(PROXY_HOST, "");
    said(PROXY_BOARD, "IO:111111111111100000\r\n");
    pass(9999);
    assert_false(wrote(PROXY_BOARD, "IO 12 0\n"));
    pass(1);
    assert_true(wrote(PROXY_BOARD, "IO 12 0\n"));
}

static void the_end_waits_for_the_outputs(void **unused)
{
    (void)unused;
    kit.settings.point[0].exit = (struct occasion){OCCASION_SET, 255};
    all_open();
    ask((struct request){.kind = REQUEST_EXIT}, 5);
    assert_true(wrote(PROXY_BOARD, "IO 12 1\n"));
    ordered(ORDER_ANSWER, PROXY_HOST);
    assert_int_equal(order.number, 5);
    assert_true(order.ok);
}

static void the_end_does_not_wait_for_a_board_that_is_silent(void **unused)
{
    (void)unused;
    kit.settings.point[0].exit = (struct occasion){OCCASION_SET, 255};
    all_open();
    board_silent = true;
    ask((struct request){.kind = REQUEST_EXIT}, 5);
    nothing_ordered();
    pass(2000);
    ordered(ORDER_ANSWER, PROXY_HOST);
}

static void clients_are_answered_when_it_is_done(void **unused)
{
    struct request request = {.kind = REQUEST_SET, .value = 255, .point = "light"};
    int value;

    (void)unused;
    all_open();
    assert_int_equal(proxy_point(proxy, 0, &value), POINT_OFF);
    ask(request, 1);
    ordered(ORDER_ANSWER, PROXY_HOST);
    assert_int_equal(order.number, 1);
    assert_true(order.ok);
    assert_string_equal(order.text, "on");
    assert_int_equal(proxy_point(proxy, 0, &value), POINT_ON);

    request = (struct request){.kind = REQUEST_PULSE, .ms = 100, .point = "light"};
    ask(request, 2);
    nothing_ordered();
    pass(100);
    ordered(ORDER_ANSWER, PROXY_HOST);
    assert_int_equal(order.number, 2);
    assert_string_equal(order.text, "off");

    request = (struct request){.kind = REQUEST_SEND, .line = "M117 hello"};
    ask(request, 3);
    assert_true(wrote(PROXY_PRINTER, "M117 hello\n"));
    nothing_ordered();
    said(PROXY_PRINTER, "ok\n");
    ordered(ORDER_ANSWER, PROXY_HOST);
    assert_int_equal(order.number, 3);
    assert_true(order.ok);
}

static void clients_are_told_what_cannot_be_done(void **unused)
{
    (void)unused;
    all_open();
    ask((struct request){.kind = REQUEST_SET, .point = "ligth"}, 1);
    ordered(ORDER_ANSWER, PROXY_HOST);
    assert_false(order.ok);
    assert_string_equal(order.code, "unknown");
    assert_true(span_contains(span_of(order.text), SPAN("did you mean light?")));
    ask((struct request){.kind = REQUEST_CONTINUE}, 1);
    ordered(ORDER_ANSWER, PROXY_HOST);
    assert_false(order.ok);
    closed(PROXY_BOARD, "gone");
    pass(10);
    ask((struct request){.kind = REQUEST_SET, .value = 255, .point = "light"}, 1);
    ordered(ORDER_ANSWER, PROXY_HOST);
    assert_false(order.ok);
    assert_string_equal(order.code, "refused");
}

static void continue_ends_the_wait_of_the_stream(void **unused)
{
    (void)unused;
    all_open();
    opened(PROXY_HOST, 0);
    said(PROXY_HOST, "M66 Pdoor L4\n");
    written[PROXY_HOST].length = 0;
    ask((struct request){.kind = REQUEST_CONTINUE}, 1);
    ordered(ORDER_ANSWER, PROXY_HOST);
    assert_true(order.ok);
    assert_true(wrote(PROXY_HOST, "ok\n"));
    assert_false(wrote(PROXY_HOST, "point door"));
}

static void a_printer_lost_in_a_print_is_given_up_after_a_minute(void **unused)
{
    (void)unused;
    all_open();
    opened(PROXY_HOST, 0);
    said(PROXY_HOST, "N0 M110 N0*125\n");
    said(PROXY_PRINTER, "ok\n");
    said(PROXY_HOST, "N1 G28*18\n");
    closed(PROXY_PRINTER, "gone");
    written[PROXY_HOST].length = 0;
    for (unsigned i = 0; i < 59; i++) {
        pass(1000);
        ordered(ORDER_OPEN, PROXY_PRINTER);
        closed(PROXY_PRINTER, "gone");
        said(PROXY_BOARD, "IO:111111111111000000\r\n");
    }
    assert_true(wrote(PROXY_HOST, "echo:busy: processing\n"));
    assert_false(wrote(PROXY_HOST, "ok\n"));
    assert_false(wrote(PROXY_HOST, "//action:cancel\n"));
    pass(1000);
    assert_true(wrote(PROXY_HOST, "//action:cancel\n"));
    assert_true(wrote(PROXY_HOST, "ok\n"));
    written[PROXY_HOST].length = 0;
    said(PROXY_HOST, "M105\n");
    assert_true(wrote(PROXY_HOST, "ok T:0.00"));
}

static void a_reload_keeps_what_runs(void **unused)
{
    static struct kit other;
    int value;

    (void)unused;
    all_open();
    opened(PROXY_HOST, 0);
    said(PROXY_HOST, "M66 Pdoor L4\n");
    kit_init(&other);
    kit_point(&other, "first", POINT_OUTPUT, 13);
    kit_point(&other, "door", POINT_INPUT, 3);
    kit_point(&other, "light", POINT_OUTPUT, 12);
    proxy_reload(proxy, &other.settings, NULL, now);
    assert_null(proxy_check(proxy));
    assert_int_equal(proxy_point(proxy, 2, &value), POINT_OFF);
    written[PROXY_HOST].length = 0;
    said(PROXY_BOARD, "IO:111011111111000000\r\n");
    assert_true(wrote(PROXY_HOST, "echo:sioproxy point door off\nok\n"));
    /* The rules are others: M43 is not ours any more. */
    said(PROXY_HOST, "M43\n");
    assert_true(wrote(PROXY_PRINTER, "M43\n"));
    kit_free(&other);
}

static void a_copy_of_the_core_goes_on_by_itself(void **unused)
{
    struct proxy *copy = malloc(proxy_size()), *original = proxy;

    (void)unused;
    assert_non_null(copy);
    all_open();
    opened(PROXY_HOST, 0);
    said(PROXY_HOST, "M66 Pdoor L4\n");
    memcpy(copy, proxy, proxy_size());
    proxy_reload(copy, &kit.settings, &kit.ruleset, now);
    memset(original, 0xa5, proxy_size());
    proxy = copy;
    written[PROXY_HOST].length = 0;
    said(PROXY_BOARD, "IO:111011111111000000\r\n");
    assert_true(wrote(PROXY_HOST, "echo:sioproxy point door off\nok\n"));
    free(original);
}

static void a_host_that_reads_nothing_holds_back_the_printer_and_loses_no_ok(void **unused)
{
    size_t room;

    (void)unused;
    kit.settings.board.kind = PORT_NONE;
    begin_with(SPAN_NONE);
    opened(PROXY_PRINTER, 0);
    opened(PROXY_HOST, 0);
    /* Nothing is taken from here on: the inputs go past put(). */
    while ((room = proxy_room(proxy, PROXY_PRINTER)) > 64) {
        struct proxy_input input = {.kind = PROXY_BYTES, .port = PROXY_PRINTER,
                                    .bytes = SPAN("echo:something to say\n")};

        proxy_input(proxy, &input, now);
        assert_null(proxy_check(proxy));
    }
    assert_true(proxy_output(proxy, PROXY_HOST).length > 32 * 1024);
}

static void a_board_that_is_a_printer_is_closed_and_told(void **unused)
{
    (void)unused;
    board_silent = true;
    begin_with(SPAN_NONE);
    ordered(ORDER_OPEN, PROXY_BOARD);
    opened(PROXY_PRINTER, 0);
    opened(PROXY_HOST, 0);
    opened(PROXY_BOARD, 0);
    said(PROXY_BOARD, "start\r\necho:Marlin 2.1\r\nok\r\n");
    ordered(ORDER_CLOSE, PROXY_BOARD);
    nothing_ordered();
    assert_true(wrote(PROXY_HOST, "echo:sioproxy board: what answers there is no IO board"));
    pass(60000);
    nothing_ordered();
}

static void the_status_says_how_things_are(void **unused)
{
    struct status status;

    (void)unused;
    all_open();
    opened(PROXY_HOST, 250000);
    said(PROXY_HOST, "M115\n");
    said(PROXY_PRINTER, "FIRMWARE_NAME:Marlin 2.1\nCap:EMERGENCY_PARSER:1\nok\n");
    said(PROXY_HOST, "M105\n");
    said(PROXY_PRINTER, "ok T:21.50 /205.00 B:60.00 /60.00\n");
    said(PROXY_HOST, "M66 Pdoor L4 Q60\n");
    pass(3000);
    proxy_status(proxy, now, &status);
    assert_true(status.host_connected);
    assert_int_equal(status.host_baud, 250000);
    assert_string_equal(status.printer_state, "online");
    assert_string_equal(status.firmware, "Marlin 2.1");
    assert_int_equal(status.emergency_parser, 1);
    assert_int_equal(status.heaters, 2);
    assert_string_equal(status.heater[0].name, "tool0");
    assert_int_equal(status.heater[0].actual, 21500);
    assert_int_equal(status.heater[0].target, 205000);
    assert_string_equal(status.heater[1].name, "bed");
    assert_string_equal(status.board_state, "online");
    assert_string_equal(status.print_state, "idle");
    assert_true(status.waiting);
    assert_string_equal(status.waiting_for, "point door low");
    assert_string_equal(status.waiting_rule, "M66");
    assert_int_equal(status.waiting_since_ms, 3000);
    assert_int_equal(status.waiting_timeout_ms, 60000);
    assert_int_equal(status.host_lines, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_port_that_is_not_there_is_tried_each_second_and_told_once),
        TEST(a_configured_speed_follows_nobody_and_no_board_is_opened_where_none_is),
        TEST(the_speed_is_the_hosts_the_saved_or_115200),
        TEST(the_speed_is_never_changed_while_a_job_runs),
        TEST(dtr_is_pulsed_when_the_host_connects_if_that_is_wanted),
        TEST(m112_is_repeated_until_the_printer_says_so_for_five_seconds_at_most),
        TEST(outputs_have_their_states_for_start_and_a_host_that_is_gone),
        TEST(the_end_waits_for_the_outputs),
        TEST(the_end_does_not_wait_for_a_board_that_is_silent),
        TEST(clients_are_answered_when_it_is_done),
        TEST(clients_are_told_what_cannot_be_done),
        TEST(continue_ends_the_wait_of_the_stream),
        TEST(a_printer_lost_in_a_print_is_given_up_after_a_minute),
        TEST(a_reload_keeps_what_runs),
        TEST(a_copy_of_the_core_goes_on_by_itself),
        TEST(a_host_that_reads_nothing_holds_back_the_printer_and_loses_no_ok),
        TEST(a_board_that_is_a_printer_is_closed_and_told),
        TEST(the_status_says_how_things_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
