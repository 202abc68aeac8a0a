#include "proxy_state.h"

static const struct board_sensor nothing;

/* What the board says of the sensor that is this point; unknown is not known. */
static const struct board_sensor *sensor_of(const struct proxy *proxy, unsigned index)
{
    const struct point_settings *point = &proxy->settings->point[index];
    const struct board_sensor *sensor =
        point->type == POINT_DHT ? board_sensors_at(&proxy->sensors, point->io) : NULL;

    return sensor != NULL && sensor->known ? sensor : &nothing;
}

static void tell_unknown(struct proxy *proxy, unsigned index, struct instant now)
{
    struct event *event =
        events_add(&proxy->router.events, EVENT_POINT, span_of(proxy->settings->point[index].name),
                   SPAN("unknown"), SPAN("board report"), now);

    event->index = (uint8_t)index;
    event->was = POINT_ON;
    event->is = POINT_UNKNOWN;
    proxy->sensor[index] = (struct proxy_sensor){0};
}

/* Told by degrees, as the printer's heaters are; and shown whoever waits for it. */
static void tell_reading(struct proxy *proxy, unsigned index, int32_t degree, struct instant now)
{
    struct proxy_sensor *sensor = &proxy->sensor[index];
    struct temperature_play old = sensor->play;
    int32_t moved = degree - sensor->told;
    char bytes[16];
    struct text value = TEXT_IN(bytes);
    struct event *event;

    sensor->play =
        sensor->known ? temperature_play_follow(old, degree) : temperature_play_at(degree);
    if (!sensor->known)
        old = sensor->play;
    if (sensor->known && old.high == sensor->play.high && old.low == sensor->play.low &&
        moved < TEMPERATURE_PLAY && moved > -TEMPERATURE_PLAY)
        return;
    sensor->known = true;
    sensor->told = degree;
    text_add_thousandths(&value, degree);
    event = events_add(&proxy->router.events, EVENT_TEMPERATURE,
                       span_of(proxy->settings->point[index].name), text_span(&value),
                       SPAN("board report"), now);
    event->level = LOG_DEBUG;
    event->index = (uint8_t)index;
    event->was = old.high;
    event->is = sensor->play.high;
    event->was_low = old.low;
    event->is_low = sensor->play.low;
}

void proxy_sensors_look(struct proxy *proxy, struct instant now)
{
    if (proxy->sensors_told == proxy->sensors.told)
        return;
    proxy->sensors_told = proxy->sensors.told;
    for (unsigned i = 0; i < proxy->settings->points; i++) {
        const struct board_sensor *sensor = sensor_of(proxy, i);

        if (sensor->known) {
            tell_reading(proxy, i, sensor->degree, now);
            plans_see_temperature(&proxy->router.plans, 0, (uint8_t)i, sensor->degree);
        } else if (proxy->sensor[i].known) {
            tell_unknown(proxy, i, now);
        }
    }
}

void proxy_sensors_reload(struct proxy *proxy, const uint8_t moved[SETTINGS_POINTS])
{
    struct proxy_sensor old[SETTINGS_POINTS];

    for (unsigned i = 0; i < SETTINGS_POINTS; i++) {
        old[i] = proxy->sensor[i];
        proxy->sensor[i] = (struct proxy_sensor){0};
    }
    for (unsigned i = 0; i < SETTINGS_POINTS; i++) {
        if (moved[i] != POINT_NONE && proxy->settings->point[moved[i]].type == POINT_DHT)
            proxy->sensor[moved[i]] = old[i];
    }
    proxy->sensors_told = proxy->sensors.told - 1; /* all of them have to be looked at */
}

bool proxy_reading(const struct proxy *proxy, unsigned index, int32_t *ret_degree,
                   int32_t *ret_humidity)
{
    const struct board_sensor *sensor = sensor_of(proxy, index);

    if (!sensor->known)
        return false;
    *ret_degree = sensor->degree;
    *ret_humidity = sensor->humidity;
    return true;
}
