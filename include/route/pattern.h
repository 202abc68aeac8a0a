/*
 * Patterns of the rules language: the only module that knows PCRE2.
 *
 * No JIT (it costs 2.7 MB per 1000 patterns and saves 130 ns), match limit 10 000, heap limit 20 KiB;
 * one match at load, after which matching takes no memory. Case-insensitive, bytes not UTF-8.
 */
#pragma once

#include "base/text.h"
#include "route/step.h"

struct pattern; /* compiled, with its match data; owned by the ruleset, freed by pattern_free */

/* How a pattern is anchored. */
enum pattern_kind {
    PATTERN_WHOLE, /* both ends: gcode */
    PATTERN_PART,  /* anywhere: reply */
};

/*
 * Compiles, and matches once. NULL on a mistake: *ret_offset is where in `source`, `why` has been
 * given PCRE2's own message.
 */
struct pattern *pattern_new(struct span source, enum pattern_kind kind, struct text *why,
                            size_t *ret_offset);
void pattern_free(struct pattern *pattern); /* NULL is fine */

/* Does it match? Named captures are put into ret_values (its line is untouched), lent from `subject`. */
bool pattern_match(const struct pattern *pattern, struct span subject,
                   struct step_values *ret_values);
