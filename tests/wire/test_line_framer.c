#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/line_framer.h"

static struct line_framer framer;

static int fresh(void **unused)
{
    (void)unused;
    line_framer_init(&framer);
    return 0;
}

/* All that the framer says of a stream: for each line its result as a digit, then its bytes. */
struct story {
    char bytes[8192];
    size_t length;
};

static void tell(struct story *story, struct span stream, size_t piece)
{
    char *copy = malloc(piece); /* ends with its allocation */

    assert_non_null(copy);
    story->length = 0;
    while (stream.length > 0) {
        size_t length = stream.length < piece ? stream.length : piece;
        struct span bytes = {copy + piece - length, length}, line;

        memcpy(copy + piece - length, stream.data, length);
        stream = span_skip(stream, length);
        for (;;) {
            enum line_result result = line_framer_next(&framer, &bytes, &line);

            if (result == LINE_NONE) {
                break;
            }
            story->bytes[story->length++] = (char)('0' + result);
            memcpy(story->bytes + story->length, line.data, line.length);
            story->length += line.length;
        }
        assert_int_equal(bytes.length, 0);
    }
    free(copy);
}

static void expect_story(struct span stream, struct span expected)
{
    static const size_t pieces[] = {1, 2, 3, 7, 64, 1023, 1024, 1025, 4096};
    static struct story story;

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        line_framer_init(&framer);
        tell(&story, stream, pieces[i]);
        assert_true(span_equal((struct span){story.bytes, story.length}, expected));
    }
}

static void lines_keep_their_bytes_however_they_arrive(void **unused)
{
    (void)unused;
    expect_story(SPAN("G28\nM105\r\n\nrest"), SPAN("1G28\n1M105\r\n1\n"));
    assert_true(line_framer_pending(&framer));
    expect_story(SPAN("a\0b\n\r\r\n\xff\n"), SPAN("1a\0b\n1\r\r\n1\xff\n"));
    assert_false(line_framer_pending(&framer));
}

static void the_longest_line_is_whole_and_one_byte_more_comes_in_parts(void **unused)
{
    char stream[LINE_CAPACITY + 1], expected[LINE_CAPACITY + 3];

    (void)unused;
    memset(stream, 'x', sizeof(stream));
    memset(expected, 'x', sizeof(expected));
    stream[LINE_CAPACITY - 1] = '\n';
    expected[0] = '0' + LINE_COMPLETE;
    expected[LINE_CAPACITY] = '\n';
    expect_story((struct span){stream, LINE_CAPACITY}, (struct span){expected, LINE_CAPACITY + 1});
    assert_int_equal(line_framer_length(&framer), LINE_CAPACITY);

    stream[LINE_CAPACITY - 1] = 'x';
    stream[LINE_CAPACITY] = '\n';
    expected[0] = '0' + LINE_PART;
    expected[LINE_CAPACITY] = 'x';
    expected[LINE_CAPACITY + 1] = '0' + LINE_REST;
    expected[LINE_CAPACITY + 2] = '\n';
    expect_story((struct span){stream, sizeof(stream)}, (struct span){expected, sizeof(expected)});
    assert_int_equal(line_framer_length(&framer), LINE_CAPACITY + 1);
}

static void an_overlong_line_is_measured_and_the_next_is_a_line_again(void **unused)
{
    static char stream[5000];
    struct span bytes = {stream, sizeof(stream)}, line;

    (void)unused;
    memset(stream, 'x', sizeof(stream));
    stream[3999] = '\n';
    stream[4010] = '\n';
    assert_int_equal(line_framer_next(&framer, &bytes, &line), LINE_PART);
    assert_int_equal(line.length, LINE_CAPACITY);
    assert_true(line_framer_pending(&framer));
    assert_int_equal(line_framer_next(&framer, &bytes, &line), LINE_PART);
    assert_int_equal(line_framer_next(&framer, &bytes, &line), LINE_PART);
    assert_int_equal(line_framer_next(&framer, &bytes, &line), LINE_REST);
    assert_int_equal(line.length, 4000 - 3 * LINE_CAPACITY);
    assert_int_equal(line_framer_length(&framer), 4000);
    assert_int_equal(line_framer_next(&framer, &bytes, &line), LINE_COMPLETE);
    assert_int_equal(line.length, 11);
    assert_int_equal(line_framer_length(&framer), 11);
}

static void a_reset_forgets_the_unfinished_line(void **unused)
{
    struct span bytes = SPAN("G1 X"), line;

    (void)unused;
    assert_int_equal(line_framer_next(&framer, &bytes, &line), LINE_NONE);
    line_framer_reset(&framer);
    assert_false(line_framer_pending(&framer));
    bytes = SPAN("M105\n");
    assert_int_equal(line_framer_next(&framer, &bytes, &line), LINE_COMPLETE);
    assert_true(span_equal(line, SPAN("M105\n")));
    assert_int_equal(line_framer_length(&framer), 5);
}

static void content_is_the_line_without_its_end(void **unused)
{
    (void)unused;
    assert_true(span_equal(line_content(SPAN("ok\n")), SPAN("ok")));
    assert_true(span_equal(line_content(SPAN("ok\r\n")), SPAN("ok")));
    assert_true(span_equal(line_content(SPAN("ok\r\r\n")), SPAN("ok\r")));
    assert_true(span_equal(line_content(SPAN("ok\r")), SPAN("ok\r")));
    assert_int_equal(line_content(SPAN("\n")).length, 0);
    assert_int_equal(line_content(SPAN("\r\n")).length, 0);
    assert_int_equal(line_content(SPAN_NONE).length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_keep_their_bytes_however_they_arrive, fresh),
        cmocka_unit_test_setup(the_longest_line_is_whole_and_one_byte_more_comes_in_parts, fresh),
        cmocka_unit_test_setup(an_overlong_line_is_measured_and_the_next_is_a_line_again, fresh),
        cmocka_unit_test_setup(a_reset_forgets_the_unfinished_line, fresh),
        cmocka_unit_test(content_is_the_line_without_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
