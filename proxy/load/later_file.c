#include "load/later_file.h"

#define DAY_MS INT64_C(86400000)

static void word_of(const struct fields *fields, const struct node *value, const char *const *words)
{
    unsigned index;

    field_word(fields, value, words, &index);
}

static void read_input(const struct fields *fields, const struct node *value, void *target)
{
    uint8_t point;

    (void)target;
    field_point(fields, value, POINT_WATCHED, &point);
}

static void read_input_or_none(const struct fields *fields, const struct node *value, void *target)
{
    if (!node_is(value, "none")) {
        read_input(fields, value, target);
    }
}

static void read_output(const struct fields *fields, const struct node *value, void *target)
{
    uint8_t point;

    (void)target;
    field_point(fields, value, POINT_SWITCHED, &point);
}

static void read_switch(const struct fields *fields, const struct node *value, void *target)
{
    bool on;

    (void)target;
    field_switch(fields, value, &on);
}

static void read_duration(const struct fields *fields, const struct node *value, void *target)
{
    int64_t ms;

    (void)target;
    field_duration(fields, value, 0, 1000 * DAY_MS, &ms);
}

static void read_duration_or_never(const struct fields *fields, const struct node *value,
                                   void *target)
{
    if (!node_is(value, "never")) {
        read_duration(fields, value, target);
    }
}

static void read_celsius(const struct fields *fields, const struct node *value, void *target)
{
    int64_t thousandths;

    (void)target;
    field_quantity(fields, value, "C", &thousandths);
}

static void read_auto_on(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"never", "print", "command", NULL};

    (void)target;
    word_of(fields, value, words);
}

void later_psu(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"point", read_output},
        {"sense", read_input_or_none},
        {"boot", read_duration},
        {"auto_on", read_auto_on},
        {"cool_below", read_celsius},
        {"off_when_idle", read_duration_or_never},
        {NULL, NULL},
    };

    if (node_is(value, "none")) {
        return;
    }
    if (fields_read(fields, value, keys, target) && node_get(value, "point") == NULL) {
        key_error(fields, value, "point is missing");
    }
    node_not_yet(fields, value);
}

static void read_on_board_lost(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"warn", "pause", "stop", NULL};

    (void)target;
    word_of(fields, value, words);
}

static void read_on_m112(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"halt", "forward", NULL};

    (void)target;
    word_of(fields, value, words);
}

static void read_estop_point(const struct fields *fields, const struct node *value, void *target)
{
    uint8_t point;

    (void)target;
    if (field_point(fields, value, POINT_WATCHED, &point) &&
        !fields->settings->point[point].active_high) {
        node_warning(fields, value, "%s is active: low, a cut wire would look released",
                     fields->settings->point[point].name);
    }
}

void later_estop(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"point", read_estop_point}, {"reset_point", read_input_or_none},
        {"reset_dtr", read_switch},  {"on_board_lost", read_on_board_lost},
        {"on_m112", read_on_m112},   {NULL, NULL},
    };

    if (node_is(value, "none")) {
        return;
    }
    if (fields_read(fields, value, keys, target) && node_get(value, "point") == NULL) {
        key_error(fields, value, "point is missing");
    }
    if (fields->settings->printer.kind == PORT_SERIAL && fields->settings->printer.baud == 0) {
        node_warning(fields, value,
                     "with baud: follow the printer cannot be stopped before a host "
                     "has set its speed: say printer.baud");
    }
    node_not_yet(fields, value);
}

static void read_tool(const struct fields *fields, const struct node *value, void *target)
{
    int64_t tool;

    (void)target;
    field_integer(fields, value, 0, 9, &tool);
}

static void read_command(const struct fields *fields, const struct node *value, void *target)
{
    struct span text;

    (void)target;
    field_text(fields, value, &text);
}

static void read_millimetres(const struct fields *fields, const struct node *value, void *target)
{
    int64_t thousandths;

    (void)target;
    field_quantity(fields, value, "mm", &thousandths);
}

static void read_filament(const struct fields *fields, const struct node *value)
{
    static const struct field keys[] = {
        {"point", read_input},          {"tool", read_tool}, {"command", read_command},
        {"distance", read_millimetres}, {NULL, NULL},
    };

    if (fields_read(fields, value, keys, NULL) && node_get(value, "point") == NULL) {
        key_error(fields, value, "point is missing");
    }
}

void later_filament(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    if (node_is(value, "none")) {
        return;
    }
    if (value->kind == NODE_LIST) {
        for (const struct node *one = value->first; one != NULL; one = one->next) {
            read_filament(fields, one);
        }
    } else {
        read_filament(fields, value);
    }
    node_not_yet(fields, value);
}

static void read_program_path(const struct fields *fields, const struct node *value, void *target)
{
    char path[SETTINGS_PATH];

    (void)target;
    field_path(fields, value, path, sizeof(path));
}

void later_programs(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"path", read_program_path},
        {"timeout", read_duration},
        {NULL, NULL},
    };

    if (node_is(value, "none")) {
        return;
    }
    if (field_is_map(fields, value)) {
        for (const struct node *one = value->first; one != NULL; one = one->next) {
            if (fields_read(fields, one, keys, target) && node_get(one, "path") == NULL) {
                key_error(fields, one, "path is missing");
            }
        }
        if (value->first == NULL) {
            return;
        }
    }
    node_not_yet(fields, value);
}

static void read_megabytes(const struct fields *fields, const struct node *value, void *target)
{
    int64_t thousandths;

    (void)target;
    field_quantity(fields, value, "MB", &thousandths);
}

void later_record(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"dir", read_program_path},
        {"size", read_megabytes},
        {NULL, NULL},
    };

    if (node_is(value, "none")) {
        return;
    }
    if (value->kind != NODE_MAP) {
        node_unexpected(fields, value, "none or a mapping with dir and size");
        return;
    }
    fields_read(fields, value, keys, target);
    if (node_get(value, "dir") == NULL) {
        key_error(fields, value, "dir is missing");
    }
    node_not_yet(fields, value);
}
