/*
 * What the config file may say but this version cannot do yet: checked for its form, then refused.
 *
 * A configured button that does nothing is worse than none.
 */
#pragma once

#include "load/fields.h"

/* `psu`, `estop`, `filament`, `programs`, `record`; `target` is unused. */
void later_psu(const struct fields *fields, const struct node *value, void *target);
void later_estop(const struct fields *fields, const struct node *value, void *target);
void later_filament(const struct fields *fields, const struct node *value, void *target);
void later_programs(const struct fields *fields, const struct node *value, void *target);
void later_record(const struct fields *fields, const struct node *value, void *target);
