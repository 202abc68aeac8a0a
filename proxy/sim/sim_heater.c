#include "sim/sim_heater.h"

#include <math.h>

void sim_heater_init(struct sim_heater *heater, double hottest, double tau, uint32_t speed,
                     struct instant now)
{
    *heater = (struct sim_heater){
        .temperature = SIM_HEATER_AMBIENT,
        .hottest = hottest,
        .tau = tau,
        .speed = speed,
        .updated_us = now.us,
    };
}

void sim_heater_update(struct sim_heater *heater, struct instant now)
{
    double seconds = (double)(now.us - heater->updated_us) / 1e6 * heater->speed;
    double rest = heater->target > SIM_HEATER_AMBIENT ? heater->target : SIM_HEATER_AMBIENT;
    bool heating = heater->temperature < rest;
    double leads_to = heating ? heater->hottest : SIM_HEATER_AMBIENT;

    if (now.us <= heater->updated_us && heater->speed != 0)
        return;
    heater->updated_us = now.us;
    if (heater->speed == 0) {
        heater->temperature = rest;
        return;
    }
    double left = exp(-seconds / heater->tau);
    heater->temperature = leads_to + (heater->temperature - leads_to) * left;
    if (heating ? heater->temperature > rest : heater->temperature < rest)
        heater->temperature = rest;
}

void sim_heater_set(struct sim_heater *heater, double target, struct instant now)
{
    double most = heater->hottest - 20;

    sim_heater_update(heater, now);
    heater->target = target < 0 ? 0 : target > most ? most : target;
    sim_heater_update(heater, now);
}

struct instant sim_heater_reaches(const struct sim_heater *heater, double degrees)
{
    struct instant then = {heater->updated_us};
    double rest = heater->target > SIM_HEATER_AMBIENT ? heater->target : SIM_HEATER_AMBIENT;
    bool heating = heater->temperature < rest;

    if (fabs(heater->temperature - degrees) < 0.1)
        return then;
    if (heater->speed == 0)
        return fabs(rest - degrees) < 0.1 ? then : INSTANT_NEVER;
    if (heating != (degrees > heater->temperature))
        return INSTANT_NEVER;
    if (heating ? degrees > rest + 0.1 : degrees < rest - 0.1)
        return INSTANT_NEVER;
    double leads_to = heating ? heater->hottest : SIM_HEATER_AMBIENT;
    double to = heating ? degrees : degrees < leads_to + 0.1 ? leads_to + 0.1 : degrees;
    double seconds = heater->tau * log((heater->temperature - leads_to) / (to - leads_to));
    if (seconds < 0)
        seconds = 0;
    return instant_after_us(then, (int64_t)ceil(seconds * 1e6 / heater->speed));
}
