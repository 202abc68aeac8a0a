/*
 * Reading the values of a configuration's tree, each mistake told with its key's path and place.
 *
 * The vocabulary of words, numbers, durations and the like that settings and rules share. Each
 * reader returns false if it has told a mistake, and leaves its ret_ untouched then.
 */
#pragma once

#include "load/yaml_tree.h"
#include "route/settings.h"
#include "route/when.h"

/* Who reads: what every reader of a file needs. */
struct fields {
    struct mistakes *mistakes;
    struct settings *settings; /* points are found here */
    const char *folder;        /* where relative paths start */
    struct span bytes;         /* the file's text */
    struct arena *arena;
    const char *(*why_no_program)(const char *path); /* of struct load_environment */
    bool example;    /* of a rule file, not a config: it may lack a printer */
};

/* "points.light.io: …" at the node. */
void node_error(const struct fields *fields, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void node_warning(const struct fields *fields, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same at the node's key. */
void key_error(const struct fields *fields, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "expected WHAT, got …" */
void node_unexpected(const struct fields *fields, const struct node *node, const char *what);
/* A word of a mapping's vocabulary, and who reads its value into `target`. */
struct field {
    const char *name;
    void (*read)(const struct fields *fields, const struct node *value, void *target);
};
/*
 * Reads the values of a mapping in the order of the table (not of the text), which ends with a row
 * without name; unknown keys are told. False if it is no mapping.
 */
bool fields_read(const struct fields *fields, const struct node *map, const struct field *table,
                 void *target);

bool field_is_map(const struct fields *fields, const struct node *node);
bool field_is_list(const struct fields *fields, const struct node *node);
/* A scalar of at least one byte, without control characters; null is none unless it is quoted. */
bool field_text(const struct fields *fields, const struct node *node, struct span *ret_text);
/* The same, copied with its NUL into a field of `capacity` bytes. */
bool field_string(const struct fields *fields, const struct node *node, char *ret_field,
                  size_t capacity);
/* A file's name, made absolute. */
bool field_path(const struct fields *fields, const struct node *node, char *ret_field,
                size_t capacity);
bool field_integer(const struct fields *fields, const struct node *node, int64_t least,
                   int64_t most, int64_t *ret_value);
/* With a unit; a plain 0 needs none. Both bounds in ms. */
bool field_duration(const struct fields *fields, const struct node *node, int64_t least,
                    int64_t most, int64_t *ret_ms);
/* A number with this unit (`mm`, `C`, `%`, `MB`), in thousandths. A plain 0 needs none. */
bool field_quantity(const struct fields *fields, const struct node *node, const char *unit,
                    int64_t *ret_thousandths);
/* on off yes no true false. */
bool field_switch(const struct fields *fields, const struct node *node, bool *ret_on);
/* One of the words (NULL at the end); its index. */
bool field_word(const struct fields *fields, const struct node *node, const char *const *words,
                unsigned *ret_index);

/* What a point is named for. */
enum point_use {
    POINT_NAMED,    /* anything */
    POINT_SWITCHED, /* an output or pwm */
    POINT_WATCHED,  /* an input */
};
/* A point by its name or number; its index. */
bool field_point(const struct fields *fields, const struct node *node, enum point_use use,
                 uint8_t *ret_point);

/* Is there a `${` in it that step_fill would fill in? */
bool field_is_template(const struct node *node);

/* A comparison with a temperature, such as `bed: '>= 50C'`. */
struct field_temperature {
    char heater;   /* 'T', 'B', 'C', or 0 for a point */
    uint8_t index; /* the tool's number, or the point */
    enum when_comparison comparison;
    int32_t threshold;
};
bool field_temperature(const struct fields *fields, const struct node *node,
                       struct field_temperature *ret_temperature);
/* The key of such a comparison alone: tool0 to tool9, bed, chamber, or a dht point. */
bool field_heater(const struct fields *fields, const struct node *key, char *ret_heater,
                  uint8_t *ret_index);
