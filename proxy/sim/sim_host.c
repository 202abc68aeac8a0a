#include "sim/sim_host.h"

#include <assert.h>
#include <string.h>

#include "sim/sim_host_line.h"

enum {
    COMMUNICATION_MS = 30000, /* timeouts of OctoPrint: without a line … */
    COMMUNICATION_BUSY_MS = 3000, /* … once a busy was seen */
    POLL_MS = 5000,
    RESENDS_OF_ONE_LINE = 10,
    MORE_TO_SAY = SIM_HOST_OUTPUT - 2 * SIM_HOST_LINE,
    LONGEST = SIM_HOST_LINE - 40, /* with number and checksum it fits; the proxy takes none so long */
};

struct sim_host_manner sim_host_manner_octoprint(void)
{
    return (struct sim_host_manner){.octoprint = true, .window = 1, .poll_ms = POLL_MS};
}

struct sim_host_manner sim_host_manner_window(uint32_t window)
{
    return (struct sim_host_manner){.window = window, .verbatim = true};
}

void sim_host_init(struct sim_host *host, const struct sim_host_manner *manner)
{
    memset(host, 0, sizeof *host);
    host->manner = *manner;
    host->action_cancel = true;
    host->poll = INSTANT_NEVER;
}

static void fail(struct sim_host *host, const char *why)
{
    host->state = SIM_HOST_FAILED;
    host->why = why;
}

static void write_bytes(struct sim_host *host, struct span bytes)
{
    assert(host->output_length + bytes.length <= SIM_HOST_OUTPUT);
    memcpy(host->output + host->output_length, bytes.data, bytes.length);
    host->output_length += (uint32_t)bytes.length;
}

static void remember(struct sim_host *host, struct span line)
{
    uint32_t at = (host->history_first + host->history_count) % SIM_HOST_HISTORY;

    if (host->history_count == SIM_HOST_HISTORY)
        host->history_first = (host->history_first + 1) % SIM_HOST_HISTORY;
    else
        host->history_count++;
    memcpy(host->history[at], line.data, line.length);
    host->history_length[at] = (uint16_t)line.length;
}

/* Sends a command with the number it is to bear. */
static void send_numbered(struct sim_host *host, struct span command)
{
    char bytes[SIM_HOST_LINE];
    struct text line = TEXT_IN(bytes);
    bool m110 = sim_host_is(command, 'M', 110);
    int64_t sets;

    if (m110) {
        host->next_number = sim_host_m110(command, &sets) ? sets : 0;
        host->history_count = 0;
        host->resend_delta = 0;
    }
    sim_host_number(command, host->next_number, &line);
    host->next_number++;
    if (!m110)
        remember(host, text_span(&line));
    write_bytes(host, text_span(&line));
}

static bool is_long_running(char letter, int64_t code)
{
    static const struct {
        char letter;
        int16_t code;
    } commands[] = {{'G', 4},   {'G', 28},  {'G', 29},  {'G', 30},  {'G', 32},  {'M', 109},
                    {'M', 116}, {'M', 190}, {'M', 191}, {'M', 226}, {'M', 400}, {'M', 600}};

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (commands[i].letter == letter && commands[i].code == code)
            return true;
    }
    return false;
}

/* Sends a line of the file or of a user; comments are gone already unless they are to be kept. */
static void send_line(struct sim_host *host, struct span command)
{
    char letter = 0;
    int64_t code = -1;
    bool counted = sim_host_word(command, &letter, &code) && sim_host_counted(letter);
    bool numbered = counted && ((letter == 'M' && code == 110) || host->numbers ||
                                !host->manner.octoprint || !host->firmware_known);

    if (command.length > LONGEST)
        command.length = LONGEST;
    if (numbered) {
        send_numbered(host, command);
    } else {
        write_bytes(host, command);
        write_bytes(host, SPAN("\n"));
    }
    if (sim_host_blank(command))
        return;
    if (letter == 'M' && (code == 28 || code == 928))
        host->uploading = true;
    else if (letter == 'M' && code == 29)
        host->uploading = false;
    host->counters.lines++;
    if (!counted) {
        host->counters.words++;
        return;
    }
    host->counters.commands++;
    host->clear--;
    host->heard = host->acknowledged = host->now; /* it waits from here on */
    host->long_running = is_long_running(letter, code);
}

static bool pop_queue(struct sim_host *host, struct span *ret_command)
{
    if (host->queue_count == 0)
        return false;
    *ret_command = span_of(host->queue[host->queue_first]);
    host->queue_first = (host->queue_first + 1) % SIM_HOST_QUEUE;
    host->queue_count--;
    return true;
}

/* The next line of the file that is to be sent. False at its end. */
static bool next_of_file(struct sim_host *host, struct span *ret_command)
{
    while (host->file.length > 0) {
        size_t end = span_find(host->file, '\n');
        struct span line = {host->file.data, end};

        host->file = span_skip(host->file, end + 1);
        *ret_command = sim_host_stripped(line);
        if (host->manner.octoprint && span_starts(*ret_command, SPAN("@")))
            continue; /* a command to OctoPrint itself: never sent */
        if (ret_command->length > 0)
            return true;
        *ret_command = line;
        if (host->manner.verbatim)
            return true;
    }
    return false;
}

static void end_print(struct sim_host *host)
{
    host->state = SIM_HOST_OPERATIONAL;
    host->numbers = false;
    host->printing_file = false;
}

/* The file is sent: OctoPrint waits for the moves. */
static bool end_of_file(struct sim_host *host, struct span *ret_command)
{
    host->printing_file = false;
    host->state = SIM_HOST_FINISHING;
    *ret_command = SPAN("M400");
    return host->manner.octoprint;
}

/* Sends what may be sent now. */
static void send(struct sim_host *host)
{
    struct span command;

    while (host->clear > 0 && host->output_length < MORE_TO_SAY &&
           host->state != SIM_HOST_CLOSED && host->state != SIM_HOST_FAILED) {
        if (host->resend_delta > 0) {
            uint32_t at = (host->history_first + host->history_count - host->resend_delta) %
                          SIM_HOST_HISTORY;

            write_bytes(host, (struct span){host->history[at], host->history_length[at]});
            host->resend_delta--;
            host->clear--;
            continue;
        }
        if (!pop_queue(host, &command) &&
            !(host->printing_file && host->state == SIM_HOST_PRINTING &&
              (next_of_file(host, &command) || end_of_file(host, &command))))
            break;
        send_line(host, command);
    }
    /* Paused, or the script behind a cancel is sent: from now on without numbers. */
    if ((host->state == SIM_HOST_OPERATIONAL || host->state == SIM_HOST_PAUSED) &&
        host->queue_count == 0)
        host->numbers = false;
    if (host->state == SIM_HOST_FINISHING && sim_host_idle(host)) {
        host->counters.finished++;
        end_print(host);
    }
}

static void enqueue(struct sim_host *host, struct span command)
{
    struct text text;

    if (host->queue_count == SIM_HOST_QUEUE)
        return;
    text = (struct text){
        host->queue[(host->queue_first + host->queue_count) % SIM_HOST_QUEUE],
        SIM_HOST_COMMAND - 1, 0, false};
    text_add(&text, command);
    text.data[text.length] = '\0';
    host->queue_count++;
}

void sim_host_opened(struct sim_host *host, struct instant now)
{
    host->now = now;
    host->state = SIM_HOST_CONNECTING;
    host->why = NULL;
    host->firmware_known = host->busy_seen = host->long_running = false;
    host->numbers = host->printing_file = host->uploading = false;
    host->queue_count = host->history_count = host->resend_delta = 0;
    host->resend_times = 0;
    host->line_length = 0;
    host->output_length = 0;
    host->heard = host->acknowledged = now;
    host->poll = INSTANT_NEVER;
    if (host->manner.octoprint) {
        /* The hello goes out twice, straight away, and waits for nothing. */
        host->clear = 2;
        send_line(host, SPAN("M110 N0"));
        send_line(host, SPAN("M110 N0"));
    } else {
        host->clear = (int32_t)host->manner.window;
        send_line(host, SPAN("M110 N0"));
    }
}

void sim_host_closed(struct sim_host *host)
{
    host->state = SIM_HOST_CLOSED;
    host->output_length = 0;
    host->poll = INSTANT_NEVER;
}

/* The first ok: the printer is there. */
static void connected(struct sim_host *host, struct instant now)
{
    host->state = SIM_HOST_OPERATIONAL;
    if (host->manner.octoprint) {
        enqueue(host, SPAN("M110 N0"));
        enqueue(host, SPAN("M115"));
        enqueue(host, SPAN("M21"));
    }
    if (host->manner.poll_ms > 0)
        host->poll = instant_after_ms(now, host->manner.poll_ms);
}

static void acknowledged(struct sim_host *host, struct instant now)
{
    host->counters.oks++;
    host->acknowledged = now;
    if (host->clear < (int32_t)host->manner.window)
        host->clear++;
    if (host->state == SIM_HOST_CONNECTING)
        connected(host, now);
}

static void asked_again(struct sim_host *host, int64_t number)
{
    int64_t delta = host->next_number - number;

    host->counters.resends++;
    if (number == host->next_number && host->resend_delta == 0)
        return;
    if (delta < 0 || delta > host->history_count) {
        fail(host, "was asked for a line that it has no more");
        return;
    }
    host->resend_times = number == host->resend_number ? host->resend_times + 1 : 1;
    host->resend_number = number;
    host->resend_delta = (uint32_t)delta;
    if (host->resend_times == RESENDS_OF_ONE_LINE)
        fail(host, "was asked for the same line again and again");
}

static void acted(struct sim_host *host, struct span action, struct instant now)
{
    if (span_equal(action, SPAN("cancel")) && host->action_cancel)
        sim_host_cancel(host, now);
    else if (span_equal(action, SPAN("pause")))
        sim_host_pause(host, now);
    else if (span_equal(action, SPAN("resume")))
        sim_host_resume(host, now);
    else if (span_starts(action, SPAN("paused")) && host->state == SIM_HOST_PRINTING)
        host->state = SIM_HOST_PAUSED;
    else if (span_starts(action, SPAN("resumed")))
        sim_host_resume(host, now);
}

/* The printer was reset by itself: nothing that was sent counts. */
static void started(struct sim_host *host)
{
    if (host->state == SIM_HOST_CONNECTING)
        return;
    if (host->printing_file || host->state == SIM_HOST_FINISHING)
        host->counters.aborted++;
    end_print(host);
    host->queue_count = 0;
    host->resend_delta = 0;
    host->clear = 1;
    enqueue(host, SPAN("M110 N0"));
}

static void line_came(struct sim_host *host, struct instant now)
{
    struct sim_host_reply reply;

    host->heard = now;
    sim_host_reply((struct span){host->line, host->line_length}, &reply);
    /* Klipper's ok to M115 tells it, too. */
    if (span_contains((struct span){host->line, host->line_length}, SPAN("FIRMWARE_NAME:")))
        host->firmware_known = true;
    switch (reply.kind) {
    case SIM_HOST_TEXT: break;
    case SIM_HOST_OK: acknowledged(host, now); break;
    case SIM_HOST_RESEND: asked_again(host, reply.number); break;
    case SIM_HOST_BUSY:
        host->counters.busies++;
        host->busy_seen = true;
        host->acknowledged = now;
        break;
    case SIM_HOST_ERROR_TOLD: host->counters.errors++; break;
    case SIM_HOST_ERROR_FATAL:
        host->counters.errors++;
        fail(host, "the printer told an error");
        break;
    case SIM_HOST_START: started(host); break;
    case SIM_HOST_ACTION: acted(host, reply.rest, now); break;
    case SIM_HOST_FIRMWARE: break;
    }
}

void sim_host_receive(struct sim_host *host, struct span bytes, struct instant now)
{
    host->now = now;
    for (size_t i = 0; i < bytes.length && host->state != SIM_HOST_CLOSED; i++) {
        if (bytes.data[i] == '\n') {
            line_came(host, now);
            host->line_length = 0;
        } else if (host->line_length < SIM_HOST_COMMAND) {
            host->line[host->line_length++] = bytes.data[i];
        }
    }
    send(host);
}

struct span sim_host_output(const struct sim_host *host)
{
    return (struct span){host->output, host->output_length};
}

void sim_host_taken(struct sim_host *host, size_t count, struct instant now)
{
    host->now = now;
    assert(count <= host->output_length);
    host->output_length -= (uint32_t)count;
    memmove(host->output, host->output + count, host->output_length);
    send(host);
}

/* When it gives up waiting for an answer. */
static struct instant timeout(const struct sim_host *host)
{
    int64_t ms = host->busy_seen ? COMMUNICATION_BUSY_MS : COMMUNICATION_MS;
    struct instant due;

    if (host->clear > 0 || host->state == SIM_HOST_CLOSED || host->state == SIM_HOST_FAILED)
        return INSTANT_NEVER;
    /* OctoPrint: at least the interval of the polls, and a second. */
    if (ms < (int64_t)host->manner.poll_ms + 1000)
        ms = (int64_t)host->manner.poll_ms + 1000;
    due = instant_after_ms(host->heard, ms);
    if (host->state == SIM_HOST_PRINTING && !host->long_running)
        due = instant_earlier(due, instant_after_ms(host->acknowledged, ms));
    return due;
}

struct instant sim_host_deadline(const struct sim_host *host)
{
    return instant_earlier(timeout(host), host->poll);
}

void sim_host_expire(struct sim_host *host, struct instant now)
{
    host->now = now;
    if (instant_due(timeout(host), now)) {
        host->counters.timeouts++;
        host->heard = host->acknowledged = now;
        host->clear++;
        if (host->state == SIM_HOST_PRINTING)
            enqueue(host, SPAN("M105"));
    }
    if (instant_due(host->poll, now)) {
        host->poll = instant_after_ms(host->poll, host->manner.poll_ms);
        if (host->queue_count == 0 && !(host->clear <= 0 && host->long_running))
            enqueue(host, SPAN("M105"));
    }
    send(host);
}

void sim_host_print(struct sim_host *host, struct span file, struct instant now)
{
    host->now = now;
    assert(host->state == SIM_HOST_OPERATIONAL);
    host->file = file;
    host->printing_file = true;
    host->numbers = true;
    host->state = SIM_HOST_PRINTING;
    if (host->manner.octoprint)
        enqueue(host, SPAN("M110 N0"));
    send(host);
}

bool sim_host_command(struct sim_host *host, struct span command, struct instant now)
{
    host->now = now;
    if (host->queue_count == SIM_HOST_QUEUE || host->state == SIM_HOST_CLOSED)
        return false;
    /* What is read before any queue goes out at once, whoever waits. */
    if (sim_host_is(command, 'M', 108) || sim_host_is(command, 'M', 410))
        send_line(host, command);
    else
        enqueue(host, command);
    send(host);
    return true;
}

void sim_host_pause(struct sim_host *host, struct instant now)
{
    host->now = now;
    if (host->state != SIM_HOST_PRINTING)
        return;
    enqueue(host, SPAN("M400"));
    enqueue(host, SPAN("M114"));
    host->state = SIM_HOST_PAUSED;
    send(host);
}

void sim_host_resume(struct sim_host *host, struct instant now)
{
    host->now = now;
    if (host->state != SIM_HOST_PAUSED)
        return;
    host->state = SIM_HOST_PRINTING;
    host->numbers = true;
    send(host);
}

void sim_host_cancel(struct sim_host *host, struct instant now)
{
    static const char *const script[] = {"M84", "M104 T0 S0", "M140 S0", "M106 S0"};

    host->now = now;
    if (host->state != SIM_HOST_PRINTING && host->state != SIM_HOST_PAUSED &&
        host->state != SIM_HOST_FINISHING)
        return;
    host->counters.cancelled++;
    host->file = SPAN_NONE;
    host->printing_file = false;
    host->numbers = true;
    if (host->uploading)
        enqueue(host, SPAN("M29"));
    else
        send_line(host, SPAN("M108"));
    for (size_t i = 0; i < sizeof script / sizeof script[0]; i++)
        enqueue(host, span_of(script[i]));
    host->state = SIM_HOST_OPERATIONAL;
    send(host);
}

void sim_host_emergency(struct sim_host *host, struct instant now)
{
    host->now = now;
    write_bytes(host, SPAN("M112\n"));
    send_numbered(host, SPAN("M112"));
    send_numbered(host, SPAN("M104 T0 S0"));
    send_numbered(host, SPAN("M140 S0"));
}

bool sim_host_idle(const struct sim_host *host)
{
    return host->clear >= (int32_t)host->manner.window && host->queue_count == 0 &&
           host->resend_delta == 0 && host->output_length == 0 && !host->printing_file;
}
