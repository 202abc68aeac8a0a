#include "load/tests_file.h"

#include "load/when_file.h"

const char *const *rule_test_words(enum rule_test_kind kind)
{
    static const char *const print[] = {"started",  "paused", "resumed", "cancelled",
                                        "finished", "failed", NULL};
    static const char *const printer[] = {"online", "offline", "reset", "halted", NULL};
    static const char *const host[] = {"connected", "disconnected", NULL};
    static const char *const board[] = {"online", "lost", NULL};

    return kind == TEST_PRINT     ? print
           : kind == TEST_PRINTER ? printer
           : kind == TEST_HOST    ? host
           : kind == TEST_BOARD   ? board
                                  : NULL;
}

/* One test as it is read. */
struct reading {
    const struct fields *fields;
    struct rule_test_step step[RULE_TEST_STEPS_MAX], surplus;
    unsigned count, item;
    bool never;
};

/* The step just begun, or a place to throw one away if there are too many. */
static struct rule_test_step *add(struct reading *reading, const struct node *node,
                                  enum rule_test_kind kind)
{
    struct rule_test_step *step = &reading->surplus;

    if (reading->count < RULE_TEST_STEPS_MAX) {
        step = &reading->step[reading->count];
    }
    reading->count++;
    *step =
        (struct rule_test_step){.kind = kind,
                                    .never = reading->never,
                                    .line = node->place.line,
                                    .column = node->place.column,
                                    .item = reading->item};
    return step;
}

static void add_text(struct reading *reading, const struct node *node, enum rule_test_kind kind)
{
    struct span text;

    if (field_text(reading->fields, node, &text)) {
        add(reading, node, kind)->text = arena_copy(reading->fields->arena, text);
    }
}

static void add_word(struct reading *reading, const struct node *node, enum rule_test_kind kind,
                     const char *const *words)
{
    unsigned index;

    if (field_word(reading->fields, node, words, &index)) {
        add(reading, node, kind)->value = (int32_t)index;
    }
}

static void take_gcode(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    add_text(target, value, TEST_GCODE);
}

static void take_reply(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    add_text(target, value, TEST_REPLY);
}

/* Inputs and what they become, outputs and what they are to be. */
static void add_points(struct reading *reading, const struct node *map, enum rule_test_kind kind)
{
    static const char *const words[] = {"off", "on", "unknown", NULL};
    const struct fields *fields = reading->fields;

    if (!field_is_map(fields, map)) {
        return;
    }
    for (const struct node *one = map->first; one != NULL; one = one->next) {
        enum point_use use = kind == TEST_POINT ? POINT_WATCHED : POINT_NAMED;
        struct rule_test_step *step = add(reading, one, kind);
        unsigned index;

        field_point(fields, one->key, use, &step->index);
        if (kind == TEST_POINT || node_is(one, "yes") || node_is(one, "no") ||
            node_is(one, "true") || node_is(one, "false")) {
            bool on = false;

            field_switch(fields, one, &on);
            step->value = on ? POINT_ON : POINT_OFF;
        } else if (field_word(fields, one, words, &index)) {
            step->value = (int32_t)index;
        }
    }
}

static void take_point(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    add_points(target, value, TEST_POINT);
}

static void take_print(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    add_word(target, value, TEST_PRINT, rule_test_words(TEST_PRINT));
}

static void take_printer(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    add_word(target, value, TEST_PRINTER, rule_test_words(TEST_PRINTER));
}

static void take_host(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    add_word(target, value, TEST_HOST, rule_test_words(TEST_HOST));
}

static void take_board(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    add_word(target, value, TEST_BOARD, rule_test_words(TEST_BOARD));
}

static void take_temperature(const struct fields *fields, const struct node *value, void *target)
{
    struct reading *reading = target;

    if (!field_is_map(fields, value)) {
        return;
    }
    for (const struct node *one = value->first; one != NULL; one = one->next) {
        struct rule_test_step *step = add(reading, one, TEST_TEMPERATURE);
        int64_t thousandths;

        field_heater(fields, one->key, &step->heater, &step->index);
        if (field_quantity(fields, one, "C", &thousandths)) {
            if (thousandths > 2000000) {
                node_error(fields, one, "at most 2000C");
            } else {
                step->value = (int32_t)thousandths;
            }
        }
    }
}

static void take_wait(const struct fields *fields, const struct node *value, void *target)
{
    int64_t ms;

    if (field_duration(fields, value, 0, LONGEST_MS, &ms)) {
        add(target, value, TEST_WAIT)->ms = ms;
    }
}

static void expect_point(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    add_points(target, value, TEST_EXPECT_POINT);
}

static void expect_print(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"idle",      "printing", "paused", "finished",
                                        "cancelled", "failed",   NULL};

    (void)fields;
    add_word(target, value, TEST_EXPECT_PRINT, words);
}

static void expect_psu(const struct fields *fields, const struct node *value, void *target)
{
    bool on = false;

    if (field_switch(fields, value, &on)) {
        add(target, value, TEST_EXPECT_PSU)->value = on;
    }
}

/* One text, or a list of them. */
static void add_texts(struct reading *reading, const struct node *value, enum rule_test_kind kind)
{
    if (value->kind != NODE_LIST) {
        add_text(reading, value, kind);
        return;
    }
    for (const struct node *one = value->first; one != NULL; one = one->next) {
        add_text(reading, one, kind);
    }
}

static void expect_sent(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    add_texts(target, value, TEST_EXPECT_SENT);
}

static void expect_said(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    add_texts(target, value, TEST_EXPECT_SAID);
}

static void expect_ran(const struct fields *fields, const struct node *value, void *target)
{
    const char *names[SETTINGS_PROGRAMS + 1] = {NULL};
    unsigned index;

    for (unsigned i = 0; i < fields->settings->programs; i++) {
        names[i] = fields->settings->program[i].name;
    }
    if (names[0] == NULL) {
        node_error(fields, value, "the example has no programs");
    } else if (field_word(fields, value, names, &index)) {
        add(target, value, TEST_EXPECT_RAN)->index = (uint8_t)index;
    }
}

static void expect_not(const struct fields *fields, const struct node *value, void *target);

static const struct field expectations[] = {
    {"point", expect_point}, {"print", expect_print}, {"psu", expect_psu}, {"sent", expect_sent},
    {"said", expect_said},   {"ran", expect_ran},     {"not", expect_not}, {NULL, NULL},
};

static void expect_not(const struct fields *fields, const struct node *value, void *target)
{
    struct reading *reading = target;

    if (reading->never) {
        key_error(fields, value, "a not inside a not");
        return;
    }
    reading->never = true;
    fields_read(fields, value, expectations, target);
    reading->never = false;
}

static void take_expect(const struct fields *fields, const struct node *value, void *target)
{
    fields_read(fields, value, expectations, target);
}

static void read_steps(const struct fields *fields, const struct node *list, void *target)
{
    static const struct field keys[] = {
        {"gcode", take_gcode},
        {"reply", take_reply},
        {"point", take_point},
        {"print", take_print},
        {"printer", take_printer},
        {"host", take_host},
        {"board", take_board},
        {"temperature", take_temperature},
        {"wait", take_wait},
        {"expect", take_expect},
        {NULL, NULL},
    };
    struct reading *reading = target;

    if (!field_is_list(fields, list)) {
        return;
    }
    for (const struct node *node = list->first; node != NULL; node = node->next) {
        reading->item++;
        if (node->kind == NODE_MAP && node->count != 1) {
            node_error(fields, node, "expected one step, got %u in one list item", node->count);
        } else {
            fields_read(fields, node, keys, reading);
        }
    }
}

static void read_name(const struct fields *fields, const struct node *value, void *target)
{
    struct span text;

    (void)target;
    field_text(fields, value, &text);
}

static void read_test(const struct fields *fields, const struct node *node,
                      struct rule_test *ret_test)
{
    static const struct field keys[] = {{"name", read_name}, {"steps", read_steps}, {NULL, NULL}};
    struct reading *reading = arena_take(fields->arena, sizeof(*reading));
    const struct node *name = node_get(node, "name");

    reading->fields = fields;
    *ret_test = (struct rule_test){.line = node->place.line};
    if (!fields_read(fields, node, keys, reading)) {
        return;
    }
    if (name != NULL && name->kind == NODE_SCALAR) {
        ret_test->name = arena_copy(fields->arena, name->text);
    } else if (name == NULL) {
        node_error(fields, node, "name is missing");
    }
    if (node_get(node, "steps") == NULL) {
        node_error(fields, node, "steps is missing");
    }
    if (reading->count > RULE_TEST_STEPS_MAX) {
        node_error(fields, node, "%u steps, at most %d", reading->count, RULE_TEST_STEPS_MAX);
        return;
    }
    ret_test->step = reading->step;
    ret_test->steps = reading->count;
}

void tests_file_read(const struct fields *fields, const struct node *root,
                     struct rule_tests *ret_tests)
{
    const struct node *list =
        root != NULL && root->kind == NODE_MAP ? node_get(root, "tests") : NULL;
    struct rule_test *tests;
    unsigned count = 0;

    *ret_tests = (struct rule_tests){0};
    if (list == NULL || node_is_nothing(list) || !field_is_list(fields, list)) {
        return;
    }
    if (list->count > RULE_TESTS_MAX) {
        key_error(fields, list, "%u tests, at most %d", list->count, RULE_TESTS_MAX);
        return;
    }
    tests = arena_take(fields->arena, (list->count + 1) * sizeof(*tests));
    for (const struct node *node = list->first; node != NULL; node = node->next) {
        read_test(fields, node, &tests[count++]);
    }
    *ret_tests = (struct rule_tests){tests, count};
}
