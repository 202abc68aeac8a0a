/*
 * A folder of a test's own, for files that come and go.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define SCRATCH 64 /* bytes of its name */

/* Makes it. 0, or -1 as a test's set-up returns it. */
static inline int scratch_make(char ret_folder[SCRATCH])
{
    snprintf(ret_folder, SCRATCH, "/tmp/sioproxy-test-XXXXXX");
    return mkdtemp(ret_folder) == NULL ? -1 : 0;
}

/* Removes it with all that is in it. 0, or what a test's tear-down returns. */
static inline int scratch_remove(const char *folder)
{
    char command[SCRATCH + 16];

    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}
