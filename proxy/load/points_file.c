#include "load/points_file.h"

#include <stdio.h>
#include <string.h>

/* As many pins as a board can report. */
#define IO_MAX           63
#define NUMBER_MAX       999999
#define DEBOUNCE_MS      20
#define DEBOUNCE_MOST_MS 60000
/* Pins of the printers that there are: below it a number may mean one when the file is printed
 * from SD. */
#define PRINTER_PINS 200

/* What `target` of the readers below is. */
struct point_reading {
    struct point_settings *point;
    bool has_type; /* one that we know */
};

static void read_type(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"output", "input", "pwm", "dht", NULL};
    static const enum point_type types[] = {POINT_OUTPUT, POINT_INPUT, POINT_PWM, POINT_DHT};
    struct point_reading *reading = target;
    unsigned index;

    if (!field_word(fields, value, words, &index)) {
        return;
    }
    reading->point->type = types[index];
    reading->has_type = true;
}

static void read_io(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;
    int64_t io;

    if (!field_integer(fields, value, 0, IO_MAX, &io)) {
        return;
    }
    reading->point->io = (uint8_t)io;
    for (const struct point_settings *other = fields->settings->point; other < reading->point;
         other++) {
        if (other->io == io) {
            node_error(fields, value, "%s is on io %d already", other->name, (int)io);
            return;
        }
    }
}

static void read_active(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"high", "low", NULL};
    struct point_reading *reading = target;
    unsigned index;

    if (field_word(fields, value, words, &index)) {
        reading->point->active_high = index == 0;
    }
}

static void read_number(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;
    int64_t number;

    if (node_is(value, "none") || !field_integer(fields, value, 0, NUMBER_MAX, &number)) {
        return;
    }
    for (const struct point_settings *other = fields->settings->point; other < reading->point;
         other++) {
        if (other->number == number) {
            node_error(fields, value, "%s has the number %d already", other->name, (int)number);
            return;
        }
    }
    reading->point->number = (int32_t)number;
    if (number < PRINTER_PINS) {
        node_warning(fields, value,
                     "below 200 it may be a pin of the printer's own, when the file is printed "
                     "from its SD card");
    }
}

static void read_debounce(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;
    int64_t ms;

    if (field_duration(fields, value, 0, DEBOUNCE_MOST_MS, &ms)) {
        reading->point->debounce_ms = (int32_t)ms;
    }
}

static void read_private(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;

    field_switch(fields, value, &reading->point->guarded);
}

static void read_label(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;

    field_string(fields, value, reading->point->label, sizeof(reading->point->label));
}

static void read_icon(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;

    field_string(fields, value, reading->point->icon, sizeof(reading->point->icon));
}

static bool read_percent(const struct fields *fields, const struct node *value,
                         const struct point_settings *point, uint8_t *ret_value)
{
    int64_t thousandths;

    if (point->type != POINT_PWM) {
        node_error(fields, value, "only a pwm point takes a %%");
        return false;
    }
    if (!field_quantity(fields, value, "%", &thousandths)) {
        return false;
    }
    if (thousandths > 100000) {
        node_error(fields, value, "%s: 0%% to 100%%", value->text.data);
        return false;
    }
    *ret_value = (uint8_t)((thousandths * 255 + 50000) / 100000);
    return true;
}

static void read_occasion(const struct fields *fields, const struct node *value,
                          const struct point_settings *point, struct occasion *ret_occasion)
{
    bool on;

    if (node_is(value, "keep")) {
        ret_occasion->kind = OCCASION_KEEP;
    } else if (node_is(value, "restore")) {
        ret_occasion->kind = OCCASION_RESTORE;
        if (ret_occasion != &point->board_back) {
            ret_occasion->kind = OCCASION_KEEP;
            node_warning(fields, value,
                         "restore says something only for board_back, here it "
                         "means keep");
        }
    } else if (value->kind == NODE_SCALAR && value->text.length > 0 &&
               value->text.data[value->text.length - 1] == '%') {
        if (read_percent(fields, value, point, &ret_occasion->value)) {
            ret_occasion->kind = OCCASION_SET;
        }
    } else if (!node_is(value, "on") && !node_is(value, "off") && !node_is(value, "yes") &&
               !node_is(value, "no") && !node_is(value, "true") && !node_is(value, "false")) {
        node_unexpected(fields, value,
                        point->type == POINT_PWM ? "on, off, a %, keep or restore"
                                                 : "on, off, keep or restore");
    } else if (field_switch(fields, value, &on)) {
        ret_occasion->kind = OCCASION_SET;
        ret_occasion->value = on ? 255 : 0;
    }
}

static void read_start(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;

    read_occasion(fields, value, reading->point, &reading->point->start);
}

static void read_halt(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;

    read_occasion(fields, value, reading->point, &reading->point->halt);
}

static void read_host_lost(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;

    read_occasion(fields, value, reading->point, &reading->point->host_lost);
}

static void read_exit(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;

    read_occasion(fields, value, reading->point, &reading->point->exit);
}

static void read_board_back(const struct fields *fields, const struct node *value, void *target)
{
    struct point_reading *reading = target;

    read_occasion(fields, value, reading->point, &reading->point->board_back);
}

/* In the order of reading: type and io come before what depends on them. */
static const struct field point_keys[] = {
    {"type", read_type},
    {"io", read_io},
    {"active", read_active},
    {"number", read_number},
    {"debounce", read_debounce},
    {"private", read_private},
    {"label", read_label},
    {"icon", read_icon},
    {"start", read_start},
    {"halt", read_halt},
    {"host_lost", read_host_lost},
    {"exit", read_exit},
    {"board_back", read_board_back},
    {NULL, NULL},
};

/* Keys that say nothing for a point of this type. */
static void refuse_keys(const struct fields *fields, const struct node *map,
                        const struct point_settings *point)
{
    static const char *const of_outputs[] = {"start", "halt", "host_lost", "exit", "board_back"};
    bool output = point->type == POINT_OUTPUT || point->type == POINT_PWM;
    const struct node *value;

    for (size_t i = 0; !output && i < sizeof(of_outputs) / sizeof(of_outputs[0]); i++) {
        value = node_get(map, of_outputs[i]);
        if (value != NULL) {
            key_error(fields, value, "only an output has that, %s is %s", point->name,
                      point->type == POINT_INPUT ? "an input" : "a sensor");
        }
    }
    value = node_get(map, "debounce");
    if (value != NULL && point->type != POINT_INPUT) {
        key_error(fields, value, "only an input has that, %s is %s", point->name,
                  output ? "an output" : "a sensor");
    }
    value = node_get(map, "active");
    if (value != NULL && point->type == POINT_DHT) {
        key_error(fields, value, "%s is a sensor, it has no level", point->name);
    }
}

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || text_is_digit(byte) || byte == '_';
}

static bool check_name(const struct fields *fields, const struct node *point)
{
    static const char *const reserved[] = {"on",    "off",    "unknown", "printer",
                                           "board", "motion", NULL};
    struct span name = point->key->text;

    if (node_is_nothing(point->key)) {
        key_error(fields, point, "the name of a point is missing"); /* null is no name in YAML */
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        if (!is_name_byte(name.data[i])) {
            key_error(fields, point, "the name of a point has only a-z, 0-9 and _ in it");
            return false;
        }
    }
    if (name.length == 0 || text_is_digit(name.data[0]) || name.data[0] == '_') {
        key_error(fields, point, "the name of a point begins with a letter");
        return false;
    }
    if (name.length >= SETTINGS_NAME) {
        key_error(fields, point, "the name of a point has at most %d letters", SETTINGS_NAME - 1);
        return false;
    }
    for (unsigned i = 0; reserved[i] != NULL; i++) {
        if (span_equal(name, span_of(reserved[i]))) {
            key_error(fields, point, "is a word of the language, a point cannot be called that");
            return false;
        }
    }
    return true;
}

/* True if there is a point now, perhaps with mistakes. */
static bool read_point(const struct fields *fields, const struct node *value)
{
    struct settings *settings = fields->settings;
    struct point_settings *point = &settings->point[settings->points];
    struct point_reading reading = {point, false};

    if (!check_name(fields, value)) {
        return false;
    }
    *point = (struct point_settings){.active_high = true,
                                     .number = -1,
                                     .io = UINT8_MAX,
                                     .board_back = {.kind = OCCASION_RESTORE}};
    memcpy(point->name, value->key->text.data, value->key->text.length);
    if (!fields_read(fields, value, point_keys, &reading)) {
        return true;
    }
    if (node_get(value, "type") == NULL) {
        key_error(fields, value, "type is missing: output, input, pwm or dht");
    } else if (reading.has_type) {
        refuse_keys(fields, value, point);
    }
    if (node_get(value, "io") == NULL) {
        key_error(fields, value, "io is missing: the number of the board's pin");
    }
    if (point->type == POINT_INPUT && node_get(value, "debounce") == NULL) {
        point->debounce_ms = DEBOUNCE_MS;
    }
    return true;
}

void points_file_read(const struct fields *fields, const struct node *points)
{
    if (!field_is_map(fields, points)) {
        return;
    }
    for (const struct node *value = points->first; value != NULL; value = value->next) {
        if (fields->settings->points == SETTINGS_POINTS) {
            key_error(fields, value, "more than %d points", SETTINGS_POINTS);
            return;
        }
        if (read_point(fields, value)) {
            fields->settings->points++;
        }
    }
}

void points_file_warn(const struct fields *fields, const struct node *points)
{
    if (fields->settings->board.kind == PORT_NONE || points == NULL || points->kind != NODE_MAP) {
        return;
    }
    for (unsigned i = 0; i < fields->settings->points; i++) {
        const struct point_settings *point = &fields->settings->point[i];
        const struct node *value = node_get(node_get(points, point->name), "active");

        if (value != NULL && point->type == POINT_OUTPUT && !point->active_high) {
            node_warning(fields, value,
                         "boards drive their outputs low when they boot: %s is on from then until "
                         "it is set",
                         point->name);
        }
    }
}
