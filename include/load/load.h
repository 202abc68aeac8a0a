/*
 * From the files of a configuration to settings and rules, or to every mistake in them.
 *
 * The one door of this layer: reads no file and no environment variable itself.
 */
#pragma once

#include "load/mistakes.h"
#include "load/sources.h"
#include "load/tests_file.h"
#include "route/ruleset.h"
#include "route/settings.h"

/* What the surroundings say. */
struct load_environment {
    const char *state_directory; /* $STATE_DIRECTORY, NULL if it is not set */
    /* Why that file is no program that we could run now, NULL if it is one. NULL: nobody knows. */
    const char *(*why_no_program)(const char *path);
};

struct loaded {
    struct settings settings;
    struct ruleset ruleset;
    unsigned rules; /* those of the config's rule files, without the M-codes */
    struct arena arena;
};

/*
 * False if there is an error among the mistakes: *ret_loaded is untouched then. Warnings are added
 * either way. What is loaded keeps nothing of `sources`, may be moved, and is freed by loaded_free.
 */
bool load_all(const struct sources *sources, const struct load_environment *environment,
              struct mistakes *mistakes, struct loaded *ret_loaded);
/*
 * A rule file alone (the only source), with the tests it carries: its `example:` stands for the
 * config, with a simulated printer and board unless it says otherwise. The tests live as long as
 * what is loaded.
 */
bool load_rule_file(const struct sources *sources, const struct load_environment *environment,
                    struct mistakes *mistakes, struct loaded *ret_loaded,
                    struct rule_tests *ret_tests);
void loaded_free(struct loaded *loaded);

/*
 * What `check` says of a file without mistakes, and the log at start: "FILE: ok, N points, N
 * rules".
 */
void load_summary(const struct loaded *loaded, const char *path, struct text *text);
