#include "daemon/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/layout.h"

/* Reading a recording: files gathered for the config that comes next. */
struct reader {
    struct replay *replay;
    struct span recording;
    struct span rest, saved;
    struct sources sources;
    char state_directory[SETTINGS_PATH];
    bool gathering; /* sources are to be freed */
    bool ended;     /* with an end of its own */
};

static enum replay_result foreign(struct replay *replay, const char *why)
{
    snprintf(replay->what, sizeof replay->what, "%s", why);
    return REPLAY_FOREIGN;
}

/* Which build has written it: whether a picture of the core can be one of ours. */
static bool header(struct replay *replay, struct span payload)
{
    int64_t size;
    size_t version;

    if (!recording_take_number(&payload, &size))
        return false;
    version = span_find(payload, '\0');
    replay->same_build = size == (int64_t)proxy_size() &&
                         span_equal(span_skip(payload, version + 1), SPAN(PROXY_LAYOUT));
    return true;
}

/* `name`, NUL, the rest: the name as a string in `ret_name`. */
static bool split_name(struct span payload, char *ret_name, size_t capacity, struct span *ret_rest)
{
    size_t length = span_find(payload, '\0');

    if (length == payload.length || length >= capacity)
        return false;
    memcpy(ret_name, payload.data, length + 1);
    *ret_rest = span_skip(payload, length + 1);
    return true;
}

static bool begin_files(struct reader *reader, struct span payload)
{
    char folder[SETTINGS_PATH];
    struct span rest;

    if (!split_name(payload, folder, sizeof folder, &rest) ||
        rest.length >= sizeof reader->state_directory)
        return false;
    if (reader->gathering)
        sources_free(&reader->sources);
    sources_init(&reader->sources, folder);
    reader->gathering = true;
    memcpy(reader->state_directory, rest.data, rest.length);
    reader->state_directory[rest.length] = '\0';
    return true;
}

static bool add_file(struct reader *reader, struct span payload)
{
    char path[SETTINGS_PATH];
    struct span rest;

    return reader->gathering && split_name(payload, path, sizeof path, &rest) &&
           sources_add(&reader->sources, path, rest);
}

/* The config that the gathered files make. NULL, and `what` says why, if they are no config. */
static struct config *take_config(struct reader *reader)
{
    struct config *config;

    if (!reader->gathering)
        return NULL;
    reader->gathering = false;
    config = config_of_sources(&reader->sources, reader->state_directory);
    if (config->valid)
        return config;
    snprintf(reader->replay->what, sizeof reader->replay->what,
             "its config is none to this version: %.*s", (int)strcspn(config->mistakes, "\n"),
             config->mistakes);
    config_free(config);
    return NULL;
}

static bool begin(struct reader *reader, struct span payload)
{
    struct replay *replay = reader->replay;

    if (replay->proxy != NULL || !recording_take_number(&payload, &replay->begin.us))
        return false;
    replay->config = take_config(reader);
    if (replay->config == NULL)
        return false;
    replay->proxy = calloc(1, proxy_size());
    if (replay->proxy == NULL)
        abort();
    proxy_init(replay->proxy, &replay->config->loaded.settings, &replay->config->loaded.ruleset,
               reader->saved, replay->begin);
    replay->ready = true;
    replay->last = replay->begin;
    return true;
}

/* The last piece of a picture is there if its sum is. */
static bool check_picture(struct replay *replay, struct span payload)
{
    int64_t sum;

    if (replay->proxy == NULL || replay->inputs > 0 || replay->offset != proxy_size() ||
        !recording_take_number(&payload, &sum) ||
        (uint64_t)sum != recording_sum((struct span){(const char *)replay->proxy, proxy_size()})) {
        snprintf(replay->what, sizeof replay->what, "its picture of the core is damaged");
        return false;
    }
    proxy_attach(replay->proxy, &replay->config->loaded.settings, &replay->config->loaded.ruleset);
    replay->ready = true;
    return true;
}

/* A piece of the picture of the core in mid-run, in place of the fresh one. */
static bool restore(struct replay *replay, struct span payload)
{
    replay->ready = false;
    if (!replay->same_build) {
        snprintf(replay->what, sizeof replay->what,
                 "it begins in mid-run, and was made by another build of sioproxy");
        return false;
    }
    return replay->proxy != NULL && replay->inputs == 0 &&
           recording_unsqueeze(payload, (char *)replay->proxy, proxy_size(), &replay->offset);
}

static bool reload(struct reader *reader, struct span payload)
{
    struct replay *replay = reader->replay;
    struct config *config;
    struct instant now;

    if (!replay->ready || !recording_take_number(&payload, &now.us))
        return false;
    config = take_config(reader);
    if (config == NULL)
        return false;
    proxy_reload(replay->proxy, &config->loaded.settings, &config->loaded.ruleset, now);
    config_free(replay->config);
    replay->config = config;
    return true;
}

/* From the start of the line in which they first differ. */
static void show_difference(struct replay *replay, struct span expected, struct span got)
{
    size_t same = 0, line;

    while (same < expected.length && same < got.length && expected.data[same] == got.data[same])
        same++;
    line = same;
    while (line > 0 && expected.data[line - 1] != '\n')
        line--;
    replay->expected = span_skip(expected, line);
    replay->got = span_skip(got, line);
}

/* Does the core want to write what was written then? */
static bool same_bytes(struct replay *replay, const struct proxy_input *input)
{
    static const char *const names[PROXY_PORTS] = {"host", "printer", "board", "guest"};
    struct span got = proxy_output(replay->proxy, input->port);

    if (got.length > input->bytes.length)
        got.length = input->bytes.length;
    if (input->number == (int64_t)input->bytes.length && span_equal(got, input->bytes)) {
        replay->bytes[input->port] += input->bytes.length;
        return true;
    }
    snprintf(replay->what, sizeof replay->what, "bytes to the %s differ", names[input->port]);
    show_difference(replay, input->bytes, got);
    return false;
}

static void drain(struct replay *replay, struct instant now)
{
    const struct replay_watch none = {0};
    const struct replay_watch *watch = replay->options != NULL ? &replay->options->watch : &none;
    struct order order;
    struct event event;

    while (proxy_next_order(replay->proxy, &order)) {
        if (watch->order != NULL)
            watch->order(watch->context, &order, now);
    }
    while (proxy_next_event(replay->proxy, &event)) {
        if (watch->event != NULL)
            watch->event(watch->context, &event);
    }
}

/* Is this input behind the time where we are to stop? */
static bool is_late(const struct replay *replay, struct instant now)
{
    const struct replay_options *options = replay->options;

    return options != NULL && options->until_us >= 0 &&
           now.us - replay->begin.us > options->until_us;
}

static enum replay_result run_input(struct replay *replay, struct span payload)
{
    struct proxy_input input;
    struct request request;
    struct instant now;
    const char *broken;

    if (!replay->ready)
        return foreign(replay, "its picture of the core is not whole");
    if (!recording_read_input(payload, &input, &request, &now) || now.us < replay->last.us)
        return foreign(replay, "an input is not of our form");
    if (is_late(replay, now)) {
        replay->left = true;
        return REPLAY_IDENTICAL;
    }
    if (replay->options != NULL && replay->options->watch.input != NULL)
        replay->options->watch.input(replay->options->watch.context, &input, now);
    replay->last = now;
    replay->context[replay->inputs % REPLAY_CONTEXT] = payload;
    replay->inputs++;
    if (input.kind == PROXY_SENT && !same_bytes(replay, &input))
        return REPLAY_DIFFERENT;
    proxy_input(replay->proxy, &input, now);
    drain(replay, now);
    broken = proxy_check(replay->proxy);
    if (broken == NULL)
        return REPLAY_IDENTICAL;
    snprintf(replay->what, sizeof replay->what, "a promise of the core is broken: %s", broken);
    return REPLAY_DIFFERENT;
}

static bool end(struct reader *reader, struct span why)
{
    struct replay *replay = reader->replay;

    reader->ended = true;
    if (why.length > 0)
        snprintf(replay->what, sizeof replay->what, "it ended early: %.*s", (int)why.length,
                 why.data);
    return true;
}

/* One chunk. REPLAY_IDENTICAL: go on. */
static enum replay_result run_piece(struct reader *reader, const struct recording_piece *piece)
{
    bool good = true;

    switch (piece->kind) {
    case RECORDING_HEADER: good = header(reader->replay, piece->payload); break;
    case RECORDING_FILES: good = begin_files(reader, piece->payload); break;
    case RECORDING_SOURCE: good = add_file(reader, piece->payload); break;
    case RECORDING_SAVED: reader->saved = piece->payload; break;
    case RECORDING_BEGIN: good = begin(reader, piece->payload); break;
    case RECORDING_PICTURE: good = restore(reader->replay, piece->payload); break;
    case RECORDING_SUM: good = check_picture(reader->replay, piece->payload); break;
    case RECORDING_RELOAD: good = reload(reader, piece->payload); break;
    case RECORDING_END: good = end(reader, piece->payload); break;
    case RECORDING_INPUT: return run_input(reader->replay, piece->payload);
    default: good = false;
    }
    if (good)
        return REPLAY_IDENTICAL;
    if (reader->replay->what[0] != '\0')
        return REPLAY_FOREIGN;
    return foreign(reader->replay, "a chunk is not of our form");
}

/* What is not whole is told with its place: up to there it has been replayed. */
static enum replay_result torn(struct reader *reader, const char *how, const char *why)
{
    struct replay *replay = reader->replay;
    size_t left = reader->rest.length;
    char words[160];

    snprintf(words, sizeof words, "%.*s", (int)sizeof words - 1, why);
    snprintf(replay->what, sizeof replay->what, "it is %s after byte %zu of %zu: %s", how,
             reader->recording.length - left, reader->recording.length, words);
    return REPLAY_TORN;
}

/* It does not begin as ours do. */
static enum replay_result no_magic(struct reader *reader)
{
    struct span rest = span_skip(reader->recording, sizeof RECORDING_MAGIC - 1);
    struct recording_piece piece;

    reader->rest = reader->recording;
    if (recording_next(&rest, &piece) == RECORDING_WHOLE && piece.kind == RECORDING_HEADER)
        return torn(reader, "damaged", "its first line is not ours, or one of another version");
    return foreign(reader->replay, span_starts(reader->recording, SPAN("sioproxy recording "))
                                       ? "it is a recording of another version"
                                       : "it is no recording of sioproxy");
}

/* Chunk by chunk, until one is not there or not good. */
static enum replay_result run_pieces(struct reader *reader, enum recording_result *ret_last)
{
    enum replay_result result = REPLAY_IDENTICAL;
    struct span rest = reader->rest;
    struct recording_piece piece;

    while (result == REPLAY_IDENTICAL && !reader->replay->left && !reader->ended &&
           (*ret_last = recording_next(&rest, &piece)) == RECORDING_WHOLE) {
        result = run_piece(reader, &piece);
        if (result == REPLAY_IDENTICAL)
            reader->rest = rest;
    }
    return result;
}

enum replay_result replay_run(struct replay *replay, struct span recording,
                              const struct replay_options *options)
{
    struct reader reader = {.replay = replay, .recording = recording};
    enum recording_result last = RECORDING_WHOLE;
    enum replay_result result;

    memset(replay, 0, sizeof *replay);
    replay->options = options;
    if (!span_starts(recording, SPAN(RECORDING_MAGIC)))
        return no_magic(&reader);
    reader.rest = span_skip(recording, sizeof RECORDING_MAGIC - 1);
    result = run_pieces(&reader, &last);
    if (reader.gathering)
        sources_free(&reader.sources);
    if (result == REPLAY_FOREIGN && replay->inputs > 0)
        return torn(&reader, "torn or damaged", replay->what);
    if (result != REPLAY_IDENTICAL || replay->left)
        return result;
    if (last == RECORDING_DAMAGED)
        return torn(&reader, "damaged", "a check does not fit its bytes");
    if (reader.ended)
        return replay->what[0] == '\0' ? REPLAY_IDENTICAL : REPLAY_TORN;
    if (!replay->ready && reader.rest.length == 0)
        return foreign(replay, "it ends before the first input");
    return torn(&reader, "torn or damaged", "it has no end");
}

void replay_free(struct replay *replay)
{
    free(replay->proxy);
    config_free(replay->config);
    memset(replay, 0, sizeof *replay);
}
