#include "daemon/baud.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <asm/termbits.h> /* must not meet <termios.h> */

int baud_set(int fd, uint32_t baud)
{
    struct termios2 settings;

    if (ioctl(fd, TCGETS2, &settings) != 0)
        return -errno;
    settings.c_cflag &= ~(tcflag_t)CBAUD;
    settings.c_cflag |= BOTHER;
    settings.c_ispeed = baud;
    settings.c_ospeed = baud;
    return ioctl(fd, TCSETS2, &settings) == 0 ? 0 : -errno;
}

uint32_t baud_get(int fd)
{
    struct termios2 settings;

    return ioctl(fd, TCGETS2, &settings) == 0 ? settings.c_ospeed : 0;
}
