#include "daemon/progress.h"

#include <stdio.h>
#include <unistd.h>

#define BAR_MS   100
#define LINE_MS  5000
#define BAR_WIDE 30

void progress_begin(struct progress *progress, const char *what, struct instant now)
{
    *progress = (struct progress){.what = what, .terminal = isatty(STDERR_FILENO) == 1};
    progress->due = instant_after_ms(now, progress->terminal ? BAR_MS : LINE_MS);
}

void progress_show(struct progress *progress, double part, const char *words, struct instant now)
{
    int full;

    if (!instant_due(progress->due, now))
        return;
    progress->due = instant_after_ms(now, progress->terminal ? BAR_MS : LINE_MS);
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    if (!progress->terminal) {
        fprintf(stderr, "%s: %.0f %%, %s\n", progress->what, part * 100, words);
        return;
    }
    full = (int)(part * BAR_WIDE);
    fprintf(stderr, "\r\033[K%s [", progress->what);
    for (int i = 0; i < BAR_WIDE; i++)
        fputc(i < full ? '#' : '.', stderr);
    fprintf(stderr, "] %3.0f %%  %s", part * 100, words);
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
