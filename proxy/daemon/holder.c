#include "daemon/holder.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void tell(long pid, char *ret_holder, size_t capacity)
{
    char path[64], name[32] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    file = fopen(path, "re");
    if (file != NULL) {
        if (fgets(name, sizeof name, file) != NULL)
            name[strcspn(name, "\n")] = '\0';
        fclose(file);
    }
    snprintf(ret_holder, capacity, "%s (pid %ld)", name[0] != '\0' ? name : "a program", pid);
}

/* The process with a lock on that inode, 0 if none; `1: FLOCK  ADVISORY  WRITE 812 00:1a:5 …`. */
static long find_lock(const struct stat *wanted)
{
    char line[256];
    long found = 0;
    FILE *file = fopen("/proc/locks", "re");

    if (file == NULL)
        return 0;
    while (found == 0 && fgets(line, sizeof line, file) != NULL) {
        unsigned device_major, device_minor;
        unsigned long inode;
        long pid;

        if (sscanf(line, "%*s %*s %*s %*s %ld %x:%x:%lu", &pid, &device_major, &device_minor,
                   &inode) == 4 &&
            pid != (long)getpid() && inode == wanted->st_ino &&
            device_major == major(wanted->st_dev) && device_minor == minor(wanted->st_dev))
            found = pid;
    }
    fclose(file);
    return found;
}

static bool process_has(const char *pid, const char *target)
{
    char folder[64];
    DIR *dir;
    struct dirent *entry;
    bool found = false;

    snprintf(folder, sizeof folder, "/proc/%.20s/fd", pid);
    dir = opendir(folder);
    if (dir == NULL)
        return false;
    while (!found && (entry = readdir(dir)) != NULL) {
        char link[PATH_MAX];
        ssize_t length = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);

        if (length > 0) {
            link[length] = '\0';
            found = strcmp(link, target) == 0;
        }
    }
    closedir(dir);
    return found;
}

static long find_open(const char *target)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    long found = 0;

    if (dir == NULL)
        return 0;
    while (found == 0 && (entry = readdir(dir)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);

        if (pid > 0 && pid != (long)getpid() && process_has(entry->d_name, target))
            found = pid;
    }
    closedir(dir);
    return found;
}

void holder_find(const char *path, char *ret_holder, size_t capacity)
{
    char target[PATH_MAX];
    struct stat status;
    long pid = 0;

    if (realpath(path, target) != NULL && stat(target, &status) == 0) {
        pid = find_lock(&status);
        if (pid == 0)
            pid = find_open(target);
    }
    if (pid != 0)
        tell(pid, ret_holder, capacity);
    else
        snprintf(ret_holder, capacity, "another program");
}
