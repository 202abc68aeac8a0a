/*
 * What stands under `when:` and `until:` in a rule file, to struct when.
 *
 * Patterns (`gcode`, `reply`) are left to the caller, who owns the ruleset they belong to.
 */
#pragma once

#include "load/fields.h"
#include "route/when.h"

#define LONGEST_MS (INT64_C(1000) * 24 * 60 * 60 * 1000)

/*
 * Reads `node`; mistakes are told. False if there is one, and nothing is set then. *ret_subject is
 * the value of `gcode`, `reply`, `point` and so on: where messages about it belong.
 */
bool when_file_read(const struct fields *fields, const struct node *node, bool until,
                    struct when *ret_when, const struct node **ret_subject);
