#include "ctl/connection.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "ctl/tell.h"

#define RUN "/run/sioproxy/"

/* A connected descriptor, or a negative errno. */
static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, error;

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    error = -errno;
    close(fd);
    return error;
}

static enum ctl_status dial_one(struct connection *connection, const char *path, bool quiet)
{
    int fd = dial(path);

    if (fd >= 0) {
        connection->fd = fd;
        return CTL_DONE;
    }
    if (quiet)
        return CTL_NO_DAEMON;
    if (fd == -EACCES)
        tell("no_daemon", "%s: no permission: its group is set by control.group", path);
    else
        tell("no_daemon", "no sioproxy answers at %s: %s", path, strerror(-fd));
    return CTL_NO_DAEMON;
}

/* The names between RUN and `/control`. */
static void tell_names(char **paths, size_t count)
{
    char bytes[800];
    struct text names = TEXT_IN(bytes);

    for (size_t i = 0; i < count; i++) {
        const char *name = paths[i] + strlen(RUN);

        if (paths[i][0] == '\0')
            continue;
        text_add_string(&names, names.length > 0 ? ", -n " : "-n ");
        text_add(&names, (struct span){name, strcspn(name, "/")});
    }
    tell("usage", "more than one sioproxy runs; which one? %.*s", (int)names.length, names.data);
}

static enum ctl_status dial_only(struct connection *connection, bool quiet)
{
    glob_t found;
    size_t alive = 0, barred = 0;

    if (glob(RUN "*/control", 0, NULL, &found) != 0)
        found.gl_pathc = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        int fd = dial(found.gl_pathv[i]);

        if (fd >= 0) {
            if (alive > 0)
                close(connection->fd);
            connection->fd = fd;
            alive++;
        } else if (fd == -EACCES) {
            barred++;
        } else {
            found.gl_pathv[i][0] = '\0';
        }
    }
    if (alive == 0 && barred < 2 && quiet) {
        /* told by nobody */
    } else if (alive + barred == 0) {
        tell("no_daemon", "no sioproxy runs here (nothing answers at " RUN "*/control; "
                          "another place is named by --socket)");
    } else if (alive + barred > 1) {
        tell_names(found.gl_pathv, found.gl_pathc);
    } else if (barred == 1) {
        tell("no_daemon", "no permission: the socket's group is set by control.group");
    }
    globfree(&found);
    if (alive + barred > 1)
        return CTL_USAGE;
    return alive == 1 ? CTL_DONE : CTL_NO_DAEMON;
}

static enum ctl_status dial_any(struct connection *connection, const char *socket,
                                const char *name, bool quiet)
{
    char path[256];

    memset(connection, 0, sizeof *connection);
    connection->fd = -1;
    if (socket != NULL)
        return dial_one(connection, socket, quiet);
    if (name == NULL)
        return dial_only(connection, quiet);
    snprintf(path, sizeof path, RUN "%s/control", name);
    return dial_one(connection, path, quiet);
}

enum ctl_status connection_open(struct connection *connection, const char *socket, const char *name)
{
    return dial_any(connection, socket, name, false);
}

enum ctl_status connection_try(struct connection *connection, const char *socket, const char *name)
{
    return dial_any(connection, socket, name, true);
}

bool connection_send(struct connection *connection, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    size_t length, done = 0;
    ssize_t count = 0;

    json_decref(object);
    if (text == NULL) {
        tell("usage", "that is no text in UTF-8");
        return false;
    }
    length = strlen(text);
    text[length++] = '\n'; /* in place of the NUL */
    while (done < length && count >= 0) {
        count = send(connection->fd, text + done, length - done, MSG_NOSIGNAL);
        if (count > 0)
            done += (size_t)count;
    }
    free(text);
    if (count < 0)
        tell("no_daemon", "%s", strerror(errno));
    return count >= 0;
}

json_t *connection_receive(struct connection *connection, unsigned timeout_s)
{
    struct timeval timeout = {.tv_sec = timeout_s};

    setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    memmove(connection->in, connection->in + connection->taken,
            connection->length - connection->taken);
    connection->length -= connection->taken;
    connection->taken = 0;
    for (;;) {
        char *end = memchr(connection->in, '\n', connection->length);
        ssize_t count;

        if (end != NULL) {
            connection->taken = (size_t)(end - connection->in) + 1;
            return json_loadb(connection->in, connection->taken, 0, NULL);
        }
        if (connection->length == sizeof connection->in)
            return NULL;
        do /* EINTR: by a recv with a time limit it is told that we were stopped and go on */
            count = recv(connection->fd, connection->in + connection->length,
                         sizeof connection->in - connection->length, 0);
        while (count < 0 && errno == EINTR);
        if (count <= 0)
            return NULL;
        connection->length += (size_t)count;
    }
}

long connection_read(struct connection *connection, char *ret_bytes, size_t capacity)
{
    size_t kept = connection->length - connection->taken;

    if (kept == 0)
        return (long)recv(connection->fd, ret_bytes, capacity, 0);
    if (kept > capacity)
        kept = capacity;
    memcpy(ret_bytes, connection->in + connection->taken, kept);
    connection->taken += kept;
    return (long)kept;
}
