#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/load.h"

static struct loaded loaded;

static int end(void **unused)
{
    (void)unused;
    loaded_free(&loaded);
    return 0;
}

/* Loads a config without mistakes. */
static const struct settings *load(const char *path, const char *state_directory, const char *text)
{
    const struct load_environment environment = {.state_directory = state_directory};
    struct mistakes mistakes = {0};
    struct sources sources;

    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, path, span_of(text)));
    assert_true(load_all(&sources, &environment, &mistakes, &loaded));
    sources_free(&sources);
    mistakes_free(&mistakes);
    return &loaded.settings;
}

static void what_is_not_said_has_its_default(void **unused)
{
    const struct settings *settings =
        load("/etc/sioproxy/mk3.yaml", NULL, "printer: {port: /dev/ttyUSB0}\n");

    (void)unused;
    assert_string_equal(settings->name, "mk3");
    assert_string_equal(settings->host_port, "/run/sioproxy/mk3/printer");
    assert_string_equal(settings->host_group, "");
    assert_int_equal(settings->printer.kind, PORT_SERIAL);
    assert_int_equal(settings->printer.baud, 0);
    assert_int_equal(settings->in_flight, 120);
    assert_int_equal(settings->reset_on_connect, RESET_HALTED);
    assert_int_equal(settings->board.kind, PORT_NONE);
    assert_int_equal(settings->report_interval_ms, 3000);
    assert_string_equal(settings->control_socket, "/run/sioproxy/mk3/control");
    assert_string_equal(settings->state_file, "/run/sioproxy/mk3/control.state");
    assert_int_equal(settings->log, LOG_INFO);
    assert_int_equal(settings->points, 0);
    assert_int_equal(loaded.rules, 0);
    assert_true(loaded.ruleset.count > 0);
}

static void the_name_stands_in_every_default(void **unused)
{
    const struct settings *settings =
        load("a/b.c.yaml", "/var/lib/sioproxy", "name: left\nprinter: {port: simulated}\n");

    (void)unused;
    assert_string_equal(settings->host_port, "/run/sioproxy/left/printer");
    assert_string_equal(settings->state_file, "/var/lib/sioproxy/left.state");
    loaded_free(&loaded);
    settings = load("a/b.c.yaml", "", "printer: {port: simulated}\n");
    assert_string_equal(settings->name, "b.c");
}

static void a_state_file_without_a_directory_stands_by_the_socket(void **unused)
{
    const struct settings *settings =
        load("x.yaml", NULL, "printer: {port: simulated}\ncontrol: {socket: run/socket}\n");

    (void)unused;
    assert_string_equal(settings->control_socket, "/etc/sioproxy/run/socket");
    assert_string_equal(settings->state_file, "/etc/sioproxy/run/socket.state");
}

static void relative_paths_start_at_the_configs_folder(void **unused)
{
    const struct settings *settings =
        load("x.yaml", NULL,
             "host: {port: ./ttySIO0}\nprinter: {port: dev/a}\nboard: {port: tcp://b:5000}\n"
             "state: x.state\n");

    (void)unused;
    assert_string_equal(settings->host_port, "/etc/sioproxy/ttySIO0");
    assert_string_equal(settings->printer.path, "/etc/sioproxy/dev/a");
    assert_string_equal(settings->board.path, "tcp://b:5000");
    assert_int_equal(settings->board.kind, PORT_TCP);
    assert_int_equal(settings->board.baud, 115200);
    assert_string_equal(settings->state_file, "/etc/sioproxy/x.state");
}

static void points_are_as_they_are_said(void **unused)
{
    const struct settings *settings = load(
        "x.yaml", NULL,
        "printer: {port: simulated, baud: 250000}\n"
        "points:\n"
        "  light: {io: 12, type: output, start: off, halt: on, label: Chamber light, icon: bulb}\n"
        "  pump: {io: 13, type: output, active: low, number: 200, exit: no, private: yes}\n"
        "  fan: {io: 14, type: pwm, start: 40%, board_back: keep}\n"
        "  door: {io: 0, type: input}\n"
        "  stop: {io: 1, type: input, debounce: 0, active: low}\n");
    const struct point_settings *point = settings->point;

    (void)unused;
    assert_int_equal(settings->printer.baud, 250000);
    assert_int_equal(settings->points, 5);
    assert_string_equal(point[0].name, "light");
    assert_string_equal(point[0].label, "Chamber light");
    assert_string_equal(point[0].icon, "bulb");
    assert_int_equal(point[0].io, 12);
    assert_int_equal(point[0].number, -1);
    assert_true(point[0].active_high);
    assert_int_equal(point[0].start.kind, OCCASION_SET);
    assert_int_equal(point[0].start.value, 0);
    assert_int_equal(point[0].halt.value, 255);
    assert_int_equal(point[0].host_lost.kind, OCCASION_KEEP);
    assert_int_equal(point[0].board_back.kind, OCCASION_RESTORE);
    assert_false(point[1].active_high);
    assert_true(point[1].guarded);
    assert_int_equal(point[1].number, 200);
    assert_int_equal(point[1].exit.kind, OCCASION_SET);
    assert_int_equal(point[2].type, POINT_PWM);
    assert_int_equal(point[2].start.value, 102);
    assert_int_equal(point[2].board_back.kind, OCCASION_KEEP);
    assert_int_equal(point[3].debounce_ms, 20);
    assert_int_equal(point[4].debounce_ms, 0);
}

/* The one message of a config. */
static void expect_mistake(const char *text, const char *expected)
{
    const struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources;
    struct loaded none;
    char *told = NULL;
    size_t length;
    FILE *to = open_memstream(&told, &length);
    bool ok;

    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, "x.yaml", span_of(text)));
    ok = load_all(&sources, &environment, &mistakes, &none);
    mistakes_print(&mistakes, to);
    fclose(to);
    assert_string_equal(told, expected);
    assert_int_equal(ok, mistakes.errors == 0);
    if (ok) {
        loaded_free(&none);
    }
    free(told);
    sources_free(&sources);
    mistakes_free(&mistakes);
}

static void a_printer_is_needed(void **unused)
{
    (void)unused;
    expect_mistake("", "x.yaml:1:1: error: printer.port is missing\n");
    expect_mistake("log: info\n", "x.yaml:1:1: error: printer.port is missing\n");
    expect_mistake("printer: {baud: 115200}\n", "x.yaml:1:1: error: printer: port is missing\n");
    expect_mistake("printer: {port: none}\n",
                   "x.yaml:1:17: error: printer.port: a printer is needed: a device, "
                   "tcp://HOST:PORT or simulated\n");
    expect_mistake("[printer]\n", "x.yaml:1:1: error: expected a mapping, got a list\n");
}

static void two_ports_cannot_be_one(void **unused)
{
    (void)unused;
    expect_mistake("host: {port: /dev/ttyUSB0}\nprinter: {port: /dev/ttyUSB0}\n",
                   "x.yaml:1:14: error: host.port: this is the printer's port, the host needs one "
                   "of its own\n");
    expect_mistake("printer: {port: tcp://a:1}\nboard: {port: tcp://a:1}\n",
                   "x.yaml:2:15: error: board.port: this is the printer's port, the board needs "
                   "one of its own\n");
    expect_mistake("printer: {port: simulated}\nboard: {port: simulated}\n", "");
}

static void a_name_by_id_without_a_serial_number_is_doubtful(void **unused)
{
    static const struct {
        const char *id;
        bool serial;
    } names[] = {
        {"usb-1a86_USB_Serial-if00-port0", false},
        {"usb-1a86_USB2.0-Serial-if00-port0", false},
        {"usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_0001-if00-port0", false},
        {"usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0", true},
        {"usb-Arduino__www.arduino.cc__0043_7573530313335120A0E1-if00", true},
        {"usb-Klipper_stm32f103xe_31ffd905-if00", true},
        {"usb-1a86_USB_Single_Serial_5647018833-if00", true},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[200];

        snprintf(text, sizeof(text), "printer: {port: /dev/serial/by-id/%s}\n", names[i].id);
        expect_mistake(text, names[i].serial
                                 ? ""
                                 : "x.yaml:1:17: warning: printer.port: this name has no serial "
                                   "number in it: two such adapters swap (take the one in "
                                   "/dev/serial/by-path)\n");
    }
}

static void tcp_has_a_host_and_a_port(void **unused)
{
    static const char *const bad[] = {"tcp://",    "tcp://a",       "tcp://a:",   "tcp://:1",
                                      "tcp://a:0", "tcp://a:65536", "tcp://a/b:1"};

    (void)unused;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[80], expected[200];

        snprintf(text, sizeof(text), "printer: {port: '%s'}\n", bad[i]);
        snprintf(expected, sizeof(expected),
                 "x.yaml:1:17: error: printer.port: expected tcp://HOST:PORT, got '%s'\n", bad[i]);
        expect_mistake(text, expected);
    }
    expect_mistake("printer: {port: 'tcp://[::1]:5000'}\n", "");
}

#define LOADED(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOADED(what_is_not_said_has_its_default),
        LOADED(the_name_stands_in_every_default),
        LOADED(a_state_file_without_a_directory_stands_by_the_socket),
        LOADED(relative_paths_start_at_the_configs_folder),
        LOADED(points_are_as_they_are_said),
        cmocka_unit_test(a_printer_is_needed),
        cmocka_unit_test(two_ports_cannot_be_one),
        cmocka_unit_test(a_name_by_id_without_a_serial_number_is_doubtful),
        cmocka_unit_test(tcp_has_a_host_and_a_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
