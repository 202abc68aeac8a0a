/*
 * The way to a running daemon: finding its socket, one JSON object to it, lines back.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit statuses of sioctl. */
enum ctl_status { CTL_DONE, CTL_REFUSED, CTL_USAGE, CTL_NO_DAEMON, CTL_UNKNOWN };

struct connection {
    int fd;
    char in[65536];
    size_t length, taken; /* bytes in `in`, and how many of them were lines already lent */
};

/*
 * Connects to `socket` if it is named, to the daemon `name` if that is, else to the only one that
 * runs. Anything but CTL_DONE has been told.
 */
enum ctl_status connection_open(struct connection *connection, const char *socket,
                                const char *name);
/* The same, but that there is none is not told. */
enum ctl_status connection_try(struct connection *connection, const char *socket,
                               const char *name);
/* Sends one object, which is given away. False, and told, if the daemon has gone. */
bool connection_send(struct connection *connection, json_t *object);
/*
 * The next object. NULL at the end of the stream, and after `timeout_s` seconds (0: never) without
 * one.
 */
json_t *connection_receive(struct connection *connection, unsigned timeout_s);
/*
 * Bytes as they come, those behind the last object first. 0 at the end, negative when a signal
 * came.
 */
long connection_read(struct connection *connection, char *ret_bytes, size_t capacity);
