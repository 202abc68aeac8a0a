#include "load/steps_file.h"

#include <string.h>

#define LONGEST_MS (INT64_C(1000) * 24 * 60 * 60 * 1000)

static struct span keep(const struct steps_file *steps, const struct node *node)
{
    return node == NULL ? SPAN_NONE : arena_copy(steps->fields->arena, node->text);
}

/* The step just begun, or a place to throw one away if there are too many. */
static struct step *add(struct steps_file *steps, enum step_kind kind)
{
    struct step *step = steps->count < STEPS_MAX ? &steps->step[steps->count] : &steps->surplus;

    steps->count++;
    *step = (struct step){.kind = kind};
    return step;
}

static void check_names(const struct steps_file *steps, const struct node *node,
                        struct span template, unsigned depth)
{
    for (; template.length > 0; template = span_skip(template, 1)) {
        struct step_placeholder placeholder;
        size_t used;
        bool known;

        if (span_starts(template, SPAN("$${"))) {
            template = span_skip(template, 2);
            continue;
        }
        if (!span_starts(template, SPAN("${"))) {
            continue;
        }
        used = step_placeholder_read(template, &placeholder);
        if (used == 0 || depth == 0) {
            node_error(steps->fields, node,
                       "expected ${NAME}, ${NAME:-default} or ${NAME:+text} ($${ is a plain ${)");
            return;
        }
        known = steps->gcode && placeholder.name.length == 1;
        for (unsigned i = 0; i < steps->captures; i++) {
            known = known || span_equal(placeholder.name, steps->capture[i]);
        }
        if (!known) {
            node_error(steps->fields, node,
                       "${%.*s}: expected a parameter's letter or the name of a capture",
                       (int)placeholder.name.length, placeholder.name.data);
        }
        check_names(steps, node, placeholder.alternative, depth - 1);
        template = span_skip(template, used - 1);
    }
}

void steps_file_check_template(const struct steps_file *steps, const struct node *node)
{
    if (node->kind == NODE_SCALAR) {
        check_names(steps, node, node->text, 4);
    }
}

/* A template is checked as such, anything else as a point. */
static void check_point(const struct steps_file *steps, const struct node *node, enum point_use use)
{
    uint8_t point;

    if (field_is_template(node)) {
        steps_file_check_template(steps, node);
    } else {
        field_point(steps->fields, node, use, &point);
    }
}

static void check_duration(const struct steps_file *steps, const struct node *node, int64_t least)
{
    int64_t ms;

    if (field_is_template(node)) {
        steps_file_check_template(steps, node);
    } else {
        field_duration(steps->fields, node, least, LONGEST_MS, &ms);
    }
}

/* Reads one value of `set` as if it were for a pwm point, whatever point is named. */
static void check_value(const struct steps_file *steps, const struct node *node,
                        struct span point_name)
{
    static const struct settings any = {.points = 1, .point = {{.name = "any", .type = POINT_PWM}}};
    const struct settings *settings = steps->fields->settings;
    struct step step = {.kind = STEP_SET, .argument = {SPAN_INIT("any"), node->text}};
    struct step_values values = {0};
    struct step_ready ready;
    char memory[120];
    struct text why = TEXT_IN(memory), none = {0};
    uint8_t point = settings_point(settings, point_name);

    if (node->kind != NODE_SCALAR || node->text.length == 0) {
        node_unexpected(steps->fields, node, "on, off, a % or 0 to 255");
    } else if (field_is_template(node)) {
        steps_file_check_template(steps, node);
    } else {
        bool known = point != POINT_NONE && (settings->point[point].type == POINT_OUTPUT ||
                                             settings->point[point].type == POINT_PWM);

        if (known) {
            step.argument[0] = point_name;
        }
        if (step_prepare(&step, &values, known ? settings : &any, &none, &why, &ready) != STEP_OK) {
            node_error(steps->fields, node, "%.*s", (int)why.length, why.data);
        }
    }
}

static void read_set(struct steps_file *steps, const struct node *value)
{
    if (!field_is_map(steps->fields, value)) {
        return;
    }
    for (const struct node *child = value->first; child != NULL; child = child->next) {
        struct step *step = add(steps, STEP_SET);

        check_point(steps, child->key, POINT_SWITCHED);
        check_value(steps, child, child->key->text);
        step->argument[0] = keep(steps, child->key);
        step->argument[1] = keep(steps, child);
    }
}

static void read_toggle(struct steps_file *steps, const struct node *value)
{
    struct step *step = add(steps, STEP_TOGGLE);

    check_point(steps, value, POINT_SWITCHED);
    step->argument[0] = keep(steps, value);
}

/* What a step's mapping holds, by the index of its key in a table. */
struct parts {
    const struct node *part[4];
};

static void take_0(const struct fields *fields, const struct node *value, void *target)
{
    struct parts *parts = target;

    (void)fields;
    parts->part[0] = value;
}

static void take_1(const struct fields *fields, const struct node *value, void *target)
{
    struct parts *parts = target;

    (void)fields;
    parts->part[1] = value;
}

static void take_2(const struct fields *fields, const struct node *value, void *target)
{
    struct parts *parts = target;

    (void)fields;
    parts->part[2] = value;
}

static void take_3(const struct fields *fields, const struct node *value, void *target)
{
    struct parts *parts = target;

    (void)fields;
    parts->part[3] = value;
}

static bool has(const struct steps_file *steps, const struct node *map, const struct node *part,
                const char *name)
{
    if (part == NULL) {
        key_error(steps->fields, map, "%s is missing", name);
    }
    return part != NULL;
}

static void read_pulse(struct steps_file *steps, const struct node *value)
{
    static const struct field keys[] = {
        {"point", take_0}, {"for", take_1}, {"times", take_2}, {"every", take_3}, {NULL, NULL}};
    struct step *step = add(steps, STEP_PULSE);
    struct parts parts = {{NULL}};
    int64_t times, length_ms = 0, every_ms = 0;

    if (!fields_read(steps->fields, value, keys, &parts)) {
        return;
    }
    if (has(steps, value, parts.part[0], "point")) {
        check_point(steps, parts.part[0], POINT_SWITCHED);
    }
    if (has(steps, value, parts.part[1], "for")) {
        check_duration(steps, parts.part[1], 1);
        text_duration(parts.part[1]->text, &length_ms);
    }
    if (parts.part[2] != NULL && field_is_template(parts.part[2])) {
        steps_file_check_template(steps, parts.part[2]);
    } else if (parts.part[2] != NULL) {
        field_integer(steps->fields, parts.part[2], 1, 1000, &times);
    }
    if (parts.part[3] != NULL) {
        check_duration(steps, parts.part[3], 1);
        if (text_duration(parts.part[3]->text, &every_ms) && every_ms <= length_ms) {
            node_error(steps->fields, parts.part[3], "must be longer than for");
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        step->argument[i] = keep(steps, parts.part[i]);
    }
}

static void read_text(struct steps_file *steps, const struct node *value, enum step_kind kind)
{
    struct step *step = add(steps, kind);
    struct span text;

    if (!field_text(steps->fields, value, &text)) {
        return;
    }
    steps_file_check_template(steps, value);
    steps->text += text.length;
    step->argument[0] = keep(steps, value);
}

static void read_send(struct steps_file *steps, const struct node *value)
{
    read_text(steps, value, STEP_SEND);
}

static void read_say(struct steps_file *steps, const struct node *value)
{
    read_text(steps, value, STEP_SAY);
}

void steps_file_check_temperature(const struct fields *fields, const struct node *value)
{
    if (!field_is_map(fields, value)) {
        return;
    }
    for (const struct node *child = value->first; child != NULL; child = child->next) {
        struct span heater = child->key->text, text = child->text;
        int64_t thousandths;
        uint8_t point;

        if (!span_equal(heater, SPAN("bed")) && !span_equal(heater, SPAN("chamber")) &&
            !(heater.length == 5 && span_starts(heater, SPAN("tool")) &&
              text_is_digit(heater.data[4]))) {
            field_point(fields, child->key, POINT_NAMED, &point);
        }
        if (span_starts(text, SPAN(">")) || span_starts(text, SPAN("<"))) {
            text = span_trim(span_skip(text, span_starts(span_skip(text, 1), SPAN("=")) ? 2 : 1));
        } else {
            text = SPAN_NONE;
        }
        if (child->kind != NODE_SCALAR || text.length == 0 ||
            !span_equal(span_skip(text, text_decimal(text, &thousandths)), SPAN("C"))) {
            node_unexpected(fields, child, "a comparison like '>= 50C'");
        }
    }
}

/* The `else` of a wait: its steps stand behind it, and it knows how many. */
static void read_else(struct steps_file *steps, const struct node *value, unsigned of)
{
    if (value == NULL) {
        return;
    }
    steps_file_read(steps, value);
    if (of < STEPS_MAX && steps->count <= STEPS_MAX) {
        steps->step[of].otherwise = (uint8_t)(steps->count - of - 1);
    }
}

static void read_wait_for(struct steps_file *steps, const struct node *value)
{
    static const struct field keys[] = {
        {"point", take_0}, {"for", take_1}, {"timeout", take_2}, {"else", take_3}, {NULL, NULL}};
    static const char *const words[] = {"high", "low", "rise", "fall", "on", "off", "change", NULL};
    unsigned here = steps->count, index;
    struct step *step = add(steps, STEP_WAIT_POINT);
    struct parts parts = {{NULL}};

    fields_read(steps->fields, value, keys, &parts);
    if (has(steps, value, parts.part[0], "point")) {
        check_point(steps, parts.part[0], POINT_WATCHED);
    }
    if (!has(steps, value, parts.part[1], "for")) {
    } else if (field_is_template(parts.part[1])) {
        steps_file_check_template(steps, parts.part[1]);
    } else {
        field_word(steps->fields, parts.part[1], words, &index);
    }
    if (parts.part[2] != NULL) {
        check_duration(steps, parts.part[2], 1);
    } else if (parts.part[3] != NULL) {
        key_error(steps->fields, parts.part[3], "without a timeout it is never done");
    }
    for (unsigned i = 0; i < 3; i++) {
        step->argument[i] = keep(steps, parts.part[i]);
    }
    read_else(steps, parts.part[3], here);
}

static void read_wait_temperature(struct steps_file *steps, const struct node *value)
{
    static const struct field keys[] = {
        {"temperature", take_0}, {"timeout", take_1}, {"else", take_2}, {NULL, NULL}};
    struct parts parts = {{NULL}};
    unsigned here = steps->count;

    add(steps, STEP_WAIT);
    fields_read(steps->fields, value, keys, &parts);
    steps_file_check_temperature(steps->fields, parts.part[0]);
    if (parts.part[1] != NULL) {
        check_duration(steps, parts.part[1], 1);
    }
    read_else(steps, parts.part[2], here);
    node_not_yet(steps->fields, parts.part[0]);
}

static void read_wait(struct steps_file *steps, const struct node *value)
{
    if (node_is(value, "motion")) {
        add(steps, STEP_WAIT_MOTION);
    } else if (node_get(value, "temperature") != NULL) {
        read_wait_temperature(steps, value);
    } else if (value->kind == NODE_MAP) {
        read_wait_for(steps, value);
    } else if (value->kind == NODE_LIST || value->text.length == 0 ||
               text_is_letter(value->text.data[0])) {
        node_unexpected(steps->fields, value,
                        "a duration (200ms, 1.5s, 10min, 2h), motion or a mapping with point");
    } else {
        struct step *step = add(steps, STEP_WAIT);

        check_duration(steps, value, 0);
        step->argument[0] = keep(steps, value);
    }
}

static void read_report(struct steps_file *steps, const struct node *value)
{
    static const char *const later[] = {"psu", "print", "estop", "filament"};
    struct step *step = add(steps, STEP_REPORT);

    step->argument[0] = keep(steps, value);
    if (node_is(value, "points")) {
        return;
    }
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        if (node_is(value, later[i]) &&
            settings_point(steps->fields->settings, value->text) == POINT_NONE) {
            node_error(steps->fields, value, "%s: not in this version", later[i]);
            return;
        }
    }
    check_point(steps, value, POINT_NAMED);
}

static void read_notify(struct steps_file *steps, const struct node *value)
{
    read_text(steps, value, STEP_SAY);
    node_not_yet(steps->fields, value);
}

static void take_switch(const struct fields *fields, const struct node *value, void *target)
{
    bool on;

    (void)target;
    field_switch(fields, value, &on);
}

static void take_duration(const struct fields *fields, const struct node *value, void *target)
{
    int64_t ms;

    (void)target;
    field_duration(fields, value, 0, LONGEST_MS, &ms);
}

static void take_cool(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"cool", NULL};
    unsigned index;

    (void)target;
    field_word(fields, value, words, &index);
}

static void read_power(struct steps_file *steps, const struct node *value)
{
    static const struct field keys[] = {
        {"off", take_switch}, {"after", take_duration}, {"when", take_cool}, {NULL, NULL}};
    bool on;

    if (value->kind == NODE_MAP) {
        fields_read(steps->fields, value, keys, NULL);
    } else {
        field_switch(steps->fields, value, &on);
    }
    node_not_yet(steps->fields, value);
}

static void read_run(struct steps_file *steps, const struct node *value)
{
    static const struct field keys[] = {
        {"program", take_0}, {"args", take_1}, {"timeout", take_duration}, {NULL, NULL}};
    struct parts parts = {{NULL}};
    struct span text;

    if (fields_read(steps->fields, value, keys, &parts)) {
        if (has(steps, value, parts.part[0], "program")) {
            field_text(steps->fields, parts.part[0], &text);
        }
        if (parts.part[1] != NULL && field_is_list(steps->fields, parts.part[1])) {
            for (const struct node *one = parts.part[1]->first; one != NULL; one = one->next) {
                if (field_text(steps->fields, one, &text)) {
                    steps_file_check_template(steps, one);
                }
            }
        }
    }
    node_not_yet(steps->fields, value);
}

static void read_filament(struct steps_file *steps, const struct node *value)
{
    static const char *const words[] = {"on", "off", "rearm", NULL};
    unsigned index;

    field_word(steps->fields, value, words, &index);
    node_not_yet(steps->fields, value);
}

static void read_mark(struct steps_file *steps, const struct node *value)
{
    static const char *const words[] = {"started",  "paused",    "resumed",
                                        "finished", "cancelled", NULL};
    unsigned index;

    field_word(steps->fields, value, words, &index);
    node_not_yet(steps->fields, value);
}

static void read_reset(struct steps_file *steps, const struct node *value)
{
    static const char *const words[] = {"estop", NULL};
    unsigned index;

    field_word(steps->fields, value, words, &index);
    node_not_yet(steps->fields, value);
}

/* Bare steps: `value` is the word itself. */
static void read_forward(struct steps_file *steps, const struct node *value)
{
    if (!steps->gcode) {
        node_error(steps->fields, value, "only a gcode rule has a line to forward");
    }
    steps->forwards++;
    add(steps, STEP_FORWARD);
}

static void read_later(struct steps_file *steps, const struct node *value)
{
    add(steps, STEP_FORWARD);
    node_not_yet(steps->fields, value);
}

static const struct {
    const char *name;
    bool bare; /* stands alone, without a value */
    void (*read)(struct steps_file *steps, const struct node *value);
} words[] = {
    {"cancel", true, read_later},       {"estop", true, read_later},
    {"filament", false, read_filament}, {"forward", true, read_forward},
    {"mark", false, read_mark},         {"notify", false, read_notify},
    {"pause", true, read_later},        {"power", false, read_power},
    {"pulse", false, read_pulse},       {"report", false, read_report},
    {"reset", false, read_reset},       {"resume", true, read_later},
    {"run", false, read_run},           {"say", false, read_say},
    {"send", false, read_send},         {"set", false, read_set},
    {"start", true, read_later},        {"toggle", false, read_toggle},
    {"wait", false, read_wait},
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static void tell_unknown(const struct steps_file *steps, const struct node *node, struct span word)
{
    const char *names[WORDS + 1];
    const char *nearest;

    for (size_t i = 0; i < WORDS; i++) {
        names[i] = words[i].name;
    }
    names[WORDS] = NULL;
    nearest = text_nearest(word, names);
    if (nearest == NULL) {
        key_error(steps->fields, node, "'%.*s' is no step", (int)word.length, word.data);
    } else {
        key_error(steps->fields, node, "'%.*s' is no step (did you mean %s?)", (int)word.length,
                  word.data, nearest);
    }
}

static void read_step(struct steps_file *steps, const struct node *node)
{
    bool bare = node->kind == NODE_SCALAR;
    const struct node *value = bare ? node : node->first;
    struct span word;

    if (node->kind == NODE_LIST || node->count != (bare ? 0 : 1)) {
        if (node->kind == NODE_MAP) {
            node_error(steps->fields, node, "expected one step, got %u in one list item",
                       node->count);
        } else {
            node_unexpected(steps->fields, node, "a step");
        }
        return;
    }
    word = bare ? node->text : value->key->text;
    for (size_t i = 0; i < WORDS; i++) {
        if (!span_equal(word, span_of(words[i].name))) {
            continue;
        }
        if (words[i].bare && !bare) {
            key_error(steps->fields, value, "stands alone: - %s", words[i].name);
        } else if (bare && !words[i].bare) {
            node_error(steps->fields, node, "%s needs a value: - %s: …", words[i].name,
                       words[i].name);
        } else {
            words[i].read(steps, value);
        }
        return;
    }
    tell_unknown(steps, value, word);
}

void steps_file_read(struct steps_file *steps, const struct node *list)
{
    if (!field_is_list(steps->fields, list)) {
        return;
    }
    for (const struct node *node = list->first; node != NULL; node = node->next) {
        read_step(steps, node);
    }
}
