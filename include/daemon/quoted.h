/*
 * Bytes of a wire as text that can be printed: in quotes, with \n, \r, \" and \xNN.
 */
#pragma once

#include <stdio.h>

#include "base/text.h"

/* Appends at most `shown` of the bytes; what is left out, or does not fit, is told by `…`. */
void quoted_add(struct text *text, struct span bytes, size_t shown);
/* A text as JSON writes it; what is no character of UTF-8 becomes one that says so. */
void quoted_json(FILE *to, const char *text);
