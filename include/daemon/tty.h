/*
 * A terminal device made fit for bytes: raw, 8N1, no flow control, locked for us alone.
 *
 * For what libserialport does not open (a pty), and for what it leaves undone on what it does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Opens without blocking and makes it raw. The descriptor, or a negative errno (-EBUSY: locked). */
int tty_open(const char *path, uint32_t baud);
/* Keeps every other opener off. 0, or -EBUSY. */
int tty_lock(int fd);
void tty_unlock(int fd);
/* Closing must not drop DTR. */
void tty_keep_dtr(int fd);
/* Is it a pty's slave? They have no modem lines, and TIOCEXCL would stick to them. */
bool tty_is_pty(int fd);
