/*
 * The board's sensors of temperature and humidity: what its lines say of them, and for how long
 * that is true.
 *
 * Follows SIO_ESP32 1.1.5: `XT DHT n 23.40 45.00` stands before every report of levels, n counts
 * the ios whose type is INPUT_DHT, from 0; a sensor that cannot be read is left out. The newest
 * OctoPrint-Siocontrol expects the io behind n. Hears the board's lines beside board_session and
 * asks nothing. Values in thousandths.
 */
#pragma once

#include "base/instant.h"
#include "wire/board_message.h"

#define BOARD_SENSORS            8
#define BOARD_SENSOR_PATIENCE_MS 60000 /* what is not said again for so long is not known */

struct board_sensor {
    uint8_t io;
    bool known;
    int32_t degree, humidity;
    struct instant until; /* when it is not known any more */
};

struct board_sensors {
    int16_t type;  /* the family's number for a sensor */
    bool has_type; /* it is known */
    uint32_t told; /* how often anything of it has changed: who saw the last needs no look */
    unsigned count;
    struct board_sensor sensor[BOARD_SENSORS]; /* in the order of their ios */
};

void board_sensors_init(struct board_sensors *sensors);
/* The board is lost, or was reset: nothing is known. */
void board_sensors_forget(struct board_sensors *sensors);
/* A line of the board. */
void board_sensors_hear(struct board_sensors *sensors, const struct board_message *message,
                        struct instant now);
/* Early is harmless. */
void board_sensors_expire(struct board_sensors *sensors, struct instant now);
struct instant board_sensors_deadline(const struct board_sensors *sensors);
/* The sensor at that io, NULL if there is none. */
const struct board_sensor *board_sensors_at(const struct board_sensors *sensors, unsigned io);
