#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "route/plan.h"
#include "route/ruleset.h"
#include "wire/gcode_line.h"

#define NONE (-1)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct settings settings = {
    .points = 2,
    .point = {{.name = "light", .type = POINT_OUTPUT, .number = -1},
              {.name = "door", .type = POINT_INPUT, .number = -1}}};

static struct plans *plans;
static struct plan_action action;
static struct instant now;
static char why_bytes[96];

static int begin(void **unused)
{
    (void)unused;
    plans = malloc(sizeof *plans);
    now = (struct instant){1000000};
    if (plans != NULL)
        plans_init(plans);
    return plans == NULL;
}

static int end(void **unused)
{
    (void)unused;
    free(plans);
    return 0;
}

static uint8_t start_as(const struct step *steps, size_t count, bool holds_stream)
{
    struct plan_start start = {.rule = SPAN("test"),
                               .step = steps,
                               .steps = (unsigned)count,
                               .holds_stream = holds_stream,
                               .debt = holds_stream ? 7 : 0,
                               .client = -1};
    struct text why = TEXT_IN(why_bytes);
    uint8_t slot;

    assert_int_equal(plans_start(plans, &start, &settings, &why, now, &slot), STEP_OK);
    assert_null(plans_check(plans));
    return slot;
}

#define START(steps) start_as(steps, COUNT(steps), true)

/* The next action, or NONE. */
static int next_if(bool turn)
{
    bool any = plans_next_action(plans, turn, now, &action);

    assert_null(plans_check(plans));
    return any ? (int)action.kind : NONE;
}

static int next(void)
{
    return next_if(true);
}

static void pass(int64_t ms)
{
    now = instant_after_ms(now, ms);
    plans_expire(plans, now);
    assert_null(plans_check(plans));
}

#define ONE(text) {SPAN_INIT(text)}
#define TWO(a, b) {SPAN_INIT(a), SPAN_INIT(b)}
#define THREE(a, b, c) {SPAN_INIT(a), SPAN_INIT(b), SPAN_INIT(c)}

static void steps_are_done_one_after_the_other(void **unused)
{
    static const struct step steps[] = {{.kind = STEP_SET, .argument = TWO("light", "on")},
                                        {.kind = STEP_SEND, .argument = ONE("M106 S255")},
                                        {.kind = STEP_SAY, .argument = ONE("done")}};
    uint8_t slot = START(steps);

    (void)unused;
    assert_int_equal(next(), PLAN_SET);
    assert_int_equal(action.slot, slot);
    assert_int_equal(action.point, 0);
    assert_int_equal(action.value, 255);
    assert_int_equal(next(), NONE);
    plans_done(plans, slot);
    assert_int_equal(next(), PLAN_SEND);
    assert_true(span_equal(action.text, SPAN("M106 S255")));
    assert_int_equal(next(), NONE);
    plans_done(plans, slot);
    assert_int_equal(next(), PLAN_SAY);
    assert_true(span_equal(action.text, SPAN("done")));
    assert_int_equal(next(), PLAN_END);
    assert_false(action.plan->failed);
    assert_int_equal(action.plan->debt, 7);
    assert_int_equal(next(), NONE);
    assert_null(plans_stream(plans));
}

static void a_plan_speaks_and_ends_at_its_turn_only(void **unused)
{
    static const struct step steps[] = {{.kind = STEP_SET, .argument = TWO("light", "on")},
                                        {.kind = STEP_REPORT, .argument = ONE("points")}};
    uint8_t slot = START(steps);

    (void)unused;
    /* What is done needs no turn. */
    assert_int_equal(next_if(false), PLAN_SET);
    plans_done(plans, slot);
    assert_int_equal(next_if(false), NONE);
    assert_int_equal(next(), PLAN_REPORT);
    assert_int_equal(action.point, POINT_NONE);
    assert_int_equal(next_if(false), NONE);
    assert_int_equal(next(), PLAN_END);
}

static void a_plan_beside_the_stream_speaks_when_it_likes(void **unused)
{
    static const struct step steps[] = {{.kind = STEP_SAY, .argument = ONE("hello")}};

    (void)unused;
    start_as(steps, 1, false);
    assert_int_equal(next_if(false), PLAN_SAY);
    assert_int_equal(next_if(false), PLAN_END);
}

static void a_failure_ends_the_plan_with_its_reason(void **unused)
{
    static const struct step steps[] = {{.kind = STEP_SET, .argument = TWO("light", "on")},
                                        {.kind = STEP_SAY, .argument = ONE("never")}};
    uint8_t slot = START(steps);

    (void)unused;
    assert_int_equal(next(), PLAN_SET);
    plans_failed(plans, slot, STEP_BOARD, SPAN("it does not answer"));
    assert_int_equal(next(), PLAN_END);
    assert_true(action.plan->failed);
    assert_int_equal(action.plan->error, STEP_BOARD);
    assert_string_equal(action.plan->why, "it does not answer");
    assert_int_equal(action.plan->at, 0);
    assert_int_equal(action.plan->steps, 2);
}

static void time_passes_in_a_wait(void **unused)
{
    static const struct step steps[] = {{.kind = STEP_WAIT, .argument = ONE("1.5s")}};

    (void)unused;
    START(steps);
    assert_int_equal(next(), NONE);
    assert_int_equal(plans_deadline(plans).us, now.us + 1500000);
    pass(1499);
    assert_int_equal(next(), NONE);
    pass(1);
    assert_int_equal(next(), PLAN_END);
    assert_true(instant_is_never(plans_deadline(plans)));
}

static void a_pulse_is_on_and_off_as_often_as_asked(void **unused)
{
    static const struct step steps[] = {
        {.kind = STEP_PULSE,
         .argument = {SPAN_INIT("light"), SPAN_INIT("200ms"), SPAN_INIT("2"), SPAN_INIT("1s")}}};
    uint8_t slot = START(steps);

    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(next(), PLAN_SET);
        assert_int_equal(action.value, 255);
        plans_done(plans, slot);
        assert_int_equal(next(), NONE);
        pass(200);
        assert_int_equal(next(), PLAN_SET);
        assert_int_equal(action.value, 0);
        plans_done(plans, slot);
        assert_int_equal(next(), i == 0 ? NONE : PLAN_END);
        pass(800);
    }
}

static void a_pulse_whose_turn_has_passed_is_due_now(void **unused)
{
    static const struct step steps[] = {
        {.kind = STEP_PULSE,
         .argument = {SPAN_INIT("light"), SPAN_INIT("200ms"), SPAN_INIT("2"), SPAN_INIT("1s")}}};
    uint8_t slot = START(steps);

    (void)unused;
    assert_int_equal(next(), PLAN_SET);
    now = instant_after_ms(now, 5000); /* so long the board does not answer */
    plans_done(plans, slot);
    assert_int_equal(next(), NONE);
    pass(200);
    assert_int_equal(next(), PLAN_SET);
    plans_done(plans, slot);
    assert_int_equal(next(), NONE);
    assert_true(plans_deadline(plans).us == now.us);
    pass(0);
    assert_int_equal(next(), PLAN_SET);
    assert_int_equal(action.value, 255);
}

static void a_pulse_that_is_cut_short_is_switched_off(void **unused)
{
    static const struct step steps[] = {
        {.kind = STEP_PULSE, .argument = TWO("light", "10s")}};
    uint8_t slot = START(steps);

    (void)unused;
    assert_int_equal(next(), PLAN_SET);
    plans_done(plans, slot);
    assert_int_equal(next(), NONE);
    assert_true(plans_continue(plans, SPAN("M108")));
    assert_int_equal(next(), PLAN_SET);
    assert_int_equal(action.value, 0);
    assert_int_equal(next(), PLAN_END);
}

static void a_pulse_that_never_went_on_is_not_switched_off(void **unused)
{
    static const struct step steps[] = {
        {.kind = STEP_PULSE, .argument = TWO("light", "10s")}};
    uint8_t slot = START(steps);

    (void)unused;
    assert_int_equal(next(), PLAN_SET);
    plans_failed(plans, slot, STEP_BOARD, SPAN("no"));
    assert_int_equal(next(), PLAN_END);
}

/* Its answers were lost, and it is on: the board did it. */
static void a_pulse_of_which_nobody_knows_is_switched_off(void **unused)
{
    static const struct step steps[] = {
        {.kind = STEP_PULSE, .argument = TWO("light", "10s")}};
    uint8_t slot = START(steps);

    (void)unused;
    assert_int_equal(next(), PLAN_SET);
    plans_unsure(plans, slot, STEP_BOARD, SPAN("the output does not switch"));
    assert_int_equal(next(), PLAN_SET);
    assert_int_equal(action.value, 0);
    assert_int_equal(next(), PLAN_END);
}

static void a_wait_for_a_point_ends_by_its_condition(void **unused)
{
    static const struct step steps[] = {
        {.kind = STEP_WAIT_POINT, .argument = TWO("door", "high")}};

    (void)unused;
    START(steps);
    assert_int_equal(next(), PLAN_LOOK);
    assert_int_equal(action.point, 1);
    assert_int_equal(action.edge, WAIT_HIGH);
    assert_int_equal(next(), NONE);
    assert_true(instant_is_never(plans_deadline(plans)));
    plans_see(plans, 0, 1, true); /* another point */
    plans_see(plans, 1, 0, true);
    plans_see(plans, 1, -1, true);
    assert_int_equal(next(), NONE);
    plans_see(plans, 1, 1, false);
    assert_int_equal(next(), PLAN_END);
}

static void a_wait_for_a_point_that_a_reload_took_away_is_over(void **unused)
{
    static const struct step steps[] = {
        {.kind = STEP_WAIT_POINT, .argument = TWO("door", "high")}};
    uint8_t moved[SETTINGS_POINTS];

    (void)unused;
    memset(moved, POINT_NONE, sizeof moved);
    START(steps);
    assert_int_equal(next(), PLAN_LOOK);
    plans_points_moved(plans, moved);
    assert_int_equal(next(), PLAN_END);
    assert_true(action.plan->failed);
    assert_string_equal(action.plan->why, "the point is gone");
}

static void a_plan_of_sixteen_steps_may_be_over_when_the_printer_goes(void **unused)
{
    struct step steps[PLAN_STEPS];

    (void)unused;
    for (unsigned i = 0; i < PLAN_STEPS; i++)
        steps[i] = (struct step){.kind = STEP_WAIT, .argument = ONE("1ms")};
    start_as(steps, PLAN_STEPS, true);
    for (unsigned i = 0; i < PLAN_STEPS; i++) {
        assert_int_equal(next_if(false), NONE);
        pass(1);
    }
    plans_printer_gone(plans, SPAN("gone")); /* its next step would be the seventeenth */
    assert_int_equal(next(), PLAN_END);
    assert_false(action.plan->failed);
}

static void an_edge_is_more_than_a_level(void **unused)
{
    static const struct step rise[] = {{.kind = STEP_WAIT_POINT, .argument = TWO("door", "rise")}};
    static const struct step fall[] = {{.kind = STEP_WAIT_POINT, .argument = TWO("door", "fall")}};
    static const struct step any[] = {{.kind = STEP_WAIT_POINT, .argument = TWO("door", "change")}};

    (void)unused;
    START(rise);
    assert_int_equal(next(), PLAN_LOOK);
    plans_see(plans, 1, 1, false);
    plans_see(plans, 1, 0, true);
    assert_int_equal(next(), NONE);
    plans_see(plans, 1, 1, true);
    assert_int_equal(next(), PLAN_END);
    START(fall);
    assert_int_equal(next(), PLAN_LOOK);
    plans_see(plans, 1, 0, false);
    plans_see(plans, 1, 1, true);
    assert_int_equal(next(), NONE);
    plans_see(plans, 1, 0, true);
    assert_int_equal(next(), PLAN_END);
    START(any);
    assert_int_equal(next(), PLAN_LOOK);
    plans_see(plans, 1, 0, false);
    plans_see(plans, 1, 1, false);
    assert_int_equal(next(), NONE);
    plans_see(plans, 1, 1, true);
    assert_int_equal(next(), PLAN_END);
}

static const struct step with_else[] = {
    {.kind = STEP_WAIT_POINT, .otherwise = 2, .argument = THREE("door", "high", "5s")},
    {.kind = STEP_SAY, .argument = ONE("too late")},
    {.kind = STEP_SEND, .argument = ONE("M117 late")},
    {.kind = STEP_SAY, .argument = ONE("after")}};

static void a_timeout_is_told_and_takes_the_else_branch(void **unused)
{
    uint8_t slot = START(with_else);

    (void)unused;
    assert_int_equal(next(), PLAN_LOOK);
    pass(5000);
    assert_int_equal(next_if(false), NONE);
    assert_int_equal(next(), PLAN_TIMEOUT);
    assert_int_equal(action.ms, 5000);
    assert_int_equal(action.point, 1);
    assert_int_equal(next(), PLAN_SAY);
    assert_true(span_equal(action.text, SPAN("too late")));
    assert_int_equal(next(), PLAN_SEND);
    plans_done(plans, slot);
    assert_int_equal(next(), PLAN_SAY);
    assert_true(span_equal(action.text, SPAN("after")));
    assert_int_equal(next(), PLAN_END);
}

static void without_a_timeout_the_else_branch_is_left_out(void **unused)
{
    (void)unused;
    START(with_else);
    assert_int_equal(next(), PLAN_LOOK);
    plans_see(plans, 1, 1, true);
    assert_int_equal(next(), PLAN_SAY);
    assert_true(span_equal(action.text, SPAN("after")));
    assert_int_equal(next(), PLAN_END);
}

static void continue_skips_the_steps_that_remain(void **unused)
{
    (void)unused;
    assert_false(plans_continue(plans, SPAN("M108")));
    START(with_else);
    assert_false(plans_continue(plans, SPAN("M108"))); /* nothing is waited for yet */
    assert_int_equal(next(), PLAN_LOOK);
    assert_true(plans_continue(plans, SPAN("M108")));
    assert_int_equal(next(), PLAN_END);
    assert_false(action.plan->failed);
}

static void a_send_that_cannot_go_out_is_handed_out_again(void **unused)
{
    static const struct step steps[] = {{.kind = STEP_WAIT_MOTION}};
    uint8_t slot = START(steps);

    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(next(), PLAN_SEND);
        assert_true(span_equal(action.text, SPAN("M400")));
        plans_later(plans, slot);
        assert_int_equal(next(), NONE);
        plans_try_again(plans);
    }
    assert_int_equal(next(), PLAN_SEND);
    plans_done(plans, slot);
    assert_int_equal(next(), PLAN_END);
}

static void a_printer_that_is_gone_ends_what_waits_for_it_alone(void **unused)
{
    static const struct step sends[] = {{.kind = STEP_SEND, .argument = ONE("M400")}};
    static const struct step sets[] = {{.kind = STEP_SET, .argument = TWO("light", "on")}};
    uint8_t set;

    (void)unused;
    start_as(sends, 1, false);
    assert_int_equal(next(), PLAN_SEND);
    set = start_as(sets, 1, false);
    assert_int_equal(next(), PLAN_SET);
    plans_printer_gone(plans, SPAN("reset"));
    assert_int_equal(next(), PLAN_END);
    assert_int_equal(action.plan->error, STEP_PSU);
    assert_int_equal(next(), NONE);
    plans_done(plans, set);
    assert_int_equal(next(), PLAN_END);
    assert_false(action.plan->failed);
}

static void a_halt_ends_all_plans_and_pulses(void **unused)
{
    static const struct step pulse[] = {{.kind = STEP_PULSE, .argument = TWO("light", "10s")}};
    static const struct step wait[] = {{.kind = STEP_WAIT, .argument = ONE("1h")}};
    uint8_t slot;

    (void)unused;
    START(wait);
    slot = start_as(pulse, 1, false);
    assert_int_equal(next(), PLAN_SET);
    plans_done(plans, slot);
    assert_int_equal(next(), NONE);
    plans_end_all(plans, STEP_ESTOP, SPAN("halt"));
    assert_int_equal(next(), PLAN_END);
    assert_int_equal(next(), PLAN_SET);
    assert_int_equal(action.value, 0);
    assert_int_equal(next(), PLAN_END);
    assert_int_equal(action.plan->error, STEP_ESTOP);
    assert_int_equal(next(), NONE);
    assert_int_equal(plans->running, 0);
}

static void what_cannot_be_filled_in_starts_nothing_and_is_told_in_its_turn(void **unused)
{
    static const struct step steps[] = {{.kind = STEP_SET, .argument = TWO("light", "300")}};
    struct plan_start start = {.rule = SPAN("M42"), .step = steps, .steps = 1,
                               .holds_stream = true, .debt = 3, .client = -1};
    struct text why = TEXT_IN(why_bytes);
    uint8_t slot = 99;

    (void)unused;
    assert_int_equal(plans_start(plans, &start, &settings, &why, now, &slot), STEP_RANGE);
    assert_int_equal(slot, 99);
    assert_int_equal(plans->running, 0);
    plans_start_failed(plans, &start, STEP_RANGE, text_span(&why), now);
    assert_int_equal(next_if(false), NONE);
    assert_int_equal(next(), PLAN_END);
    assert_true(action.plan->failed);
    assert_int_equal(action.plan->steps, 0);
    assert_int_equal(action.plan->debt, 3);
}

static void sixty_four_plans_run_and_one_more_is_refused(void **unused)
{
    static const struct step steps[] = {{.kind = STEP_WAIT, .argument = ONE("1h")}};
    struct plan_start start = {.rule = SPAN("one more"), .step = steps, .steps = 1, .client = -1};
    struct text why = TEXT_IN(why_bytes);
    uint8_t slot;

    (void)unused;
    for (unsigned i = 0; i < PLANS; i++) {
        assert_true(plans_room(plans));
        start_as(steps, 1, false);
    }
    assert_false(plans_room(plans));
    assert_int_equal(plans_start(plans, &start, &settings, &why, now, &slot), STEP_LONG);
    assert_true(span_contains(text_span(&why), SPAN("64")));
    assert_int_equal(next(), NONE);
    pass(3600000);
    for (unsigned i = 0; i < PLANS; i++)
        assert_int_equal(next(), PLAN_END);
    assert_int_equal(next(), NONE);
}

static void texts_of_more_than_a_kibibyte_are_refused(void **unused)
{
    static char big[PLAN_TEXT + 1];
    struct step steps[] = {{.kind = STEP_SAY}};
    struct plan_start start = {.rule = SPAN("big"), .step = steps, .steps = 1, .client = -1};
    struct text why = TEXT_IN(why_bytes);
    uint8_t slot;

    (void)unused;
    memset(big, 'x', sizeof big);
    steps[0].argument[0] = (struct span){big, sizeof big};
    assert_int_equal(plans_start(plans, &start, &settings, &why, now, &slot), STEP_LONG);
    assert_int_equal(plans->running, 0);
}

static void a_replacement_is_filled_in_at_the_start(void **unused)
{
    static const struct step steps[] = {{.kind = STEP_SAY, .argument = ONE("a ${S}")}};
    struct gcode_line line;
    struct plan_start start = {.rule = SPAN("r"), .step = steps, .steps = 1,
                               .holds_stream = true, .client = -1, .then = RULE_REPLACE,
                               .replacement = SPAN("M117 ${S}")};
    struct text why = TEXT_IN(why_bytes);
    char text[] = "M802 S12\n";
    uint8_t slot;

    (void)unused;
    gcode_line_parse(span_of(text), &line);
    start.values.line = &line;
    assert_int_equal(plans_start(plans, &start, &settings, &why, now, &slot), STEP_OK);
    memset(text, '?', sizeof text); /* the line is lent for the call only */
    assert_int_equal(next(), PLAN_SAY);
    assert_true(span_equal(action.text, SPAN("a 12")));
    assert_int_equal(next(), PLAN_END);
    assert_true(span_equal((struct span){action.plan->text + action.plan->replacement_at,
                                         action.plan->replacement_length},
                           SPAN("M117 12")));
}

static void outcomes_that_come_too_late_change_nothing(void **unused)
{
    static const struct step steps[] = {{.kind = STEP_SET, .argument = TWO("light", "on")},
                                        {.kind = STEP_WAIT, .argument = ONE("1s")}};
    uint8_t slot = START(steps);

    (void)unused;
    assert_int_equal(next(), PLAN_SET);
    plans_done(plans, slot);
    assert_int_equal(next(), NONE);
    plans_done(plans, slot);
    plans_failed(plans, slot, STEP_BOARD, SPAN("late"));
    assert_int_equal(next(), NONE);
    pass(1000);
    assert_int_equal(next(), PLAN_END);
    assert_false(action.plan->failed);
    plans_done(plans, slot);
    assert_int_equal(next(), NONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(steps_are_done_one_after_the_other),
        TEST(a_plan_speaks_and_ends_at_its_turn_only),
        TEST(a_plan_beside_the_stream_speaks_when_it_likes),
        TEST(a_failure_ends_the_plan_with_its_reason),
        TEST(time_passes_in_a_wait),
        TEST(a_pulse_is_on_and_off_as_often_as_asked),
        TEST(a_pulse_whose_turn_has_passed_is_due_now),
        TEST(a_pulse_that_is_cut_short_is_switched_off),
        TEST(a_pulse_that_never_went_on_is_not_switched_off),
        TEST(a_pulse_of_which_nobody_knows_is_switched_off),
        TEST(a_wait_for_a_point_ends_by_its_condition),
        TEST(a_wait_for_a_point_that_a_reload_took_away_is_over),
        TEST(a_plan_of_sixteen_steps_may_be_over_when_the_printer_goes),
        TEST(an_edge_is_more_than_a_level),
        TEST(a_timeout_is_told_and_takes_the_else_branch),
        TEST(without_a_timeout_the_else_branch_is_left_out),
        TEST(continue_skips_the_steps_that_remain),
        TEST(a_send_that_cannot_go_out_is_handed_out_again),
        TEST(a_printer_that_is_gone_ends_what_waits_for_it_alone),
        TEST(a_halt_ends_all_plans_and_pulses),
        TEST(what_cannot_be_filled_in_starts_nothing_and_is_told_in_its_turn),
        TEST(sixty_four_plans_run_and_one_more_is_refused),
        TEST(texts_of_more_than_a_kibibyte_are_refused),
        TEST(a_replacement_is_filled_in_at_the_start),
        TEST(outcomes_that_come_too_late_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
