#include "load/when_file.h"

#include <string.h>

/* A tighter loop than that is no rule, and what a board reports is not newer. */
#define EVERY_LEAST_MS 100

/* What is read. */
struct reading {
    struct when when;
    unsigned mistakes; /* of the words read one by one */
};

static void note(struct reading *reading, bool right)
{
    if (!right) {
        reading->mistakes++;
    }
}

/* One of the words, or a list of them, as bits. */
static bool read_facts(const struct fields *fields, const struct node *value,
                       const char *const *words, uint16_t *ret_facts)
{
    const struct node *one = value->kind == NODE_LIST ? value->first : value;
    uint16_t facts = 0;
    unsigned index;
    bool right = one != NULL;

    if (one == NULL) {
        node_error(fields, value, "an empty list never happens");
    }
    for (; one != NULL; one = value->kind == NODE_LIST ? one->next : NULL) {
        if (field_word(fields, one, words, &index)) {
            facts |= (uint16_t)(1u << index);
        } else {
            right = false;
        }
    }
    *ret_facts = facts;
    return right;
}

static void take_pattern(const struct fields *fields, const struct node *value, void *target)
{
    struct span text;

    note(target, field_text(fields, value, &text));
}

static void take_point(const struct fields *fields, const struct node *value, void *target)
{
    struct reading *reading = target;

    note(reading, field_point(fields, value, POINT_NAMED, &reading->when.point));
}

static void take_becomes(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"on", "off", "unknown", "change", NULL};
    struct reading *reading = target;
    unsigned index = BECOMES_ON;
    bool on, right;

    if (node_is(value, "yes") || node_is(value, "no") || node_is(value, "true") ||
        node_is(value, "false")) {
        right = field_switch(fields, value, &on);
        index = on ? BECOMES_ON : BECOMES_OFF;
    } else {
        right = field_word(fields, value, words, &index);
    }
    note(reading, right);
    reading->when.becomes = (uint8_t)index;
}

static void take_for(const struct fields *fields, const struct node *value, void *target)
{
    struct reading *reading = target;

    note(reading, field_duration(fields, value, 0, LONGEST_MS, &reading->when.for_ms));
}

static void take_print(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"started",  "paused", "resumed", "cancelled",
                                        "finished", "failed", NULL};
    struct reading *reading = target;

    note(reading, read_facts(fields, value, words, &reading->when.facts));
}

static void take_printer(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"online", "offline", "reset", "halted", NULL};
    struct reading *reading = target;

    note(reading, read_facts(fields, value, words, &reading->when.facts));
}

static void take_host(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"connected", "disconnected", "silent", NULL};
    struct reading *reading = target;

    note(reading, read_facts(fields, value, words, &reading->when.facts));
}

static void take_board(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"online", "lost", NULL};
    struct reading *reading = target;

    note(reading, read_facts(fields, value, words, &reading->when.facts));
}

static void take_temperature(const struct fields *fields, const struct node *value, void *target)
{
    struct reading *reading = target;
    struct field_temperature temperature;

    if (!field_is_map(fields, value) || value->count != 1) {
        if (value->kind == NODE_MAP) {
            node_error(fields, value, "expected one heater or point, got %u", value->count);
        }
        reading->mistakes++;
        return;
    }
    if (!field_temperature(fields, value->first, &temperature)) {
        reading->mistakes++;
        return;
    }
    reading->when.heater = temperature.heater;
    if (temperature.heater == 0) {
        reading->when.point = temperature.index;
    } else {
        reading->when.heater_index = temperature.index;
    }
    reading->when.comparison = (uint8_t)temperature.comparison;
    reading->when.threshold = temperature.threshold;
}

static void take_every(const struct fields *fields, const struct node *value, void *target)
{
    struct reading *reading = target;

    note(reading,
         field_duration(fields, value, EVERY_LEAST_MS, LONGEST_MS, &reading->when.every_ms));
}

static void take_start(const struct fields *fields, const struct node *value, void *target)
{
    bool on = true;

    note(target, field_switch(fields, value, &on));
    if (!on) {
        node_error(fields, value, "expected on: there is nothing else to wait for");
        note(target, false);
    }
}

static const struct field keys[] = {
    {"gcode", take_pattern},
    {"reply", take_pattern},
    {"point", take_point},
    {"becomes", take_becomes},
    {"for", take_for},
    {"print", take_print},
    {"printer", take_printer},
    {"host", take_host},
    {"board", take_board},
    {"temperature", take_temperature},
    {"every", take_every},
    {"start", take_start},
    {NULL, NULL},
};

/* Which event a key stands for, and whether it can end a plan. */
static const struct subject {
    const char *key;
    enum when_kind kind;
    bool until;
} subjects[] = {
    {"gcode", WHEN_GCODE, false},    {"reply", WHEN_REPLY, false},
    {"point", WHEN_POINT, true},     {"print", WHEN_PRINT, true},
    {"printer", WHEN_PRINTER, true}, {"host", WHEN_HOST, true},
    {"board", WHEN_BOARD, true},     {"temperature", WHEN_TEMPERATURE, true},
    {"every", WHEN_EVERY, false},    {"start", WHEN_START, false},
};
#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static const struct subject *subject_of(struct span key)
{
    for (size_t i = 0; i < SUBJECTS; i++) {
        if (span_equal(key, span_of(subjects[i].key))) {
            return &subjects[i];
        }
    }
    return NULL;
}

/* The one event; NULL if there is none or more than one. */
static const struct node *find_subject(const struct fields *fields, const struct node *node,
                                       bool until)
{
    const struct node *found = NULL;
    bool several = false, unknown = false;

    for (const struct node *child = node->first; child != NULL; child = child->next) {
        const struct subject *subject = subject_of(child->key->text);

        if (subject == NULL) {
            unknown = unknown || (!span_equal(child->key->text, SPAN("becomes")) &&
                                  !span_equal(child->key->text, SPAN("for")));
            continue;
        }
        if (found != NULL) {
            key_error(fields, child, "a rule has one event, this one is for %s already",
                      found->key->text.data);
            several = true;
            continue;
        }
        found = child;
    }
    if (found == NULL && !unknown) {
        key_error(fields, node,
                  until ? "expected an event: point, print, printer, host, board or temperature"
                        : "expected an event: gcode, reply, point, print, printer, host, board, "
                          "temperature, every or start");
    }
    return several ? NULL : found;
}

/* `becomes` and `for` go with something. */
static bool check_together(const struct fields *fields, const struct node *node, bool until,
                           const struct when *when)
{
    const struct node *becomes = node_get(node, "becomes"), *length = node_get(node, "for");
    bool point = node_get(node, "point") != NULL;
    bool silent = when->kind == WHEN_HOST && (when->facts >> FACT_HOST_SILENT & 1) != 0;
    bool right = true;

    if (becomes != NULL && !point) {
        key_error(fields, becomes, "goes only with point");
        right = false;
    }
    if (becomes == NULL && point) {
        key_error(fields, node, "becomes is missing: on, off, unknown or change");
        right = false;
    }
    if (until && length != NULL) {
        key_error(fields, length, "goes only with when");
        right = false;
    } else if (length != NULL && !point && !silent) {
        key_error(fields, length, "goes only with point or host: silent");
        right = false;
    }
    if (silent && until) {
        key_error(fields, node_get(node, "host"),
                  "a silent host ends nothing: connected or "
                  "disconnected");
        right = false;
    } else if (silent && (when->facts & (when->facts - 1)) != 0) {
        node_error(fields, node_get(node, "host"), "silent stands alone");
        right = false;
    } else if (silent && when->for_ms == 0) {
        node_error(fields, node_get(node, "host"), "for how long? {host: silent, for: 10min}");
        right = false;
    }
    return right;
}

/* A sensor is never on or off: of its degrees a rule for `temperature` hears. */
static bool check_sensor(const struct fields *fields, const struct node *found,
                         const struct when *when)
{
    const struct point_settings *point;

    if (when->kind != WHEN_POINT || when->point == POINT_NONE ||
        when->becomes == BECOMES_UNKNOWN) {
        return true;
    }
    point = &fields->settings->point[when->point];
    if (point->type != POINT_DHT) {
        return true;
    }
    node_error(fields, found, "%s is a sensor, and becomes unknown at most: say temperature",
               point->name);
    return false;
}

bool when_file_read(const struct fields *fields, const struct node *node, bool until,
                    struct when *ret_when, const struct node **ret_subject)
{
    struct reading reading = {.when = {.point = POINT_NONE}};
    const struct subject *subject;
    const struct node *found;
    bool right;

    if (node_is(node, "start") && !until) {
        *ret_when = (struct when){.kind = WHEN_START, .point = POINT_NONE};
        *ret_subject = node;
        return true;
    }
    if (!fields_read(fields, node, keys, &reading)) {
        return false;
    }
    found = find_subject(fields, node, until);
    if (found == NULL) {
        return false;
    }
    subject = subject_of(found->key->text);
    reading.when.kind = subject->kind;
    right = check_together(fields, node, until, &reading.when);
    right = check_sensor(fields, found, &reading.when) && right;
    if (until && !subject->until) {
        key_error(fields, found, "cannot end a rule");
        return false;
    }
    if (reading.mistakes > 0 || !right) {
        return false;
    }
    *ret_when = reading.when;
    *ret_subject = found;
    return true;
}
