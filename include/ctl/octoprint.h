/*
 * What to enter into OctoPrint so that it works with a sioproxy: ports, GCODE scripts, custom
 * controls.
 *
 * Made of what the daemon says of itself; without one, what is true of any. Facts about OctoPrint
 * 1.11: additional ports are globs, blacklisted ones fnmatch patterns; a custom control is greyed
 * out while it prints unless `enabled` says otherwise; a control with a `regex` shows what lines
 * that match it say.
 */
#pragma once

#include <jansson.h>

/*
 * {"additional_ports": […], "blacklisted_ports": […], "scripts": {name: line}, "controls": […]}.
 * `status` and `points` as the daemon gives them, NULL if none answers; `name` as -n names it, or
 * NULL.
 */
json_t *octoprint_make(json_t *status, json_t *points, const char *name);
/* The same for people, to be copied. */
void octoprint_show(json_t *octoprint);
