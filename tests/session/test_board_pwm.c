#include "session/board_pwm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FAN 4

static struct board_pwm pwm;
static struct board_levels levels;
static struct instant now;

static void hear(const char *line)
{
    struct board_message message;

    board_message_parse(span_of(line), &message);
    board_pwm_hear(&pwm, &levels, &message);
    assert_null(board_pwm_check(&pwm));
}

/* The line that is sent now, or that none is (NULL). */
static void expect_line(const char *line)
{
    char bytes[64];
    struct text text = TEXT_IN(bytes);
    bool sent = board_pwm_next_line(&pwm, &text, now);

    assert_null(board_pwm_check(&pwm));
    assert_int_equal(sent, line != NULL);
    assert_true(span_equal(text_span(&text), span_of(line)));
}

static int begin(void **unused)
{
    (void)unused;
    now = (struct instant){1000000};
    board_levels_init(&levels);
    board_pwm_init(&pwm);
    hear("TC INPUT:1,OUTPUT:2,INPUT_PULLUP:5,INPUT_DHT:-3,OUTPUT_PWM:-2");
    hear("IT:1,2,-3,5,-2,-2,");
    return 0;
}

static void a_value_is_known_when_the_board_has_taken_it(void **unused)
{
    uint8_t value;

    (void)unused;
    assert_true(board_pwm_has(&pwm, FAN));
    assert_false(board_pwm_has(&pwm, 1));
    expect_line(NULL);
    board_pwm_want(&pwm, FAN, 102);
    assert_int_equal(board_pwm_outcome(&pwm, FAN), BOARD_PENDING);
    expect_line("PWM 4 40 1000\n");
    expect_line(NULL);
    hear("OK");
    assert_false(board_pwm_value(&pwm, FAN, &value));
    hear("DG:ION: 4 DC: 40.00 Fq: 1000.00");
    hear("DG:PWM for IO Updated");
    assert_true(board_pwm_value(&pwm, FAN, &value));
    assert_int_equal(value, 102);
    assert_int_equal(board_pwm_outcome(&pwm, FAN), BOARD_REACHED);
    assert_true(instant_is_never(board_pwm_deadline(&pwm)));
    expect_line(NULL);
    board_pwm_want(&pwm, FAN, 103);
    expect_line("PWM 4 40.39 1000\n");
}

static void a_value_wanted_otherwise_meanwhile_goes_next(void **unused)
{
    uint8_t value;

    (void)unused;
    board_pwm_want(&pwm, FAN, 255);
    expect_line("PWM 4 100 1000\n");
    board_pwm_want(&pwm, FAN, 0);
    hear("OK");
    hear("DG:PWM for IO Updated");
    assert_true(board_pwm_value(&pwm, FAN, &value));
    assert_int_equal(value, 255);
    assert_int_equal(board_pwm_outcome(&pwm, FAN), BOARD_PENDING);
    expect_line("PWM 4 0 1000\n");
}

static void what_is_not_answered_is_said_three_times_and_fails(void **unused)
{
    (void)unused;
    board_pwm_want(&pwm, FAN, 51);
    for (unsigned tries = 0; tries < BOARD_TRIES; tries++) {
        assert_int_equal(board_pwm_outcome(&pwm, FAN), BOARD_PENDING);
        expect_line("PWM 4 20 1000\n");
        now = board_pwm_deadline(&pwm);
        board_pwm_expire(&pwm, (struct instant){now.us - 1});
        expect_line(NULL);
        board_pwm_expire(&pwm, now);
    }
    assert_int_equal(board_pwm_outcome(&pwm, FAN), BOARD_FAILED);
    expect_line(NULL);
    board_pwm_want(&pwm, FAN, 51);
    expect_line("PWM 4 20 1000\n");
}

static void a_board_that_does_not_know_the_command_fails_it(void **unused)
{
    (void)unused;
    board_pwm_want(&pwm, FAN, 51);
    for (unsigned tries = 0; tries < BOARD_TRIES; tries++) {
        expect_line("PWM 4 20 1000\n");
        hear("OK");
        hear("DG:ERROR: Unrecognized command[PWM]");
    }
    assert_int_equal(board_pwm_outcome(&pwm, FAN), BOARD_FAILED);
}

static void after_a_reset_nothing_is_known_and_what_is_wanted_goes_again(void **unused)
{
    uint8_t value;

    (void)unused;
    board_pwm_want(&pwm, FAN, 51);
    expect_line("PWM 4 20 1000\n");
    hear("OK");
    hear("DG:PWM for IO Updated");
    board_pwm_forget(&pwm);
    assert_null(board_pwm_check(&pwm));
    assert_false(board_pwm_value(&pwm, FAN, &value));
    expect_line(NULL);
    hear("IT:1,2,-3,5,-2,-2,");
    expect_line("PWM 4 20 1000\n");
    board_pwm_release(&pwm, FAN);
    assert_int_equal(board_pwm_outcome(&pwm, FAN), BOARD_NOT_WANTED);
}

static void what_turns_out_to_be_dimmed_is_not_switched_by_its_level(void **unused)
{
    (void)unused;
    board_levels_want(&levels, FAN, true, false);
    board_levels_want(&levels, 1, true, false);
    hear("IT:1,2,-3,5,-2,-2,");
    assert_int_equal(board_levels_outcome(&levels, FAN), BOARD_NOT_WANTED);
    assert_int_equal(board_levels_outcome(&levels, 1), BOARD_PENDING);
}

static void what_is_dimmed_no_more_is_forgotten(void **unused)
{
    uint8_t value;

    (void)unused;
    board_pwm_want(&pwm, FAN, 51);
    expect_line("PWM 4 20 1000\n");
    hear("OK");
    hear("DG:PWM for IO Updated");
    board_pwm_want(&pwm, 5, 51);
    expect_line("PWM 5 20 1000\n");
    hear("IT:1,2,-3,5,2,2,");
    assert_false(board_pwm_value(&pwm, FAN, &value));
    expect_line(NULL);
    hear("IT:1,2,-3,5,-2,-2,");
    expect_line("PWM 4 20 1000\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_value_is_known_when_the_board_has_taken_it, begin),
        cmocka_unit_test_setup(a_value_wanted_otherwise_meanwhile_goes_next, begin),
        cmocka_unit_test_setup(what_is_not_answered_is_said_three_times_and_fails, begin),
        cmocka_unit_test_setup(a_board_that_does_not_know_the_command_fails_it, begin),
        cmocka_unit_test_setup(after_a_reset_nothing_is_known_and_what_is_wanted_goes_again, begin),
        cmocka_unit_test_setup(what_is_dimmed_no_more_is_forgotten, begin),
        cmocka_unit_test_setup(what_turns_out_to_be_dimmed_is_not_switched_by_its_level, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
