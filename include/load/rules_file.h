/*
 * A rule file's tree to rules, added to a ruleset.
 *
 * Knows the whole language. What only shows with all rules together is checked at the end. The keys
 * `tests` and `example` are left to tests_file.h.
 */
#pragma once

#include "load/fields.h"
#include "route/ruleset.h"

#define RULES_MAX 10000
/* Tried on each line of the host or of the printer: more would be felt. */
#define RULES_WITHOUT_WORD_MAX 32

/* How many rules there are in the file's tree, with and without mistakes. */
unsigned rules_file_count(const struct node *root);

/*
 * Appends the rules of `root` (NULL: none) to ruleset->rule, which has room for rules_file_count
 * more. `place` has as many entries: where what each rule waits for stands. The file's name is lent
 * by the caller, everything else is in the fields' arena, patterns apart.
 */
void rules_file_read(const struct fields *fields, const struct node *root, const char *file,
                     struct ruleset *ruleset, struct place *place);

/* Indexes the ruleset, with buckets from the arena, and tells what is wrong with all of it. */
void rules_file_finish(struct ruleset *ruleset, const struct place *place, struct arena *arena,
                       struct mistakes *mistakes);
