#include "daemon/status_json.h"

#include <stdio.h>
#include <time.h>

#include "daemon/clock.h"

/* Text that may hold any byte: what is no UTF-8 is shown as `?`. */
static json_t *text_json(const char *text)
{
    json_t *value = json_string(text);
    char plain[512];
    size_t length = 0;

    if (value != NULL)
        return value;
    for (; text[length] != '\0' && length + 1 < sizeof plain; length++)
        plain[length] = (unsigned char)text[length] < 128 ? text[length] : '?';
    plain[length] = '\0';
    return json_string(plain);
}

static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? text_json(text) : json_null();
}

static json_t *temperatures(const struct status *status)
{
    json_t *all = json_object();

    for (unsigned i = 0; i < status->heaters; i++)
        json_object_set_new(all, status->heater[i].name,
                            json_pack("{s:f, s:f}", "actual", status->heater[i].actual / 1000.0,
                                      "target", status->heater[i].target / 1000.0));
    return all;
}

static json_t *printer(const struct status *status, const struct settings *settings)
{
    json_t *parser = json_null();

    if (status->emergency_parser >= 0)
        parser = json_boolean(status->emergency_parser != 0);
    return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "port", settings->printer.path, "state",
                     status->printer_state, "baud", (json_int_t)status->printer_baud, "firmware",
                     text_or_null(status->firmware), "emergency_parser", parser, "temperatures",
                     temperatures(status));
}

static json_t *waiting(const struct status *status)
{
    json_t *timeout = json_null();

    if (!status->waiting)
        return json_null();
    if (status->waiting_timeout_ms >= 0)
        timeout = json_integer(status->waiting_timeout_ms);
    return json_pack("{s:o, s:o, s:I, s:o}", "for", text_json(status->waiting_for), "rule",
                     text_json(status->waiting_rule), "since_ms",
                     (json_int_t)status->waiting_since_ms, "timeout_ms", timeout);
}

static json_t *counters(const struct status *status)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "host_lines",
                     (json_int_t)status->host_lines, "printer_lines",
                     (json_int_t)status->printer_lines, "swallowed", (json_int_t)status->swallowed,
                     "injected", (json_int_t)status->injected, "resends",
                     (json_int_t)status->resends, "lost_oks", (json_int_t)status->lost_oks,
                     "lost_lines", (json_int_t)status->lost_lines,
                     "board_faults", (json_int_t)status->board_faults);
}

/* NULL if there is no share: the status says nothing of it then. */
static json_t *share(const struct status *status, const struct settings *settings)
{
    if (settings->board_share[0] == '\0')
        return NULL;
    return json_pack("{s:s, s:s}", "port", settings->board_share, "state",
                     status->guest_connected ? "connected" : "disconnected");
}

json_t *status_json(const struct service *service)
{
    const struct settings *settings = &service->config->loaded.settings;
    struct status status = {0};
    struct instant now = clock_now();
    json_t *object;

    proxy_status(service->proxy, now, &status);
    object = json_pack("{s:s, s:s, s:I}", "version", SIOPROXY_VERSION, "name", settings->name,
                       "uptime_ms", (json_int_t)instant_ms_since(service->started, now));
    json_object_set_new(object, "host",
                        json_pack("{s:s, s:s, s:I}", "port", settings->host_port, "state",
                                  status.host_connected ? "connected" : "disconnected", "baud",
                                  (json_int_t)status.host_baud));
    json_object_set_new(object, "printer", printer(&status, settings));
    json_object_set_new(object, "board",
                        json_pack("{s:s, s:s, s:o, s:o*}", "port", settings->board.path, "state",
                                  status.board_state, "firmware",
                                  text_or_null(status.board_firmware), "share",
                                  share(&status, settings)));
    json_object_set_new(object, "print",
                        json_pack("{s:s, s:s, s:o, s:I}", "state", status.print_state, "source",
                                  status.print_source, "file", text_or_null(status.print_file),
                                  "lines", (json_int_t)status.print_lines));
    json_object_set_new(object, "waiting", waiting(&status));
    json_object_set_new(object, "estop", json_pack("{s:s}", "state", status.estop_state));
    json_object_set_new(object, "filament", json_pack("{s:s}", "state", status.filament_state));
    json_object_set_new(object, "psu", json_pack("{s:s}", "state", status.psu_state));
    json_object_set_new(object, "counters", counters(&status));
    return object;
}

static const char *type_word(enum point_type type)
{
    switch (type) {
    case POINT_OUTPUT: return "output";
    case POINT_INPUT: return "input";
    case POINT_PWM: return "pwm";
    case POINT_DHT: return "dht";
    }
    return "";
}

void status_json_value(json_t *object, const struct proxy *proxy, unsigned index, int value)
{
    int32_t degree, humidity;

    if (proxy_reading(proxy, index, &degree, &humidity)) {
        json_object_set_new(object, "value", json_real(degree / 1000.0));
        json_object_set_new(object, "humidity", json_real(humidity / 1000.0));
    } else {
        json_object_set_new(object, "value", value >= 0 ? json_integer(value) : json_null());
    }
}

json_t *status_json_points(const struct service *service)
{
    const struct settings *settings = &service->config->loaded.settings;
    json_t *all = json_array();

    for (unsigned i = 0; i < settings->points; i++) {
        const struct point_settings *point = &settings->point[i];
        int value = -1;
        enum point_state state = proxy_point(service->proxy, i, &value);
        json_t *object =
            json_pack("{s:s, s:s, s:i, s:o, s:s}", "name", point->name, "type",
                      type_word(point->type), "io", (int)point->io, "number",
                      point->number >= 0 ? json_integer(point->number) : json_null(), "state",
                      point_state_word(state));

        status_json_value(object, service->proxy, i, value);
        json_object_set_new(object, "label", text_json(point->label));
        json_object_set_new(object, "icon", text_json(point->icon));
        json_array_append_new(all, object);
    }
    return all;
}

json_t *status_json_event(const struct event *event)
{
    struct instant now = clock_now();
    struct timespec wall;
    struct tm utc;
    char seconds[32], text[48];
    int64_t ms;

    clock_gettime(CLOCK_REALTIME, &wall);
    ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000 - instant_ms_since(event->at, now);
    wall.tv_sec = ms / 1000;
    gmtime_r(&wall.tv_sec, &utc);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, sizeof text, "%s.%03dZ", seconds, (int)(ms % 1000));
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "time", text, "event", event_word(event->kind),
                     "name", text_json(event->name), "state", text_json(event->state), "cause",
                     text_json(event->cause));
}
