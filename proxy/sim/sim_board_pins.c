#include "sim/sim_board_pins.h"

#include <string.h>

static uint32_t bit(uint8_t io)
{
    return (uint32_t)1 << io;
}

static void set_bit(uint32_t *bits, uint8_t io, bool high)
{
    *bits = high ? *bits | bit(io) : *bits & ~bit(io);
}

bool sim_board_pins_level(const struct sim_board *board, uint8_t io)
{
    if ((board->is_output & bit(io)) == 0 && (board->driven & bit(io)) != 0)
        return (board->drive & bit(io)) != 0;
    return (board->port & bit(io)) != 0;
}

static void note_change(struct sim_board *board, uint8_t io, bool high)
{
    board->changes[board->change_count % SIM_BOARD_CHANGES] =
        (struct sim_board_change){.time = board->clock, .io = io, .high = high};
    board->change_count++;
}

/* Writes both registers of a pin and remembers what that did to an output. */
static void set_pin(struct sim_board *board, uint8_t io, bool is_output, bool port)
{
    bool before = sim_board_pins_level(board, io);
    bool was_output = (board->is_output & bit(io)) != 0;
    set_bit(&board->is_output, io, is_output);
    set_bit(&board->port, io, port);
    if ((was_output || is_output) && sim_board_pins_level(board, io) != before)
        note_change(board, io, !before);
}

static void pin_set_type(void *context, uint8_t io, enum sio_type type)
{
    struct sim_board *board = context;
    bool port = (board->port & bit(io)) != 0;
    switch (type) {
    case SIO_INPUT: set_pin(board, io, false, false); break;
    case SIO_INPUT_PULLUP: set_pin(board, io, false, true); break;
    case SIO_OUTPUT: set_pin(board, io, true, port); break;
    case SIO_SENSOR:
    case SIO_PWM: set_pin(board, io, false, false); break;
    }
}

static void pin_write(void *context, uint8_t io, bool high)
{
    struct sim_board *board = context;
    set_pin(board, io, (board->is_output & bit(io)) != 0, high);
}

static bool pin_read(void *context, uint8_t io)
{
    const struct sim_board *board = context;
    return sim_board_pins_level(board, io);
}

static void eeprom_load(void *context, uint8_t ret_stored[SIO_STORED])
{
    const struct sim_board *board = context;
    memcpy(ret_stored, board->eeprom, SIO_STORED);
}

static void eeprom_store(void *context, const uint8_t stored[SIO_STORED])
{
    struct sim_board *board = context;
    memcpy(board->eeprom, stored, SIO_STORED);
}

static const struct sio_hardware hardware = {
    .set_type = pin_set_type,
    .write = pin_write,
    .read = pin_read,
    .load = eeprom_load,
    .store = eeprom_store,
};

static bool sensor_read(void *context, uint8_t io, int16_t *ret_degree, uint16_t *ret_humidity)
{
    const struct sim_board *board = context;

    if (!board->sensor[io].there)
        return false;
    *ret_degree = board->sensor[io].degree;
    *ret_humidity = board->sensor[io].humidity;
    return true;
}

static void pwm_write(void *context, uint8_t io, uint16_t duty, uint32_t hertz)
{
    struct sim_board *board = context;
    bool was_on = board->duty[io] > 0;

    board->duty[io] = duty;
    board->hertz[io] = hertz;
    if ((duty > 0) != was_on)
        note_change(board, io, duty > 0);
}

/* The same on a board that has sensors and PWM. */
static const struct sio_hardware rich_hardware = {
    .set_type = pin_set_type,
    .write = pin_write,
    .read = pin_read,
    .load = eeprom_load,
    .store = eeprom_store,
    .sense = sensor_read,
    .pwm = pwm_write,
};

const struct sio_hardware *sim_board_pins_hardware(const struct sim_board *board)
{
    return board->options.sensors != 0 || board->options.pwms != 0 ? &rich_hardware : &hardware;
}

void sim_board_pins_store(struct sim_board *board, const struct sim_board_options *options)
{
    uint8_t sum = 0;

    for (unsigned io = 0; io < SIO_POINTS; io++) {
        uint8_t type = (options->sensors >> io & 1) != 0   ? SIO_SENSOR
                       : (options->pwms >> io & 1) != 0    ? SIO_PWM
                       : (options->outputs >> io & 1) != 0 ? SIO_OUTPUT
                                                           : SIO_INPUT_PULLUP;

        board->eeprom[io + 1] = type;
        sum = (uint8_t)(sum + type);
    }
    board->eeprom[0] = sum;
}

void sim_board_pins_reset(struct sim_board *board)
{
    for (uint8_t io = 0; io < SIO_POINTS; io++)
        set_pin(board, io, false, false);
    for (uint8_t io = 0; io < SIO_POINTS; io++)
        pwm_write(board, io, 0, 0);
}

void sim_board_pins_drive(struct sim_board *board, uint8_t io, bool high)
{
    bool before = sim_board_pins_level(board, io);

    set_bit(&board->driven, io, true);
    set_bit(&board->drive, io, high);
    if (sim_board_pins_level(board, io) != before)
        note_change(board, io, !before);
}
