#include "load/conditions_file.h"

#include <string.h>

/* Reads conditions one by one. */
struct reading {
    const struct fields *fields;
    bool gcode;
    const struct span *capture;
    unsigned captures;
    struct condition condition[CONDITIONS_MAX], surplus;
    unsigned count;
    uint8_t group, groups; /* of the `not` being read; how many there were */
};

static struct span value_of(const struct reading *reading, const struct node *node)
{
    struct span text;

    if (node_is(node, "none")) {
        return SPAN_NONE;
    }
    if (!field_text(reading->fields, node, &text)) {
        return SPAN_NONE;
    }
    return arena_copy(reading->fields->arena, text);
}

/* The condition just begun, or a place to throw one away if there are too many. */
static struct condition *add(struct reading *reading, const struct node *node,
                             enum condition_kind kind, struct span name)
{
    struct condition *condition = &reading->surplus;

    if (reading->count == CONDITIONS_MAX) {
        key_error(reading->fields, node, "more than %d conditions", CONDITIONS_MAX);
    } else {
        condition = &reading->condition[reading->count++];
    }
    *condition = (struct condition){.kind = kind, .group = reading->group, .name = name};
    return condition;
}

/* The values of `L: 3` or `L: [3, 4]`. */
static void add_one_of(struct reading *reading, const struct node *node, struct span name)
{
    struct condition *condition = add(reading, node, CONDITION_ONE_OF, name);
    struct span *values;

    condition->count = node->kind == NODE_LIST ? node->count : 1;
    values = arena_take(reading->fields->arena, condition->count * sizeof(*values));
    condition->values = values;
    if (node->kind == NODE_SCALAR) {
        values[0] = value_of(reading, node);
        return;
    }
    for (const struct node *one = node->first; one != NULL; one = one->next) {
        *values++ = value_of(reading, one);
    }
}

/* `P: point`, `S: number`, `Q: none`, `L: 3`, `L: [3, 4]`. */
static void read_parameter(struct reading *reading, const struct node *node, struct span name)
{
    enum condition_kind kind;

    name = arena_copy(reading->fields->arena, name);
    if (node->kind == NODE_MAP || node_is_nothing(node) ||
        (node->kind == NODE_LIST && node->count == 0)) {
        node_unexpected(reading->fields, node, "point, number, none, a value or a list of values");
        return;
    }
    if (node_is(node, "point")) {
        kind = CONDITION_POINT;
    } else if (node_is(node, "number")) {
        kind = CONDITION_NUMBER;
    } else if (node_is(node, "none")) {
        kind = CONDITION_NONE;
    } else {
        add_one_of(reading, node, name);
        return;
    }
    add(reading, node, kind, name);
}

/* A word's bit. The states of a point may also be said as truths. */
static void read_state(const struct reading *reading, const struct node *node,
                       const char *const *words, bool switched, uint16_t *states)
{
    unsigned index;
    bool on = false;

    if (switched && (node_is(node, "yes") || node_is(node, "no") || node_is(node, "true") ||
                     node_is(node, "false"))) {
        field_switch(reading->fields, node, &on);
        index = on ? POINT_ON : POINT_OFF;
    } else if (!field_word(reading->fields, node, words, &index)) {
        return;
    }
    *states |= (uint16_t)(1u << index);
}

/* One of the words, or a list of them, as bits. */
static uint16_t read_states(const struct reading *reading, const struct node *node,
                            const char *const *words, bool switched)
{
    uint16_t states = 0;

    if (node->kind != NODE_LIST) {
        read_state(reading, node, words, switched, &states);
        return states;
    }
    if (node->first == NULL) {
        node_error(reading->fields, node, "an empty list never holds");
    }
    for (const struct node *one = node->first; one != NULL; one = one->next) {
        read_state(reading, one, words, switched, &states);
    }
    return states;
}

/* What has states: its words, in the order of their enum; `any` is all but the first. */
static const struct subject {
    const char *key;
    enum condition_kind kind;
    const char *const words[8];
} subjects[] = {
    {"print",
     CONDITION_PRINT,
     {"idle", "printing", "paused", "finished", "cancelled", "failed", NULL}},
    {"printer", CONDITION_PRINTER, {"offline", "silent", "online", "halted", NULL}},
    {"host", CONDITION_HOST, {"connected", "disconnected", NULL}},
    {"board", CONDITION_BOARD, {"online", "lost", NULL}},
    {"estop", CONDITION_ESTOP, {"none", "unknown", "armed", "tripped", "latched", "any", NULL}},
    {"filament", CONDITION_FILAMENT, {"none", "off", "present", "missing", "unknown", "any", NULL}},
    {"psu", CONDITION_PSU, {"none", "on", "off", "unknown", "any", NULL}},
};
#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static void read_subject(struct reading *reading, const struct node *node,
                         const struct subject *subject)
{
    struct condition *condition = add(reading, node, subject->kind, SPAN_NONE);
    unsigned any = 0;

    condition->states = read_states(reading, node, subject->words, false);
    while (subject->words[any] != NULL && strcmp(subject->words[any], "any") != 0) {
        any++;
    }
    if (subject->words[any] != NULL && (condition->states >> any & 1) != 0) {
        condition->states = (uint16_t)~1u; /* all but none */
    }
}

static void read_point_states(struct reading *reading, const struct node *node)
{
    static const char *const words[] = {"off", "on", "unknown", NULL};
    uint8_t point = POINT_NONE;

    if (node->kind != NODE_MAP) {
        node_unexpected(reading->fields, node, "any or a mapping of points to states");
        return;
    }
    for (const struct node *one = node->first; one != NULL; one = one->next) {
        struct condition *condition = add(reading, one, CONDITION_POINT_STATE, SPAN_NONE);

        field_point(reading->fields, one->key, POINT_NAMED, &point);
        condition->index = point;
        condition->states = read_states(reading, one, words, true);
    }
}

static void read_temperatures(struct reading *reading, const struct node *node)
{
    struct field_temperature temperature = {0};

    if (!field_is_map(reading->fields, node)) {
        return;
    }
    for (const struct node *one = node->first; one != NULL; one = one->next) {
        struct condition *condition = add(reading, one, CONDITION_TEMPERATURE, SPAN_NONE);

        field_temperature(reading->fields, one, &temperature);
        condition->heater = temperature.heater;
        condition->index = temperature.index;
        condition->comparison = (uint8_t)temperature.comparison;
        condition->threshold = temperature.threshold;
    }
}

static void read_conditions(struct reading *reading, const struct node *map);

static void read_not(struct reading *reading, const struct node *node)
{
    if (reading->group != 0) {
        key_error(reading->fields, node, "a not inside a not");
        return;
    }
    reading->group = ++reading->groups;
    read_conditions(reading, node);
    reading->group = 0;
}

static void tell_unknown(const struct reading *reading, const struct node *node)
{
    const char *names[STEP_CAPTURES + SUBJECTS + 4] = {"not", "point", "temperature"};
    const char *nearest;

    for (size_t i = 0; i < SUBJECTS; i++) {
        names[3 + i] = subjects[i].key;
    }
    for (unsigned i = 0; i < reading->captures; i++) {
        names[3 + SUBJECTS + i] = reading->capture[i].data;
    }
    nearest = text_nearest(node->key->text, names);
    if (nearest == NULL) {
        key_error(reading->fields, node, "unknown key");
    } else {
        key_error(reading->fields, node, "unknown key (did you mean %s?)", nearest);
    }
}

static const struct subject *subject_of(struct span key)
{
    for (size_t i = 0; i < SUBJECTS; i++) {
        if (span_equal(key, span_of(subjects[i].key))) {
            return &subjects[i];
        }
    }
    return NULL;
}

static bool is_capture(const struct reading *reading, struct span key)
{
    for (unsigned i = 0; i < reading->captures; i++) {
        if (span_equal(key, reading->capture[i])) {
            return true;
        }
    }
    return false;
}

static void read_condition(struct reading *reading, const struct node *node)
{
    struct span key = node->key->text;
    char letter;

    if (is_capture(reading, key)) {
        read_parameter(reading, node, key);
    } else if (key.length == 1 && text_is_letter(key.data[0])) {
        if (!reading->gcode) {
            key_error(reading->fields, node, "only a gcode rule has parameters");
        }
        letter = text_upper(key.data[0]);
        read_parameter(reading, node, (struct span){&letter, 1});
    } else if (span_equal(key, SPAN("not"))) {
        read_not(reading, node);
    } else if (span_equal(key, SPAN("point")) && node_is(node, "any")) {
        add(reading, node, CONDITION_POINTS, SPAN_NONE);
    } else if (span_equal(key, SPAN("point"))) {
        read_point_states(reading, node);
    } else if (span_equal(key, SPAN("temperature"))) {
        read_temperatures(reading, node);
    } else if (subject_of(key) != NULL) {
        read_subject(reading, node, subject_of(key));
    } else {
        tell_unknown(reading, node);
    }
}

static void read_conditions(struct reading *reading, const struct node *map)
{
    if (!field_is_map(reading->fields, map)) {
        return;
    }
    for (const struct node *child = map->first; child != NULL; child = child->next) {
        read_condition(reading, child);
    }
}

void conditions_file_if(const struct fields *fields, const struct node *map, bool gcode,
                        const struct span *capture, unsigned captures, struct rule *rule)
{
    struct reading reading = {
        .fields = fields, .gcode = gcode, .capture = capture, .captures = captures};
    struct condition *kept;

    read_conditions(&reading, map);
    if (reading.count == 0) {
        return;
    }
    kept = arena_take(fields->arena, reading.count * sizeof(*kept));
    memcpy(kept, reading.condition, reading.count * sizeof(*kept));
    rule->condition = kept;
    rule->conditions = reading.count;
}
