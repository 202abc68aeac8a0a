/*
 * The virtual port that the host opens: a pty behind a symlink with a name that stays.
 *
 * Turns the master's hang-ups and its packet bytes into opened, closed, speed and bytes. Follows
 * what was measured on Linux 6.18:
 *  - Whether there is a client the HUP bit of the master alone tells; inotify's IN_OPEN and
 *    IN_CLOSE are hints to look (equal events are merged and cannot be counted). A hung master must
 *    not be polled.
 *  - The pty is raw with EXTPROC before its name is published and after every client. A client's
 *    aborted open with odd parity (OctoPrint on Debian) would make every later open fail, and a
 *    client's TIOCEXCL outlives it: the pty is made anew then.
 *  - A client flushes what it finds at open: bytes for it wait until it has settled.
 *  - OctoPrint opens twice within a millisecond, and says nothing in between: a client is gone
 *    after PTY_GONE_MS; one that has said something, as soon as the next one opens.
 */
#pragma once

#include "daemon/port.h"

#define PTY_GONE_MS 250
/* Quiet after a client's last tcsetattr or tcflush before anything is written to it. */
#define PTY_SETTLE_MS 50
/* A client that never stops setting its port up hears us all the same. */
#define PTY_SETTLE_MOST_MS 500

struct port *pty_new(uv_loop_t *loop, enum proxy_port which, const char *link, const char *group,
                     const struct port_owner *owner);
/*
 * Makes the pty and publishes it under its link. False if that cannot be: `ret_why` says why. A
 * group that does not exist or that we may not give it to is told as a warning only, in
 * ret_warning (empty if all is well).
 */
bool pty_publish(struct port *port, char *ret_why, char *ret_warning, size_t capacity);
