#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "recording.h"

#define FRONT 9 /* bytes before a payload */

static char buffer[4096];
static struct text written;

static int setup(void **unused)
{
    (void)unused;
    written = TEXT_IN(buffer);
    return 0;
}

/* Writes an input with its bytes and reads it back. */
static struct proxy_input there_and_back(const struct proxy_input *input, struct instant now,
                                         struct request *ret_request)
{
    struct recording_piece piece;
    struct proxy_input read;
    struct instant then;
    struct span rest;

    written.length = 0;
    recording_input(&written, input, now);
    text_add(&written, input->bytes);
    assert_false(written.cut);
    rest = text_span(&written);
    assert_int_equal(recording_next(&rest, &piece), RECORDING_WHOLE);
    assert_int_equal(rest.length, 0);
    assert_int_equal(piece.kind, RECORDING_INPUT);
    assert_true(recording_read_input(piece.payload, &read, ret_request, &then));
    assert_true(then.us == now.us);
    assert_int_equal(read.kind, input->kind);
    assert_int_equal(read.port, input->port);
    assert_true(read.number == input->number);
    assert_true(span_equal(read.bytes, input->bytes));
    return read;
}

static void every_input_comes_back_as_it_was(void **unused)
{
    struct request request;

    (void)unused;
    for (int kind = PROXY_OPENED; kind <= PROXY_TICK; kind++) {
        if (kind == PROXY_ASKED)
            continue;
        for (int port = 0; port < PROXY_PORTS; port++) {
            there_and_back(&(struct proxy_input){.kind = (enum proxy_input_kind)kind,
                                                 .port = (enum proxy_port)port,
                                                 .number = -2,
                                                 .bytes = SPAN("ok\n\0\xff")},
                           (struct instant){INT64_MIN}, &request);
            there_and_back(
                &(struct proxy_input){.kind = (enum proxy_input_kind)kind, .number = INT64_MAX},
                (struct instant){1234567}, &request);
        }
    }
}

static void a_request_comes_back_as_it_was(void **unused)
{
    struct request asked = {.kind = REQUEST_PULSE, .value = 255, .ms = 86400000}, request;
    struct proxy_input input = {.kind = PROXY_ASKED, .number = 65, .request = &asked}, read;

    (void)unused;
    memset(asked.point, 'p', sizeof asked.point - 1);
    memset(asked.line, 'x', sizeof asked.line - 1);
    read = there_and_back(&input, (struct instant){1}, &request);
    assert_ptr_equal(read.request, &request);
    assert_int_equal(request.kind, asked.kind);
    assert_int_equal(request.value, 255);
    assert_true(request.ms == asked.ms);
    assert_string_equal(request.point, asked.point);
    assert_string_equal(request.line, asked.line);
}

static void a_chunk_is_taken_only_when_it_is_whole(void **unused)
{
    struct proxy_input input = {.kind = PROXY_BYTES, .bytes = SPAN("M105\n")};
    struct recording_piece piece;

    (void)unused;
    recording_input(&written, &input, (struct instant){1});
    text_add(&written, input.bytes);
    for (size_t length = 0; length < written.length; length++) {
        struct span rest = {written.data, length};

        assert_int_equal(recording_next(&rest, &piece), RECORDING_SHORT);
        assert_int_equal(rest.length, length);
    }
}

/* Whichever bit flips: the chunk is damaged, or so long that it cannot be whole. */
static void no_flipped_bit_is_taken_for_a_whole_chunk(void **unused)
{
    (void)unused;
    for (size_t length = 0; length < 40; length++) {
        struct proxy_input input = {
            .kind = PROXY_SENT, .bytes = {"N12 G1 X10 Y20 E3.4 F5678*99\nM105\nM105\n", length}};

        written.length = 0;
        recording_input(&written, &input, (struct instant){1234567890});
        text_add(&written, input.bytes);
        for (size_t bit = 0; bit < 8 * written.length; bit++) {
            struct span rest = text_span(&written);
            struct recording_piece piece;

            written.data[bit / 8] = (char)(written.data[bit / 8] ^ 1 << bit % 8);
            assert_int_not_equal(recording_next(&rest, &piece), RECORDING_WHOLE);
            assert_int_equal(rest.length, written.length);
            written.data[bit / 8] = (char)(written.data[bit / 8] ^ 1 << bit % 8);
        }
    }
}

static void zeros_that_are_too_many_or_too_few_are_damage(void **unused)
{
    static const char zeros[64];

    (void)unused;
    for (size_t length = 0; length < 60; length++) {
        struct recording_piece piece;
        struct span rest;

        written.length = 0;
        recording_chunk(&written, RECORDING_SOURCE, (struct span){zeros, length});
        text_add(&written, (struct span){zeros, length});
        rest = text_span(&written);
        written.data[1] = (char)(length + 1);
        text_add_char(&written, '\0');
        assert_int_equal(recording_next(&rest, &piece), RECORDING_SHORT);
        rest = text_span(&written);
        assert_int_equal(recording_next(&rest, &piece), RECORDING_DAMAGED);
    }
}

static void no_byte_of_an_input_can_do_harm(void **unused)
{
    struct request asked = {.kind = REQUEST_SEND, .line = "M117 hello"}, request;
    struct proxy_input input = {.kind = PROXY_ASKED, .number = 1, .request = &asked}, read;
    struct instant then;
    size_t length;

    (void)unused;
    recording_input(&written, &input, (struct instant){1});
    length = written.length - FRONT;
    for (size_t cut = 0; cut <= length; cut++) {
        for (unsigned value = 0; value < 256; value += 17) {
            char *payload = malloc(cut == 0 ? 1 : cut); /* the sanitizer sees its end */

            assert_non_null(payload);
            memcpy(payload, written.data + FRONT, cut);
            if (cut > 0)
                payload[cut - 1] = (char)value;
            if (recording_read_input((struct span){payload, cut}, &read, &request, &then) &&
                read.kind == PROXY_ASKED) {
                assert_true(strlen(request.line) < sizeof request.line);
                assert_true(strlen(request.point) < sizeof request.point);
            }
            free(payload);
        }
    }
}

static void squeeze_and_check(const char *state, size_t size, size_t capacity)
{
    char *restored = malloc(size);
    size_t from = 0, to = 0;

    assert_non_null(restored);
    memset(restored, 0x55, size);
    while (from < size) {
        struct text piece = {buffer, capacity, 0, false};
        size_t before = from;

        recording_squeeze(&piece, (struct span){state, size}, &from);
        assert_true(from > before);
        assert_false(piece.cut);
        assert_true(recording_unsqueeze(text_span(&piece), restored, size, &to));
        assert_int_equal(from, to);
    }
    assert_memory_equal(restored, state, size);
    free(restored);
}

static void a_picture_comes_back_as_it_was_in_pieces_of_any_size(void **unused)
{
    static char state[3000];
    uint32_t random = 1;

    (void)unused;
    for (size_t capacity = 9; capacity < 200; capacity += 13) {
        squeeze_and_check(state, sizeof state, capacity); /* all zero at first */
        for (unsigned i = 0; i < 40; i++) {
            random = random * 1664525u + 1013904223u;
            state[(random >> 8) % sizeof state] = (char)(random >> 3);
        }
    }
    memset(state, 1, sizeof state);
    squeeze_and_check(state, sizeof state, 100);
    squeeze_and_check(state, 1, 100);
}

static void zeros_take_no_room(void **unused)
{
    static char state[500000];
    size_t offset = 0;

    (void)unused;
    state[400000] = 1;
    recording_squeeze(&written, (struct span){state, sizeof state}, &offset);
    assert_int_equal(offset, sizeof state);
    assert_true(written.length < 64);
}

static void a_picture_that_is_too_large_is_refused(void **unused)
{
    static char state[100], small[99];
    size_t from = 0, to = 0;

    (void)unused;
    memset(state, 7, sizeof state);
    recording_squeeze(&written, (struct span){state, sizeof state}, &from);
    assert_false(recording_unsqueeze(text_span(&written), small, sizeof small, &to));
    assert_true(to <= sizeof small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_input_comes_back_as_it_was, setup),
        cmocka_unit_test_setup(a_request_comes_back_as_it_was, setup),
        cmocka_unit_test_setup(a_chunk_is_taken_only_when_it_is_whole, setup),
        cmocka_unit_test_setup(no_flipped_bit_is_taken_for_a_whole_chunk, setup),
        cmocka_unit_test_setup(zeros_that_are_too_many_or_too_few_are_damage, setup),
        cmocka_unit_test_setup(no_byte_of_an_input_can_do_harm, setup),
        cmocka_unit_test_setup(a_picture_comes_back_as_it_was_in_pieces_of_any_size, setup),
        cmocka_unit_test_setup(zeros_take_no_room, setup),
        cmocka_unit_test_setup(a_picture_that_is_too_large_is_refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
