/*
 * What the audit knows of a script's commands: their serials, and whose a command without one is.
 */
#pragma once

#include "audit.h"

/* The serial in a command of the print that runs, 0 none. */
uint32_t audit_serial(const struct audit *audit, struct span command);
/* Is this the very command of that serial, or what a rule makes of it? */
bool audit_is_given(const struct audit *audit, struct span command, uint32_t serial);
bool audit_is_motion(struct span command);
/* What the core or a host sends without a serial. */
bool audit_is_ours(struct span command);
/* What the simulated host says by itself besides. */
bool audit_is_of_host(struct span command);
/* Of an event, `gcode M42 done M42 Plight S1 K12.`: the command behind rule and outcome. */
struct span audit_told_command(struct span text);
