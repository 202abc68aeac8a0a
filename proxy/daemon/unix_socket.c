#include "daemon/unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Does anybody answer there? */
static bool is_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool alive;

    if (fd < 0)
        return false;
    alive = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN;
    close(fd);
    return alive;
}

/* Removes a socket that nobody answers. False if something else stands there: ret_why says what. */
static bool clear_path(const char *path, const struct sockaddr_un *address, char *ret_why,
                       size_t capacity)
{
    struct stat status;

    if (lstat(path, &status) != 0)
        return true;
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(ret_why, capacity, "%s is there already and no socket: it is left alone", path);
        return false;
    }
    if (is_alive(address)) {
        snprintf(ret_why, capacity, "%s is used by another program", path);
        return false;
    }
    unlink(path);
    return true;
}

static int bind_socket(const struct sockaddr_un *address, int waiting)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t mask = umask(0177); /* nobody else, until the group is set */
    bool bound;

    bound = fd >= 0 && bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
            listen(fd, waiting) == 0;
    umask(mask);
    if (bound)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool unix_socket_listen(struct unix_socket *listening, const char *path, const char *group,
                        int waiting, char *ret_why, char *ret_warning, size_t capacity)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    listening->fd = -1;
    listening->claim.fd = -1;
    ret_warning[0] = '\0';
    if (strlen(path) >= sizeof address.sun_path) {
        snprintf(ret_why, capacity, "%s is too long for a socket, at most %zu bytes", path,
                 sizeof address.sun_path - 1);
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (!claim_take(&listening->claim, path, ret_why, capacity) ||
        !clear_path(path, &address, ret_why, capacity))
        return false;
    listening->fd = bind_socket(&address, waiting);
    if (listening->fd < 0) {
        snprintf(ret_why, capacity, "%s cannot be made: %s", path, strerror(errno));
        return false;
    }
    snprintf(listening->path, sizeof listening->path, "%s", path);
    claim_share(path, group, 0660, ret_warning, capacity);
    return true;
}

void unix_socket_close(struct unix_socket *listening)
{
    if (listening->fd >= 0) {
        close(listening->fd);
        listening->fd = -1;
        unlink(listening->path);
    }
    claim_leave(&listening->claim);
}
