/*
 * The config's `points:` to settings, each with what its type can have.
 *
 * Follows the original board firmware where it warns: its boot drives outputs low.
 */
#pragma once

#include "load/fields.h"

/* Reads the mapping of points into fields->settings. A point with mistakes is named all the same.
 */
void points_file_read(const struct fields *fields, const struct node *points);
/* Tells of points that switch by themselves when the board boots. Needs the board's port. */
void points_file_warn(const struct fields *fields, const struct node *points);
