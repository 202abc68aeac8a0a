/*
 * The simulated printer on a pseudo-terminal (or a TCP port) in real time, for tests with real
 * programs. A plain poll loop: deliberately not the daemon's, so that it shares no mistake with it.
 *
 * We keep an end of the pty open ourselves: it then never hangs up, what either side wrote
 * survives a client that closes and opens again, and a client's settings (exclusive use, odd
 * parity) can be put right when it has gone.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "sim/sim_printer.h"

#ifndef EXTPROC
#define EXTPROC 0200000 /* linux/termbits.h, which cannot be included beside termios.h */
#endif

/* A chunk may hold no more commands than the simulated printer remembers as executed. */
enum { CHUNK = 2 * SIM_EXECUTED_KEPT, COMMAND_CAPACITY = 128 };

static const char usage[] =
    "usage: sim_printer_pty [options] LINK [LOG]\n"
    "       sim_printer_pty [options] --tcp PORT [LOG]\n"
    "LINK becomes a symlink to the printer's port; LOG gets `milliseconds command` for each "
    "command\n"
    "carried out (monotonic clock).\n"
    "  --speed N              moves, heat and dwells N times faster; 0: they take no time\n"
    "  --baud N               pace of the answers (115200), 0: none\n"
    "  --boot MS              from a reset to `start` (1000)\n"
    "  --wire FILE            append every byte received\n"
    "  --reset-on-open        a client that opens the port resets the printer\n"
    "  --klipper              answer as Klipper (give it before the others)\n"
    "  --no-emergency-parser  --no-busy  --no-prompts  --advanced-ok  --wait-when-idle\n"
    "  --doublets-refused     a repeated line is a wrong one, as older Marlin has it\n"
    "  --resend-ok always|never|executing\n"
    "  --flow-control         hold bytes back instead of losing what does not fit\n"
    "  --receive-buffer N     bytes (128)\n"
    "on stdin: reset  unplug  plug  power-off  power-on  runout  filament  status  quit\n";

struct options {
    struct sim_printer_manner manner;
    bool reset_on_open;
    int tcp_port;
    const char *wire;
    const char *link;
    const char *log;
};

struct port {
    int fd;     /* the pty's master, or the TCP client; -1: none */
    int kept;   /* our own end of the pty */
    int notify; /* inotify on it */
    int listen; /* TCP */
};

static struct options options;
static struct sim_printer printer;
static struct port port = {-1, -1, -1, -1};
static FILE *log_file;
static int wire_fd = -1;
static char command[COMMAND_CAPACITY];
static size_t command_length;
static bool stdin_open = true;
static enum sim_printer_state told;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void fail(const char *what)
{
    fprintf(stderr, "sim_printer_pty: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct instant clock_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (struct instant){(int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000};
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* --- the pty --- */

static void set_raw(int fd)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) < 0)
        return;
    cfmakeraw(&settings);
    settings.c_cflag &= ~(tcflag_t)(PARENB | PARODD | CSTOPB | CRTSCTS);
    settings.c_cflag |= CS8 | CREAD | CLOCAL;
    settings.c_lflag |= EXTPROC;
    tcsetattr(fd, TCSANOW, &settings);
}

static void plug_pty(void)
{
    char name[64];
    char temporary[4096];

    port.fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (port.fd < 0 || grantpt(port.fd) < 0 || unlockpt(port.fd) < 0 ||
        ptsname_r(port.fd, name, sizeof name) != 0)
        fail("pty");
    set_raw(port.fd);
    port.kept = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (port.kept < 0)
        fail(name);
    port.notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (port.notify < 0 ||
        inotify_add_watch(port.notify, name, IN_OPEN | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE) < 0)
        fail("inotify");
    snprintf(temporary, sizeof temporary, "%s.new", options.link);
    unlink(temporary);
    if (symlink(name, temporary) < 0 || rename(temporary, options.link) < 0)
        fail(options.link);
}

/* Our end of the pty stays open: nobody else gets one of its name while we live. */
static void unplug(void)
{
    if (options.link != NULL)
        unlink(options.link);
    close_fd(&port.notify);
    port.kept = -1;
    close_fd(&port.fd);
    close_fd(&port.listen);
}

/* Somebody opened or closed the port. What the last one set must not trouble the next. */
static void read_notes(void)
{
    char notes[4096] __attribute__((aligned(8)));
    bool opened = false;
    bool closed = false;
    ssize_t length;

    while ((length = read(port.notify, notes, sizeof notes)) > 0) {
        for (ssize_t at = 0; at < length;) {
            struct inotify_event event;
            memcpy(&event, notes + at, sizeof event);
            opened |= (event.mask & IN_OPEN) != 0;
            closed |= (event.mask & (IN_CLOSE_WRITE | IN_CLOSE_NOWRITE)) != 0;
            at += (ssize_t)(sizeof event + event.len);
        }
    }
    if (closed) {
        ioctl(port.kept, TIOCNXCL);
        set_raw(port.fd);
    }
    if (opened && options.reset_on_open)
        sim_printer_reset(&printer, clock_now());
}

/* --- TCP --- */

static void plug_tcp(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)options.tcp_port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int yes = 1;

    port.listen = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (port.listen < 0)
        fail("socket");
    setsockopt(port.listen, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(port.listen, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(port.listen, 4) < 0)
        fail("listen");
}

/* One client at a time; the next one waits until it has gone. */
static void accept_client(void)
{
    int yes = 1;

    port.fd = accept4(port.listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (port.fd >= 0)
        setsockopt(port.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (port.fd >= 0 && options.reset_on_open)
        sim_printer_reset(&printer, clock_now());
}

static void plug(void)
{
    if (options.tcp_port > 0)
        plug_tcp();
    else
        plug_pty();
}

/* --- both --- */

static void write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t done = write(fd, data, length);
        if (done < 0 && errno != EINTR)
            return;
        if (done > 0) {
            data += done;
            length -= (size_t)done;
        }
    }
}

static void read_port(void)
{
    char bytes[CHUNK];
    size_t room = sim_printer_room(&printer);

    ssize_t length = read(port.fd, bytes, room < sizeof bytes ? room : sizeof bytes);
    if (length > 0) {
        if (wire_fd >= 0)
            write_all(wire_fd, bytes, (size_t)length);
        sim_printer_receive(&printer, (struct span){bytes, (size_t)length}, clock_now());
    } else if (options.tcp_port > 0 && (length == 0 || (errno != EAGAIN && errno != EINTR))) {
        close_fd(&port.fd);
    }
}

static void write_port(void)
{
    struct span bytes = sim_printer_output(&printer);

    if (bytes.length == 0)
        return;
    ssize_t done = (ssize_t)bytes.length; /* nobody there: into the air */
    if (port.fd >= 0)
        done = write(port.fd, bytes.data, bytes.length);
    if (done > 0)
        sim_printer_taken(&printer, (size_t)done, clock_now());
}

static void write_log(void)
{
    struct span text;
    bool any = false;

    while (sim_printer_executed(&printer, &text)) {
        any = true;
        if (log_file != NULL)
            fprintf(log_file, "%lld %.*s\n", (long long)(clock_now().us / 1000), (int)text.length,
                    text.data);
    }
    if (any && log_file != NULL)
        fflush(log_file);
}

static const char *state_name(enum sim_printer_state state)
{
    static const char *const names[] = {"off", "booting", "up", "halted"};

    return names[state];
}

static void print_status(void)
{
    const struct sim_printer_counters *counters = &printer.counters;

    printf("status %s lines=%llu refused=%llu doublets=%llu lost_bytes=%llu overruns=%llu "
           "unknown=%llu halts=%llu resets=%llu executed_missed=%llu output_lost=%llu\n",
           state_name(printer.state), (unsigned long long)counters->lines,
           (unsigned long long)counters->refused, (unsigned long long)counters->doublets,
           (unsigned long long)counters->lost_bytes, (unsigned long long)counters->overruns,
           (unsigned long long)counters->unknown, (unsigned long long)counters->halts,
           (unsigned long long)counters->resets, (unsigned long long)counters->executed_missed,
           (unsigned long long)counters->output_lost);
}

static void obey(const char *word)
{
    struct instant now = clock_now();
    bool plugged = port.fd >= 0 || port.listen >= 0;

    if (strcmp(word, "reset") == 0)
        sim_printer_reset(&printer, now);
    else if (strcmp(word, "power-off") == 0 || strcmp(word, "power-on") == 0)
        sim_printer_power(&printer, strcmp(word, "power-on") == 0, now);
    else if (strcmp(word, "runout") == 0 || strcmp(word, "filament") == 0)
        sim_printer_runout(&printer, strcmp(word, "runout") == 0, now);
    else if (strcmp(word, "unplug") == 0)
        unplug();
    else if (strcmp(word, "plug") == 0 && !plugged)
        plug();
    else if (strcmp(word, "status") == 0)
        print_status();
    else if (strcmp(word, "quit") == 0)
        stopped = 1;
    else if (strcmp(word, "plug") != 0)
        printf("unknown %s\n", word);
}

static void read_commands(void)
{
    char bytes[COMMAND_CAPACITY];
    ssize_t length = read(STDIN_FILENO, bytes, sizeof bytes);

    if (length <= 0) {
        stdin_open = length < 0 && (errno == EINTR || errno == EAGAIN);
        return;
    }
    for (ssize_t i = 0; i < length; i++) {
        if (bytes[i] != '\n') {
            if (command_length < sizeof command - 1)
                command[command_length++] = bytes[i];
            continue;
        }
        command[command_length] = '\0';
        command_length = 0;
        obey(command);
        printf("done %s\n", command);
    }
}

static void tell_state(void)
{
    if (printer.state == told)
        return;
    told = printer.state;
    printf("printer %s\n", state_name(told));
}

static void run_once(void)
{
    struct pollfd fds[4];
    nfds_t count = 0;
    struct instant now = clock_now();
    struct instant deadline = sim_printer_deadline(&printer);
    int64_t wait_us = instant_is_never(deadline) ? 3600000000 : deadline.us - now.us;

    if (wait_us < 0)
        wait_us = 0;
    struct timespec wait = {wait_us / 1000000, (long)(wait_us % 1000000) * 1000};
    short events = (short)((sim_printer_room(&printer) > 0 ? POLLIN : 0) |
                           (sim_printer_output(&printer).length > 0 ? POLLOUT : 0));
    fds[count++] = (struct pollfd){stdin_open ? STDIN_FILENO : -1, POLLIN, 0};
    fds[count++] = (struct pollfd){port.notify, POLLIN, 0};
    fds[count++] = (struct pollfd){port.fd < 0 ? port.listen : -1, POLLIN, 0};
    fds[count++] = (struct pollfd){port.fd, events, 0};
    if (ppoll(fds, count, &wait, NULL) < 0 && errno != EINTR)
        fail("poll");
    sim_printer_expire(&printer, clock_now());
    if (fds[0].revents != 0)
        read_commands();
    if (fds[1].revents != 0 && port.notify >= 0)
        read_notes();
    if (fds[2].revents != 0 && port.listen >= 0)
        accept_client();
    if ((fds[3].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && port.fd >= 0)
        read_port();
    /* Before its answers: whoever has got one finds what it answers written down. */
    write_log();
    tell_state();
    write_port();
}

static void parse(int count, char **words)
{
    enum {
        SPEED = 1000,
        BAUD,
        BOOT,
        WIRE,
        RESET_ON_OPEN,
        KLIPPER,
        NO_EMERGENCY_PARSER,
        NO_BUSY,
        NO_PROMPTS,
        ADVANCED_OK,
        WAIT_WHEN_IDLE,
        DOUBLETS_REFUSED,
        RESEND_OK,
        FLOW_CONTROL,
        RECEIVE_BUFFER,
        TCP
    };
    static const struct option known[] = {
        {"speed", 1, 0, SPEED},
        {"baud", 1, 0, BAUD},
        {"boot", 1, 0, BOOT},
        {"wire", 1, 0, WIRE},
        {"reset-on-open", 0, 0, RESET_ON_OPEN},
        {"klipper", 0, 0, KLIPPER},
        {"no-emergency-parser", 0, 0, NO_EMERGENCY_PARSER},
        {"no-busy", 0, 0, NO_BUSY},
        {"no-prompts", 0, 0, NO_PROMPTS},
        {"advanced-ok", 0, 0, ADVANCED_OK},
        {"wait-when-idle", 0, 0, WAIT_WHEN_IDLE},
        {"doublets-refused", 0, 0, DOUBLETS_REFUSED},
        {"resend-ok", 1, 0, RESEND_OK},
        {"flow-control", 0, 0, FLOW_CONTROL},
        {"receive-buffer", 1, 0, RECEIVE_BUFFER},
        {"tcp", 1, 0, TCP},
        {0, 0, 0, 0},
    };
    struct sim_printer_manner *manner = &options.manner;
    int option;

    *manner = sim_printer_manner_marlin();
    while ((option = getopt_long(count, words, "", known, NULL)) != -1) {
        uint32_t value = optarg == NULL ? 0 : (uint32_t)strtoul(optarg, NULL, 10);
        switch (option) {
        case SPEED: manner->speed = value; break;
        case BAUD: manner->baud = value; break;
        case BOOT: manner->boot_ms = value; break;
        case WIRE: options.wire = optarg; break;
        case RESET_ON_OPEN: options.reset_on_open = true; break;
        case KLIPPER: *manner = sim_printer_manner_klipper(); break;
        case NO_EMERGENCY_PARSER: manner->emergency_parser = false; break;
        case NO_BUSY: manner->busy = false; break;
        case NO_PROMPTS: manner->prompts = false; break;
        case ADVANCED_OK: manner->advanced_ok = true; break;
        case WAIT_WHEN_IDLE: manner->wait_when_idle = true; break;
        case DOUBLETS_REFUSED: manner->doublets_refused = true; break;
        case RESEND_OK:
            manner->resend_ok = strcmp(optarg, "never") == 0       ? SIM_RESEND_OK_NEVER
                                : strcmp(optarg, "executing") == 0 ? SIM_RESEND_OK_EXECUTING
                                                                   : SIM_RESEND_OK_ALWAYS;
            break;
        case FLOW_CONTROL: manner->flow_control = true; break;
        case RECEIVE_BUFFER: manner->receive_buffer = value; break;
        case TCP: options.tcp_port = (int)value; break;
        default: fputs(usage, stderr); exit(2);
        }
    }
    if (options.tcp_port == 0 && optind < count)
        options.link = words[optind++];
    if (optind < count)
        options.log = words[optind++];
    if (optind < count || (options.tcp_port == 0 && options.link == NULL)) {
        fputs(usage, stderr);
        exit(2);
    }
}

int main(int count, char **words)
{
    struct sigaction action = {.sa_handler = on_signal};

    parse(count, words);
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (options.log != NULL && (log_file = fopen(options.log, "a")) == NULL)
        fail(options.log);
    if (options.wire != NULL &&
        (wire_fd = open(options.wire, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) < 0)
        fail(options.wire);
    sim_printer_init(&printer, &options.manner, clock_now());
    told = printer.state;
    plug();
    printf("ready %s\n", options.link != NULL ? options.link : "tcp");
    while (!stopped)
        run_once();
    print_status();
    unplug();
    return 0;
}
