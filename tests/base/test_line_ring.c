#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/line_ring.h"

/* What the ring must hold, kept the slow way. */
#define MODEL_MAX 64
struct model {
    char bytes[MODEL_MAX][64];
    size_t length[MODEL_MAX];
    unsigned count;
};

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % limit;
}

static void check_promises(const struct line_ring *ring, const char *storage,
                           const struct model *model)
{
    struct span record;

    assert_int_equal(ring->count, model->count);
    assert_true(ring->used <= ring->capacity);
    assert_true(ring->head <= ring->capacity && ring->tail <= ring->capacity);
    for (unsigned i = 0; i < model->count; i++) {
        assert_true(line_ring_at(ring, storage, i, &record));
        assert_true(span_equal(record, (struct span){model->bytes[i], model->length[i]}));
    }
    assert_false(line_ring_at(ring, storage, model->count, &record));
    assert_int_equal(line_ring_front(ring, storage, &record), model->count > 0);
    if (model->count > 0) {
        assert_true(span_equal(record, (struct span){model->bytes[0], model->length[0]}));
    }
}

static void push_random(struct line_ring *ring, char *storage, struct model *model)
{
    char *bytes = model->bytes[model->count];
    size_t length = random_below(40);
    bool fits = line_ring_fits(ring, length);

    memset(bytes, (int)('a' + random_below(26)), length);
    assert_int_equal(line_ring_push(ring, storage, (struct span){bytes, length}), fits);
    if (fits) {
        model->length[model->count++] = length;
    } else {
        assert_true(model->count > 0 || length + 4 > ring->capacity);
    }
}

static void drop_oldest(struct line_ring *ring, const char *storage, struct model *model)
{
    line_ring_drop(ring, storage);
    model->count--;
    memmove(model->bytes[0], model->bytes[1], sizeof(model->bytes[0]) * model->count);
    memmove(&model->length[0], &model->length[1], sizeof(model->length[0]) * model->count);
}

static void records_come_out_as_they_went_in_at_every_capacity(void **unused)
{
    (void)unused;
    for (uint32_t capacity = 0; capacity < 120; capacity++) {
        char *storage = malloc(capacity == 0 ? 1 : capacity);
        struct model model = {.count = 0};
        struct line_ring ring;

        assert_non_null(storage);
        line_ring_init(&ring, capacity);
        for (unsigned step = 0; step < 400; step++) {
            if (model.count > 0 && random_below(2) == 0) {
                drop_oldest(&ring, storage, &model);
            } else if (model.count < MODEL_MAX - 1) {
                push_random(&ring, storage, &model);
            }
            check_promises(&ring, storage, &model);
        }
        free(storage);
    }
}

static void a_record_that_ends_with_the_storage_is_followed_by_one_at_its_start(void **unused)
{
    char storage[32];
    struct line_ring ring;
    struct span record;

    (void)unused;
    line_ring_init(&ring, sizeof(storage));
    assert_true(line_ring_push(&ring, storage, SPAN("twelve bytes")));
    assert_true(line_ring_push(&ring, storage, SPAN("and twelve.."))); /* full to the byte */
    assert_false(line_ring_fits(&ring, 0));
    line_ring_drop(&ring, storage);
    assert_true(line_ring_push(&ring, storage, SPAN("twelve again")));
    assert_true(line_ring_at(&ring, storage, 1, &record));
    assert_true(span_equal(record, SPAN("twelve again")));
    assert_ptr_equal(record.data, storage + 4);
}

static void an_empty_ring_takes_a_record_as_long_as_itself(void **unused)
{
    char storage[16], other[13] = "abcdefghijkl";
    struct line_ring ring;

    (void)unused;
    line_ring_init(&ring, sizeof(storage));
    assert_true(line_ring_push(&ring, storage, SPAN("odd")));
    line_ring_drop(&ring, storage);
    assert_false(line_ring_push(&ring, storage, (struct span){other, 13}));
    assert_true(line_ring_push(&ring, storage, (struct span){other, 12}));
    line_ring_clear(&ring);
    assert_false(line_ring_front(&ring, storage, &(struct span){0}));
    assert_false(line_ring_fits(&ring, SIZE_MAX));
}

static void a_copied_ring_goes_on_by_itself(void **unused)
{
    struct {
        struct line_ring ring;
        char storage[64];
    } one, other;
    struct span record;

    (void)unused;
    line_ring_init(&one.ring, sizeof(one.storage));
    assert_true(line_ring_push(&one.ring, one.storage, SPAN("G28")));
    other = one;
    line_ring_drop(&one.ring, one.storage);
    memset(&one, 0, sizeof(one));
    assert_true(line_ring_front(&other.ring, other.storage, &record));
    assert_true(span_equal(record, SPAN("G28")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_as_they_went_in_at_every_capacity),
        cmocka_unit_test(a_record_that_ends_with_the_storage_is_followed_by_one_at_its_start),
        cmocka_unit_test(an_empty_ring_takes_a_record_as_long_as_itself),
        cmocka_unit_test(a_copied_ring_goes_on_by_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
