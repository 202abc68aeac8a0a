#include "daemon/record_writer.h"

#include <stdlib.h>

#include "daemon/layout.h"
#include "recording.h"

/* Pieces of the picture are built in so much memory. */
#define PIECE 65536

static bool put_chunk(const struct record_writer *writer, enum recording_kind kind,
                      struct span payload)
{
    char buffer[RECORDING_FRONT];
    struct text front = TEXT_IN(buffer);

    recording_chunk(&front, kind, payload);
    return writer->put(writer->context, text_span(&front), payload);
}

static bool put_number(const struct record_writer *writer, enum recording_kind kind,
                       int64_t number, struct span rest)
{
    char buffer[RECORDING_FRONT];
    struct text front = TEXT_IN(buffer);

    recording_number(&front, kind, number, rest);
    return writer->put(writer->context, text_span(&front), rest);
}

/* `name`, NUL, `bytes`. */
static bool put_named(const struct record_writer *writer, enum recording_kind kind,
                      const char *name, struct span bytes)
{
    char buffer[RECORDING_FRONT + SETTINGS_PATH];
    struct text front = TEXT_IN(buffer);
    struct span text = span_of(name);

    if (text.length > SETTINGS_PATH - 1)
        text = span_skip(text, text.length - (SETTINGS_PATH - 1));
    recording_named(&front, kind, text, bytes);
    return writer->put(writer->context, text_span(&front), bytes);
}

static bool put_config(const struct record_writer *writer, const struct config *config)
{
    bool whole = put_named(writer, RECORDING_FILES, config->sources.folder,
                           span_of(config->state_directory));

    for (unsigned i = 0; whole && i < config->sources.count; i++)
        whole = put_named(writer, RECORDING_SOURCE, config->sources.source[i].path,
                          config->sources.source[i].bytes);
    return whole;
}

bool record_head(const struct record_writer *writer, const struct config *config,
                 const struct span *saved, struct instant now)
{
    static const char build[] = SIOPROXY_VERSION "\0" PROXY_LAYOUT;

    return writer->put(writer->context, SPAN_NONE, SPAN(RECORDING_MAGIC)) &&
           put_number(writer, RECORDING_HEADER, (int64_t)proxy_size(), SPAN(build)) &&
           put_config(writer, config) &&
           (saved == NULL || put_chunk(writer, RECORDING_SAVED, *saved)) &&
           put_number(writer, RECORDING_BEGIN, now.us, SPAN_NONE);
}

bool record_picture(const struct record_writer *writer, struct span state)
{
    char *piece = malloc(PIECE);
    size_t offset = 0;
    bool whole = true;

    if (piece == NULL)
        abort();
    while (whole && offset < state.length) {
        struct text text = {piece, PIECE, 0, false};

        recording_squeeze(&text, state, &offset);
        whole = put_chunk(writer, RECORDING_PICTURE, text_span(&text));
    }
    free(piece);
    return whole && put_number(writer, RECORDING_SUM, (int64_t)recording_sum(state), SPAN_NONE);
}

bool record_input(const struct record_writer *writer, const struct proxy_input *input,
                  struct instant now)
{
    char buffer[RECORDING_FRONT];
    struct text front = TEXT_IN(buffer);

    recording_input(&front, input, now);
    return writer->put(writer->context, text_span(&front), input->bytes);
}

bool record_reload(const struct record_writer *writer, const struct config *config,
                   struct instant now)
{
    return put_config(writer, config) && put_number(writer, RECORDING_RELOAD, now.us, SPAN_NONE);
}

bool record_end(const struct record_writer *writer, const char *error)
{
    return put_chunk(writer, RECORDING_END, span_of(error));
}
