/*
 * Any baud rate on a Linux terminal, also those that have no Bxxx (250000).
 *
 * By struct termios2, which glibc does not know; works on the master of a pty too, where it tells
 * what the client has set. Knows nothing of ports.
 */
#pragma once

#include <stdint.h>

/* 0, or a negative errno. */
int baud_set(int fd, uint32_t baud);
/* The speed in force, 0 if the descriptor has none. */
uint32_t baud_get(int fd);
