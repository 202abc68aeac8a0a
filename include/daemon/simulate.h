/*
 * A print file run through the whole core, with a simulated host, printer and board, in virtual
 * time.
 *
 * Nobody is there who could open a door: a wait for an input that has no timeout is ended by
 * moving that input, one for the user at the printer by answering there. Both are in the timeline.
 */
#pragma once

#include "daemon/config.h"

/*
 * Prints the timeline of a file of G-code to stdout, and how far it is to stderr. The exit status:
 * 0, 1 if the print did not come to its end, 2 if the file cannot be read.
 */
int simulate_file(const char *path, const struct config *config);
/* What `simulate` uses if no config is named: a light and a door. */
struct config *simulate_demo(void);
