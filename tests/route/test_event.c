#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/event.h"

static const struct instant now = {5};

/* What was not shown around inside is nobody's yet. */
static bool taken(struct events *events, struct event *ret_event)
{
    struct event shown;

    while (events_show(events, &shown))
        ;
    return events_next(events, ret_event);
}

static void events_come_out_in_the_order_they_happened(void **unused)
{
    static struct events events;
    struct event event;

    (void)unused;
    assert_false(taken(&events, &event));
    events_add(&events, EVENT_POINT, SPAN("light"), SPAN("on"), SPAN("M42"), now);
    events_add(&events, EVENT_LOG, SPAN_NONE, SPAN_NONE, SPAN("hello"), now)->level = LOG_DEBUG;
    assert_true(taken(&events, &event));
    assert_int_equal(event.kind, EVENT_POINT);
    assert_string_equal(event.name, "light");
    assert_string_equal(event.state, "on");
    assert_string_equal(event.cause, "M42");
    assert_int_equal(event.level, LOG_INFO);
    assert_int_equal(event.at.us, 5);
    assert_true(taken(&events, &event));
    assert_int_equal(event.level, LOG_DEBUG);
    assert_string_equal(event.name, "");
    assert_false(taken(&events, &event));
}

static void a_full_queue_loses_its_oldest_and_counts_it(void **unused)
{
    static struct events events;
    struct event event;

    (void)unused;
    for (unsigned i = 0; i < EVENTS + 2; i++) {
        char digit = (char)('0' + i % 10);

        events_add(&events, EVENT_RULE, (struct span){&digit, 1}, SPAN_NONE, SPAN_NONE, now);
    }
    assert_int_equal(events.lost, 2);
    assert_int_equal(events.count, EVENTS);
    assert_true(taken(&events, &event));
    assert_string_equal(event.name, "2");
}

static void an_event_says_nothing_of_the_one_that_had_its_place(void **unused)
{
    static struct events events;
    struct event event;

    (void)unused;
    for (unsigned i = 0; i < EVENTS; i++) {
        events_add(&events, EVENT_POINT, SPAN("light"), SPAN("on"), SPAN("M42"), now)->by_rule = true;
        assert_true(taken(&events, &event));
        assert_true(event.by_rule);
    }
    events_add(&events, EVENT_PRINT, SPAN_NONE, SPAN("started"), SPAN_NONE, now);
    assert_true(taken(&events, &event));
    assert_false(event.by_rule);
}

static void texts_are_cut_to_their_fields(void **unused)
{
    static struct events events;
    char longer[EVENT_CAUSE + 10];
    struct span text = {longer, sizeof(longer)};
    struct event event;

    (void)unused;
    memset(longer, 'x', sizeof(longer));
    events_add(&events, EVENT_BOARD, text, text, text, now);
    assert_true(taken(&events, &event));
    assert_int_equal(strlen(event.name), EVENT_NAME - 1);
    assert_int_equal(strlen(event.state), EVENT_STATE - 1);
    assert_int_equal(strlen(event.cause), EVENT_CAUSE - 1);
}

static void each_kind_has_the_word_that_rules_and_watch_use(void **unused)
{
    static const char *const words[] = {"point",    "print", "printer", "host", "board",
                                        "temperature", "estop", "filament", "psu",  "gcode",
                                        "rule",     "reload", "log"};

    (void)unused;
    for (unsigned i = EVENT_POINT; i <= EVENT_LOG; i++) {
        assert_string_equal(event_word((enum event_kind)i), words[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_in_the_order_they_happened),
        cmocka_unit_test(a_full_queue_loses_its_oldest_and_counts_it),
        cmocka_unit_test(an_event_says_nothing_of_the_one_that_had_its_place),
        cmocka_unit_test(texts_are_cut_to_their_fields),
        cmocka_unit_test(each_kind_has_the_word_that_rules_and_watch_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
