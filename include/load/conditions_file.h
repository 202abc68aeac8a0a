/*
 * What stands under `if:` in a rule file, to conditions.
 */
#pragma once

#include "load/fields.h"
#include "route/ruleset.h"

#define CONDITIONS_MAX 64

/*
 * Names of parameters are letters (if `gcode`), or one of `captures`. Texts and the conditions are
 * put into the fields' arena. Mistakes are told.
 */
void conditions_file_if(const struct fields *fields, const struct node *map, bool gcode,
                        const struct span *capture, unsigned captures, struct rule *rule);
