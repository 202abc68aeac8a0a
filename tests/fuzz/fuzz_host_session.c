/*
 * The printer that the host sees: arbitrary bytes, and lines with right, wrong and damaged numbers.
 * What is accepted comes out once and in order, and numbers have no gap.
 */
#include "fuzz.h"
#include "session/host_session.h"

#define QUEUED 131072 /* more than empty lines fit in */

static struct host_session session;

/* A line's bytes as a number: the model's queue. */
static struct {
    uint64_t line[QUEUED];
    uint32_t first, count;
    bool known;
    int64_t last; /* number accepted last, or set */
} model;

static uint64_t hash(struct span bytes)
{
    uint64_t sum = 14695981039346656037u;

    for (size_t i = 0; i < bytes.length; i++)
        sum = (sum ^ (uint8_t)bytes.data[i]) * 1099511628211u;
    return sum;
}

/* A numbered line was accepted: it is the next one, or the first. */
static void accepted(const struct gcode_line *line)
{
    int64_t sets;

    if (gcode_line_is(line, 'M', 110)) {
        if (gcode_line_m110(line, &sets)) {
            model.known = true;
            model.last = sets;
        }
    } else if (line->numbered && line->checksum_right) {
        fuzz_promise(!model.known || (uint64_t)line->number == (uint64_t)model.last + 1,
                     "numbers have no gap");
        model.known = true;
        model.last = line->number;
    }
}

static void queued(const struct gcode_line *line)
{
    fuzz_promise(model.count < QUEUED, "the model has room");
    model.line[(model.first + model.count) % QUEUED] = hash(line->raw);
    model.count++;
    fuzz_promise(session.queue.count == model.count, "what is accepted is queued");
}

static void receive(struct span bytes)
{
    struct gcode_line line;
    size_t before;

    if (bytes.length > host_session_room(&session))
        bytes.length = host_session_room(&session);
    for (;;) {
        before = bytes.length;
        switch (host_session_receive(&session, &bytes, &line)) {
        case HOST_NOTHING: fuzz_promise(bytes.length == 0, "all bytes are used up"); return;
        case HOST_QUEUED:
            if (line.raw.length > 0 && line.raw.data[line.raw.length - 1] == '\n')
                accepted(&line);
            else
                model.known = false; /* a line too long: its number is not looked at here */
            queued(&line);
            break;
        case HOST_EMERGENCY:
            fuzz_promise(gcode_line_emergency(&line) != GCODE_ORDINARY, "an emergency is one");
            model.known = false;
            break;
        case HOST_REFUSED: fuzz_promise(line.numbered, "only what is numbered is refused"); break;
        case HOST_DROPPED: fuzz_promise(line.numbered, "only what is numbered is dropped"); break;
        }
        fuzz_promise(bytes.length < before, "a line takes bytes");
    }
}

/* A line with a number near the expected one, its checksum right or not. */
static void receive_numbered(struct fuzz *fuzz)
{
    static char bytes[LINE_CAPACITY + 64];
    struct text text = TEXT_IN(bytes);
    unsigned how = fuzz_byte(fuzz);
    uint64_t number = (uint64_t)host_session_expected(&session);

    if (how & 16)
        number -= how >> 1 & 7;
    if (how & 32)
        number += how >> 6;
    gcode_line_number(fuzz_line(fuzz, 900), (int64_t)number, &text);
    if (how & 1)
        bytes[text.length / 2] ^= 1;
    receive(text_span(&text));
}

static void drop(void)
{
    struct gcode_line line;
    uint64_t overlong;

    fuzz_promise(host_session_front(&session, &line, &overlong) == (model.count > 0),
                 "a front there is if a line waits");
    if (model.count == 0)
        return;
    fuzz_promise(hash(line.raw) == model.line[model.first], "lines come out as and when they came");
    fuzz_promise((overlong > 0) == (line.raw.data[line.raw.length - 1] != '\n'),
                 "a line too long says so");
    host_session_drop(&session);
    model.first = (model.first + 1) % QUEUED;
    model.count--;
}

static void flood(struct fuzz *fuzz)
{
    static char bytes[4096];
    struct span line = fuzz_span(fuzz);
    struct text text = TEXT_IN(bytes);

    if (line.length == 0)
        line = SPAN("\n\n\n\n\n\n\nG1\n");
    while (text.length + line.length <= sizeof bytes)
        text_add(&text, line);
    for (unsigned i = 0; i < 8; i++)
        receive(text_span(&text));
}

static void operate(struct fuzz *fuzz)
{
    switch (fuzz_below(fuzz, 8)) {
    case 0: receive(fuzz_span(fuzz)); break;
    case 1: receive_numbered(fuzz); break;
    case 2: drop(); break;
    case 3:
        host_session_opened(&session);
        model.known = false;
        break;
    case 4:
        fuzz_promise(host_session_clear(&session) == model.count, "what is dropped is counted");
        model.count = 0;
        break;
    case 5: host_session_upload_over(&session); break;
    case 6: flood(fuzz); break;
    case 7:
        for (unsigned i = fuzz_byte(fuzz); i > 0; i--)
            drop();
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};

    memset(&model, 0, sizeof model);
    host_session_init(&session);
    while (fuzz.size > 0) {
        operate(&fuzz);
        fuzz_check(host_session_check(&session));
    }
    while (model.count > 0)
        drop();
    return 0;
}
