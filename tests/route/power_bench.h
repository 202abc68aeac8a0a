/*
 * Power, and what is to be done as one line of words.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/power.h"

static struct power_settings set;
static struct power power;
static struct instant now;

static int set_up(void **unused)
{
    (void)unused;
    now = (struct instant){1000000};
    set = (struct power_settings){.point = 1,
                                  .sense = POINT_NONE,
                                  .boot_ms = 8000,
                                  .cool_below = 50000,
                                  .off_when_idle_ms = -1};
    power_init(&power, &set, now);
    power_port(&power, true, now);
    return 0;
}

static void check(void)
{
    const char *broken = power_check(&power);

    if (broken != NULL)
        fail_msg("%s", broken);
}

/* What is to be done, in order: "set on, ask". The last text is in `said`. */
static char said[100];
static void expect(const char *actions)
{
    static const char *const words[POWER_ACTIONS] = {
        "changed", "set off", "set on",  "standin",   "no standin", "ask",
        "send ",   "told",    "on done", "on failed", "off done",   "off failed"};
    char bytes[200];
    struct text text = TEXT_IN(bytes), last = TEXT_IN(said);
    struct power_action action;

    check();
    while (power_next_action(&power, &action)) {
        if (text.length > 0)
            text_add_string(&text, ", ");
        text_add_string(&text, words[action.kind]);
        if (action.kind == POWER_SEND)
            text_add(&text, action.text);
        if (action.kind == POWER_TELL || action.kind == POWER_ON_FAILED ||
            action.kind == POWER_OFF_FAILED) {
            last.length = 0;
            text_add(&last, action.text);
            text_add_char(&last, '\0');
        }
        check();
    }
    text_add_char(&text, '\0');
    assert_string_equal(bytes, actions);
}

/* Time passes until it is over or something more is to be done. */
static void wait(int64_t ms)
{
    struct instant end = instant_after_ms(now, ms);
    uint16_t before = power.actions;

    while (power.actions == before && instant_due(power_deadline(&power), end)) {
        if (power_deadline(&power).us > now.us)
            now = power_deadline(&power);
        power_expire(&power, now);
        check();
    }
    if (power.actions == before)
        now = end;
}

static void see(enum point_state point)
{
    power_see(&power, point, POINT_UNKNOWN, now);
    check();
}

static void __attribute__((unused)) host(const char *line)
{
    struct gcode_line parsed;

    gcode_line_parse(span_of(line), &parsed);
    power_line(&power, &parsed, now);
    check();
}

static void __attribute__((unused)) heard(bool start)
{
    power_heard(&power, start, now);
    check();
}

/* It is on, and the printer is there. */
static void __attribute__((unused)) is_on(void)
{
    see(POINT_ON);
    expect("changed");
}

/* It is off, and the printer is not there. */
static void __attribute__((unused)) is_off(void)
{
    see(POINT_OFF);
    wait(POWER_SETTLE_MS);
    expect("changed, ask");
    wait(POWER_ANSWER_MS);
    expect("standin");
    assert_true(power.standin);
}

static enum power_result __attribute__((unused))
off(int64_t delay_ms, bool when_cool, bool stream, bool force)
{
    struct power_off how = {delay_ms, when_cool, stream, force};
    enum power_result result = power_off(&power, &how, now);

    check();
    return result;
}
