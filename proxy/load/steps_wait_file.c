#include "load/steps_parts.h"

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

static void check_timeout(const struct steps_file *steps, const struct node *timeout,
                          const struct node *otherwise)
{
    if (timeout != NULL) {
        steps_check_duration(steps, timeout, 1);
    } else if (otherwise != NULL) {
        key_error(steps->fields, otherwise, "without a timeout it is never done");
    }
}

static void check_comparison(const struct fields *fields, const struct node *node)
{
    enum when_comparison comparison;
    int32_t threshold;

    if (node->kind != NODE_SCALAR || !when_comparison_read(node->text, &comparison, &threshold)) {
        node_unexpected(fields, node, "a comparison like '>= 50C'");
    }
}

/* Either half may be a template. */
static void check_temperature(const struct steps_file *steps, const struct node *node)
{
    struct field_temperature temperature;
    uint8_t index;
    char heater;

    if (!field_is_template(node->key) && !field_is_template(node)) {
        field_temperature(steps->fields, node, &temperature);
        return;
    }
    if (field_is_template(node->key)) {
        steps_file_check_template(steps, node->key);
    } else {
        field_heater(steps->fields, node->key, &heater, &index);
    }
    if (field_is_template(node)) {
        steps_file_check_template(steps, node);
    } else {
        check_comparison(steps->fields, node);
    }
}

static void read_wait_for(struct steps_file *steps, const struct node *value)
{
    static const struct field keys[] = {{"point", steps_take_0},
                                        {"for", steps_take_1},
                                        {"timeout", steps_take_2},
                                        {"else", steps_take_3},
                                        {NULL, NULL}};
    static const char *const words[] = {"high", "low", "rise", "fall", "on", "off", "change", NULL};
    unsigned here = steps->count, index;
    struct step *step = steps_add(steps, STEP_WAIT_POINT);
    struct step_parts parts = {{NULL}};

    fields_read(steps->fields, value, keys, &parts);
    if (steps_has(steps, value, parts.part[0], "point")) {
        steps_check_point(steps, parts.part[0], POINT_WATCHED);
    }
    if (!steps_has(steps, value, parts.part[1], "for")) {
    } else if (field_is_template(parts.part[1])) {
        steps_file_check_template(steps, parts.part[1]);
    } else {
        field_word(steps->fields, parts.part[1], words, &index);
    }
    check_timeout(steps, parts.part[2], parts.part[3]);
    for (unsigned i = 0; i < 3; i++) {
        step->argument[i] = steps_keep(steps, parts.part[i]);
    }
    read_else(steps, parts.part[3], here);
}

static void read_wait_temperature(struct steps_file *steps, const struct node *value)
{
    static const struct field keys[] = {{"temperature", steps_take_0},
                                        {"timeout", steps_take_1},
                                        {"else", steps_take_2},
                                        {NULL, NULL}};
    struct step_parts parts = {{NULL}};
    unsigned here = steps->count;
    struct step *step = steps_add(steps, STEP_WAIT_TEMPERATURE);
    const struct node *map;

    fields_read(steps->fields, value, keys, &parts);
    map = parts.part[0];
    if (field_is_map(steps->fields, map) && map->count != 1) {
        node_error(steps->fields, map, "expected one heater or point, got %u", map->count);
    } else if (map->kind == NODE_MAP) {
        check_temperature(steps, map->first);
        step->argument[0] = steps_keep(steps, map->first->key);
        step->argument[1] = steps_keep(steps, map->first);
    }
    step->argument[2] = steps_keep(steps, parts.part[1]);
    check_timeout(steps, parts.part[1], parts.part[2]);
    read_else(steps, parts.part[2], here);
}

void steps_read_wait(struct steps_file *steps, const struct node *value)
{
    if (node_is(value, "motion")) {
        steps_add(steps, STEP_WAIT_MOTION);
    } else if (node_get(value, "temperature") != NULL) {
        read_wait_temperature(steps, value);
    } else if (value->kind == NODE_MAP) {
        read_wait_for(steps, value);
    } else if (value->kind == NODE_LIST || value->text.length == 0 ||
               text_is_letter(value->text.data[0])) {
        node_unexpected(steps->fields, value,
                        "a duration (200ms, 1.5s, 10min, 2h), motion or a mapping with point");
    } else {
        struct step *step = steps_add(steps, STEP_WAIT);

        steps_check_duration(steps, value, 0);
        step->argument[0] = steps_keep(steps, value);
    }
}
