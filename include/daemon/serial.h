/*
 * A printer's or board's serial port: opened once, locked, and let go without dropping DTR.
 *
 * Real ports through libserialport. It refuses ptys and gadget ports (0.1.1 and 0.1.2 alike look
 * the name up in /sys/class/tty and ask for modem lines), so those are opened as plain terminals.
 * flock and TIOCEXCL keep OctoPrint's autodetection off the port; HUPCL, which libserialport 0.1.1
 * sets, would drop DTR at each close and reset the board. Follows sigrok's linux serialport.c.
 *
 * It is opened in another thread: while somebody else's close of it waits for what a deaf machine
 * does not take (closing_wait, 30 s), open() waits too, whatever O_NONBLOCK says, and an adapter
 * that does not answer takes 5 s for each setting (USB_CTRL_SET_TIMEOUT).
 */
#pragma once

#include "daemon/port.h"

struct port *serial_new(uv_loop_t *loop, enum proxy_port which, const char *path,
                        const struct port_owner *owner);
