#include "daemon/happening.h"

#include <stdio.h>

#define HUMIDITY   4500 /* hundredths of a percent, of every sensor */
#define FOR_EVER_S 1e15 /* a heater that takes so long to cool stays as it is */

void happening_init(struct happening *happening, struct world *world,
                    const struct settings *settings)
{
    *happening = (struct happening){.world = world, .settings = settings};
}

struct sim_board_options happening_board_of(const struct settings *settings)
{
    struct sim_board_options options = {0};

    for (unsigned i = 0; i < settings->points; i++) {
        const struct point_settings *point = &settings->point[i];
        uint32_t bit = point->io < SIO_POINTS ? UINT32_C(1) << point->io : 0;

        if (point->type == POINT_DHT)
            options.sensors |= bit;
        else if (point->type == POINT_PWM)
            options.pwms |= bit;
        else if (point->type != POINT_INPUT)
            options.outputs |= bit;
    }
    return options;
}

void happening_supply(const struct settings *settings, struct world_options *options)
{
    const struct point_settings *point = settings->point, *sense = settings->point;

    if (settings->psu.point == POINT_NONE)
        return;
    point += settings->psu.point;
    options->power = WORLD_POWER_SWITCHED;
    options->power_io = point->io;
    options->power_low = !point->active_high;
    if (settings->psu.sense == POINT_NONE)
        return;
    sense += settings->psu.sense;
    options->sensed = true;
    options->sense_io = sense->io;
    options->sense_low = !sense->active_high;
}

void happening_power_on(struct happening *happening)
{
    if (happening->settings->psu.point != POINT_NONE)
        world_ask(happening->world, &(struct request){.kind = REQUEST_POWER, .value = 255}, 0);
}

void happening_input(struct happening *happening, const struct point_settings *point, bool on)
{
    sim_board_input(&happening->world->board, point->io, on == point->active_high,
                    happening->world->now);
    world_settle(happening->world);
}

void happening_rest(struct happening *happening)
{
    const struct settings *settings = happening->settings;

    for (unsigned i = 0; i < settings->points; i++) {
        if (settings->point[i].type == POINT_INPUT &&
            (settings->psu.point == POINT_NONE || settings->psu.sense != i))
            happening_input(happening, &settings->point[i], false);
    }
}

void happening_printer(struct happening *happening, enum printer_fact fact)
{
    struct world *world = happening->world;

    switch (fact) {
    case FACT_PRINTER_ONLINE:
        if (!world->port[PROXY_PRINTER].plugged)
            world_plug(world, PROXY_PRINTER);
        else if (world->printer.state == SIM_PRINTER_HALTED)
            sim_printer_reset(&world->printer, world->now);
        break;
    case FACT_PRINTER_OFFLINE: world_unplug(world, PROXY_PRINTER); break;
    case FACT_PRINTER_RESET: sim_printer_reset(&world->printer, world->now); break;
    case FACT_PRINTER_HALTED: /* by itself, as when a heater runs away */
        sim_printer_receive(&world->printer, SPAN("M112\n"), world->now);
        break;
    case FACT_PRINTER_SILENT: break;
    }
    world_settle(world);
}

void happening_board(struct happening *happening, enum board_fact fact)
{
    if (fact == FACT_BOARD_LOST)
        world_unplug(happening->world, PROXY_BOARD);
    else if (!happening->world->port[PROXY_BOARD].plugged)
        world_plug(happening->world, PROXY_BOARD);
}

/* The simulated printer has one tool and a bed. */
static bool is_simulated(char heater, unsigned index)
{
    return heater == 'B' || (heater == 'T' && index == 0);
}

static void set_sensor(struct happening *happening, const struct point_settings *point,
                       int32_t thousandths)
{
    const struct sim_board_sensor sensor = {
        .there = true, .degree = (int16_t)(thousandths / 10), .humidity = HUMIDITY};

    if (point->io < SIO_POINTS)
        sim_board_sense(&happening->world->board, point->io, sensor, happening->world->now);
}

bool happening_temperature(struct happening *happening, char heater, unsigned index,
                           int32_t thousandths)
{
    unsigned i = 0;

    if (heater == 0) {
        set_sensor(happening, &happening->settings->point[index], thousandths);
        return true;
    }
    while (i < happening->sets &&
           (happening->set[i].heater != heater || happening->set[i].index != index))
        i++;
    if (i == HAPPENING_HEATERS)
        return false;
    if (i == happening->sets)
        happening->sets++;
    happening->set[i].heater = heater;
    happening->set[i].index = (uint8_t)index;
    happening->set[i].value = thousandths;
    if (is_simulated(heater, index)) {
        struct sim_heater *simulated = &happening->world->printer.heaters[heater == 'B' ? 1 : 0];

        sim_heater_update(simulated, happening->world->now);
        simulated->temperature = (double)thousandths / 1000;
        simulated->tau = FOR_EVER_S;
    }
    return true;
}

bool happening_reply(struct happening *happening, struct span line)
{
    const struct world_port *port = &happening->world->port[PROXY_PRINTER];

    if (!port->open || line.length + 1 > WORLD_WIRE - port->from.count)
        return false;
    world_write(happening->world, PROXY_PRINTER, line);
    world_write(happening->world, PROXY_PRINTER, SPAN("\n"));
    return true;
}

static void add_heater(struct text *text, const char *name, int64_t actual, double target)
{
    text_add_string(text, name);
    text_add_char(text, ':');
    text_add_thousandths(text, actual);
    text_add_string(text, " /");
    text_add_thousandths(text, (int64_t)(target * 1000));
}

void happening_report(struct happening *happening)
{
    struct world *world = happening->world;
    struct sim_heater *heaters = world->printer.heaters;
    char line[400];
    struct text text = TEXT_IN(line);

    if (world->printer.state != SIM_PRINTER_UP)
        return;
    for (unsigned i = 0; i < 2; i++) {
        sim_heater_update(&heaters[i], world->now);
        add_heater(&text, i == 0 ? " T" : " B", (int64_t)(heaters[i].temperature * 1000 + 0.5),
                   heaters[i].target);
    }
    for (unsigned i = 0; i < happening->sets; i++) {
        char name[8];

        if (is_simulated(happening->set[i].heater, happening->set[i].index))
            continue;
        snprintf(name, sizeof name, " %c", happening->set[i].heater);
        if (happening->set[i].heater == 'T')
            snprintf(name, sizeof name, " T%u", happening->set[i].index);
        add_heater(&text, name, happening->set[i].value, 0);
    }
    happening_reply(happening, text_span(&text));
}
