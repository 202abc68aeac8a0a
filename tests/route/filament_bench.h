/*
 * Filament, a host and a printer as lines, and what is to be done as one line of words.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/filament.h"

static struct filament_settings set[SETTINGS_FILAMENTS];
static struct filament filament;
static struct instant now;

static void check(void)
{
    const char *broken = filament_check(&filament);

    if (broken != NULL)
        fail_msg("%s", broken);
}

static int set_up(void **unused)
{
    (void)unused;
    now = (struct instant){1000000};
    memset(set, 0, sizeof(set));
    set[0] = (struct filament_settings){.point = 1, .command = "M600"};
    filament_init(&filament, set, 1);
    return 0;
}

/* What is to be done, in order: "inject M600, paused, ok". The last notification is in `notified`.
 */
static char notified[100];
static void expect(const char *actions)
{
    static const char *const words[FILAMENT_ACTIONS] = {"changed", "notify", "inject ", "pause",
                                                        "paused",  "ok",     "press ",  "resumed"};
    char bytes[200];
    struct text text = TEXT_IN(bytes), note = TEXT_IN(notified);
    struct filament_action action;

    check();
    while (filament_next_action(&filament, &action)) {
        if (text.length > 0)
            text_add_string(&text, ", ");
        text_add_string(&text, words[action.kind]);
        if (action.kind == FILAMENT_INJECT || action.kind == FILAMENT_PRESS)
            text_add(&text, action.text);
        if (action.kind == FILAMENT_NOTIFY) {
            note.length = 0;
            text_add(&note, action.text);
            text_add_char(&note, '\0');
        }
        check();
    }
    text_add_char(&text, '\0');
    assert_string_equal(bytes, actions);
}

/* Time passes; deadlines are kept. */
static void wait(int64_t ms)
{
    struct instant end = instant_after_ms(now, ms);

    while (instant_due(filament_deadline(&filament), end)) {
        now = filament_deadline(&filament);
        filament_expire(&filament, now);
        check();
        if (filament.pending != 0)
            break; /* whoever waits takes what is to be done */
    }
    if (filament.pending == 0)
        now = end;
}

/* The printer says this: true if the host does not hear it. */
static bool printer(const char *line)
{
    struct printer_reply reply;
    bool swallowed;

    printer_reply_parse(span_of(line), &reply);
    swallowed = filament_reply(&filament, &reply, now);
    check();
    return swallowed;
}

/* The host's line comes to the printer. */
static enum filament_gate host(const char *line, int32_t um)
{
    struct gcode_line parsed;
    enum filament_gate gate;

    gcode_line_parse(span_of(line), &parsed);
    gate = filament_gate(&filament, &parsed, um, now);
    check();
    return gate;
}

static void __attribute__((unused)) emergency(const char *line)
{
    struct gcode_line parsed;

    gcode_line_parse(span_of(line), &parsed);
    filament_emergency(&filament, &parsed, now);
    check();
}

static void see(unsigned sensor, enum filament_level level)
{
    filament_see(&filament, sensor, level, now);
    check();
}

static void print(enum filament_job job)
{
    filament_print(&filament, job, false, now);
    check();
}

/* A print runs that has extruded, with filament. */
static void start_print(void)
{
    see(0, FILAMENT_PRESENT);
    print(FILAMENT_PRINTING);
    assert_int_equal(host("N1 G1 X1 E1", 1000), FILAMENT_PASSES);
    filament_extruded(&filament, 0, 1000, now);
    expect("changed");
}

/* It runs out; the next ok is held, and the command on its way. */
static void run_out(void)
{
    start_print();
    see(0, FILAMENT_MISSING);
    assert_true(filament_holds(&filament));
    expect("changed");
    filament_held(&filament, now);
    assert_false(filament_holds(&filament));
    expect("notify, inject M600");
}

/* ... and the printer is at it; the host is paused. */
static void __attribute__((unused)) change(void)
{
    run_out();
    wait(500);
    assert_false(printer("//action:paused")); /* the host hears it from the printer */
    expect("ok");
    print(FILAMENT_PAUSED);
    assert_int_equal(filament.state, FILAMENT_CHANGES);
}
