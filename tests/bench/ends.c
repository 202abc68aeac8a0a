#include "ends.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 5000
#define BOOT_US     2000 /* from the printer's halt to its `start` */
#define CHUNK       4096

void ends_fail(const char *what, ...)
{
    va_list arguments;

    va_start(arguments, what);
    vfprintf(stderr, what, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

int64_t ends_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Waits until there is something to read, and reads it. */
static size_t read_some(int fd, char *bytes, size_t capacity, int patience_ms, const char *who)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    ssize_t count;

    do {
        if (poll(&one, 1, patience_ms) == 0)
            ends_fail("%s: nothing came for %d ms", who, patience_ms);
        count = read(fd, bytes, capacity);
    } while (count < 0 && (errno == EAGAIN || errno == EINTR));
    if (count <= 0)
        ends_fail("%s: the wire is gone", who);
    return (size_t)count;
}

void ends_write(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);

        if (count < 0 && errno == EAGAIN) {
            struct pollfd one = {.fd = fd, .events = POLLOUT};

            poll(&one, 1, PATIENCE_MS);
        } else if (count < 0) {
            ends_fail("a wire does not take what is written: %s", strerror(errno));
        } else {
            bytes += count;
            length -= (size_t)count;
        }
    }
}

int ends_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        ends_fail("%s: %s", path, strerror(errno));
    return fd;
}

/* --- the printer ------------------------------------------------------------------------------ */

struct printer {
    char line[ENDS_LINE];
    size_t length;
    bool halted;
};

/* Answers what is whole in these bytes; a halt leaves the rest unread. */
static void print_bytes(struct printer *printer, struct wire *wire, const char *bytes,
                        size_t length, int64_t at)
{
    char answers[CHUNK * 3];
    size_t answer = 0, lines = 0;

    for (size_t i = 0; i < length && !printer->halted; i++) {
        if (bytes[i] != '\n') {
            if (printer->length < sizeof printer->line)
                printer->line[printer->length++] = bytes[i];
            continue;
        }
        if (printer->length >= 4 && memcmp(printer->line, "M112", 4) == 0) {
            printer->halted = true;
            atomic_store(&wire->halted_at, at);
        } else if (printer->length > 0) {
            memcpy(answers + answer, "ok\n", 3);
            answer += 3;
            lines++;
        }
        printer->length = 0;
    }
    ends_write(wire->printer_fd, answers, answer);
    atomic_fetch_add(&wire->lines, lines);
}

/* Says that it is halted, boots, and has forgotten what came meanwhile. */
static void reset(struct printer *printer, struct wire *wire)
{
    static const char killed[] = "Error:Printer halted. kill() called!\n", start[] = "start\n";
    char dropped[CHUNK];
    struct pollfd one = {.fd = wire->printer_fd, .events = POLLIN};

    ends_write(wire->printer_fd, killed, sizeof killed - 1);
    usleep(BOOT_US);
    while (poll(&one, 1, 0) > 0 && read(wire->printer_fd, dropped, sizeof dropped) > 0)
        continue;
    *printer = (struct printer){0};
    ends_write(wire->printer_fd, start, sizeof start - 1);
}

static void *run_printer(void *context)
{
    struct wire *wire = context;
    struct printer printer = {0};
    char bytes[CHUNK];

    for (;;) {
        size_t count = read_some(wire->printer_fd, bytes, sizeof bytes, -1, wire->name);

        print_bytes(&printer, wire, bytes, count, ends_now());
        if (printer.halted)
            reset(&printer, wire);
    }
    return NULL;
}

/* --- the host --------------------------------------------------------------------------------- */

void wire_init(struct wire *wire, char *text)
{
    char *host = strchr(text, ':'), *printer = host != NULL ? strchr(host + 1, ':') : NULL;

    if (printer == NULL)
        ends_fail("%s: NAME:HOST:PRINTER is meant", text);
    *host = '\0';
    memset(wire, 0, sizeof *wire);
    wire->name = text;
    wire->host_fd = atoi(host + 1);
    wire->printer_fd = atoi(printer + 1);
    if (pthread_create(&wire->printer, NULL, run_printer, wire) != 0)
        ends_fail("no thread to be had");
}

/* `N<number> <command>*<checksum>` and its end. */
static void send_numbered(struct wire *wire, const char *command)
{
    char line[ENDS_LINE];
    int length = snprintf(line, sizeof line, "N%lld %s", (long long)wire->number, command);
    unsigned sum = 0;

    for (int i = 0; i < length; i++)
        sum ^= (unsigned char)line[i];
    length += snprintf(line + length, sizeof line - (size_t)length, "*%u\n", sum);
    ends_write(wire->host_fd, line, (size_t)length);
    wire->number++;
}

void wire_begin(struct wire *wire)
{
    wire->number = 0;
    send_numbered(wire, "M110 N0");
    while (wire_hear(wire) == 0)
        continue;
    wire->started = false;
}

/* Lines as slicers write them, so that lengths and digits are those of a print. */
void wire_send(struct wire *wire)
{
    char command[ENDS_LINE];
    unsigned i = wire->command++;

    snprintf(command, sizeof command, "G1 X%u.%03u Y%u.%03u E.0%04u", 60 + i % 97, i * 37 % 1000,
             40 + i % 83, i * 59 % 1000, i * 13 % 10000);
    send_numbered(wire, command);
}

void wire_send_plain(struct wire *wire, const char *line)
{
    ends_write(wire->host_fd, line, strlen(line));
}

/* A line from the printer's side. 1 if it is an ok. */
static unsigned hear_line(struct wire *wire, const char *line)
{
    if (strncmp(line, "Resend", 6) == 0 || strncmp(line, "rs ", 3) == 0)
        ends_fail("%s: %s", wire->name, line);
    if (strncmp(line, "start", 5) == 0)
        wire->started = true;
    return strncmp(line, "ok", 2) == 0;
}

unsigned wire_hear(struct wire *wire)
{
    char bytes[CHUNK];
    size_t count = read_some(wire->host_fd, bytes, sizeof bytes, PATIENCE_MS, wire->name);
    unsigned oks = 0;

    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != '\n') {
            if (wire->heard_length < sizeof wire->heard - 1)
                wire->heard[wire->heard_length++] = bytes[i];
            continue;
        }
        wire->heard[wire->heard_length] = '\0';
        wire->heard_length = 0;
        oks += hear_line(wire, wire->heard);
    }
    return oks;
}

uint64_t wire_print(struct wire *wire, unsigned window, int64_t end)
{
    uint64_t lines = 0;
    unsigned open = 0;
    bool more = true;

    while (more || open > 0) {
        for (; more && open < window; open++, lines++)
            wire_send(wire);
        open -= wire_hear(wire);
        more = more && ends_now() < end;
    }
    return lines;
}
