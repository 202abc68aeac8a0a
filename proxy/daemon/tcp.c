#include "daemon/tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tcp {
    struct port port;
    uv_getaddrinfo_t *asked; /* the name is being looked up */
    struct addrinfo *addresses, *next;
    uv_timer_t timer;
    int connecting; /* descriptor, -1 none */
    int error;      /* of the last address tried */
};

static void try_next(struct tcp *tcp);

static struct tcp *tcp_of(struct port *port)
{
    return (struct tcp *)port;
}

bool tcp_parse(const char *url, char *ret_host, char *ret_service)
{
    struct span rest = span_of(url), host;
    size_t colon;

    if (!span_starts(rest, SPAN("tcp://")))
        return false;
    rest = span_skip(rest, 6);
    colon = span_find_last(rest, ':');
    if (colon == 0 || colon + 1 >= rest.length || rest.length >= SETTINGS_PATH)
        return false;
    host = (struct span){rest.data, colon};
    if (host.data[0] == '[' && host.data[host.length - 1] == ']')
        host = (struct span){host.data + 1, host.length - 2};
    rest = span_skip(rest, colon + 1);
    memcpy(ret_host, host.data, host.length);
    ret_host[host.length] = '\0';
    memcpy(ret_service, rest.data, rest.length);
    ret_service[rest.length] = '\0';
    return true;
}

static void tcp_shut(struct port *port)
{
    struct tcp *tcp = tcp_of(port);

    uv_timer_stop(&tcp->timer);
    if (tcp->asked != NULL) {
        tcp->asked->data = NULL; /* its callback frees it */
        uv_cancel((uv_req_t *)tcp->asked);
        tcp->asked = NULL;
    }
    if (tcp->addresses != NULL)
        uv_freeaddrinfo(tcp->addresses);
    tcp->addresses = NULL;
    tcp->next = NULL;
    if (tcp->connecting >= 0)
        close(tcp->connecting);
    tcp->connecting = -1;
    if (port->fd >= 0)
        close(port->fd);
    port->fd = -1;
}

static void fail(struct tcp *tcp, int error)
{
    port_lost(&tcp->port, error, "%s: %s", tcp->port.path, strerror(-error));
}

/* The descriptor is connected: from now on it is a port like any other. */
static void connected(struct tcp *tcp)
{
    int fd = tcp->connecting, on = 1;

    tcp->connecting = -1;
    port_unpoll(&tcp->port);
    tcp_shut(&tcp->port);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    port_attach(&tcp->port, fd, 0);
}

static void on_connect(uv_poll_t *handle, int status, int events)
{
    struct tcp *tcp = handle->data;
    const struct port_owner *owner = tcp->port.owner;
    int error = 0;
    socklen_t length = sizeof error;

    (void)status; /* libuv says EBADF for whatever went wrong; the socket knows what it was */
    (void)events;
    getsockopt(tcp->connecting, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error == 0) {
        connected(tcp);
    } else {
        tcp->error = -error;
        port_unpoll(&tcp->port);
        close(tcp->connecting);
        tcp->connecting = -1;
        try_next(tcp);
    }
    owner->settle(owner->context);
}

static void try_next(struct tcp *tcp)
{
    while (tcp->next != NULL) {
        const struct addrinfo *address = tcp->next;
        int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        tcp->next = address->ai_next;
        if (fd < 0) {
            tcp->error = -errno;
            continue;
        }
        tcp->connecting = fd;
        if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
            connected(tcp);
            return;
        }
        if (errno == EINPROGRESS) {
            port_poll(&tcp->port, fd, UV_WRITABLE, on_connect);
            return;
        }
        tcp->error = -errno;
        close(fd);
        tcp->connecting = -1;
    }
    fail(tcp, tcp->error);
}

static void on_late(uv_timer_t *timer)
{
    struct tcp *tcp = timer->data;

    fail(tcp, -ETIMEDOUT);
    tcp->port.owner->settle(tcp->port.owner->context);
}

static void on_name(uv_getaddrinfo_t *asked, int status, struct addrinfo *addresses)
{
    struct tcp *tcp = asked->data;

    free(asked);
    if (tcp == NULL) {
        uv_freeaddrinfo(addresses);
        return;
    }
    tcp->asked = NULL;
    if (status != 0) {
        port_lost(&tcp->port, -EHOSTUNREACH, "%s: %s", tcp->port.path, uv_strerror(status));
    } else {
        tcp->addresses = addresses;
        tcp->next = addresses;
        tcp->error = -EHOSTUNREACH;
        try_next(tcp);
    }
    tcp->port.owner->settle(tcp->port.owner->context);
}

static void tcp_open(struct port *port, uint32_t baud)
{
    struct tcp *tcp = tcp_of(port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    char host[SETTINGS_PATH], service[SETTINGS_PATH];

    (void)baud;
    if (tcp->asked != NULL || tcp->connecting >= 0)
        return;
    if (!tcp_parse(port->path, host, service)) {
        port_lost(port, -EINVAL, "%s is not of the form tcp://HOST:PORT", port->path);
        return;
    }
    tcp->asked = calloc(1, sizeof *tcp->asked);
    if (tcp->asked == NULL)
        abort();
    tcp->asked->data = tcp;
    if (uv_getaddrinfo(port->loop, tcp->asked, on_name, host, service, &hints) != 0) {
        free(tcp->asked);
        tcp->asked = NULL;
        fail(tcp, -EINVAL);
        return;
    }
    uv_timer_start(&tcp->timer, on_late, TCP_CONNECT_MS, 0);
}

static void free_tcp(uv_handle_t *timer)
{
    free(timer->data);
}

static void tcp_free(struct port *port)
{
    uv_close((uv_handle_t *)&tcp_of(port)->timer, free_tcp);
}

static const struct port_class tcp_class = {
    .open = tcp_open,
    .shut = tcp_shut,
    .write = port_fd_write,
    .watch = port_fd_watch,
    .read = port_fd_read,
    .free = tcp_free,
};

struct port *tcp_new(uv_loop_t *loop, enum proxy_port which, const char *url,
                     const struct port_owner *owner)
{
    struct tcp *tcp = calloc(1, sizeof *tcp);

    if (tcp == NULL)
        return NULL;
    port_init(&tcp->port, &tcp_class, loop, which, url, owner);
    tcp->connecting = -1;
    uv_timer_init(loop, &tcp->timer);
    tcp->timer.data = tcp;
    return &tcp->port;
}
