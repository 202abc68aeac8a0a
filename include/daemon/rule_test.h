/*
 * One test of a rule file, run with a simulated printer and board in virtual time.
 *
 * Everybody is there when it begins, and at rest: inputs off, heaters cold, no job. But if the
 * first that a test says of the host, the printer or the board is that it comes, it is away until
 * then. The host is played here: as OctoPrint it numbers the lines of a job and no others. What
 * happens gets a tenth of a second to have its effect. Knows nothing of files; a test says where it
 * stands.
 */
#pragma once

#include "load/load.h"

#define RULE_TEST_SAID 500

/* Which step did not hold, and why. */
struct rule_test_failure {
    const struct rule_test_step *step;
    char expected[RULE_TEST_SAID], got[RULE_TEST_SAID];
};

/* Runs a test of what is loaded. False if it fails: *ret_failure says at its first wrong step. */
bool rule_test_run(const struct rule_test *test, const struct loaded *loaded,
                   struct rule_test_failure *ret_failure);
