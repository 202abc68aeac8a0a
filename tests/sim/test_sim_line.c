#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim_line.h"

static struct sim_line line;
static struct sim_line_rules rules;

static int setup(void **unused)
{
    (void)unused;
    sim_line_init(&line);
    rules = (struct sim_line_rules){0};
    return 0;
}

/* Feeds `text`; the last byte's result. */
static enum sim_line_result feed(const char *text)
{
    enum sim_line_result result = SIM_LINE_NONE;

    for (; *text != '\0'; text++)
        result = sim_line_take(&line, *text, rules);
    return result;
}

static void assert_text(const char *text)
{
    struct span found = sim_line_text(&line);

    assert_int_equal(found.length, strlen(text));
    assert_memory_equal(found.data, text, found.length);
}

static void comments_end_a_line_and_backspace_deletes(void **unused)
{
    (void)unused;
    assert_int_equal(feed("  G28 X ; home\n"), SIM_LINE_COMMAND);
    assert_text("G28 X ");
    assert_int_equal(feed(";only\n"), SIM_LINE_BLANK);
    assert_int_equal(feed("G29\b8\n"), SIM_LINE_COMMAND);
    assert_text("G28");
    assert_int_equal(feed("\b\b\n"), SIM_LINE_BLANK);
}

static void a_backslash_takes_the_next_byte_as_it_is(void **unused)
{
    (void)unused;
    assert_int_equal(feed("M117 a\\;b\n"), SIM_LINE_COMMAND);
    assert_text("M117 a;b");
}

static void cr_and_lf_both_end_a_line(void **unused)
{
    (void)unused;
    assert_int_equal(feed("G28\r"), SIM_LINE_COMMAND);
    assert_int_equal(feed("\n"), SIM_LINE_BLANK);
}

static void a_line_is_cut_off_at_95_characters(void **unused)
{
    char text[200];

    (void)unused;
    memset(text, 'x', sizeof text);
    text[150] = '\n';
    text[151] = '\0';
    assert_int_equal(feed(text), SIM_LINE_COMMAND);
    assert_int_equal(sim_line_text(&line).length, 95);
    assert_int_equal(feed("G28\n"), SIM_LINE_COMMAND);
    assert_text("G28");
}

static void the_number_is_checked_before_the_checksum(void **unused)
{
    (void)unused;
    assert_int_equal(feed("N5 G28*1\n"), SIM_LINE_BAD_NUMBER);
    assert_int_equal(feed("N1 G28*1\n"), SIM_LINE_BAD_SUM);
    assert_int_equal(feed("N1 G28\n"), SIM_LINE_NO_CHECKSUM);
    assert_int_equal(line.last_number, 0);
    assert_int_equal(feed("N1 G28*18\n"), SIM_LINE_COMMAND);
    assert_int_equal(line.last_number, 1);
    assert_true(line.numbered);
}

static void the_last_asterisk_begins_the_checksum(void **unused)
{
    (void)unused;
    assert_int_equal(feed("N1 M117 a*b*44\n"), SIM_LINE_COMMAND);
    assert_text("N1 M117 a*b*44");
}

static void the_last_two_numbers_are_doublets_and_older_ones_are_wrong(void **unused)
{
    (void)unused;
    line.last_number = 7;
    assert_int_equal(feed("N7 G28*1\n"), SIM_LINE_DOUBLET);
    assert_int_equal(feed("N6 G28*1\n"), SIM_LINE_DOUBLET);
    assert_int_equal(feed("N5 G28*1\n"), SIM_LINE_BAD_NUMBER);
    rules.doublets_refused = true;
    assert_int_equal(feed("N7 G28*1\n"), SIM_LINE_BAD_NUMBER);
}

static void m110_anywhere_sets_the_number_from_its_second_n_but_its_checksum_counts(void **unused)
{
    (void)unused;
    assert_int_equal(feed("N0 M110 N0*125\n"), SIM_LINE_COMMAND);
    assert_int_equal(line.last_number, 0);
    assert_int_equal(feed("N44 M110*19\n"), SIM_LINE_COMMAND);
    assert_int_equal(line.last_number, 44);
    assert_int_equal(feed("N0 M110 N0*124\n"), SIM_LINE_BAD_SUM);
    assert_int_equal(line.last_number, 44);
}

static void while_uploading_only_m29_may_come_without_a_number(void **unused)
{
    (void)unused;
    rules.numbered_only = true;
    assert_int_equal(feed("G28\n"), SIM_LINE_NO_CHECKSUM);
    assert_int_equal(feed("M290\n"), SIM_LINE_NO_CHECKSUM);
    assert_int_equal(feed("M29\n"), SIM_LINE_COMMAND);
    assert_int_equal(feed("N1 G28*18\n"), SIM_LINE_COMMAND);
}

static void a_line_with_a_certain_byte_may_never_get_through(void **unused)
{
    (void)unused;
    rules.never = 'q';
    assert_int_equal(feed("N1 G1 Xq*32\n"), SIM_LINE_BAD_SUM);
    assert_int_equal(feed("G1 Xq\n"), SIM_LINE_COMMAND);
    assert_int_equal(feed("N1 M110 N1 q*44\n"), SIM_LINE_COMMAND);
    assert_int_equal(feed("N2 G1 X1*99\n"), SIM_LINE_COMMAND);
}

static void a_hurt_n_makes_a_line_unnumbered_and_uses_no_number_up(void **unused)
{
    (void)unused;
    assert_int_equal(feed("L1 G28*18\n"), SIM_LINE_COMMAND);
    assert_false(line.numbered);
    assert_int_equal(line.last_number, 0);
}

static void klipper_takes_every_line_as_it_is(void **unused)
{
    (void)unused;
    rules.plain = true;
    assert_int_equal(feed("N9 G28*1 ; x\r\n"), SIM_LINE_COMMAND);
    assert_text("N9 G28*1 ; x");
    assert_int_equal(feed("\n"), SIM_LINE_BLANK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(comments_end_a_line_and_backspace_deletes, setup),
        cmocka_unit_test_setup(a_backslash_takes_the_next_byte_as_it_is, setup),
        cmocka_unit_test_setup(cr_and_lf_both_end_a_line, setup),
        cmocka_unit_test_setup(a_line_is_cut_off_at_95_characters, setup),
        cmocka_unit_test_setup(the_number_is_checked_before_the_checksum, setup),
        cmocka_unit_test_setup(the_last_asterisk_begins_the_checksum, setup),
        cmocka_unit_test_setup(the_last_two_numbers_are_doublets_and_older_ones_are_wrong, setup),
        cmocka_unit_test_setup(
            m110_anywhere_sets_the_number_from_its_second_n_but_its_checksum_counts, setup),
        cmocka_unit_test_setup(while_uploading_only_m29_may_come_without_a_number, setup),
        cmocka_unit_test_setup(a_line_with_a_certain_byte_may_never_get_through, setup),
        cmocka_unit_test_setup(a_hurt_n_makes_a_line_unnumbered_and_uses_no_number_up, setup),
        cmocka_unit_test_setup(klipper_takes_every_line_as_it_is, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
