/*
 * What a client of the control socket may ask, and what it is answered.
 *
 * {"command": WORD, …} is answered by {"ok": true, …} or {"ok": false, "code": CODE, "error": …};
 * CODE is usage, refused or unknown. The words and their other members:
 *
 *     status                           "status": the object of `sioctl --json status`
 *     points                           "points": the array of `sioctl --json points`
 *     get       point                  "state": on, off, unknown; "value"
 *     set       point, state           on, off, or N%; answered when the board has confirmed it
 *     pulse     point, duration        "200ms"
 *     send      line                   to the printer, in order
 *     psu       state, force           on, off, answered when that is done; force (true): off also
 *                                      in a print; without a state, or `state`: "state" as it is
 *     continue                         ends the wait of the stream
 *     watch                            then one event a line
 *     log       lines                  "lines": the last ones
 *     sim       target, action         printer or board: unplug …; a point: on, off
 *     record                           then the bytes of a recording, until the client shuts down
 *     reload                           reads the config again
 */
#pragma once

#include <jansson.h>

#include "daemon/control.h"

void command_run(struct control_client *client, json_t *object);
