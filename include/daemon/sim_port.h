/*
 * A port with a simulated machine behind it, in real time: `simulated` in the config.
 *
 * Turns the machine's deadlines into timers. A pulse of DTR resets the printer, an opening the
 * board. `sioctl sim` plays the world around it.
 */
#pragma once

#include "daemon/port.h"
#include "route/settings.h"

/*
 * For PROXY_PRINTER or PROXY_BOARD. A board has the dimmed outputs and sensors that the points are;
 * settings are looked at now.
 */
struct port *sim_port_new(uv_loop_t *loop, enum proxy_port which, const struct port_owner *owner,
                          const struct settings *settings);
bool sim_port_is(const struct port *port); /* NULL is none */
/*
 * unplug, plug, reset, and for the printer power-off, power-on, runout (the filament runs out, and
 * the next time it is back). NULL, or why not, a sentence.
 */
const char *sim_port_do(struct port *port, struct span action);
/* Drives an input pin of the board. A pin that it has not is left alone. */
void sim_port_input(struct port *port, unsigned io, bool high);
/* What the simulated board's sensor measures from now on, in thousandths of a degree. */
void sim_port_sense(struct port *port, unsigned io, int32_t degree);
/*
 * Whatever input no one has moved yet is off: doors closed, buttons not pressed, filament there. A
 * pin that nobody drives would be high, and a stop with a normally closed contact pressed.
 */
void sim_port_rest(struct port *port, const struct settings *settings);
/*
 * The psu point of a simulated board feeds a simulated printer, and `sense` tells so: looks whether
 * it has changed. A printer that lives on USB power is one without a psu.
 */
void sim_port_supply(struct port *printer, struct port *board, const struct settings *settings);
