/*
 * What the files of the simulated printer share with each other; nobody else includes this.
 *
 * sim_printer.c lets time pass and bytes arrive, sim_printer_say.c answers, sim_printer_queue.c
 * reads lines, sim_printer_command.c carries them out, sim_printer_report.c describes the machine,
 * sim_printer_card.c is M20 to M30, sim_printer_pause.c waits for the user, sim_printer_klipper.c
 * is the other firmware.
 */
#pragma once

#include "sim/sim_gcode.h"
#include "sim/sim_printer.h"

enum { SIM_HOTEND = 0, SIM_BED = 1 };

/* What came of a command. */
enum sim_done {
    SIM_DONE,     /* its ok follows */
    SIM_ANSWERED, /* its ok was said */
    SIM_WAITING,  /* printer->wait says for what */
};

/* --- sim_printer_say.c --- */

/* Appends to the output; what does not fit is counted and lost. */
void sim_say(struct sim_printer *printer, const char *text);
void sim_say_span(struct sim_printer *printer, struct span text);
void sim_say_integer(struct sim_printer *printer, int64_t value);
/* 21.5 as "21.50". */
void sim_say_decimal(struct sim_printer *printer, double value, unsigned decimals);
/* Bytes on a paced wire move on. */
void sim_wire_advance(struct sim_printer *printer, struct instant now);
/* When the next whole line, or room to go on, will be there; NEVER if nothing moves. */
struct instant sim_wire_deadline(const struct sim_printer *printer);
/* Is so much unsaid that the firmware waits in its print routine? */
bool sim_wire_held(const struct sim_printer *printer);
void sim_wire_clear(struct sim_printer *printer);

/* --- sim_printer_queue.c --- */

/* Reads lines out of the receive buffer (and the card's file) while the queue has room. */
void sim_queue_fill(struct sim_printer *printer);
/* Empties the receive buffer and asks for the line after the last one accepted. */
void sim_queue_flush_and_resend(struct sim_printer *printer);
struct sim_queued *sim_queue_front(struct sim_printer *printer);
/* The front command is done: its ok, unless it was said or nobody waits for it. */
void sim_queue_finish(struct sim_printer *printer, bool answered);
void sim_queue_clear(struct sim_printer *printer);
/* Puts a command nobody sent before all others. False if the queue is full. */
bool sim_queue_inject(struct sim_printer *printer, const char *text);
bool sim_queue_writes_to_card(const struct sim_printer *printer);

/* --- sim_printer_command.c --- */

/* Begins the front command. */
enum sim_done sim_command_begin(struct sim_printer *printer);
/* What it waited for has come. */
enum sim_done sim_command_resume(struct sim_printer *printer);
/* Is the wait over? */
bool sim_command_waited(struct sim_printer *printer);
struct instant sim_command_deadline(const struct sim_printer *printer);
enum sim_done sim_wait_for(struct sim_printer *printer, enum sim_wait wait, enum sim_after after);
/* A time of the machine's own, shortened by `speed`. */
enum sim_done sim_wait_ms(struct sim_printer *printer, int64_t ms, enum sim_after after);
/* Until heater `index` is near its target for a while. */
enum sim_done sim_wait_heat(struct sim_printer *printer, uint32_t index, bool cooling,
                            enum sim_after after);
void sim_command_record(struct sim_printer *printer, struct span text);
/* G0, G1 and what is like them: planned, or waits for room. */
enum sim_done sim_command_move(struct sim_printer *printer, const struct sim_gcode *gcode);
/* What an emergency code does when it is seen, whoever saw it. */
void sim_command_emergency(struct sim_printer *printer, enum sim_emergency_code code);
/* The user, or M108 (-1), or M876 with a button, ends a wait. */
void sim_command_answer(struct sim_printer *printer, int button);
/* M112. */
void sim_command_kill(struct sim_printer *printer);

/* --- sim_printer_report.c --- */

void sim_report_boot(struct sim_printer *printer);
/* `T:205.00 /0.00 B:60.00 /0.00 @:0 B@:0`, no line end. */
void sim_report_temperatures(struct sim_printer *printer);
void sim_report_position(struct sim_printer *printer);
void sim_report_firmware(struct sim_printer *printer);
void sim_report_endstops(struct sim_printer *printer);

/* --- sim_printer_card.c --- */

/* M20 to M30, M32, M524, M928. */
enum sim_done sim_card_command(struct sim_printer *printer, const struct sim_gcode *gcode);
/* While a file is written: takes the front command, M29 included. */
void sim_card_write(struct sim_printer *printer);
void sim_card_status(struct sim_printer *printer);
/* The next line of the file being printed, to the queue. False if there is none. */
bool sim_card_next(struct sim_printer *printer);

/* --- sim_printer_pause.c --- */

/* M600 begins. */
enum sim_done sim_pause_begin(struct sim_printer *printer);
/* The stage's wait is over. */
enum sim_done sim_pause_next(struct sim_printer *printer);
/* M0 and M1. */
enum sim_done sim_pause_ask(struct sim_printer *printer);
enum sim_done sim_pause_asked(struct sim_printer *printer);

/* --- sim_printer_klipper.c --- */

enum sim_done sim_klipper_begin(struct sim_printer *printer);
/* FIRMWARE_RESTART is over. */
enum sim_done sim_klipper_restarted(struct sim_printer *printer);
