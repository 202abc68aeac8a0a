#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "daemon/pty.h"
#include "scratch.h"

#define PATIENCE_MS 60000

/*
 * The linker puts these in the place of what the port asks of the kernel (--wrap): before any one
 * of its questions a client may open, say something and close.
 */
int __real_poll(struct pollfd *polled, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout);
ssize_t __real_read(int fd, void *bytes, size_t count);
ssize_t __wrap_read(int fd, void *bytes, size_t count);
int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument);
int __real_tcgetattr(int fd, struct termios *settings);
int __wrap_tcgetattr(int fd, struct termios *settings);
int __real_tcflush(int fd, int queue);
int __wrap_tcflush(int fd, int queue);
int __real_close(int fd);
int __wrap_close(int fd);

#define ACTS 3

static char folder[SCRATCH], path[128];
static uv_loop_t loop;
static uv_timer_t patience;
static struct port *port;
static char heard[64];
static bool in_vain;
static int client;                                    /* its descriptor */
static void (*act[ACTS])(void);                       /* what it does, one after the other */
static unsigned next = ACTS, questions, before[ACTS]; /* so many until each act */

static void comes(void)
{
    client = open(path, O_RDWR | O_NOCTTY);
    assert_true(client >= 0);
}

static void speaks(void)
{
    assert_int_equal(write(client, "last words\n", 11), 11);
}

/* As if it knew nothing of EXTPROC. */
static void wants_an_echo(void)
{
    struct termios settings;

    assert_int_equal(__real_tcgetattr(client, &settings), 0);
    settings.c_lflag &= ~(tcflag_t)EXTPROC;
    settings.c_lflag |= ECHO | ICANON;
    assert_int_equal(tcsetattr(client, TCSANOW, &settings), 0);
}

static void goes(void)
{
    assert_int_equal(__real_close(client), 0);
}

static void act_on(void)
{
    while (next < ACTS)
        act[next++]();
}

static void question(void)
{
    questions++;
    while (next < ACTS && before[next] == questions)
        act[next++]();
}

int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout)
{
    question();
    return __real_poll(polled, count, timeout);
}

ssize_t __wrap_read(int fd, void *bytes, size_t count)
{
    question();
    return __real_read(fd, bytes, count);
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    question();
    return __real_ioctl(fd, request, argument);
}

int __wrap_tcgetattr(int fd, struct termios *settings)
{
    question();
    return __real_tcgetattr(fd, settings);
}

int __wrap_tcflush(int fd, int queue)
{
    question();
    return __real_tcflush(fd, queue);
}

int __wrap_close(int fd)
{
    question();
    return __real_close(fd);
}

static void on_opened(void *context, struct port *opened, uint32_t baud)
{
    (void)context;
    (void)opened;
    (void)baud;
}

static void on_closed(void *context, struct port *closed, int error, struct span why)
{
    (void)context;
    (void)closed;
    (void)error;
    (void)why;
}

static void on_bytes(void *context, struct port *from, struct span bytes)
{
    size_t length = strlen(heard);

    (void)context;
    (void)from;
    assert_true(length + bytes.length < sizeof heard);
    memcpy(heard + length, bytes.data, bytes.length);
    heard[length + bytes.length] = '\0';
}

static size_t room(void *context, const struct port *of)
{
    (void)context;
    (void)of;
    return 1024;
}

static void settle(void *context)
{
    (void)context;
}

static const struct port_owner owner = {
    .opened = on_opened,
    .closed = on_closed,
    .bytes = on_bytes,
    .speed = on_opened,
    .room = room,
    .settle = settle,
};

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    in_vain = true;
}

static int setup(void **unused)
{
    char why[512], warning[512];

    (void)unused;
    next = ACTS;
    if (scratch_make(folder) != 0 || uv_loop_init(&loop) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/printer", folder);
    uv_timer_init(&loop, &patience);
    port = pty_new(&loop, PROXY_HOST, path, "", &owner);
    return pty_publish(port, why, warning, sizeof why) ? 0 : -1;
}

static int teardown(void **unused)
{
    (void)unused;
    next = ACTS;
    port_free(port);
    uv_close((uv_handle_t *)&patience, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return scratch_remove(folder);
}

/* Until it has come true, or for very long. */
static bool becomes_true(bool (*condition)(void))
{
    bool is_true;

    in_vain = false;
    uv_timer_start(&patience, on_patience, PATIENCE_MS, 0);
    while (!(is_true = condition()) && !in_vain)
        uv_run(&loop, UV_RUN_ONCE);
    uv_timer_stop(&patience);
    return is_true;
}

/* A client has come, said something and gone; the next one acts before these of our questions. */
static void two_clients(const unsigned when[ACTS], void (*second)(void), void (*third)(void))
{
    heard[0] = '\0';
    comes();
    speaks();
    goes();
    act[0] = comes;
    act[1] = second;
    act[2] = third;
    memcpy(before, when, sizeof before);
    questions = 0;
    next = 0;
    while (questions == 0)
        uv_run(&loop, UV_RUN_ONCE);
    act_on();
}

/* However the acts of the second client fall between our questions, it comes true. */
static void always(void (*second)(void), void (*third)(void), bool (*condition)(void))
{
    unsigned most, when[ACTS] = {0};

    two_clients(when, second, third);
    most = questions;
    assert_true(most > 10);
    assert_true(becomes_true(condition));
    for (when[0] = 1; when[0] <= most; when[0]++)
        for (when[1] = when[0]; when[1] <= most; when[1]++)
            for (when[2] = when[1]; when[2] <= most; when[2]++) {
                two_clients(when, second, third);
                assert_true(becomes_true(condition));
            }
}

static bool both_are_heard(void)
{
    return strcmp(heard, "last words\nlast words\n") == 0;
}

static void what_a_client_says_is_heard_whenever_it_comes_and_goes(void **unused)
{
    (void)unused;
    always(speaks, goes, both_are_heard);
}

static bool is_not_echoed_then_goes(void)
{
    struct termios settings;

    if (!both_are_heard() || __real_tcgetattr(client, &settings) != 0 ||
        (settings.c_lflag & EXTPROC) == 0)
        return false;
    goes();
    return true;
}

static void a_client_is_not_echoed_whenever_it_sets_its_port_up(void **unused)
{
    (void)unused;
    always(wants_an_echo, speaks, is_not_echoed_then_goes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_client_says_is_heard_whenever_it_comes_and_goes,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_is_not_echoed_whenever_it_sets_its_port_up, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
