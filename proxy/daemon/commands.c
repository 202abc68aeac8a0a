#include "daemon/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/recorder.h"
#include "daemon/sim_port.h"
#include "daemon/status_json.h"

struct command {
    const char *word;
    void (*run)(struct control_client *client, json_t *object);
};

static const char *member(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static const struct settings *settings_of(struct control_client *client)
{
    return &control_service(client)->config->loaded.settings;
}

static json_t *done(void)
{
    return json_pack("{s:b}", "ok", 1);
}

/* The point that the member `point` names; refused, and POINT_NONE, if there is none. */
static uint8_t find_point(struct control_client *client, const char *name)
{
    const struct settings *settings = settings_of(client);
    const char *words[SETTINGS_POINTS + 1];
    const char *nearest;
    char error[200];
    uint8_t index = settings_point(settings, span_of(name));

    if (index != POINT_NONE)
        return index;
    for (unsigned i = 0; i < settings->points; i++)
        words[i] = settings->point[i].name;
    words[settings->points] = NULL;
    nearest = text_nearest(span_of(name), words);
    snprintf(error, sizeof error, "there is no point %.60s%s%s%s", name,
             nearest != NULL ? ": did you mean " : "", nearest != NULL ? nearest : "",
             nearest != NULL ? "?" : "");
    control_refuse(client, "usage", error);
    return POINT_NONE;
}

static void run_status(struct control_client *client, json_t *object)
{
    json_t *reply = done();

    (void)object;
    json_object_set_new(reply, "status", status_json(control_service(client)));
    control_reply(client, reply);
}

static void run_points(struct control_client *client, json_t *object)
{
    json_t *reply = done();

    (void)object;
    json_object_set_new(reply, "points", status_json_points(control_service(client)));
    control_reply(client, reply);
}

static void run_get(struct control_client *client, json_t *object)
{
    uint8_t index = find_point(client, member(object, "point"));
    json_t *reply;
    int value = -1;
    enum point_state state;

    if (index == POINT_NONE)
        return;
    state = proxy_point(control_service(client)->proxy, index, &value);
    reply = done();
    json_object_set_new(reply, "state", json_string(point_state_word(state)));
    status_json_value(reply, control_service(client)->proxy, index, value);
    control_reply(client, reply);
}

/* on, off, or N%. False if it is none of them. */
static bool read_value(struct span text, uint8_t *ret_value)
{
    int64_t percent;
    size_t used;

    if (span_equal_nocase(text, SPAN("on"))) {
        *ret_value = 255;
        return true;
    }
    if (span_equal_nocase(text, SPAN("off"))) {
        *ret_value = 0;
        return true;
    }
    used = text_integer(text, &percent);
    if (used == 0 || !span_equal(span_skip(text, used), SPAN("%")) || percent < 0 || percent > 100)
        return false;
    *ret_value = (uint8_t)((percent * 255 + 50) / 100);
    return true;
}

static bool is_read_only(const struct point_settings *point)
{
    return point->type == POINT_INPUT || point->type == POINT_DHT;
}

static void refuse_read_only(struct control_client *client, const struct point_settings *point)
{
    control_refuse(client, "refused",
                   point->type == POINT_DHT ? "it is a sensor: nothing can be set"
                                            : "it is an input: nothing can be set");
}

static void run_set(struct control_client *client, json_t *object)
{
    uint8_t index = find_point(client, member(object, "point"));
    const struct point_settings *point;
    struct request request = {.kind = REQUEST_SET};

    if (index == POINT_NONE)
        return;
    point = &settings_of(client)->point[index];
    if (!read_value(span_of(member(object, "state")), &request.value)) {
        control_refuse(client, "usage", "state is on, off, or 0% to 100%");
    } else if (is_read_only(point)) {
        refuse_read_only(client, point);
    } else if (point->type != POINT_PWM && request.value != 0 && request.value != 255) {
        control_refuse(client, "usage", "it is on or off: only a pwm output takes a %");
    } else {
        memcpy(request.point, point->name, sizeof request.point);
        control_ask(client, &request);
    }
}

/* What is wrong with a duration that is none, or one of no time. */
static const char *wrong_duration(struct span text)
{
    int64_t number;
    size_t used = text_decimal(text, &number);
    bool plain = used == text.length && used > 0;

    if (plain)
        return "duration needs a unit: ms, s, min or h";
    if (used > 0 && number <= 0)
        return "duration is longer than 0";
    for (const char *const *unit = (const char *const[]){"ms", "s", "min", "h", NULL}; *unit != NULL;
         unit++)
        if (used > 0 && span_equal(span_skip(text, used), span_of(*unit)))
            return "duration is at most 1000 days";
    return "duration is a number with its unit, like 200ms";
}

static void run_pulse(struct control_client *client, json_t *object)
{
    uint8_t index = find_point(client, member(object, "point"));
    const struct point_settings *point;
    struct request request = {.kind = REQUEST_PULSE, .value = 255};

    if (index == POINT_NONE)
        return;
    point = &settings_of(client)->point[index];
    if (!text_duration(span_of(member(object, "duration")), &request.ms) || request.ms <= 0) {
        control_refuse(client, "usage", wrong_duration(span_of(member(object, "duration"))));
    } else if (is_read_only(point)) {
        refuse_read_only(client, point);
    } else {
        memcpy(request.point, point->name, sizeof request.point);
        control_ask(client, &request);
    }
}

static void run_send(struct control_client *client, json_t *object)
{
    const char *line = member(object, "line");
    struct request request = {.kind = REQUEST_SEND};

    if (line[0] == '\0' || strpbrk(line, "\r\n") != NULL) {
        control_refuse(client, "usage", "line is one line of G-code");
    } else if (strlen(line) >= sizeof request.line) {
        control_refuse(client, "usage", "line is longer than 255 bytes");
    } else {
        memcpy(request.line, line, strlen(line) + 1);
        control_ask(client, &request);
    }
}

static void run_psu(struct control_client *client, json_t *object)
{
    struct span state = span_of(member(object, "state"));
    bool force = json_is_true(json_object_get(object, "force"));
    struct request request = {.kind = REQUEST_POWER};
    struct status status;
    json_t *reply;

    if (state.length == 0 || span_equal(state, SPAN("state"))) {
        proxy_status(control_service(client)->proxy, clock_now(), &status);
        reply = done();
        json_object_set_new(reply, "state", json_string(status.psu_state));
        control_reply(client, reply);
    } else if (!read_value(state, &request.value) ||
               (request.value != 0 && request.value != 255)) {
        control_refuse(client, "usage", "it is: psu on|off|state [--force]");
    } else {
        if (request.value == 0 && force)
            request.kind = REQUEST_POWER_FORCED;
        control_ask(client, &request);
    }
}

static void run_continue(struct control_client *client, json_t *object)
{
    (void)object;
    control_ask(client, &(struct request){.kind = REQUEST_CONTINUE});
}

static void run_watch(struct control_client *client, json_t *object)
{
    (void)object;
    control_watch(client);
    control_reply(client, done());
}

static void run_log(struct control_client *client, json_t *object)
{
    json_int_t wanted = json_integer_value(json_object_get(object, "lines"));
    json_t *lines = json_array(), *reply = done();
    size_t length = 0;
    unsigned first = log_count();

    if (wanted <= 0 || wanted > LOG_KEPT)
        wanted = LOG_KEPT;
    /* As many of the last ones as one answer may hold, with room for escapes. */
    while (first > 0 && log_count() - first < wanted) {
        length += strlen(log_kept(first - 1)) + 4;
        if (length > CONTROL_OUTPUT / 2)
            break;
        first--;
    }
    for (; first < log_count(); first++) {
        json_t *line = json_string(log_kept(first));

        json_array_append_new(lines, line != NULL ? line : json_string("?"));
    }
    json_object_set_new(reply, "lines", lines);
    control_reply(client, reply);
}

/* `23.4C`: what a simulated sensor measures from now on. */
static void sim_sensor(struct control_client *client, struct port *board, unsigned io,
                       struct span action)
{
    int64_t thousandths;
    size_t used = text_decimal(action, &thousandths);

    if (used == 0 || !span_equal(span_skip(action, used), SPAN("C")) || thousandths < -40000 ||
        thousandths > 125000) {
        control_refuse(client, "usage", "a sensor can be told: -40C to 125C");
        return;
    }
    sim_port_sense(board, io, (int32_t)thousandths);
    control_reply(client, done());
}

static void sim_point(struct control_client *client, const char *name, struct span action)
{
    struct port *board = control_service(client)->port[PROXY_BOARD];
    uint8_t index = find_point(client, name);
    const struct point_settings *point;
    uint8_t value;

    if (index == POINT_NONE)
        return;
    point = &settings_of(client)->point[index];
    if (!sim_port_is(board)) {
        control_refuse(client, "refused", "the board is not simulated");
    } else if (point->type == POINT_DHT) {
        sim_sensor(client, board, point->io, action);
    } else if (point->type != POINT_INPUT) {
        control_refuse(client, "refused", "it is no input: the board itself sets it");
    } else if (!read_value(action, &value) || (value != 0 && value != 255)) {
        control_refuse(client, "usage", "an input can be told: on, off");
    } else {
        sim_port_input(board, point->io, (value != 0) == point->active_high);
        control_reply(client, done());
    }
}

static void run_sim(struct control_client *client, json_t *object)
{
    struct service *service = control_service(client);
    const char *target = member(object, "target");
    struct span action = span_of(member(object, "action"));
    struct port *port = NULL;
    const char *why;

    if (strcmp(target, "printer") == 0) {
        port = service->port[PROXY_PRINTER];
    } else if (strcmp(target, "board") == 0) {
        port = service->port[PROXY_BOARD];
    } else {
        sim_point(client, target, action);
        return;
    }
    if (!sim_port_is(port)) {
        control_refuse(client, "refused", "it is not simulated");
        return;
    }
    why = sim_port_do(port, action);
    if (why != NULL)
        control_refuse(client, "usage", why);
    else
        control_reply(client, done());
}

static void run_record(struct control_client *client, json_t *object)
{
    struct service *service = control_service(client);

    (void)object;
    if (service->recorder != NULL) {
        control_refuse(client, "refused", "somebody else is recording");
        return;
    }
    control_reply(client, done());
    control_stream(client);
    recorder_begin(service, client);
}

static void run_reload(struct control_client *client, json_t *object)
{
    char why[SERVICE_MISTAKES];
    json_t *mistakes;

    (void)object;
    if (service_reload(control_service(client), why, sizeof why)) {
        control_reply(client, done());
        return;
    }
    mistakes = json_array();
    for (const char *line = why; *line != '\0'; line += line[0] == '\n') {
        size_t length = strcspn(line, "\n");
        json_t *mistake = json_stringn(line, length); /* NULL: no text in UTF-8 */

        json_array_append_new(mistakes,
                              mistake != NULL ? mistake : json_string("the config is no UTF-8"));
        line += length;
    }
    control_refuse_all(client, "refused", mistakes);
}

static void run_estop(struct control_client *client, json_t *object)
{
    struct span action = span_of(member(object, "action"));
    struct status status;
    json_t *reply;

    if (action.length == 0 || span_equal(action, SPAN("state"))) {
        proxy_status(control_service(client)->proxy, clock_now(), &status);
        reply = done();
        json_object_set_new(reply, "state", json_string(status.estop_state));
        control_reply(client, reply);
    } else if (span_equal(action, SPAN("trip"))) {
        control_ask(client, &(struct request){.kind = REQUEST_TRIP});
    } else if (span_equal(action, SPAN("reset"))) {
        control_ask(client, &(struct request){.kind = REQUEST_RESET});
    } else {
        control_refuse(client, "usage", "it is: estop state|trip|reset");
    }
}

static void run_reset(struct control_client *client, json_t *object)
{
    (void)object;
    control_ask(client, &(struct request){.kind = REQUEST_RESET});
}

static const struct command commands[] = {
    {"continue", run_continue}, {"estop", run_estop},     {"get", run_get},
    {"log", run_log},           {"points", run_points},   {"psu", run_psu},
    {"pulse", run_pulse},       {"record", run_record},   {"reload", run_reload},
    {"reset", run_reset},       {"send", run_send},       {"set", run_set},
    {"sim", run_sim},           {"status", run_status},   {"watch", run_watch},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

void command_run(struct control_client *client, json_t *object)
{
    const char *words[COMMANDS + 1];
    const char *word = member(object, "command"), *nearest;
    char error[160];

    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].word, word) == 0) {
            commands[i].run(client, object);
            return;
        }
        words[i] = commands[i].word;
    }
    words[COMMANDS] = NULL;
    nearest = text_nearest(span_of(word), words);
    snprintf(error, sizeof error, "there is no command %.40s%s%s%s", word,
             nearest != NULL ? ": did you mean " : "", nearest != NULL ? nearest : "",
             nearest != NULL ? "?" : "");
    control_refuse(client, "usage", error);
}
