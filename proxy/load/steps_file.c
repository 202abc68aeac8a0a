#include "load/steps_parts.h"

#include <string.h>

#include "load/when_file.h"

struct span steps_keep(const struct steps_file *steps, const struct node *node)
{
    return node == NULL ? SPAN_NONE : arena_copy(steps->fields->arena, node->text);
}

struct step *steps_add(struct steps_file *steps, enum step_kind kind)
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
                       "expected ${NAME}, ${NAME:-default}, ${NAME:+text} or ${NAME:?text} ($${ is "
                       "a plain ${)");
            return;
        }
        known = steps->gcode && placeholder.name.length == 1;
        for (unsigned i = 0; i < steps->captures; i++) {
            known = known || span_equal(placeholder.name, steps->capture[i]);
        }
        if (!known) {
            node_error(steps->fields, node, "${%.*s}: expected %sthe name of a capture",
                       (int)placeholder.name.length, placeholder.name.data,
                       steps->gcode ? "a parameter's letter or " : "");
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

void steps_check_point(const struct steps_file *steps, const struct node *node, enum point_use use)
{
    uint8_t point;

    if (field_is_template(node)) {
        steps_file_check_template(steps, node);
    } else {
        field_point(steps->fields, node, use, &point);
    }
}

void steps_check_duration(const struct steps_file *steps, const struct node *node, int64_t least)
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
        struct step *step = steps_add(steps, STEP_SET);

        steps_check_point(steps, child->key, POINT_SWITCHED);
        check_value(steps, child, child->key->text);
        step->argument[0] = steps_keep(steps, child->key);
        step->argument[1] = steps_keep(steps, child);
    }
}

static void read_toggle(struct steps_file *steps, const struct node *value)
{
    struct step *step = steps_add(steps, STEP_TOGGLE);

    steps_check_point(steps, value, POINT_SWITCHED);
    step->argument[0] = steps_keep(steps, value);
}

void steps_take_0(const struct fields *fields, const struct node *value, void *target)
{
    struct step_parts *parts = target;

    (void)fields;
    parts->part[0] = value;
}

void steps_take_1(const struct fields *fields, const struct node *value, void *target)
{
    struct step_parts *parts = target;

    (void)fields;
    parts->part[1] = value;
}

void steps_take_2(const struct fields *fields, const struct node *value, void *target)
{
    struct step_parts *parts = target;

    (void)fields;
    parts->part[2] = value;
}

void steps_take_3(const struct fields *fields, const struct node *value, void *target)
{
    struct step_parts *parts = target;

    (void)fields;
    parts->part[3] = value;
}

bool steps_has(const struct steps_file *steps, const struct node *map, const struct node *part,
               const char *name)
{
    if (part == NULL) {
        key_error(steps->fields, map, "%s is missing", name);
    }
    return part != NULL;
}

static void read_pulse(struct steps_file *steps, const struct node *value)
{
    static const struct field keys[] = {{"point", steps_take_0},
                                        {"for", steps_take_1},
                                        {"times", steps_take_2},
                                        {"every", steps_take_3},
                                        {NULL, NULL}};
    struct step *step = steps_add(steps, STEP_PULSE);
    struct step_parts parts = {{NULL}};
    int64_t times, length_ms = 0, every_ms = 0;

    if (!fields_read(steps->fields, value, keys, &parts)) {
        return;
    }
    if (steps_has(steps, value, parts.part[0], "point")) {
        steps_check_point(steps, parts.part[0], POINT_SWITCHED);
    }
    if (steps_has(steps, value, parts.part[1], "for")) {
        steps_check_duration(steps, parts.part[1], 1);
        text_duration(parts.part[1]->text, &length_ms);
    }
    if (parts.part[2] != NULL && field_is_template(parts.part[2])) {
        steps_file_check_template(steps, parts.part[2]);
    } else if (parts.part[2] != NULL) {
        field_integer(steps->fields, parts.part[2], 1, 1000, &times);
    }
    if (parts.part[3] != NULL) {
        steps_check_duration(steps, parts.part[3], 1);
        if (text_duration(parts.part[3]->text, &every_ms) && every_ms <= length_ms) {
            node_error(steps->fields, parts.part[3], "must be longer than for");
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        step->argument[i] = steps_keep(steps, parts.part[i]);
    }
}

void steps_read_text(struct steps_file *steps, const struct node *value, enum step_kind kind)
{
    struct step *step = steps_add(steps, kind);
    struct span text;

    if (!field_text(steps->fields, value, &text)) {
        return;
    }
    steps_file_check_template(steps, value);
    steps->text += text.length;
    step->argument[0] = steps_keep(steps, value);
}

static void read_send(struct steps_file *steps, const struct node *value)
{
    steps_read_text(steps, value, STEP_SEND);
}

static void read_say(struct steps_file *steps, const struct node *value)
{
    steps_read_text(steps, value, STEP_SAY);
}

/* Bare steps: `value` is the word itself. */
static void read_forward(struct steps_file *steps, const struct node *value)
{
    if (!steps->gcode) {
        node_error(steps->fields, value, "only a gcode rule has a line to forward");
    }
    steps->forwards++;
    steps_add(steps, STEP_FORWARD);
}

/* Steps that are their word and nothing else. */
static void read_bare(struct steps_file *steps, const struct node *value)
{
    static const struct {
        const char *name;
        enum step_kind kind;
    } bare[] = {
        {"pause", STEP_PAUSE}, {"resume", STEP_RESUME}, {"cancel", STEP_CANCEL},
        {"start", STEP_START}, {"estop", STEP_TRIP},
    };

    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
        if (span_equal(value->text, span_of(bare[i].name))) {
            steps_add(steps, bare[i].kind);
        }
    }
}

static const struct {
    const char *name;
    bool bare; /* stands alone, without a value */
    void (*read)(struct steps_file *steps, const struct node *value);
} words[] = {
    {"cancel", true, read_bare},
    {"estop", true, read_bare},
    {"filament", false, steps_read_filament},
    {"forward", true, read_forward},
    {"mark", false, steps_read_mark},
    {"notify", false, steps_read_notify},
    {"pause", true, read_bare},
    {"power", false, steps_read_power},
    {"pulse", false, read_pulse},
    {"report", false, steps_read_report},
    {"reset", false, steps_read_reset},
    {"resume", true, read_bare},
    {"run", false, steps_read_run},
    {"say", false, read_say},
    {"send", false, read_send},
    {"set", false, read_set},
    {"start", true, read_bare},
    {"toggle", false, read_toggle},
    {"wait", false, steps_read_wait},
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
