#include <string.h>

#include "load/steps_parts.h"
#include "load/when_file.h"

#define RUN_ARGUMENTS 32

void steps_read_report(struct steps_file *steps, const struct node *value)
{
    static const char *const states[] = {"psu", "PS:", "print", "estop", "filament"};
    struct step *step = steps_add(steps, STEP_REPORT);

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (node_is(value, states[i])) {
            step->argument[1] = steps_keep(steps, value);
            return;
        }
    }
    step->argument[0] = steps_keep(steps, value);
    if (!node_is(value, "points")) {
        steps_check_point(steps, value, POINT_NAMED);
    }
}

void steps_read_notify(struct steps_file *steps, const struct node *value)
{
    steps_read_text(steps, value, STEP_NOTIFY);
}

static void need(struct steps_file *steps, const struct node *node, enum steps_need need)
{
    if (steps->need[need] == NULL) {
        steps->need[need] = node;
    }
}

/* One of the words, kept as it stands in the table; a template may become one. */
static void read_word(struct steps_file *steps, const struct node *value, enum step_kind kind,
                      const char *const *words)
{
    struct step *step = steps_add(steps, kind);
    unsigned index;

    if (field_is_template(value)) {
        steps_file_check_template(steps, value);
        step->argument[0] = steps_keep(steps, value);
    } else if (field_word(steps->fields, value, words, &index)) {
        step->argument[0] = span_of(words[index]);
    }
}

/* `{off: true, after: 60s, when: cool}` */
static void read_power_off(struct steps_file *steps, const struct node *value, struct step *step)
{
    static const struct field keys[] = {
        {"off", steps_take_0}, {"after", steps_take_1}, {"when", steps_take_2}, {NULL, NULL}};
    static const char *const cool[] = {"cool", NULL};
    struct step_parts parts = {{NULL}};
    unsigned index;
    bool off = true;

    fields_read(steps->fields, value, keys, &parts);
    if (steps_has(steps, value, parts.part[0], "off")) {
        field_switch(steps->fields, parts.part[0], &off);
    }
    if (!off) {
        node_error(steps->fields, parts.part[0], "expected true: power: on switches on");
    }
    step->argument[0] = SPAN("off");
    if (parts.part[1] != NULL) {
        steps_check_duration(steps, parts.part[1], 0);
        step->argument[1] = steps_keep(steps, parts.part[1]);
    }
    if (parts.part[2] != NULL && field_word(steps->fields, parts.part[2], cool, &index)) {
        step->argument[2] = SPAN("cool");
    }
}

void steps_read_power(struct steps_file *steps, const struct node *value)
{
    struct step *step = steps_add(steps, STEP_POWER);
    bool on;

    if (value->kind == NODE_MAP) {
        read_power_off(steps, value, step);
    } else if (field_switch(steps->fields, value, &on)) {
        step->argument[0] = on ? SPAN("on") : SPAN("off");
    }
    need(steps, value, STEPS_NEED_PSU);
}

static void check_program(const struct steps_file *steps, const struct node *node)
{
    const struct settings *settings = steps->fields->settings;
    const char *names[SETTINGS_PROGRAMS + 1];
    const char *nearest;
    struct span name;

    if (!field_text(steps->fields, node, &name)) {
        return;
    }
    for (unsigned i = 0; i < settings->programs; i++) {
        if (span_equal(name, span_of(settings->program[i].name))) {
            return;
        }
        names[i] = settings->program[i].name;
    }
    names[settings->programs] = NULL;
    nearest = text_nearest(name, names);
    if (nearest == NULL) {
        node_error(steps->fields, node, "no program '%s' in the config's programs", name.data);
    } else {
        node_error(steps->fields, node, "no program '%s' (did you mean %s?)", name.data, nearest);
    }
}

/* All arguments in one text, each with a NUL behind it. */
static struct span keep_arguments(struct steps_file *steps, const struct node *list)
{
    char *bytes, *end;
    size_t length = 0;
    bool right = true;
    struct span one;

    if (!field_is_list(steps->fields, list)) {
        return SPAN_NONE;
    }
    if (list->count > RUN_ARGUMENTS) {
        node_error(steps->fields, list, "%u arguments, at most %d", list->count, RUN_ARGUMENTS);
        return SPAN_NONE;
    }
    for (const struct node *node = list->first; node != NULL; node = node->next) {
        right = field_text(steps->fields, node, &one) && right;
        steps_file_check_template(steps, node);
        length += node->text.length + 1;
    }
    if (!right) {
        return SPAN_NONE;
    }
    end = bytes = arena_take(steps->fields->arena, length + 1);
    for (const struct node *node = list->first; node != NULL; node = node->next) {
        memcpy(end, node->text.data, node->text.length);
        end += node->text.length + 1; /* what was taken is zeroed */
    }
    steps->text += length;
    return (struct span){bytes, length};
}

void steps_read_run(struct steps_file *steps, const struct node *value)
{
    static const struct field keys[] = {
        {"program", steps_take_0}, {"args", steps_take_1}, {"timeout", steps_take_2}, {NULL, NULL}};
    struct step *step = steps_add(steps, STEP_RUN);
    struct step_parts parts = {{NULL}};

    if (fields_read(steps->fields, value, keys, &parts)) {
        if (steps_has(steps, value, parts.part[0], "program")) {
            check_program(steps, parts.part[0]);
            step->argument[0] = steps_keep(steps, parts.part[0]);
        }
        if (parts.part[1] != NULL) {
            step->argument[1] = keep_arguments(steps, parts.part[1]);
        }
        if (parts.part[2] != NULL) {
            steps_check_duration(steps, parts.part[2], 1);
            step->argument[2] = steps_keep(steps, parts.part[2]);
        }
    }
}

void steps_read_filament(struct steps_file *steps, const struct node *value)
{
    static const char *const words[] = {"on", "off", "rearm", NULL};

    read_word(steps, value, STEP_FILAMENT, words);
    need(steps, value, STEPS_NEED_FILAMENT);
}

void steps_read_mark(struct steps_file *steps, const struct node *value)
{
    static const char *const words[] = {"started",  "paused",    "resumed",
                                        "finished", "cancelled", NULL};

    read_word(steps, value, STEP_MARK, words);
}

void steps_read_reset(struct steps_file *steps, const struct node *value)
{
    static const char *const words[] = {"estop", NULL};

    read_word(steps, value, STEP_RESET, words);
    need(steps, value, STEPS_NEED_ESTOP);
}
