/*
 * YAML text to a tree of nodes that know where they stand, and every mistake in the text told.
 *
 * Reads libyaml's events. Knows no key and no type beyond scalar, list and mapping; refuses what a
 * configuration does not need: anchors, aliases, tags of one's own, a second document.
 */
#pragma once

#include "load/mistakes.h"

#define YAML_DEPTH   64   /* of nesting */
#define YAML_ENTRIES 1000 /* of one mapping */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    struct place place;
    size_t index;           /* its first character in the text, counted in characters */
    bool quoted;            /* a scalar in quotes, or a block */
    struct span text;       /* of a scalar, with a NUL behind it */
    const struct node *key; /* of a mapping's value, else NULL */
    const struct node *parent;
    struct node *first, *last, *next; /* children, in the order of the text */
    unsigned count;
};

/*
 * Reads one document; nodes live in the arena, file names are lent by the caller. False if it is no
 * YAML, or not the YAML we take: told, and nothing read. An empty document is NULL.
 */
bool yaml_tree_read(struct span bytes, const char *file, struct arena *arena,
                    struct mistakes *mistakes, const struct node **ret_root);

/* The value of that key, NULL if there is none or `map` is NULL or no mapping. */
const struct node *node_get(const struct node *map, const char *key);
/* An empty value, `~`, `null`, `Null` or `NULL`, as in YAML's core schema. NULL is nothing too. */
bool node_is_nothing(const struct node *node);
/* The scalar is these letters, in any case. */
bool node_is(const struct node *node, const char *word);

/*
 * Where byte `offset` of a scalar's text stands in `bytes`, the text it was read from. The scalar's
 * own place if it goes over several lines.
 */
struct place node_place_of(const struct node *node, struct span bytes, size_t offset);
