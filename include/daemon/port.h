/*
 * One end of a wire: opened, read until nothing is left, written as far as it takes bytes, lost.
 *
 * The same few functions for a virtual port, a serial port, a TCP connection and a simulated
 * machine; their makers are declared at the bottom of this file's siblings pty.h, serial.h,
 * tcp.h and sim_port.h. Knows nothing of lines, and decides nothing: what happens is handed to
 * the owner, and every libuv callback ends with owner->settle, where the owner writes and waits.
 */
#pragma once

#include <uv.h>

#include "base/text.h"
#include "proxy.h"

struct port;

/* Who is told. All but room and settle may be called from inside the owner's own calls, too. */
struct port_owner {
    void *context;
    /* baud: 0 if it has none or nobody has set one */
    void (*opened)(void *context, struct port *port, uint32_t baud);
    /* error: 0 hung up, or a negative errno; why: a sentence for people, lent for the call */
    void (*closed)(void *context, struct port *port, int error, struct span why);
    void (*bytes)(void *context, struct port *port, struct span bytes);
    void (*speed)(void *context, struct port *port, uint32_t baud);
    /* how many bytes may come next; 0: stop reading until port_watch asks again */
    size_t (*room)(void *context, const struct port *port);
    void (*settle)(void *context);
};

struct port_class {
    /* Tries to open; answers by opened or closed, now or later. */
    void (*open)(struct port *port, uint32_t baud);
    void (*shut)(struct port *port); /* gives up descriptor and lock; must be harmless twice */
    size_t (*write)(struct port *port, struct span bytes);
    void (*speed)(struct port *port, uint32_t baud);
    void (*dtr)(struct port *port);
    void (*discard)(struct port *port);
    void (*watch)(struct port *port, bool readable, bool writable);
    void (*read)(struct port *port);
    void (*free)(struct port *port);
};

/* What every kind has in common; embedded at the start of each. */
struct port {
    const struct port_class *class;
    const struct port_owner *owner;
    uv_loop_t *loop;
    enum proxy_port which;
    char path[SETTINGS_PATH]; /* as configured, for messages */
    bool is_open;
    bool starved; /* there may be bytes that nobody had room for */
    bool elsewhere; /* another thread is at work for it, and may be for long */
    int fd;       /* -1: none */
    uv_poll_t *poll;
    int polled; /* events asked for */
};

void port_init(struct port *port, const struct port_class *class, uv_loop_t *loop,
               enum proxy_port which, const char *path, const struct port_owner *owner);
/* Opening an open port does nothing. */
void port_open(struct port *port, uint32_t baud);
/* Closes without telling the owner. */
void port_close(struct port *port);
/* Returns how many bytes were taken, 0 if it takes none now or is closed. */
size_t port_write(struct port *port, struct span bytes);
void port_speed(struct port *port, uint32_t baud);
void port_dtr(struct port *port);     /* pulses DTR, if the port has it */
void port_discard(struct port *port); /* drops what the kernel has not sent yet */
/*
 * What to wake up for. A port that was starved and may be read again is read at once; true if
 * that was so, since the owner has been told something then.
 */
bool port_watch(struct port *port, bool readable, bool writable);
/* Closes and gives the memory back once libuv lets go of it. NULL is fine. */
void port_free(struct port *port);

/*
 * For the kinds that are one descriptor (serial, tty, TCP): poll it, read it, write it. `fd` must
 * not block. port_attach tells the owner that the port is open; port_lost that it is not.
 */
void port_attach(struct port *port, int fd, uint32_t baud);
void port_poll(struct port *port, int fd, int events, uv_poll_cb callback);
void port_unpoll(struct port *port);
void port_lost(struct port *port, int error, const char *why, ...)
    __attribute__((format(printf, 3, 4)));
void port_fd_read(struct port *port);
size_t port_fd_write(struct port *port, struct span bytes);
void port_fd_watch(struct port *port, bool readable, bool writable);
