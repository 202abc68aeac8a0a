/*
 * What the language knows but this version does not carry out yet: read like everything else, then
 * refused.
 *
 * A configured button that does nothing is worse than none. The words stand in one table; a word is
 * lifted by taking it out.
 */
#pragma once

#include "load/fields.h"

/* The words of the table, NULL at the end: "psu", "when.print", "do.pause", … */
const char *const *later_words(void);
/*
 * Tells "not in this version" if `word` is one of them: at the node's key, or if the node is that
 * word itself, at the node.
 */
void later_refuse(const struct fields *fields, const struct node *node, const char *word);
