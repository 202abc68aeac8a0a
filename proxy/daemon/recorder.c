#include "daemon/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/control.h"
#include "daemon/log.h"
#include "recording.h"

/* Pieces of the picture are built in so much memory. */
#define RECORDER_PIECE 65536

struct recorder {
    struct service *service;
    struct control_client *client;
};

/* A front and the bytes behind it, both or none. Ends the recording if they do not fit. */
static bool put(struct recorder *recorder, const struct text *front, struct span bytes)
{
    if (control_stream_room(recorder->client) < front->length + bytes.length) {
        recorder_end(recorder, "the client reads too slowly");
        return false;
    }
    control_stream_bytes(recorder->client, text_span(front));
    control_stream_bytes(recorder->client, bytes);
    return true;
}

static bool put_chunk(struct recorder *recorder, enum recording_kind kind, struct span payload)
{
    char buffer[RECORDING_FRONT];
    struct text front = TEXT_IN(buffer);

    recording_chunk(&front, kind, payload.length);
    return put(recorder, &front, payload);
}

/* `name`, NUL, `bytes`. */
static bool put_named(struct recorder *recorder, enum recording_kind kind, const char *name,
                      struct span bytes)
{
    char buffer[RECORDING_FRONT + SETTINGS_PATH];
    struct text front = TEXT_IN(buffer);
    struct span text = span_of(name);

    if (text.length > SETTINGS_PATH - 1)
        text = span_skip(text, text.length - (SETTINGS_PATH - 1));
    recording_chunk(&front, kind, text.length + 1 + bytes.length);
    text_add(&front, text);
    text_add_char(&front, '\0');
    return put(recorder, &front, bytes);
}

static bool put_number(struct recorder *recorder, enum recording_kind kind, int64_t number,
                       struct span rest)
{
    char buffer[RECORDING_FRONT];
    struct text front = TEXT_IN(buffer);

    recording_number(&front, kind, number, rest.length);
    return put(recorder, &front, rest);
}

static bool put_config(struct recorder *recorder, const struct config *config)
{
    bool whole = put_named(recorder, RECORDING_FILES, config->sources.folder,
                           span_of(config->state_directory));

    for (unsigned i = 0; whole && i < config->sources.count; i++)
        whole = put_named(recorder, RECORDING_SOURCE, config->sources.source[i].path,
                          config->sources.source[i].bytes);
    return whole;
}

static bool put_picture(struct recorder *recorder)
{
    struct span state = {(const char *)recorder->service->proxy, proxy_size()};
    char *piece = malloc(RECORDER_PIECE);
    size_t offset = 0;
    bool whole = true;

    if (piece == NULL)
        abort();
    while (whole && offset < state.length) {
        struct text text = {piece, RECORDER_PIECE, 0, false};

        recording_squeeze(&text, state, &offset);
        whole = put_chunk(recorder, RECORDING_PICTURE, text_span(&text));
    }
    free(piece);
    return whole;
}

void recorder_begin(struct service *service, struct control_client *client)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    struct text nothing = {0};

    if (recorder == NULL)
        abort();
    recorder->service = service;
    recorder->client = client;
    service->recorder = recorder;
    if (put(recorder, &nothing, SPAN(RECORDING_MAGIC)) &&
        put_number(recorder, RECORDING_HEADER, (int64_t)proxy_size(), span_of(SIOPROXY_VERSION)) &&
        put_config(recorder, service->config) &&
        put_number(recorder, RECORDING_BEGIN, clock_now().us, SPAN_NONE) && put_picture(recorder))
        log_write(LOG_INFO, "a recording has begun");
}

void recorder_input(struct recorder *recorder, const struct proxy_input *input, struct instant now)
{
    char buffer[RECORDING_FRONT];
    struct text front = TEXT_IN(buffer);

    recording_input(&front, input, now);
    put(recorder, &front, input->bytes);
}

void recorder_reload(struct recorder *recorder, const struct config *config, struct instant now)
{
    if (put_config(recorder, config))
        put_number(recorder, RECORDING_RELOAD, now.us, SPAN_NONE);
}

void recorder_end(struct recorder *recorder, const char *error)
{
    struct span why = span_of(error);
    struct control_client *client;
    char buffer[RECORDING_FRONT];
    struct text front = TEXT_IN(buffer);

    if (recorder == NULL)
        return;
    client = recorder->client;
    recording_chunk(&front, RECORDING_END, why.length);
    text_add(&front, why);
    control_stream_bytes(client, text_span(&front)); /* too slow: it stays without an end */
    control_finish(client);
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
