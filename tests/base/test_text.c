#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"

/* A copy that ends with its allocation: reading on is seen by the sanitizer. */
static char *heap_copy(const char *text, struct span *ret_span)
{
    size_t length = strlen(text);
    char *copy = malloc(length == 0 ? 1 : length);

    assert_non_null(copy);
    if (length > 0) {
        memcpy(copy, text, length);
    }
    *ret_span = (struct span){copy + (length == 0 ? 1 : 0), length};
    return copy;
}

static void expect_integer(const char *text, size_t used, int64_t value)
{
    struct span span;
    char *copy = heap_copy(text, &span);
    int64_t got = 4711;

    assert_int_equal(text_integer(span, &got), used);
    assert_true(got == (used == 0 ? 4711 : value));
    free(copy);
}

static void expect_decimal(const char *text, size_t used, int64_t thousandths)
{
    struct span span;
    char *copy = heap_copy(text, &span);
    int64_t got = 4711;

    assert_int_equal(text_decimal(span, &got), used);
    assert_true(got == (used == 0 ? 4711 : thousandths));
    free(copy);
}

static void expect_duration(const char *text, bool fits, int64_t ms)
{
    struct span span;
    char *copy = heap_copy(text, &span);
    int64_t got = 4711;

    assert_int_equal(text_duration(span, &got), fits);
    assert_true(got == (fits ? ms : 4711));
    free(copy);
}

static void expect_text(const struct text *text, const char *expected)
{
    assert_int_equal(text->length, strlen(expected));
    assert_memory_equal(text->data, expected, text->length);
}

static void spans_are_compared_by_their_bytes(void **unused)
{
    (void)unused;
    assert_true(span_equal(SPAN("ok"), span_of("ok")));
    assert_false(span_equal(SPAN("ok"), SPAN("OK")));
    assert_false(span_equal(SPAN("ok"), SPAN("ok ")));
    assert_true(span_equal_nocase(SPAN("oK 1"), SPAN("Ok 1")));
    assert_false(span_equal_nocase(SPAN("["), SPAN("{")));
    assert_true(span_equal(SPAN_NONE, SPAN("")));
    assert_true(span_equal(span_of(NULL), SPAN_NONE));
    assert_true(span_starts(SPAN("ok N5"), SPAN("ok")));
    assert_true(span_starts(SPAN("ok"), SPAN_NONE));
    assert_false(span_starts(SPAN("o"), SPAN("ok")));
    assert_true(span_starts_nocase(SPAN("ReSend"), SPAN("rese")));
    assert_false(span_starts_nocase(SPAN("Res"), SPAN("rese")));
}

static void a_part_is_found_wherever_it_stands(void **unused)
{
    struct span text;
    char *copy = heap_copy("aab kill() called", &text);

    (void)unused;
    assert_true(span_contains(text, SPAN("aab")));
    assert_true(span_contains(text, SPAN("ab ")));
    assert_true(span_contains(text, SPAN("called")));
    assert_false(span_contains(text, SPAN("called!")));
    assert_false(span_contains(text, SPAN("Kill")));
    assert_true(span_contains_nocase(text, SPAN("Kill() C")));
    assert_true(span_contains_nocase(text, SPAN("D")));
    assert_false(span_contains_nocase(text, SPAN("dd")));
    assert_true(span_contains(SPAN_NONE, SPAN_NONE));
    assert_true(span_contains_nocase(SPAN_NONE, SPAN_NONE));
    assert_false(span_contains(SPAN_NONE, SPAN("a")));
    assert_int_equal(span_find(text, 'b'), 2);
    assert_int_equal(span_find(text, 'x'), text.length);
    assert_int_equal(span_find_last(text, 'l'), 14);
    assert_int_equal(span_find_last(text, 'x'), text.length);
    assert_int_equal(span_find(SPAN_NONE, 'x'), 0);
    free(copy);
}

static void cutting_never_leaves_the_span(void **unused)
{
    (void)unused;
    assert_true(span_equal(span_skip(SPAN("abc"), 1), SPAN("bc")));
    assert_int_equal(span_skip(SPAN("abc"), 9).length, 0);
    assert_int_equal(span_skip(SPAN_NONE, 3).length, 0);
    assert_true(span_equal(span_trim(SPAN(" \t a b\r\n")), SPAN("a b")));
    assert_int_equal(span_trim(SPAN(" \r\n\t")).length, 0);
    assert_int_equal(span_trim(SPAN_NONE).length, 0);
}

static void bytes_above_127_belong_to_no_class(void **unused)
{
    (void)unused;
    for (int i = 128; i < 256; i++) {
        char byte = (char)(unsigned char)i;
        assert_false(text_is_blank(byte));
        assert_false(text_is_digit(byte));
        assert_false(text_is_letter(byte));
        assert_int_equal(text_lower(byte), byte);
        assert_int_equal(text_upper(byte), byte);
    }
    assert_int_equal(text_lower('Z'), 'z');
    assert_int_equal(text_upper('z'), 'Z');
    assert_true(text_is_letter('a') && text_is_letter('z'));
    assert_true(text_is_letter('A') && text_is_letter('Z'));
    assert_false(text_is_letter('@') || text_is_letter('[') || text_is_letter('`'));
    assert_int_equal(text_upper('a'), 'A');
    assert_int_equal(text_upper('@'), '@');
    assert_int_equal(text_upper('{'), '{');
}

static void integers_are_read_up_to_the_last_that_fits(void **unused)
{
    (void)unused;
    expect_integer("12", 2, 12);
    expect_integer("-7*", 2, -7);
    expect_integer("+7 ", 2, 7);
    expect_integer("0012.5", 4, 12);
    expect_integer("", 0, 0);
    expect_integer("-", 0, 0);
    expect_integer("x1", 0, 0);
    expect_integer(" 1", 0, 0);
    expect_integer("9223372036854775807", 19, INT64_MAX);
    expect_integer("-9223372036854775808", 20, INT64_MIN);
    expect_integer("9223372036854775808", 0, 0);
    expect_integer("-9223372036854775809", 0, 0);
    expect_integer("99999999999999999999999", 0, 0);
}

static void decimals_are_thousandths(void **unused)
{
    (void)unused;
    expect_decimal("1.25", 4, 1250);
    expect_decimal("-.5", 3, -500);
    expect_decimal("3.", 2, 3000);
    expect_decimal("20.98765 /", 8, 20987);
    expect_decimal("-0.001", 6, -1);
    expect_decimal("7", 1, 7000);
    expect_decimal(".", 0, 0);
    expect_decimal("-.", 0, 0);
    expect_decimal("nan", 0, 0);
    expect_decimal("", 0, 0);
    expect_decimal("9223372036854775.807", 20, INT64_MAX);
    expect_decimal("9223372036854775.808", 0, 0);
    expect_decimal("9223372036854776", 0, 0);
}

static void a_duration_has_a_unit_and_an_end(void **unused)
{
    (void)unused;
    expect_duration("200ms", true, 200);
    expect_duration("1.5s", true, 1500);
    expect_duration("10min", true, 600000);
    expect_duration("2h", true, 7200000);
    expect_duration("0s", true, 0);
    expect_duration("24000h", true, INT64_C(86400000000));
    expect_duration("24000.001h", false, 0);
    expect_duration("9223372036854775h", false, 0);
    expect_duration("200", false, 0);
    expect_duration("200 ms", false, 0);
    expect_duration("5m", false, 0);
    expect_duration("5secs", false, 0);
    expect_duration("-5s", false, 0);
    expect_duration("s", false, 0);
    expect_duration("", false, 0);
}

static void text_that_does_not_fit_is_cut_and_remembered(void **unused)
{
    char memory[4];
    struct text text = TEXT_IN(memory);

    (void)unused;
    text_add(&text, SPAN_NONE);
    text_add_string(&text, "abc");
    assert_false(text.cut);
    text_add_string(&text, "de");
    assert_true(text.cut);
    expect_text(&text, "abcd");
    text_add_char(&text, 'f');
    expect_text(&text, "abcd");
    assert_true(span_equal(text_span(&text), SPAN("abcd")));
}

static void numbers_are_written_as_they_are_read(void **unused)
{
    static const struct {
        int64_t value;
        const char *integer, *thousandths, *duration;
    } cases[] = {
        {0, "0", "0", "0s"},
        {200, "200", "0.2", "200ms"},
        {1500, "1500", "1.5", "1.5s"},
        {90000, "90000", "90", "90s"},
        {600000, "600000", "600", "10min"},
        {7200000, "7200000", "7200", "2h"},
        {1001, "1001", "1.001", "1.001s"},
        {-20, "-20", "-0.02", "-20ms"},
        {-1020, "-1020", "-1.02", "-1.02s"},
        {INT64_MAX, "9223372036854775807", "9223372036854775.807", "9223372036854775.807s"},
        {INT64_MIN, "-9223372036854775808", "-9223372036854775.808", "-9223372036854775.808s"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char memory[32];
        struct text text = TEXT_IN(memory);

        text_add_integer(&text, cases[i].value);
        expect_text(&text, cases[i].integer);
        text = TEXT_IN(memory);
        text_add_thousandths(&text, cases[i].value);
        expect_text(&text, cases[i].thousandths);
        text = TEXT_IN(memory);
        text_add_duration(&text, cases[i].value);
        expect_text(&text, cases[i].duration);
    }
}

static void the_nearest_word_is_told_only_if_it_is_near(void **unused)
{
    static const char *const words[] = {"light",           "fan", "shutter", "estop",
                                        "report_interval", NULL};
    struct span longer = {(const char[200]){'a'}, 200};

    (void)unused;
    assert_string_equal(text_nearest(SPAN("ligth"), words), "light");
    assert_string_equal(text_nearest(SPAN("lite"), (const char *const[]){"lit", NULL}), "lit");
    assert_string_equal(text_nearest(SPAN("shuter"), words), "shutter");
    assert_string_equal(text_nearest(SPAN("report-intervall"), words), "report_interval");
    assert_string_equal(text_nearest(SPAN("fna"), words), "fan");
    assert_string_equal(text_nearest(SPAN("fan"), words), "fan");
    assert_null(text_nearest(SPAN("fx"), words));
    assert_null(text_nearest(SPAN("lite"), words));
    assert_null(text_nearest(SPAN("fxy"), words));
    assert_null(text_nearest(SPAN("psu"), words));
    assert_null(text_nearest(SPAN("report_intXXXal"), words));
    assert_null(text_nearest(SPAN_NONE, words));
    assert_null(text_nearest(longer, words));
    assert_null(text_nearest(SPAN("fan"), (const char *const[]){NULL}));
}

static void a_checksum_is_all_bytes_by_exclusive_or(void **unused)
{
    char bytes[40];

    (void)unused;
    for (size_t length = 0; length <= sizeof bytes; length++) {
        uint8_t sum = 0;

        for (size_t i = 0; i < length; i++) {
            bytes[i] = (char)(i * 37 + length);
            sum ^= (uint8_t)bytes[i];
        }
        assert_int_equal(span_xor((struct span){bytes, length}), sum);
    }
    assert_int_equal(span_xor(SPAN("N1 G28")), 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_compared_by_their_bytes),
        cmocka_unit_test(a_part_is_found_wherever_it_stands),
        cmocka_unit_test(cutting_never_leaves_the_span),
        cmocka_unit_test(bytes_above_127_belong_to_no_class),
        cmocka_unit_test(integers_are_read_up_to_the_last_that_fits),
        cmocka_unit_test(decimals_are_thousandths),
        cmocka_unit_test(a_duration_has_a_unit_and_an_end),
        cmocka_unit_test(text_that_does_not_fit_is_cut_and_remembered),
        cmocka_unit_test(numbers_are_written_as_they_are_read),
        cmocka_unit_test(the_nearest_word_is_told_only_if_it_is_near),
        cmocka_unit_test(a_checksum_is_all_bytes_by_exclusive_or),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
