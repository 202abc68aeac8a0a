#include "session/board_sensors.h"

#include <string.h>

void board_sensors_init(struct board_sensors *sensors)
{
    memset(sensors, 0, sizeof *sensors);
}

void board_sensors_forget(struct board_sensors *sensors)
{
    for (unsigned i = 0; i < sensors->count; i++)
        sensors->sensor[i].known = false;
    sensors->count = 0;
    sensors->told++;
}

static void take_constants(struct board_sensors *sensors, struct span constants)
{
    int64_t type;

    sensors->has_type = board_message_constant(constants, SPAN("INPUT_DHT"), &type);
    if (sensors->has_type)
        sensors->type = (int16_t)type;
}

/* Which ios are sensors. What a sensor that is still there has said stays. */
static void take_types(struct board_sensors *sensors, const struct board_message *message)
{
    struct board_sensors old = *sensors;

    sensors->count = 0;
    for (unsigned io = 0; io < message->count && sensors->has_type; io++) {
        const struct board_sensor *known = board_sensors_at(&old, io);

        if (message->type[io] != sensors->type || sensors->count == BOARD_SENSORS)
            continue;
        sensors->sensor[sensors->count++] =
            known != NULL ? *known : (struct board_sensor){.io = (uint8_t)io};
    }
    sensors->told++;
}

static void take_reading(struct board_sensors *sensors, struct span extension, struct instant now)
{
    struct board_dht dht;

    if (!board_message_dht(extension, &dht) || dht.sensor >= sensors->count ||
        (dht.io != BOARD_IO_MAX && dht.io != sensors->sensor[dht.sensor].io))
        return;
    sensors->sensor[dht.sensor] =
        (struct board_sensor){.io = sensors->sensor[dht.sensor].io,
                              .known = true,
                              .degree = dht.degree,
                              .humidity = dht.humidity,
                              .until = instant_after_ms(now, BOARD_SENSOR_PATIENCE_MS)};
    sensors->told++;
}

void board_sensors_hear(struct board_sensors *sensors, const struct board_message *message,
                        struct instant now)
{
    if (message->kind == BOARD_CONSTANTS)
        take_constants(sensors, message->argument);
    else if (message->kind == BOARD_TYPES)
        take_types(sensors, message);
    else if (message->kind == BOARD_EXTENSION)
        take_reading(sensors, message->argument, now);
}

void board_sensors_expire(struct board_sensors *sensors, struct instant now)
{
    for (unsigned i = 0; i < sensors->count; i++) {
        struct board_sensor *sensor = &sensors->sensor[i];

        if (sensor->known && instant_due(sensor->until, now)) {
            sensor->known = false;
            sensors->told++;
        }
    }
}

struct instant board_sensors_deadline(const struct board_sensors *sensors)
{
    struct instant deadline = INSTANT_NEVER;

    for (unsigned i = 0; i < sensors->count; i++) {
        if (sensors->sensor[i].known)
            deadline = instant_earlier(deadline, sensors->sensor[i].until);
    }
    return deadline;
}

const struct board_sensor *board_sensors_at(const struct board_sensors *sensors, unsigned io)
{
    for (unsigned i = 0; i < sensors->count; i++) {
        if (sensors->sensor[i].io == io)
            return &sensors->sensor[i];
    }
    return NULL;
}
