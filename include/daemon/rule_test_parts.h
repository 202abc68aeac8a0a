/*
 * What the files of rule_test share: a test as it runs. Nobody else includes this.
 */
#pragma once

#include "daemon/happening.h"
#include "daemon/rule_test.h"
#include "sim/world.h"

#define RULE_TEST_LINE 1100
#define RULE_TEST_KEPT 3 /* lines shown if another was expected */

/* Lines in one direction, so far, and the last whole ones. */
struct rule_test_heard {
    char line[RULE_TEST_LINE];
    size_t length;
    char kept[RULE_TEST_KEPT][100];
    unsigned count;
};

struct rule_test_run {
    struct world world;
    struct proxy *proxy;
    const struct rule_test *test;
    const struct settings *settings;
    unsigned at;                          /* the step that happens */
    bool heard[RULE_TEST_STEPS_MAX];      /* of each `sent` and `said`: there was such a line */
    struct rule_test_heard host, printer; /* what is written to them */
    unsigned facts;                       /* of the print since the step began, a bit each */
    uint32_t ran;                         /* programs started since then, a bit each */
    int64_t number;                       /* of the job's next line */
    struct happening happening;
    struct rule_test_failure *failure;
};

/* The step that happens went wrong: false, and *failure says so. */
bool rule_test_fail(struct rule_test_run *run, const char *expected, const char *got);
/* What the core knows now. */
struct status rule_test_status(const struct rule_test_run *run);
/* Time passes, and the host reads. False if the world stands still for ever. */
bool rule_test_pass(struct rule_test_run *run, int64_t ms);
/* Until the printer or the board is online; false if it never is. */
bool rule_test_await(struct rule_test_run *run, enum proxy_port port);
/* The host comes, and asks what it asks all the time; or goes. */
bool rule_test_host(struct rule_test_run *run, enum host_fact fact);
/* The step happens; without the time for its effect. False if it cannot. */
bool rule_test_happen(struct rule_test_run *run, const struct rule_test_step *step);
