#include "daemon/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/replay.h"

/* Of a text of the wire so much is shown. */
#define SHOWN 100

static void print_bytes(struct span bytes)
{
    putchar('"');
    for (size_t i = 0; i < bytes.length && i < SHOWN; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];

        if (byte == '\n')
            fputs("\\n", stdout);
        else if (byte == '\r')
            fputs("\\r", stdout);
        else if (byte == '"' || byte == '\\')
            printf("\\%c", byte);
        else if (byte < ' ' || byte > 126)
            printf("\\x%02x", byte);
        else
            putchar(byte);
    }
    fputs(bytes.length > SHOWN ? "\"…" : "\"", stdout);
}

static void print_input(const struct replay *replay, struct span payload)
{
    static const char *const ports[PROXY_PORTS] = {"host", "printer", "board"};
    static const char *const kinds[] = {"opened", "closed", "speed", "bytes",
                                        "sent",   "asked",  "tick"};
    struct proxy_input input;
    struct request request;
    struct instant now;

    if (!recording_read_input(payload, &input, &request, &now))
        return;
    printf("  %+11.6f s  ", (double)(now.us - replay->begin.us) / 1e6);
    switch (input.kind) {
    case PROXY_TICK: puts("tick"); return;
    case PROXY_ASKED:
        printf("asked: request %d %s %s\n", (int)request.kind, request.point, request.line);
        return;
    case PROXY_BYTES:
    case PROXY_SENT: printf("%s %s: ", ports[input.port], kinds[input.kind]); break;
    case PROXY_OPENED:
    case PROXY_CLOSED:
    case PROXY_SPEED:
        printf("%s %s %lld ", ports[input.port], kinds[input.kind], (long long)input.number);
        break;
    }
    if (input.bytes.length > 0)
        print_bytes(input.bytes);
    putchar('\n');
}

static void print_difference(const struct replay *replay)
{
    uint64_t first = replay->inputs > REPLAY_CONTEXT ? replay->inputs - REPLAY_CONTEXT : 0;

    printf("replay: input %llu: %s\n", (unsigned long long)replay->inputs, replay->what);
    if (replay->expected.length + replay->got.length > 0) {
        fputs("  recorded: ", stdout);
        print_bytes(replay->expected);
        fputs("\n  now:      ", stdout);
        print_bytes(replay->got);
        putchar('\n');
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

static int replay_bytes(const char *path, struct span bytes)
{
    static struct replay replay;
    enum replay_result result = replay_run(&replay, bytes);
    int status = 1;

    switch (result) {
    case REPLAY_IDENTICAL:
        print_summary(&replay, "");
        status = 0;
        break;
    case REPLAY_TORN:
        print_summary(&replay, " as far as it is whole");
        fprintf(stderr, "sioproxy: %s: %s\n", path, replay.what);
        break;
    case REPLAY_DIFFERENT: print_difference(&replay); break;
    case REPLAY_FOREIGN:
        fprintf(stderr, "sioproxy: %s: %s\n", path, replay.what);
        status = 2;
        break;
    }
    replay_free(&replay);
    return status;
}

int batch_replay(const char *path)
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
    status = replay_bytes(path, (struct span){bytes, (size_t)file.st_size});
    munmap(bytes, (size_t)file.st_size);
    return status;
}
