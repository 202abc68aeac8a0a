/*
 * A bench for the simulated printer: a clock of our own, and everything it says kept as text.
 * Each .c that includes it has its own printer.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim_printer.h"

enum { SAID_CAPACITY = 65536 };

static struct sim_printer printer;
static struct instant now;
static char said[SAID_CAPACITY];
static size_t said_length;

/* What must hold after every call, whatever came in. */
static inline void check_promises(void)
{
    assert_true(printer.receive_count <= printer.manner.receive_buffer);
    assert_true(printer.queue_count <= SIM_QUEUE_CAPACITY);
    assert_true(printer.motion.count < SIM_BLOCKS);
    assert_true(printer.output_ready <= printer.output_length);
    assert_true(printer.output_head + printer.output_length <= SIM_OUTPUT_CAPACITY);
    assert_true(printer.executed_count <= SIM_EXECUTED_KEPT);
    assert_true(printer.line.length < SIM_LINE_CAPACITY);
    if (printer.wait != SIM_WAIT_NONE)
        assert_true(printer.queue_count > 0);
    if (printer.state == SIM_PRINTER_OFF || printer.state == SIM_PRINTER_BOOTING) {
        assert_int_equal(printer.queue_count, 0);
        assert_int_equal(printer.receive_count, 0);
    }
    assert_true(printer.sd_selected >= -1 && printer.sd_selected < SIM_SD_FILES);
    assert_true(printer.sd_writing >= -1 && printer.sd_writing < SIM_SD_FILES);
}

static inline void hear(void)
{
    struct span bytes = sim_printer_output(&printer);

    check_promises();
    if (said_length + bytes.length >= SAID_CAPACITY)
        said_length = 0;
    memcpy(said + said_length, bytes.data, bytes.length);
    said_length += bytes.length;
    said[said_length] = '\0';
    if (bytes.length > 0)
        sim_printer_taken(&printer, bytes.length, now);
}

/* Lets `ms` pass, each deadline at its own time. Fails if the printer does not get on. */
static inline void pass_ms(int64_t ms)
{
    struct instant end = instant_after_ms(now, ms);

    for (int steps = 0;; steps++) {
        hear();
        struct instant deadline = sim_printer_deadline(&printer);
        if (deadline.us > end.us)
            break;
        assert_true(steps < 1000000);
        if (deadline.us > now.us)
            now = deadline;
        sim_printer_expire(&printer, now);
    }
    now = end;
    sim_printer_expire(&printer, now);
    hear();
}

static inline void forget_said(void)
{
    said_length = 0;
    said[0] = '\0';
}

/* Sends `text` and forgets what was said before; the answers that need no time are heard. */
static inline void send_text(const char *text)
{
    forget_said();
    assert_int_equal(sim_printer_receive(&printer, span_of(text), now), strlen(text));
    hear();
}

/* Sends `text` and hears what comes within `ms`. */
static inline void send_and_wait(const char *text, int64_t ms)
{
    send_text(text);
    pass_ms(ms);
}

/* `text` under number `number` with its checksum. */
static inline const char *numbered(int number, const char *text)
{
    static char lines[4][160];
    static int next;
    char *line = lines[next++ % 4];
    unsigned char sum = 0;

    snprintf(line, sizeof lines[0], "N%d %s", number, text);
    for (const char *at = line; *at != '\0'; at++)
        sum = (unsigned char)(sum ^ (unsigned char)*at);
    size_t length = strlen(line);
    snprintf(line + length, sizeof lines[0] - length, "*%d\n", sum);
    return line;
}

static inline int count_said(const char *what)
{
    int count = 0;

    for (const char *at = said; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

/* How many lines said are `line`. */
static inline int count_lines(const char *line)
{
    int count = 0;
    size_t length = strlen(line);

    for (const char *at = said; *at != '\0';) {
        const char *end = strchr(at, '\n');
        size_t found = end == NULL ? strlen(at) : (size_t)(end - at);
        count += found == length && memcmp(at, line, length) == 0;
        if (end == NULL)
            break;
        at = end + 1;
    }
    return count;
}

static inline void assert_executed(const char *text)
{
    struct span command;

    assert_true(sim_printer_executed(&printer, &command));
    assert_int_equal(command.length, strlen(text));
    assert_memory_equal(command.data, text, command.length);
}

static inline void assert_nothing_executed(void)
{
    struct span command;

    assert_false(sim_printer_executed(&printer, &command));
}

static inline void begin(struct sim_printer_manner manner)
{
    now = (struct instant){1000000};
    forget_said();
    sim_printer_init(&printer, &manner, now);
}

/* Marlin without a paced wire: answers that need no time come at once. */
static inline void begin_marlin(void)
{
    struct sim_printer_manner manner = sim_printer_manner_marlin();

    manner.baud = 0;
    begin(manner);
}
