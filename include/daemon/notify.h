/*
 * Tells systemd how we are, by the protocol of sd_notify(3): one datagram to $NOTIFY_SOCKET.
 */
#pragma once

/* E.g. "READY=1". Does nothing if nobody wants to know. */
void notify(const char *message);
