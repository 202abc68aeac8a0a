/*
 * The daemon's answers as people read them.
 */
#pragma once

#include <jansson.h>

void show_status(json_t *status);
void show_points(json_t *points);
void show_event(json_t *event); /* one line */
