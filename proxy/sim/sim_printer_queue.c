#include <assert.h>
#include <string.h>

#include "sim/sim_printer_parts.h"

struct sim_queued *sim_queue_front(struct sim_printer *printer)
{
    assert(printer->queue_count > 0);
    return &printer->queue[printer->queue_head];
}

void sim_queue_clear(struct sim_printer *printer)
{
    printer->queue_count = 0;
    printer->wait = SIM_WAIT_NONE;
    printer->pause = SIM_PAUSE_NONE;
}

static void put(struct sim_queued *slot, struct span text, bool silent)
{
    slot->length =
        (uint32_t)(text.length < SIM_LINE_CAPACITY ? text.length : SIM_LINE_CAPACITY - 1);
    if (slot->length > 0)
        memcpy(slot->text, text.data, slot->length);
    slot->silent = silent;
}

static void push(struct sim_printer *printer, struct span text, bool silent)
{
    assert(printer->queue_count < SIM_QUEUE_CAPACITY);
    uint32_t at = (printer->queue_head + printer->queue_count) % SIM_QUEUE_CAPACITY;
    put(&printer->queue[at], text, silent);
    printer->queue_count++;
}

bool sim_queue_inject(struct sim_printer *printer, const char *text)
{
    assert(printer->wait == SIM_WAIT_NONE);
    if (printer->queue_count == SIM_QUEUE_CAPACITY)
        return false;
    printer->queue_head = (printer->queue_head + SIM_QUEUE_CAPACITY - 1) % SIM_QUEUE_CAPACITY;
    put(&printer->queue[printer->queue_head], span_of(text), true);
    printer->queue_count++;
    return true;
}

static void say_advanced_ok(struct sim_printer *printer, const struct sim_queued *command)
{
    uint32_t at = 1;

    sim_say(printer, "ok");
    if (command->length > 0 && command->text[0] == 'N') {
        while (at < command->length &&
               (text_is_digit(command->text[at]) || command->text[at] == '-'))
            at++;
        sim_say(printer, " ");
        sim_say_span(printer, (struct span){command->text, at});
    }
    sim_say(printer, " P");
    sim_say_integer(printer, sim_motion_free(&printer->motion));
    sim_say(printer, " B");
    sim_say_integer(printer, SIM_QUEUE_CAPACITY - printer->queue_count);
    sim_say(printer, "\n");
}

void sim_queue_finish(struct sim_printer *printer, bool answered)
{
    const struct sim_queued *command = sim_queue_front(printer);

    if (!answered && !command->silent) {
        if (printer->manner.advanced_ok && !printer->manner.klipper)
            say_advanced_ok(printer, command);
        else
            sim_say_span(printer, SPAN("ok\n"));
    }
    printer->queue_head = (printer->queue_head + 1) % SIM_QUEUE_CAPACITY;
    printer->queue_count--;
    printer->wait = SIM_WAIT_NONE;
    printer->idle_since = printer->now;
}

void sim_queue_flush_and_resend(struct sim_printer *printer)
{
    bool executing = printer->queue_count > 0 && !sim_queue_front(printer)->silent;

    printer->receive_count = 0;
    printer->counters.refused++;
    sim_say(printer, "Resend: ");
    sim_say_integer(printer, printer->line.last_number + 1);
    sim_say(printer, "\n");
    if (printer->manner.resend_ok == SIM_RESEND_OK_ALWAYS ||
        (printer->manner.resend_ok == SIM_RESEND_OK_EXECUTING && executing))
        sim_say(printer, "ok\n");
}

static void refuse(struct sim_printer *printer, const char *why)
{
    sim_say(printer, "Error:");
    sim_say(printer, why);
    sim_say(printer, ", Last Line: ");
    sim_say_integer(printer, printer->line.last_number);
    sim_say(printer, "\n");
    sim_queue_flush_and_resend(printer);
}

/*
 * Without the emergency parser an unnumbered M108, M112 or M410 is acted on when it is read. Then
 * it waits in the queue like any other, for its ok.
 */
static void read_critical(struct sim_printer *printer, struct span text)
{
    if (printer->manner.emergency_parser || text.length < 4)
        return;
    if (memcmp(text.data, "M108", 4) == 0)
        sim_command_emergency(printer, SIM_EMERGENCY_M108);
    else if (memcmp(text.data, "M112", 4) == 0)
        sim_command_emergency(printer, SIM_EMERGENCY_M112);
    else if (memcmp(text.data, "M410", 4) == 0)
        sim_command_emergency(printer, SIM_EMERGENCY_M410);
}

bool sim_queue_writes_to_card(const struct sim_printer *printer)
{
    return printer->sd_writing >= 0 && !printer->sd_logging;
}

static struct sim_line_rules rules_of(const struct sim_printer *printer)
{
    return (struct sim_line_rules){
        .plain = printer->manner.klipper,
        .doublets_refused = printer->manner.doublets_refused,
        .numbered_only = printer->sd_writing >= 0,
        .never = printer->manner.never,
    };
}

static void take(struct sim_printer *printer, char byte)
{
    struct sim_line_rules rules = rules_of(printer);

    switch (sim_line_take(&printer->line, byte, rules)) {
    case SIM_LINE_NONE: break;
    case SIM_LINE_BLANK:
        if (printer->manner.klipper)
            push(printer, SPAN_NONE, false);
        break;
    case SIM_LINE_COMMAND: {
        struct span text = sim_line_text(&printer->line);
        if (!printer->manner.klipper)
            read_critical(printer, text);
        if (printer->state == SIM_PRINTER_UP || printer->manner.klipper)
            push(printer, text, false);
        break;
    }
    case SIM_LINE_DOUBLET: printer->counters.doublets++; break;
    case SIM_LINE_BAD_NUMBER: refuse(printer, "Line Number is not Last Line Number+1"); break;
    case SIM_LINE_BAD_SUM: refuse(printer, "checksum mismatch"); break;
    case SIM_LINE_NO_CHECKSUM: refuse(printer, "No Checksum with line number"); break;
    }
}

static bool fill_from_card(struct sim_printer *printer)
{
    struct span line;
    uint32_t next;

    if (!printer->sd_printing || printer->sd_selected < 0)
        return false;
    if (!sim_sd_line(&printer->sd, printer->sd_selected, printer->sd_position, &line, &next)) {
        printer->sd_printing = false;
        sim_say(printer, "Done printing file\n");
        return false;
    }
    printer->sd_position = next;
    line.length = span_find(line, ';');
    if (span_trim(line).length > 0)
        push(printer, line, true);
    return true;
}

/* What is in the receive buffer, the part of it that is in one piece. */
static struct span received(const struct sim_printer *printer)
{
    uint32_t piece = SIM_RECEIVE_CAPACITY - printer->receive_head;

    return (struct span){printer->receive + printer->receive_head,
                         printer->receive_count < piece ? printer->receive_count : piece};
}

static void drop_received(struct sim_printer *printer, uint32_t count)
{
    printer->receive_head = (printer->receive_head + count) % SIM_RECEIVE_CAPACITY;
    printer->receive_count -= count;
}

void sim_queue_fill(struct sim_printer *printer)
{
    while (printer->queue_count < SIM_QUEUE_CAPACITY && printer->receive_count > 0) {
        struct span bytes = received(printer);
        size_t count = sim_line_take_plain(&printer->line, bytes, rules_of(printer));
        char byte = bytes.data[0];

        drop_received(printer, count > 0 ? (uint32_t)count : 1);
        if (count == 0)
            take(printer, byte);
    }
    while (printer->queue_count < SIM_QUEUE_CAPACITY && fill_from_card(printer))
        ;
}
