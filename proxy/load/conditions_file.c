#include "load/conditions_file.h"

#include <string.h>

#include "load/steps_file.h"

#define LONGEST_MS (INT64_C(1000) * 24 * 60 * 60 * 1000)

/* One of the words, or a list of them. */
static void check_words(const struct fields *fields, const struct node *value,
                        const char *const *words)
{
    unsigned index;

    if (value->kind != NODE_LIST) {
        field_word(fields, value, words, &index);
        return;
    }
    for (const struct node *one = value->first; one != NULL; one = one->next) {
        field_word(fields, one, words, &index);
    }
}

static void take_gcode(const struct fields *fields, const struct node *value, void *target)
{
    const struct node **gcode = target;
    struct span text;

    if (field_text(fields, value, &text)) {
        *gcode = value;
    }
}

/* A pattern on the printer's lines; compiled for its mistakes alone. */
static void check_reply(const struct fields *fields, const struct node *value, void *target)
{
    struct pattern_memory memory;
    char message[128];
    struct text why = TEXT_IN(message);
    struct pattern *pattern;
    struct span text;
    size_t offset;

    (void)target;
    if (!field_text(fields, value, &text) || !pattern_memory_init(&memory)) {
        return;
    }
    pattern = pattern_new(text, PATTERN_PART, &memory, &why, &offset);
    if (pattern == NULL) {
        mistakes_error(fields->mistakes, node_place_of(value, fields->bytes, offset),
                       "when.reply: %.*s (at offset %zu)", (int)why.length, why.data, offset);
    }
    pattern_free(pattern);
    pattern_memory_free(&memory);
}

static void check_point(const struct fields *fields, const struct node *value, void *target)
{
    uint8_t point;

    (void)target;
    field_point(fields, value, POINT_NAMED, &point);
}

static void check_becomes(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"on", "off", "unknown", "change", NULL};
    bool on;

    (void)target;
    if (!node_is(value, "yes") && !node_is(value, "no") && !node_is(value, "true") &&
        !node_is(value, "false")) {
        check_words(fields, value, words);
    } else {
        field_switch(fields, value, &on);
    }
}

static void check_duration(const struct fields *fields, const struct node *value, void *target)
{
    int64_t ms;

    (void)target;
    field_duration(fields, value, 0, LONGEST_MS, &ms);
}

static void check_print(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"started",  "paused", "resumed", "cancelled",
                                        "finished", "failed", NULL};

    (void)target;
    check_words(fields, value, words);
}

static void check_printer(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"online", "offline", "reset", "halted", NULL};

    (void)target;
    check_words(fields, value, words);
}

static void check_host(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"connected", "disconnected", "silent", NULL};

    (void)target;
    check_words(fields, value, words);
}

static void check_board(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"online", "lost", NULL};

    (void)target;
    check_words(fields, value, words);
}

static void check_temperature(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    steps_file_check_temperature(fields, value);
}

static void check_start(const struct fields *fields, const struct node *value, void *target)
{
    bool on;

    (void)target;
    field_switch(fields, value, &on);
}

static const struct field when_keys[] = {
    {"gcode", take_gcode},
    {"reply", check_reply},
    {"point", check_point},
    {"becomes", check_becomes},
    {"for", check_duration},
    {"print", check_print},
    {"printer", check_printer},
    {"host", check_host},
    {"board", check_board},
    {"temperature", check_temperature},
    {"every", check_duration},
    {"start", check_start},
    {NULL, NULL},
};

/* `becomes` and `for` go with something, all others stand for themselves. */
static bool is_subject(const struct node *child)
{
    return !span_equal(child->key->text, SPAN("becomes")) &&
           !span_equal(child->key->text, SPAN("for"));
}

static void check_together(const struct fields *fields, const struct node *when)
{
    const struct node *subject = NULL, *becomes = node_get(when, "becomes");
    const struct node *length = node_get(when, "for");

    for (const struct node *child = when->first; child != NULL; child = child->next) {
        if (is_subject(child) && subject != NULL) {
            key_error(fields, child, "a rule has one event, this one is for %s already",
                      subject->key->text.data);
        } else if (is_subject(child)) {
            subject = child;
        }
    }
    if (subject == NULL) {
        key_error(fields, when,
                  "expected an event: gcode, reply, point, print, printer, host, board, "
                  "temperature, every or start");
    }
    if (becomes != NULL && node_get(when, "point") == NULL) {
        key_error(fields, becomes, "goes only with point");
    }
    if (becomes == NULL && node_get(when, "point") != NULL) {
        key_error(fields, when, "becomes is missing: on, off, unknown or change");
    }
    if (length != NULL && node_get(when, "point") == NULL && node_get(when, "host") == NULL) {
        key_error(fields, length, "goes only with point or host");
    }
}

const struct node *conditions_file_when(const struct fields *fields, const struct node *when)
{
    const struct node *gcode = NULL;

    if (node_is(when, "start")) {
        node_not_yet(fields, when);
        return NULL;
    }
    if (!fields_read(fields, when, when_keys, (void *)&gcode)) {
        return NULL;
    }
    check_together(fields, when);
    for (const struct node *child = when->first; child != NULL; child = child->next) {
        bool known = false;

        for (const struct field *row = when_keys; row->name != NULL; row++) {
            known = known || span_equal(child->key->text, span_of(row->name));
        }
        if (known && is_subject(child) && !span_equal(child->key->text, SPAN("gcode"))) {
            node_not_yet(fields, child);
        }
    }
    return gcode;
}

/* Reads conditions one by one. */
struct reading {
    const struct fields *fields;
    const struct span *capture;
    unsigned captures;
    struct condition condition[CONDITIONS_MAX];
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

static void add(struct reading *reading, const struct node *node, enum condition_kind kind,
                struct span name)
{
    struct condition *condition;
    struct span *values;

    if (reading->count == CONDITIONS_MAX) {
        key_error(reading->fields, node, "more than %d conditions", CONDITIONS_MAX);
        return;
    }
    condition = &reading->condition[reading->count++];
    *condition = (struct condition){.kind = kind, .group = reading->group, .name = name};
    if (kind != CONDITION_ONE_OF) {
        return;
    }
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
    enum condition_kind kind = CONDITION_ONE_OF;

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
    }
    add(reading, node, kind, name);
}

static void check_states(const struct reading *reading, const struct node *node)
{
    static const char *const print[] = {"idle",      "printing", "paused", "finished",
                                        "cancelled", "failed",   NULL};
    static const char *const printer[] = {"online", "silent", "offline", "halted", NULL};

    check_words(reading->fields, node,
                span_equal(node->key->text, SPAN("print")) ? print : printer);
    node_not_yet(reading->fields, node);
}

static void check_point_states(const struct reading *reading, const struct node *node)
{
    static const char *const words[] = {"on", "off", "unknown", "yes", "no", "true", "false", NULL};
    uint8_t point;

    if (node->kind != NODE_MAP) {
        node_unexpected(reading->fields, node, "any or a mapping of points to states");
        return;
    }
    for (const struct node *one = node->first; one != NULL; one = one->next) {
        field_point(reading->fields, one->key, POINT_NAMED, &point);
        check_words(reading->fields, one, words);
    }
    node_not_yet(reading->fields, node);
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
    const char *names[STEP_CAPTURES + 6] = {"not", "point", "print", "printer", "temperature"};
    const char *nearest;

    for (unsigned i = 0; i < reading->captures; i++) {
        names[5 + i] = reading->capture[i].data;
    }
    nearest = text_nearest(node->key->text, names);
    if (nearest == NULL) {
        key_error(reading->fields, node, "unknown key");
    } else {
        key_error(reading->fields, node, "unknown key (did you mean %s?)", nearest);
    }
}

static void read_condition(struct reading *reading, const struct node *node)
{
    struct span key = node->key->text;
    char letter;

    for (unsigned i = 0; i < reading->captures; i++) {
        if (span_equal(key, reading->capture[i])) {
            read_parameter(reading, node, key);
            return;
        }
    }
    if (key.length == 1 && text_is_letter(key.data[0])) {
        letter = text_upper(key.data[0]);
        read_parameter(reading, node, (struct span){&letter, 1});
    } else if (span_equal(key, SPAN("not"))) {
        read_not(reading, node);
    } else if (span_equal(key, SPAN("point")) && node_is(node, "any")) {
        add(reading, node, CONDITION_POINTS, SPAN_NONE);
    } else if (span_equal(key, SPAN("point"))) {
        check_point_states(reading, node);
    } else if (span_equal(key, SPAN("print")) || span_equal(key, SPAN("printer"))) {
        check_states(reading, node);
    } else if (span_equal(key, SPAN("temperature"))) {
        steps_file_check_temperature(reading->fields, node);
        node_not_yet(reading->fields, node);
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

void conditions_file_if(const struct fields *fields, const struct node *map,
                        const struct span *capture, unsigned captures, struct rule *rule)
{
    struct reading reading = {.fields = fields, .capture = capture, .captures = captures};
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
