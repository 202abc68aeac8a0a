#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/temperatures.h"

static struct temperatures temperatures;
static struct instant now;

static int set_up(void **unused)
{
    (void)unused;
    now = (struct instant){1000000};
    temperatures_init(&temperatures);
    return 0;
}

/* The printer says this, a second later. */
static void printer(const char *line)
{
    struct printer_reply reply;

    now = instant_after_ms(now, 1000);
    printer_reply_parse(span_of(line), &reply);
    temperatures_see(&temperatures, &reply, now);
    assert_null(temperatures_check(&temperatures));
}

static void expect_answer(const char *answer)
{
    char bytes[400];
    struct text text = TEXT_IN(bytes);

    text.capacity--;
    temperatures_answer(&temperatures, &text);
    bytes[text.length] = '\0';
    assert_string_equal(bytes, answer);
}

static void each_heater_keeps_its_value_target_and_time(void **unused)
{
    const struct printer_reply_heater *heater;

    (void)unused;
    printer("ok T:25.5 /0 B:60.25 /60 T0:200.5 /210 T1:25.5 /0 C:31.2 /0 @:0");
    printer("ok B:61.00 /60");
    printer("echo:nothing of heaters");
    assert_int_equal(temperatures.heaters, 4);
    heater = temperatures_find(&temperatures, 'T', 0);
    assert_non_null(heater);
    assert_int_equal(heater->actual, 200500);
    assert_int_equal(heater->target, 210000);
    assert_int_equal(temperatures_find(&temperatures, 'B', 0)->actual, 61000);
    assert_int_equal(temperatures_find(&temperatures, 'C', 0)->actual, 31200);
    assert_null(temperatures_find(&temperatures, 'T', 2));
    assert_int_equal(temperatures.at.us, 3000000);
    assert_int_equal(temperatures.seen[0].us, 2000000);
}

/* Every value of the bed in turn, and which of them cross: a mark under each. */
static void expect_crossings(enum temperature_compare compare, int32_t limit, const char *values,
                             const char *crossings)
{
    char seen[64];
    struct text text = TEXT_IN(seen);
    struct span rest = span_of(values);

    set_up(NULL);
    while (rest.length > 0) {
        struct temperature_change change;
        char line[32];
        struct text report = TEXT_IN(line);
        size_t end = span_find(rest, ' ');
        bool crossed = false;

        text_add_string(&report, "B:");
        text_add(&report, (struct span){rest.data, end});
        text_add_char(&report, '\0');
        printer(line);
        while (temperatures_next_change(&temperatures, &change))
            crossed = crossed || temperature_crosses(&change, compare, limit);
        text_add_char(&text, crossed ? 'x' : '.');
        rest = span_skip(rest, end + 1);
    }
    text_add_char(&text, '\0');
    assert_string_equal(seen, crossings);
}

static void a_limit_is_crossed_upwards_once_until_it_was_a_degree_below(void **unused)
{
    (void)unused;
    expect_crossings(TEMPERATURE_AT_LEAST, 50000, "20 49.9 50 55 80", "..x..");
    expect_crossings(TEMPERATURE_AT_LEAST, 50000, "49 50 49.5 50.2 49.01 50 49 50", ".x......");
    expect_crossings(TEMPERATURE_AT_LEAST, 50000, "49 50 48.99 50 40 49.9 50.1", ".x.x..x");
    expect_crossings(TEMPERATURE_AT_LEAST, 50000, "20 90 20 90", ".x.x");
    expect_crossings(TEMPERATURE_ABOVE, 50000, "49 50 50.01 50 49.01 50.5 48.9 51", "..x....x");
}

static void a_limit_is_crossed_downwards_once_until_it_was_a_degree_above(void **unused)
{
    (void)unused;
    expect_crossings(TEMPERATURE_BELOW, 50000, "60 50 49.99 45", "..x.");
    expect_crossings(TEMPERATURE_BELOW, 50000, "60 49 50.5 49.5 50.99 49 51 49", ".x.....x");
    expect_crossings(TEMPERATURE_AT_MOST, 50000, "60 50 50.9 50 51.01 50", ".x...x");
}

static void slow_heating_crosses_as_well_as_fast(void **unused)
{
    (void)unused;
    expect_crossings(TEMPERATURE_AT_LEAST, 50000, "49.5 49.6 49.7 49.8 49.9 50.0 50.1 50.2",
                     ".....x..");
    expect_crossings(TEMPERATURE_BELOW, 50000, "50.4 50.3 50.2 50.1 50.0 49.9 49.8", ".....x.");
}

static void every_limit_has_its_own_hysteresis(void **unused)
{
    (void)unused;
    /* the same values, three limits */
    expect_crossings(TEMPERATURE_AT_LEAST, 50000, "49 51 49.5 52.5 50.5 51.2 53", ".x.....");
    expect_crossings(TEMPERATURE_AT_LEAST, 51000, "49 51 49.5 52.5 50.5 51.2 53", ".x.x...");
    expect_crossings(TEMPERATURE_AT_LEAST, 52500, "49 51 49.5 52.5 50.5 51.2 53", "...x..x");
}

static void the_first_value_crosses_nothing(void **unused)
{
    (void)unused;
    expect_crossings(TEMPERATURE_AT_LEAST, 50000, "80 81", "..");
    expect_crossings(TEMPERATURE_BELOW, 50000, "20 19", "..");
}

static void changes_not_taken_are_one_change(void **unused)
{
    struct temperature_change change;

    (void)unused;
    printer("B:20");
    assert_true(temperatures_next_change(&temperatures, &change)); /* the first is news */
    assert_true(change.news);
    printer("B:30");
    printer("B:60");
    assert_true(temperatures_next_change(&temperatures, &change));
    assert_int_equal(change.heater.actual, 60000);
    assert_int_equal(change.old.high, 20000);
    assert_true(temperature_crosses(&change, TEMPERATURE_AT_LEAST, 50000));
    assert_false(temperatures_next_change(&temperatures, &change));
}

static void noise_is_no_change_and_a_degree_or_a_target_is_news(void **unused)
{
    struct temperature_change change;

    (void)unused;
    printer("T:200.00 /200.00 B:60.00 /60.00");
    while (temperatures_next_change(&temperatures, &change))
        ;
    printer("T:199.60 /200.00 B:60.00 /60.00");
    assert_true(temperatures_next_change(&temperatures, &change)); /* low has moved */
    assert_false(change.news);
    printer("T:200.00 /200.00 B:60.00 /60.00");
    printer("T:199.70 /200.00 B:60.00 /60.00");
    assert_false(temperatures_next_change(&temperatures, &change));
    printer("T:199.70 /0.00 B:60.00 /60.00");
    assert_true(temperatures_next_change(&temperatures, &change));
    assert_true(change.news);
    printer("T:199.00 /0.00 B:60.00 /60.00");
    assert_true(temperatures_next_change(&temperatures, &change));
    assert_false(change.news);
    printer("T:198.70 /0.00 B:60.00 /60.00");
    assert_true(temperatures_next_change(&temperatures, &change));
    assert_true(change.news);
    assert_int_equal(change.heater.name, 'T');
}

static void a_condition_compares_the_value_itself(void **unused)
{
    (void)unused;
    assert_true(temperature_holds(49999, TEMPERATURE_BELOW, 50000));
    assert_false(temperature_holds(50000, TEMPERATURE_BELOW, 50000));
    assert_true(temperature_holds(50000, TEMPERATURE_AT_MOST, 50000));
    assert_false(temperature_holds(50000, TEMPERATURE_ABOVE, 50000));
    assert_true(temperature_holds(50000, TEMPERATURE_AT_LEAST, 50000));
}

static void names_are_those_of_rules(void **unused)
{
    char name = 0, bytes[16];
    unsigned index = 99;
    struct text text = TEXT_IN(bytes);
    struct printer_reply_heater heater = {.name = 'T', .index = 3};

    (void)unused;
    assert_true(temperatures_read(SPAN("tool7"), &name, &index));
    assert_int_equal(name, 'T');
    assert_int_equal(index, 7);
    assert_true(temperatures_read(SPAN("Bed"), &name, &index));
    assert_int_equal(name, 'B');
    assert_int_equal(index, 0);
    assert_true(temperatures_read(SPAN("chamber"), &name, &index));
    assert_int_equal(name, 'C');
    assert_false(temperatures_read(SPAN("tool"), &name, &index));
    assert_false(temperatures_read(SPAN("tool10"), &name, &index));
    assert_false(temperatures_read(SPAN("toolx"), &name, &index));
    assert_false(temperatures_read(SPAN("air"), &name, &index));
    temperatures_word(&heater, &text);
    heater.name = 'B';
    temperatures_word(&heater, &text);
    heater.name = 'C';
    temperatures_word(&heater, &text);
    assert_true(span_equal(text_span(&text), SPAN("tool3bedchamber")));
}

static void cold_means_every_heater_of_the_last_report_and_no_target(void **unused)
{
    (void)unused;
    assert_false(temperatures_cold(&temperatures, 50000)); /* nothing is known */
    printer("ok T:49.99 /0.00 B:30.00 /0.00");
    assert_true(temperatures_cold(&temperatures, 50000));
    printer("ok T:50.00 /0.00 B:30.00 /0.00");
    assert_false(temperatures_cold(&temperatures, 50000));
    printer("ok T:20.00 /0.00 B:80.00 /0.00"); /* the bed too */
    assert_false(temperatures_cold(&temperatures, 50000));
    printer("ok T:20.00 /200.00 B:30.00 /0.00"); /* about to heat */
    assert_false(temperatures_cold(&temperatures, 50000));
    printer("ok T:20.00 B:30.00 /0.00"); /* a target that is not known */
    assert_false(temperatures_cold(&temperatures, 50000));
    printer("ok T:20.00 /0.00 B:30.00 /0.00");
    assert_true(temperatures_cold(&temperatures, 50000));
}

static void a_heater_that_is_reported_no_more_keeps_nothing_hot(void **unused)
{
    (void)unused;
    printer("ok T:20.00 /0.00 C:90.00 /0.00");
    assert_false(temperatures_cold(&temperatures, 50000));
    printer("ok T:20.00 /0.00");
    assert_true(temperatures_cold(&temperatures, 50000));
}

static void m105_is_answered_from_here(void **unused)
{
    (void)unused;
    expect_answer("ok T:0.00 /0.00 B:0.00 /0.00 @:0 B@:0\n");
    printer(" T:204.996 /205.00 B:60.10 /60.00 @:0 B@:0");
    expect_answer("ok T:205.00 /205.00 B:60.10 /60.00 @:0 B@:0\n");
    printer("ok T:-14.5 B:60.1 /60 C:31.25 /0");
    expect_answer("ok T:-14.50 /0.00 B:60.10 /60.00 C:31.25 /0.00 @:0 B@:0\n");
}

static void with_two_tools_both_are_named(void **unused)
{
    (void)unused;
    printer("ok T:25.5 /0 B:60 /60 T0:200 /210 T1:25.5 /0");
    expect_answer("ok T:200.00 /210.00 B:60.00 /60.00 T0:200.00 /210.00 T1:25.50 /0.00 @:0 B@:0\n");
}

static void the_answer_reads_back_as_what_was_said(void **unused)
{
    char bytes[400];
    struct text text = TEXT_IN(bytes);
    struct printer_reply reply;

    (void)unused;
    printer("T0:1 /1 T1:2 /2 T2:3 /3 T3:4 /4 T4:5 /5 T5:6 /6 T6:7 /7 T7:8 /8 T8:9 /9 T9:10 /10 "
            "B:60 /60 C:30 /0");
    assert_int_equal(temperatures.heaters, 12);
    temperatures_answer(&temperatures, &text);
    assert_false(text.cut);
    printer_reply_parse((struct span){bytes, text.length - 1}, &reply);
    assert_int_equal(reply.kind, REPLY_OK);
    assert_int_equal(reply.heaters, 12);
}

static void a_printer_that_names_ever_new_heaters_fills_no_more_than_there_is(void **unused)
{
    (void)unused;
    printer("T10:1 T11:1 T12:1 T13:1 T14:1 T15:1");
    printer("T20:1 T21:1 T22:1 T23:1 T24:1 T25:1");
    printer("T30:1 T31:1 B:1");
    assert_int_equal(temperatures.heaters, TEMPERATURES_HEATERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_heater_keeps_its_value_target_and_time, set_up),
        cmocka_unit_test_setup(a_limit_is_crossed_upwards_once_until_it_was_a_degree_below, set_up),
        cmocka_unit_test_setup(a_limit_is_crossed_downwards_once_until_it_was_a_degree_above,
                               set_up),
        cmocka_unit_test_setup(slow_heating_crosses_as_well_as_fast, set_up),
        cmocka_unit_test_setup(every_limit_has_its_own_hysteresis, set_up),
        cmocka_unit_test_setup(the_first_value_crosses_nothing, set_up),
        cmocka_unit_test_setup(changes_not_taken_are_one_change, set_up),
        cmocka_unit_test_setup(noise_is_no_change_and_a_degree_or_a_target_is_news, set_up),
        cmocka_unit_test_setup(a_condition_compares_the_value_itself, set_up),
        cmocka_unit_test_setup(names_are_those_of_rules, set_up),
        cmocka_unit_test_setup(cold_means_every_heater_of_the_last_report_and_no_target, set_up),
        cmocka_unit_test_setup(a_heater_that_is_reported_no_more_keeps_nothing_hot, set_up),
        cmocka_unit_test_setup(m105_is_answered_from_here, set_up),
        cmocka_unit_test_setup(with_two_tools_both_are_named, set_up),
        cmocka_unit_test_setup(the_answer_reads_back_as_what_was_said, set_up),
        cmocka_unit_test_setup(a_printer_that_names_ever_new_heaters_fills_no_more_than_there_is,
                               set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
