#include "sim/world.h"

#include <assert.h>
#include <string.h>

#include "sim/world_faults.h"
#include "sim/world_journal.h"
#include "sim/world_wire.h"

/* More steps than that without time passing: something asks to be called for ever. */
#define IDLE_STEPS_MAX 100000

/* --- the core --- */

static void break_promise(struct world *world, const char *promise)
{
    if (world->broken != NULL)
        return;
    world->broken = promise;
    world_note(world, WORLD_NOTE, PROXY_HOST, span_of(promise));
}

static void input(struct world *world, const struct proxy_input *what)
{
    const char *promise;

    if (world->broken != NULL)
        return;
    proxy_input(world->proxy, what, world->now);
    if (world->options.quick)
        return;
    promise = proxy_check(world->proxy);
    if (promise != NULL)
        break_promise(world, promise);
}

static void opened(struct world *world, enum proxy_port port, int64_t baud)
{
    world_note(world, WORLD_NOTE, port, SPAN("opened"));
    input(world, &(struct proxy_input){.kind = PROXY_OPENED, .port = port, .number = baud});
}

static void closed(struct world *world, enum proxy_port port, int64_t why, struct span reason)
{
    struct world_port *end = &world->port[port];

    end->open = false;
    world_wire_clear(&end->to);
    world_wire_clear(&end->from);
    end->to_length = end->from_length = 0;
    world_note(world, WORLD_NOTE, port, reason);
    input(world, &(struct proxy_input){
                     .kind = PROXY_CLOSED, .port = port, .number = why, .bytes = reason});
}

static void try_to_open(struct world *world, enum proxy_port port, int64_t baud)
{
    struct world_port *end = &world->port[port];

    if (!end->plugged ||
        (port == PROXY_BOARD && !end->played && !sim_board_open(&world->board, world->now))) {
        closed(world, port, -2, SPAN("there is no such port"));
        return;
    }
    end->open = true;
    opened(world, port, baud);
}

static void close_port(struct world *world, enum proxy_port port)
{
    struct world_port *end = &world->port[port];

    end->open = false;
    world_wire_clear(&end->to);
    world_wire_clear(&end->from);
    if (port == PROXY_BOARD && !end->played)
        sim_board_close(&world->board, world->now);
}

static void end_program(struct world *world, int64_t number, struct span why)
{
    world->program[number] = false;
    input(world, &(struct proxy_input){.kind = PROXY_ENDED, .number = number, .bytes = why});
}

static void start_program(struct world *world, int64_t number)
{
    struct proxy_program program;

    if (!proxy_program(world->proxy, number, &program) || world->program[number]) {
        break_promise(world, "world: a program is ordered that runs already, or is none");
        return;
    }
    world->program[number] = true;
    if (world->options.program != NULL)
        world->options.program(world->options.watcher, &program);
    if (!world->options.programs_last)
        end_program(world, number, SPAN_NONE);
}

static void carry_out(struct world *world, const struct order *order)
{
    static const char *const words[] = {"open", "close", "speed", "dtr",
                                        "discard", "answer", "save", "run", "end"};
    char bytes[WORLD_TEXT];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, words[order->kind]);
    if (order->kind == ORDER_SPEED || order->kind == ORDER_ANSWER || order->kind == ORDER_RUN ||
        order->kind == ORDER_END) {
        text_add_char(&text, ' ');
        text_add_integer(&text, order->number);
    }
    if (order->kind == ORDER_ANSWER)
        text_add_string(&text, order->ok ? " ok" : " no");
    if (order->kind == ORDER_END)
        text_add_string(&text, order->ok ? " at once" : " please");
    if (order->text[0] != '\0') {
        text_add_char(&text, ' ');
        text_add(&text, span_trim(span_of(order->text)));
    }
    world_note(world, WORLD_ORDER, order->port, text_span(&text));
    switch (order->kind) {
    case ORDER_OPEN: try_to_open(world, order->port, order->number); break;
    case ORDER_CLOSE: close_port(world, order->port); break;
    case ORDER_SPEED: world->speeds++; break;
    case ORDER_DTR:
        world->pulses++;
        if (!world->port[PROXY_PRINTER].played && world->port[PROXY_PRINTER].open)
            sim_printer_reset(&world->printer, world->now);
        break;
    case ORDER_DISCARD:
        world->discards++;
        world_wire_clear(&world->port[order->port].to);
        break;
    case ORDER_ANSWER:
        world->answers++;
        world->answer = *order;
        break;
    case ORDER_SAVE: memcpy(world->saved, order->text, ORDER_TEXT); break;
    case ORDER_RUN: start_program(world, order->number); break;
    case ORDER_END:
        if (!world->program[order->number])
            break_promise(world, "world: a program that does not run is to end");
        break;
    }
}

static bool orders(struct world *world)
{
    struct order order;
    bool moved = false;

    while (world->broken == NULL && proxy_next_order(world->proxy, &order)) {
        carry_out(world, &order);
        moved = true;
    }
    return moved;
}

static void events(struct world *world)
{
    struct event event;

    while (proxy_next_event(world->proxy, &event)) {
        char bytes[WORLD_TEXT];
        struct text text = TEXT_IN(bytes);

        if (world->options.event != NULL)
            world->options.event(world->options.watcher, &event);
        if (world->options.quick)
            continue;
        text_add_string(&text, event_word(event.kind));
        for (const char *const *part = (const char *const[]){event.name, event.state, event.cause,
                                                              NULL};
             *part != NULL; part++) {
            if ((*part)[0] == '\0')
                continue;
            text_add_char(&text, ' ');
            text_add_string(&text, *part);
        }
        world_note(world, WORLD_EVENT, PROXY_HOST, text_span(&text));
    }
}

/* What the core has to write sets out. */
static bool outputs(struct world *world)
{
    bool moved = false;

    for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++) {
        struct world_port *end = &world->port[port];
        struct span bytes = proxy_output(world->proxy, port);

        if (!end->open || bytes.length == 0 || world->broken != NULL)
            continue;
        if (bytes.length > world_wire_room(&end->to))
            bytes.length = world_wire_room(&end->to);
        if (bytes.length == 0)
            continue;
        bytes.length = world_wire_carry(&end->to, bytes, world->now);
        if (end->to.fault.faults > 0)
            world_faults_passed(world, port, &end->to);
        end->to_bytes += bytes.length;
        world_note_bytes(world, WORLD_TO, port, bytes);
        input(world, &(struct proxy_input){
                         .kind = PROXY_SENT, .port = port, .number = (int64_t)bytes.length});
        moved = true;
    }
    return moved;
}

/* All that the core wants done is done. */
static bool pump(struct world *world)
{
    bool moved = orders(world);

    events(world);
    return outputs(world) || moved;
}

/* What has arrived at the core's end goes in, as much as the core lets in. */
static bool hear(struct world *world, enum proxy_port port)
{
    struct world_port *end = &world->port[port];
    struct span bytes;
    size_t room;

    if (!end->open || end->from.count == 0 || world->broken != NULL)
        return false;
    bytes = world_wire_arrived(&end->from, world->now);
    room = proxy_room(world->proxy, port);
    if (bytes.length > room)
        bytes.length = room;
    if (bytes.length == 0)
        return false;
    end->from_bytes += bytes.length;
    world_note_bytes(world, WORLD_FROM, port, bytes);
    input(world, &(struct proxy_input){.kind = PROXY_BYTES, .port = port, .bytes = bytes});
    world_wire_take(&end->from, bytes.length);
    return true;
}

/* --- the peers --- */

static void executed(struct world *world)
{
    struct sim_printer *printer = &world->printer;
    struct span command;

    if (world->options.quick)
        return;
    while (printer->executed_count > 0) {
        bool numbered = printer->executed[printer->executed_head].numbered;

        sim_printer_executed(printer, &command);
        world_note_executed(world, command, numbered);
    }
}

/* As much as fits goes from a peer's output into its wire; returns how much. */
static size_t set_out(struct world *world, enum proxy_port port, struct span bytes)
{
    struct world_port *end = &world->port[port];

    if (bytes.length == 0 || !end->open)
        return bytes.length; /* nobody listens */
    if (bytes.length > world_wire_room(&end->from))
        bytes.length = world_wire_room(&end->from);
    bytes.length = world_wire_carry(&end->from, bytes, world->now);
    if (end->from.fault.faults > 0)
        world_faults_passed(world, port, &end->from);
    return bytes.length;
}

/* Does something wait for room on the wire to this port? */
static bool waits(const struct world *world, enum proxy_port port)
{
    return world->port[port].to.count > 0 || proxy_output(world->proxy, port).length > 0;
}

/* True if anybody may now go on: who only took what came has not moved. */
static bool printer_moves(struct world *world)
{
    struct world_port *end = &world->port[PROXY_PRINTER];
    struct span says = sim_printer_output(&world->printer), bytes;
    bool moved = false;
    size_t taken;

    if (end->played || (end->to.count == 0 && says.length == 0))
        return false;
    bytes = world_wire_arrived(&end->to, world->now);
    if (bytes.length > 0) {
        if (bytes.length > sim_printer_room(&world->printer))
            bytes.length = sim_printer_room(&world->printer);
        taken = sim_printer_receive(&world->printer, bytes, world->now);
        world_wire_take(&end->to, taken);
        moved = taken > 0 && waits(world, PROXY_PRINTER);
        executed(world);
    }
    taken = set_out(world, PROXY_PRINTER, sim_printer_output(&world->printer));
    if (taken > 0) {
        sim_printer_taken(&world->printer, taken, world->now);
        moved = true;
        executed(world);
    }
    return moved;
}

static bool board_moves(struct world *world)
{
    struct world_port *end = &world->port[PROXY_BOARD];
    struct span says = sim_board_outgoing(&world->board), bytes;
    bool moved = false;
    size_t taken;

    if (end->played || (end->to.count == 0 && says.length == 0))
        return false;
    bytes = world_wire_arrived(&end->to, world->now);
    if (bytes.length > 0 && end->open) {
        if (bytes.length > sim_board_room(&world->board))
            bytes.length = sim_board_room(&world->board);
        taken = sim_board_write(&world->board, bytes, world->now);
        world_wire_take(&end->to, taken);
        moved = taken > 0;
    }
    taken = set_out(world, PROXY_BOARD, sim_board_outgoing(&world->board));
    if (taken > 0) {
        sim_board_sent(&world->board, taken);
        moved = true;
    }
    return moved;
}

static bool host_moves(struct world *world)
{
    struct world_port *end = &world->port[PROXY_HOST];
    struct span says = sim_host_output(&world->host), bytes;
    bool moved = false;
    size_t taken;

    if (end->played || !end->open || (end->to.count == 0 && says.length == 0))
        return false;
    bytes = world_wire_arrived(&end->to, world->now);
    if (bytes.length > 0) {
        sim_host_receive(&world->host, bytes, world->now);
        world_wire_take(&end->to, bytes.length);
        moved = true;
    }
    taken = set_out(world, PROXY_HOST, sim_host_output(&world->host));
    if (taken > 0) {
        sim_host_taken(&world->host, taken, world->now);
        moved = true;
    }
    return moved;
}

/* --- time --- */

void world_host_says(struct world *world)
{
    size_t taken = set_out(world, PROXY_HOST, sim_host_output(&world->host));

    sim_host_taken(&world->host, taken, world->now);
}

void world_settle(struct world *world)
{
    bool moved = true, heard;

    world->stop = false;
    /* In the order in which an ok goes up and the next line comes down. */
    while (moved && world->broken == NULL && !world->stop) {
        moved = printer_moves(world);
        moved |= board_moves(world);
        moved |= world_power_moves(world);
        moved |= hear(world, PROXY_PRINTER);
        moved |= hear(world, PROXY_BOARD);
        moved |= pump(world);
        moved |= host_moves(world);
        heard = hear(world, PROXY_HOST);
        heard |= hear(world, PROXY_SHARE);
        if (heard && !world->stop)
            pump(world);
        moved |= heard;
        moved |= world_faults_happen(world);
    }
}

struct instant world_deadline(const struct world *world)
{
    struct instant due = proxy_deadline(world->proxy);

    if (!world->port[PROXY_PRINTER].played)
        due = instant_earlier(due, sim_printer_deadline(&world->printer));
    if (!world->port[PROXY_BOARD].played)
        due = instant_earlier(due, sim_board_deadline(&world->board));
    if (!world->port[PROXY_HOST].played)
        due = instant_earlier(due, sim_host_deadline(&world->host));
    for (unsigned port = 0; port < PROXY_PORTS; port++) {
        due = instant_earlier(due, world_wire_deadline(&world->port[port].to, world->now));
        due = instant_earlier(due, world_wire_deadline(&world->port[port].from, world->now));
    }
    return instant_earlier(due, world_faults_deadline(world));
}

bool world_step(struct world *world)
{
    struct instant due = world_deadline(world);

    if (instant_is_never(due) || world->broken != NULL)
        return false;
    if (due.us > world->now.us) {
        world->now = due;
        world->idle_steps = 0;
    } else if (++world->idle_steps > IDLE_STEPS_MAX) {
        break_promise(world, "world: time stands still");
        return false;
    }
    if (!world->port[PROXY_PRINTER].played) {
        sim_printer_expire(&world->printer, world->now);
        executed(world);
    }
    if (!world->port[PROXY_BOARD].played)
        sim_board_expire(&world->board, world->now);
    if (!world->port[PROXY_HOST].played)
        sim_host_expire(&world->host, world->now);
    if (instant_due(proxy_deadline(world->proxy), world->now))
        input(world, &(struct proxy_input){.kind = PROXY_TICK});
    world_settle(world);
    return world->broken == NULL;
}

bool world_run_until(struct world *world, struct instant until)
{
    world_settle(world);
    while (world->broken == NULL && instant_due(world_deadline(world), until))
        world_step(world);
    if (world->broken == NULL && until.us > world->now.us) {
        world->now = until;
        world->idle_steps = 0;
    }
    return world->broken == NULL;
}

bool world_run_ms(struct world *world, int64_t ms)
{
    return world_run_until(world, instant_after_ms(world->now, ms));
}

/* --- from outside --- */

void world_init(struct world *world, struct proxy *proxy, const struct world_options *options,
                struct instant now)
{
    memset(world, 0, sizeof *world);
    world->proxy = proxy;
    world->options = *options;
    world->now = now;
    world->port[PROXY_HOST].played = options->host_played;
    world->port[PROXY_PRINTER].played = options->printer_played;
    world->port[PROXY_BOARD].played = options->board_played;
    world->port[PROXY_SHARE].played = true;
    world->port[PROXY_PRINTER].plugged = true;
    world->port[PROXY_BOARD].plugged = true;
    world->port[PROXY_SHARE].plugged = true;
    if (options->printer_baud > 0)
        world->port[PROXY_PRINTER].to.byte_ns = 10000000000 / options->printer_baud;
    for (unsigned port = 0; port < PROXY_PORTS; port++) {
        wire_fault_init(&world->port[port].to.fault, world_wire_to((enum proxy_port)port));
        wire_fault_init(&world->port[port].from.fault, world_wire_from((enum proxy_port)port));
    }
    sim_printer_init(&world->printer, &options->printer, now);
    sim_board_init(&world->board, options->board, now);
    sim_host_init(&world->host, &options->host);
    world_power_moves(world);
    proxy_init(proxy, options->settings, options->rules, options->saved, now);
    world_settle(world);
}

void world_host_leaves(struct world *world)
{
    struct world_port *end = &world->port[PROXY_HOST];

    if (!end->open)
        return;
    hear(world, PROXY_HOST); /* what was written just before is read */
    if (!end->played)
        sim_host_closed(&world->host);
    closed(world, PROXY_HOST, 0, SPAN("closed"));
}

void world_host_comes(struct world *world, uint32_t baud)
{
    struct world_port *end = &world->port[PROXY_HOST];

    world_host_leaves(world);
    end->open = true;
    opened(world, PROXY_HOST, baud);
    if (!end->played)
        sim_host_opened(&world->host, world->now);
}

void world_host_opens(struct world *world, uint32_t baud)
{
    world_host_leaves(world);
    world_settle(world);
    world_host_comes(world, baud);
    world_settle(world);
}

void world_host_closes(struct world *world)
{
    if (!world->port[PROXY_HOST].open)
        return;
    world_host_leaves(world);
    world_settle(world);
}

void world_guest_opens(struct world *world)
{
    world->port[PROXY_SHARE].open = true;
    opened(world, PROXY_SHARE, 0);
    world_settle(world);
}

void world_guest_closes(struct world *world)
{
    hear(world, PROXY_SHARE);
    closed(world, PROXY_SHARE, 0, SPAN("closed"));
    world_settle(world);
}

void world_pull(struct world *world, enum proxy_port port)
{
    struct world_port *end = &world->port[port];
    bool was_open = end->open;

    end->plugged = false;
    if (port == PROXY_BOARD && !end->played)
        sim_board_close(&world->board, world->now);
    if (was_open)
        closed(world, port, 0, SPAN("the port is gone"));
}

void world_unplug(struct world *world, enum proxy_port port)
{
    world_pull(world, port);
    world_settle(world);
}

void world_plug(struct world *world, enum proxy_port port)
{
    world->port[port].plugged = true;
    world_note(world, WORLD_NOTE, port, SPAN("plugged in"));
}

void world_program_ends(struct world *world, unsigned number, struct span why)
{
    assert(number < PROXY_PROGRAMS && world->program[number]);
    end_program(world, number, why);
    world_settle(world);
}

void world_ask(struct world *world, const struct request *request, int32_t client)
{
    input(world,
          &(struct proxy_input){.kind = PROXY_ASKED, .number = client, .request = request});
    world_settle(world);
}
