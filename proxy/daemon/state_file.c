#include "daemon/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

ssize_t state_file_read(const char *path, char *ret_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t length = 0, count = 1;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    while (length < STATE_CAPACITY && count != 0) {
        count = read(fd, ret_text + length, (size_t)(STATE_CAPACITY - length));
        if (count < 0 && errno != EINTR) {
            length = -errno;
            break;
        }
        length += count > 0 ? count : 0;
    }
    close(fd);
    return length == STATE_CAPACITY ? -EFBIG : length;
}

/* The name is on the disk, too: the button that latches may be the one that cuts the power. */
static int sync_folder(const char *path)
{
    char folder[PATH_MAX];
    char *slash;
    int fd, error = 0;

    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else
        slash[slash == folder ? 1 : 0] = '\0';
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fsync(fd) != 0)
        error = -errno;
    close(fd);
    return error;
}

int state_file_write(const char *path, struct span text)
{
    char temporary[PATH_MAX];
    int fd, error = 0;

    snprintf(temporary, sizeof temporary, "%s.new", path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    for (size_t done = 0; error == 0 && done < text.length;) {
        ssize_t count = write(fd, text.data + done, text.length - done);

        if (count < 0 && errno != EINTR)
            error = -errno;
        else if (count > 0)
            done += (size_t)count;
    }
    if (error == 0 && fsync(fd) != 0)
        error = -errno;
    close(fd);
    if (error == 0 && rename(temporary, path) != 0)
        error = -errno;
    if (error != 0) {
        unlink(temporary);
        return error;
    }
    return sync_folder(path);
}
