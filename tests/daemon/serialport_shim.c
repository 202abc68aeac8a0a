/*
 * Linked into a test, makes libserialport take ptys for serial ports.
 *
 * Without it 0.1.1 and 0.1.2 refuse them twice: there is no /sys/class/tty/pts/N, and a pty has no
 * modem lines. The lines are kept here, so that a test can see what was done to them.
 */
#include "serialport_shim.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "daemon/tty.h"

#define SYSFS  "/sys/class/tty/pts/"
#define TARGET "../../devices/virtual/tty/pts"
#define HELD_S 60

unsigned serialport_shim_dtr_drops;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool held, opening;

static void set_held(bool is_held)
{
    pthread_mutex_lock(&lock);
    held = is_held;
    opening = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void serialport_shim_hold(void)
{
    set_held(true);
}

void serialport_shim_let_go(void)
{
    set_held(false);
}

void serialport_shim_until_opening(void)
{
    pthread_mutex_lock(&lock);
    while (!opening)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void wait_while_held(void)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += HELD_S;
    pthread_mutex_lock(&lock);
    opening = true;
    pthread_cond_broadcast(&changed);
    while (held && pthread_cond_timedwait(&changed, &lock, &end) == 0)
        continue;
    pthread_mutex_unlock(&lock);
}

static bool is_ours(const char *path)
{
    return strncmp(path, SYSFS, sizeof SYSFS - 1) == 0;
}

static int pretend_link(struct stat *status)
{
    memset(status, 0, sizeof *status);
    status->st_mode = S_IFLNK | 0777;
    return 0;
}

/* glibc before 2.33 has it behind another name. */
int __lxstat(int version, const char *path, struct stat *status);
int __lxstat(int version, const char *path, struct stat *status)
{
    int (*real)(int, const char *, struct stat *);

    *(void **)&real = dlsym(RTLD_NEXT, "__lxstat");
    return is_ours(path) ? pretend_link(status) : real(version, path, status);
}

int lstat(const char *restrict path, struct stat *restrict status)
{
    int (*real)(const char *, struct stat *);

    *(void **)&real = dlsym(RTLD_NEXT, "lstat");
    return is_ours(path) ? pretend_link(status) : real(path, status);
}

ssize_t readlink(const char *restrict path, char *restrict buffer, size_t capacity)
{
    ssize_t (*real)(const char *, char *, size_t);
    size_t length = sizeof TARGET - 1 < capacity ? sizeof TARGET - 1 : capacity;

    *(void **)&real = dlsym(RTLD_NEXT, "readlink");
    if (!is_ours(path))
        return real(path, buffer, capacity);
    wait_while_held(); /* it is looked up once */
    memcpy(buffer, TARGET, length);
    return (ssize_t)length;
}

ssize_t __readlink_chk(const char *path, char *buffer, size_t capacity, size_t size);
ssize_t __readlink_chk(const char *path, char *buffer, size_t capacity, size_t size)
{
    (void)size;
    return readlink(path, buffer, capacity);
}

int ioctl(int fd, unsigned long request, ...)
{
    int (*real)(int, unsigned long, ...);
    va_list arguments;
    void *argument;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    if ((request != TIOCMGET && request != TIOCMSET && request != TIOCMBIS &&
         request != TIOCMBIC) ||
        !tty_is_pty(fd))
        return real(fd, request, argument);
    if (request == TIOCMGET)
        *(int *)argument = TIOCM_CTS | TIOCM_DSR | TIOCM_CAR | TIOCM_DTR;
    else if (request == TIOCMBIC && (*(int *)argument & TIOCM_DTR) != 0)
        serialport_shim_dtr_drops++;
    else if (request == TIOCMSET && (*(int *)argument & TIOCM_DTR) == 0)
        serialport_shim_dtr_drops++;
    return 0;
}
