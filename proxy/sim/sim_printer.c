#include "sim/sim_printer.h"

#include <assert.h>
#include <string.h>

#include "sim/sim_printer_parts.h"

enum { BUSY_S = 2, WAIT_AFTER_MS = 1000 };
/* However late a call is, no more than so many things happen in it one by one. */
enum { CATCH_UP_STEPS = 100000 };

struct sim_printer_manner sim_printer_manner_marlin(void)
{
    return (struct sim_printer_manner){
        .emergency_parser = true,
        .busy = true,
        .prompts = true,
        .resend_ok = SIM_RESEND_OK_ALWAYS,
        .receive_buffer = 128,
        .baud = 115200,
        .boot_ms = 1000,
        .speed = 1,
    };
}

struct sim_printer_manner sim_printer_manner_klipper(void)
{
    return (struct sim_printer_manner){
        .klipper = true,
        .flow_control = true,
        .receive_buffer = SIM_RECEIVE_CAPACITY,
        .boot_ms = 1000,
        .speed = 1,
    };
}

/* What a reset forgets: all but the heat, the card and the counters. */
static void forget(struct sim_printer *printer)
{
    printer->emergency = (struct sim_emergency){0};
    sim_line_init(&printer->line);
    printer->receive_count = 0;
    sim_queue_clear(printer);
    printer->busy_interval_s = BUSY_S;
    sim_motion_init(&printer->motion, printer->manner.speed);
    printer->report_s = 0;
    printer->sd_report_s = 0;
    printer->sd_selected = -1;
    printer->sd_writing = -1;
    printer->sd_printing = false;
    printer->sd_logging = false;
    printer->sd_position = 0;
    printer->runout_reporting = true;
    printer->runout_pending = false;
    printer->steady = INSTANT_NEVER;
    printer->idle_since = printer->now;
    for (int i = 0; i < 2; i++)
        sim_heater_set(&printer->heaters[i], 0, printer->now);
}

void sim_printer_init(struct sim_printer *printer, const struct sim_printer_manner *manner,
                      struct instant now)
{
    memset(printer, 0, sizeof *printer);
    printer->manner = *manner;
    if (printer->manner.receive_buffer == 0 ||
        printer->manner.receive_buffer > SIM_RECEIVE_CAPACITY)
        printer->manner.receive_buffer = SIM_RECEIVE_CAPACITY;
    printer->now = now;
    printer->state = SIM_PRINTER_UP;
    sim_heater_init(&printer->heaters[SIM_HOTEND], 420, 20, manner->speed, now);
    sim_heater_init(&printer->heaters[SIM_BED], 160, 40, manner->speed, now);
    forget(printer);
}

/* Klipper's port goes on answering when the printer is shut down. */
static bool listens(const struct sim_printer *printer)
{
    return printer->state == SIM_PRINTER_UP ||
           (printer->state == SIM_PRINTER_HALTED && printer->manner.klipper);
}

/* Does everything that can be done now. */
static void work(struct sim_printer *printer)
{
    while (listens(printer) && !sim_wire_held(printer)) {
        enum sim_done done;

        /* Before the queue is filled: a busy host would never leave room. */
        if (printer->runout_pending && printer->wait == SIM_WAIT_NONE &&
            sim_queue_inject(printer, "M600"))
            printer->runout_pending = false;
        sim_queue_fill(printer);
        if (!listens(printer))
            break;
        if (printer->wait != SIM_WAIT_NONE) {
            if (!sim_command_waited(printer))
                break;
            done = sim_command_resume(printer);
        } else {
            if (printer->queue_count == 0)
                break;
            printer->busy_due = instant_after_ms(printer->now, printer->busy_interval_s * 1000);
            done = sim_command_begin(printer);
        }
        if (done != SIM_WAITING && printer->queue_count > 0)
            sim_queue_finish(printer, done == SIM_ANSWERED);
    }
}

/* What only somebody watches is not said when the host does not read. */
static bool has_reader(const struct sim_printer *printer)
{
    return printer->output_length <= SIM_OUTPUT_HELD / 2;
}

static void report(struct sim_printer *printer)
{
    if (printer->report_s > 0 && instant_due(printer->report_due, printer->now)) {
        printer->report_due = instant_after_ms(printer->report_due, printer->report_s * 1000);
        if (has_reader(printer)) {
            sim_say(printer, " ");
            sim_report_temperatures(printer);
            sim_say(printer, "\n");
        }
    }
    if (printer->sd_report_s > 0 && instant_due(printer->sd_report_due, printer->now)) {
        printer->sd_report_due =
            instant_after_ms(printer->sd_report_due, printer->sd_report_s * 1000);
        if (has_reader(printer))
            sim_card_status(printer);
    }
    if (printer->wait == SIM_WAIT_HEAT && !printer->manner.klipper &&
        instant_due(printer->heat_line, printer->now)) {
        printer->heat_line = instant_after_ms(printer->heat_line, 1000);
        if (has_reader(printer)) {
            sim_say(printer, " ");
            sim_report_temperatures(printer);
            sim_say(printer, " W:");
            if (instant_is_never(printer->steady))
                sim_say(printer, "?");
            else
                sim_say_integer(printer, instant_ms_since(printer->now, printer->steady) / 1000);
            sim_say(printer, "\n");
        }
    }
}

static bool is_busy(const struct sim_printer *printer)
{
    return printer->manner.busy && !printer->manner.klipper && printer->busy_interval_s > 0 &&
           printer->wait != SIM_WAIT_NONE;
}

static void keep_alive(struct sim_printer *printer)
{
    if (is_busy(printer) && instant_due(printer->busy_due, printer->now)) {
        printer->busy_due = instant_after_ms(printer->busy_due, printer->busy_interval_s * 1000);
        if (has_reader(printer))
            sim_say(printer, printer->wait == SIM_WAIT_USER ? "echo:busy: paused for user\n"
                                                            : "echo:busy: processing\n");
    }
    if (printer->manner.wait_when_idle && printer->queue_count == 0 &&
        instant_due(instant_after_ms(printer->idle_since, WAIT_AFTER_MS), printer->now)) {
        printer->idle_since = printer->now;
        if (has_reader(printer))
            sim_say(printer, "wait\n");
    }
}

/* Lets everything happen that is due at `now`; nothing was due before. */
static void advance(struct sim_printer *printer, struct instant now)
{
    printer->now = now;
    sim_wire_advance(printer, now);
    switch (printer->state) {
    case SIM_PRINTER_OFF: return;
    case SIM_PRINTER_BOOTING:
        if (!instant_due(printer->boot, now))
            return;
        printer->state = SIM_PRINTER_UP;
        printer->idle_since = now;
        sim_report_boot(printer);
        break;
    case SIM_PRINTER_UP:
        sim_motion_expire(&printer->motion, now);
        work(printer);
        if (printer->state != SIM_PRINTER_UP)
            return;
        report(printer);
        keep_alive(printer);
        break;
    case SIM_PRINTER_HALTED: work(printer); break;
    }
}

struct instant sim_printer_deadline(const struct sim_printer *printer)
{
    struct instant deadline = sim_wire_deadline(printer);

    if (printer->state == SIM_PRINTER_BOOTING)
        return instant_earlier(deadline, printer->boot);
    if (!listens(printer))
        return deadline;
    if (printer->wait != SIM_WAIT_NONE && !sim_wire_held(printer))
        deadline = instant_earlier(deadline, sim_command_deadline(printer));
    if (printer->state != SIM_PRINTER_UP)
        return deadline;
    if (printer->report_s > 0)
        deadline = instant_earlier(deadline, printer->report_due);
    if (printer->sd_report_s > 0)
        deadline = instant_earlier(deadline, printer->sd_report_due);
    if (printer->wait == SIM_WAIT_HEAT && !printer->manner.klipper)
        deadline = instant_earlier(deadline, printer->heat_line);
    if (is_busy(printer))
        deadline = instant_earlier(deadline, printer->busy_due);
    if (printer->manner.wait_when_idle && printer->queue_count == 0)
        deadline = instant_earlier(deadline, instant_after_ms(printer->idle_since, WAIT_AFTER_MS));
    return deadline;
}

void sim_printer_expire(struct sim_printer *printer, struct instant now)
{
    struct instant deadline = sim_printer_deadline(printer);

    for (int steps = 0; instant_due(deadline, now) && steps < CATCH_UP_STEPS; steps++) {
        advance(printer, deadline.us > printer->now.us ? deadline : printer->now);
        deadline = sim_printer_deadline(printer);
    }
    if (now.us > printer->now.us) {
        printer->now = now;
        sim_wire_advance(printer, now);
        if (printer->state == SIM_PRINTER_UP)
            sim_motion_expire(&printer->motion, now);
    }
}

/* The same when something comes from outside; what is due at the very time of the last call waits. */
static void catch_up(struct sim_printer *printer, struct instant now)
{
    if (now.us != printer->now.us)
        sim_printer_expire(printer, now);
}

size_t sim_printer_room(const struct sim_printer *printer)
{
    if (!printer->manner.flow_control || !listens(printer))
        return SIM_RECEIVE_CAPACITY;
    return printer->manner.receive_buffer - printer->receive_count;
}

/*
 * Takes bytes of which the emergency parser wants to know nothing and which fit. Returns how many.
 */
static size_t receive_plain(struct sim_printer *printer, struct span bytes)
{
    uint32_t room = printer->manner.receive_buffer - printer->receive_count, at;
    size_t first;

    bytes.length = sim_emergency_ignores(&printer->emergency, bytes);
    if (bytes.length == 0 || !listens(printer))
        return 0;
    if (bytes.length > room)
        bytes.length = room;
    if (bytes.length == 0)
        return 0;
    at = (printer->receive_head + printer->receive_count) % SIM_RECEIVE_CAPACITY;
    first = SIM_RECEIVE_CAPACITY - at;
    if (first > bytes.length)
        first = bytes.length;
    memcpy(printer->receive + at, bytes.data, first);
    memcpy(printer->receive, bytes.data + first, bytes.length - first);
    printer->receive_count += (uint32_t)bytes.length;
    return bytes.length;
}

static void watch(struct sim_printer *printer, char byte)
{
    enum sim_emergency_code code = sim_emergency_take(&printer->emergency, byte);

    if (code == SIM_EMERGENCY_NONE)
        return;
    if (printer->manner.klipper) {
        if (code == SIM_EMERGENCY_M112 && printer->state == SIM_PRINTER_UP)
            sim_command_kill(printer);
    } else if (printer->manner.emergency_parser) {
        sim_command_emergency(printer, code);
    }
}

size_t sim_printer_receive(struct sim_printer *printer, struct span bytes, struct instant now)
{
    bool overflows = false;
    size_t i = 0, plain;

    catch_up(printer, now);
    for (; i < bytes.length; i++) {
        if (printer->state == SIM_PRINTER_OFF || printer->state == SIM_PRINTER_BOOTING) {
            printer->counters.lost_bytes += bytes.length - i;
            return bytes.length;
        }
        if (printer->receive_count == printer->manner.receive_buffer) {
            work(printer);
            if (printer->receive_count == printer->manner.receive_buffer &&
                printer->manner.flow_control && listens(printer))
                break;
        }
        plain = receive_plain(printer, span_skip(bytes, i));
        if (plain > 0) {
            i += plain - 1;
            continue;
        }
        watch(printer, bytes.data[i]);
        if (!listens(printer)) {
            printer->counters.lost_bytes++;
        } else if (printer->receive_count < printer->manner.receive_buffer) {
            uint32_t at = (printer->receive_head + printer->receive_count) % SIM_RECEIVE_CAPACITY;
            printer->receive[at] = bytes.data[i];
            printer->receive_count++;
        } else {
            printer->counters.lost_bytes++;
            printer->counters.overruns += !overflows;
            overflows = true;
        }
    }
    printer->idle_since = printer->now;
    work(printer);
    return i;
}

void sim_printer_taken(struct sim_printer *printer, size_t count, struct instant now)
{
    assert(count <= printer->output_ready);
    printer->output_head += (uint32_t)count;
    printer->output_length -= (uint32_t)count;
    printer->output_ready -= (uint32_t)count;
    if (printer->output_length == 0)
        printer->output_head = 0;
    catch_up(printer, now);
    work(printer);
}

static void boot(struct sim_printer *printer)
{
    forget(printer);
    printer->state = SIM_PRINTER_BOOTING;
    printer->boot = instant_after_ms(printer->now, printer->manner.boot_ms);
    printer->counters.resets++;
}

void sim_printer_reset(struct sim_printer *printer, struct instant now)
{
    sim_printer_expire(printer, now);
    if (printer->state == SIM_PRINTER_OFF)
        return;
    sim_wire_clear(printer);
    boot(printer);
}

void sim_printer_power(struct sim_printer *printer, bool on, struct instant now)
{
    sim_printer_expire(printer, now);
    if (on == (printer->state != SIM_PRINTER_OFF))
        return;
    if (on) {
        boot(printer);
        return;
    }
    forget(printer);
    sim_wire_clear(printer);
    printer->state = SIM_PRINTER_OFF;
}

void sim_printer_press(struct sim_printer *printer, int button, struct instant now)
{
    sim_printer_expire(printer, now);
    sim_command_answer(printer, button);
    work(printer);
}

void sim_printer_runout(struct sim_printer *printer, bool missing, struct instant now)
{
    sim_printer_expire(printer, now);
    if (missing && !printer->runout && printer->runout_reporting && !printer->manner.klipper &&
        printer->state == SIM_PRINTER_UP && printer->pause == SIM_PAUSE_NONE) {
        sim_say(printer, "//action:paused filament_runout 0\n");
        printer->runout_pending = true;
    }
    printer->runout = missing;
    work(printer);
}

bool sim_printer_executed(struct sim_printer *printer, struct span *ret_command)
{
    if (printer->executed_count == 0)
        return false;
    const struct sim_executed *oldest = &printer->executed[printer->executed_head];
    *ret_command = (struct span){oldest->text, oldest->length};
    printer->executed_head = (printer->executed_head + 1) % SIM_EXECUTED_KEPT;
    printer->executed_count--;
    return true;
}
