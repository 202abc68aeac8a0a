#include "ctl/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "ctl/tell.h"

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number)
{
    (void)number;
    asked_to_end = 1;
}

/* Without SA_RESTART, so that a read ends with EINTR. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);

        if (count < 0 && errno != EINTR)
            return false;
        if (count > 0) {
            bytes += count;
            length -= (size_t)count;
        }
    }
    return true;
}

/* Asks for the recording. False, and told, if the daemon refuses. */
static bool begin(struct connection *connection)
{
    json_t *reply;
    bool ok;

    if (!connection_send(connection, json_pack("{s:s}", "command", "record")))
        return false;
    reply = connection_receive(connection, 30);
    ok = json_is_true(json_object_get(reply, "ok"));
    if (!ok) {
        const char *error = json_string_value(json_object_get(reply, "error"));

        tell("refused", "%s", error != NULL ? error : "the daemon does not answer");
    }
    json_decref(reply);
    return ok;
}

/* Copies until the end of the stream. False, and told, if the file cannot take it. */
static bool copy(struct connection *connection, int fd, const char *path)
{
    /* A signal may come between the look and the read, and nobody need say anything for long. */
    struct timeval second = {.tv_sec = 1};
    char bytes[16384];
    bool ended = false;

    setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    for (;;) {
        long count;

        if (asked_to_end && !ended) {
            ended = true; /* the daemon writes the end, then closes */
            shutdown(connection->fd, SHUT_WR);
        }
        count = connection_read(connection, bytes, sizeof bytes);
        if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN))
            return true;
        if (count > 0 && !write_all(fd, bytes, (size_t)count)) {
            tell("refused", "%s: %s", path, strerror(errno));
            return false;
        }
    }
}

enum ctl_status record(struct connection *connection, const char *path)
{
    int fd = strcmp(path, "-") == 0 ? STDOUT_FILENO
                                    : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool written;

    if (fd < 0) {
        tell("refused", "%s: %s", path, strerror(errno));
        return CTL_REFUSED;
    }
    catch_signals();
    written = begin(connection) && copy(connection, fd, path);
    if (fd != STDOUT_FILENO && close(fd) != 0)
        written = false;
    if (written && !asked_to_end) {
        tell("refused", "the daemon has ended the recording");
        return CTL_REFUSED;
    }
    return written ? CTL_DONE : CTL_REFUSED;
}
