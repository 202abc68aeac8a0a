/*
 * Immutable rules: which one takes a line, and what it does then.
 *
 * Built by load/rules_file in one arena and freed as a whole. Bare words and patterns with a literal
 * word are indexed by letter and number, so that a thousand rules cost a line no more than ten; the
 * few patterns without one are tried on each line, in file order with the others. Rules have no state.
 */
#pragma once

#include "base/text.h"
#include "route/pattern.h"
#include "route/settings.h"
#include "route/step.h"

enum rule_then { RULE_SWALLOW, RULE_FORWARD, RULE_REPLACE };

/* One of the conditions of `if`; all must hold. */
enum condition_kind {
    CONDITION_POINT,  /* the parameter names a point of ours */
    CONDITION_NUMBER, /* the parameter is a number */
    CONDITION_ONE_OF, /* the parameter is one of `count` values */
    CONDITION_NONE,   /* the parameter is not there */
};
struct condition {
    enum condition_kind kind;
    bool negated; /* inside `not` */
    struct span name;          /* parameter letter or capture name */
    const struct span *values; /* CONDITION_ONE_OF */
    unsigned count;
};

struct rule {
    struct span name;
    struct span file; /* where it stands, for messages */
    unsigned line;
    struct span word;        /* bare word (`M42`, `M889.1`, `ENC`), upper case; empty for a pattern */
    struct pattern *pattern; /* or NULL */
    const struct condition *condition;
    unsigned conditions;
    const struct step *step;
    unsigned steps; /* else branches counted in; at most PLAN_STEPS */
    enum rule_then then;
    struct span replacement; /* RULE_REPLACE: template of the line that goes out instead */
};

struct ruleset; /* opaque: rules, index, arena */

unsigned ruleset_count(const struct ruleset *ruleset); /* NULL counts as none, here and below */
const struct rule *ruleset_rule(const struct ruleset *ruleset, unsigned index);

struct gcode_line;
/*
 * The first rule, in file order, whose `when` and `if` hold for the line. NULL if none. *ret_values
 * (captures, and the line itself) serve step_prepare; they lend from the line and the ruleset, and
 * from `squeezed` (at least 1100 bytes of the caller's), the command with blanks squeezed.
 */
const struct rule *ruleset_match(const struct ruleset *ruleset, const struct settings *settings,
                                 const struct gcode_line *line, struct text *squeezed,
                                 struct step_values *ret_values);
