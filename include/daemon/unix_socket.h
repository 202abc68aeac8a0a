/*
 * A listening socket under a name in the file system, which is ours alone.
 *
 * Who connects is none of its business.
 */
#pragma once

#include "daemon/claim.h"
#include "route/settings.h"

struct unix_socket {
    int fd; /* to accept connections from, without blocking; -1: not listening */
    char path[SETTINGS_PATH];
    struct claim claim;
};

/*
 * Listens at `path`, for up to `waiting` connections not yet accepted; a socket there that nobody
 * answers is replaced. Our own user may connect, and `group` if it names one. False if it cannot be
 * had: ret_why is a sentence. ret_warning: the group could not have it; empty if all is well.
 */
bool unix_socket_listen(struct unix_socket *listening, const char *path, const char *group,
                        int waiting, char *ret_why, char *ret_warning, size_t capacity);
/* Listens no more, and the name is free again. Harmless if listening failed. */
void unix_socket_close(struct unix_socket *listening);
