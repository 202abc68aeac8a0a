/*
 * What the simulated board's firmware is soldered to: pins with pull-ups, an EEPROM, and on a rich
 * board sensors and PWM.
 *
 * Remembers each change of an output's level and of an input's, with the board's time. For
 * sim_board.c and nobody else.
 */
#pragma once

#include "sim/sim_board.h"

/* For sio_board's functions, whose context is the board. */
const struct sio_hardware *sim_board_pins_hardware(const struct sim_board *board);
/* The types stand in the EEPROM that `options` name, as CIO and SIO leave them behind. */
void sim_board_pins_store(struct sim_board *board, const struct sim_board_options *options);
/* A reset of the processor: all float, and none is dimmed. */
void sim_board_pins_reset(struct sim_board *board);
/* Driven by us, by somebody outside, by the pull-up, or floating, which reads low. */
bool sim_board_pins_level(const struct sim_board *board, uint8_t io);
/* Somebody outside drives it from now on. */
void sim_board_pins_drive(struct sim_board *board, uint8_t io, bool high);
