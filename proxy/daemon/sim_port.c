#include "daemon/sim_port.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/clock.h"
#include "daemon/happening.h"
#include "sim/sim_board.h"
#include "sim/sim_printer.h"

struct sim_port {
    struct port port;
    uv_timer_t timer;
    bool unplugged;
    bool runout;
    bool supplied, supply;      /* the printer hangs on an output, which is or was last on */
    uint32_t driven;            /* pins of the board that someone moves, a bit each */
    struct sim_printer printer; /* one of the two is used */
    struct sim_board board;
};

static const struct port_class sim_class;

static struct sim_port *sim_of(struct port *port)
{
    return (struct sim_port *)port;
}

static bool is_board(const struct sim_port *sim)
{
    return sim->port.which == PROXY_BOARD;
}

static struct span outgoing(const struct sim_port *sim)
{
    return is_board(sim) ? sim_board_outgoing(&sim->board) : sim_printer_output(&sim->printer);
}

static void taken(struct sim_port *sim, size_t count)
{
    if (is_board(sim))
        sim_board_sent(&sim->board, count);
    else
        sim_printer_taken(&sim->printer, count, clock_now());
}

static void expire(struct sim_port *sim)
{
    if (is_board(sim))
        sim_board_expire(&sim->board, clock_now());
    else
        sim_printer_expire(&sim->printer, clock_now());
}

/* Hands over what the machine has said; what it says to a closed port is lost. */
static void sim_read(struct port *port)
{
    struct sim_port *sim = sim_of(port);
    struct span bytes;

    expire(sim);
    while ((bytes = outgoing(sim)).length > 0) {
        char chunk[512];
        size_t room = sizeof chunk;

        if (port->is_open)
            room = port->owner->room(port->owner->context, port);
        if (room == 0) {
            port->starved = true;
            return;
        }
        if (bytes.length > room)
            bytes.length = room;
        if (bytes.length > sizeof chunk)
            bytes.length = sizeof chunk;
        for (size_t i = 0; i < bytes.length; i++)
            chunk[i] = bytes.data[i];
        taken(sim, bytes.length);
        if (port->is_open)
            port->owner->bytes(port->owner->context, port, (struct span){chunk, bytes.length});
    }
}

static void on_timer(uv_timer_t *timer);

/* Comes back when the machine has something to do or to say. */
static void rearm(struct sim_port *sim)
{
    struct instant deadline =
        is_board(sim) ? sim_board_deadline(&sim->board) : sim_printer_deadline(&sim->printer);

    if (outgoing(sim).length > 0 && !sim->port.starved)
        deadline = clock_now();
    clock_set_timer(&sim->timer, deadline, on_timer);
}

static void on_timer(uv_timer_t *timer)
{
    struct sim_port *sim = timer->data;

    sim_read(&sim->port);
    rearm(sim);
    sim->port.owner->settle(sim->port.owner->context);
}

static void sim_open(struct port *port, uint32_t baud)
{
    struct sim_port *sim = sim_of(port);

    (void)baud;
    if (sim->unplugged || (is_board(sim) && !sim_board_open(&sim->board, clock_now()))) {
        port_lost(port, -ENOENT, "the simulated %s is unplugged",
                  is_board(sim) ? "board" : "printer");
        return;
    }
    port->is_open = true;
    port->owner->opened(port->owner->context, port, 0);
    rearm(sim);
}

static void sim_shut(struct port *port)
{
    struct sim_port *sim = sim_of(port);

    if (is_board(sim) && !sim->unplugged)
        sim_board_close(&sim->board, clock_now());
}

static size_t sim_write(struct port *port, struct span bytes)
{
    struct sim_port *sim = sim_of(port);
    size_t count = is_board(sim) ? sim_board_write(&sim->board, bytes, clock_now())
                                 : sim_printer_receive(&sim->printer, bytes, clock_now());

    rearm(sim);
    return count;
}

static void sim_dtr(struct port *port)
{
    struct sim_port *sim = sim_of(port);

    if (is_board(sim))
        sim_board_reset(&sim->board, clock_now());
    else
        sim_printer_reset(&sim->printer, clock_now());
    rearm(sim);
}

/* What the machine has no room for is offered again at the next thing it does. */
static void sim_watch(struct port *port, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    rearm(sim_of(port));
}

static void free_sim(uv_handle_t *timer)
{
    free(timer->data);
}

static void sim_free(struct port *port)
{
    uv_close((uv_handle_t *)&sim_of(port)->timer, free_sim);
}

static const struct port_class sim_class = {
    .open = sim_open,
    .shut = sim_shut,
    .write = sim_write,
    .dtr = sim_dtr,
    .watch = sim_watch,
    .read = sim_read,
    .free = sim_free,
};

/* What a sensor measures in a room. */
static const struct sim_board_sensor room = {true, 2100, 4500};

/* A new board, and what it would measure in a room. */
static void begin_board(struct sim_board *board, const struct settings *settings,
                        struct instant now)
{
    struct sim_board_options options = happening_board_of(settings);

    if (options.sensors == 0 && options.pwms == 0)
        options = (struct sim_board_options){0}; /* as the board comes */
    sim_board_init(board, options, now);
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        if ((options.sensors >> io & 1) != 0)
            sim_board_sense(board, io, room, now);
    }
}

struct port *sim_port_new(uv_loop_t *loop, enum proxy_port which, const struct port_owner *owner,
                          const struct settings *settings)
{
    struct sim_port *sim = calloc(1, sizeof *sim);
    struct sim_printer_manner manner = sim_printer_manner_marlin();

    if (sim == NULL)
        return NULL;
    port_init(&sim->port, &sim_class, loop, which, "simulated", owner);
    if (is_board(sim))
        begin_board(&sim->board, settings, clock_now());
    else
        sim_printer_init(&sim->printer, &manner, clock_now());
    uv_timer_init(loop, &sim->timer);
    sim->timer.data = sim;
    return &sim->port;
}

bool sim_port_is(const struct port *port)
{
    return port != NULL && port->class == &sim_class;
}

static void unplug(struct sim_port *sim)
{
    if (sim->unplugged)
        return;
    sim->unplugged = true;
    if (is_board(sim))
        sim_board_unplug(&sim->board, clock_now());
    if (sim->port.is_open)
        port_lost(&sim->port, 0, "the simulated %s was unplugged",
                  is_board(sim) ? "board" : "printer");
}

static void plug(struct sim_port *sim)
{
    if (sim->unplugged && is_board(sim))
        sim_board_plug(&sim->board, clock_now());
    sim->unplugged = false;
}

const char *sim_port_do(struct port *port, struct span action)
{
    struct sim_port *sim = sim_of(port);

    if (span_equal(action, SPAN("unplug"))) {
        unplug(sim);
    } else if (span_equal(action, SPAN("plug"))) {
        plug(sim);
    } else if (span_equal(action, SPAN("reset"))) {
        sim_dtr(port);
    } else if (is_board(sim)) {
        return "a simulated board can be told: unplug, plug, reset";
    } else if (span_equal(action, SPAN("power-off"))) {
        sim_printer_power(&sim->printer, false, clock_now());
    } else if (span_equal(action, SPAN("power-on"))) {
        sim_printer_power(&sim->printer, true, clock_now());
    } else if (span_equal(action, SPAN("runout"))) {
        sim->runout = !sim->runout;
        sim_printer_runout(&sim->printer, sim->runout, clock_now());
    } else {
        return "a simulated printer can be told: unplug, plug, reset, power-off, power-on, runout";
    }
    rearm(sim);
    return NULL;
}

void sim_port_input(struct port *port, unsigned io, bool high)
{
    struct sim_port *sim = sim_of(port);

    if (io >= SIO_POINTS)
        return;
    sim->driven |= UINT32_C(1) << io;
    sim_board_input(&sim->board, (uint8_t)io, high, clock_now());
    rearm(sim);
}

void sim_port_sense(struct port *port, unsigned io, int32_t degree)
{
    struct sim_board_sensor sensor = room;
    struct sim_port *sim = sim_of(port);

    if (io >= SIO_POINTS)
        return;
    sensor.degree = (int16_t)(degree / 10);
    sim_board_sense(&sim->board, (uint8_t)io, sensor, clock_now());
    rearm(sim);
}

void sim_port_rest(struct port *port, const struct settings *settings)
{
    for (unsigned i = 0; i < settings->points; i++) {
        const struct point_settings *point = &settings->point[i];

        if (point->type == POINT_INPUT && point->io < SIO_POINTS &&
            (sim_of(port)->driven >> point->io & 1U) == 0)
            sim_port_input(port, point->io, !point->active_high);
    }
}

void sim_port_supply(struct port *printer, struct port *board, const struct settings *settings)
{
    struct sim_port *sim = sim_of(printer);
    const struct point_settings *point = settings->point;
    uint8_t sense = settings->psu.sense;
    bool on;

    if (settings->psu.point == POINT_NONE || point[settings->psu.point].io >= SIO_POINTS)
        return;
    point += settings->psu.point;
    on = sim_board_output(&sim_of(board)->board, point->io) == point->active_high;
    if (sim->supplied && sim->supply == on)
        return;
    sim->supplied = true;
    sim->supply = on;
    sim_printer_power(&sim->printer, on, clock_now());
    rearm(sim);
    if (sense != POINT_NONE)
        sim_port_input(board, settings->point[sense].io, on == settings->point[sense].active_high);
}
