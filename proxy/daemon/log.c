#include "daemon/log.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum log_level loudest = LOG_INFO;
static char kept[LOG_KEPT][LOG_LINE];
static unsigned first, count;

void log_level_set(enum log_level level)
{
    loudest = level;
}

static const char *mark_of(enum log_level level, bool says_itself)
{
    bool journal = getenv("JOURNAL_STREAM") != NULL;

    switch (level) {
    case LOG_ERROR: return journal ? "<3>" : says_itself ? "" : "error: ";
    case LOG_WARNING: return journal ? "<4>" : says_itself ? "" : "warning: ";
    case LOG_INFO: return journal ? "<6>" : "";
    case LOG_DEBUG: return journal ? "<7>" : "debug: ";
    }
    return "";
}

/* Would a line be taken at once? */
static bool is_read(void)
{
    struct pollfd end = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&end, 1, 0) > 0 && (end.revents & POLLOUT) != 0;
}

static void print(const char *mark, const char *line)
{
    static unsigned lost;

    if (lost > 0 && is_read()) {
        fprintf(stderr, "%s%u lines of the log are missing here: they were not read in time\n",
                mark_of(LOG_WARNING, false), lost);
        lost = 0;
    }
    if (lost == 0 && is_read())
        fprintf(stderr, "%s%s\n", mark, line);
    else
        lost++;
}

/* The place of the next line, which is the oldest when all are taken. */
static char *next_line(void)
{
    char *line = kept[(first + count) % LOG_KEPT];

    if (count < LOG_KEPT)
        count++;
    else
        first = (first + 1) % LOG_KEPT;
    return line;
}

/* A line that is kept is shown, without control characters. */
static void show(enum log_level level, bool says_itself, char *line)
{
    for (char *byte = line; *byte != '\0'; byte++)
        if ((unsigned char)*byte < ' ' || *byte == 127)
            *byte = '?';
    print(mark_of(level, says_itself), line);
}

void log_write(enum log_level level, const char *format, ...)
{
    char *line;
    va_list arguments;

    if (level > loudest)
        return;
    line = next_line();
    va_start(arguments, format);
    vsnprintf(line, LOG_LINE, format, arguments);
    va_end(arguments);
    show(level, false, line);
}

void log_mistake(enum log_level level, struct span mistake)
{
    char *line;

    if (level > loudest)
        return;
    line = next_line();
    snprintf(line, LOG_LINE, "%.*s", (int)mistake.length, mistake.data);
    show(level, true, line);
}

/* A signal may come in the middle of anything: nothing but write(2) is safe. */
static void on_fault(int number)
{
    char words[] =
        "error: sioproxy " SIOPROXY_VERSION " is ended by signal 00: a mistake of its own\n";
    char *digits = strstr(words, " 00:") + 1;

    digits[0] = (char)('0' + number / 10 % 10);
    digits[1] = (char)('0' + number % 10);
    (void)!write(STDERR_FILENO, words, sizeof words - 1);
    raise(number); /* which is not caught again */
}

void log_last_words(void)
{
    static const int faults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    static char memory[16384]; /* a stack that is full is a fault, too */
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};

    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct sigaction action = {.sa_handler = on_fault,
                                   .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK)};
        struct sigaction before;

        if (sigaction(faults[i], NULL, &before) == 0 && (before.sa_flags & SA_SIGINFO) == 0 &&
            before.sa_handler == SIG_DFL)
            sigaction(faults[i], &action, NULL);
    }
}

const char *log_kept(unsigned index)
{
    return index < count ? kept[(first + index) % LOG_KEPT] : NULL;
}

unsigned log_count(void)
{
    return count;
}
