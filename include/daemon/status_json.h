/*
 * What the core knows as the JSON that `sioctl --json` prints: status, points, events.
 */
#pragma once

#include <jansson.h>

#include "daemon/service.h"

json_t *status_json(const struct service *service);
json_t *status_json_points(const struct service *service); /* an array */
json_t *status_json_event(const struct event *event);
