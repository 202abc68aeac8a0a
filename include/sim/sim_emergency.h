/*
 * Watches bytes as they arrive for the few commands that may not wait in a queue.
 *
 * Knows nothing of lines that are queued. Follows Marlin/src/feature/e_parser.h: a code is
 * recognised at the start of a line only, after a number and blanks; what follows `M112` up to
 * the line end does not matter, so `M1120` kills too; and it acts at the line end.
 */
#pragma once

#include "base/text.h"

enum sim_emergency_code {
    SIM_EMERGENCY_NONE,
    SIM_EMERGENCY_M108,
    SIM_EMERGENCY_M112,
    SIM_EMERGENCY_M410,
    SIM_EMERGENCY_M876, /* the digit behind S in `digit` */
    SIM_EMERGENCY_KILL, /* `KILL` or `^X`: a reset, even of a halted printer */
};

/* Zeroed it is ready. */
struct sim_emergency {
    uint8_t state;
    uint8_t digit; /* of the last M876 S<digit> */
};

/* Takes one byte; tells the code whose line it ended. */
enum sim_emergency_code sim_emergency_take(struct sim_emergency *parser, char byte);
/* How many of the first bytes mean nothing to it: they need not be taken. */
size_t sim_emergency_ignores(const struct sim_emergency *parser, struct span bytes);
