/* The outbox as a sequence of operations, beside a buffer so simple that it cannot be wrong. */
#include "base/outbox.h"
#include "fuzz.h"

#define MOST 300

static struct {
    char bytes[MOST];
    size_t length;
    bool mid_line;
    uint64_t taken, dropped;
} model;

static void compare(const struct outbox *outbox, const char *storage)
{
    struct span bytes = outbox_bytes(outbox, storage);

    fuzz_promise(span_equal(bytes, (struct span){model.bytes, model.length}),
                 "what is to be written is what was added and not taken");
    fuzz_promise(outbox_room(outbox) == outbox->capacity - model.length, "room is what is left");
    fuzz_promise(outbox->mid_line == model.mid_line, "a half written line is known");
    fuzz_promise(outbox->taken == model.taken && outbox->dropped == model.dropped,
                 "what was taken and dropped is counted");
}

static void model_add(struct span bytes)
{
    if (bytes.length > 0)
        memcpy(model.bytes + model.length, bytes.data, bytes.length);
    model.length += bytes.length;
}

static void add(struct outbox *outbox, char *storage, struct span bytes)
{
    bool fits = model.length + bytes.length <= outbox->capacity;

    fuzz_promise(outbox_add(outbox, storage, bytes) == fits, "what fits is added, whole");
    if (fits)
        model_add(bytes);
    else
        model.dropped += bytes.length;
}

static void take(struct outbox *outbox, char *storage, size_t count)
{
    if (count > 0)
        model.mid_line = model.bytes[count - 1] != '\n';
    model.taken += count;
    model.length -= count;
    memmove(model.bytes, model.bytes + count, model.length);
    outbox_take(outbox, storage, count);
}

static void overtake(struct outbox *outbox, char *storage, struct span bytes)
{
    if (bytes.length + 1 > outbox->capacity)
        return;
    outbox_overtake(outbox, storage, bytes);
    model.length = 0;
    if (model.mid_line)
        model_add(SPAN("\n"));
    model_add(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};
    uint32_t capacity = fuzz_byte(&fuzz);
    char *storage = malloc(capacity + (capacity == 0));
    struct outbox outbox;

    fuzz_promise(storage != NULL, "there is memory");
    memset(&model, 0, sizeof model);
    outbox_init(&outbox, capacity);
    while (fuzz.size > 0) {
        switch (fuzz_below(&fuzz, 4)) {
        case 0: add(&outbox, storage, fuzz_span(&fuzz)); break;
        case 1: take(&outbox, storage, model.length == 0 ? 0 : fuzz_byte(&fuzz) % (model.length + 1)); break;
        case 2: overtake(&outbox, storage, fuzz_bytes(&fuzz, fuzz_below(&fuzz, 8))); break;
        case 3:
            outbox_clear(&outbox);
            model.length = 0;
            model.mid_line = false;
            break;
        }
        compare(&outbox, storage);
    }
    free(storage);
    return 0;
}
