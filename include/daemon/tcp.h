/*
 * A TCP connection to a printer or board: tcp://HOST:PORT.
 *
 * Has no baud rate and no DTR. Every address of the name is tried in turn, within TCP_CONNECT_MS.
 */
#pragma once

#include "daemon/port.h"

#define TCP_CONNECT_MS 5000

struct port *tcp_new(uv_loop_t *loop, enum proxy_port which, const char *url,
                     const struct port_owner *owner);
/* The two parts of tcp://HOST:PORT or tcp://[V6]:PORT, into buffers of SETTINGS_PATH. */
bool tcp_parse(const char *url, char *ret_host, char *ret_service);
