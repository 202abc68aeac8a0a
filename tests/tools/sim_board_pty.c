/*
 * The simulated board on a pty, in real time, for tests that need a port to open.
 *
 *     sim_board_pty [--runs-on] LINK [LOG]
 *
 * LINK becomes a symlink to the pty. Each opening of it boots the board, as it does an Arduino; not
 * so with --runs-on.
 * Commands come on stdin: `in IO LEVEL`, `reset`, `unplug` (the port is gone), `plug`, `quit`; an
 * end of stdin is none of them. Says `ready` on stdout when LINK can be opened, again after `plug`.
 * LOG gets a line for each thing that happens, with the time of CLOCK_MONOTONIC in seconds:
 *
 *     12345.678901 open | close | reset | unplug | plug
 *     12345.678901 line IO 12 1       (a line that the host wrote, when its LF was read)
 *     12345.678901 pin 12 1           (a pin that has changed its level)
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "sim/sim_board.h"

#ifndef EXTPROC
#define EXTPROC 0200000
#endif

#define FRAME_US 1000

static struct sim_board board;
static uint32_t changes_logged;
static const char *link_path;
static FILE *log_file;
static volatile sig_atomic_t quit;

static struct instant frame = {INT64_MAX}; /* bytes go out then */
static int master = -1;
static int watch = -1;
static bool connected;
static bool closed; /* the client has, and we have not seen it hang up */
static char line[256];
static size_t line_length;
static char command[256];
static size_t command_length;

static struct instant clock_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (struct instant){(int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000};
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void note(struct instant time, const char *what)
{
    if (log_file == NULL)
        return;
    fprintf(log_file, "%lld.%06d %s\n", (long long)(time.us / 1000000), (int)(time.us % 1000000),
            what);
    fflush(log_file);
}

static void note_changes(void)
{
    struct sim_board_change change;
    char what[32];
    for (; changes_logged != board.change_count; changes_logged++) {
        if (!sim_board_change(&board, changes_logged, &change))
            continue;
        snprintf(what, sizeof(what), "pin %d %d", change.io, change.high);
        note(change.time, what);
    }
}

static void note_byte(char byte)
{
    char what[sizeof(line) * 4 + 8] = "line ";
    size_t length = strlen(what);
    if (byte != '\n') {
        if (line_length < sizeof(line))
            line[line_length++] = byte;
        return;
    }
    if (line_length > 0 && line[line_length - 1] == '\r')
        line_length--;
    for (size_t i = 0; i < line_length; i++) {
        unsigned char shown = (unsigned char)line[i];
        const char *form = shown < ' ' || shown > '~' || shown == '\\' ? "\\x%02x" : "%c";
        length += (size_t)snprintf(what + length, sizeof(what) - length, form, shown);
    }
    note(clock_now(), what);
    line_length = 0;
}

/* --- the pty ------------------------------------------------------------------------------- */

static bool hung_up(void)
{
    struct pollfd poll_fd = {.fd = master};
    poll(&poll_fd, 1, 0);
    return (poll_fd.revents & POLLHUP) != 0;
}

/*
 * Raw and EXTPROC, whatever the last client left behind, its exclusive mode and stale bytes gone.
 * False if the pty cannot be had any more.
 */
static bool reset_slave(void)
{
    struct termios mode;
    tcgetattr(master, &mode);
    cfmakeraw(&mode);
    mode.c_cflag &= ~(tcflag_t)(PARENB | PARODD | CSTOPB | CRTSCTS);
    mode.c_cflag |= CS8 | CREAD | CLOCAL;
    mode.c_lflag |= EXTPROC;
    tcsetattr(master, TCSANOW, &mode);
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (slave < 0)
        return false;
    ioctl(slave, TIOCNXCL);
    tcflush(slave, TCIFLUSH);
    close(slave);
    return true;
}

/* What inotify has to tell. True if it was closed and has been opened since. */
static bool read_hints(void)
{
    char events[4096] __attribute__((aligned(8)));
    bool opened = false;
    ssize_t length;

    while ((length = read(watch, events, sizeof(events))) > 0) {
        for (ssize_t at = 0; at < length;) {
            struct inotify_event event;
            memcpy(&event, events + at, sizeof(event));
            opened = closed && (event.mask & IN_OPEN) != 0;
            closed |= (event.mask & IN_CLOSE) != 0;
            at += (ssize_t)(sizeof(event) + event.len);
        }
    }
    return opened;
}

/* An end of it stays open: nobody else gets a pty of its name while we live. */
static void close_pty(void)
{
    unlink(link_path);
    if (watch >= 0)
        close(watch);
    if (master >= 0) {
        ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        close(master);
    }
    watch = -1;
    master = -1;
    connected = false;
    closed = false;
    line_length = 0;
}

static void open_pty(void)
{
    char name[64];
    char temporary[512];
    master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 ||
        ptsname_r(master, name, sizeof(name)) != 0 || !reset_slave())
        die("pty");
    watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch(watch, name, IN_OPEN | IN_CLOSE) < 0)
        die("inotify");
    snprintf(temporary, sizeof(temporary), "%s.new", link_path);
    unlink(temporary);
    if (symlink(name, temporary) != 0 || rename(temporary, link_path) != 0)
        die(link_path);
    puts("ready");
    fflush(stdout);
}

/* Hands the board what the client wrote, as much as fits. */
static void read_client(void)
{
    char bytes[SIM_BOARD_INCOMING];
    for (;;) {
        size_t room = sim_board_room(&board);
        ssize_t count = room > 0 ? read(master, bytes, room) : 0;
        if (count <= 0)
            return;
        for (ssize_t i = 0; i < count; i++)
            note_byte(bytes[i]);
        sim_board_write(&board, (struct span){bytes, (size_t)count}, clock_now());
    }
}

/* What the board says comes in frames of a millisecond, as from a USB adapter. */
static void write_client(void)
{
    struct span bytes = sim_board_outgoing(&board);
    struct instant now = clock_now();
    if (!connected || bytes.length == 0)
        return;
    if (instant_is_never(frame))
        frame = (struct instant){(now.us / FRAME_US + 1) * FRAME_US};
    if (!instant_due(frame, now))
        return;
    frame = INSTANT_NEVER;
    ssize_t count = write(master, bytes.data, bytes.length);
    if (count > 0)
        sim_board_sent(&board, (size_t)count);
}

static void client_came(void)
{
    connected = true;
    note(clock_now(), "open");
    sim_board_open(&board, clock_now());
}

static void client_left(void)
{
    read_client();
    connected = false;
    closed = false;
    line_length = 0;
    note(clock_now(), "close");
    sim_board_close(&board, clock_now());
}

/*
 * The kernel's hang-up bit tells whether there is a client; inotify is a hint to look, and tells
 * that it is another one if we have slept over the hang-up.
 */
static void look_for_client(void)
{
    bool another = read_hints();

    if (!connected)
        client_came(); /* even if it has left again by now */
    if (!hung_up()) {
        if (another) {
            client_left();
            client_came();
        }
        return;
    }
    client_left();
    if (!reset_slave()) {
        close_pty();
        open_pty();
        return;
    }
    read_hints(); /* our own */
    closed = false;
    if (!hung_up())
        client_came();
}

/* --- commands ------------------------------------------------------------------------------ */

static void carry_out(const char *text)
{
    unsigned io = 0;
    unsigned level = 0;
    struct instant now = clock_now();
    if (sscanf(text, "in %u %u", &io, &level) == 2 && io < SIO_POINTS && level <= 1) {
        sim_board_input(&board, (uint8_t)io, level == 1, now);
        return;
    }
    if (strcmp(text, "reset") == 0) {
        sim_board_reset(&board, now);
    } else if (strcmp(text, "unplug") == 0) {
        sim_board_unplug(&board, now);
        close_pty();
    } else if (strcmp(text, "plug") == 0 && master < 0) {
        sim_board_plug(&board, now);
        open_pty();
    } else if (strcmp(text, "quit") == 0) {
        quit = 1;
        return;
    } else {
        fprintf(stderr, "sim_board_pty: not understood: %s\n", text);
        return;
    }
    note(now, text);
}

/* False at the end of stdin. */
static bool read_commands(void)
{
    char bytes[256];
    ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));
    for (ssize_t i = 0; i < count; i++) {
        if (bytes[i] != '\n') {
            if (command_length < sizeof(command) - 1)
                command[command_length++] = bytes[i];
            continue;
        }
        command[command_length] = '\0';
        command_length = 0;
        carry_out(command);
    }
    return count > 0 || (count < 0 && errno == EINTR);
}

static void on_signal(int number)
{
    (void)number;
    quit = 1;
}

int main(int count, char **arguments)
{
    struct sim_board_options options = {.runs_on = count > 1 && strcmp(arguments[1], "--runs-on") == 0};

    if (options.runs_on) {
        count--;
        arguments++;
    }
    if (count < 2 || count > 3) {
        fputs("usage: sim_board_pty [--runs-on] LINK [LOG]\n", stderr);
        return 2;
    }
    link_path = arguments[1];
    log_file = count > 2 ? fopen(arguments[2], "w") : NULL;
    if (count > 2 && log_file == NULL)
        die(arguments[2]);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGPIPE, SIG_IGN);

    bool listening = true;
    sim_board_init(&board, options, clock_now());
    open_pty();
    while (!quit) {
        sim_board_expire(&board, clock_now());
        note_changes(); /* before the board's report of them can have been read */
        write_client();

        bool wants = connected && sim_board_room(&board) > 0;
        struct pollfd fds[] = {
            {.fd = connected ? master : -1, .events = wants ? POLLIN : 0},
            {.fd = watch, .events = POLLIN},
            {.fd = listening ? STDIN_FILENO : -1, .events = POLLIN},
        };
        struct instant deadline = instant_earlier(sim_board_deadline(&board), frame);
        int64_t wait = instant_is_never(deadline) ? 0 : deadline.us - clock_now().us;
        if (wait < 0)
            wait = 0;
        struct timespec timeout = {wait / 1000000, wait % 1000000 * 1000};
        if (ppoll(fds, 3, instant_is_never(deadline) ? NULL : &timeout, NULL) < 0)
            continue;
        if ((fds[0].revents & POLLIN) != 0)
            read_client();
        if ((fds[0].revents & (POLLHUP | POLLERR)) != 0 || fds[1].revents != 0)
            look_for_client();
        if (fds[2].revents != 0)
            listening = read_commands();
    }
    close_pty();
    note_changes();
    if (log_file != NULL)
        fclose(log_file);
    return 0;
}
