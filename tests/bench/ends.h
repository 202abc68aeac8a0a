/*
 * The two ends of a wire under measurement, host and printer, in blocking poll loops.
 *
 * The printer is a thread that answers each line by `ok` at once, so that what is measured is the
 * way and not the machine. The host numbers its lines as OctoPrint does. Any mistake on the wire
 * (a Resend, a line that nobody answers) ends the program: a figure of a broken wire is none.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENDS_LINE 128

struct wire {
    const char *name;
    int host_fd, printer_fd;
    pthread_t printer;
    _Atomic int64_t halted_at; /* when the printer had read M112; 0: not yet */
    _Atomic uint64_t lines;    /* the printer has answered */
    int64_t number;            /* of the host's next line */
    unsigned command;          /* the host's next one */
    bool started;              /* the host has heard `start` */
    char heard[ENDS_LINE];     /* of an unfinished line */
    size_t heard_length;
};

void ends_fail(const char *what, ...) __attribute__((format(printf, 1, 2), noreturn));
int64_t ends_now(void); /* nanoseconds, monotonic */
/* All of it, however long the other end takes. */
void ends_write(int fd, const char *bytes, size_t length);

/* A connection to the daemon's control socket. */
int ends_connect(const char *path);

/* `text` is NAME:HOST:PRINTER, the latter two open descriptors. Starts the printer. */
void wire_init(struct wire *wire, char *text);
/* M110, and its ok. */
void wire_begin(struct wire *wire);
/* The next line of a print, numbered. */
void wire_send(struct wire *wire);
/* A line without a number. */
void wire_send_plain(struct wire *wire, const char *line);
/* Reads once, after waiting for something to read; how many oks it were. */
unsigned wire_hear(struct wire *wire);
/* A print with so many lines unanswered, until `end`; all are answered then. Returns the lines. */
uint64_t wire_print(struct wire *wire, unsigned window, int64_t end);
