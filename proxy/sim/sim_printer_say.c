#include <string.h>

#include "sim/sim_printer_parts.h"

void sim_say_span(struct sim_printer *printer, struct span text)
{
    if (printer->output_head + printer->output_length + text.length > SIM_OUTPUT_CAPACITY) {
        memmove(printer->output, printer->output + printer->output_head, printer->output_length);
        printer->output_head = 0;
    }
    if (printer->output_length + text.length > SIM_OUTPUT_CAPACITY) {
        printer->counters.output_lost += text.length;
        return;
    }
    if (text.length == 0)
        return;
    if (printer->output_ready == printer->output_length)
        printer->output_clock_ns = printer->now.us * 1000;
    memcpy(printer->output + printer->output_head + printer->output_length, text.data, text.length);
    printer->output_length += (uint32_t)text.length;
    if (printer->manner.baud == 0)
        printer->output_ready = printer->output_length;
}

void sim_say(struct sim_printer *printer, const char *text)
{
    sim_say_span(printer, span_of(text));
}

void sim_say_integer(struct sim_printer *printer, int64_t value)
{
    char memory[24];
    struct text text = TEXT_IN(memory);

    text_add_integer(&text, value);
    sim_say_span(printer, text_span(&text));
}

void sim_say_decimal(struct sim_printer *printer, double value, unsigned decimals)
{
    char memory[32];
    struct text text = TEXT_IN(memory);
    int64_t unit = 1;

    for (unsigned i = 0; i < decimals; i++)
        unit *= 10;
    double scaled = value * (double)unit;
    int64_t whole = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    if (whole < 0) {
        text_add_char(&text, '-');
        whole = -whole;
    }
    text_add_integer(&text, whole / unit);
    if (decimals > 0)
        text_add_char(&text, '.');
    for (unit /= 10; unit > 0; unit /= 10)
        text_add_char(&text, (char)('0' + whole / unit % 10));
    sim_say_span(printer, text_span(&text));
}

/* Nanoseconds a byte takes on the wire: start bit, eight bits, stop bit. */
static int64_t byte_ns(const struct sim_printer *printer)
{
    return 10000000000 / printer->manner.baud;
}

void sim_wire_advance(struct sim_printer *printer, struct instant now)
{
    uint32_t waiting = printer->output_length - printer->output_ready;

    if (waiting == 0 || printer->manner.baud == 0)
        return;
    int64_t bytes = (now.us * 1000 - printer->output_clock_ns) / byte_ns(printer);
    if (bytes <= 0)
        return;
    if (bytes > waiting)
        bytes = waiting;
    printer->output_ready += (uint32_t)bytes;
    printer->output_clock_ns += bytes * byte_ns(printer);
}

struct instant sim_wire_deadline(const struct sim_printer *printer)
{
    uint32_t waiting = printer->output_length - printer->output_ready;

    if (waiting == 0)
        return INSTANT_NEVER;
    const char *from = printer->output + printer->output_head + printer->output_ready;
    const char *end = memchr(from, '\n', waiting);
    uint32_t count = end == NULL ? waiting : (uint32_t)(end - from) + 1;
    bool work_waits = printer->queue_count > 0 || printer->receive_count > 0;
    if (work_waits && waiting > SIM_WIRE_HELD && waiting - SIM_WIRE_HELD < count)
        count = waiting - SIM_WIRE_HELD;
    int64_t ns = printer->output_clock_ns + count * byte_ns(printer);
    return (struct instant){(ns + 999) / 1000};
}

bool sim_wire_held(const struct sim_printer *printer)
{
    return printer->output_length - printer->output_ready > SIM_WIRE_HELD ||
           printer->output_length > SIM_OUTPUT_HELD;
}

void sim_wire_clear(struct sim_printer *printer)
{
    printer->output_length = printer->output_ready;
}

struct span sim_printer_output(const struct sim_printer *printer)
{
    return (struct span){printer->output + printer->output_head, printer->output_ready};
}
