/*
 * What the tests of the emergency stop share: one machine, one clock, and what it wants done as words.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/estop.h"

static struct estop_settings set;
static struct estop estop;
static struct instant now;

static inline int set_up(void **unused)
{
    (void)unused;
    now = (struct instant){5000000};
    set = (struct estop_settings){.point = 3, .reset_point = POINT_NONE, .m112_halts = true};
    return 0;
}

static inline void check(void)
{
    const char *broken = estop_check(&estop);

    if (broken != NULL)
        fail_msg("%s", broken);
}

/* What is to be done, in order; sentences are "told". */
static inline void expect(const char *actions)
{
    static const char *const words[ESTOP_ACTIONS] = {"halt",   "m112",       "outputs", "save",
                                                     "dtr",    "confirm",    "pause",   "release",
                                                     "prompt", "prompt_end", "changed", "told"};
    char bytes[160];
    struct text text = TEXT_IN(bytes);
    struct estop_action action;

    check();
    while (estop_next_action(&estop, &action)) {
        if (text.length > 0)
            text_add_char(&text, ' ');
        text_add_string(&text, words[action.kind]);
        assert_true((action.kind == ESTOP_TELL) == (action.text.length > 0));
        check();
    }
    text_add_char(&text, '\0');
    assert_string_equal(bytes, actions);
}

/* Time passes; deadlines are kept. */
static inline void wait(int64_t ms)
{
    struct instant end = instant_after_ms(now, ms);

    while (instant_due(estop_deadline(&estop), end)) {
        now = estop_deadline(&estop);
        estop_expire(&estop, now);
        check();
    }
    now = end;
}

static inline void see(enum estop_level level)
{
    estop_see(&estop, level, now);
    check();
}

static inline void begin(bool latched)
{
    estop_init(&estop, &set, true, latched, now);
    estop_printer(&estop, true, now);
}

static inline void arm(void)
{
    begin(false);
    see(ESTOP_HEALTHY);
    expect("release changed");
    assert_int_equal(estop.state, ESTOP_ARMED);
}

/* The button is pressed, and the report that confirms it comes. */
static inline void press(void)
{
    see(ESTOP_PRESSED);
    expect("confirm");
    now = instant_after_ms(now, 3);
    estop_confirmed(&estop, now);
    expect("halt save changed told");
    assert_int_equal(estop.state, ESTOP_TRIPPED);
}
