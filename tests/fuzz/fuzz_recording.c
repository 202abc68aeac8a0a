/*
 * Recordings: an input comes back as it was written, a squeezed picture is whole again, and any
 * bytes behind a good beginning are replayed as far as they can be. Pictures are left out there:
 * they are the program's own memory, and trusted.
 */
#include "daemon/replay.h"
#include "daemon/session_text.h"
#include "fuzz.h"

static const char config[] = "name: fuzz\n"
                             "printer: {port: /tmp/printer}\n"
                             "board: {port: /tmp/board}\n"
                             "points: {light: {io: 2, type: output}}\n";

static void same_input(const struct proxy_input *a, const struct proxy_input *b)
{
    fuzz_promise(a->kind == b->kind && a->port == b->port && a->number == b->number &&
                     span_equal(a->bytes, b->bytes),
                 "an input comes back");
    fuzz_promise(a->kind != PROXY_ASKED ||
                     (a->request->kind == b->request->kind &&
                      a->request->value == b->request->value && a->request->ms == b->request->ms &&
                      strcmp(a->request->point, b->request->point) == 0 &&
                      strcmp(a->request->line, b->request->line) == 0),
                 "a request comes back");
}

static void round_trip(struct fuzz *fuzz)
{
    char bytes[RECORDING_FRONT + 512];
    struct text text = TEXT_IN(bytes);
    struct request request = {.kind = (enum request_kind)fuzz_below(fuzz, REQUEST_EXIT + 1)}, back;
    struct proxy_input input = {.kind = (enum proxy_input_kind)fuzz_below(fuzz, PROXY_TICK + 1),
                                .port = (enum proxy_port)fuzz_below(fuzz, PROXY_PORTS),
                                .request = &request},
                       again;
    struct instant now = {(int64_t)fuzz_word(fuzz) << 40}, then;
    struct recording_piece piece;
    struct span rest;

    input.number = (int64_t)((uint64_t)fuzz_word(fuzz) << 48);
    request.value = fuzz_byte(fuzz);
    request.ms = -(int64_t)fuzz_word(fuzz);
    memset(request.point, 'p', fuzz_below(fuzz, sizeof request.point));
    memset(request.line, 'l', fuzz_byte(fuzz));
    input.bytes = fuzz_span(fuzz);
    recording_input(&text, &input, now);
    fuzz_promise(!text.cut && text.length <= RECORDING_FRONT, "a front has its room");
    text_add(&text, input.bytes);
    rest = text_span(&text);
    fuzz_promise(recording_next(&rest, &piece) == RECORDING_WHOLE && rest.length == 0 &&
                     piece.kind == RECORDING_INPUT,
                 "a chunk comes back");
    fuzz_promise(recording_read_input(piece.payload, &again, &back, &then) && then.us == now.us,
                 "an input comes back");
    same_input(&input, &again);
}

static void squeezed(struct fuzz *fuzz)
{
    static char state[1024], again[1024];
    char bytes[256];
    size_t offset = 0, back = 0, room = 16 + fuzz_below(fuzz, 240), at = 0;

    memset(state, 0, sizeof state);
    while (fuzz->size > 0 && at < sizeof state) {
        at += fuzz_byte(fuzz);
        for (struct span run = fuzz_bytes(fuzz, fuzz_below(fuzz, 40)); run.length > 0;
             run = span_skip(run, 1)) {
            if (at < sizeof state)
                state[at++] = run.data[0];
        }
    }
    while (offset < sizeof state) {
        struct text text = {bytes, room, 0, false};
        size_t before = offset;

        recording_squeeze(&text, (struct span){state, sizeof state}, &offset);
        fuzz_promise(!text.cut && offset > before, "a picture gets on");
        fuzz_promise(recording_unsqueeze(text_span(&text), again, sizeof again, &back) &&
                         back == offset,
                     "a piece of a picture comes back");
    }
    fuzz_promise(memcmp(state, again, sizeof state) == 0, "a picture comes back");
}

static void arbitrary_picture(struct fuzz *fuzz)
{
    char *state = malloc(256);
    size_t offset = fuzz_byte(fuzz);

    fuzz_promise(state != NULL, "there is memory");
    recording_unsqueeze((struct span){(const char *)fuzz->data, fuzz->size}, state, 256, &offset);
    fuzz_promise(offset <= 256, "nothing is written behind the state");
    free(state);
}

static void add_chunk(struct text *text, enum recording_kind kind, struct span payload)
{
    recording_chunk(text, kind, payload);
    text_add(text, payload);
}

/* What replay --timeline prints goes nowhere. */
static struct session_text session;

static void show_input(void *unused, const struct proxy_input *input, struct instant now)
{
    (void)unused;
    session_text_input(&session, input, now);
}

static void show_order(void *unused, const struct order *order, struct instant now)
{
    (void)unused;
    session_text_order(&session, order, now);
}

static void show_event(void *unused, const struct event *event)
{
    (void)unused;
    session_text_event(&session, event);
}

/*
 * Any bytes as chunks, each a kind, a length in 4 bytes and a payload; they get their checks here,
 * and what is left over stays as it is. False if there is a picture among them.
 */
static bool add_chunks(struct text *text, struct span rest)
{
    while (rest.length >= 5) {
        const uint8_t *at = (const uint8_t *)rest.data;
        size_t length = at[1] | (size_t)at[2] << 8 | (size_t)at[3] << 16 | (size_t)at[4] << 24;

        if (length > rest.length - 5)
            break;
        if (at[0] == RECORDING_PICTURE)
            return false;
        add_chunk(text, (enum recording_kind)at[0], (struct span){rest.data + 5, length});
        rest = span_skip(rest, 5 + length);
    }
    text_add(text, rest);
    return true;
}

/* A beginning as the daemon writes it, and any bytes behind it. */
static void replayed(struct fuzz *fuzz)
{
    static char bytes[16384];
    static struct replay replay;
    static FILE *nowhere;
    const struct replay_options options = {.until_us = -1,
                                           .watch = {NULL, show_input, show_order, show_event}};
    char source[sizeof config + 8];
    struct text text = TEXT_IN(bytes), file = TEXT_IN(source);

    text_add(&text, SPAN(RECORDING_MAGIC));
    add_chunk(&text, RECORDING_HEADER, SPAN("\0\0\0\0\0\0\0\0version"));
    add_chunk(&text, RECORDING_FILES, SPAN("/\0"));
    text_add(&file, SPAN("f.yaml\0"));
    text_add_string(&file, config);
    add_chunk(&text, RECORDING_SOURCE, text_span(&file));
    recording_number(&text, RECORDING_BEGIN, 1000000, SPAN_NONE);
    if (add_chunks(&text, (struct span){(const char *)fuzz->data, fuzz->size}) && !text.cut) {
        if (nowhere == NULL)
            nowhere = fopen("/dev/null", "w");
        session_text_init(&session, nowhere, (struct instant){1000000});
        fuzz_promise(replay_run(&replay, text_span(&text), &options) != REPLAY_IDENTICAL ||
                         replay.what[0] == '\0',
                     "what is identical needs no word");
        session_text_end(&session, replay.last);
        replay_free(&replay);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};
    static struct replay replay;

    switch (fuzz_byte(&fuzz)) {
    case 'r': round_trip(&fuzz); break;
    case 's': squeezed(&fuzz); break;
    case 'p': arbitrary_picture(&fuzz); break;
    case 'f': /* from the first byte on */
        replay_run(&replay, (struct span){(const char *)fuzz.data, fuzz.size}, NULL);
        replay_free(&replay);
        break;
    default: replayed(&fuzz); break;
    }
    return 0;
}
