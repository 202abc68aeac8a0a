/*
 * The config's tree to settings: every key checked, defaults filled in.
 *
 * Knows the config file's vocabulary but that of `points` (points_file.h) and of the machine
 * (machine_file.h). Opens nothing: whether a port or group exists is the daemon's to find out.
 */
#pragma once

#include "load/fields.h"

/*
 * Reads `root` (NULL: an empty file) into fields->settings, which is zeroed before. `file` is the
 * config's name as given, `state_directory` what the environment calls $STATE_DIRECTORY, or NULL.
 * Mistakes are told.
 */
void settings_file_read(const struct fields *fields, const struct node *root, const char *file,
                        const char *state_directory);
