/*
 * What stands under `when:` and `if:` in a rule file.
 *
 * Conditions on a line's parameters become struct condition; what this version cannot watch is
 * checked for its form and refused.
 */
#pragma once

#include "load/fields.h"
#include "route/ruleset.h"

#define CONDITIONS_MAX 64

/* A `when:` (or `until:`). The pattern or word of `gcode`, NULL if it is another one: told. */
const struct node *conditions_file_when(const struct fields *fields, const struct node *when);

/*
 * The conditions of `if:`. Names are letters, or one of `captures`. Texts and the conditions are put
 * into the fields' arena.
 */
void conditions_file_if(const struct fields *fields, const struct node *map,
                        const struct span *capture, unsigned captures, struct rule *rule);
