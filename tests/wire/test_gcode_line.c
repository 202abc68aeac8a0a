#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/gcode_line.h"
#include "wire/line_framer.h"

static struct gcode_line line;
static char *copy;

/* Parses a copy that ends with its allocation, so that reading on is seen by the sanitizer. */
static void parse(const char *raw)
{
    size_t length = strlen(raw);

    free(copy);
    copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy + 1, raw, length);
    gcode_line_parse((struct span){copy + 1, length}, &line);
    assert_int_equal(line.raw.length, length);
}

static int release(void **unused)
{
    (void)unused;
    free(copy);
    copy = NULL;
    return 0;
}

static void expect_command(const char *expected)
{
    assert_int_equal(line.command.length, strlen(expected));
    assert_memory_equal(line.command.data, expected, line.command.length);
}

/* The parameter's value as text; NULL if there is none. */
static const char *parameter(char letter)
{
    static char value[128];
    struct span span;

    if (!gcode_line_parameter(&line, letter, &span)) {
        return NULL;
    }
    assert_true(span.length < sizeof(value));
    memcpy(value, span.data, span.length);
    value[span.length] = 0;
    return value;
}

static void a_numbered_line_is_number_command_and_checksum(void **unused)
{
    (void)unused;
    parse("N15 M42 P4 S1*38\n");
    assert_true(line.numbered);
    assert_true(line.has_checksum);
    assert_int_equal(line.number, 15);
    expect_command("M42 P4 S1");
    assert_false(line.checksum_right);

    parse("N0 M110 N0*125\n");
    assert_true(line.checksum_right);
    assert_int_equal(line.number, 0);
    expect_command("M110 N0");

    parse("N1 M115*39\r\n");
    assert_true(line.checksum_right);
    parse("  N1 M115*39  \n");
    assert_true(line.checksum_right);
    parse("N1 M115* 39\n");
    assert_true(line.checksum_right);
    parse("N1M115*7");
    assert_true(line.numbered && line.checksum_right);
    expect_command("M115");
    parse("N 1 M115*7");
    assert_true(line.numbered && line.checksum_right);
}

static void the_number_has_a_sign_and_any_case(void **unused)
{
    (void)unused;
    parse("N-1 M110 N-1*125\n");
    assert_int_equal(line.number, -1);
    assert_true(line.checksum_right);
    parse("n7 g28\n");
    assert_true(line.numbered);
    assert_int_equal(line.number, 7);
    assert_false(line.has_checksum);
    parse("N99999999999999999999 G28\n");
    assert_false(line.numbered);
    parse("Nozzle clean\n");
    assert_false(line.numbered);
    assert_int_equal(line.letter, 'N');
}

static void the_checksum_stands_behind_the_last_star(void **unused)
{
    (void)unused;
    parse("N5 M117 a*b*40\n");
    assert_true(line.has_checksum);
    assert_true(line.checksum_right);
    expect_command("M117 a*b");
    parse("N5 M117 a*b\n");
    assert_false(line.has_checksum);
    expect_command("M117 a*b");
    parse("N5 M117 a*\n");
    assert_false(line.has_checksum);
    parse("N5 G28*\n");
    assert_false(line.has_checksum);
    parse("N5 G28*1x\n");
    assert_false(line.has_checksum);
    parse("N5 G28*99999999999999999999999\n");
    assert_true(line.has_checksum);
    assert_false(line.checksum_right);
    parse("N5 G28*-1\n");
    assert_false(line.has_checksum);
}

static void what_firmware_would_refuse_for_ever_is_known(void **unused)
{
    (void)unused;
    parse("N5 M117 a;b*90\n");
    assert_false(gcode_line_is_plain(&line));
    parse("n5 G28*19\n");
    assert_false(gcode_line_is_plain(&line));
    parse("  N5 G28*51 ; home\n");
    assert_true(gcode_line_is_plain(&line));
    parse("N5 M117 \"a;b\"*90\n");
    assert_true(gcode_line_is_plain(&line));
    parse("N5 M117 a*b*40\n");
    assert_true(gcode_line_is_plain(&line));
}

static void a_line_without_number_keeps_its_stars(void **unused)
{
    (void)unused;
    parse("M117 a*b\n");
    assert_false(line.has_checksum);
    expect_command("M117 a*b");
    parse("M117 2*3\n");
    assert_false(line.has_checksum);
    expect_command("M117 2*3");
}

static void a_comment_counts_for_the_checksum_and_not_for_the_command(void **unused)
{
    (void)unused;
    parse("N5 G1 X1 ; move*78\n");
    assert_true(line.has_checksum);
    assert_true(line.checksum_right);
    expect_command("G1 X1");
    parse("N5 G1 X1*100 ; move\n");
    assert_true(line.has_checksum);
    assert_true(line.checksum_right);
    expect_command("G1 X1");
}

static void a_comment_begins_at_a_semicolon_that_is_neither_escaped_nor_quoted(void **unused)
{
    (void)unused;
    parse("G28 X ; home\n");
    expect_command("G28 X");
    parse("M117 a\\;b ;c\n");
    expect_command("M117 a\\;b");
    parse("M117 P\"a;b\" ;c\n");
    expect_command("M117 P\"a;b\"");
    parse("M117 P\"a\\\";b\";c\n");
    expect_command("M117 P\"a\\\";b\"");
    parse("M117 \"a\" ; \"c\"\n");
    expect_command("M117 \"a\"");
    parse("M117 5\" pipe ; c\n");
    expect_command("M117 5\" pipe");
    parse("M117 a\\");
    expect_command("M117 a\\");
}

static void blank_lines_and_comments_are_told_apart(void **unused)
{
    static const char *const blanks[] = {"", "\n", "\r\n", " \t \n"};

    (void)unused;
    for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
        parse(blanks[i]);
        assert_true(line.blank);
        assert_false(line.comment_only);
        assert_int_equal(line.command.length, 0);
    }
    parse("  ; nothing\n");
    assert_true(line.comment_only);
    assert_false(line.blank);
    expect_command("");
    parse("N5 ; nothing\n");
    assert_false(line.comment_only || line.blank);
    assert_false(line.is_command);
    parse("G28 ; home\n");
    assert_false(line.comment_only || line.blank);
}

static void commands_are_those_of_octoprint_in_any_case(void **unused)
{
    static const struct {
        const char *raw;
        bool is_command, counted;
        char letter;
        int64_t code, subcode;
    } cases[] = {
        {"G28", true, true, 'G', 28, -1},
        {"M889.1 P1", true, true, 'M', 889, 1},
        {"M889.", true, true, 'M', 889, -1},
        {"G1X10Y2", true, true, 'G', 1, -1},
        {"M0042", true, true, 'M', 42, -1},
        {"T0", true, true, 'T', 0, -1},
        {"T0.5", true, true, 'T', 0, -1},
        {"F100", true, true, 'F', 100, -1},
        {"\tm801\tP1", true, false, 'M', 801, -1},
        {"t1", true, false, 'T', 1, -1},
        {"M99999999999999999999", true, true, 'M', INT64_MAX, -1},
        {"T?", false, false, 'T', -1, -1},
        {"M", false, false, 'M', -1, -1},
        {"G 28", false, false, 'G', -1, -1},
        {"M-1", false, false, 'M', -1, -1},
        {"ENC A1", false, false, 'E', -1, -1},
        {"X10", false, false, 'X', -1, -1},
        {"@pause", false, false, 0, -1, -1},
        {"\xff"
         "M1",
         false, false, 0, -1, -1},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        parse(cases[i].raw);
        assert_int_equal(line.is_command, cases[i].is_command);
        assert_int_equal(line.counted, cases[i].counted);
        assert_int_equal(line.letter, cases[i].letter);
        assert_true(line.code == cases[i].code);
        assert_true(line.subcode == cases[i].subcode);
    }
}

static void a_code_is_asked_for_without_its_subcode(void **unused)
{
    (void)unused;
    parse("m889 J1");
    assert_true(gcode_line_is(&line, 'M', 889));
    assert_false(gcode_line_is(&line, 'G', 889));
    assert_false(gcode_line_is(&line, 'M', 88));
    parse("M889.1");
    assert_false(gcode_line_is(&line, 'M', 889));
    parse("M");
    assert_false(gcode_line_is(&line, 'M', -1));
}

static void parameters_are_found_in_any_order_and_case(void **unused)
{
    (void)unused;
    parse("N3 M42 s0.5 P4 X-1.5 Y+2 Z.5 E3. Q*1");
    assert_string_equal(parameter('P'), "4");
    assert_string_equal(parameter('S'), "0.5");
    assert_string_equal(parameter('x'), "-1.5");
    assert_string_equal(parameter('Y'), "+2");
    assert_string_equal(parameter('Z'), ".5");
    assert_string_equal(parameter('E'), "3.");
    assert_string_equal(parameter('Q'), "");
    assert_null(parameter('M'));
    assert_null(parameter('T'));
    parse("G1X10Y2F3000");
    assert_string_equal(parameter('X'), "10");
    assert_string_equal(parameter('Y'), "2");
    assert_string_equal(parameter('F'), "3000");
    parse("M889.1J2");
    assert_string_equal(parameter('J'), "2");
    parse("M42 P100S40%S3");
    assert_string_equal(parameter('P'), "100");
    assert_string_equal(parameter('S'), "40%");
    parse("T0 S1");
    assert_string_equal(parameter('S'), "1");
    parse("M106\tS128");
    assert_string_equal(parameter('S'), "128");
    parse("G28 X Y");
    assert_string_equal(parameter('X'), "");
    assert_string_equal(parameter('Y'), "");
}

static void letters_inside_a_word_are_no_parameters(void **unused)
{
    static const char *const lines[] = {"M42 Plight S1",     "M42Plight S1",    "M42 PLIGHT S1",
                                        "M42 S1 Plight",     "M42 P light S1",  "M42 P\"light\"S1",
                                        "M42 P\"light\" S1", "M42P \"light\"S1"};

    (void)unused;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        parse(lines[i]);
        assert_true(span_equal_nocase(span_of(parameter('P')), SPAN("light")));
        assert_string_equal(parameter('S'), "1");
        for (const char *letter = "LIGHT"; *letter != 0; letter++) {
            assert_null(parameter(*letter));
        }
    }
    parse("M42 Pe0_fan S1");
    assert_string_equal(parameter('P'), "e0_fan");
    assert_null(parameter('E'));
    parse("ENC A1 B2");
    assert_string_equal(parameter('B'), "2");
    assert_null(parameter('N'));
    assert_null(parameter('E'));
}

static void a_string_may_hold_anything(void **unused)
{
    (void)unused;
    parse("M42 P\"chamber light S2\" S1");
    assert_string_equal(parameter('P'), "chamber light S2");
    assert_string_equal(parameter('S'), "1");
    parse("M42 P\"a\\\"S3\" S1");
    assert_string_equal(parameter('S'), "1");
    parse("M42 \"S2\" S1");
    assert_string_equal(parameter('S'), "1");
    parse("M42 P\"open S1");
    assert_string_equal(parameter('P'), "open S1");
    assert_null(parameter('S'));
    parse("M42 P\"\" S1");
    assert_string_equal(parameter('P'), "");
    parse("M42 P\"");
    assert_string_equal(parameter('P'), "");
}

static void a_value_may_stand_apart_from_its_letter(void **unused)
{
    (void)unused;
    parse("M42 P 4 S  0.5");
    assert_string_equal(parameter('P'), "4");
    assert_string_equal(parameter('S'), "0.5");
    parse("M43 T S13 R");
    assert_string_equal(parameter('T'), "");
    assert_string_equal(parameter('S'), "13");
    assert_string_equal(parameter('R'), "");
    parse("M42 P chamber_light S1");
    assert_string_equal(parameter('P'), "chamber_light");
    assert_null(parameter('C'));
}

static void rubbish_between_parameters_does_no_harm(void **unused)
{
    (void)unused;
    parse("G1 X10,Y20 =/- Z-");
    assert_string_equal(parameter('X'), "10");
    assert_string_equal(parameter('Y'), "20");
    assert_string_equal(parameter('Z'), "");
    parse("G1 X1.2.3 Y1");
    assert_string_equal(parameter('X'), "1.2");
    assert_string_equal(parameter('Y'), "1");
    parse("G1 X-.Y1");
    assert_string_equal(parameter('X'), "");
    assert_string_equal(parameter('Y'), "1");
}

static void a_line_written_anew_is_what_octoprint_would_have_sent(void **unused)
{
    static const struct {
        int64_t number;
        struct span command, expected;
    } cases[] = {
        {0, SPAN_INIT("M110 N0"), SPAN_INIT("N0 M110 N0*125\n")},
        {1, SPAN_INIT("M115"), SPAN_INIT("N1 M115*39\n")},
        {16, SPAN_INIT("M112"), SPAN_INIT("N16 M112*22\n")},
        {17, SPAN_INIT("M104 T0 S0"), SPAN_INIT("N17 M104 T0 S0*23\n")},
        {18, SPAN_INIT("M140 S0"), SPAN_INIT("N18 M140 S0*92\n")},
        {-GCODE_NUMBER_MAX, SPAN_INIT(""), SPAN_INIT("N-2147483647 *73\n")},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char memory[64];
        struct text text = TEXT_IN(memory);

        gcode_line_number(cases[i].command, cases[i].number, &text);
        assert_true(span_equal(text_span(&text), cases[i].expected));
        assert_int_equal(gcode_line_numbered_length(cases[i].command, cases[i].number),
                         cases[i].expected.length - 1);
        gcode_line_parse(text_span(&text), &line);
        assert_true(line.checksum_right);
        assert_true(line.number == cases[i].number);
        assert_true(span_equal(line.command, cases[i].command));
    }
}

/* The next number after the greatest of 64 bits is none: it was reckoned all the same. */
static void a_number_that_no_firmware_counts_to_is_none(void **unused)
{
    int64_t number = 4711;

    (void)unused;
    parse("N2147483647 G28*1");
    assert_true(line.numbered);
    parse("N2147483648 G28*1");
    assert_false(line.numbered);
    parse("N-9223372036854775808 G28*1");
    assert_false(line.numbered);
    parse("M110 N9223372036854775807");
    assert_false(gcode_line_m110(&line, &number));
    assert_int_equal(number, 4711);
    parse("N3 M110 N2147483648*1");
    assert_true(gcode_line_m110(&line, &number));
    assert_int_equal(number, 3);
}

static void a_line_may_bear_two_numbers(void **unused)
{
    (void)unused;
    parse("N2 N5 G1*1");
    assert_true(gcode_line_numbered_twice(&line));
    parse("N2 n-5");
    assert_true(gcode_line_numbered_twice(&line));
    parse("N2 NO");
    assert_false(gcode_line_numbered_twice(&line));
    parse("N2 G1 N5");
    assert_false(gcode_line_numbered_twice(&line));
    parse("N2");
    assert_false(gcode_line_numbered_twice(&line));
    parse("G1 N5");
    assert_false(gcode_line_numbered_twice(&line));
}

static void what_m110_sets_is_its_own_number_first(void **unused)
{
    int64_t number = 4711;

    (void)unused;
    parse("N5 M110 N7*1");
    assert_true(gcode_line_m110(&line, &number));
    assert_int_equal(number, 7);
    parse("N5 M110*1");
    assert_true(gcode_line_m110(&line, &number));
    assert_int_equal(number, 5);
    parse("m110 n-1");
    assert_true(gcode_line_m110(&line, &number));
    assert_int_equal(number, -1);
    parse("M110");
    assert_false(gcode_line_m110(&line, &number));
    parse("N5 M111 N7");
    assert_false(gcode_line_m110(&line, &number));
    assert_int_equal(number, -1);
}

static void the_emergency_lane_has_four_codes(void **unused)
{
    static const struct {
        const char *raw;
        enum gcode_emergency emergency;
    } cases[] = {
        {"M112\n", GCODE_M112},     {"N16 M112*22\n", GCODE_M112}, {" m112\n", GCODE_M112},
        {"M112 ; now", GCODE_M112}, {"M112.1", GCODE_M112},        {"M1120", GCODE_ORDINARY},
        {"G112", GCODE_ORDINARY},   {"M108", GCODE_M108},          {"M410", GCODE_M410},
        {"M876 S1", GCODE_M876},    {"M105", GCODE_ORDINARY},      {"; M112", GCODE_ORDINARY},
        {"", GCODE_ORDINARY},       {"X M112", GCODE_ORDINARY},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        parse(cases[i].raw);
        assert_int_equal(gcode_line_emergency(&line), cases[i].emergency);
    }
}

static void no_bytes_at_all_can_hurt(void **unused)
{
    static const char alphabet[] = "NnMG*;\"\\ \t\r\n.-+%0123456789Ps_\xff\0=";
    uint32_t random = 7;

    (void)unused;
    for (unsigned round = 0; round < 20000; round++) {
        size_t length = round % 24;
        char *bytes = malloc(length + 1);
        struct span value;
        int64_t number;

        assert_non_null(bytes);
        for (size_t i = 0; i < length; i++) {
            random = random * 1664525u + 1013904223u;
            bytes[1 + i] = alphabet[(random >> 8) % sizeof(alphabet)];
        }
        gcode_line_parse((struct span){bytes + 1, length}, &line);
        assert_true(line.command.length <= length);
        assert_false(line.checksum_right && !line.has_checksum);
        assert_false(line.has_checksum && !line.numbered);
        assert_false(line.counted && !line.is_command);
        for (char letter = 'A'; letter <= 'Z'; letter++) {
            if (gcode_line_parameter(&line, letter, &value)) {
                assert_true(value.data >= bytes && value.data + value.length <= bytes + 1 + length);
            }
        }
        gcode_line_m110(&line, &number);
        gcode_line_emergency(&line);
        free(bytes);
    }
}

/* What is parsed must not depend on how the bytes came. */
static void a_line_that_came_byte_by_byte_is_the_same(void **unused)
{
    static const char stream[] = "N15 M42 Plight S1*109\nM105\nn0 m110 n0*93\r\n";
    static struct line_framer framer;
    struct span raw;
    unsigned count = 0;

    (void)unused;
    line_framer_init(&framer);
    for (size_t i = 0; i < sizeof(stream) - 1; i++) {
        struct span byte = {stream + i, 1};

        if (line_framer_next(&framer, &byte, &raw) == LINE_COMPLETE) {
            gcode_line_parse(raw, &line);
            count++;
            assert_int_equal(line.numbered, count != 2);
            assert_true(line.is_command);
            assert_int_equal(line.checksum_right, line.numbered);
        }
    }
    assert_int_equal(count, 3);
    assert_int_equal(line.code, 110);
}

/* A string in the line, even an empty one, has it read from its begin; else it is looked for. */
static void a_parameter_is_the_same_however_it_is_found(void **unused)
{
    static const char pieces[] = "EexX150.-+% \t  EEPab";
    uint32_t random = 7;

    (void)unused;
    for (unsigned turn = 0; turn < 200000; turn++) {
        char plain[48] = "G1 ", read[48] = "G1 \"\" ";
        struct gcode_line one, other;
        struct span found = SPAN_NONE, expected = SPAN_NONE;
        size_t length = 0;

        for (unsigned i = 0; i < 14; i++) {
            random = random * 1664525U + 1013904223U;
            plain[3 + length] = read[6 + length] = pieces[(random >> 16) % (sizeof pieces - 1)];
            length++;
        }
        gcode_line_parse((struct span){plain, 3 + length}, &one);
        gcode_line_parse((struct span){read, 6 + length}, &other);
        assert_int_equal(gcode_line_parameter(&one, 'E', &found),
                         gcode_line_parameter(&other, 'E', &expected));
        assert_true(span_equal(found, expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parameter_is_the_same_however_it_is_found),
        cmocka_unit_test(a_numbered_line_is_number_command_and_checksum),
        cmocka_unit_test(the_number_has_a_sign_and_any_case),
        cmocka_unit_test(the_checksum_stands_behind_the_last_star),
        cmocka_unit_test(what_firmware_would_refuse_for_ever_is_known),
        cmocka_unit_test(a_line_without_number_keeps_its_stars),
        cmocka_unit_test(a_comment_counts_for_the_checksum_and_not_for_the_command),
        cmocka_unit_test(a_comment_begins_at_a_semicolon_that_is_neither_escaped_nor_quoted),
        cmocka_unit_test(blank_lines_and_comments_are_told_apart),
        cmocka_unit_test(commands_are_those_of_octoprint_in_any_case),
        cmocka_unit_test(a_code_is_asked_for_without_its_subcode),
        cmocka_unit_test(parameters_are_found_in_any_order_and_case),
        cmocka_unit_test(letters_inside_a_word_are_no_parameters),
        cmocka_unit_test(a_string_may_hold_anything),
        cmocka_unit_test(a_value_may_stand_apart_from_its_letter),
        cmocka_unit_test(rubbish_between_parameters_does_no_harm),
        cmocka_unit_test(a_line_written_anew_is_what_octoprint_would_have_sent),
        cmocka_unit_test(a_number_that_no_firmware_counts_to_is_none),
        cmocka_unit_test(a_line_may_bear_two_numbers),
        cmocka_unit_test(what_m110_sets_is_its_own_number_first),
        cmocka_unit_test(the_emergency_lane_has_four_codes),
        cmocka_unit_test(no_bytes_at_all_can_hurt),
        cmocka_unit_test(a_line_that_came_byte_by_byte_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}
