#include "daemon/service.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/control.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/programs.h"
#include "daemon/pty.h"
#include "daemon/record_ring.h"
#include "daemon/recorder.h"
#include "daemon/serial.h"
#include "daemon/sim_port.h"
#include "daemon/tcp.h"

/* Outputs into their exit state: a board that is gone must not hold us back longer. */
#define EXIT_PATIENCE_MS 3000
/* And recordings that are not written. */
#define DISK_PATIENCE_MS 3000
/* A halt is written to the log so much later: M112 has to get through the kernel first. */
#define TELLING_MS 2
/* The number of the request to end; clients have positive ones. */
#define EXIT_CLIENT (-1)
/* Rounds of one settling; what is left then waits for the next turn of the loop. */
#define SETTLE_ROUNDS 1000

static void on_timer(uv_timer_t *timer);

void service_feed(struct service *service, const struct proxy_input *input)
{
    struct instant now = clock_now();

    if (service->over)
        return;
    if (service->recorder != NULL)
        recorder_input(service->recorder, input, now);
    record_ring_input(service->ring, input, now);
    last_inputs_add(&service->last, input, now);
    proxy_input(service->proxy, input, now);
}

/* --- what ports tell -------------------------------------------------------------------------- */

static void port_opened(void *context, struct port *port, uint32_t baud)
{
    service_feed(context,
                 &(struct proxy_input){.kind = PROXY_OPENED, .port = port->which, .number = baud});
}

static void port_closed(void *context, struct port *port, int error, struct span why)
{
    service_feed(context,
                 &(struct proxy_input){
                     .kind = PROXY_CLOSED, .port = port->which, .number = error, .bytes = why});
}

static void port_bytes(void *context, struct port *port, struct span bytes)
{
    service_feed(context,
                 &(struct proxy_input){.kind = PROXY_BYTES, .port = port->which, .bytes = bytes});
}

static void port_speed_told(void *context, struct port *port, uint32_t baud)
{
    service_feed(context,
                 &(struct proxy_input){.kind = PROXY_SPEED, .port = port->which, .number = baud});
}

static size_t port_room(void *context, const struct port *port)
{
    const struct service *service = context;

    return proxy_room(service->proxy, port->which);
}

static void settle(void *context)
{
    service_settle(context);
}

/* --- what the core wants ---------------------------------------------------------------------- */

static void answer(struct service *service, const struct order *order)
{
    if (order->number == EXIT_CLIENT) {
        if (!order->ok)
            log_write(LOG_WARNING, "outputs at exit: %s", order->text);
        uv_stop(&service->loop);
    } else {
        control_answer(service->control, order);
    }
}

static void carry_out(struct service *service, const struct order *order)
{
    struct port *port = service->port[order->port];

    switch (order->kind) {
    case ORDER_OPEN:
        if (order->number > 0)
            service->baud[order->port] = (uint32_t)order->number;
        if (port != NULL)
            port_open(port, service->baud[order->port]);
        break;
    case ORDER_CLOSE:
        if (port != NULL && order->port != PROXY_HOST)
            port_close(port);
        break;
    case ORDER_SPEED:
        service->baud[order->port] = (uint32_t)order->number;
        if (port != NULL && order->number > 0)
            port_speed(port, (uint32_t)order->number);
        break;
    case ORDER_DTR:
        if (port != NULL)
            port_dtr(port);
        break;
    case ORDER_DISCARD:
        if (port != NULL)
            port_discard(port);
        break;
    case ORDER_ANSWER: answer(service, order); break;
    case ORDER_SAVE: state_writer_save(&service->state, order->text); break;
    case ORDER_RUN: programs_run(service->programs, order); break;
    case ORDER_END: programs_end(service->programs, order); break;
    }
}

/* A job that failed, a halt: what came before is worth knowing. */
static bool is_trouble(const struct event *event)
{
    switch (event->kind) {
    case EVENT_PRINT: return strcmp(event->state, "failed") == 0;
    case EVENT_PRINTER: return strcmp(event->state, "halted") == 0;
    case EVENT_ESTOP: return strcmp(event->state, "tripped") == 0;
    case EVENT_POINT:
    case EVENT_HOST:
    case EVENT_BOARD:
    case EVENT_TEMPERATURE:
    case EVENT_FILAMENT:
    case EVENT_PSU:
    case EVENT_GCODE:
    case EVENT_RULE:
    case EVENT_RELOAD:
    case EVENT_LOG: return false;
    }
    return false;
}

static void tell_trouble(struct service *service)
{
    if (!instant_is_never(service->trouble))
        last_inputs_log(&service->last, service->trouble);
    service->trouble = INSTANT_NEVER;
}

static void on_telling(uv_timer_t *timer)
{
    tell_trouble(timer->data);
}

void service_show(struct service *service, const struct event *event)
{
    if (event->kind == EVENT_LOG) {
        log_write((enum log_level)event->level, "%s", event->cause);
        return;
    }
    log_write((enum log_level)event->level, "%s%s%s %s%s%s", event_word(event->kind),
              event->name[0] != '\0' ? " " : "", event->name, event->state,
              event->cause[0] != '\0' ? ": " : "", event->cause);
    if (is_trouble(event) && instant_is_never(service->trouble)) {
        service->trouble = clock_now();
        uv_timer_start(&service->telling, on_telling, TELLING_MS, 0);
    }
    control_event(service->control, event);
}

/* Writes what a port takes of its output. True if it took anything, or was lost over it. */
static bool write_output(struct service *service, enum proxy_port which)
{
    struct port *port = service->port[which];
    struct span output = proxy_output(service->proxy, which);
    size_t count;

    if (port == NULL || !port->is_open || output.length == 0)
        return false;
    count = port_write(port, output);
    if (count == 0)
        return !port->is_open;
    service_feed(service, &(struct proxy_input){.kind = PROXY_SENT,
                                                .port = which,
                                                .number = (int64_t)count,
                                                .bytes = {output.data, count}});
    return true;
}

/* A host that is written to wakes up and takes a CPU, perhaps ours, before M112 has gone out. */
static const enum proxy_port urgent_first[PROXY_PORTS] = {PROXY_PRINTER, PROXY_BOARD, PROXY_HOST,
                                                          PROXY_SHARE};

/* Deadlines move on with every line: a timer that rings too early is left to do so. */
static void set_timer(struct service *service, struct instant deadline)
{
    if (service->rings.us <= deadline.us)
        return;
    service->rings = deadline;
    clock_set_timer(&service->timer, deadline, on_timer);
}

void service_settle(struct service *service)
{
    bool more = true;

    if (service->settling || service->over)
        return;
    service->settling = true;
    if (sim_port_is(service->port[PROXY_PRINTER]) && sim_port_is(service->port[PROXY_BOARD]))
        sim_port_supply(service->port[PROXY_PRINTER], service->port[PROXY_BOARD],
                        &service->config->loaded.settings);
    for (unsigned round = 0; more && round < SETTLE_ROUNDS; round++) {
        struct order order, saving = {.kind = ORDER_OPEN};
        struct event event;

        more = false;
        while (proxy_next_order(service->proxy, &order)) {
            if (order.kind == ORDER_SAVE)
                saving = order;
            else
                carry_out(service, &order);
            more = true;
        }
        for (unsigned i = 0; i < PROXY_PORTS; i++)
            more |= write_output(service, urgent_first[i]);
        /* Another thread wakes up for it, and M112 goes first: nor shall the kernel's worker that hands
         * it over on a pty wait for this CPU. */
        if (saving.kind == ORDER_SAVE) {
            sched_yield();
            carry_out(service, &saving);
        }
        while (proxy_next_event(service->proxy, &event))
            service_show(service, &event);
        for (enum proxy_port which = 0; which < PROXY_PORTS; which++)
            if (service->port[which] != NULL)
                more |= port_watch(service->port[which], proxy_room(service->proxy, which) > 0,
                                   proxy_output(service->proxy, which).length > 0);
    }
    set_timer(service, more ? clock_now() : proxy_deadline(service->proxy));
    service->settling = false;
    if (!more)
        record_ring_settled(service->ring);
}

/* --- timer and signals ------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    struct service *service = timer->data;

    service->rings = INSTANT_NEVER;
    service_feed(service, &(struct proxy_input){.kind = PROXY_TICK});
    service_settle(service);
}

static void on_patience(uv_timer_t *timer)
{
    struct service *service = timer->data;

    log_write(LOG_WARNING, "outputs at exit: the board did not confirm them in time");
    uv_stop(&service->loop);
}

static void on_end(uv_signal_t *handle, int number)
{
    struct service *service = handle->data;
    struct request request = {.kind = REQUEST_EXIT};

    log_write(LOG_INFO, "%s: ending", number == SIGTERM ? "SIGTERM" : "SIGINT");
    if (service->ending) { /* asked twice */
        uv_stop(&service->loop);
        return;
    }
    service->ending = true;
    notify("STOPPING=1");
    programs_ask_to_end(service->programs);
    uv_timer_start(&service->patience, on_patience, EXIT_PATIENCE_MS, 0);
    service_feed(service, &(struct proxy_input){
                              .kind = PROXY_ASKED, .number = EXIT_CLIENT, .request = &request});
    service_settle(service);
}

static void on_reload(uv_signal_t *handle, int number)
{
    struct service *service = handle->data;
    char why[SERVICE_MISTAKES];

    (void)number;
    service_reload(service, why, sizeof why);
    service_settle(service);
}

/* --- start and end ---------------------------------------------------------------------------- */

static struct port *make_port(struct service *service, enum proxy_port which,
                              const struct port_settings *settings)
{
    switch (settings->kind) {
    case PORT_NONE: return NULL;
    case PORT_SERIAL: return serial_new(&service->loop, which, settings->path, &service->owner);
    case PORT_TCP: return tcp_new(&service->loop, which, settings->path, &service->owner);
    case PORT_SIMULATED: return sim_port_new(&service->loop, which, &service->owner,
                                             &service->config->loaded.settings);
    }
    return NULL;
}

/* A virtual port under its name. False and the reason told if it cannot be had. */
static bool publish(struct service *service, enum proxy_port which, const char *what,
                    const char *path)
{
    char why[512], warning[512];

    service->port[which] = pty_new(&service->loop, which, path,
                                   service->config->loaded.settings.host_group, &service->owner);
    if (!pty_publish(service->port[which], why, warning, sizeof why)) {
        log_write(LOG_ERROR, "%s", why);
        return false;
    }
    if (warning[0] != '\0')
        log_write(LOG_WARNING, "%s: %s", what, warning);
    return true;
}

/* What the state file says, before anything goes by it. */
static bool read_state(struct service *service, char *ret_why, size_t capacity)
{
    const char *path = service->config->loaded.settings.state_file;
    ssize_t length = state_file_read(path, service->saved);

    if (length < 0) {
        snprintf(ret_why, capacity, "%s cannot be had: %s", path, strerror((int)-length));
        return false;
    }
    service->saved_length = (size_t)length;
    return true;
}

/* Takes everything that must be ours. False and the reason told if it cannot be had. */
static bool take_places(struct service *service)
{
    const struct settings *settings = &service->config->loaded.settings;
    char why[512], warning[512];

    if (!control_listen(service, settings->control_socket, settings->control_group, why, warning,
                        sizeof why) ||
        !claim_take(&service->state_claim, settings->state_file, why, sizeof why) ||
        !read_state(service, why, sizeof why)) {
        log_write(LOG_ERROR, "%s", why);
        return false;
    }
    if (warning[0] != '\0')
        log_write(LOG_WARNING, "control socket: %s", warning);
    if (settings->board_share[0] != '\0' &&
        !publish(service, PROXY_SHARE, "board's share", settings->board_share))
        return false;
    return publish(service, PROXY_HOST, "host port", settings->host_port);
}

static void handle_signal(struct service *service, uv_signal_t *signal, int number,
                          uv_signal_cb callback)
{
    uv_signal_init(&service->loop, signal);
    signal->data = service;
    uv_signal_start(signal, callback, number);
}

static void start_core(struct service *service)
{
    const struct settings *settings = &service->config->loaded.settings;
    struct span state = {service->saved, service->saved_length};

    service->started = clock_now();
    proxy_init(service->proxy, settings, &service->config->loaded.ruleset, state,
               service->started);
    service->ring = record_ring_new(service, &state);
    service->port[PROXY_PRINTER] = make_port(service, PROXY_PRINTER, &settings->printer);
    service->port[PROXY_BOARD] = make_port(service, PROXY_BOARD, &settings->board);
    if (sim_port_is(service->port[PROXY_BOARD]))
        sim_port_rest(service->port[PROXY_BOARD], settings);
    service->baud[PROXY_PRINTER] = settings->printer.baud;
    service->baud[PROXY_BOARD] = settings->board.baud;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void on_slow_disk(uv_timer_t *timer)
{
    log_write(LOG_WARNING, "record: the disk does not answer: the last recording has no end");
    timer->data = NULL;
}

/* The recordings are written to their end. False if the disk takes too long. */
static bool end_recordings(struct service *service)
{
    record_ring_end(service->ring);
    uv_timer_start(&service->patience, on_slow_disk, DISK_PATIENCE_MS, 0);
    while (service->ring != NULL && service->patience.data != NULL)
        uv_run(&service->loop, UV_RUN_ONCE);
    uv_timer_stop(&service->patience);
    return service->ring == NULL;
}

static void end(struct service *service)
{
    bool whole;

    programs_kill(service->programs);
    tell_trouble(service);
    service->over = true; /* while disks are waited for, outputs stay in their exit state */
    for (enum proxy_port which = 0; which < PROXY_PORTS; which++)
        if (service->port[which] != NULL)
            port_unpoll(service->port[which]); /* what nobody reads would wake us again and again */
    whole = end_recordings(service);
    whole = state_writer_end(&service->state) && whole;
    for (enum proxy_port which = 0; which < PROXY_PORTS; which++) {
        whole = whole && (service->port[which] == NULL || !service->port[which]->elsewhere);
        port_free(service->port[which]);
    }
    recorder_end(service->recorder, NULL);
    control_free(service->control);
    claim_leave(&service->state_claim);
    if (!whole)
        _exit(0); /* a thread may hang, and would hold us */
    uv_walk(&service->loop, close_handle, NULL);
    uv_run(&service->loop, UV_RUN_DEFAULT);
    uv_loop_close(&service->loop);
    programs_free(service->programs);
    munmap(service->proxy, proxy_size());
    config_free(service->config);
    free(service);
}

int service_run(struct config *config)
{
    struct service *service = calloc(1, sizeof *service);
    int status = 1;

    if (service == NULL || uv_loop_init(&service->loop) != 0)
        abort();
    log_last_words();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like any other */
    service->config = config;
    service->state_claim.fd = -1;
    service->rings = INSTANT_NEVER;
    service->trouble = INSTANT_NEVER;
    service->owner = (struct port_owner){
        .context = service,
        .opened = port_opened,
        .closed = port_closed,
        .bytes = port_bytes,
        .speed = port_speed_told,
        .room = port_room,
        .settle = settle,
    };
    /* Pages of its own: few are ever used, and none is occupied before. */
    service->proxy = mmap(NULL, proxy_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0);
    if (service->proxy == MAP_FAILED)
        abort();
    service->programs = programs_new(service);
    log_level_set(config->loaded.settings.log);
    uv_timer_init(&service->loop, &service->timer);
    service->timer.data = service;
    uv_timer_init(&service->loop, &service->telling);
    service->telling.data = service;
    state_writer_init(&service->state, &service->loop, config->loaded.settings.state_file);
    uv_timer_init(&service->loop, &service->patience);
    service->patience.data = service;
    handle_signal(service, &service->on_term, SIGTERM, on_end);
    handle_signal(service, &service->on_int, SIGINT, on_end);
    handle_signal(service, &service->on_hup, SIGHUP, on_reload);
    if (take_places(service)) {
        start_core(service);
        service_settle(service);
        log_write(LOG_INFO, "ready: OctoPrint can connect to %s",
                  config->loaded.settings.host_port);
        notify("READY=1");
        uv_run(&service->loop, UV_RUN_DEFAULT);
        status = 0;
    }
    end(service);
    return status;
}
