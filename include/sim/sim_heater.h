/*
 * One heater with its sensor: warms up and cools down as a body of first order does.
 *
 * Knows nothing of G-code, of waiting or of reports. Full power until the target is reached, none
 * above it; the temperature is worked out when somebody asks, so that nothing has to tick.
 */
#pragma once

#include "base/instant.h"

struct sim_heater {
    double temperature; /* as of updated_us, degrees C */
    double target;
    double hottest; /* where full power would lead */
    double tau;     /* seconds */
    uint32_t speed; /* times real time; 0: at the target at once */
    int64_t updated_us;
};

#define SIM_HEATER_AMBIENT 21.0

void sim_heater_init(struct sim_heater *heater, double hottest, double tau, uint32_t speed,
                     struct instant now);
/* Works the temperature out for `now`. */
void sim_heater_update(struct sim_heater *heater, struct instant now);
/* Sets the target, at most 20 degrees below what full power can do. */
void sim_heater_set(struct sim_heater *heater, double target, struct instant now);
/* When it will be at `degrees` (within a tenth) if nothing changes; NEVER if it will not. */
struct instant sim_heater_reaches(const struct sim_heater *heater, double degrees);
