/*
 * The serial ports of this machine, from sysfs alone: opening one could reset what is behind it.
 */
#pragma once

#include <jansson.h>

/*
 * An array of {"port", "by_id", "product", "serial"}; the last three are null where there is none.
 * by_id is the name to put into a config: it stays when ports are numbered anew.
 */
json_t *serial_list(void);
