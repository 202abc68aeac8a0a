/* Serial ports through libserialport itself, on ptys that serialport_shim passes off as such. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "daemon/baud.h"
#include "daemon/serial.h"
#include "serialport_shim.h"

#define LONG_MS 60000

static struct {
    uv_loop_t loop;
    uv_timer_t guard;
    struct port_owner owner;
    struct port *port;
    int master, slave;
    char path[64], link[64];
    unsigned opened, closed, late;
    uint32_t baud;
    int error;
    char why[300];
    char heard[4096];
    size_t length, room;
} bench;

static void note_opened(void *context, struct port *port, uint32_t baud)
{
    (void)context;
    (void)port;
    bench.opened++;
    bench.baud = baud;
}

static void note_closed(void *context, struct port *port, int error, struct span why)
{
    (void)context;
    (void)port;
    bench.closed++;
    bench.error = error;
    snprintf(bench.why, sizeof bench.why, "%.*s", (int)why.length, why.data);
}

static void note_bytes(void *context, struct port *port, struct span bytes)
{
    (void)context;
    (void)port;
    assert_true(bytes.length <= bench.room);
    assert_true(bench.length + bytes.length < sizeof bench.heard);
    memcpy(bench.heard + bench.length, bytes.data, bytes.length);
    bench.length += bytes.length;
    bench.heard[bench.length] = '\0';
}

static size_t note_room(void *context, const struct port *port)
{
    (void)context;
    (void)port;
    return bench.room;
}

static void note_settle(void *context)
{
    (void)context;
    port_watch(bench.port, bench.room > 0, false);
}

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
    bench.late++;
}

/* Turns the loop until `count` is no longer `was`, or much too long. */
static void run_until_changed(const unsigned *count, unsigned was)
{
    uv_timer_start(&bench.guard, on_guard, LONG_MS, 0);
    bench.late = 0;
    while (*count == was && bench.late == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_not_equal(*count, was);
}

static void run_until_heard(size_t length)
{
    uv_timer_start(&bench.guard, on_guard, LONG_MS, 0);
    bench.late = 0;
    while (bench.length < length && bench.late == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(bench.length, length);
}

static int setup(void **unused)
{
    (void)unused;
    memset(&bench, 0, sizeof bench);
    bench.room = 1000;
    bench.owner = (struct port_owner){.opened = note_opened,
                                      .closed = note_closed,
                                      .bytes = note_bytes,
                                      .room = note_room,
                                      .settle = note_settle};
    assert_int_equal(uv_loop_init(&bench.loop), 0);
    uv_timer_init(&bench.loop, &bench.guard);
    assert_int_equal(openpty(&bench.master, &bench.slave, bench.path, NULL, NULL), 0);
    snprintf(bench.link, sizeof bench.link, "/tmp/sioproxy-serial-%ld", (long)getpid());
    unlink(bench.link);
    assert_int_equal(symlink(bench.path, bench.link), 0);
    bench.port = serial_new(&bench.loop, PROXY_PRINTER, bench.link, &bench.owner);
    assert_non_null(bench.port);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    port_free(bench.port);
    uv_close((uv_handle_t *)&bench.guard, NULL);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bench.loop), 0);
    unlink(bench.link);
    if (bench.master >= 0)
        close(bench.master);
    close(bench.slave);
    return 0;
}

/* Until it has been opened or could not be. */
static void run_until_answered(unsigned was)
{
    uv_timer_start(&bench.guard, on_guard, LONG_MS, 0);
    bench.late = 0;
    while (bench.opened + bench.closed == was && bench.late == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_not_equal(bench.opened + bench.closed, was);
}

/* Opens it, or cannot. */
static void try_to_open(uint32_t baud)
{
    unsigned was = bench.opened + bench.closed;

    port_open(bench.port, baud);
    run_until_answered(was);
}

static void open_it(uint32_t baud)
{
    try_to_open(baud);
    assert_int_equal(bench.opened, 1);
    assert_string_equal(bench.why, "");
}

static void a_link_to_a_port_is_followed_and_its_speed_set(void **unused)
{
    (void)unused;
    open_it(250000);
    assert_int_equal(bench.baud, 250000);
    assert_int_equal(baud_get(bench.slave), 250000);
    port_speed(bench.port, 115200);
    assert_int_equal(baud_get(bench.slave), 115200);
}

static void closing_does_not_drop_dtr(void **unused)
{
    struct termios settings;

    (void)unused;
    open_it(115200);
    assert_int_equal(tcgetattr(bench.slave, &settings), 0);
    assert_true((settings.c_cflag & HUPCL) == 0);
    port_speed(bench.port, 250000);
    assert_int_equal(tcgetattr(bench.slave, &settings), 0);
    assert_true((settings.c_cflag & HUPCL) == 0);
    port_close(bench.port);
    assert_int_equal(serialport_shim_dtr_drops, 0);
    assert_int_equal(bench.closed, 0);
}

static void a_pulse_drops_dtr_once(void **unused)
{
    (void)unused;
    open_it(115200);
    serialport_shim_dtr_drops = 0;
    port_dtr(bench.port);
    assert_int_equal(serialport_shim_dtr_drops, 1);
    serialport_shim_dtr_drops = 0;
}

static void bytes_go_both_ways_unchanged(void **unused)
{
    static const char bytes[] = "N1 M105*38\r\n\x03\x11\x13\x7f\xff";
    char heard[64];

    (void)unused;
    open_it(115200);
    assert_int_equal(port_write(bench.port, SPAN("\r\n\x11\x13\x03\xff")), 6);
    assert_int_equal(read(bench.master, heard, sizeof heard), 6);
    assert_memory_equal(heard, "\r\n\x11\x13\x03\xff", 6);
    assert_int_equal(write(bench.master, bytes, sizeof bytes - 1), sizeof bytes - 1);
    run_until_heard(sizeof bytes - 1);
    assert_memory_equal(bench.heard, bytes, sizeof bytes - 1);
}

static void nothing_is_read_without_room_and_nothing_lost(void **unused)
{
    struct pollfd there = {.fd = bench.slave, .events = POLLIN};

    (void)unused;
    open_it(115200);
    bench.room = 3;
    assert_int_equal(write(bench.master, "0123456789", 10), 10);
    run_until_heard(10);
    bench.room = 0;
    assert_int_equal(write(bench.master, "abc", 3), 3);
    assert_int_equal(poll(&there, 1, LONG_MS), 1);
    for (unsigned i = 0; i < 5; i++)
        uv_run(&bench.loop, UV_RUN_NOWAIT);
    assert_int_equal(bench.length, 10);
    bench.room = 100;
    note_settle(NULL);
    run_until_heard(13);
    assert_string_equal(bench.heard, "0123456789abc");
}

static void silence_is_no_hang_up(void **unused)
{
    (void)unused;
    open_it(115200);
    port_watch(bench.port, true, false);
    for (unsigned i = 0; i < 20; i++)
        uv_run(&bench.loop, UV_RUN_NOWAIT);
    port_fd_read(bench.port);
    assert_int_equal(bench.closed, 0);
}

static void a_hang_up_is_told_once_after_the_last_bytes(void **unused)
{
    (void)unused;
    open_it(115200);
    assert_int_equal(write(bench.master, "bye\n", 4), 4);
    run_until_heard(4);
    close(bench.master);
    bench.master = -1;
    run_until_changed(&bench.closed, 0);
    assert_int_equal(bench.error, 0);
    assert_false(bench.port->is_open);
    assert_string_equal(bench.heard, "bye\n");
    for (unsigned i = 0; i < 5; i++)
        uv_run(&bench.loop, UV_RUN_NOWAIT);
    assert_int_equal(bench.closed, 1);
}

static void while_it_is_open_nobody_else_may_lock_it(void **unused)
{
    int other;

    (void)unused;
    open_it(115200);
    other = open(bench.path, O_RDWR | O_NOCTTY);
    assert_true(other >= 0);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
    port_close(bench.port);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    close(other);
}

static void a_port_that_somebody_holds_is_busy(void **unused)
{
    (void)unused;
    assert_int_equal(flock(bench.slave, LOCK_EX), 0);
    try_to_open(115200);
    assert_int_equal(bench.opened, 0);
    assert_int_equal(bench.closed, 1);
    assert_int_equal(bench.error, -EBUSY);
    assert_non_null(strstr(bench.why, "disconnect it there"));
    flock(bench.slave, LOCK_UN);
    try_to_open(115200);
    assert_int_equal(bench.opened, 1);
}

static void a_port_that_is_missing_is_told(void **unused)
{
    (void)unused;
    unlink(bench.link);
    try_to_open(115200);
    assert_int_equal(bench.error, -ENOENT);
    assert_non_null(strstr(bench.why, "is not there"));
}

static void count_turn(uv_timer_t *timer)
{
    (*(unsigned *)timer->data)++;
}

static void an_opening_that_takes_its_time_holds_nothing_up(void **unused)
{
    static uv_timer_t timer;
    static unsigned turns;

    (void)unused;
    turns = 0;
    uv_timer_init(&bench.loop, &timer);
    timer.data = &turns;
    serialport_shim_hold();
    port_open(bench.port, 115200);
    uv_timer_start(&timer, count_turn, 5, 5);
    while (turns < 10)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_true(bench.port->elsewhere);
    assert_int_equal(bench.opened + bench.closed, 0);
    serialport_shim_let_go();
    run_until_answered(0);
    assert_int_equal(bench.opened, 1);
    uv_close((uv_handle_t *)&timer, NULL);
}

static void a_port_that_is_given_up_while_it_is_opened_is_let_go(void **unused)
{
    int other;

    (void)unused;
    serialport_shim_hold();
    port_open(bench.port, 115200);
    serialport_shim_until_opening();
    port_close(bench.port);
    serialport_shim_let_go();
    uv_run(&bench.loop, UV_RUN_DEFAULT); /* until nobody is at work any more */
    assert_int_equal(bench.opened + bench.closed, 0);
    other = open(bench.path, O_RDWR | O_NOCTTY);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    close(other);
    open_it(115200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_to_a_port_is_followed_and_its_speed_set, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(closing_does_not_drop_dtr, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pulse_drops_dtr_once, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_go_both_ways_unchanged, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_read_without_room_and_nothing_lost, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(silence_is_no_hang_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hang_up_is_told_once_after_the_last_bytes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(while_it_is_open_nobody_else_may_lock_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_port_that_somebody_holds_is_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(a_port_that_is_missing_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(an_opening_that_takes_its_time_holds_nothing_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_port_that_is_given_up_while_it_is_opened_is_let_go, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
