#include "daemon/pty.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "daemon/baud.h"
#include "daemon/claim.h"

#define PTY_CHUNK  4096 /* the kernel's own buffer of a pty holds 4095 */
#define PTY_EVENTS (UV_READABLE | UV_DISCONNECT | UV_PRIORITIZED)

struct pty {
    struct port port; /* port.fd: the master */
    char group[SETTINGS_TEXT];
    char slave[32];
    struct claim claim;
    int inotify;
    uv_poll_t *hints;
    uv_timer_t gone;   /* a client has closed: runs for PTY_GONE_MS */
    uv_timer_t settle; /* a client has opened: runs until it has stopped setting up */
    unsigned timers;   /* of these two that are not yet closed */
    uint64_t settle_end;
    bool published;
    bool connected;             /* somebody has it open */
    bool announced;             /* the owner believes so */
    bool spoke;                 /* this client, or the one that has just gone, wrote something */
    bool settling;              /* nothing is written yet */
    bool ours;                  /* what packet mode tells now, we have done ourselves */
    uint32_t kernel_baud, baud; /* as last seen; as last set by a client, 0 none yet */
    char warning[512];          /* why the group could not have it */
};

enum drained {
    PTY_EMPTY,   /* read until nothing was left */
    PTY_STARVED, /* nobody has room for the rest */
};

static bool make(struct pty *pty, char *ret_why, size_t capacity);
static void look(struct pty *pty);

static struct pty *pty_of(struct port *port)
{
    return (struct pty *)port;
}

static bool is_hung(int master)
{
    struct pollfd poll_one = {.fd = master};

    return poll(&poll_one, 1, 0) > 0 && (poll_one.revents & POLLHUP) != 0;
}

/* Raw, no echo, and EXTPROC: even a client in cooked mode then gets every byte as it is. */
static void make_raw(int master)
{
    struct termios settings;

    if (tcgetattr(master, &settings) != 0)
        return;
    cfmakeraw(&settings);
    settings.c_cflag &= ~(tcflag_t)(PARENB | PARODD | CSTOPB | CRTSCTS);
    settings.c_cflag |= CS8 | CREAD | CLOCAL;
    settings.c_lflag |= EXTPROC;
    tcsetattr(master, TCSANOW, &settings);
}

/*
 * As if no client had ever been there. Opening the slave ourselves also drops what the last
 * client did not read, and makes a pty hang that was never opened. False if a client's exclusive
 * mode shuts us out.
 */
static bool reset(int master)
{
    int slave;

    make_raw(master);
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (slave < 0)
        return errno != EBUSY;
    ioctl(slave, TIOCNXCL);
    tcflush(slave, TCIFLUSH);
    close(slave);
    return true;
}

static void drain_hints(struct pty *pty)
{
    char events[4096];

    while (read(pty->inotify, events, sizeof events) > 0)
        continue;
}

static void announce(struct pty *pty)
{
    uv_timer_stop(&pty->gone);
    if (pty->announced)
        return;
    pty->announced = true;
    pty->port.owner->opened(pty->port.owner->context, &pty->port, pty->baud);
}

static void settled(struct pty *pty)
{
    pty->settling = false;
    uv_timer_stop(&pty->settle);
}

static void on_settled(uv_timer_t *timer)
{
    struct pty *pty = timer->data;

    settled(pty);
    pty->port.owner->settle(pty->port.owner->context);
}

/* The client is still setting its port up: what is written now it would flush. */
static void keep_settling(struct pty *pty)
{
    uint64_t now = uv_now(pty->port.loop), wait = PTY_SETTLE_MS;

    if (!pty->settling)
        return;
    if (now + wait > pty->settle_end)
        wait = pty->settle_end > now ? pty->settle_end - now : 0;
    uv_timer_start(&pty->settle, on_settled, wait, 0);
}

static void see_baud(struct pty *pty)
{
    uint32_t baud = baud_get(pty->port.fd);

    if (baud == 0)
        return;
    pty->kernel_baud = baud;
    if (baud == pty->baud)
        return;
    pty->baud = baud;
    if (pty->announced)
        pty->port.owner->speed(pty->port.owner->context, &pty->port, baud);
}

/* However a client sets its port up, it is told to us as it is, and not echoed. */
static void keep_plain(int master)
{
    struct termios settings;

    if (tcgetattr(master, &settings) == 0 && (settings.c_lflag & EXTPROC) == 0) {
        settings.c_lflag |= EXTPROC;
        tcsetattr(master, TCSANOW, &settings);
    }
}

static void see_packet(struct pty *pty, unsigned char status)
{
    if (pty->ours)
        return;
    if (status & TIOCPKT_IOCTL) {
        see_baud(pty);
        keep_plain(pty->port.fd);
    }
    if (status & (TIOCPKT_IOCTL | TIOCPKT_FLUSHREAD))
        keep_settling(pty);
}

/* One read, of at most `room` bytes. False if nothing was left. */
static bool take(struct pty *pty, size_t room)
{
    const struct port_owner *owner = pty->port.owner;
    char packet[1 + PTY_CHUNK];
    ssize_t count;

    do
        count = read(pty->port.fd, packet, 1 + (room < PTY_CHUNK ? room : PTY_CHUNK));
    while (count < 0 && errno == EINTR);
    if (count <= 0)
        return false;
    if (packet[0] != TIOCPKT_DATA) {
        see_packet(pty, (unsigned char)packet[0]);
    } else if (count > 1) {
        announce(pty);
        pty->spoke = true;
        if (pty->connected)
            settled(pty);
        owner->bytes(owner->context, &pty->port, (struct span){packet + 1, (size_t)count - 1});
    }
    return true;
}

/* Reads until EAGAIN or EIO: a client's last bytes before its close are an M112, sometimes. */
static enum drained drain(struct pty *pty)
{
    const struct port_owner *owner = pty->port.owner;

    for (;;) {
        size_t room = owner->room(owner->context, &pty->port);

        if (room == 0)
            return PTY_STARVED;
        if (!take(pty, room))
            return PTY_EMPTY;
    }
}

/*
 * Bytes of a client that is there and done with setting up, and nothing else to see: one read,
 * with no question before or after it that could hold the line up. What is left, a hangup among
 * it, wakes us again. False if it is not as simple as that.
 */
static bool take_plain(struct pty *pty, int status, int events)
{
    const struct port_owner *owner = pty->port.owner;
    size_t room = owner->room(owner->context, &pty->port);

    if (status != 0 || (events & (UV_DISCONNECT | UV_PRIORITIZED)) != 0 || !pty->connected ||
        !pty->announced || pty->settling || pty->port.starved || room == 0)
        return false;
    return (events & UV_READABLE) == 0 || take(pty, room);
}

static void on_master(uv_poll_t *handle, int status, int events)
{
    struct pty *pty = handle->data;

    if (!take_plain(pty, status, events))
        look(pty);
    pty->port.owner->settle(pty->port.owner->context);
}

static void on_hint(uv_poll_t *handle, int status, int events)
{
    struct pty *pty = handle->data;

    (void)status;
    (void)events;
    look(pty);
    pty->port.owner->settle(pty->port.owner->context);
}

static void announce_gone(struct pty *pty)
{
    pty->announced = false;
    pty->port.owner->closed(pty->port.owner->context, &pty->port, 0, SPAN_NONE);
}

static void on_gone(uv_timer_t *timer)
{
    struct pty *pty = timer->data;

    if (!is_hung(pty->port.fd)) /* the next one is there: we were late, its hint waits for us */
        return;
    announce_gone(pty);
    pty->port.owner->settle(pty->port.owner->context);
}

static void client_here(struct pty *pty)
{
    if (!pty->connected) {
        /* Between the two opens of OctoPrint nothing is said: this is another client. */
        if (pty->announced && pty->spoke)
            announce_gone(pty);
        pty->spoke = false;
        pty->connected = true;
        pty->settling = true;
        pty->settle_end = uv_now(pty->port.loop) + PTY_SETTLE_MOST_MS;
        keep_settling(pty);
        port_poll(&pty->port, pty->port.fd, PTY_EVENTS, on_master);
    }
    uv_timer_stop(&pty->gone);
}

static void client_gone(struct pty *pty)
{
    pty->connected = false;
    settled(pty);
    port_unpoll(&pty->port);
    if (pty->announced && !uv_is_active((uv_handle_t *)&pty->gone))
        uv_timer_start(&pty->gone, on_gone, PTY_GONE_MS, 0);
}

/* A client's exclusive mode has locked the pty for good: another one takes its name. */
static void replace(struct pty *pty)
{
    char why[512];

    port_unpoll(&pty->port);
    close(pty->port.fd);
    pty->port.fd = -1;
    if (!make(pty, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
}

/* After anything that may have happened at the port: see what is true and act on it. */
static void look(struct pty *pty)
{
    uv_update_time(pty->port.loop);
    drain_hints(pty);
    for (;;) {
        bool hung = is_hung(pty->port.fd);

        if (!hung)
            client_here(pty);
        if (drain(pty) == PTY_STARVED) {
            pty->port.starved = true;
            if (hung) {
                pty->connected = false; /* a hung master must not be polled */
                port_unpoll(&pty->port);
            } else {
                announce(pty);
            }
            return;
        }
        if (!hung) {
            /* set while we were resetting */
            if (baud_get(pty->port.fd) != pty->kernel_baud)
                see_baud(pty);
            keep_plain(pty->port.fd);
            announce(pty);
            return;
        }
        /* Everything the client wrote has been read. Clean up after it; our own open, close and
           tcflush raise hints and packets, which are dropped. The hints first: of a client that
           comes and goes meanwhile the words are read or its close is a hint that is left. */
        if (!reset(pty->port.fd))
            replace(pty);
        drain_hints(pty);
        pty->ours = true;
        if (drain(pty) == PTY_STARVED)
            pty->port.starved = true;
        pty->ours = false;
        if (is_hung(pty->port.fd)) {
            client_gone(pty);
            return;
        }
    }
}

static void pty_watch(struct port *port, bool readable, bool writable)
{
    struct pty *pty = pty_of(port);
    int events = readable ? PTY_EVENTS : UV_DISCONNECT;

    if (!pty->connected)
        return;
    if (writable && !pty->settling)
        events |= UV_WRITABLE;
    port_poll(port, port->fd, events, on_master);
}

static void pty_read(struct port *port)
{
    look(pty_of(port));
}

/*
 * What is written while nobody has it open would be shown to the next client: it is dropped. So is
 * it if the client has gone and there is no room for its last bytes: that may be because it did not
 * read, and it never will.
 */
static size_t pty_write(struct port *port, struct span bytes)
{
    struct pty *pty = pty_of(port);
    ssize_t count;

    if (!pty->announced || (!pty->connected && port->starved))
        return bytes.length;
    if (!pty->connected || pty->settling)
        return 0;
    count = write(port->fd, bytes.data, bytes.length);
    return count > 0 ? (size_t)count : 0;
}

static void pty_open(struct port *port, uint32_t baud)
{
    (void)port;
    (void)baud; /* pty_publish has opened it, once and for all */
}

static void free_hints(uv_handle_t *handle)
{
    free(handle);
}

static void forget_hints(struct pty *pty)
{
    if (pty->hints != NULL) {
        uv_poll_stop(pty->hints);
        uv_close((uv_handle_t *)pty->hints, free_hints);
        pty->hints = NULL;
    }
    if (pty->inotify >= 0)
        close(pty->inotify);
    pty->inotify = -1;
}

static void pty_shut(struct port *port)
{
    struct pty *pty = pty_of(port);

    if (pty->published)
        claim_unlink(port->path, pty->slave);
    pty->published = false;
    forget_hints(pty);
    uv_timer_stop(&pty->gone);
    uv_timer_stop(&pty->settle);
    if (port->fd >= 0)
        close(port->fd);
    port->fd = -1;
    claim_leave(&pty->claim);
}

/* The timers live in what is freed, and libuv ends them in an order that it does not promise. */
static void timer_ended(uv_handle_t *timer)
{
    struct pty *pty = timer->data;

    pty->timers--;
    if (pty->timers == 0)
        free(pty);
}

static void pty_free(struct port *port)
{
    struct pty *pty = pty_of(port);

    uv_close((uv_handle_t *)&pty->gone, timer_ended);
    uv_close((uv_handle_t *)&pty->settle, timer_ended);
}

/* A new pty, quiet and clean, with its link pointing at it. */
static bool make(struct pty *pty, char *ret_why, size_t capacity)
{
    int one = 1, master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    char drop[64];

    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 ||
        ptsname_r(master, pty->slave, sizeof pty->slave) != 0 ||
        ioctl(master, TIOCPKT, &one) != 0) {
        snprintf(ret_why, capacity, "no pty can be had: %s", strerror(errno));
        if (master >= 0)
            close(master);
        return false;
    }
    reset(master);
    while (read(master, drop, sizeof drop) > 0)
        continue; /* the packet bytes of our own reset */
    pty->port.fd = master;
    pty->kernel_baud = baud_get(master);
    forget_hints(pty);
    pty->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    pty->hints = calloc(1, sizeof *pty->hints);
    if (pty->inotify < 0 || inotify_add_watch(pty->inotify, pty->slave, IN_OPEN | IN_CLOSE) < 0 ||
        pty->hints == NULL || uv_poll_init(pty->port.loop, pty->hints, pty->inotify) != 0) {
        snprintf(ret_why, capacity, "%s cannot be watched: %s", pty->slave, strerror(errno));
        free(pty->hints);
        pty->hints = NULL;
        return false;
    }
    pty->hints->data = pty;
    uv_poll_start(pty->hints, UV_READABLE, on_hint);
    pty->warning[0] = '\0';
    claim_share(pty->slave, pty->group, 0660, pty->warning, sizeof pty->warning);
    if (!claim_link(pty->port.path, pty->slave, ret_why, capacity))
        return false;
    pty->published = true;
    return true;
}

bool pty_publish(struct port *port, char *ret_why, char *ret_warning, size_t capacity)
{
    struct pty *pty = pty_of(port);

    ret_warning[0] = '\0';
    if (!claim_take(&pty->claim, port->path, ret_why, capacity))
        return false;
    if (!make(pty, ret_why, capacity))
        return false;
    snprintf(ret_warning, capacity, "%s", pty->warning);
    port->is_open = true;
    return true;
}

static const struct port_class pty_class = {
    .open = pty_open,
    .shut = pty_shut,
    .write = pty_write,
    .watch = pty_watch,
    .read = pty_read,
    .free = pty_free,
};

struct port *pty_new(uv_loop_t *loop, enum proxy_port which, const char *link, const char *group,
                     const struct port_owner *owner)
{
    struct pty *pty = calloc(1, sizeof *pty);

    if (pty == NULL)
        return NULL;
    port_init(&pty->port, &pty_class, loop, which, link, owner);
    snprintf(pty->group, sizeof pty->group, "%s", group);
    pty->inotify = -1;
    pty->claim.fd = -1;
    uv_timer_init(loop, &pty->gone);
    uv_timer_init(loop, &pty->settle);
    pty->gone.data = pty;
    pty->settle.data = pty;
    pty->timers = 2;
    return &pty->port;
}
