#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/firmware.h"

static void expect_name(const char *firmware_name, const char *expected)
{
    assert_string_equal(firmware_by_name(span_of(firmware_name))->name, expected);
}

static void firmware_is_known_by_a_part_of_its_name(void **unused)
{
    (void)unused;
    expect_name("Marlin bugfix-2.1.x (Jan  1 2023 12:00:00)", "Marlin");
    expect_name("Klipper", "Klipper");
    expect_name("Prusa-Firmware 3.9.0 based on Marlin", "Prusa");
    expect_name("Prusa-Firmware-Buddy 4.4.0+6488 (Github)", "Prusa");
    expect_name("RepRapFirmware for Duet 2 WiFi/Ethernet", "RepRapFirmware");
    expect_name("Repetier_0.92.9", "Repetier");
    expect_name("ANET_A8_V1.0", "Repetier");
    expect_name("MALYAN", "Malyan");
    expect_name("Teacup", "Teacup");
}

static void a_stranger_is_treated_as_marlin(void **unused)
{
    const struct firmware *marlin = firmware_by_name(SPAN("Marlin"));
    const struct firmware *stranger = firmware_by_name(SPAN("Smith's own"));

    (void)unused;
    assert_ptr_equal(stranger, firmware_unknown());
    assert_ptr_equal(firmware_by_name(SPAN_NONE), firmware_unknown());
    assert_int_equal(stranger->answers_blank, marlin->answers_blank);
    assert_int_equal(stranger->answers_words, marlin->answers_words);
    assert_int_equal(stranger->sends_busy, marlin->sends_busy);
    assert_int_equal(stranger->checks_numbers, marlin->checks_numbers);
    assert_int_equal(stranger->longest_line, marlin->longest_line);
}

static void a_row_is_found_again_by_its_index(void **unused)
{
    const struct firmware *klipper = firmware_by_name(SPAN("Klipper"));

    (void)unused;
    assert_ptr_equal(firmware_at(firmware_index(klipper)), klipper);
    assert_int_equal(firmware_index(firmware_unknown()), 0);
}

static void klipper_answers_all_and_checks_nothing(void **unused)
{
    const struct firmware *klipper = firmware_by_name(SPAN("Klipper"));

    (void)unused;
    assert_true(klipper->answers_blank);
    assert_true(klipper->answers_words);
    assert_false(klipper->sends_busy);
    assert_false(klipper->checks_numbers);
    assert_int_equal(klipper->longest_line, 0);
}

static void what_the_others_do_is_told_by_their_rows(void **unused)
{
    const struct firmware *prusa = firmware_by_name(SPAN("Prusa-Firmware 3.9.0"));
    const struct firmware *duet = firmware_by_name(SPAN("RepRapFirmware"));

    (void)unused;
    assert_true(prusa->answers_words && prusa->sends_busy && prusa->checks_numbers);
    assert_false(prusa->answers_blank);
    assert_false(duet->answers_words || duet->checks_numbers);
    assert_true(firmware_by_name(SPAN("Repetier"))->checks_numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firmware_is_known_by_a_part_of_its_name),
        cmocka_unit_test(a_stranger_is_treated_as_marlin),
        cmocka_unit_test(a_row_is_found_again_by_its_index),
        cmocka_unit_test(klipper_answers_all_and_checks_nothing),
        cmocka_unit_test(what_the_others_do_is_told_by_their_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
