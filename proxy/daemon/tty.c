#include "daemon/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "daemon/baud.h"

/* The kernel's majors of ptys (UNIX98_PTY_SLAVE_MAJOR and the seven after it). */
#define PTY_MAJOR_FIRST 136
#define PTY_MAJOR_LAST  143

bool tty_is_pty(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
           major(status.st_rdev) >= PTY_MAJOR_FIRST && major(status.st_rdev) <= PTY_MAJOR_LAST;
}

int tty_lock(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    /* On a pty exclusive mode outlives us as long as its master does, and shuts us out as well. */
    if (!tty_is_pty(fd))
        ioctl(fd, TIOCEXCL);
    return 0;
}

void tty_unlock(int fd)
{
    if (!tty_is_pty(fd))
        ioctl(fd, TIOCNXCL);
    flock(fd, LOCK_UN);
}

void tty_keep_dtr(int fd)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) != 0)
        return;
    settings.c_cflag &= ~(tcflag_t)HUPCL;
    tcsetattr(fd, TCSANOW, &settings);
}

int tty_open(const char *path, uint32_t baud)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    struct termios settings;
    int error = 0;

    if (fd < 0)
        return -errno;
    if (tcgetattr(fd, &settings) != 0)
        error = -errno;
    if (error == 0)
        error = tty_lock(fd);
    if (error == 0) {
        cfmakeraw(&settings);
        settings.c_iflag &= ~(tcflag_t)(IXOFF | IXANY);
        settings.c_cflag &= ~(tcflag_t)(HUPCL | CSTOPB | PARODD | CRTSCTS);
        settings.c_cflag |= CREAD | CLOCAL;
        settings.c_cc[VMIN] = 1;
        settings.c_cc[VTIME] = 0;
        tcsetattr(fd, TCSANOW, &settings);
        tcflush(fd, TCIFLUSH);
        if (baud != 0)
            baud_set(fd, baud);
        return fd;
    }
    close(fd);
    return error;
}
