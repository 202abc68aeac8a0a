/*
 * A print file run through the whole core, with a simulated host, printer and board, in virtual
 * time.
 *
 * Nobody is there who could open a door: a wait for an input that has no timeout is ended by
 * moving that input, one for the user at the printer by answering there, and a paused print is
 * resumed. All are in the timeline, and none is done while a file of events has something to come.
 */
#pragma once

#include "daemon/config.h"

struct simulate_options {
    const char *events; /* a file (load/events_file.h), or NULL */
    bool json;          /* one object instead of text */
};

/*
 * Prints the timeline of a file of G-code to stdout, and how far it is to stderr. The exit status:
 * 0, 1 if the print did not come to its end, 2 if a file cannot be read or has mistakes.
 */
int simulate_file(const char *path, const struct config *config,
                  const struct simulate_options *options);
/* What `simulate` uses if no config is named: a light and a door. */
struct config *simulate_demo(void);
