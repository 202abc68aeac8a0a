/*
 * Immutable rules: which one takes a line, which are for an event, and what they do then.
 *
 * Built by load/rules_file in one arena, freed as a whole. Bare words and patterns with a literal
 * word are indexed by letter and number, so that a thousand rules cost a line no more than ten; the
 * few patterns without one are tried on each line, in file order with the others. All other rules
 * stand in a chain for what they wait for. Rules have no state.
 */
#pragma once

#include "base/text.h"
#include "route/condition.h"
#include "route/pattern.h"
#include "route/settings.h"
#include "route/step.h"
#include "route/when.h"

enum rule_then { RULE_SWALLOW, RULE_FORWARD, RULE_REPLACE };

/* What a rule does that is due again while its plan runs. */
enum rule_again { AGAIN_RESTART, AGAIN_IGNORE, AGAIN_QUEUE };

struct rule {
    struct span name;
    struct when when;  /* WHEN_GCODE: word or pattern below; WHEN_REPLY: pattern */
    struct when until; /* WHEN_NEVER: none */
    enum rule_again again;
    struct span file; /* where it stands, for messages */
    unsigned line;
    struct span word;        /* bare word (`M42`, `M889.1`, `ENC`); empty for a pattern */
    struct pattern *pattern; /* or NULL */
    struct span source;      /* what the pattern was made of */
    const struct condition *condition;
    unsigned conditions;
    const struct step *step;
    unsigned steps; /* else branches counted in; at most PLAN_STEPS */
    enum rule_then then;
    struct span replacement; /* RULE_REPLACE: template of the line that goes out instead */

    /* Written by ruleset_index: what the command's word must be, and the next rule of its chain. */
    struct rule_word {
        char letter; /* of a G, M, T or F code, else 0 */
        int64_t code, subcode;
        struct span word; /* if no code: letters, digits and underscores; empty: any */
    } key;
    uint16_t next;
};

#define RULE_NONE UINT16_MAX

/* Made by load; others use the functions below. */
struct ruleset {
    struct rule *rule;
    unsigned count; /* below RULE_NONE */
    uint16_t *bucket; /* first rule of each chain of the index */
    unsigned buckets; /* a power of two */
    uint16_t each;    /* first rule of the chain that is tried on each line */
    uint16_t first[WHEN_KINDS]; /* first rule of the chain of each other kind */
    struct pattern_memory memory;
};

/*
 * Fills in the index of rules that are complete: `bucket` has been lent, with at least as many
 * entries as there are gcode rules. Returns how many patterns are tried on each line, those of
 * `reply` rules counted in.
 */
unsigned ruleset_index(struct ruleset *ruleset);

unsigned ruleset_count(const struct ruleset *ruleset); /* NULL counts as none, here and below */
const struct rule *ruleset_rule(const struct ruleset *ruleset, unsigned index);

struct gcode_line;
/* May a rule take such a line? There is none for most words; the world matters only if there is. */
bool ruleset_asks(const struct ruleset *ruleset, const struct gcode_line *line);
/*
 * The first rule, in file order, whose `when` and `if` hold for the line. NULL if none, and always
 * for M108, M112, M410 and M876. *ret_values (captures, and the line itself) serve step_prepare;
 * they lend from the line and the ruleset, and from `squeezed` (at least 1100 bytes of the
 * caller's), which patterns get: the command with blanks and tabs outside quotes squeezed to one.
 */
const struct rule *ruleset_match(const struct ruleset *ruleset, const struct settings *settings,
                                 const struct rule_world *world, const struct gcode_line *line,
                                 struct text *squeezed, struct step_values *ret_values);

/*
 * The first rule of that kind (`after` is NULL), or the next one behind `after`, in file order; NULL
 * if there is none. Not for WHEN_GCODE. Whether it is due, ask when_is and ruleset_holds.
 */
const struct rule *ruleset_next_for(const struct ruleset *ruleset, enum when_kind kind,
                                    const struct rule *after);
/* Does a line of the printer fit this WHEN_REPLY rule? Its captures go into ret_values. */
bool ruleset_replies(const struct ruleset *ruleset, const struct rule *rule, struct span reply,
                     struct step_values *ret_values);
/* Does its `if` hold? `values`: captures of a reply, else zeroed. */
bool ruleset_holds(const struct rule *rule, const struct settings *settings,
                   const struct rule_world *world, const struct step_values *values);
/* 1 + its place in the ruleset, as plans know it. */
uint16_t ruleset_number(const struct ruleset *ruleset, const struct rule *rule);
