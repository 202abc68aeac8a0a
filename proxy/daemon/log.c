#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum log_level loudest = LOG_INFO;
static char kept[LOG_KEPT][LOG_LINE];
static unsigned first, count;

void log_level_set(enum log_level level)
{
    loudest = level;
}

static const char *mark_of(enum log_level level, const char *line)
{
    bool journal = getenv("JOURNAL_STREAM") != NULL;

    /* A mistake in a file says so itself: `mk3.yaml:2:1: error: …`. */
    if (!journal && (strstr(line, ": error: ") != NULL || strstr(line, ": warning: ") != NULL))
        return "";
    switch (level) {
    case LOG_ERROR: return journal ? "<3>" : "error: ";
    case LOG_WARNING: return journal ? "<4>" : "warning: ";
    case LOG_INFO: return journal ? "<6>" : "";
    case LOG_DEBUG: return journal ? "<7>" : "debug: ";
    }
    return "";
}

void log_write(enum log_level level, const char *format, ...)
{
    char *line;
    va_list arguments;

    if (level > loudest)
        return;
    line = kept[(first + count) % LOG_KEPT];
    if (count < LOG_KEPT)
        count++;
    else
        first = (first + 1) % LOG_KEPT;
    va_start(arguments, format);
    vsnprintf(line, LOG_LINE, format, arguments);
    va_end(arguments);
    for (char *byte = line; *byte != '\0'; byte++)
        if ((unsigned char)*byte < ' ' || *byte == 127)
            *byte = '?';
    fprintf(stderr, "%s%s\n", mark_of(level, line), line);
}

const char *log_kept(unsigned index)
{
    return index < count ? kept[(first + index) % LOG_KEPT] : NULL;
}

unsigned log_count(void)
{
    return count;
}
