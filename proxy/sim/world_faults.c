#include "sim/world_faults.h"

#include <string.h>

#include "sim/world_journal.h"

#define BAUD       115200
#define BOOT_LINES 8

static void note(struct world *world, enum proxy_port port, enum fault_kind kind, const char *where)
{
    char bytes[WORLD_TEXT];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "fault: ");
    text_add_string(&text, fault_word(kind));
    text_add_string(&text, where);
    world_note(world, WORLD_NOTE, port, text_span(&text));
}

static void comes(struct world *world, struct world_coming coming)
{
    if (world->comings < WORLD_COMING)
        world->coming[world->comings++] = coming;
}

static bool has_end(enum fault_kind kind)
{
    return kind >= FAULT_RESET;
}

void world_faults_passed(struct world *world, enum proxy_port port, struct world_wire *wire)
{
    struct wire_fault *fault = &wire->fault;
    const struct fault *due = fault->due;
    bool to = wire == &world->port[port].to;

    for (; fault->told < fault->next; fault->told++) {
        const struct fault *planned = &fault->fault[fault->told];

        if (planned->wire == fault->wire && !has_end((enum fault_kind)planned->kind))
            note(world, port, (enum fault_kind)planned->kind, to ? " on the way to it" : " on the way from it");
    }
    if (due == NULL)
        return;
    fault->due = NULL;
    comes(world, (struct world_coming){
                     .kind = (enum fault_kind)due->kind,
                     .port = port,
                     .ms = due->count,
                     .at = due->kind == FAULT_RESET || due->kind == FAULT_RESET_UNHEARD ||
                                   due->kind == FAULT_BOARD_RESET
                               ? instant_after_us(world->now, due->count)
                               : world->now});
}

/* Back to what it was before. */
static void is_over(struct world *world, const struct world_coming *coming)
{
    switch (coming->kind) {
    case FAULT_UNPLUG: world_plug(world, coming->port); break;
    case FAULT_UNPLUG_RESET:
        sim_printer_power(&world->printer, true, world->now);
        world_plug(world, coming->port);
        break;
    case FAULT_REOPEN:
    case FAULT_HALT: world_host_comes(world, BAUD); break;
    case FAULT_PAUSE: sim_host_resume(&world->host, world->now); break;
    case FAULT_FLIP:
    case FAULT_LOSE:
    case FAULT_DOUBLE:
    case FAULT_NOISE:
    case FAULT_DELAY:
    case FAULT_STALL:
    case FAULT_GARBAGE:
    case FAULT_LOSE_LINE:
    case FAULT_DOUBLE_LINE:
    case FAULT_LOSE_OK:
    case FAULT_RESET:
    case FAULT_RESET_UNHEARD:
    case FAULT_BOARD_RESET:
    case FAULT_CANCEL:
    case FAULT_KINDS: break;
    }
}

static void befalls(struct world *world, const struct world_coming *coming)
{
    struct world_coming end = *coming;

    end.over = true;
    end.at = instant_after_ms(world->now, coming->ms);
    note(world, coming->port, coming->kind, "");
    world->befell[coming->kind]++;
    switch (coming->kind) {
    case FAULT_RESET: sim_printer_reset(&world->printer, world->now); return;
    case FAULT_RESET_UNHEARD:
        sim_printer_reset(&world->printer, world->now);
        world->port[PROXY_PRINTER].from.fault.lose_start = true;
        /* What follows tells of it, too; some lose that as well. */
        world->port[PROXY_PRINTER].from.fault.boot_lines_lost = coming->ms % 2 > 0 ? BOOT_LINES : 0;
        return;
    case FAULT_BOARD_RESET: sim_board_reset(&world->board, world->now); return;
    case FAULT_UNPLUG: world_pull(world, coming->port); break;
    case FAULT_UNPLUG_RESET:
        sim_printer_power(&world->printer, false, world->now);
        world_pull(world, coming->port);
        break;
    case FAULT_REOPEN: world_host_leaves(world); break;
    case FAULT_CANCEL: sim_host_cancel(&world->host, world->now); return;
    case FAULT_PAUSE: sim_host_pause(&world->host, world->now); break;
    case FAULT_HALT:
        sim_host_emergency(&world->host, world->now);
        world_host_says(world);
        world_host_leaves(world);
        break;
    case FAULT_FLIP:
    case FAULT_LOSE:
    case FAULT_DOUBLE:
    case FAULT_NOISE:
    case FAULT_DELAY:
    case FAULT_STALL:
    case FAULT_GARBAGE:
    case FAULT_LOSE_LINE:
    case FAULT_DOUBLE_LINE:
    case FAULT_LOSE_OK:
    case FAULT_KINDS: return;
    }
    comes(world, end);
}

bool world_faults_happen(struct world *world)
{
    bool any = false;

    for (uint32_t i = 0; i < world->comings;) {
        struct world_coming coming = world->coming[i];

        if (!instant_due(coming.at, world->now)) {
            i++;
            continue;
        }
        world->comings--;
        memmove(&world->coming[i], &world->coming[i + 1],
                (world->comings - i) * sizeof world->coming[0]);
        any = true;
        if (coming.over)
            is_over(world, &coming);
        else
            befalls(world, &coming);
    }
    return any;
}

struct instant world_faults_deadline(const struct world *world)
{
    struct instant due = INSTANT_NEVER;

    for (uint32_t i = 0; i < world->comings; i++)
        due = instant_earlier(due, world->coming[i].at);
    return due;
}

void world_plan(struct world *world, const struct fault *faults, uint32_t count, uint64_t seed)
{
    for (unsigned port = 0; port < PROXY_PORTS; port++) {
        wire_fault_plan(&world->port[port].to.fault, faults, count, seed + 2 * port);
        wire_fault_plan(&world->port[port].from.fault, faults, count, seed + 2 * port + 1);
    }
}

void world_mended(struct world *world)
{
    world_plan(world, NULL, 0, 0);
    for (uint32_t i = 0; i < world->comings; i++) {
        if (world->coming[i].over)
            is_over(world, &world->coming[i]);
    }
    world->comings = 0;
    world_settle(world);
}

bool world_power_moves(struct world *world)
{
    const struct world_options *options = &world->options;
    bool is = world->printer.state != SIM_PRINTER_OFF, on;

    if (options->power == WORLD_POWER_ALWAYS || world->port[PROXY_PRINTER].played)
        return false;
    on = sim_board_output(&world->board, options->power_io) != options->power_low;
    if (on == is && world->power_seen)
        return false;
    world->power_seen = true;
    if (options->sensed)
        sim_board_input(&world->board, options->sense_io, on != options->sense_low, world->now);
    if (on == is)
        return true;
    sim_printer_power(&world->printer, on, world->now);
    world_note(world, WORLD_NOTE, PROXY_PRINTER, on ? SPAN("power on") : SPAN("power off"));
    if (options->power == WORLD_POWER_PORT && on)
        world_plug(world, PROXY_PRINTER);
    else if (options->power == WORLD_POWER_PORT)
        world_pull(world, PROXY_PRINTER);
    return true;
}
