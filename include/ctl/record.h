/*
 * Writes the recording that the daemon streams into a file: the daemon itself opens no path that
 * a client names.
 */
#pragma once

#include "ctl/connection.h"

/* Until SIGINT, SIGTERM or SIGHUP, or until the daemon ends it. Opened before anything is asked. */
enum ctl_status record(struct connection *connection, const char *path);
