#include "daemon/record_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/record_writer.h"

#define LAST_NUMBER 999999

static bool write_all(struct record_job *job, struct span bytes)
{
    while (bytes.length > 0) {
        ssize_t count = write(job->fd, bytes.data, bytes.length);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            job->error = count < 0 ? errno : ENOSPC;
            return false;
        }
        bytes = span_skip(bytes, (size_t)count);
    }
    return true;
}

static void close_file(struct record_job *job)
{
    if (job->fd >= 0 && close(job->fd) != 0 && job->error == 0)
        job->error = errno;
    job->fd = -1;
}

/* The number of one of our files by its name, -1 if it is none. */
static long number_of(const struct record_job *job, const char *file)
{
    size_t length = strlen(job->name), all = strlen(file);
    char *end;
    long number;

    if (strncmp(file, job->name, length) != 0 || file[length] != '-' || all < 4 ||
        strcmp(file + all - 4, ".rec") != 0)
        return -1;
    number = strtol(file + length + 1, &end, 10);
    return end == file + length + 7 && *end == '-' && number >= 0 ? number : -1;
}

struct listing {
    uint64_t bytes;
    long newest;
    long oldest;
    uint64_t oldest_bytes;
    char oldest_path[RECORD_DISK_PATH];
};

/* What there is of our files. False if the folder cannot be read. */
static bool list(struct record_job *job, struct listing *ret_listing)
{
    DIR *folder = opendir(job->folder);
    const struct dirent *entry;

    *ret_listing = (struct listing){.newest = -1, .oldest = -1};
    if (folder == NULL) {
        job->error = errno;
        return false;
    }
    while ((entry = readdir(folder)) != NULL) {
        long number = number_of(job, entry->d_name);
        char path[RECORD_DISK_PATH];
        struct stat file;

        if (number < 0 ||
            snprintf(path, sizeof path, "%s/%s", job->folder, entry->d_name) >= (int)sizeof path ||
            lstat(path, &file) != 0 || !S_ISREG(file.st_mode))
            continue;
        ret_listing->bytes += (uint64_t)file.st_size;
        if (number > ret_listing->newest)
            ret_listing->newest = number;
        if (ret_listing->oldest < 0 || number < ret_listing->oldest) {
            ret_listing->oldest = number;
            ret_listing->oldest_bytes = (uint64_t)file.st_size;
            memcpy(ret_listing->oldest_path, path, sizeof path);
        }
    }
    closedir(folder);
    return true;
}

/* The oldest go until one more fits. */
static bool make_room(struct record_job *job, long *ret_next)
{
    struct listing listing;

    for (;;) {
        if (!list(job, &listing))
            return false;
        if (listing.oldest < 0 || listing.bytes + job->file <= job->size)
            break;
        if (unlink(listing.oldest_path) != 0) {
            job->error = errno;
            return false;
        }
    }
    *ret_next = listing.newest + 1;
    return true;
}

static bool open_file(struct record_job *job)
{
    time_t now = time(NULL);
    struct tm local;
    char date[32];
    long number;

    if (mkdir(job->folder, 0750) != 0 && errno != EEXIST) {
        job->error = errno;
        return false;
    }
    if (!make_room(job, &number))
        return false;
    localtime_r(&now, &local);
    strftime(date, sizeof date, "%Y%m%d-%H%M%S", &local);
    if (number > LAST_NUMBER ||
        snprintf(job->path, sizeof job->path, "%s/%s-%06ld-%s.rec", job->folder, job->name, number,
                 date) >= (int)sizeof job->path) {
        job->error = ENAMETOOLONG;
        return false;
    }
    job->fd = open(job->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (job->fd < 0)
        job->error = errno;
    return job->fd >= 0;
}

static bool put(void *context, struct span front, struct span bytes)
{
    return write_all(context, front) && write_all(context, bytes);
}

static void begin_file(struct record_job *job)
{
    struct record_writer writer = {job, put};

    if (open_file(job) && write_all(job, job->head) && job->state.length > 0)
        record_picture(&writer, job->state);
}

void record_disk_do(struct record_job *job)
{
    job->error = 0;
    if (job->fd >= 0 && write_all(job, job->bytes) && job->ends)
        close_file(job);
    if (job->error == 0 && job->head.length > 0) {
        close_file(job);
        begin_file(job);
    }
    if (job->error != 0)
        close_file(job);
}
