#include "load/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/temperatures.h"

#define PATH_MAX_DEPTH 8
#define SHOWN          48

/* The `rules:` of a rule file stands over everything in it and says nothing. */
static bool is_rule_list(const struct node *node)
{
    return node->kind == NODE_LIST && node->first != NULL && node->first->kind == NODE_MAP &&
           span_equal(node->key->text, SPAN("rules"));
}

/* "points.light.io: ": the keys from the outermost to the node's own. Lists have no names. */
static void add_path(const struct node *node, struct text *text)
{
    const struct node *keys[PATH_MAX_DEPTH];
    unsigned count = 0;

    for (; node != NULL && count < PATH_MAX_DEPTH; node = node->parent) {
        if (node->key != NULL && !is_rule_list(node)) {
            keys[count++] = node->key;
        }
    }
    while (count > 0) {
        text_add(text, keys[--count]->text);
        text_add_string(text, count > 0 ? "." : ": ");
    }
}

static void tell(const struct fields *fields, const struct node *node, struct place place,
                 bool warning, const char *format, va_list arguments)
{
    char path[200], sentence[300];
    struct text text = {path, sizeof(path) - 1, 0, false};

    add_path(node, &text);
    path[text.length] = '\0';
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    if (warning) {
        mistakes_warning(fields->mistakes, place, "%s%s", path, sentence);
    } else {
        mistakes_error(fields->mistakes, place, "%s%s", path, sentence);
    }
}

void node_error(const struct fields *fields, const struct node *node, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(fields, node, node->place, false, format, arguments);
    va_end(arguments);
}

void node_warning(const struct fields *fields, const struct node *node, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(fields, node, node->place, true, format, arguments);
    va_end(arguments);
}

void key_error(const struct fields *fields, const struct node *node, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(fields, node, node->key == NULL ? node->place : node->key->place, false, format,
         arguments);
    va_end(arguments);
}

void node_unexpected(const struct fields *fields, const struct node *node, const char *what)
{
    if (node_is_nothing(node)) {
        node_error(fields, node, "expected %s, got nothing", what);
    } else if (node->kind == NODE_SCALAR) {
        node_error(fields, node, "expected %s, got '%.*s%s'", what,
                   (int)(node->text.length < SHOWN ? node->text.length : SHOWN), node->text.data,
                   node->text.length < SHOWN ? "" : "…");
    } else {
        node_error(fields, node, "expected %s, got %s", what,
                   node->kind == NODE_LIST ? "a list" : "a mapping");
    }
}

static void tell_unknown(const struct fields *fields, const struct node *node,
                         const struct field *table)
{
    const char *names[64];
    unsigned count = 0;
    const char *nearest;

    for (; table->name != NULL && count < 63; table++) {
        names[count++] = table->name;
    }
    names[count] = NULL;
    nearest = text_nearest(node->key->text, names);
    if (nearest == NULL) {
        key_error(fields, node, "unknown key");
    } else {
        key_error(fields, node, "unknown key (did you mean %s?)", nearest);
    }
}

bool fields_read(const struct fields *fields, const struct node *map, const struct field *table,
                 void *target)
{
    if (!field_is_map(fields, map)) {
        return false;
    }
    for (const struct node *child = map->first; child != NULL; child = child->next) {
        const struct field *row = table;

        while (row->name != NULL && !span_equal(child->key->text, span_of(row->name))) {
            row++;
        }
        if (row->name == NULL) {
            tell_unknown(fields, child, table);
        }
    }
    for (; table->name != NULL; table++) {
        const struct node *value = node_get(map, table->name);

        if (value != NULL) {
            table->read(fields, value, target);
        }
    }
    return true;
}

bool field_is_map(const struct fields *fields, const struct node *node)
{
    if (node->kind != NODE_MAP) {
        node_unexpected(fields, node, "a mapping");
        return false;
    }
    return true;
}

bool field_is_list(const struct fields *fields, const struct node *node)
{
    if (node->kind != NODE_LIST) {
        node_unexpected(fields, node, "a list");
        return false;
    }
    return true;
}

bool field_text(const struct fields *fields, const struct node *node, struct span *ret_text)
{
    if (node->kind != NODE_SCALAR || node->text.length == 0 || node_is_nothing(node)) {
        node_unexpected(fields, node, "a text");
        return false;
    }
    for (size_t i = 0; i < node->text.length; i++) {
        if ((unsigned char)node->text.data[i] < ' ' || node->text.data[i] == 127) {
            node_error(fields, node, "a control character or line end in a text");
            return false;
        }
    }
    *ret_text = node->text;
    return true;
}

bool field_string(const struct fields *fields, const struct node *node, char *ret_field,
                  size_t capacity)
{
    struct span text;

    if (!field_text(fields, node, &text)) {
        return false;
    }
    if (text.length >= capacity) {
        node_error(fields, node, "longer than %zu bytes", capacity - 1);
        return false;
    }
    memcpy(ret_field, text.data, text.length);
    ret_field[text.length] = '\0';
    return true;
}

bool field_path(const struct fields *fields, const struct node *node, char *ret_field,
                size_t capacity)
{
    struct span text;
    size_t length;

    if (!field_text(fields, node, &text)) {
        return false;
    }
    if (text.data[0] == '/') {
        return field_string(fields, node, ret_field, capacity);
    }
    while (span_starts(text, SPAN("./"))) {
        text = span_skip(text, 2);
    }
    length = strlen(fields->folder) + 1 + text.length;
    if (length >= capacity) {
        node_error(fields, node, "longer than %zu bytes with its folder %s", capacity - 1,
                   fields->folder);
        return false;
    }
    snprintf(ret_field, capacity, "%s/%.*s", fields->folder, (int)text.length, text.data);
    return true;
}

bool field_integer(const struct fields *fields, const struct node *node, int64_t least,
                   int64_t most, int64_t *ret_value)
{
    char what[80];
    int64_t value;

    snprintf(what, sizeof(what), "a number from %" PRId64 " to %" PRId64, least, most);
    if (node->kind != NODE_SCALAR || node->text.length == 0 ||
        text_integer(node->text, &value) != node->text.length || value < least || value > most) {
        node_unexpected(fields, node, what);
        return false;
    }
    *ret_value = value;
    return true;
}

static bool is_unit_of_time(struct span text)
{
    return span_equal(text, SPAN("ms")) || span_equal(text, SPAN("s")) ||
           span_equal(text, SPAN("min")) || span_equal(text, SPAN("h"));
}

bool field_duration(const struct fields *fields, const struct node *node, int64_t least,
                    int64_t most, int64_t *ret_ms)
{
    char low_memory[24], high_memory[24];
    struct text low = TEXT_IN(low_memory), high = TEXT_IN(high_memory);
    int64_t ms = 0, number;

    if (node->kind != NODE_SCALAR || node->text.length == 0) {
        node_unexpected(fields, node, "a duration (200ms, 1.5s, 10min, 2h)");
        return false;
    }
    if (!span_equal(node->text, SPAN("0")) && !text_duration(node->text, &ms)) {
        size_t used = text_decimal(node->text, &number);

        if (used == node->text.length) {
            node_error(fields, node, "%s needs a unit: ms, s, min or h", node->text.data);
            return false;
        }
        if (used == 0 || number < 0 || !is_unit_of_time(span_skip(node->text, used))) {
            node_unexpected(fields, node, "a duration (200ms, 1.5s, 10min, 2h)");
            return false;
        }
        ms = INT64_MAX; /* more than a duration can be */
    }
    if (ms < least || ms > most) {
        text_add_duration(&low, least);
        text_add_duration(&high, most);
        node_error(fields, node, "%s: from %.*s to %.*s", node->text.data, (int)low.length,
                   low.data, (int)high.length, high.data);
        return false;
    }
    *ret_ms = ms;
    return true;
}

bool field_quantity(const struct fields *fields, const struct node *node, const char *unit,
                    int64_t *ret_thousandths)
{
    char what[60];
    int64_t value;
    size_t used;

    snprintf(what, sizeof(what), "a number with its unit %s", unit);
    if (node->kind != NODE_SCALAR) {
        node_unexpected(fields, node, what);
        return false;
    }
    used = text_decimal(node->text, &value);
    if (used > 0 && used == node->text.length && value != 0) {
        node_error(fields, node, "%s needs a unit: %s", node->text.data, unit);
        return false;
    }
    if (used == 0 || value < 0 ||
        (used < node->text.length && !span_equal(span_skip(node->text, used), span_of(unit)))) {
        node_unexpected(fields, node, what);
        return false;
    }
    *ret_thousandths = value;
    return true;
}

bool field_switch(const struct fields *fields, const struct node *node, bool *ret_on)
{
    bool on = node_is(node, "on") || node_is(node, "yes") || node_is(node, "true");

    if (!on && !node_is(node, "off") && !node_is(node, "no") && !node_is(node, "false")) {
        node_unexpected(fields, node, "on or off");
        return false;
    }
    *ret_on = on;
    return true;
}

bool field_word(const struct fields *fields, const struct node *node, const char *const *words,
                unsigned *ret_index)
{
    char what[200] = "";
    size_t length = 0;
    const char *nearest = NULL;

    for (unsigned i = 0; words[i] != NULL; i++) {
        const char *between = i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ";

        if (node_is(node, words[i])) {
            *ret_index = i;
            return true;
        }
        if (length < sizeof(what)) {
            length +=
                (size_t)snprintf(what + length, sizeof(what) - length, "%s%s", between, words[i]);
        }
    }
    if (node->kind == NODE_SCALAR) {
        nearest = text_nearest(node->text, words);
    }
    if (nearest == NULL) {
        node_unexpected(fields, node, what);
    } else {
        node_error(fields, node, "expected %s, got '%s' (did you mean %s?)", what, node->text.data,
                   nearest);
    }
    return false;
}

static void tell_no_point(const struct fields *fields, const struct node *node)
{
    const char *names[SETTINGS_POINTS + 1];
    const char *nearest;

    for (unsigned i = 0; i < fields->settings->points; i++) {
        names[i] = fields->settings->point[i].name;
    }
    names[fields->settings->points] = NULL;
    nearest = text_nearest(node->text, names);
    if (nearest == NULL) {
        node_error(fields, node, "no point '%.*s'", SHOWN, node->text.data);
    } else {
        node_error(fields, node, "no point '%s' (did you mean %s?)", node->text.data, nearest);
    }
}

bool field_point(const struct fields *fields, const struct node *node, enum point_use use,
                 uint8_t *ret_point)
{
    uint8_t point;
    enum point_type type;

    if (node->kind != NODE_SCALAR || node->text.length == 0) {
        node_unexpected(fields, node, "the name of a point");
        return false;
    }
    point = settings_point(fields->settings, node->text);
    if (point == POINT_NONE) {
        tell_no_point(fields, node);
        return false;
    }
    type = fields->settings->point[point].type;
    if (use == POINT_SWITCHED && type != POINT_OUTPUT && type != POINT_PWM) {
        node_error(fields, node, "%s is %s, an output is needed here",
                   fields->settings->point[point].name,
                   type == POINT_INPUT ? "an input" : "a sensor");
        return false;
    }
    if (use == POINT_WATCHED && type != POINT_INPUT) {
        node_error(fields, node, "%s is %s, an input is needed here",
                   fields->settings->point[point].name,
                   type == POINT_DHT ? "a sensor" : "an output");
        return false;
    }
    *ret_point = point;
    return true;
}

bool field_is_template(const struct node *node)
{
    return node->kind == NODE_SCALAR && span_contains(node->text, SPAN("${"));
}

bool field_heater(const struct fields *fields, const struct node *key, char *ret_heater,
                  uint8_t *ret_index)
{
    unsigned index;
    uint8_t point;

    if (temperatures_read(key->text, ret_heater, &index)) {
        *ret_index = (uint8_t)index;
        return true;
    }
    if (!field_point(fields, key, POINT_NAMED, &point)) {
        return false;
    }
    if (fields->settings->point[point].type != POINT_DHT) {
        node_error(fields, key,
                   "%s has no temperature: tool0 to tool9, bed, chamber or a dht point",
                   fields->settings->point[point].name);
        return false;
    }
    *ret_heater = 0;
    *ret_index = point;
    return true;
}

bool field_temperature(const struct fields *fields, const struct node *node,
                       struct field_temperature *ret_temperature)
{
    struct field_temperature temperature = {0};
    bool named = field_heater(fields, node->key, &temperature.heater, &temperature.index);

    if (node->kind != NODE_SCALAR ||
        !when_comparison_read(node->text, &temperature.comparison, &temperature.threshold)) {
        node_unexpected(fields, node, "a comparison like '>= 50C'");
        return false;
    }
    if (named) {
        *ret_temperature = temperature;
    }
    return named;
}
