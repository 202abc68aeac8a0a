#include "daemon/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* mkdir -p of everything above the last part. */
static void make_folder(const char *path)
{
    char folder[PATH_MAX];

    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(folder, 0755);
        *slash = '/';
    }
}

/* Does the name still stand for the file we have locked? Its last owner may have removed it. */
static bool still_there(int fd, const char *path)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev;
}

bool claim_take(struct claim *claim, const char *path, char *ret_why, size_t capacity)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char pid[24] = "";
    ssize_t length;

    make_folder(path);
    claim->fd = -1;
    snprintf(claim->lock, sizeof claim->lock, "%.*s.%s.lock", (int)(name - path), path, name);
    for (;;) {
        int fd = open(claim->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

        if (fd < 0) {
            snprintf(ret_why, capacity, "%s cannot be had: %s: %s", path, claim->lock,
                     strerror(errno));
            return false;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            length = read(fd, pid, sizeof pid - 1);
            pid[length > 0 ? strcspn(pid, "\n") : 0] = '\0';
            snprintf(ret_why, capacity, "%s is used by another sioproxy%s%s%s", path,
                     pid[0] != '\0' ? " (pid " : "", pid, pid[0] != '\0' ? ")" : "");
            close(fd);
            return false;
        }
        if (still_there(fd, claim->lock)) {
            claim->fd = fd;
            break;
        }
        close(fd);
    }
    length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(claim->fd, 0) != 0 || pwrite(claim->fd, pid, (size_t)length, 0) != length)
        return true; /* the lock is what counts, the number is for people */
    return true;
}

void claim_leave(struct claim *claim)
{
    if (claim->fd > 0) {
        unlink(claim->lock);
        close(claim->fd);
    }
    claim->fd = -1;
}

/* May the link that stands there be replaced? */
static bool is_stale(const char *path, char *ret_why, size_t capacity)
{
    struct stat status;
    char target[PATH_MAX];
    ssize_t length;

    if (lstat(path, &status) != 0)
        return true;
    if (!S_ISLNK(status.st_mode)) {
        snprintf(ret_why, capacity, "%s is there already and no link: it is left alone", path);
        return false;
    }
    length = readlink(path, target, sizeof target - 1);
    target[length > 0 ? length : 0] = '\0';
    if (strncmp(target, "/dev/pts/", 9) == 0 || stat(path, &status) != 0)
        return true;
    snprintf(ret_why, capacity, "%s is a link to %s, which is not ours: it is left alone", path,
             target);
    return false;
}

bool claim_link(const char *path, const char *target, char *ret_why, size_t capacity)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char temporary[PATH_MAX];

    if (!is_stale(path, ret_why, capacity))
        return false;
    snprintf(temporary, sizeof temporary, "%.*s.%s.new", (int)(name - path), path, name);
    unlink(temporary);
    if (symlink(target, temporary) != 0 || rename(temporary, path) != 0) {
        snprintf(ret_why, capacity, "%s cannot be made: %s", path, strerror(errno));
        unlink(temporary);
        return false;
    }
    return true;
}

void claim_unlink(const char *path, const char *target)
{
    char found[PATH_MAX];
    ssize_t length = readlink(path, found, sizeof found - 1);

    if (length <= 0)
        return;
    found[length] = '\0';
    if (strcmp(found, target) == 0)
        unlink(path);
}

bool claim_share(const char *path, const char *group, unsigned mode, char *ret_why, size_t capacity)
{
    const struct group *entry;

    if (group[0] == '\0')
        return true;
    entry = getgrnam(group);
    if (entry == NULL) {
        snprintf(ret_why, capacity, "there is no group %s: only our own user may open %s", group,
                 path);
        return false;
    }
    if (chown(path, (uid_t)-1, entry->gr_gid) != 0 || chmod(path, mode) != 0) {
        snprintf(ret_why, capacity, "%s cannot be given to the group %s: %s", path, group,
                 strerror(errno));
        return false;
    }
    return true;
}
