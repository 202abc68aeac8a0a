#include "daemon/port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* One read; larger than what a USB adapter delivers at once. */
#define PORT_CHUNK 8192
/* Reads in one turn, so that one chatty port does not keep the others waiting. */
#define PORT_READS 16

void port_init(struct port *port, const struct port_class *class, uv_loop_t *loop,
               enum proxy_port which, const char *path, const struct port_owner *owner)
{
    memset(port, 0, sizeof *port);
    port->class = class;
    port->owner = owner;
    port->loop = loop;
    port->which = which;
    port->fd = -1;
    snprintf(port->path, sizeof port->path, "%s", path);
}

void port_open(struct port *port, uint32_t baud)
{
    if (!port->is_open)
        port->class->open(port, baud);
}

void port_close(struct port *port)
{
    port->is_open = false;
    port->starved = false;
    port_unpoll(port);
    port->class->shut(port);
}

size_t port_write(struct port *port, struct span bytes)
{
    return port->is_open && bytes.length > 0 ? port->class->write(port, bytes) : 0;
}

void port_speed(struct port *port, uint32_t baud)
{
    if (port->is_open && port->class->speed != NULL)
        port->class->speed(port, baud);
}

void port_dtr(struct port *port)
{
    if (port->is_open && port->class->dtr != NULL)
        port->class->dtr(port);
}

void port_discard(struct port *port)
{
    if (port->is_open && port->class->discard != NULL)
        port->class->discard(port);
}

bool port_watch(struct port *port, bool readable, bool writable)
{
    bool read_now = port->is_open && port->starved && readable;

    if (read_now) {
        port->starved = false;
        port->class->read(port);
    }
    if (port->is_open)
        port->class->watch(port, readable && !port->starved, writable);
    return read_now;
}

void port_free(struct port *port)
{
    if (port == NULL)
        return;
    port_close(port);
    port->class->free(port);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void port_unpoll(struct port *port)
{
    if (port->poll == NULL)
        return;
    uv_poll_stop(port->poll);
    uv_close((uv_handle_t *)port->poll, free_handle);
    port->poll = NULL;
    port->polled = 0;
}

void port_poll(struct port *port, int fd, int events, uv_poll_cb callback)
{
    if (port->poll == NULL && events != 0) {
        port->poll = calloc(1, sizeof *port->poll);
        if (port->poll == NULL || uv_poll_init(port->loop, port->poll, fd) != 0)
            abort();
        port->poll->data = port;
        port->polled = 0;
    }
    if (events == port->polled)
        return;
    port->polled = events;
    if (events == 0)
        uv_poll_stop(port->poll);
    else
        uv_poll_start(port->poll, events, callback);
}

/* One read; *ret_full: it got all it had room for. False if nothing more is to be had now. */
static bool read_once(struct port *port, bool *ret_full)
{
    char chunk[PORT_CHUNK];
    size_t room = port->owner->room(port->owner->context, port);
    ssize_t count;
    int queued;

    if (room > sizeof chunk)
        room = sizeof chunk;
    if (room == 0) {
        port->starved = true;
        return false;
    }
    count = read(port->fd, chunk, room);
    if (count > 0) {
        port->owner->bytes(port->owner->context, port, (struct span){chunk, (size_t)count});
        *ret_full = (size_t)count == room;
        return port->is_open;
    }
    if (count < 0 && errno == EINTR)
        return true;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    /* With VMIN=0 nothing to read and hung up look the same to read; FIONREAD tells. */
    if (count == 0 && isatty(port->fd) && ioctl(port->fd, FIONREAD, &queued) == 0)
        return false;
    if (count == 0 || errno == EIO)
        port_lost(port, 0, "%s hung up", port->path);
    else
        port_lost(port, -errno, "%s: %s", port->path, strerror(errno));
    return false;
}

/* To the end, or as long as reads are full: what a short one leaves behind wakes us again. */
static void read_port(struct port *port, bool to_the_end)
{
    bool full = true;

    for (unsigned reads = 0; reads < PORT_READS && (full || to_the_end); reads++)
        if (!read_once(port, &full))
            return;
}

void port_fd_read(struct port *port)
{
    read_port(port, true);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct port *port = handle->data;

    if (status < 0 || (events & UV_DISCONNECT))
        port->class->read(port); /* libuv says EBADF for any error; a read knows what it was */
    else if (events & UV_READABLE)
        read_port(port, false);
    if (status < 0 && port->is_open)
        port_lost(port, 0, "%s was unplugged", port->path);
    port->owner->settle(port->owner->context);
}

void port_fd_watch(struct port *port, bool readable, bool writable)
{
    int events = (readable ? UV_READABLE | UV_DISCONNECT : 0) | (writable ? UV_WRITABLE : 0);

    port_poll(port, port->fd, events, on_poll);
}

void port_attach(struct port *port, int fd, uint32_t baud)
{
    port->fd = fd;
    port->is_open = true;
    port->starved = false;
    port_fd_watch(port, true, false);
    port->owner->opened(port->owner->context, port, baud);
}

void port_lost(struct port *port, int error, const char *why, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, why);
    vsnprintf(text, sizeof text, why, arguments);
    va_end(arguments);
    port_close(port);
    port->owner->closed(port->owner->context, port, error, span_of(text));
}

size_t port_fd_write(struct port *port, struct span bytes)
{
    ssize_t count;

    do
        count = write(port->fd, bytes.data, bytes.length);
    while (count < 0 && errno == EINTR);
    if (count >= 0)
        return (size_t)count;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    port_lost(port, errno == EIO || errno == EPIPE ? 0 : -errno, "%s: %s", port->path,
              strerror(errno));
    return 0;
}
