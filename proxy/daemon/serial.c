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
    struct opening *opening; /* NULL: none is under way */
    uv_timer_t dtr;
    bool dtr_low;
};

/* An opening in another thread. */
struct opening {
    uv_work_t work;
    struct serial *serial; /* NULL: nobody waits for it any more */
    char path[PATH_MAX];
    uint32_t baud;
    struct sp_port *device; /* as struct serial */
    int fd;                 /* or a negative errno */
    char holder[128];       /* of a port that is busy */
};

static struct serial *serial_of(struct port *port)
{
    return (struct serial *)port;
}

static void tell_why_not(struct port *port, int error, const char *holder)
{
    switch (-error) {
    case ENOENT:
    case ENXIO:
    case ENODEV: port_lost(port, error, "%s is not there", port->path); break;
    case EBUSY:
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

static void close_it(struct sp_port *device, int fd)
{
    if (fd >= 0) {
        /* What nobody will read any more would hold the close back for up to 30 s. */
        tcflush(fd, TCOFLUSH);
        tty_unlock(fd);
    }
    if (device != NULL) {
        sp_close(device);
        sp_free_port(device);
    } else if (fd >= 0) {
        close(fd);
    }
}

/* Opens through libserialport. The descriptor, or a negative errno; -ENOTTY: it does not want it.
 */
static int open_device(struct opening *opening)
{
    struct sp_port *device;
    int fd, error;

    if (sp_get_port_by_name(opening->path, &device) != SP_OK)
        return -ENOTTY;
    if (sp_open(device, SP_MODE_READ_WRITE) != SP_OK) {
        error = sp_last_error_code();
        sp_free_port(device);
        if (error == EAGAIN) /* 0.1.2 takes the flock itself */
            return -EBUSY;
        return error > 0 ? -error : -EIO;
    }
    opening->device = device;
    if (sp_get_port_handle(device, &fd) != SP_OK)
        return -EIO;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    error = tty_lock(fd);
    if (error != 0)
        return error;
    if (sp_set_baudrate(device, (int)opening->baud) != SP_OK || sp_set_bits(device, 8) != SP_OK ||
        sp_set_parity(device, SP_PARITY_NONE) != SP_OK || sp_set_stopbits(device, 1) != SP_OK ||
        sp_set_flowcontrol(device, SP_FLOWCONTROL_NONE) != SP_OK)
        return -EIO;
    tty_keep_dtr(fd);
    sp_flush(device, SP_BUF_INPUT);
    return fd;
}

/* In another thread. */
static void work(uv_work_t *request)
{
    struct opening *opening = request->data;

    opening->fd = open_device(opening);
    if (opening->fd >= 0)
        return;
    if (opening->device == NULL && opening->fd != -EBUSY && opening->fd != -EACCES)
        opening->fd = tty_open(opening->path, opening->baud);
    if (opening->fd == -EBUSY)
        holder_find(opening->path, opening->holder, sizeof opening->holder);
    if (opening->fd < 0 && opening->device != NULL) {
        close_it(opening->device, -1);
        opening->device = NULL;
    }
}

static void done(uv_work_t *request, int status)
{
    struct opening *opening = request->data;
    struct serial *serial = opening->serial;
    const struct port_owner *owner;

    if (serial == NULL) {
        if (status == 0) /* it has run */
            close_it(opening->device, opening->fd);
        free(opening);
        return;
    }
    owner = serial->port.owner;
    serial->opening = NULL;
    serial->port.elsewhere = false;
    serial->device = opening->device;
    if (opening->fd < 0)
        tell_why_not(&serial->port, opening->fd, opening->holder);
    else
        port_attach(&serial->port, opening->fd, opening->baud);
    free(opening);
    owner->settle(owner->context);
}

static void serial_open(struct port *port, uint32_t baud)
{
    struct serial *serial = serial_of(port);
    struct opening *opening;
    char path[PATH_MAX];

    if (serial->opening != NULL)
        return;
    if (realpath(port->path, path) == NULL) {
        tell_why_not(port, -errno, "");
        return;
    }
    opening = calloc(1, sizeof *opening);
    if (opening == NULL)
        abort();
    memcpy(opening->path, path, sizeof path);
    opening->work.data = opening;
    opening->serial = serial;
    opening->baud = baud != 0 ? baud : SERIAL_BAUD;
    serial->opening = opening;
    port->elsewhere = true;
    if (uv_queue_work(port->loop, &opening->work, work, done) != 0)
        abort();
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
    if (serial->opening != NULL) {
        serial->opening->serial = NULL;
        uv_cancel((uv_req_t *)&serial->opening->work);
        serial->opening = NULL;
    }
    close_it(serial->device, port->fd);
    serial->device = NULL;
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
