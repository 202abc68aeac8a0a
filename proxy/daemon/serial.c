#include "daemon/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "daemon/baud.h"
#include "daemon/holder.h"
#include "daemon/tty.h"

/* What OctoPrint and avrdude give a bootloader to notice. */
#define SERIAL_DTR_MS 250
/* Until somebody says otherwise. */
#define SERIAL_BAUD 115200

struct serial {
    struct port port;
    struct sp_port *device; /* NULL: a plain terminal */
    uv_timer_t dtr;
    bool dtr_low;
};

static struct serial *serial_of(struct port *port)
{
    return (struct serial *)port;
}

static void tell_why_not(struct port *port, int error)
{
    char holder[128];

    switch (-error) {
    case ENOENT:
    case ENXIO:
    case ENODEV: port_lost(port, error, "%s is not there", port->path); break;
    case EBUSY:
        holder_find(port->path, holder, sizeof holder);
        port_lost(port, error, "%s is held by %s: disconnect it there", port->path, holder);
        break;
    case EACCES:
    case EPERM:
        port_lost(port, error, "%s may not be opened by us: add the user to the group dialout",
                  port->path);
        break;
    case ENOTTY:
    case EISDIR: port_lost(port, error, "%s is no serial port", port->path); break;
    default: port_lost(port, error, "%s: %s", port->path, strerror(-error));
    }
}

/* Opens through libserialport. The descriptor, or a negative errno; -ENOTTY: it does not want it.
 */
static int open_device(struct serial *serial, const char *path, uint32_t baud)
{
    struct sp_port *device;
    int fd, error;

    if (sp_get_port_by_name(path, &device) != SP_OK)
        return -ENOTTY;
    if (sp_open(device, SP_MODE_READ_WRITE) != SP_OK) {
        error = sp_last_error_code();
        sp_free_port(device);
        if (error == EAGAIN) /* 0.1.2 takes the flock itself */
            return -EBUSY;
        return error > 0 ? -error : -EIO;
    }
    serial->device = device;
    if (sp_get_port_handle(device, &fd) != SP_OK)
        return -EIO;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    error = tty_lock(fd);
    if (error != 0)
        return error;
    if (sp_set_baudrate(device, (int)baud) != SP_OK || sp_set_bits(device, 8) != SP_OK ||
        sp_set_parity(device, SP_PARITY_NONE) != SP_OK || sp_set_stopbits(device, 1) != SP_OK ||
        sp_set_flowcontrol(device, SP_FLOWCONTROL_NONE) != SP_OK)
        return -EIO;
    tty_keep_dtr(fd);
    sp_flush(device, SP_BUF_INPUT);
    return fd;
}

static void serial_open(struct port *port, uint32_t baud)
{
    struct serial *serial = serial_of(port);
    char path[PATH_MAX];
    int fd;

    if (baud == 0)
        baud = SERIAL_BAUD;
    if (realpath(port->path, path) == NULL) {
        tell_why_not(port, -errno);
        return;
    }
    fd = open_device(serial, path, baud);
    if (fd < 0 && serial->device == NULL && fd != -EBUSY && fd != -EACCES)
        fd = tty_open(path, baud);
    if (fd < 0)
        tell_why_not(port, fd);
    else
        port_attach(port, fd, baud);
}

static void end_dtr(uv_timer_t *timer)
{
    struct serial *serial = timer->data;

    if (serial->dtr_low && serial->device != NULL)
        sp_set_dtr(serial->device, SP_DTR_ON);
    serial->dtr_low = false;
}

static void serial_shut(struct port *port)
{
    struct serial *serial = serial_of(port);

    end_dtr(&serial->dtr);
    uv_timer_stop(&serial->dtr);
    if (serial->device != NULL) {
        /* What nobody will read any more would hold the close back for up to 30 s. */
        sp_flush(serial->device, SP_BUF_OUTPUT);
        if (port->fd >= 0)
            tty_unlock(port->fd);
        sp_close(serial->device);
        sp_free_port(serial->device);
        serial->device = NULL;
    } else if (port->fd >= 0) {
        tty_unlock(port->fd);
        close(port->fd);
    }
    port->fd = -1;
}

static void serial_speed(struct port *port, uint32_t baud)
{
    struct serial *serial = serial_of(port);

    if (serial->device != NULL) {
        sp_set_baudrate(serial->device, (int)baud);
        tty_keep_dtr(port->fd);
    } else {
        baud_set(port->fd, baud);
    }
}

static void serial_dtr(struct port *port)
{
    struct serial *serial = serial_of(port);

    if (serial->device == NULL || sp_set_dtr(serial->device, SP_DTR_OFF) != SP_OK)
        return;
    serial->dtr_low = true;
    uv_timer_start(&serial->dtr, end_dtr, SERIAL_DTR_MS, 0);
}

static void serial_discard(struct port *port)
{
    tcflush(port->fd, TCOFLUSH);
}

static void free_serial(uv_handle_t *timer)
{
    free(timer->data);
}

static void serial_free(struct port *port)
{
    uv_close((uv_handle_t *)&serial_of(port)->dtr, free_serial);
}

static const struct port_class serial_class = {
    .open = serial_open,
    .shut = serial_shut,
    .write = port_fd_write,
    .speed = serial_speed,
    .dtr = serial_dtr,
    .discard = serial_discard,
    .watch = port_fd_watch,
    .read = port_fd_read,
    .free = serial_free,
};

struct port *serial_new(uv_loop_t *loop, enum proxy_port which, const char *path,
                        const struct port_owner *owner)
{
    struct serial *serial = calloc(1, sizeof *serial);

    if (serial == NULL)
        return NULL;
    port_init(&serial->port, &serial_class, loop, which, path, owner);
    uv_timer_init(loop, &serial->dtr);
    serial->dtr.data = serial;
    return &serial->port;
}
