#include "daemon/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/log.h"
#include "daemon/service.h"

/* Of a flood so much is read in such a time, and so much of it is logged. */
#define READ_BYTES 4096
#define READ_MS    10
#define LOG_LINES  100
#define LINE_BYTES 240
/* What a pipe holds: its rest is read when the program has ended. */
#define PIPE_BYTES 65536
/* The path, 32 arguments and NULL. */
#define ARGUMENTS 34
#define VARIABLES 512

extern char **environ;

struct running {
    struct programs *programs;
    int64_t number;
    bool used;    /* from its order until its end is told */
    bool runs;    /* there is a process */
    int handles;  /* that are not closed yet */
    int fd;       /* of its output */
    uv_process_t process;
    uv_poll_t output;
    uv_timer_t pause;
    char why[96]; /* what went wrong */
    char name[SETTINGS_NAME];
    char line[LINE_BYTES];
    size_t length;
    unsigned lines;
    uint64_t unlogged;
};

struct programs {
    struct service *service;
    bool ending;
    struct running running[PROXY_PROGRAMS];
};

static void on_output(uv_poll_t *handle, int status, int events);

struct programs *programs_new(struct service *service)
{
    struct programs *programs = calloc(1, sizeof *programs);

    if (programs == NULL)
        abort();
    programs->service = service;
    return programs;
}

void programs_free(struct programs *programs)
{
    free(programs);
}

/* --- its output ------------------------------------------------------------------------------- */

static void log_line(struct running *running)
{
    if (running->length == 0)
        return;
    if (running->lines < LOG_LINES)
        log_write(LOG_INFO, "program %s: %.*s", running->name, (int)running->length,
                  running->line);
    else
        running->unlogged++;
    running->lines++;
    running->length = 0;
}

static void take(struct running *running, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n')
            log_line(running);
        else if (running->length < LINE_BYTES)
            running->line[running->length++] = bytes[i];
    }
}

static ssize_t read_some(struct running *running)
{
    char bytes[READ_BYTES];
    ssize_t count = read(running->fd, bytes, sizeof bytes);

    if (count > 0)
        take(running, bytes, (size_t)count);
    return count;
}

static void on_pause(uv_timer_t *timer)
{
    struct running *running = timer->data;

    uv_poll_start(&running->output, UV_READABLE, on_output);
}

static void on_output(uv_poll_t *handle, int status, int events)
{
    struct running *running = handle->data;

    (void)events;
    uv_poll_stop(&running->output);
    if (status == 0 && read_some(running) > 0)
        uv_timer_start(&running->pause, on_pause, READ_MS, 0);
}

/* --- its end ---------------------------------------------------------------------------------- */

/* All its handles are closed: its place is free, and the core hears of it. */
static void on_closed(uv_handle_t *handle)
{
    struct running *running = handle->data;
    struct programs *programs = running->programs;

    if (--running->handles > 0)
        return;
    running->used = false;
    if (programs->ending)
        return;
    service_feed(programs->service, &(struct proxy_input){.kind = PROXY_ENDED,
                                                          .number = running->number,
                                                          .bytes = span_of(running->why)});
    service_settle(programs->service);
}

/* What the pipe still holds is read, as far as that is no new flood. */
static void close_output(struct running *running)
{
    for (unsigned left = PIPE_BYTES / READ_BYTES; left > 0 && read_some(running) > 0; left--)
        ;
    log_line(running);
    if (running->unlogged > 0)
        log_write(LOG_WARNING, "program %s: %llu more lines are not logged", running->name,
                  (unsigned long long)running->unlogged);
    uv_close((uv_handle_t *)&running->output, on_closed);
    uv_close((uv_handle_t *)&running->pause, on_closed);
    close(running->fd);
}

static void on_ended(uv_process_t *process, int64_t status, int number)
{
    struct running *running = process->data;

    running->runs = false;
    kill(-process->pid, SIGKILL); /* what it left behind */
    if (number != 0)
        snprintf(running->why, sizeof running->why, "ended by signal %d (%s)", number,
                 strsignal(number));
    else if (status != 0)
        snprintf(running->why, sizeof running->why, "status %lld", (long long)status);
    close_output(running);
    uv_close((uv_handle_t *)process, on_closed);
}

/* --- its beginning ---------------------------------------------------------------------------- */

/* The strings in `texts`, each with a NUL behind it, appended to a list that ends with NULL. */
static void list_strings(struct span texts, const char **list, size_t *count, size_t most)
{
    while (texts.length > 0 && *count + 1 < most) {
        list[(*count)++] = texts.data;
        texts = span_skip(texts, span_find(texts, '\0') + 1);
    }
    list[*count] = NULL;
}

/* Ours of systemd are nobody else's business, and our own names are given anew. */
static bool is_inherited(const char *variable)
{
    static const char *const not[] = {"SIOPROXY_", "NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_",
                                      "STATE_DIRECTORY=", NULL};

    for (size_t i = 0; not[i] != NULL; i++)
        if (strncmp(variable, not[i], strlen(not[i])) == 0)
            return false;
    return true;
}

static void list_environment(struct span added, const char **list)
{
    size_t count = 0;

    for (char **variable = environ; *variable != NULL && count < VARIABLES / 2; variable++)
        if (is_inherited(*variable))
            list[count++] = *variable;
    list_strings(added, list, &count, VARIABLES);
}

/* True if there is a process now; else ret_error says why not. */
static bool spawn(struct running *running, const char *path, const struct proxy_program *program,
                  int output, int *ret_error)
{
    const char *arguments[ARGUMENTS] = {path}, *environment[VARIABLES];
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = output},
        {.flags = UV_INHERIT_FD, .data.fd = output},
    };
    uv_process_options_t options = {
        .exit_cb = on_ended,
        .file = path,
        .args = (char **)arguments,
        .env = (char **)environment,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    size_t count = 1;

    list_strings(program->arguments, arguments, &count, ARGUMENTS);
    list_environment(program->environment, environment);
    *ret_error = uv_spawn(&running->programs->service->loop, &running->process, &options);
    return *ret_error == 0;
}

void programs_run(struct programs *programs, const struct order *order)
{
    struct running *running = &programs->running[order->number];
    struct proxy_program program;
    int ends[2], error;

    if (running->used || !proxy_program(programs->service->proxy, order->number, &program))
        return;
    *running = (struct running){
        .programs = programs, .number = order->number, .used = true, .handles = 3};
    memcpy(running->name, program.name.data, program.name.length);
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    running->fd = ends[0];
    fcntl(running->fd, F_SETFL, O_NONBLOCK);
    uv_poll_init(&programs->service->loop, &running->output, running->fd);
    uv_timer_init(&programs->service->loop, &running->pause);
    running->process.data = running->output.data = running->pause.data = running;
    running->runs = spawn(running, order->text, &program, ends[1], &error);
    close(ends[1]);
    if (running->runs) {
        uv_poll_start(&running->output, UV_READABLE, on_output);
        return;
    }
    snprintf(running->why, sizeof running->why, "cannot be started: %s", uv_strerror(error));
    close_output(running);
    uv_close((uv_handle_t *)&running->process, on_closed);
}

static void signal_all(struct programs *programs, int number)
{
    for (unsigned i = 0; i < PROXY_PROGRAMS; i++)
        if (programs->running[i].runs)
            kill(-programs->running[i].process.pid, number);
}

void programs_end(struct programs *programs, const struct order *order)
{
    struct running *running = &programs->running[order->number];

    if (running->runs)
        kill(-running->process.pid, order->ok ? SIGKILL : SIGTERM);
}

void programs_ask_to_end(struct programs *programs)
{
    signal_all(programs, SIGTERM);
}

void programs_kill(struct programs *programs)
{
    programs->ending = true;
    signal_all(programs, SIGKILL);
}
