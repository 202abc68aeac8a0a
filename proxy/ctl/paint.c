#include "ctl/paint.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define PLAIN  "\033[0m"
#define COLUMNS 80 /* of a file, and of a terminal that does not say */

/* States that are neither good nor bad, as off and idle, have no colour. */
static const struct {
    const char *state, *colour;
} colours[] = {
    {"armed", GREEN},    {"cancelled", YELLOW}, {"connected", GREEN}, {"disconnected", YELLOW},
    {"failed", RED},     {"finished", GREEN},   {"halted", RED},      {"latched", RED},
    {"lost", RED},       {"missing", RED},      {"offline", RED},     {"on", GREEN},
    {"online", GREEN},   {"paused", YELLOW},    {"present", GREEN},   {"printing", GREEN},
    {"refused", RED},    {"reset", YELLOW},     {"silent", YELLOW},   {"tripped", RED},
    {"unknown", YELLOW},
};

static bool is_colourful(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
           term[0] != '\0' && strcmp(term, "dumb") != 0;
}

size_t paint_columns(void)
{
    struct winsize size = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS;
    return size.ws_col;
}

void paint_text(const char *text)
{
    for (; *text != '\0'; text++)
        putchar((unsigned char)*text < ' ' || *text == 127 ? '?' : *text);
}

void paint_state(const char *state)
{
    const char *colour = NULL;

    for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++)
        if (strcmp(colours[i].state, state) == 0)
            colour = colours[i].colour;
    if (colour != NULL && is_colourful())
        printf("%s%s%s", colour, state, PLAIN);
    else
        paint_text(state);
}
