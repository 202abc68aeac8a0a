/*
 * A board_session on the bench: lines typed in by hand, what it writes and tells taken out.
 */
#pragma once

#include "session/board_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define INTERVAL_MS 3000
#define LOW_18      "IO:111111111111000000"

static struct board_session session;
static struct instant now;

static inline void check(void)
{
    const char *broken = board_session_check(&session);

    if (broken != NULL) {
        fail_msg("%s", broken);
    }
}

static inline void hear(const char *line)
{
    struct board_message message;

    board_message_parse(span_of(line), &message);
    board_session_message(&session, &message, now);
    check();
}

/* The next line written is this one; NULL: there is none. */
static inline void expect_line(const char *expected)
{
    char memory[BOARD_COMMAND_MAX + 1];
    struct text text = {memory, BOARD_COMMAND_MAX, 0, false};
    bool any = board_session_next_line(&session, &text, now);

    check();
    memory[text.length] = '\0';
    if (expected == NULL) {
        assert_string_equal(memory, "");
        assert_false(any);
    } else {
        assert_true(any && !text.cut);
        assert_string_equal(memory, expected);
    }
}

static inline void expect_event(enum board_event_kind kind)
{
    struct board_event event;

    assert_true(board_session_next_event(&session, &event));
    assert_int_equal(event.kind, kind);
}

static inline void expect_no_event(void)
{
    struct board_event event;

    assert_false(board_session_next_event(&session, &event));
}

static inline void pass_ms(int64_t ms)
{
    struct instant end = instant_after_ms(now, ms);

    while (instant_due(board_session_deadline(&session), end)) {
        if (board_session_deadline(&session).us > now.us) {
            now = board_session_deadline(&session);
        }
        board_session_expire(&session, now);
        check();
    }
    now = end;
}

static inline void expect_deadline_ms(int64_t ms)
{
    assert_int_equal(board_session_deadline(&session).us - now.us, ms * 1000);
}

static inline void greet(void)
{
    board_session_opened(&session, now);
    expect_line("VC\n");
    hear("OK");
    hear("VI:SIO_Arduino_General 1.0.11");
    hear("CP:SIOPlugin 0.1.1");
    hear("FS:NA");
    hear("XT BRD:ATmega328P");
    expect_line(NULL);
    pass_ms(50);
}

static inline void set_up_board(void)
{
    greet();
    expect_line("TC\n");
    hear("OK");
    hear("TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2");
    expect_line("IOT\n");
    hear("OK");
    hear("IT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,");
    expect_line("SI 3000\n");
    hear("OK");
    expect_line("BIO\n");
    hear("DG:ART now:3000");
    hear("OK");
    expect_line("GS\n");
    hear("OK");
    hear(LOW_18);
}

/* Online, all outputs low, nothing outstanding. */
static inline void go_online(void)
{
    set_up_board();
    expect_event(BOARD_EVENT_ONLINE);
    pass_ms(10);
    expect_line("GS\n"); /* the first levels are looked at twice, too */
    hear("OK");
    hear(LOW_18);
    expect_line(NULL);
    assert_int_equal(session.state, BOARD_ONLINE);
}

static inline int begin(void **unused)
{
    (void)unused;
    now = (struct instant){5000000};
    board_session_init(&session, INTERVAL_MS);
    check();
    return 0;
}
