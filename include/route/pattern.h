/*
 * Patterns of the rules language: the only module that knows PCRE2.
 *
 * No JIT (it costs 2.7 MB per 1000 patterns and saves 130 ns), match limit 10 000, heap limit 20
 * KiB; all patterns of a ruleset share one match memory, and each is matched once when it is made,
 * after which matching takes no memory. Case-insensitive, bytes not UTF-8. A match that reaches a
 * limit is no match.
 */
#pragma once

#include "base/text.h"
#include "route/step.h"

struct pattern; /* compiled; freed by pattern_free */

/* What matching needs, shared by any number of patterns. Zeroed is empty. */
struct pattern_memory {
    void *data, *context; /* PCRE2's */
};
/* False if there is no memory. */
bool pattern_memory_init(struct pattern_memory *memory);
void pattern_memory_free(struct pattern_memory *memory);

#define PATTERN_SOURCE 1000

/* How a pattern is anchored. */
enum pattern_kind {
    PATTERN_WHOLE, /* both ends: gcode */
    PATTERN_PART,  /* anywhere: reply */
};

/*
 * Compiles at most PATTERN_SOURCE bytes, and matches once. NULL on a mistake: *ret_offset is where
 * in `source`, `why` has been given PCRE2's own message.
 */
struct pattern *pattern_new(struct span source, enum pattern_kind kind,
                            struct pattern_memory *memory, struct text *why, size_t *ret_offset);
void pattern_free(struct pattern *pattern); /* NULL is fine */

/* Does it match? Named captures are put into ret_values (its line is untouched), lent from
 * `subject`. */
bool pattern_match(const struct pattern *pattern, const struct pattern_memory *memory,
                   struct span subject, struct step_values *ret_values);

/* The names of its captures, lent by the pattern, at most STEP_CAPTURES; returns how many. */
unsigned pattern_captures(const struct pattern *pattern, struct span *ret_names);

/*
 * The word that whatever matches must begin with (`M750` of `M750\b.*`, `ENC` of `ENC .*`), lent
 * from `source`, which is that of a PATTERN_WHOLE: a G, M, T or F code whose number ends there, or
 * letters, digits and underscores that end there. False if there is none. Takes memory.
 */
bool pattern_literal_word(struct span source, const struct pattern_memory *memory,
                          struct span *ret_word);

/* Could something longer, or exactly this, match the PATTERN_WHOLE made of `source`? Takes memory.
 */
bool pattern_could_match(struct span source, const struct pattern_memory *memory,
                         struct span start);
