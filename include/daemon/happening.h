/*
 * What a test or a file of events lets happen in the world: inputs move, the printer and the board
 * come and go, heaters have a temperature, the printer says a line.
 *
 * Knows nothing of when it happens, nor of the host: a rule's test plays it, `simulate` has a
 * simulated one.
 */
#pragma once

#include "load/tests_file.h"
#include "sim/world.h"

#define HAPPENING_HEATERS   12
#define HAPPENING_REPORT_MS 5000 /* between two reports of temperatures that were set */

struct happening {
    struct world *world;
    const struct settings *settings;
    struct {
        char heater;
        uint8_t index;
        int32_t value;
    } set[HAPPENING_HEATERS]; /* temperatures that were set */
    unsigned sets;
};

/* World and settings are lent; the world needs no init yet. */
void happening_init(struct happening *happening, struct world *world,
                    const struct settings *settings);
/* A simulated board that has what the points need: outputs, PWM, sensors. */
struct sim_board_options happening_board_of(const struct settings *settings);
/* The psu point switches the simulated printer's power, and `sense` tells so. */
void happening_supply(const struct settings *settings, struct world_options *options);
/* A printer that is to be there has power: a client switches it on. */
void happening_power_on(struct happening *happening);
/* Doors closed, buttons not pressed, filament there. */
void happening_rest(struct happening *happening);

void happening_input(struct happening *happening, const struct point_settings *point, bool on);
/* Unplugged, plugged in, reset, or halted by itself. */
void happening_printer(struct happening *happening, enum printer_fact fact);
void happening_board(struct happening *happening, enum board_fact fact);
/*
 * A heater has this temperature and keeps it, unless it is heated: heater 'T', 'B', 'C' with its
 * index, or 0 for the dht point `index`. False if there are too many. The printer or the board says
 * so with the next report.
 */
bool happening_temperature(struct happening *happening, char heater, unsigned index,
                           int32_t thousandths);
/* An autoreport with what was set: the simulated printer itself has a tool and a bed. */
void happening_report(struct happening *happening);
/* The printer says this line. False if its port is not there, or full. */
bool happening_reply(struct happening *happening, struct span line);
