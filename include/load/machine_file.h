/*
 * The config's psu, estop, filament, programs and record to settings.
 *
 * What they name must be points already. Knows nothing of what they do.
 */
#pragma once

#include "load/fields.h"

/* Rows of the config's vocabulary; `target` is unused. */
void machine_file_psu(const struct fields *fields, const struct node *value, void *target);
void machine_file_estop(const struct fields *fields, const struct node *value, void *target);
void machine_file_filament(const struct fields *fields, const struct node *value, void *target);
void machine_file_programs(const struct fields *fields, const struct node *value, void *target);
void machine_file_record(const struct fields *fields, const struct node *value, void *target);
