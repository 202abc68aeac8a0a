#include "daemon/record_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/record_disk.h"
#include "daemon/record_writer.h"
#include "daemon/service.h"
#include "recording.h"

#define BUFFER      (1024 * 1024) /* of which there are two; pages never written take no memory */
#define BUFFER_LEFT 512           /* for the chunk that ends a file */
#define SLACK       (4 * BUFFER) /* a file may hold so much more: a picture, full buffers */
#define FLUSH       (64 * 1024)   /* so many bytes are written without waiting for more */
#define FLUSH_MS    1000
#define RETRY_MS    60000
#define TOLD_MS     600000 /* trouble that comes back sooner is not told again */

enum ring_state {
    /* slow -> RING_BEHIND; error of the disk -> RING_FAILED; end -> RING_ENDED */
    RING_WRITING,
    /* The file has its end, the next one begins when the thread is back -> RING_WRITING. */
    RING_BEHIND,
    /* Nothing is kept until the disk is tried again -> RING_WRITING. */
    RING_FAILED,
    /* Nothing more is kept; gone when the thread is back. */
    RING_ENDED,
};

struct record_ring {
    struct service *service;
    enum ring_state state;
    struct record_writer writer;
    char *buffer[2];
    unsigned filling; /* which of them; the other is the job's */
    size_t length;
    uint64_t file_bytes; /* for the present file so far, but for its picture */
    uint64_t file_full;  /* then it has enough */
    bool working;        /* the job is the thread's */
    struct record_job job;
    char *head;
    char *picture;
    uv_work_t work;
    uv_timer_t timer;
    struct instant quiet_until; /* trouble is not told before that */
    bool told;                  /* and its end is yet to be told */
};

static void on_timer(uv_timer_t *timer);
static void done(uv_work_t *work, int status);

/* --- bytes ------------------------------------------------------------------------------------ */

static bool put(void *context, struct span front, struct span bytes)
{
    struct record_ring *ring = context;
    size_t count = front.length + bytes.length;
    char *to = ring->buffer[ring->filling] + ring->length;

    if (ring->length + count > BUFFER - BUFFER_LEFT)
        return false;
    if (front.length > 0)
        memcpy(to, front.data, front.length);
    if (bytes.length > 0)
        memcpy(to + front.length, bytes.data, bytes.length);
    ring->length += count;
    ring->file_bytes += count;
    return true;
}

/* The chunk that ends a file; the room for it was left. */
static void put_end(struct record_ring *ring, const char *why)
{
    char bytes[BUFFER_LEFT];
    struct text text = TEXT_IN(bytes);

    recording_chunk(&text, RECORDING_END, span_of(why));
    text_add_string(&text, why);
    memcpy(ring->buffer[ring->filling] + ring->length, text.data, text.length);
    ring->length += text.length;
}

struct head {
    char *data;
    size_t length, capacity;
};

static bool put_head(void *context, struct span front, struct span bytes)
{
    struct head *head = context;
    size_t count = front.length + bytes.length;

    if (head->length + count > head->capacity) {
        head->capacity = 2 * (head->length + count);
        head->data = realloc(head->data, head->capacity);
        if (head->data == NULL)
            abort();
    }
    if (front.length > 0)
        memcpy(head->data + head->length, front.data, front.length);
    if (bytes.length > 0)
        memcpy(head->data + head->length + front.length, bytes.data, bytes.length);
    head->length += count;
    return true;
}

/* --- the thread ------------------------------------------------------------------------------- */

static void work(uv_work_t *work)
{
    struct record_ring *ring = work->data;

    record_disk_do(&ring->job);
}

/* What is in the buffer goes to the thread, which is free. */
static void give(struct record_ring *ring, bool ends)
{
    ring->job.bytes = (struct span){ring->buffer[ring->filling], ring->length};
    ring->job.ends = ends;
    ring->filling = 1 - ring->filling;
    ring->length = 0;
    ring->working = true;
    uv_timer_stop(&ring->timer);
    if (uv_queue_work(&ring->service->loop, &ring->work, work, done) != 0)
        abort();
}

/* The next file begins here and now; what the buffer holds ends the present one. */
static void begin_file(struct record_ring *ring, const struct span *saved)
{
    struct head head = {0};
    struct record_writer writer = {&head, put_head};

    record_head(&writer, ring->service->config, saved,
                saved != NULL ? ring->service->started : clock_now());
    ring->head = head.data;
    ring->job.head = (struct span){head.data, head.length};
    if (saved == NULL) {
        ring->picture = malloc(proxy_size());
        if (ring->picture == NULL)
            abort();
        memcpy(ring->picture, ring->service->proxy, proxy_size());
        ring->job.state = (struct span){ring->picture, proxy_size()};
    }
    give(ring, true);
    ring->file_bytes = head.length;
    ring->state = RING_WRITING;
}

static void tell_trouble(struct record_ring *ring, const char *what)
{
    struct instant now = clock_now();

    if (instant_due(ring->quiet_until, now)) {
        log_write(LOG_WARNING, "record: %s: what happens until that is over is not recorded", what);
        ring->told = true;
    }
    ring->quiet_until = instant_after_ms(now, TOLD_MS);
}

/* What did not fit is lost, and so is all up to the next file. */
static void fall_behind(struct record_ring *ring)
{
    tell_trouble(ring, "the disk is too slow");
    put_end(ring, "the disk was too slow");
    ring->state = RING_BEHIND;
}

static void fail(struct record_ring *ring)
{
    char what[RECORD_DISK_PATH + 128];
    const char *path = ring->job.path[0] != '\0' ? ring->job.path : ring->job.folder;

    snprintf(what, sizeof what, "%s: %s", path, strerror(ring->job.error));
    tell_trouble(ring, what);
    ring->state = RING_FAILED;
    ring->length = 0;
    uv_timer_start(&ring->timer, on_timer, RETRY_MS, 0);
}

static void free_ring(uv_handle_t *timer)
{
    struct record_ring *ring = timer->data;

    ring->service->ring = NULL;
    free(ring->buffer[0]);
    free(ring->buffer[1]);
    free(ring);
}

static void done(uv_work_t *handle, int status)
{
    struct record_ring *ring = handle->data;
    bool began = ring->job.head.length > 0;

    (void)status;
    ring->working = false;
    free(ring->head);
    free(ring->picture);
    ring->head = ring->picture = NULL;
    ring->job.head = ring->job.state = SPAN_NONE;
    if (ring->state == RING_ENDED) {
        if (ring->length > 0 && ring->job.fd >= 0)
            give(ring, true);
        else
            uv_close((uv_handle_t *)&ring->timer, free_ring);
        return;
    }
    if (ring->job.error != 0) {
        fail(ring);
        return;
    }
    if (began && ring->told)
        log_write(LOG_INFO, "record: goes on in %s", ring->job.path);
    if (began)
        ring->told = false;
    if (ring->state == RING_BEHIND)
        begin_file(ring, NULL);
    else if (ring->length >= FLUSH)
        give(ring, false);
    else if (ring->length > 0)
        uv_timer_start(&ring->timer, on_timer, FLUSH_MS, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct record_ring *ring = timer->data;

    if (ring->working)
        return;
    if (ring->state == RING_FAILED)
        begin_file(ring, NULL);
    else if (ring->state == RING_WRITING && ring->length > 0)
        give(ring, false);
}

/* --- from outside ----------------------------------------------------------------------------- */

struct record_ring *record_ring_new(struct service *service, const struct span *saved)
{
    const struct settings *settings = &service->config->loaded.settings;
    struct record_ring *ring;

    if (settings->record_folder[0] == '\0')
        return NULL;
    ring = calloc(1, sizeof *ring);
    if (ring == NULL || (ring->buffer[0] = malloc(BUFFER)) == NULL ||
        (ring->buffer[1] = malloc(BUFFER)) == NULL)
        abort();
    ring->service = service;
    ring->writer = (struct record_writer){ring, put};
    snprintf(ring->job.folder, sizeof ring->job.folder, "%s", settings->record_folder);
    snprintf(ring->job.name, sizeof ring->job.name, "%s", settings->name);
    ring->job.size = settings->record_size;
    ring->file_full = settings->record_size / RECORD_RING_FILES;
    ring->job.file = ring->file_full + SLACK;
    ring->job.fd = -1;
    ring->work.data = ring;
    uv_timer_init(&service->loop, &ring->timer);
    ring->timer.data = ring;
    begin_file(ring, saved);
    return ring;
}

/* A chunk was put, or had no room. */
static void mind(struct record_ring *ring, bool whole)
{
    if (!whole)
        fall_behind(ring);
    else if (!ring->working && ring->length >= FLUSH)
        give(ring, false);
    else if (!ring->working && !uv_is_active((uv_handle_t *)&ring->timer))
        uv_timer_start(&ring->timer, on_timer, FLUSH_MS, 0);
}

void record_ring_input(struct record_ring *ring, const struct proxy_input *input,
                       struct instant now)
{
    if (ring != NULL && ring->state == RING_WRITING)
        mind(ring, record_input(&ring->writer, input, now));
}

void record_ring_reload(struct record_ring *ring, const struct config *config, struct instant now)
{
    if (ring != NULL && ring->state == RING_WRITING)
        mind(ring, record_reload(&ring->writer, config, now));
}

void record_ring_settled(struct record_ring *ring)
{
    if (ring == NULL || ring->working)
        return;
    if (ring->state == RING_WRITING && ring->file_bytes >= ring->file_full)
        put_end(ring, "");
    else if (ring->state != RING_BEHIND)
        return;
    begin_file(ring, NULL);
}

bool record_ring_idle(const struct record_ring *ring)
{
    return ring == NULL || !ring->working;
}

void record_ring_end(struct record_ring *ring)
{
    if (ring == NULL)
        return;
    if (ring->state == RING_WRITING)
        put_end(ring, "");
    ring->state = RING_ENDED;
    uv_timer_stop(&ring->timer);
    if (!ring->working)
        give(ring, true);
}
