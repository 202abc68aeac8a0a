#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/events_file.h"
#include "route/print_job.h"

static const struct settings settings = {
    .points = 3,
    .point = {{.name = "door", .type = POINT_INPUT},
              {.name = "air", .type = POINT_DHT},
              {.name = "light", .type = POINT_OUTPUT}},
};

static struct events_file events;
static struct arena arena;
static char *told;

static bool load(struct span text)
{
    struct mistakes mistakes = {0};
    size_t length;
    FILE *to;
    bool ok;

    free(told);
    arena_free(&arena);
    to = open_memstream(&told, &length);
    ok = events_file_read(text, "e.txt", &settings, &arena, &mistakes, &events);
    mistakes_print(&mistakes, to);
    fclose(to);
    mistakes_free(&mistakes);
    return ok;
}

static int end(void **unused)
{
    (void)unused;
    arena_free(&arena);
    free(told);
    told = NULL;
    return 0;
}

/* A file of one line, which is good. */
static const struct events_entry *one(const char *text)
{
    assert_true(load(span_of(text)));
    assert_string_equal(told, "");
    assert_int_equal(events.entries, 1);
    return &events.entry[0];
}

static void an_event_has_a_place_or_a_time(void **unused)
{
    (void)unused;
    assert_int_equal(one("at line 1200: door on")->when, EVENTS_AT_LINE);
    assert_int_equal(events.entry[0].at, 1200);
    assert_int_equal(one("  at  layer\t3 : door on\r\n")->when, EVENTS_AT_LAYER);
    assert_int_equal(events.entry[0].at, 3);
    assert_int_equal(one("at 1.5h: door on")->when, EVENTS_AT_TIME);
    assert_int_equal(events.entry[0].at, 5400000);
    assert_int_equal(one("at 0s: door on")->at, 0);
    assert_int_equal(one("at 1:30: door on")->at, 90000);
    assert_int_equal(one("at 0:01:30.25: door on")->at, 90250);
    assert_int_equal(one("at 100:00:00: door on")->at, 360000000);
}

static void all_that_can_happen_is_read(void **unused)
{
    const struct rule_test_step *step;

    (void)unused;
    step = &one("at 1s: door on")->step;
    assert_int_equal(step->kind, TEST_POINT);
    assert_int_equal(step->index, 0);
    assert_int_equal(step->value, 1);
    assert_int_equal(one("at 1s: point Door off")->step.value, 0);
    step = &one("at 1s: air 35.5C")->step;
    assert_int_equal(step->kind, TEST_TEMPERATURE);
    assert_int_equal(step->heater, 0);
    assert_int_equal(step->index, 1);
    assert_int_equal(step->value, 35500);
    step = &one("at 1s: tool3 -5C")->step;
    assert_int_equal(step->heater, 'T');
    assert_int_equal(step->index, 3);
    assert_int_equal(step->value, -5000);
    assert_int_equal(one("at 1s: chamber 60C")->step.heater, 'C');
    assert_int_equal(one("at 1s: print cancelled")->step.value, PRINT_CANCELLED_FACT);
    assert_int_equal(one("at 1s: printer halted")->step.value, FACT_PRINTER_HALTED);
    assert_int_equal(one("at 1s: host disconnected")->step.value, FACT_HOST_DISCONNECTED);
    assert_int_equal(one("at 1s: board lost")->step.value, FACT_BOARD_LOST);
    step = &one("at 1s: gcode  M117 a: b#c # said")->step;
    assert_int_equal(step->kind, TEST_GCODE);
    assert_true(span_equal(step->text, SPAN("M117 a: b#c")));
    assert_int_equal(one("at 1s: reply ok T:1")->step.kind, TEST_REPLY);
}

static void comments_and_blank_lines_are_nothing(void **unused)
{
    (void)unused;
    assert_true(load(SPAN("# a\n\n   \r\n at 1s: door on\n#at 2s: door off\n\nat 3s: door off")));
    assert_int_equal(events.entries, 2);
    assert_int_equal(events.entry[0].step.line, 4);
    assert_int_equal(events.entry[0].step.column, 2);
    assert_int_equal(events.entry[1].step.line, 7);
    assert_true(load(SPAN_NONE));
    assert_int_equal(events.entries, 0);
}

static void every_mistake_is_told_with_its_place(void **unused)
{
    static const struct {
        const char *text, *said;
    } wrong[] = {
        {"att 1s: door on", "1:1: error: expected a line like"},
        {"att 1s: door on", "(did you mean at?)"},
        {"at", "1:3: error: expected line N"},
        {"at lin 3: door on", "1:4: error: expected line N, layer N, or a time"},
        {"at lin 3: door on", "got 'lin' (did you mean line?)"},
        {"at line: door on", "1:8: error: expected the number of a line"},
        {"at line 0: door on", "got '0'"},
        {"at line 3x: door on", "got '3x'"},
        {"at line 3 4: door on", "1:11: error: expected ':', got '4'"},
        {"at layer -1: door on", "the number of a layer, from 1, got '-1'"},
        {"at 50: door on", "got '50'"},
        {"at 1:60: door on", "got '1:60'"},
        {"at 1:2:3:4: door on", "got '1:2:3:4'"},
        {"at -1s: door on", "got '-1s'"},
        {"at 99999h: door on", "got '99999h'"},
        {"at 1s", "1:6: error: expected ': ' and what happens then"},
        {"at 1s:", "1:7: error: expected an input"},
        {"at 1s:door on", "1:4: error: expected line N"},
        {"at 1s: dor on", "1:8: error: expected an input"},
        {"at 1s: dor on", "got 'dor' (did you mean door?)"},
        {"at 1s: door", "1:12: error: expected on or off\n"},
        {"at 1s: door onn", "got 'onn' (did you mean on?)"},
        {"at 1s: door on off", "1:16: error: expected the end of the line, got 'off'"},
        {"at 1s: light on", "light is an output: only an input can be moved"},
        {"at 1s: bed 50", "1:12: error: expected a temperature with its unit, like 45C, got '50'"},
        {"at 1s: bed 5000C", "got '5000C'"},
        {"at 1s: print started", "1:14: error: expected paused, resumed or cancelled"},
        {"at 1s: print pausd", "(did you mean paused?)"},
        {"at 1s: printer lost", "online, offline, reset or halted"},
        {"at 1s: board losst", "(did you mean lost?)"},
        {"at 1s: host silent", "connected or disconnected"},
        {"at 1s: gcode", "1:13: error: expected a line that somebody types"},
        {"at 1s: reply ", "expected a line that the printer says"},
        {"at 1s: \xc3\xb6\xc3\xb6 on", "1:8: error: "},
        {"at 1s: door \xc3\xb6n \xc3\xb6", "1:13: error: "},
        {"at \xc3\xb6: door on", "1:4: error: "},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(load(span_of(wrong[i].text)));
        if (strstr(told, wrong[i].said) == NULL)
            fail_msg("%s: %s, not %s", wrong[i].text, told, wrong[i].said);
    }
    assert_false(load(SPAN("x\nat 1s: door on\nat 2s: dor on\n")));
    assert_non_null(strstr(told, "e.txt:1:1: "));
    assert_non_null(strstr(told, "e.txt:3:8: "));
}

static void there_are_at_most_so_many(void **unused)
{
    static char text[(EVENTS_FILE_MAX + 1) * 16];
    size_t length = 0;

    (void)unused;
    for (unsigned i = 0; i < EVENTS_FILE_MAX; i++)
        length += (size_t)sprintf(text + length, "at 1s: door on\n");
    assert_true(load((struct span){text, length}));
    assert_int_equal(events.entries, EVENTS_FILE_MAX);
    length += (size_t)sprintf(text + length, "at 1s: door on\n");
    assert_false(load((struct span){text, length}));
    assert_non_null(strstr(told, "e.txt:1001:1: error: more than 1000 events"));
}

int main(void)
{
    const struct CMUnitTest sentences[] = {
        cmocka_unit_test_teardown(an_event_has_a_place_or_a_time, end),
        cmocka_unit_test_teardown(all_that_can_happen_is_read, end),
        cmocka_unit_test_teardown(comments_and_blank_lines_are_nothing, end),
        cmocka_unit_test_teardown(every_mistake_is_told_with_its_place, end),
        cmocka_unit_test_teardown(there_are_at_most_so_many, end),
    };

    return cmocka_run_group_tests(sentences, NULL, NULL);
}
