#include "session/board_session.h"

#include <assert.h>
#include <string.h>

#define DOUBT_ROUNDS  2
#define STRANGE_LINES 2  /* one may be damaged */
#define SILENT_TENTHS 25 /* of a report interval: 2.5 of them */
#define BIT(kind)     ((uint8_t)(1u << (kind)))

/* What is asked after CP, in this order; without the answer of a required row there is no use. */
static const struct {
    enum board_ask_kind ask;
    bool required;
} setup[] = {
    {BOARD_ASK_CONSTANTS, false}, {BOARD_ASK_TYPES, false}, {BOARD_ASK_INTERVAL, false},
    {BOARD_ASK_BEGIN, true},      {BOARD_ASK_STATES, true},
};
#define SETUP_ROWS (sizeof(setup) / sizeof(setup[0]))

static void tell(struct board_session *session, enum board_event_kind kind)
{
    session->events |= BIT(kind);
}

/* What only one boot of one board is good for. */
static void forget_board(struct board_session *session)
{
    board_levels_forget(&session->levels);
    board_ask_reset(&session->ask);
    session->confirm = false;
    session->strange = 0;
    session->online = false;
    session->constants = (struct board_constants){0};
}

static struct instant silence_deadline(const struct board_session *session, struct instant now)
{
    return instant_after_ms(now, (int64_t)session->interval_ms * SILENT_TENTHS / 10);
}

static void enter(struct board_session *session, enum board_state state, struct instant now)
{
    session->state = state;
    session->step = 0;
    session->tries = 0;
    board_ask_done(&session->ask);
    switch (state) {
    case BOARD_CLOSED:
    case BOARD_FOREIGN:
        forget_board(session);
        session->deadline = INSTANT_NEVER;
        break;
    case BOARD_GREETING:
        forget_board(session);
        session->deadline = instant_after_ms(now, BOARD_OPEN_PATIENCE_MS);
        break;
    case BOARD_SETTING_UP:
        board_levels_forgive(&session->levels); /* a new handshake is a new chance */
        session->deadline = INSTANT_NEVER;
        break;
    case BOARD_CONFIRMING:
    case BOARD_ONLINE: session->deadline = silence_deadline(session, now); break;
    case BOARD_DOUBTED: session->deadline = instant_after_ms(now, BOARD_ANSWER_MS); break;
    }
}

/* Levels were told and may have been set since the last handshake. */
static bool in_use(const struct board_session *session)
{
    return session->online || session->state == BOARD_CONFIRMING || session->state == BOARD_DOUBTED;
}

/* Back to the start of the handshake, or to a closed port; `why` is told if it matters. */
static void give_up(struct board_session *session, enum board_event_kind why, enum board_state next,
                    struct instant now)
{
    session->events &=
        (uint8_t) ~(BIT(BOARD_EVENT_ONLINE) | BIT(BOARD_EVENT_CONFIRMED) | BIT(BOARD_EVENT_REOPEN));
    if (in_use(session)) {
        tell(session, why);
    }
    enter(session, next, now);
}

void board_session_init(struct board_session *session, uint32_t interval_ms)
{
    assert(interval_ms >= 500);
    memset(session, 0, sizeof(*session));
    session->interval_ms = interval_ms;
    board_levels_init(&session->levels);
    enter(session, BOARD_CLOSED, INSTANT_NEVER);
}

void board_session_interval(struct board_session *session, uint32_t interval_ms, struct instant now)
{
    assert(interval_ms >= 500);
    if (interval_ms == session->interval_ms) {
        return;
    }
    session->interval_ms = interval_ms;
    if (in_use(session)) {
        enter(session, BOARD_SETTING_UP, now);
    }
}

void board_session_opened(struct board_session *session, struct instant now)
{
    session->version[0] = '\0';
    give_up(session, BOARD_EVENT_LOST, BOARD_GREETING, now);
}

void board_session_closed(struct board_session *session, struct instant now)
{
    if (session->state != BOARD_FOREIGN) {
        give_up(session, BOARD_EVENT_LOST, BOARD_CLOSED, now);
    }
}

static bool urgent_waits(const struct board_session *session)
{
    unsigned io;

    return board_levels_next_urgent(&session->levels, &io);
}

static bool ask_is_urgent(const struct board_session *session)
{
    return session->ask.kind == BOARD_ASK_SET && session->levels.wish[session->ask.io].urgent;
}

/* CONFIRMING ends when nothing is left to be set. */
static void settle(struct board_session *session)
{
    unsigned io = 0;

    if (session->state != BOARD_CONFIRMING || session->ask.kind == BOARD_ASK_SET ||
        board_levels_next(&session->levels, &io)) {
        return;
    }
    session->state = BOARD_ONLINE; /* no enter(): silence goes on, a question may be open */
    if (!session->online) {
        session->online = true;
        tell(session, BOARD_EVENT_ONLINE);
    }
}

enum board_want_result board_session_want(struct board_session *session, unsigned io, bool high,
                                          struct instant now)
{
    (void)now;
    return board_levels_want(&session->levels, io, high, false);
}

enum board_want_result board_session_want_first(struct board_session *session, unsigned io,
                                                bool high, struct instant now)
{
    enum board_want_result result = board_levels_want(&session->levels, io, high, true);

    if (in_use(session) && session->ask.kind != BOARD_ASK_NOTHING && urgent_waits(session) &&
        !ask_is_urgent(session)) {
        struct instant limit = instant_after_ms(session->ask.sent, BOARD_OVERTAKE_MS);

        session->ask.deadline = instant_earlier(session->ask.deadline, limit);
        board_session_expire(session, now);
    }
    return result;
}

void board_session_confirm(struct board_session *session, struct instant now)
{
    (void)now;
    session->confirm = in_use(session);
    session->ask_confirms = false; /* a GS in flight was asked before */
}

/* --- what the board says --------------------------------------------------------------------- */

/* The next row of the setup, or the end of it. */
static void advance(struct board_session *session, struct instant now)
{
    board_ask_done(&session->ask);
    session->tries = 0;
    session->step++;
    if (session->step == SETUP_ROWS) {
        enter(session, BOARD_CONFIRMING, now);
    }
}

/* The row's question came to nothing: again, or on without it, or from the start. */
static void row_failed(struct board_session *session, struct instant now)
{
    board_ask_done(&session->ask);
    if (++session->tries < BOARD_TRIES) {
        return;
    }
    if (setup[session->step].required) {
        give_up(session, BOARD_EVENT_LOST, BOARD_GREETING, now);
    } else {
        advance(session, now);
    }
}

static void take_version(struct board_session *session, struct span version)
{
    struct text text = {session->version, sizeof(session->version) - 1, 0, false};

    text_add(&text, version);
    session->version[text.length] = '\0';
}

static void strange_line(struct board_session *session, struct instant now)
{
    if (++session->strange == STRANGE_LINES) {
        tell(session, BOARD_EVENT_FOREIGN);
        enter(session, BOARD_FOREIGN, now);
    }
}

/* The state is GREETING: only CP counts. */
static void greet(struct board_session *session, const struct board_message *message,
                  struct instant now)
{
    if (message->kind != BOARD_COMPATIBILITY ||
        !span_starts(span_trim(message->argument), SPAN("SIOPlugin"))) {
        return;
    }
    enter(session, BOARD_SETTING_UP, now);
    session->deadline = instant_after_ms(now, BOARD_GREETED_MS);
}

/* The IO command in flight came to nothing. */
static void set_failed(struct board_session *session)
{
    if (board_levels_failed(&session->levels, session->ask.io, session->ask.high)) {
        session->retries++;
    }
    board_ask_done(&session->ask);
}

/* Was the command not understood: unknown there, or damaged on the way? */
static void take_debug(struct board_session *session, struct span text, struct instant now)
{
    bool damaged = false;

    if (!board_ask_refused(&session->ask, text, &damaged)) {
        return;
    }
    if (session->ask.kind == BOARD_ASK_SET) {
        set_failed(session);
    } else if (session->state == BOARD_SETTING_UP) {
        if (damaged || setup[session->step].required) {
            row_failed(session, now);
        } else {
            advance(session, now);
        }
    }
}

static void take_ok(struct board_session *session, struct instant now)
{
    if (!board_ask_ok(&session->ask)) {
        return;
    }
    if (session->state == BOARD_SETTING_UP &&
        (session->ask.kind == BOARD_ASK_INTERVAL || session->ask.kind == BOARD_ASK_BEGIN)) {
        advance(session, now);
    } else if (session->state == BOARD_DOUBTED && session->ask.kind == BOARD_ASK_BEGIN) {
        board_ask_done(&session->ask);
        session->step = 1;
    }
}

/* A report that is not believed answers nothing; but a GS may be asked again without waiting. */
static void disbelieve(struct board_session *session, struct instant now)
{
    session->damaged += session->levels.count != 0;
    if (session->ask.kind != BOARD_ASK_STATES || !session->ask.acked) {
        return;
    }
    if (session->state == BOARD_SETTING_UP) {
        row_failed(session, now);
    } else if (session->state != BOARD_DOUBTED && session->tries < BOARD_TRIES) {
        session->tries++;
        board_ask_done(&session->ask);
    }
}

/* A believed report is the answer to what was asked before it. */
static void answer_by_report(struct board_session *session, struct instant now)
{
    if (session->ask.kind == BOARD_ASK_SET) {
        if (session->levels.level[session->ask.io] ==
            (session->ask.high ? BOARD_HIGH : BOARD_LOW)) {
            board_ask_done(&session->ask);
        } else if (session->ask.acked) {
            set_failed(session);
        }
    } else if (session->ask.kind == BOARD_ASK_STATES && session->ask.acked) {
        if (session->ask_confirms) {
            session->confirm = false;
            tell(session, BOARD_EVENT_CONFIRMED);
        }
        board_ask_done(&session->ask);
        if (session->state == BOARD_SETTING_UP) {
            advance(session, now);
        }
    }
}

static void take_report(struct board_session *session, const struct board_message *message,
                        struct instant now)
{
    unsigned aim = session->ask.kind == BOARD_ASK_SET ? session->ask.io : BOARD_IO_MAX;

    switch (board_levels_report(&session->levels, message, aim, now)) {
    case BOARD_REPORT_DAMAGED: disbelieve(session, now); return;
    case BOARD_REPORT_COUNT:
        session->damaged++;
        enter(session, BOARD_SETTING_UP, now); /* without a word to anybody */
        return;
    case BOARD_REPORT_RESET: give_up(session, BOARD_EVENT_RESET, BOARD_GREETING, now); return;
    case BOARD_REPORT_BELIEVED: break;
    }
    answer_by_report(session, now);
    if (session->ask.kind == BOARD_ASK_SET) {
        board_levels_commanded(&session->levels);
    }
    switch (session->state) {
    case BOARD_CONFIRMING:
    case BOARD_ONLINE:
        session->tries = 0;
        session->deadline = silence_deadline(session, now);
        break;
    case BOARD_DOUBTED: enter(session, BOARD_SETTING_UP, now); break;
    case BOARD_CLOSED:
    case BOARD_GREETING:
    case BOARD_SETTING_UP:
    case BOARD_FOREIGN: break;
    }
}

static void take_garbage(struct board_session *session, struct span line, struct instant now)
{
    if (session->state != BOARD_GREETING) {
        session->damaged++;
    } else if (board_sign_printer(line)) {
        strange_line(session, now);
    }
}

static void take_message(struct board_session *session, const struct board_message *message,
                         struct instant now)
{
    if (message->kind == BOARD_OK) {
        take_ok(session, now);
    } else if (message->kind == BOARD_IO) {
        take_report(session, message, now);
    } else if (message->kind == BOARD_DEBUG) {
        take_debug(session, message->argument, now);
    } else if (message->kind == BOARD_TYPES && session->ask.kind == BOARD_ASK_TYPES) {
        board_levels_types(&session->levels, message->count,
                           board_sign_outputs(&session->constants, message));
        advance(session, now);
    } else if (message->kind == BOARD_CONSTANTS && session->ask.kind == BOARD_ASK_CONSTANTS) {
        session->constants = board_sign_constants(message->argument);
        advance(session, now);
    }
}

/* A banner, or a table nobody asked for (in the setup it may be a late answer). */
static bool booted(const struct board_session *session, const struct board_message *message)
{
    return board_sign_banner(message) ||
           (session->state != BOARD_SETTING_UP &&
            (message->kind == BOARD_TYPES || message->kind == BOARD_CONSTANTS));
}

void board_session_message(struct board_session *session, const struct board_message *message,
                           struct instant now)
{
    if (session->state == BOARD_CLOSED || session->state == BOARD_FOREIGN) {
        return;
    }
    session->ask.heard = true;
    if (message->kind == BOARD_GARBAGE) {
        take_garbage(session, message->argument, now);
    } else if (message->kind == BOARD_VERSION) {
        take_version(session, message->argument);
    } else if (booted(session, message)) {
        if (session->state == BOARD_GREETING) {
            board_ask_done(&session->ask); /* what was asked is lost: again, at once */
        } else {
            give_up(session, BOARD_EVENT_RESET, BOARD_GREETING, now);
        }
    } else if (session->state == BOARD_GREETING) {
        greet(session, message, now);
    } else {
        take_message(session, message, now);
    }
    settle(session);
}

/* --- time ------------------------------------------------------------------------------------ */

/* The command in flight was not answered in time. */
static void ask_expired(struct board_session *session, struct instant now)
{
    bool urgent = ask_is_urgent(session);

    if (session->state == BOARD_GREETING) {
        board_ask_done(&session->ask); /* VC is asked again */
        return;
    }
    if (in_use(session) && !urgent && urgent_waits(session)) {
        board_ask_abandon(&session->ask);
        return;
    }
    session->timeouts++;
    if (session->state == BOARD_SETTING_UP && session->ask.kind != BOARD_ASK_SET) {
        row_failed(session, now);
        return;
    }
    if (session->ask.kind == BOARD_ASK_SET) {
        set_failed(session);
    }
    board_ask_done(&session->ask);
    session->ask.end_half_line = urgent; /* else the board has ended it meanwhile */
    if (session->state != BOARD_SETTING_UP && !session->ask.heard &&
        !(urgent && urgent_waits(session))) {
        enter(session, BOARD_DOUBTED, now);
    }
}

/* The state itself has lasted long enough. */
static void state_expired(struct board_session *session, struct instant now)
{
    switch (session->state) {
    case BOARD_GREETING:
        tell(session, BOARD_EVENT_REOPEN);
        session->deadline = instant_after_ms(now, BOARD_OPEN_PATIENCE_MS);
        break;
    case BOARD_SETTING_UP:
        session->deadline = INSTANT_NEVER; /* quiet for long enough: go on asking */
        break;
    case BOARD_CONFIRMING:
    case BOARD_ONLINE: enter(session, BOARD_DOUBTED, now); break;
    case BOARD_DOUBTED:
        session->timeouts++;
        if (++session->tries == DOUBT_ROUNDS) {
            give_up(session, BOARD_EVENT_LOST, BOARD_GREETING, now);
            break;
        }
        board_ask_done(&session->ask);
        session->step = 0;
        session->deadline = instant_after_ms(now, BOARD_ANSWER_MS);
        break;
    case BOARD_CLOSED:
    case BOARD_FOREIGN: break;
    }
}

void board_session_expire(struct board_session *session, struct instant now)
{
    if (instant_due(session->ask.deadline, now)) {
        ask_expired(session, now);
    }
    board_levels_expire(&session->levels, now);
    if (instant_due(session->deadline, now)) {
        state_expired(session, now);
    }
    settle(session);
}

struct instant board_session_deadline(const struct board_session *session)
{
    struct instant look = board_levels_deadline(&session->levels);

    return instant_earlier(instant_earlier(session->deadline, session->ask.deadline), look);
}

/* --- what is written and told ---------------------------------------------------------------- */

/* What to ask next if the line is free. */
static enum board_ask_kind choose(const struct board_session *session, unsigned *ret_io)
{
    if (session->ask.kind != BOARD_ASK_NOTHING) {
        return BOARD_ASK_NOTHING;
    }
    switch (session->state) {
    case BOARD_CLOSED:
    case BOARD_FOREIGN: return BOARD_ASK_NOTHING;
    case BOARD_GREETING: return BOARD_ASK_VERSION;
    case BOARD_SETTING_UP:
        /* A board that was in use before this handshake switches what cannot wait. */
        if (session->online && session->levels.count != 0 &&
            board_levels_next_urgent(&session->levels, ret_io)) {
            return BOARD_ASK_SET;
        }
        return instant_is_never(session->deadline) ? setup[session->step].ask : BOARD_ASK_NOTHING;
    case BOARD_CONFIRMING:
    case BOARD_ONLINE:
        if (board_levels_next_urgent(&session->levels, ret_io)) {
            return BOARD_ASK_SET;
        }
        if (session->levels.look_now || session->confirm) {
            return BOARD_ASK_STATES;
        }
        return board_levels_next(&session->levels, ret_io) ? BOARD_ASK_SET : BOARD_ASK_NOTHING;
    case BOARD_DOUBTED: return session->step == 0 ? BOARD_ASK_BEGIN : BOARD_ASK_STATES;
    }
    return BOARD_ASK_NOTHING;
}

/* When the answer to what was just asked is overdue. */
static struct instant answer_deadline(const struct board_session *session, struct instant now)
{
    if (session->state == BOARD_GREETING) {
        return instant_after_ms(now, BOARD_GREETING_MS);
    }
    if (session->state == BOARD_DOUBTED) {
        return INSTANT_NEVER; /* the round as a whole has one */
    }
    return instant_after_ms(now, ask_is_urgent(session) ? BOARD_URGENT_MS : BOARD_ANSWER_MS);
}

bool board_session_next_line(struct board_session *session, struct text *text, struct instant now)
{
    unsigned io = 0;
    enum board_ask_kind kind = choose(session, &io);

    if (kind == BOARD_ASK_NOTHING) {
        return false;
    }
    board_ask_send(&session->ask, kind, kind == BOARD_ASK_SET ? io : session->interval_ms,
                   session->levels.wish[io].level == BOARD_HIGH, text, now);
    session->ask.deadline = answer_deadline(session, now);
    session->ask_confirms = session->confirm && kind == BOARD_ASK_STATES;
    if (kind == BOARD_ASK_SET) {
        board_levels_commanded(&session->levels);
    }
    return true;
}

bool board_session_next_event(struct board_session *session, struct board_event *ret_event)
{
    unsigned io = 0, kind = BOARD_EVENT_RESET;

    for (; (session->events | session->levels.faults) != 0 && kind <= BOARD_EVENT_REOPEN; kind++) {
        if (kind == BOARD_EVENT_FAULT && board_levels_next_fault(&session->levels, &io)) {
            *ret_event = (struct board_event){BOARD_EVENT_FAULT, (uint8_t)io,
                                              session->levels.wish[io].level == BOARD_HIGH};
            return true;
        }
        if ((session->events & BIT(kind)) != 0) {
            session->events &= (uint8_t)~BIT(kind);
            *ret_event = (struct board_event){.kind = (enum board_event_kind)kind};
            return true;
        }
    }
    return false;
}

const char *board_session_check(const struct board_session *session)
{
    bool known = session->levels.count != 0, asked = session->ask.kind != BOARD_ASK_NOTHING;

    if (session->ask.kind == BOARD_ASK_SET && session->ask.io >= session->levels.count) {
        return "no io is commanded that the board has not";
    }
    if (session->ask.kind == BOARD_ASK_VERSION && session->state != BOARD_GREETING) {
        return "VC is asked in the greeting only";
    }
    switch (session->state) {
    case BOARD_CLOSED:
    case BOARD_FOREIGN:
        if (asked || known || session->online || !instant_is_never(session->deadline)) {
            return "a board that is not there is not asked, known or waited for";
        }
        break;
    case BOARD_GREETING:
        if (known || session->online) {
            return "nothing is known of a board before it has said what it is";
        }
        break;
    case BOARD_SETTING_UP: break;
    case BOARD_CONFIRMING:
    case BOARD_ONLINE:
    case BOARD_DOUBTED:
        if (!known || instant_is_never(session->deadline)) {
            return "a board in use has ios, and its silence is noticed";
        }
        break;
    }
    return session->online || session->state != BOARD_ONLINE
               ? board_levels_check(&session->levels)
               : "a board in use was told to be online";
}
