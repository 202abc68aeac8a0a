/*
 * What the readers of single steps share: for steps_file.c and its neighbours, and nobody else.
 */
#pragma once

#include "load/steps_file.h"

/* The step just begun, or a place to throw one away if there are too many. */
struct step *steps_add(struct steps_file *steps, enum step_kind kind);
/* A scalar's text, kept in the arena; empty for NULL. */
struct span steps_keep(const struct steps_file *steps, const struct node *node);

/* A template is checked as such, anything else as a point, … */
void steps_check_point(const struct steps_file *steps, const struct node *node, enum point_use use);
/* … or as a duration of at least so many ms. */
void steps_check_duration(const struct steps_file *steps, const struct node *node, int64_t least);

/* What a step's mapping holds, by the index of its key in a table. */
struct step_parts {
    const struct node *part[4];
};
void steps_take_0(const struct fields *fields, const struct node *value, void *target);
void steps_take_1(const struct fields *fields, const struct node *value, void *target);
void steps_take_2(const struct fields *fields, const struct node *value, void *target);
void steps_take_3(const struct fields *fields, const struct node *value, void *target);
/* Tells that `name` is missing if there is no part. */
bool steps_has(const struct steps_file *steps, const struct node *map, const struct node *part,
               const char *name);

/* A step with one text. */
void steps_read_text(struct steps_file *steps, const struct node *value, enum step_kind kind);
/* Rows of the vocabulary. steps_wait_file.c: */
void steps_read_wait(struct steps_file *steps, const struct node *value);
/* steps_machine_file.c: */
void steps_read_report(struct steps_file *steps, const struct node *value);
void steps_read_notify(struct steps_file *steps, const struct node *value);
void steps_read_power(struct steps_file *steps, const struct node *value);
void steps_read_run(struct steps_file *steps, const struct node *value);
void steps_read_filament(struct steps_file *steps, const struct node *value);
void steps_read_mark(struct steps_file *steps, const struct node *value);
void steps_read_reset(struct steps_file *steps, const struct node *value);
