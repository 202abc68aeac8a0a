/*
 * How words are shown to people: a state in the colour of what it means, text without what would
 * move the cursor.
 *
 * Colour is for terminals only, and for those who want it: not if NO_COLOR is set (no-color.org) or
 * TERM says that the terminal has none. What is printed is otherwise the same everywhere.
 */
#pragma once

#include <stddef.h>

/* How wide the terminal at stdout is now, in columns; 80 if there is none. */
size_t paint_columns(void);
/* The state on stdout: green as it should be, yellow to be looked at, red wrong; or plain. */
void paint_state(const char *state);
/* Text of a printer, a board or a file name on stdout: control characters are shown as `?`. */
void paint_text(const char *text);
