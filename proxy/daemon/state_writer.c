#include "daemon/state_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

static void begin(struct state_writer *writer);

/* In the other thread. */
static void work(uv_work_t *work)
{
    struct state_writer *writer = work->data;

    writer->error = state_file_write(writer->path, span_of(writer->being));
}

static void on_again(uv_timer_t *timer)
{
    begin(timer->data);
}

static void done(uv_work_t *work, int status)
{
    struct state_writer *writer = work->data;

    (void)status; /* nobody cancels it */
    writer->writes = false;
    if (writer->error != 0 && !writer->failed)
        log_write(LOG_ERROR, "%s cannot be written: %s", writer->path, strerror(-writer->error));
    if (writer->error == 0 && writer->failed)
        log_write(LOG_INFO, "%s is written", writer->path);
    writer->failed = writer->error != 0;
    if (writer->newer)
        begin(writer);
    else if (writer->failed && !writer->ending)
        uv_timer_start(&writer->again, on_again, STATE_AGAIN_MS, 0);
}

static void begin(struct state_writer *writer)
{
    if (writer->writes) {
        writer->newer = true;
        return;
    }
    if (!writer->ending) /* it is our patience then */
        uv_timer_stop(&writer->again);
    memcpy(writer->being, writer->text, sizeof writer->being);
    writer->newer = false;
    writer->writes = true;
    if (uv_queue_work(writer->loop, &writer->work, work, done) != 0)
        abort();
}

void state_writer_init(struct state_writer *writer, uv_loop_t *loop, const char *path)
{
    memset(writer, 0, sizeof *writer);
    writer->loop = loop;
    writer->work.data = writer;
    snprintf(writer->path, sizeof writer->path, "%s", path);
    uv_timer_init(loop, &writer->again);
    writer->again.data = writer;
}

void state_writer_save(struct state_writer *writer, const char *text)
{
    snprintf(writer->text, sizeof writer->text, "%s", text);
    begin(writer);
}

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

bool state_writer_end(struct state_writer *writer)
{
    bool late = false;

    writer->ending = true;
    if (uv_is_active((uv_handle_t *)&writer->again))
        begin(writer);
    writer->again.data = &late;
    uv_timer_start(&writer->again, on_late, STATE_PATIENCE_MS, 0);
    while (writer->writes && !late)
        uv_run(writer->loop, UV_RUN_ONCE);
    uv_timer_stop(&writer->again);
    if (late)
        log_write(LOG_WARNING, "%s: the disk does not answer: it may not be written",
                  writer->path);
    return !late;
}
