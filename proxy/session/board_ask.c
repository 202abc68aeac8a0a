#include "session/board_ask.h"

#include <assert.h>

#include "session/board_signs.h"

/* In the order of enum board_ask_kind. */
static const char *const words[] = {"", "VC", "TC", "IOT", "SI", "BIO", "GS", "IO"};

void board_ask_reset(struct board_ask *ask)
{
    *ask = (struct board_ask){.sent = INSTANT_NEVER, .deadline = INSTANT_NEVER};
}

void board_ask_send(struct board_ask *ask, enum board_ask_kind kind, unsigned number, bool high,
                    struct text *text, struct instant now)
{
    assert(ask->kind == BOARD_ASK_NOTHING && kind != BOARD_ASK_NOTHING);
    assert(text->capacity - text->length >= BOARD_COMMAND_MAX);
    if (ask->end_half_line) {
        text_add_char(text, '\n');
    }
    if (kind == BOARD_ASK_SET) {
        board_message_set(number, high, text);
    } else if (kind == BOARD_ASK_INTERVAL) {
        board_message_interval(number, text);
    } else {
        board_message_word(words[kind], text);
    }
    *ask = (struct board_ask){
        .kind = kind,
        .io = (uint8_t)(kind == BOARD_ASK_SET ? number : 0),
        .high = high,
        .sent = now,
        .deadline = INSTANT_NEVER,
        .lost_oks = ask->lost_oks,
    };
}

void board_ask_done(struct board_ask *ask)
{
    ask->kind = BOARD_ASK_NOTHING;
    ask->deadline = INSTANT_NEVER;
}

void board_ask_abandon(struct board_ask *ask)
{
    if (!ask->acked && ask->lost_oks < UINT8_MAX) {
        ask->lost_oks++;
    }
    ask->end_half_line = true;
    board_ask_done(ask);
}

bool board_ask_ok(struct board_ask *ask)
{
    if (ask->lost_oks > 0) {
        ask->lost_oks--;
        return false;
    }
    ask->acked = ask->kind != BOARD_ASK_NOTHING;
    return ask->acked;
}

bool board_ask_refused(const struct board_ask *ask, struct span debug, bool *ret_damaged)
{
    struct span word = SPAN_NONE;

    /* The empty word is the LF that ended a half line. */
    if (ask->kind == BOARD_ASK_NOTHING || !board_sign_refusal(debug, &word) || word.length == 0) {
        return false;
    }
    *ret_damaged = !span_equal(word, span_of(words[ask->kind]));
    return true;
}
