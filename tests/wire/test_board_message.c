#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/board_message.h"
#include "wire/line_framer.h"

static struct board_message message;
static char *copy;

/* Parses a copy that ends with its allocation, so that reading on is seen by the sanitizer. */
static void parse_span(struct span content)
{
    free(copy);
    copy = malloc(content.length + 1);
    assert_non_null(copy);
    if (content.length > 0) {
        memcpy(copy + 1, content.data, content.length);
    }
    board_message_parse((struct span){copy + 1, content.length}, &message);
}

static int release(void **unused)
{
    (void)unused;
    free(copy);
    copy = NULL;
    return 0;
}

static void expect(const char *content, enum board_message_kind kind, const char *argument)
{
    parse_span(span_of(content));
    assert_int_equal(message.kind, kind);
    assert_true(span_equal(message.argument, span_of(argument)));
}

static void every_word_of_the_board_is_known(void **unused)
{
    (void)unused;
    expect("OK", BOARD_OK, "");
    expect("OK\r", BOARD_OK, "");
    expect("RR", BOARD_READY_REPORT, "");
    expect("VI:SIO_Arduino_General 1.0.11", BOARD_VERSION, "SIO_Arduino_General 1.0.11");
    expect("CP:SIOPlugin 0.1.1\r", BOARD_COMPATIBILITY, "SIOPlugin 0.1.1");
    expect("FS:NA", BOARD_FEATURES, "NA");
    expect("XT BRD:ATmega328P", BOARD_EXTENSION, "BRD:ATmega328P");
    expect("XT DHT 4 21.5 40.0", BOARD_EXTENSION, "DHT 4 21.5 40.0");
    expect("DG:ERR: bad cmnd[]", BOARD_DEBUG, "ERR: bad cmnd[]");
    expect("DG:", BOARD_DEBUG, "");
    expect("TC INPUT:0,OUTPUT:1", BOARD_CONSTANTS, "INPUT:0,OUTPUT:1");
    expect("//action:disconnect", BOARD_ACTION, "");
    expect("IC:17", BOARD_COUNT, "");
    assert_int_equal(message.number, 17);
}

static void levels_are_counted_by_their_digits(void **unused)
{
    (void)unused;
    expect("IO:111111111111100000\r", BOARD_IO, "");
    assert_int_equal(message.count, 18);
    for (unsigned i = 0; i < 18; i++) {
        assert_int_equal(message.level[i], i < 13);
    }
    expect("IO:0", BOARD_IO, "");
    assert_int_equal(message.count, 1);
}

static void types_may_end_in_a_comma(void **unused)
{
    (void)unused;
    expect("IT:2,2,1,\r", BOARD_TYPES, "");
    assert_int_equal(message.count, 3);
    assert_int_equal(message.type[2], 1);
    expect("IT:5,18,-2", BOARD_TYPES, "");
    assert_int_equal(message.count, 3);
    assert_int_equal(message.type[1], 18);
    assert_int_equal(message.type[2], -2);
    expect("IT:-32768,32767,", BOARD_TYPES, "");
    assert_int_equal(message.type[0], INT16_MIN);
}

static void a_damaged_line_is_garbage(void **unused)
{
    static const char *const lines[] = {"",
                                        "O",
                                        "ok",
                                        "OKOK",
                                        "IO:",
                                        "IO:0120",
                                        "IO:01 01",
                                        "IO 12 1",
                                        "IT:",
                                        "IT:,",
                                        "IT:2,,1",
                                        "IT:2,x",
                                        "IT:2,32768",
                                        "IT:-",
                                        "IT:2,-32769",
                                        "IC:",
                                        "IC:x",
                                        "IC:17x",
                                        "IC:99999",
                                        "RRR",
                                        "VI",
                                        "TC",
                                        "XT",
                                        "IOO:01",
                                        "IO:0101OK",
                                        "//action:pause",
                                        "ok T:20",
                                        "I not printer; Am SIOControler."};

    (void)unused;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        expect(lines[i], BOARD_GARBAGE, lines[i]);
    }
    parse_span(SPAN("\0OK"));
    assert_int_equal(message.kind, BOARD_GARBAGE);
}

static void more_points_than_any_board_has_are_garbage(void **unused)
{
    char levels[3 + BOARD_IO_MAX + 1], types[3 + 2 * (BOARD_IO_MAX + 1)];

    (void)unused;
    memcpy(levels, "IO:", 3);
    memset(levels + 3, '1', BOARD_IO_MAX + 1);
    parse_span((struct span){levels, 3 + BOARD_IO_MAX});
    assert_int_equal(message.kind, BOARD_IO);
    assert_int_equal(message.count, BOARD_IO_MAX);
    parse_span((struct span){levels, sizeof(levels)});
    assert_int_equal(message.kind, BOARD_GARBAGE);

    memcpy(types, "IT:", 3);
    for (size_t i = 0; i < BOARD_IO_MAX + 1; i++) {
        memcpy(types + 3 + 2 * i, "1,", 2);
    }
    parse_span((struct span){types, 3 + 2 * BOARD_IO_MAX});
    assert_int_equal(message.kind, BOARD_TYPES);
    parse_span((struct span){types, sizeof(types)});
    assert_int_equal(message.kind, BOARD_GARBAGE);
}

static void a_type_constant_is_found_by_its_whole_name(void **unused)
{
    struct span constants = SPAN("INPUT:1,OUTPUT:2,INPUT_PULLUP:5, OUTPUT_PWM:-2 ,BAD:x,");
    int64_t value = 4711;

    (void)unused;
    assert_true(board_message_constant(constants, SPAN("OUTPUT"), &value));
    assert_int_equal(value, 2);
    assert_true(board_message_constant(constants, SPAN("INPUT_PULLUP"), &value));
    assert_int_equal(value, 5);
    assert_true(board_message_constant(constants, SPAN("OUTPUT_PWM"), &value));
    assert_int_equal(value, -2);
    assert_false(board_message_constant(constants, SPAN("PULLUP"), &value));
    assert_false(board_message_constant(constants, SPAN("output"), &value));
    assert_false(board_message_constant(constants, SPAN("BAD"), &value));
    assert_false(board_message_constant(SPAN_NONE, SPAN("OUTPUT"), &value));
    assert_int_equal(value, -2);
}

static void commands_are_written_as_the_board_reads_them(void **unused)
{
    char memory[64];
    struct text text = TEXT_IN(memory);

    (void)unused;
    board_message_set(12, true, &text);
    board_message_set(0, false, &text);
    board_message_interval(3000, &text);
    board_message_interval(100, &text);
    board_message_word("BIO", &text);
    assert_true(span_equal(text_span(&text), SPAN("IO 12 1\nIO 0 0\nSI 3000\nSI 500\nBIO\n")));
    assert_false(text.cut);
}

/* A handshake as recorded from an Arduino, whole and byte by byte. */
static void a_recorded_handshake_says_the_same_byte_by_byte(void **unused)
{
    static const char session[] = "OK\r\nVI:SIO_Arduino_General 1.0.11\r\nCP:SIOPlugin 0.1.1\r\n"
                                  "FS:NA\r\nXT BRD:ATmega328P\r\nIO:111111111111000000\r\nRR\r\n";
    static const enum board_message_kind kinds[] = {
        BOARD_OK,        BOARD_VERSION, BOARD_COMPATIBILITY, BOARD_FEATURES,
        BOARD_EXTENSION, BOARD_IO,      BOARD_READY_REPORT,
    };
    static struct line_framer framer;

    (void)unused;
    for (size_t piece = 1; piece < sizeof(session); piece += sizeof(session) - 2) {
        struct span stream = {session, sizeof(session) - 1}, line;
        size_t count = 0;

        line_framer_init(&framer);
        while (stream.length > 0) {
            struct span bytes = {stream.data, piece < stream.length ? piece : stream.length};

            stream = span_skip(stream, bytes.length);
            while (line_framer_next(&framer, &bytes, &line) == LINE_COMPLETE) {
                parse_span(line_content(line));
                assert_int_equal(message.kind, kinds[count++]);
            }
        }
        assert_int_equal(count, sizeof(kinds) / sizeof(kinds[0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_of_the_board_is_known),
        cmocka_unit_test(levels_are_counted_by_their_digits),
        cmocka_unit_test(types_may_end_in_a_comma),
        cmocka_unit_test(a_damaged_line_is_garbage),
        cmocka_unit_test(more_points_than_any_board_has_are_garbage),
        cmocka_unit_test(a_type_constant_is_found_by_its_whole_name),
        cmocka_unit_test(commands_are_written_as_the_board_reads_them),
        cmocka_unit_test(a_recorded_handshake_says_the_same_byte_by_byte),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}
