/*
 * What stands under `do:` in a rule file, to steps.
 *
 * Knows the whole vocabulary of the language.
 */
#pragma once

#include "load/fields.h"
#include "route/step.h"

/* As a plan copies them; set counts one for each point, else counts its steps. */
#define STEPS_MAX      16
#define STEPS_TEXT_MAX 1024

/* What steps can only do if the config has it. */
enum steps_need { STEPS_NEED_PSU, STEPS_NEED_FILAMENT, STEPS_NEED_ESTOP };
#define STEPS_NEEDS 3

/* The steps of one rule as they are read. */
struct steps_file {
    const struct fields *fields;
    bool gcode;                         /* parameters can be filled in, a line can be forwarded */
    struct span capture[STEP_CAPTURES]; /* names that the rule's pattern captures */
    unsigned captures;
    struct step step[STEPS_MAX], surplus;
    unsigned count;    /* may exceed STEPS_MAX: told at the end */
    unsigned forwards; /* `forward` steps among them */
    size_t text;       /* bytes of `say`, `send`, `notify` and of what `run` passes */
    const struct node *need[STEPS_NEEDS]; /* the first step that needs it */
};

/* Appends the steps of a list; texts are copied into the fields' arena. Mistakes are told. */
void steps_file_read(struct steps_file *steps, const struct node *list);
/* Every `${…}` in a text is well formed and has a name that can have a value. */
void steps_file_check_template(const struct steps_file *steps, const struct node *node);
