#include "daemon/recorder.h"

#include <stdlib.h>

#include "daemon/clock.h"
#include "daemon/control.h"
#include "daemon/log.h"
#include "daemon/record_writer.h"

struct recorder {
    struct service *service;
    struct control_client *client;
    struct record_writer writer;
};

static bool put(void *context, struct span front, struct span bytes)
{
    struct recorder *recorder = context;

    if (control_stream_room(recorder->client) < front.length + bytes.length)
        return false;
    control_stream_bytes(recorder->client, front);
    control_stream_bytes(recorder->client, bytes);
    return true;
}

/* Ends the recording if the client had no room. */
static void mind(struct recorder *recorder, bool whole)
{
    if (!whole)
        recorder_end(recorder, "the client reads too slowly");
}

void recorder_begin(struct service *service, struct control_client *client)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    struct span state = {(const char *)service->proxy, proxy_size()};
    bool whole;

    if (recorder == NULL)
        abort();
    recorder->service = service;
    recorder->client = client;
    recorder->writer = (struct record_writer){recorder, put};
    service->recorder = recorder;
    whole = record_head(&recorder->writer, service->config, NULL, clock_now()) &&
            record_picture(&recorder->writer, state);
    if (whole)
        log_write(LOG_INFO, "a recording has begun");
    mind(recorder, whole);
}

void recorder_input(struct recorder *recorder, const struct proxy_input *input, struct instant now)
{
    mind(recorder, record_input(&recorder->writer, input, now));
}

void recorder_reload(struct recorder *recorder, const struct config *config, struct instant now)
{
    mind(recorder, record_reload(&recorder->writer, config, now));
}

void recorder_end(struct recorder *recorder, const char *error)
{
    if (recorder == NULL)
        return;
    record_end(&recorder->writer, error); /* no room: it stays without an end */
    control_finish(recorder->client);
    log_write(error != NULL ? LOG_WARNING : LOG_INFO, "the recording has ended%s%s",
              error != NULL ? ": " : "", error != NULL ? error : "");
    recorder_forget(recorder);
}

void recorder_forget(struct recorder *recorder)
{
    if (recorder == NULL)
        return;
    recorder->service->recorder = NULL;
    free(recorder);
}
