#include <string.h>

#include "sim/sim_printer_parts.h"

enum { RESTART_MS = 1670 };

static const char shutdown_text[] =
    "// Shutdown due to M112 command\n"
    "// Once the underlying issue is corrected, use the\n"
    "// \"FIRMWARE_RESTART\" command to reset the firmware, reload the\n"
    "// config, and restart the host software.\n"
    "// Printer is shutdown\n"
    "!! Shutdown due to M112 command\n";

static enum sim_done unknown(struct sim_printer *printer, struct span word)
{
    size_t end = span_find(word, ' ');

    printer->counters.unknown++;
    sim_say(printer, "// Unknown command:\"");
    sim_say_span(printer, (struct span){word.data, end});
    sim_say(printer, "\"\n");
    return SIM_DONE;
}

static void answer_temperatures(struct sim_printer *printer)
{
    sim_say(printer, "ok ");
    sim_report_temperatures(printer);
    sim_say(printer, "\n");
}

static void set_speed(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    double value;

    if (!sim_gcode_value(gcode, 'S', &value))
        return;
    if (gcode->number == 204)
        printer->motion.acceleration = value < 10 ? 10 : value > 100000 ? 100000 : value;
    else if (gcode->number == 220)
        printer->motion.feed_percent = value < 10 ? 10 : value > 999 ? 999 : value;
}

static void set_origin(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    static const char letters[SIM_AXES] = {'X', 'Y', 'Z', 'E'};
    bool given[SIM_AXES] = {false};
    double words[SIM_AXES] = {0};

    for (int axis = 0; axis < SIM_AXES; axis++)
        given[axis] = sim_gcode_value(gcode, letters[axis], &words[axis]);
    sim_motion_set_position(&printer->motion, given, words);
}

static enum sim_done g_code(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    switch (gcode->number) {
    case 0:
    case 1: return sim_command_move(printer, gcode);
    case 4: return sim_wait_for(printer, SIM_WAIT_MOVES, SIM_AFTER_DWELL);
    case 28: return sim_wait_for(printer, SIM_WAIT_MOVES, SIM_AFTER_HOME);
    case 20:
    case 21: return SIM_DONE;
    case 90:
    case 91:
        for (int axis = 0; axis < SIM_E; axis++)
            printer->motion.relative[axis] = gcode->number == 91;
        return SIM_DONE;
    case 92: set_origin(printer, gcode); return SIM_DONE;
    default: return unknown(printer, gcode->text);
    }
}

static enum sim_done m_code(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    bool bed = gcode->number == 140 || gcode->number == 190;
    double target = 0;

    switch (gcode->number) {
    case 104:
    case 109:
    case 140:
    case 190:
        sim_gcode_value(gcode, 'S', &target);
        sim_heater_set(&printer->heaters[bed ? SIM_BED : SIM_HOTEND], target, printer->now);
        if ((gcode->number == 109 || gcode->number == 190) && target > 0)
            return sim_wait_heat(printer, bed ? SIM_BED : SIM_HOTEND, false, SIM_AFTER_OK);
        return SIM_DONE;
    case 105: answer_temperatures(printer); return SIM_ANSWERED;
    case 114: sim_report_position(printer); return SIM_DONE;
    case 115:
        sim_say(printer, "ok FIRMWARE_NAME:Klipper FIRMWARE_VERSION:v0.11.0-100\n");
        return SIM_ANSWERED;
    case 118:
        sim_say(printer, "echo: ");
        sim_say_span(printer, gcode->rest);
        sim_say(printer, "\n");
        return SIM_DONE;
    case 204:
    case 220: set_speed(printer, gcode); return SIM_DONE;
    case 400: return sim_wait_for(printer, SIM_WAIT_MOVES, SIM_AFTER_OK);
    case 82:
    case 83: printer->motion.relative[SIM_E] = gcode->number == 83; return SIM_DONE;
    case 18:
    case 84:
    case 106:
    case 107:
    case 110:
    case 112:
    case 117:
    case 119:
    case 221: return SIM_DONE;
    default: return unknown(printer, gcode->text);
    }
}

/* The macros every Klipper machine has. */
static enum sim_done macro(struct sim_printer *printer, struct span text)
{
    static const struct {
        const char *name;
        const char *says;
    } macros[] = {
        {"PAUSE", "// action:paused\n"},
        {"RESUME", "// action:resumed\n"},
        {"CANCEL_PRINT", "// action:cancel\n"},
    };
    struct span word = {text.data, span_find(text, ' ')};

    if (span_equal_nocase(word, SPAN("FIRMWARE_RESTART"))) {
        sim_say(printer, "ok\n// Klipper state: Disconnect\n");
        int64_t wait_us = (int64_t)RESTART_MS * 1000;
        sim_wait_for(printer, SIM_WAIT_TIME, SIM_AFTER_RESTART);
        printer->wait_until = instant_after_us(printer->now, wait_us);
        return SIM_WAITING;
    }
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
        if (span_equal_nocase(word, span_of(macros[i].name))) {
            sim_say(printer, macros[i].says);
            return SIM_DONE;
        }
    }
    return unknown(printer, text);
}

static enum sim_done refuse(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    if (gcode->letter == 'M' && gcode->number == 105) {
        sim_say(printer, "ok T:0\n");
        return SIM_ANSWERED;
    }
    sim_say(printer, shutdown_text);
    return SIM_DONE;
}

enum sim_done sim_klipper_begin(struct sim_printer *printer)
{
    struct sim_queued *command = sim_queue_front(printer);

    /* Klipper knows no difference between m105 and M105; comments end a line. */
    command->length = (uint32_t)span_find((struct span){command->text, command->length}, ';');
    for (uint32_t i = 0; i < command->length && i < 2; i++)
        command->text[i] = text_upper(command->text[i]);
    struct sim_gcode gcode = sim_gcode_read((struct span){command->text, command->length});
    struct span text = span_trim(gcode.text);
    if (text.length == 0)
        return SIM_DONE;
    sim_command_record(printer, text);
    if (printer->state == SIM_PRINTER_HALTED && !span_starts_nocase(text, SPAN("FIRMWARE_RESTART")))
        return refuse(printer, &gcode);
    switch (gcode.letter) {
    case 'G': return g_code(printer, &gcode);
    case 'M': return m_code(printer, &gcode);
    case 'T': return gcode.number == 0 ? SIM_DONE : unknown(printer, text);
    default: return macro(printer, text);
    }
}

enum sim_done sim_klipper_restarted(struct sim_printer *printer)
{
    printer->state = SIM_PRINTER_UP;
    sim_motion_stop(&printer->motion);
    sim_say(printer, "// Klipper state: Ready\n");
    return SIM_ANSWERED;
}
