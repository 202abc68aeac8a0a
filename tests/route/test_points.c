#include "route/points.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Indexes into the settings of set_up(). */
enum { LIGHT, PSU, FAN, ESTOP, RUNOUT, AIR };

static struct settings settings;
static struct points points;
static struct board_session board;
static struct instant now;

static void check(void)
{
    const char *broken = points_check(&points);

    if (broken == NULL) {
        broken = board_session_check(&board);
    }
    if (broken != NULL) {
        fail_msg("%s", broken);
    }
}

static void hear(const char *line)
{
    struct board_message message;

    board_message_parse(span_of(line), &message);
    board_session_message(&board, &message, now);
    points_update(&points, &board, now);
    check();
}

static void expect_line(const char *expected)
{
    char memory[BOARD_COMMAND_MAX + 1];
    struct text text = {memory, BOARD_COMMAND_MAX, 0, false};

    board_session_next_line(&board, &text, now);
    memory[text.length] = '\0';
    assert_string_equal(memory, expected == NULL ? "" : expected);
}

/* Time for the points alone: the board is not heard of. */
static void pass_ms(int64_t ms)
{
    now = instant_after_ms(now, ms);
    points_expire(&points, now);
    check();
}

static void expect_change(unsigned index, enum point_state old, enum point_state new,
                          enum point_state last_known)
{
    struct point_change change;

    assert_true(points_next_change(&points, &change));
    assert_int_equal(change.index, index);
    assert_int_equal(change.old, old);
    assert_int_equal(change.new, new);
    assert_int_equal(change.last_known, last_known);
}

static void expect_no_change(void)
{
    struct point_change change;

    assert_false(points_next_change(&points, &change));
}

static void drop_changes(void)
{
    struct point_change change;

    while (points_next_change(&points, &change)) {
    }
}

static struct point_settings make_point(const char *name, enum point_type type, uint8_t io,
                                        bool active_high, int32_t debounce_ms)
{
    struct point_settings point = {
        .type = type,
        .io = io,
        .active_high = active_high,
        .number = -1,
        .debounce_ms = debounce_ms,
        .board_back = {OCCASION_RESTORE, 0},
    };

    memcpy(point.name, name, strlen(name) + 1);
    return point;
}

static int set_up(void **unused)
{
    (void)unused;
    memset(&settings, 0, sizeof(settings));
    now = (struct instant){1000000};
    settings.point[LIGHT] = make_point("light", POINT_OUTPUT, 4, true, 0);
    settings.point[PSU] = make_point("psu", POINT_OUTPUT, 5, false, 0);
    settings.point[FAN] = make_point("fan", POINT_PWM, 6, true, 0);
    settings.point[ESTOP] = make_point("estop", POINT_INPUT, 0, true, 20);
    settings.point[RUNOUT] = make_point("runout", POINT_INPUT, 1, false, 0);
    settings.point[AIR] = make_point("air", POINT_DHT, 2, true, 0);
    settings.points = 6;
    board_session_init(&board, 3000);
    points_init(&points, &settings);
    check();
    return 0;
}

/* Up to the first report; inputs 0 and 1 are low, outputs low. */
static void connect(const char *report)
{
    board_session_opened(&board, now);
    expect_line("VC\n");
    hear("CP:SIOPlugin 0.1.1");
    now = instant_after_ms(now, 50);
    board_session_expire(&board, now);
    expect_line("TC\n");
    hear("TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2");
    expect_line("IOT\n");
    hear("IT:2,2,2,2,1,1,1,1,");
    expect_line("SI 3000\n");
    hear("OK");
    expect_line("BIO\n");
    hear("OK");
    expect_line("GS\n");
    hear("OK");
    hear(report);
}

static void connect_quietly(const char *report)
{
    connect(report);
    pass_ms(20);
    drop_changes();
}

static void everything_is_unknown_until_the_board_reports(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < settings.points; i++) {
        assert_int_equal(points_state(&points, i), POINT_UNKNOWN);
        assert_int_equal(points_level(&points, i), BOARD_UNKNOWN);
        assert_int_equal(points_value(&points, i), -1);
    }
    assert_true(instant_is_never(points_deadline(&points)));
    expect_no_change();
}

static void active_low_is_on_at_low_level(void **unused)
{
    (void)unused;
    connect("IO:00000000");
    assert_int_equal(points_state(&points, LIGHT), POINT_OFF);
    assert_int_equal(points_state(&points, PSU), POINT_ON);
    assert_int_equal(points_level(&points, PSU), BOARD_LOW);
    assert_int_equal(points_state(&points, RUNOUT), POINT_ON);
    assert_int_equal(points_level(&points, RUNOUT), BOARD_LOW);
    expect_change(LIGHT, POINT_UNKNOWN, POINT_OFF, POINT_UNKNOWN);
    expect_change(PSU, POINT_UNKNOWN, POINT_ON, POINT_UNKNOWN);
    expect_change(FAN, POINT_UNKNOWN, POINT_OFF, POINT_UNKNOWN);
    expect_change(RUNOUT, POINT_UNKNOWN, POINT_ON, POINT_UNKNOWN);
    expect_no_change(); /* the estop is debounced, the sensor has no level */
    assert_int_equal(points_state(&points, AIR), POINT_UNKNOWN);
}

static void an_input_is_on_after_its_debounce_and_not_before(void **unused)
{
    (void)unused;
    connect_quietly("IO:00000000");
    assert_int_equal(points_state(&points, ESTOP), POINT_OFF);
    hear("IO:10000000");
    assert_int_equal(points_deadline(&points).us, now.us + 20000);
    pass_ms(19);
    assert_int_equal(points_state(&points, ESTOP), POINT_OFF);
    expect_no_change();
    pass_ms(1);
    assert_int_equal(points_state(&points, ESTOP), POINT_ON);
    assert_int_equal(points_level(&points, ESTOP), BOARD_HIGH);
    expect_change(ESTOP, POINT_OFF, POINT_ON, POINT_OFF);
    assert_true(instant_is_never(points_deadline(&points)));
}

static void an_input_that_bounces_back_has_not_changed(void **unused)
{
    (void)unused;
    connect_quietly("IO:00000000");
    hear("IO:10000000");
    pass_ms(10);
    hear("IO:00000000");
    assert_true(instant_is_never(points_deadline(&points)));
    pass_ms(5);
    hear("IO:10000000"); /* the time begins anew */
    pass_ms(19);
    expect_no_change();
    pass_ms(1);
    expect_change(ESTOP, POINT_OFF, POINT_ON, POINT_OFF);
}

static void the_same_report_again_does_not_begin_the_debounce_anew(void **unused)
{
    (void)unused;
    connect_quietly("IO:00000000");
    hear("IO:10000000");
    pass_ms(15);
    hear("IO:10000000");
    pass_ms(5);
    expect_change(ESTOP, POINT_OFF, POINT_ON, POINT_OFF);
}

static void a_debounce_that_had_passed_counts_though_we_come_late(void **unused)
{
    (void)unused;
    connect_quietly("IO:00000000");
    hear("IO:10000000");
    now = instant_after_ms(now, 25);
    hear("IO:00000000");
    expect_change(ESTOP, POINT_OFF, POINT_ON, POINT_OFF);
    expect_no_change();
    pass_ms(20);
    expect_change(ESTOP, POINT_ON, POINT_OFF, POINT_ON);
}

static void without_a_debounce_every_edge_is_told(void **unused)
{
    (void)unused;
    connect_quietly("IO:00000000");
    hear("IO:01000000");
    hear("IO:00000000");
    expect_change(RUNOUT, POINT_ON, POINT_OFF, POINT_ON);
    expect_change(RUNOUT, POINT_OFF, POINT_ON, POINT_OFF);
    expect_no_change();
}

static void a_lost_board_makes_points_unknown_and_last_known_is_kept(void **unused)
{
    (void)unused;
    connect_quietly("IO:10001000");
    hear("IO:00001000"); /* the estop is being released */
    board_session_closed(&board, now);
    points_update(&points, &board, now);
    check();
    expect_change(LIGHT, POINT_ON, POINT_UNKNOWN, POINT_ON);
    assert_int_equal(points_state(&points, ESTOP), POINT_UNKNOWN);
    assert_true(instant_is_never(points_deadline(&points)));
    drop_changes();
    connect("IO:10000000");
    pass_ms(20);
    expect_change(LIGHT, POINT_UNKNOWN, POINT_OFF, POINT_ON);
    expect_change(PSU, POINT_UNKNOWN, POINT_ON, POINT_ON);
    expect_change(FAN, POINT_UNKNOWN, POINT_OFF, POINT_OFF);
    expect_change(RUNOUT, POINT_UNKNOWN, POINT_ON, POINT_ON);
    expect_change(ESTOP, POINT_UNKNOWN, POINT_ON, POINT_ON);
    expect_no_change();
}

static void an_output_is_what_the_board_reports_not_what_is_wanted(void **unused)
{
    (void)unused;
    connect_quietly("IO:00000000");
    assert_int_equal(points_set(&points, &board, LIGHT, 255, now), POINTS_SET);
    assert_int_equal(points_state(&points, LIGHT), POINT_OFF);
    assert_int_equal(points_outcome(&points, &board, LIGHT), BOARD_PENDING);
    expect_line("IO 4 1\n");
    hear("OK");
    assert_int_equal(points_state(&points, LIGHT), POINT_OFF);
    hear("IO:00001000");
    assert_int_equal(points_state(&points, LIGHT), POINT_ON);
    assert_int_equal(points_outcome(&points, &board, LIGHT), BOARD_REACHED);
    expect_change(LIGHT, POINT_OFF, POINT_ON, POINT_OFF);
    assert_int_equal(points_set(&points, &board, PSU, 0, now), POINTS_SET);
    expect_line("IO 5 1\n"); /* active low */
}

static void only_outputs_can_be_set_and_pwm_only_on_and_off(void **unused)
{
    (void)unused;
    connect_quietly("IO:00000000");
    assert_int_equal(points_set(&points, &board, ESTOP, 255, now), POINTS_NOT_AN_OUTPUT);
    assert_int_equal(points_set(&points, &board, AIR, 0, now), POINTS_NOT_AN_OUTPUT);
    assert_int_equal(points_set(&points, &board, FAN, 128, now), POINTS_NO_PWM);
    expect_line(NULL);
    assert_int_equal(points_value(&points, FAN), 0);
    assert_int_equal(points_set(&points, &board, FAN, 255, now), POINTS_SET);
    expect_line("IO 6 1\n");
    hear("OK");
    hear("IO:00000010");
    assert_int_equal(points_value(&points, FAN), 255);
    assert_int_equal(points_value(&points, LIGHT), -1);
    points.point[LIGHT].set.io = 8;
    assert_int_equal(points_set(&points, &board, LIGHT, 255, now), POINTS_NO_IO);
    expect_line(NULL);
}

static void an_occasion_sets_keeps_or_restores(void **unused)
{
    uint8_t value = 7;

    (void)unused;
    settings.point[LIGHT].start = (struct occasion){OCCASION_SET, 255};
    settings.point[LIGHT].halt = (struct occasion){OCCASION_SET, 0};
    settings.point[LIGHT].host_lost = (struct occasion){OCCASION_RESTORE, 0};
    settings.point[ESTOP].halt = (struct occasion){OCCASION_SET, 255};
    points_init(&points, &settings);
    assert_true(points_occasion_value(&points, LIGHT, POINTS_START, &value));
    assert_int_equal(value, 255);
    assert_true(points_occasion_value(&points, LIGHT, POINTS_HALT, &value));
    assert_int_equal(value, 0);
    value = 7;
    assert_false(points_occasion_value(&points, LIGHT, POINTS_EXIT, &value));
    assert_false(points_occasion_value(&points, LIGHT, POINTS_HOST_LOST, &value));
    assert_int_equal(value, 7); /* nothing was wanted yet */
    points_apply(&points, &board, POINTS_START, 0, now);
    assert_true(points_occasion_value(&points, LIGHT, POINTS_HOST_LOST, &value));
    assert_int_equal(value, 255);
    assert_false(points_occasion_value(&points, ESTOP, POINTS_HALT, &value)); /* an input */
}

static void start_values_are_set_when_the_board_comes(void **unused)
{
    (void)unused;
    settings.point[LIGHT].start = (struct occasion){OCCASION_SET, 255};
    settings.point[PSU].start = (struct occasion){OCCASION_SET, 0};
    points_init(&points, &settings);
    points_apply(&points, &board, POINTS_START, 0, now);
    connect("IO:00000000");
    expect_line("IO 4 1\n");
    hear("OK");
    hear("IO:00001000");
    expect_line("IO 5 1\n");
    hear("OK");
    hear("IO:00001100");
    expect_line(NULL);
    assert_true(board_session_online(&board));
}

static void halt_goes_before_everything_else(void **unused)
{
    (void)unused;
    settings.point[FAN].halt = (struct occasion){OCCASION_SET, 255};
    points_init(&points, &settings);
    connect_quietly("IO:00000000");
    points_set(&points, &board, LIGHT, 255, now);
    points_set(&points, &board, PSU, 0, now);
    points_apply(&points, &board, POINTS_HALT, 0, now);
    expect_line("IO 6 1\n");
}

static void after_a_reset_board_back_decides(void **unused)
{
    (void)unused;
    settings.point[PSU].board_back = (struct occasion){OCCASION_KEEP, 0};
    settings.point[FAN].board_back = (struct occasion){OCCASION_SET, 255};
    points_init(&points, &settings);
    connect_quietly("IO:00000000");
    points_set(&points, &board, LIGHT, 255, now);
    points_set(&points, &board, PSU, 0, now);
    points_set(&points, &board, FAN, 0, now);
    expect_line("IO 4 1\n");
    hear("DG:SIO_Arduino_General 1.0.11");
    points_apply(&points, &board, POINTS_BOARD_BACK, 0, now);
    connect("IO:00000000");
    expect_line("IO 4 1\n");
    hear("OK");
    hear("IO:00001000");
    expect_line("IO 6 1\n");
    hear("OK");
    hear("IO:00001010");
    expect_line(NULL); /* the psu is kept as the board has it */
    assert_int_equal(points_outcome(&points, &board, PSU), BOARD_NOT_WANTED);
}

static void a_reload_keeps_what_is_known_by_name(void **unused)
{
    struct settings other = settings;
    uint8_t moved[SETTINGS_POINTS];

    (void)unused;
    connect_quietly("IO:10001000");
    points_set(&points, &board, LIGHT, 255, now);
    hear("IO:11001000"); /* a change nobody has taken yet */
    other.point[0] = settings.point[RUNOUT];
    other.point[1] = make_point("door", POINT_INPUT, 3, true, 0);
    other.point[2] = settings.point[LIGHT];
    other.point[3] = settings.point[ESTOP];
    other.point[3].active_high = false;
    other.point[4] = settings.point[PSU];
    other.point[4].io = 7;
    other.points = 5;
    points_reload(&points, &other, moved);
    check();
    assert_int_equal(moved[RUNOUT], 0);
    assert_int_equal(moved[LIGHT], 2);
    assert_int_equal(moved[ESTOP], 3);
    assert_int_equal(moved[PSU], 4);
    assert_int_equal(moved[FAN], POINT_NONE);
    assert_int_equal(moved[SETTINGS_POINTS - 1], POINT_NONE);
    expect_change(0, POINT_ON, POINT_OFF, POINT_ON);
    expect_no_change();
    assert_int_equal(points_state(&points, 2), POINT_ON);
    assert_int_equal(points_state(&points, 3), POINT_OFF);     /* the level is the same */
    assert_int_equal(points_state(&points, 4), POINT_UNKNOWN); /* another io */
    assert_int_equal(points_state(&points, 1), POINT_UNKNOWN);
    points_update(&points, &board, now);
    expect_change(1, POINT_UNKNOWN, POINT_OFF, POINT_UNKNOWN);
    expect_change(4, POINT_UNKNOWN, POINT_ON, POINT_UNKNOWN);
    expect_no_change();
}

static void an_output_that_is_no_point_any_more_is_let_go_of(void **unused)
{
    (void)unused;
    connect_quietly("IO:00000000");
    points_set(&points, &board, FAN, 255, now);
    settings.points = 2;
    points_reload(&points, &settings, NULL);
    points_apply(&points, &board, POINTS_BOARD_BACK, 0, now);
    assert_int_equal(board_session_outcome(&board, 6), BOARD_NOT_WANTED);
}

static void changes_nobody_takes_are_bounded_and_counted(void **unused)
{
    (void)unused;
    connect_quietly("IO:00000000");
    for (unsigned i = 0; i < POINTS_CHANGES + 10; i++) {
        hear(i % 2 == 0 ? "IO:01000000" : "IO:00000000");
    }
    assert_int_equal(points.changes, POINTS_CHANGES);
    assert_int_equal(points.lost, 10);
    expect_change(RUNOUT, POINT_ON, POINT_OFF, POINT_ON);
}

static void a_reload_does_not_disturb_a_debounce_or_what_was_known(void **unused)
{
    (void)unused;
    connect_quietly("IO:00000000");
    hear("IO:10000000");
    points_reload(&points, &settings, NULL);
    check();
    pass_ms(20);
    expect_change(ESTOP, POINT_OFF, POINT_ON, POINT_OFF);
    board_session_closed(&board, now);
    points_update(&points, &board, now);
    drop_changes();
    points_reload(&points, &settings, NULL);
    connect("IO:00000000");
    expect_change(LIGHT, POINT_UNKNOWN, POINT_OFF, POINT_OFF);
}

static void each_occasion_has_its_own_value(void **unused)
{
    struct point_settings *light = &settings.point[LIGHT];
    uint8_t value;

    (void)unused;
    light->start = (struct occasion){OCCASION_SET, 1};
    light->halt = (struct occasion){OCCASION_SET, 2};
    light->host_lost = (struct occasion){OCCASION_SET, 3};
    light->exit = (struct occasion){OCCASION_SET, 4};
    light->board_back = (struct occasion){OCCASION_SET, 5};
    points_init(&points, &settings);
    for (unsigned i = 0; i < 5; i++) {
        static const enum points_occasion occasions[] = {
            POINTS_START, POINTS_HALT, POINTS_HOST_LOST, POINTS_EXIT, POINTS_BOARD_BACK};

        assert_true(points_occasion_value(&points, LIGHT, occasions[i], &value));
        assert_int_equal(value, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_is_unknown_until_the_board_reports, set_up),
        cmocka_unit_test_setup(active_low_is_on_at_low_level, set_up),
        cmocka_unit_test_setup(an_input_is_on_after_its_debounce_and_not_before, set_up),
        cmocka_unit_test_setup(an_input_that_bounces_back_has_not_changed, set_up),
        cmocka_unit_test_setup(the_same_report_again_does_not_begin_the_debounce_anew, set_up),
        cmocka_unit_test_setup(a_debounce_that_had_passed_counts_though_we_come_late, set_up),
        cmocka_unit_test_setup(without_a_debounce_every_edge_is_told, set_up),
        cmocka_unit_test_setup(a_lost_board_makes_points_unknown_and_last_known_is_kept, set_up),
        cmocka_unit_test_setup(an_output_is_what_the_board_reports_not_what_is_wanted, set_up),
        cmocka_unit_test_setup(only_outputs_can_be_set_and_pwm_only_on_and_off, set_up),
        cmocka_unit_test_setup(an_occasion_sets_keeps_or_restores, set_up),
        cmocka_unit_test_setup(start_values_are_set_when_the_board_comes, set_up),
        cmocka_unit_test_setup(halt_goes_before_everything_else, set_up),
        cmocka_unit_test_setup(after_a_reset_board_back_decides, set_up),
        cmocka_unit_test_setup(a_reload_keeps_what_is_known_by_name, set_up),
        cmocka_unit_test_setup(an_output_that_is_no_point_any_more_is_let_go_of, set_up),
        cmocka_unit_test_setup(changes_nobody_takes_are_bounded_and_counted, set_up),
        cmocka_unit_test_setup(a_reload_does_not_disturb_a_debounce_or_what_was_known, set_up),
        cmocka_unit_test_setup(each_occasion_has_its_own_value, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
