/*
 * What the core knows as the JSON that `sioctl --json` prints: status, points, events.
 */
#pragma once

#include <jansson.h>

#include "daemon/service.h"

json_t *status_json(const struct service *service);
json_t *status_json_points(const struct service *service); /* an array */
/*
 * What a point that has a value is: `value` 0 to 255 of a pwm point, degrees of a dht point, which
 * has `humidity` in percent, too. Null if there is none.
 */
void status_json_value(json_t *object, const struct proxy *proxy, unsigned index, int value);
json_t *status_json_event(const struct event *event);
