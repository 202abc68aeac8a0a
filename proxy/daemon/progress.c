#include "daemon/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_MS    100
#define LINE_MS   5000
#define BAR_WIDE  30 /* at most; on a narrow terminal as much as fits, or none */
#define BAR_LEAST 5
#define COLUMNS   80 /* of a terminal that does not say */
#define LINE_MOST 200
#define AROUND    (1 + 2 + 1 + 5 + 2) /* blanks, brackets and the per cent */

void progress_begin(struct progress *progress, const char *what, struct instant now)
{
    *progress = (struct progress){.what = what, .terminal = isatty(STDERR_FILENO) == 1};
    progress->due = instant_after_ms(now, progress->terminal ? BAR_MS : LINE_MS);
}

/* Of the terminal at stderr, now: it may have been made narrower. */
static size_t terminal_columns(void)
{
    struct winsize size = {0};

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS;
}

/* "simulate [####......]  40 %  1200 lines", at most one column less than there are. */
static void draw(const char *what, double part, const char *words, char line[LINE_MOST],
                 size_t columns)
{
    char bar[BAR_WIDE + 4] = "";
    size_t most = columns < LINE_MOST ? columns : LINE_MOST;
    size_t taken = strlen(what) + strlen(words) + AROUND;
    size_t wide = most > taken + 1 ? most - taken - 1 : 0;

    wide = wide > BAR_WIDE ? BAR_WIDE : wide;
    if (wide >= BAR_LEAST) {
        size_t full = (size_t)(part * (double)wide);

        bar[0] = '[';
        memset(bar + 1, '#', full);
        memset(bar + 1 + full, '.', wide - full);
        memcpy(bar + 1 + wide, "] ", 3);
    }
    snprintf(line, most, "%s %s%3.0f %%  %s", what, bar, part * 100, words);
}

void progress_show(struct progress *progress, double part, const char *words, struct instant now)
{
    char line[LINE_MOST];

    if (!instant_due(progress->due, now))
        return;
    progress->due = instant_after_ms(now, progress->terminal ? BAR_MS : LINE_MS);
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    if (!progress->terminal) {
        fprintf(stderr, "%s: %.0f %%, %s\n", progress->what, part * 100, words);
        return;
    }
    /* In one write, or it flickers; and no column more than there are, or it scrolls. */
    draw(progress->what, part, words, line, terminal_columns());
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    progress->bar = true;
}

void progress_clear(struct progress *progress)
{
    if (!progress->bar)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->bar = false;
}
