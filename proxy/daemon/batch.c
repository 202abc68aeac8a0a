#include "daemon/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/quoted.h"
#include "daemon/replay.h"
#include "daemon/session_text.h"

/* Of a text of the wire so much is shown. */
#define SHOWN 100

static void print_bytes(const char *what, struct span bytes)
{
    char memory[4 * SHOWN + 16];
    struct text text = TEXT_IN(memory);

    quoted_add(&text, bytes, SHOWN);
    printf("%s%.*s\n", what, (int)text.length, text.data);
}

/* The last inputs, one by one as they came, whatever lines they make. */
static void print_input(const struct replay *replay, struct span payload)
{
    static const char *const ports[PROXY_PORTS] = {"host", "printer", "board"};
    struct proxy_input input;
    struct session_text session;
    struct request request;
    struct instant now;

    if (!recording_read_input(payload, &input, &request, &now))
        return;
    if (input.kind == PROXY_BYTES || input.kind == PROXY_SENT) {
        printf("%13.6f  %s %s ", (double)(now.us - replay->begin.us) / 1e6, ports[input.port],
               input.kind == PROXY_BYTES ? ">" : "<");
        print_bytes("", input.bytes);
        return;
    }
    session_text_init(&session, stdout, replay->begin);
    session_text_input(&session, &input, now);
}

static void print_difference(const struct replay *replay)
{
    uint64_t first = replay->inputs > REPLAY_CONTEXT ? replay->inputs - REPLAY_CONTEXT : 0;

    printf("replay: input %llu: %s\n", (unsigned long long)replay->inputs, replay->what);
    if (replay->expected.length + replay->got.length > 0) {
        print_bytes("  recorded: ", replay->expected);
        print_bytes("  now:      ", replay->got);
    }
    puts("the inputs up to it:");
    for (uint64_t i = first; i < replay->inputs; i++)
        print_input(replay, replay->context[i % REPLAY_CONTEXT]);
}

static void print_summary(const struct replay *replay, const char *end)
{
    printf("replay: %llu inputs, %llu bytes to host, %llu bytes to printer, identical%s\n",
           (unsigned long long)replay->inputs, (unsigned long long)replay->bytes[PROXY_HOST],
           (unsigned long long)replay->bytes[PROXY_PRINTER], end);
}

/* --- the timeline ----------------------------------------------------------------------------- */

/* Times count from the recording's begin, which is known once the first input comes. */
struct viewer {
    const struct replay *replay;
    struct session_text session;
    bool begun;
};

static struct session_text *session_of(struct viewer *viewer)
{
    if (!viewer->begun)
        session_text_init(&viewer->session, stdout, viewer->replay->begin);
    viewer->begun = true;
    return &viewer->session;
}

static void show_input(void *context, const struct proxy_input *input, struct instant now)
{
    session_text_input(session_of(context), input, now);
}

static void show_order(void *context, const struct order *order, struct instant now)
{
    session_text_order(session_of(context), order, now);
}

static void show_event(void *context, const struct event *event)
{
    session_text_event(session_of(context), event);
}

/* --- the whole -------------------------------------------------------------------------------- */

static int print_result(const char *path, const struct replay *replay, enum replay_result result)
{
    switch (result) {
    case REPLAY_IDENTICAL:
        print_summary(replay, replay->left ? " up to there" : "");
        return 0;
    case REPLAY_TORN:
        print_summary(replay, " as far as it is whole");
        fflush(stdout);
        fprintf(stderr, "sioproxy: %s: %s\n", path, replay->what);
        return 1;
    case REPLAY_DIFFERENT: print_difference(replay); return 1;
    case REPLAY_FOREIGN: fprintf(stderr, "sioproxy: %s: %s\n", path, replay->what); return 2;
    }
    return 2;
}

static int replay_bytes(const char *path, struct span bytes, bool timeline, int64_t until_ms)
{
    static struct replay replay;
    struct viewer viewer = {.replay = &replay};
    struct replay_options options = {.until_us = until_ms >= 0 ? until_ms * 1000 : -1};
    enum replay_result result;
    int status;

    if (timeline)
        options.watch = (struct replay_watch){&viewer, show_input, show_order, show_event};
    result = replay_run(&replay, bytes, &options);
    if (viewer.begun)
        session_text_end(&viewer.session, replay.last);
    status = print_result(path, &replay, result);
    replay_free(&replay);
    return status;
}

int batch_replay(const char *path, bool timeline, int64_t until_ms)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), status;
    struct stat file;
    void *bytes = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size > 0)
        bytes = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        fprintf(stderr, "sioproxy: %s: %s\n", path,
                fd < 0 ? strerror(errno) : "it is no recording of sioproxy");
        if (fd >= 0)
            close(fd);
        return 2;
    }
    close(fd);
    status = replay_bytes(path, (struct span){bytes, (size_t)file.st_size}, timeline, until_ms);
    munmap(bytes, (size_t)file.st_size);
    return status;
}
