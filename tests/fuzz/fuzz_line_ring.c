/* The ring of records as a sequence of operations, beside a plain list of what must be in it. */
#include "base/line_ring.h"
#include "fuzz.h"

#define RECORDS 4096

/* A record's bytes follow from its number and length: the list needs no more. */
static struct {
    uint32_t first, count, next;
    size_t length[RECORDS], bytes;
} model;

static struct span record(uint32_t number, size_t length)
{
    static char bytes[512];

    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(number * 31 + i);
    return (struct span){bytes, length};
}

static size_t length_of(uint32_t number)
{
    return model.length[number % RECORDS];
}

static void compare(const struct line_ring *ring, const char *storage)
{
    struct span found;

    fuzz_promise(ring->count == model.count, "as many records as were pushed and not dropped");
    fuzz_promise(ring->used <= ring->capacity, "never more than the storage");
    fuzz_promise(ring->used >= model.bytes, "every record takes its bytes");
    for (uint32_t i = 0; i < model.count; i++) {
        fuzz_promise(line_ring_at(ring, storage, i, &found), "every record is there");
        fuzz_promise(span_equal(found, record(model.first + i, length_of(model.first + i))),
                     "every record is what was pushed");
    }
    fuzz_promise(!line_ring_at(ring, storage, model.count, &found), "and no more");
    fuzz_promise(line_ring_front(ring, storage, &found) == (model.count > 0),
                 "the oldest stands in front");
}

static void push(struct line_ring *ring, char *storage, size_t length)
{
    bool fits = line_ring_fits(ring, length);

    fuzz_promise(model.count > 0 || fits == (length + 4 <= ring->capacity),
                 "an empty ring takes all that is no longer than its storage");
    fuzz_promise(line_ring_push(ring, storage, record(model.next, length)) == fits,
                 "what fits is pushed");
    if (!fits)
        return;
    model.length[model.next % RECORDS] = length;
    model.next++;
    model.count++;
    model.bytes += length + 4;
}

static void drop(struct line_ring *ring, const char *storage)
{
    if (model.count == 0)
        return;
    line_ring_drop(ring, storage);
    model.bytes -= length_of(model.first) + 4;
    model.first++;
    model.count--;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};
    uint32_t capacity = fuzz_word(&fuzz) % 1024;
    char *storage = malloc(capacity + (capacity == 0));
    struct line_ring ring;

    fuzz_promise(storage != NULL, "there is memory");
    memset(&model, 0, sizeof model);
    line_ring_init(&ring, capacity);
    while (fuzz.size > 0) {
        unsigned operation = fuzz_byte(&fuzz);

        if (operation < 160) {
            push(&ring, storage, operation);
        } else if (operation < 176) {
            push(&ring, storage, fuzz_word(&fuzz) % 512);
        } else if (operation < 255) {
            drop(&ring, storage);
        } else {
            line_ring_clear(&ring);
            model.first = model.next;
            model.count = 0;
            model.bytes = 0;
        }
        compare(&ring, storage);
    }
    free(storage);
    return 0;
}
