#include <assert.h>
#include <string.h>

#include "sim/sim_printer_parts.h"

enum {
    HOMING_MS = 5000,
    PROBING_MS = 8000,
    QUICKSTOP_MS = 1000, /* M410 answers so much later */
    STEADY_MS = 2000,    /* M109 and M190 want the temperature for so long */
    LONGEST_WAIT_S = 86400,
};

static const double near_target = 1.0; /* degrees: TEMP_WINDOW */

/* --- waiting --- */

enum sim_done sim_wait_for(struct sim_printer *printer, enum sim_wait wait, enum sim_after after)
{
    printer->wait = wait;
    printer->after = after;
    printer->wait_until = INSTANT_NEVER;
    printer->user_answered = false;
    return SIM_WAITING;
}

enum sim_done sim_wait_ms(struct sim_printer *printer, int64_t ms, enum sim_after after)
{
    int64_t us = sim_motion_scale(printer->manner.speed, ms * 1000);

    sim_wait_for(printer, SIM_WAIT_TIME, after);
    printer->wait_until = instant_after_us(printer->now, us);
    return SIM_WAITING;
}

enum sim_done sim_wait_heat(struct sim_printer *printer, uint32_t index, bool cooling,
                            enum sim_after after)
{
    sim_wait_for(printer, SIM_WAIT_HEAT, after);
    printer->wait_heater = index;
    printer->wait_cooling = cooling;
    printer->steady = INSTANT_NEVER;
    printer->heat_line = instant_after_ms(printer->now, 1000);
    return SIM_WAITING;
}

static bool heat_waited(struct sim_printer *printer)
{
    struct sim_heater *heater = &printer->heaters[printer->wait_heater];

    sim_heater_update(heater, printer->now);
    double missing = heater->target - heater->temperature;
    if (printer->user_answered || (missing < -near_target && !printer->wait_cooling))
        return true;
    if (missing > near_target || missing < -near_target) {
        printer->steady = INSTANT_NEVER;
        return false;
    }
    if (instant_is_never(printer->steady)) {
        int64_t us = sim_motion_scale(printer->manner.speed, (int64_t)STEADY_MS * 1000);
        printer->steady = instant_after_us(printer->now, us);
    }
    return instant_due(printer->steady, printer->now);
}

bool sim_command_waited(struct sim_printer *printer)
{
    switch (printer->wait) {
    case SIM_WAIT_NONE: return true;
    case SIM_WAIT_ROOM: return sim_motion_free(&printer->motion) > 0;
    case SIM_WAIT_MOVES: return printer->motion.count == 0;
    case SIM_WAIT_TIME: return instant_due(printer->wait_until, printer->now);
    case SIM_WAIT_HEAT: return heat_waited(printer);
    case SIM_WAIT_USER:
        return printer->user_answered || instant_due(printer->wait_until, printer->now);
    }
    return false;
}

struct instant sim_command_deadline(const struct sim_printer *printer)
{
    const struct sim_heater *heater = &printer->heaters[printer->wait_heater];

    switch (printer->wait) {
    case SIM_WAIT_NONE: return INSTANT_NEVER;
    case SIM_WAIT_ROOM: return sim_motion_deadline(&printer->motion);
    case SIM_WAIT_MOVES: return sim_motion_end(&printer->motion);
    case SIM_WAIT_TIME:
    case SIM_WAIT_USER: return printer->wait_until;
    case SIM_WAIT_HEAT:
        if (!instant_is_never(printer->steady))
            return printer->steady;
        return sim_heater_reaches(heater, heater->target > heater->temperature
                                              ? heater->target - near_target / 2
                                              : heater->target + near_target / 2);
    }
    return INSTANT_NEVER;
}

/* --- motion --- */

static int axis_of(char letter)
{
    return letter == 'X'   ? SIM_X
           : letter == 'Y' ? SIM_Y
           : letter == 'Z' ? SIM_Z
           : letter == 'E' ? SIM_E
                           : -1;
}

/* The axes named on the line, with their values. Returns whether there was any. */
static bool read_axes(const struct sim_gcode *gcode, struct sim_move *ret_move)
{
    struct sim_move move = {0};
    struct span rest = gcode->rest;
    char letter;
    bool has_value;
    double value;
    bool any = false;

    while (rest.length > 0 && sim_gcode_next(&rest, &letter, &has_value, &value)) {
        int axis = axis_of(letter);
        if (letter == 'F' && has_value)
            move.feed = value;
        if (axis < 0)
            continue;
        move.given[axis] = true;
        move.words[axis] = value;
        any = true;
    }
    *ret_move = move;
    return any;
}

static void plan_move(struct sim_printer *printer)
{
    const struct sim_move *move = &printer->move;

    sim_motion_move(&printer->motion, move->given, move->words, move->feed, printer->now);
}

enum sim_done sim_command_move(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    read_axes(gcode, &printer->move);
    if (sim_motion_free(&printer->motion) == 0)
        return sim_wait_for(printer, SIM_WAIT_ROOM, SIM_AFTER_MOVE);
    plan_move(printer);
    return SIM_DONE;
}

static void homed(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    struct sim_move move;

    if (!read_axes(gcode, &move))
        memset(move.given, true, sizeof move.given);
    if (gcode->letter == 'G' && gcode->number == 28)
        sim_motion_homed(&printer->motion, move.given);
    if (!printer->manner.klipper)
        sim_report_position(printer);
}

static int64_t dwell_ms(const struct sim_gcode *gcode)
{
    double ms = 0;
    double s;

    sim_gcode_value(gcode, 'P', &ms);
    if (sim_gcode_value(gcode, 'S', &s))
        ms = s * 1000;
    return ms < 0 ? 0 : ms > (double)LONGEST_WAIT_S * 1000 ? LONGEST_WAIT_S * 1000LL : (int64_t)ms;
}

static enum sim_done g_code(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    struct sim_move move;

    switch (gcode->number) {
    case 4: return sim_wait_for(printer, SIM_WAIT_MOVES, SIM_AFTER_DWELL);
    case 28:
    case 29:
    case 30: return sim_wait_for(printer, SIM_WAIT_MOVES, SIM_AFTER_HOME);
    case 20:
    case 21: printer->motion.inches = gcode->number == 20; break;
    case 90:
    case 91: sim_motion_set_relative(&printer->motion, gcode->number == 91); break;
    case 92:
        if (!read_axes(gcode, &move))
            memset(move.given, true, sizeof move.given);
        sim_motion_set_position(&printer->motion, move.given, move.words);
        break;
    }
    return SIM_DONE;
}

/* --- heat, speed, reports --- */

static enum sim_done heat(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    bool bed = gcode->number == 140 || gcode->number == 190;
    bool waits = gcode->number == 109 || gcode->number == 190;
    uint32_t index = bed ? SIM_BED : SIM_HOTEND;
    double target;
    bool cooling = false;

    if (!sim_gcode_value(gcode, 'S', &target)) {
        cooling = sim_gcode_value(gcode, 'R', &target);
        if (!cooling)
            return SIM_DONE;
    }
    sim_heater_set(&printer->heaters[index], target, printer->now);
    return waits ? sim_wait_heat(printer, index, cooling, SIM_AFTER_OK) : SIM_DONE;
}

static uint32_t seconds_of(const struct sim_gcode *gcode)
{
    double seconds = 0;

    sim_gcode_value(gcode, 'S', &seconds);
    return seconds < 1 ? 0 : seconds > 60 ? 60 : (uint32_t)seconds;
}

/* M110 N: the number of the last line, once more when it is carried out. */
static void set_line_number(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    double number;

    if (sim_gcode_value(gcode, 'N', &number) && number < 2e9 && number > -2e9)
        printer->line.last_number = (int64_t)number;
}

static enum sim_done report_intervals(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    if (gcode->number == 155) {
        printer->report_s = seconds_of(gcode);
        printer->report_due = instant_after_ms(printer->now, printer->report_s * 1000);
    } else if (sim_gcode_has(gcode, 'S')) {
        printer->busy_interval_s = seconds_of(gcode);
    } else {
        sim_say(printer, "echo:M113 S");
        sim_say_integer(printer, printer->busy_interval_s);
        sim_say(printer, "\n");
    }
    return SIM_DONE;
}

/* M118: says what it is told; A1 as an action, E1 as an echo. */
static void say_text(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    struct span text = gcode->rest;

    while (text.length >= 2 && memchr("AEP", text.data[0], 3) != NULL &&
           text_is_digit(text.data[1])) {
        if (text.data[1] == '1' && text.data[0] == 'A')
            sim_say(printer, "//");
        if (text.data[1] == '1' && text.data[0] == 'E')
            sim_say(printer, "echo:");
        text = span_trim(span_skip(text, 2));
    }
    sim_say_span(printer, text);
    sim_say(printer, "\r\n");
}

/* M220, M221, M204: what changes the speed of moves. */
static void set_speed(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    double value;

    if (gcode->number == 204) {
        if (sim_gcode_value(gcode, 'P', &value) || sim_gcode_value(gcode, 'S', &value))
            printer->motion.acceleration = value < 10 ? 10 : value > 100000 ? 100000 : value;
    } else if (gcode->number == 221) {
        if (!sim_gcode_has(gcode, 'S'))
            sim_say(printer, "echo:E0 Flow: 100%\n");
    } else if (sim_gcode_value(gcode, 'S', &value)) {
        printer->motion.feed_percent = value < 10 ? 10 : value > 999 ? 999 : value;
    } else {
        sim_say(printer, "FR:");
        sim_say_integer(printer, (int64_t)printer->motion.feed_percent);
        sim_say(printer, "%\n");
    }
}

static enum sim_done m_code(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    switch (gcode->number) {
    case 0:
    case 1: return sim_wait_for(printer, SIM_WAIT_MOVES, SIM_AFTER_ASK);
    case 82:
    case 83: printer->motion.relative[SIM_E] = gcode->number == 83; break;
    case 104:
    case 109:
    case 140:
    case 190: return heat(printer, gcode);
    case 105:
        sim_say(printer, "ok ");
        sim_report_temperatures(printer);
        sim_say(printer, "\n");
        return SIM_ANSWERED;
    case 110: set_line_number(printer, gcode); break;
    case 112: sim_command_kill(printer); break;
    case 113:
    case 155: return report_intervals(printer, gcode);
    case 114: sim_report_position(printer); break;
    case 115: sim_report_firmware(printer); break;
    case 118: say_text(printer, gcode); break;
    case 119: sim_report_endstops(printer); break;
    case 204:
    case 220:
    case 221: set_speed(printer, gcode); break;
    case 226:
    case 400: return sim_wait_for(printer, SIM_WAIT_MOVES, SIM_AFTER_OK);
    case 410:
        sim_motion_stop(&printer->motion);
        return sim_wait_ms(printer, QUICKSTOP_MS, SIM_AFTER_OK);
    case 412:
        if (sim_gcode_has(gcode, 'S'))
            printer->runout_reporting = seconds_of(gcode) > 0;
        else
            sim_say(printer, printer->runout_reporting ? "echo:Filament runout ON\n"
                                                       : "echo:Filament runout OFF\n");
        break;
    case 600: return sim_pause_begin(printer);
    case 999:
        if (!sim_gcode_has(gcode, 'S'))
            sim_queue_flush_and_resend(printer);
        break;
    }
    return SIM_DONE;
}

/* --- the codes there are --- */

/* What Marlin 2.1 knows of G and M; what has no case above is taken and changes nothing. */
static const uint16_t known_g[] = {0,  1,  2,  3,  4,  5,  10, 11, 12, 20, 21, 26, 27,
                                   28, 29, 30, 34, 38, 42, 60, 61, 80, 90, 91, 92};
static const uint16_t known_m[] = {
    0,   1,   3,   4,   5,   16,  17,  18,  20,  21,  22,  23,  24,  25,  26,  27,  28,  29,  30,
    31,  32,  33,  34,  42,  43,  48,  73,  75,  76,  77,  78,  81,  82,  83,  84,  85,  92,  100,
    104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 117, 118, 119, 120, 121, 122, 125,
    140, 145, 149, 154, 155, 190, 200, 201, 203, 204, 205, 206, 207, 208, 209, 210, 211, 217, 218,
    220, 221, 226, 250, 280, 290, 300, 301, 302, 303, 304, 305, 350, 351, 355, 400, 401, 402, 403,
    404, 405, 406, 407, 410, 412, 413, 420, 421, 422, 423, 425, 428, 486, 500, 501, 502, 503, 504,
    524, 540, 569, 575, 593, 600, 603, 605, 665, 666, 672, 701, 702, 851, 852, 860, 871, 876, 900,
    906, 907, 908, 909, 910, 911, 912, 913, 914, 915, 919, 928, 999};

static bool is_known(const uint16_t *codes, size_t count, uint32_t number)
{
    size_t low = 0;

    while (count > 0) {
        size_t half = count / 2;
        if (codes[low + half] == number)
            return true;
        if (codes[low + half] < number) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return false;
}

static bool is_card_command(uint32_t number)
{
    return (number >= 20 && number <= 30) || number == 32 || number == 524 || number == 928;
}

static enum sim_done unknown(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    printer->counters.unknown++;
    sim_say(printer, "echo:Unknown command: \"");
    sim_say_span(printer, gcode->text);
    sim_say(printer, "\"\n");
    return SIM_DONE;
}

static enum sim_done tool(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    if (gcode->number > 0) {
        sim_say(printer, "echo:T");
        sim_say_integer(printer, gcode->number);
        sim_say(printer, " Invalid extruder\n");
    }
    return SIM_DONE;
}

void sim_command_record(struct sim_printer *printer, struct span text)
{
    uint32_t at = (printer->executed_head + printer->executed_count) % SIM_EXECUTED_KEPT;

    printer->counters.lines++;
    if (printer->executed_count == SIM_EXECUTED_KEPT) {
        printer->executed_head = (printer->executed_head + 1) % SIM_EXECUTED_KEPT;
        printer->counters.executed_missed++;
    } else {
        printer->executed_count++;
    }
    struct sim_executed *executed = &printer->executed[at];
    executed->length = (uint32_t)text.length;
    executed->numbered = printer->queue_count > 0 && sim_queue_front(printer)->length > 0 &&
                         sim_queue_front(printer)->text[0] == 'N';
    if (text.length > 0)
        memcpy(executed->text, text.data, text.length);
}

static struct sim_gcode front_gcode(struct sim_printer *printer)
{
    const struct sim_queued *command = sim_queue_front(printer);

    return sim_gcode_read((struct span){command->text, command->length});
}

enum sim_done sim_command_begin(struct sim_printer *printer)
{
    if (printer->manner.klipper)
        return sim_klipper_begin(printer);
    if (sim_queue_writes_to_card(printer)) {
        sim_card_write(printer);
        return SIM_DONE;
    }
    struct sim_gcode gcode = front_gcode(printer);
    if (printer->sd_logging)
        sim_card_write(printer);
    sim_command_record(printer, gcode.text);
    switch (gcode.letter) {
    case 'G':
        if (gcode.number <= 3)
            return sim_command_move(printer, &gcode);
        if (is_known(known_g, sizeof known_g / sizeof *known_g, gcode.number))
            return g_code(printer, &gcode);
        return unknown(printer, &gcode);
    case 'M':
        if (!is_known(known_m, sizeof known_m / sizeof *known_m, gcode.number))
            return unknown(printer, &gcode);
        if (is_card_command(gcode.number))
            return sim_card_command(printer, &gcode);
        return m_code(printer, &gcode);
    case 'T': return tool(printer, &gcode);
    default: return unknown(printer, &gcode);
    }
}

enum sim_done sim_command_resume(struct sim_printer *printer)
{
    struct sim_gcode gcode;

    printer->wait = SIM_WAIT_NONE;
    if (printer->after == SIM_AFTER_MOVE) {
        plan_move(printer);
        return SIM_DONE;
    }
    gcode = front_gcode(printer);
    switch (printer->after) {
    case SIM_AFTER_OK:
    case SIM_AFTER_MOVE: return SIM_DONE;
    case SIM_AFTER_DWELL:
        return sim_wait_ms(printer, dwell_ms(&gcode) / (printer->manner.klipper ? 2 : 1),
                           SIM_AFTER_OK);
    case SIM_AFTER_HOME:
        return sim_wait_ms(printer, gcode.number == 29 ? PROBING_MS : HOMING_MS, SIM_AFTER_HOMED);
    case SIM_AFTER_HOMED: homed(printer, &gcode); return SIM_DONE;
    case SIM_AFTER_ASK: return sim_pause_ask(printer);
    case SIM_AFTER_ASKED: return sim_pause_asked(printer);
    case SIM_AFTER_PAUSE: return sim_pause_next(printer);
    case SIM_AFTER_RESTART: return sim_klipper_restarted(printer);
    }
    return SIM_DONE;
}

/* --- emergencies --- */

void sim_command_kill(struct sim_printer *printer)
{
    if (printer->state != SIM_PRINTER_UP)
        return;
    printer->counters.halts++;
    printer->state = SIM_PRINTER_HALTED;
    sim_motion_stop(&printer->motion);
    for (int i = 0; i < 2; i++)
        sim_heater_set(&printer->heaters[i], 0, printer->now);
    if (printer->manner.klipper) {
        if (printer->queue_count > 0)
            printer->wait = SIM_WAIT_NONE;
        sim_say(printer, "// Klipper state: Shutdown\n");
        return;
    }
    sim_queue_clear(printer);
    printer->receive_count = 0;
    printer->sd_printing = false;
    sim_say(printer, "echo:M112 Shutdown\n"
                     "Error:Printer halted. kill() called!\n"
                     "//action:poweroff\n");
}

void sim_command_answer(struct sim_printer *printer, int button)
{
    bool for_user = printer->wait == SIM_WAIT_USER;
    /* M108 does not answer what the purge prompt asks: that has two buttons. */
    if (for_user && button < 0 && printer->pause == SIM_PAUSE_PURGED)
        return;
    if (for_user || (printer->wait == SIM_WAIT_HEAT && button < 0)) {
        printer->user_answered = true;
        printer->user_answer = button;
    }
}

void sim_command_emergency(struct sim_printer *printer, enum sim_emergency_code code)
{
    if (printer->state == SIM_PRINTER_HALTED && code != SIM_EMERGENCY_KILL)
        return;
    switch (code) {
    case SIM_EMERGENCY_NONE: break;
    case SIM_EMERGENCY_M108: sim_command_answer(printer, -1); break;
    case SIM_EMERGENCY_M876: sim_command_answer(printer, printer->emergency.digit); break;
    case SIM_EMERGENCY_M112: sim_command_kill(printer); break;
    case SIM_EMERGENCY_M410: sim_motion_stop(&printer->motion); break;
    case SIM_EMERGENCY_KILL: sim_printer_reset(printer, printer->now); break;
    }
}
