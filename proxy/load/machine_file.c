#include "load/machine_file.h"

#include <stdio.h>

#define DAY_MS             INT64_C(86400000)
#define PROGRAM_TIMEOUT_MS 10000
#define RECORD_LEAST_MB    10 /* a few files, each with a picture of the core */
#define RECORD_USUAL_MB    100
#define RECORD_MOST_MB     100000
#define DISTANCE_MOST      100000000 /* thousandths of a millimetre */

/* A point with a task of its own is private, unless the config says otherwise. */
static void guard(const struct fields *fields, const struct node *value, uint8_t point)
{
    struct point_settings *settings = &fields->settings->point[point];
    const struct node *config = value;

    while (config != NULL && node_get(config, "points") == NULL) {
        config = config->parent;
    }
    if (node_get(node_get(node_get(config, "points"), settings->name), "private") == NULL) {
        settings->guarded = true;
    }
}

static void read_as(const struct fields *fields, const struct node *value, enum point_use use,
                    uint8_t *ret_point)
{
    if (field_point(fields, value, use, ret_point)) {
        guard(fields, value, *ret_point);
    }
}

/* 0 would be a printer that is never there in time, or goes off as soon as it is on. */
static void read_duration(const struct fields *fields, const struct node *value, int64_t *ret_ms)
{
    field_duration(fields, value, 1000, 1000 * DAY_MS, ret_ms);
}

static void read_psu_point(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    read_as(fields, value, POINT_SWITCHED, &fields->settings->psu.point);
}

static void read_sense(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    if (!node_is(value, "none")) {
        read_as(fields, value, POINT_WATCHED, &fields->settings->psu.sense);
    }
}

static void read_boot(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    read_duration(fields, value, &fields->settings->psu.boot_ms);
}

static void read_auto_on(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"never", "print", "command", NULL};
    static const enum auto_on kinds[] = {AUTO_ON_NEVER, AUTO_ON_PRINT, AUTO_ON_COMMAND};
    unsigned index;

    (void)target;
    if (field_word(fields, value, words, &index)) {
        fields->settings->psu.auto_on = kinds[index];
    }
}

static void read_cool_below(const struct fields *fields, const struct node *value, void *target)
{
    int64_t thousandths;

    (void)target;
    if (field_quantity(fields, value, "C", &thousandths)) {
        if (thousandths > 1000000) {
            node_error(fields, value, "at most 1000C");
        } else {
            fields->settings->psu.cool_below = (int32_t)thousandths;
        }
    }
}

static void read_off_when_idle(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    if (!node_is(value, "never")) {
        read_duration(fields, value, &fields->settings->psu.off_when_idle_ms);
    }
}

void machine_file_psu(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"point", read_psu_point},
        {"sense", read_sense},
        {"boot", read_boot},
        {"auto_on", read_auto_on},
        {"cool_below", read_cool_below},
        {"off_when_idle", read_off_when_idle},
        {NULL, NULL},
    };

    if (node_is(value, "none")) {
        return;
    }
    if (fields_read(fields, value, keys, target) && node_get(value, "point") == NULL) {
        key_error(fields, value, "point is missing");
    }
}

static void read_estop_point(const struct fields *fields, const struct node *value, void *target)
{
    struct settings *settings = fields->settings;

    (void)target;
    read_as(fields, value, POINT_WATCHED, &settings->estop.point);
    if (settings->estop.point != POINT_NONE &&
        !settings->point[settings->estop.point].active_high) {
        node_warning(fields, value, "%s is active: low, a cut wire would look released",
                     settings->point[settings->estop.point].name);
    }
}

static void read_reset_point(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    if (!node_is(value, "none")) {
        read_as(fields, value, POINT_WATCHED, &fields->settings->estop.reset_point);
    }
}

static void read_reset_dtr(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    field_switch(fields, value, &fields->settings->estop.reset_dtr);
}

static void read_on_board_lost(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"warn", "pause", "stop", NULL};
    static const enum on_board_lost kinds[] = {LOST_WARN, LOST_PAUSE, LOST_STOP};
    unsigned index;

    (void)target;
    if (field_word(fields, value, words, &index)) {
        fields->settings->estop.on_board_lost = kinds[index];
    }
}

static void read_on_m112(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"halt", "forward", NULL};
    unsigned index;

    (void)target;
    if (field_word(fields, value, words, &index)) {
        fields->settings->estop.m112_halts = index == 0;
    }
}

void machine_file_estop(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"point", read_estop_point},   {"reset_point", read_reset_point},
        {"reset_dtr", read_reset_dtr}, {"on_board_lost", read_on_board_lost},
        {"on_m112", read_on_m112},     {NULL, NULL},
    };
    const struct settings *settings = fields->settings;

    if (node_is(value, "none")) {
        return;
    }
    if (fields_read(fields, value, keys, target) && node_get(value, "point") == NULL) {
        key_error(fields, value, "point is missing");
    }
    if (settings->estop.reset_point != POINT_NONE &&
        settings->estop.reset_point == settings->estop.point) {
        node_error(fields, node_get(value, "reset_point"), "this is the stop button itself");
    }
    if (settings->printer.kind == PORT_SERIAL && settings->printer.baud == 0) {
        node_warning(fields, value,
                     "with baud: follow the printer cannot be stopped before a host "
                     "has set its speed: say printer.baud");
    }
}

static void read_runout(const struct fields *fields, const struct node *value, void *target)
{
    struct filament_settings *filament = target;

    read_as(fields, value, POINT_WATCHED, &filament->point);
}

static void read_tool(const struct fields *fields, const struct node *value, void *target)
{
    struct filament_settings *filament = target;
    int64_t tool;

    if (field_integer(fields, value, 0, 9, &tool)) {
        filament->tool = (uint8_t)tool;
    }
}

static void read_command(const struct fields *fields, const struct node *value, void *target)
{
    struct filament_settings *filament = target;

    if (node_is(value, "pause")) {
        filament->command[0] = '\0';
    } else if (value->kind == NODE_SCALAR &&
               (value->text.length == 0 || !text_is_letter(value->text.data[0]))) {
        node_unexpected(fields, value, "a line of G-code or pause");
    } else {
        field_string(fields, value, filament->command, sizeof(filament->command));
    }
}

static void read_distance(const struct fields *fields, const struct node *value, void *target)
{
    struct filament_settings *filament = target;
    int64_t thousandths;

    if (field_quantity(fields, value, "mm", &thousandths)) {
        if (thousandths > DISTANCE_MOST) {
            node_error(fields, value, "at most 100000mm");
        } else {
            filament->distance_um = (int32_t)thousandths;
        }
    }
}

static void read_filament(const struct fields *fields, const struct node *value)
{
    static const struct field keys[] = {
        {"point", read_runout},      {"tool", read_tool}, {"command", read_command},
        {"distance", read_distance}, {NULL, NULL},
    };
    struct filament_settings filament = {.point = POINT_NONE, .command = "M600"};
    struct settings *settings = fields->settings;

    if (!fields_read(fields, value, keys, &filament)) {
        return;
    }
    if (node_get(value, "point") == NULL) {
        key_error(fields, value, "point is missing");
    }
    if (settings->filaments == SETTINGS_FILAMENTS) {
        node_error(fields, value, "more than %d filament sensors", SETTINGS_FILAMENTS);
        return;
    }
    for (unsigned i = 0; i < settings->filaments && filament.point != POINT_NONE; i++) {
        if (settings->filament[i].point == filament.point &&
            settings->filament[i].tool == filament.tool) {
            node_error(fields, value, "%s watches the filament of tool %u already",
                       settings->point[filament.point].name, filament.tool);
        }
    }
    settings->filament[settings->filaments++] = filament;
}

void machine_file_filament(const struct fields *fields, const struct node *value, void *target)
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
}

static void read_program_path(const struct fields *fields, const struct node *value, void *target)
{
    struct program_settings *program = target;
    const char *why_not = NULL;

    if (!field_path(fields, value, program->path, sizeof(program->path))) {
        return;
    }
    if (fields->why_no_program != NULL) {
        why_not = fields->why_no_program(program->path);
    }
    if (why_not != NULL) {
        node_warning(fields, value, "%s %s", program->path, why_not); /* it may come yet */
    }
}

static void read_program_timeout(const struct fields *fields, const struct node *value,
                                 void *target)
{
    struct program_settings *program = target;

    field_duration(fields, value, 1, DAY_MS, &program->timeout_ms);
}

static void read_program(const struct fields *fields, const struct node *value)
{
    static const struct field keys[] = {
        {"path", read_program_path},
        {"timeout", read_program_timeout},
        {NULL, NULL},
    };
    struct program_settings program = {.timeout_ms = PROGRAM_TIMEOUT_MS};
    struct settings *settings = fields->settings;

    if (!field_string(fields, value->key, program.name, sizeof(program.name)) ||
        !fields_read(fields, value, keys, &program)) {
        return;
    }
    if (node_get(value, "path") == NULL) {
        key_error(fields, value, "path is missing");
    }
    if (settings->programs == SETTINGS_PROGRAMS) {
        key_error(fields, value, "more than %d programs", SETTINGS_PROGRAMS);
        return;
    }
    settings->program[settings->programs++] = program;
}

void machine_file_programs(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    if (node_is(value, "none") || !field_is_map(fields, value)) {
        return;
    }
    for (const struct node *one = value->first; one != NULL; one = one->next) {
        read_program(fields, one);
    }
}

static void read_record_dir(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    field_path(fields, value, fields->settings->record_folder,
               sizeof(fields->settings->record_folder));
}

static void read_megabytes(const struct fields *fields, const struct node *value, void *target)
{
    int64_t thousandths;

    (void)target;
    if (!field_quantity(fields, value, "MB", &thousandths)) {
        return;
    }
    if (thousandths < RECORD_LEAST_MB * 1000 || thousandths > RECORD_MOST_MB * 1000) {
        node_error(fields, value, "expected %dMB to %dMB", RECORD_LEAST_MB, RECORD_MOST_MB);
        return;
    }
    fields->settings->record_size = (uint64_t)thousandths * 1000;
}

void machine_file_record(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"dir", read_record_dir},
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
    fields->settings->record_size = RECORD_USUAL_MB * UINT64_C(1000000);
    fields_read(fields, value, keys, target);
    if (node_get(value, "dir") == NULL) {
        key_error(fields, value, "dir is missing");
    }
}
