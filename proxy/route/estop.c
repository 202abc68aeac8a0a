#include "route/estop.h"

#include <string.h>

enum note {
    NOTE_PRESSED,
    NOTE_ASKED,
    NOTE_LOST_STOP,
    NOTE_RELEASED,
    NOTE_RESET,
    NOTE_STORED,
    NOTE_LOST,
    NOTE_SEEN_AGAIN,
};

static const struct span notes[] = {
    [NOTE_PRESSED] = SPAN_INIT("emergency stop: the button is pressed"),
    [NOTE_ASKED] = SPAN_INIT("emergency stop: asked for"),
    [NOTE_LOST_STOP] = SPAN_INIT("emergency stop: the IO board with the button is lost"),
    [NOTE_RELEASED] = SPAN_INIT("emergency stop: the button is released, M999 resets it"),
    [NOTE_RESET] = SPAN_INIT("emergency stop: reset"),
    [NOTE_STORED] = SPAN_INIT("emergency stop: still latched, M999 resets it"),
    [NOTE_LOST] = SPAN_INIT("emergency stop: the button cannot be seen, the IO board is lost"),
    [NOTE_SEEN_AGAIN] = SPAN_INIT("emergency stop: the button is seen again"),
};
#define NOTES (sizeof notes / sizeof notes[0])

static void want(struct estop *estop, enum estop_action_kind kind)
{
    estop->pending |= (uint16_t)(1u << kind);
}

static void note(struct estop *estop, enum note which)
{
    estop->notes |= (uint16_t)(1u << which);
    want(estop, ESTOP_TELL);
}

bool estop_is_latched(const struct estop *estop)
{
    return estop->state == ESTOP_TRIPPED || estop->state == ESTOP_LATCHED;
}

/* The only writer of the state. */
static void enter(struct estop *estop, enum estop_state state, struct instant now)
{
    bool latched = estop_is_latched(estop);

    if (state != estop->state)
        want(estop, ESTOP_CHANGED);
    estop->state = state;
    estop->confirm = INSTANT_NEVER;
    estop->lost = INSTANT_NEVER;
    switch (state) {
    case ESTOP_NONE:
    case ESTOP_ARMED:
    case ESTOP_TRIPPED:
    case ESTOP_LATCHED: break;
    case ESTOP_UNKNOWN: estop->lost = instant_after_ms(now, ESTOP_LOST_MS); break;
    }
    if (latched == estop_is_latched(estop))
        return;
    want(estop, ESTOP_SAVE);
    estop->dtr = estop->boots = INSTANT_NEVER;
    estop->dtr_owed = !latched && estop->set.reset_dtr;
    if (latched && estop->prompted) {
        estop->prompted = false;
        want(estop, ESTOP_PROMPT_END);
    }
}

/* The trip's pulse follows its first M112, which an open port gets at once. */
static void await_dtr(struct estop *estop, struct instant now)
{
    if (estop->dtr_owed && estop->printer_open && instant_is_never(estop->dtr))
        estop->dtr = instant_after_ms(now, ESTOP_DTR_MS);
}

static void trip(struct estop *estop, enum note why, struct instant now)
{
    enter(estop, estop->level == ESTOP_PRESSED ? ESTOP_TRIPPED : ESTOP_LATCHED, now);
    want(estop, ESTOP_HALT);
    note(estop, why);
    await_dtr(estop, now);
}

void estop_init(struct estop *estop, const struct estop_settings *set, bool debounced, bool latched,
                struct instant now)
{
    memset(estop, 0, sizeof *estop);
    estop->set = *set;
    estop->debounced = debounced;
    estop->confirm = INSTANT_NEVER;
    estop->lost = INSTANT_NEVER;
    estop->dtr = estop->boots = INSTANT_NEVER;
    if (set->point == POINT_NONE && !latched)
        return;
    enter(estop, latched ? ESTOP_LATCHED : ESTOP_UNKNOWN, now);
    estop->pending = 0;
    estop->dtr_owed = false;
    if (latched) {
        want(estop, ESTOP_OUTPUTS);
        note(estop, NOTE_STORED);
    }
}

void estop_reload(struct estop *estop, const struct estop_settings *set, bool debounced, bool same,
                  struct instant now)
{
    estop->set = *set;
    estop->debounced = debounced;
    if (set->point == POINT_NONE) {
        estop->level = ESTOP_UNSEEN;
        if (estop->state == ESTOP_TRIPPED)
            enter(estop, ESTOP_LATCHED, now);
        else if (estop->state != ESTOP_NONE && estop->state != ESTOP_LATCHED)
            enter(estop, ESTOP_NONE, now);
        if (estop->state == ESTOP_LATCHED)
            note(estop, NOTE_STORED);
        return;
    }
    if (estop->state == ESTOP_NONE) {
        estop->healthy_once = true; /* nothing waits: this is not the start */
        enter(estop, ESTOP_UNKNOWN, now);
    } else if (!same) {
        estop->level = ESTOP_UNSEEN;
        if (estop_is_latched(estop))
            enter(estop, ESTOP_LATCHED, now);
        else
            enter(estop, ESTOP_UNKNOWN, now);
    }
}

static void healthy(struct estop *estop, struct instant now)
{
    estop->confirm = INSTANT_NEVER;
    switch (estop->state) {
    case ESTOP_NONE:
    case ESTOP_ARMED:
    case ESTOP_LATCHED: return;
    case ESTOP_UNKNOWN:
        if (instant_is_never(estop->lost))
            note(estop, NOTE_SEEN_AGAIN);
        if (!estop->healthy_once)
            want(estop, ESTOP_RELEASE);
        estop->healthy_once = true;
        enter(estop, ESTOP_ARMED, now);
        return;
    case ESTOP_TRIPPED:
        enter(estop, ESTOP_LATCHED, now);
        note(estop, NOTE_RELEASED);
        return;
    }
}

static void pressed(struct estop *estop, struct instant now)
{
    switch (estop->state) {
    case ESTOP_NONE:
    case ESTOP_TRIPPED: return;
    case ESTOP_LATCHED: trip(estop, NOTE_PRESSED, now); return;
    case ESTOP_UNKNOWN:
    case ESTOP_ARMED:
        if (!estop->debounced) {
            trip(estop, NOTE_PRESSED, now);
        } else if (instant_is_never(estop->confirm)) {
            estop->confirm = instant_after_ms(now, ESTOP_CONFIRM_MS);
            want(estop, ESTOP_CONFIRM);
        }
        return;
    }
}

static void unseen(struct estop *estop, struct instant now)
{
    switch (estop->state) {
    case ESTOP_NONE:
    case ESTOP_LATCHED: return;
    case ESTOP_UNKNOWN:
    case ESTOP_ARMED:
        if (!instant_is_never(estop->confirm))
            trip(estop, NOTE_PRESSED, now);
        else if (estop->state == ESTOP_ARMED)
            enter(estop, ESTOP_UNKNOWN, now);
        return;
    case ESTOP_TRIPPED: enter(estop, ESTOP_LATCHED, now); return;
    }
}

void estop_see(struct estop *estop, enum estop_level level, struct instant now)
{
    estop->level = level;
    switch (level) {
    case ESTOP_UNSEEN: unseen(estop, now); return;
    case ESTOP_HEALTHY: healthy(estop, now); return;
    case ESTOP_PRESSED: pressed(estop, now); return;
    }
}

void estop_confirmed(struct estop *estop, struct instant now)
{
    if (!instant_is_never(estop->confirm))
        trip(estop, NOTE_PRESSED, now);
}

void estop_printer(struct estop *estop, bool open, struct instant now)
{
    bool opened = open && !estop->printer_open;

    estop->printer_open = open;
    if (!open)
        estop->dtr = estop->boots = INSTANT_NEVER;
    if (opened)
        estop_printer_started(estop, now);
}

void estop_printer_started(struct estop *estop, struct instant now)
{
    if (!estop_is_latched(estop))
        return;
    estop->boots = INSTANT_NEVER;
    want(estop, ESTOP_M112);
    await_dtr(estop, now);
}

void estop_pulsed(struct estop *estop)
{
    estop->dtr = INSTANT_NEVER;
    estop->dtr_owed = false;
}

/* The button has not been seen for too long: what the operator wants done then. */
static void board_lost(struct estop *estop, struct instant now)
{
    if (estop->printing && estop->set.on_board_lost == LOST_STOP) {
        trip(estop, NOTE_LOST_STOP, now);
        return;
    }
    note(estop, NOTE_LOST);
    if (estop->printing && estop->set.on_board_lost == LOST_PAUSE)
        want(estop, ESTOP_PAUSE);
}

void estop_print(struct estop *estop, bool runs, struct instant now)
{
    bool began = runs && !estop->printing;

    estop->printing = runs;
    if (began && estop->state == ESTOP_UNKNOWN && instant_is_never(estop->lost))
        board_lost(estop, now);
}

/* The printer is reset because somebody opens something. */
static void reset_for_opening(struct estop *estop, struct instant now)
{
    if (now.us >= estop->opens.us)
        want(estop, ESTOP_DTR);
    estop->opens = instant_after_ms(now, ESTOP_OPENS_MS);
}

void estop_host_opened(struct estop *estop, bool reset, struct instant now)
{
    if (estop_is_latched(estop)) {
        estop->prompted = true;
        want(estop, ESTOP_PROMPT);
    } else if (reset) {
        reset_for_opening(estop, now);
    }
}

void estop_trip(struct estop *estop, struct instant now)
{
    if (estop->state != ESTOP_NONE && !estop_is_latched(estop)) {
        trip(estop, NOTE_ASKED, now);
        return;
    }
    want(estop, ESTOP_HALT);
    note(estop, NOTE_ASKED);
}

enum estop_reset_result estop_reset(struct estop *estop, bool reset, struct instant now)
{
    bool none = estop->set.point == POINT_NONE;

    if (!estop_is_latched(estop))
        return ESTOP_NOT_LATCHED;
    switch (estop->level) {
    case ESTOP_PRESSED: return ESTOP_STILL_PRESSED;
    case ESTOP_UNSEEN:
        if (!none)
            return ESTOP_NOT_SEEN;
        break;
    case ESTOP_HEALTHY: break;
    }
    estop->healthy_once = true;
    estop->pending &= (uint16_t) ~(1u << ESTOP_M112);
    enter(estop, none ? ESTOP_NONE : ESTOP_ARMED, now);
    note(estop, NOTE_RESET);
    if (reset)
        reset_for_opening(estop, now);
    return ESTOP_RESET_DONE;
}

void estop_reset_button(struct estop *estop, enum point_state old, enum point_state new, bool reset,
                        struct instant now)
{
    if (old == POINT_OFF && new == POINT_ON)
        estop_reset(estop, reset, now);
}

struct instant estop_deadline(const struct estop *estop)
{
    return instant_earlier(instant_earlier(estop->confirm, estop->lost),
                           instant_earlier(estop->dtr, estop->boots));
}

void estop_expire(struct estop *estop, struct instant now)
{
    if (instant_due(estop->confirm, now))
        trip(estop, NOTE_PRESSED, now);
    if (instant_due(estop->lost, now)) {
        estop->lost = INSTANT_NEVER;
        board_lost(estop, now);
    }
    if (instant_due(estop->dtr, now)) {
        estop->dtr = INSTANT_NEVER;
        estop->dtr_owed = false;
        estop->boots = instant_after_ms(now, ESTOP_BOOTS_MS);
        want(estop, ESTOP_DTR);
    }
    if (instant_due(estop->boots, now))
        estop_printer_started(estop, now);
}

bool estop_next_action(struct estop *estop, struct estop_action *ret_action)
{
    struct estop_action action = {ESTOP_HALT, SPAN_NONE};
    unsigned which = 0;

    if (estop->pending == 0)
        return false;
    while ((estop->pending & 1u << action.kind) == 0)
        action.kind++;
    if (action.kind == ESTOP_HALT) /* M112 and outputs are a part of it */
        estop->pending &= (uint16_t) ~(1u << ESTOP_M112 | 1u << ESTOP_OUTPUTS);
    if (action.kind == ESTOP_TELL) {
        while ((estop->notes & 1u << which) == 0)
            which++;
        action.text = notes[which];
        estop->notes &= (uint16_t) ~(1u << which);
    }
    if (action.kind != ESTOP_TELL || estop->notes == 0)
        estop->pending &= (uint16_t) ~(1u << action.kind);
    *ret_action = action;
    return true;
}

enum estop_gate estop_gate(const struct estop *estop)
{
    if (estop_is_latched(estop))
        return ESTOP_REFUSES;
    if (estop->state != ESTOP_UNKNOWN || estop->healthy_once)
        return ESTOP_PASSES;
    /* An operator who wants to be warned only has been. */
    return instant_is_never(estop->lost) && estop->set.on_board_lost == LOST_WARN ? ESTOP_PASSES
                                                                                  : ESTOP_WAITS;
}

bool estop_holds(const struct estop *estop)
{
    return estop_is_latched(estop) || (estop->state == ESTOP_UNKNOWN && !estop->healthy_once);
}

const char *estop_state_word(enum estop_state state)
{
    switch (state) {
    case ESTOP_NONE: return "none";
    case ESTOP_UNKNOWN: return "unknown";
    case ESTOP_ARMED: return "armed";
    case ESTOP_TRIPPED: return "tripped";
    case ESTOP_LATCHED: return "latched";
    }
    return "unknown";
}

struct span estop_reset_words(enum estop_reset_result result)
{
    switch (result) {
    case ESTOP_RESET_DONE: return SPAN("the emergency stop is reset");
    case ESTOP_NOT_LATCHED: return SPAN("the emergency stop is not latched");
    case ESTOP_STILL_PRESSED: return SPAN("the emergency stop is still pressed");
    case ESTOP_NOT_SEEN:
        return SPAN("the emergency stop cannot be seen, the IO board is not connected");
    }
    return SPAN_NONE;
}

const char *estop_check(const struct estop *estop)
{
    bool confirming = !instant_is_never(estop->confirm);

    if (estop->set.point == POINT_NONE
            ? estop->state != ESTOP_NONE && estop->state != ESTOP_LATCHED
            : estop->state == ESTOP_NONE)
        return "estop: there is one exactly if it is configured, or was when it latched";
    if (confirming && (estop->level != ESTOP_PRESSED || estop_is_latched(estop)))
        return "estop: a press is confirmed that is none, or has tripped already";
    if (estop->state == ESTOP_TRIPPED && estop->level != ESTOP_PRESSED)
        return "estop: tripped without being pressed";
    if (estop->state == ESTOP_LATCHED && estop->level == ESTOP_PRESSED)
        return "estop: pressed and not tripped";
    if (estop->state == ESTOP_ARMED && !confirming && estop->level != ESTOP_HEALTHY)
        return "estop: armed while the button is not seen released";
    if (!instant_is_never(estop->lost) && estop->state != ESTOP_UNKNOWN)
        return "estop: waits for a board that it sees";
    if (!instant_is_never(estop->dtr) && !(estop->dtr_owed && estop->printer_open))
        return "estop: a pulse of DTR nobody owes, or for a closed port";
    if (estop->dtr_owed && !estop_is_latched(estop))
        return "estop: a pulse of DTR without a trip";
    if (estop->pending >> ESTOP_ACTIONS != 0 || estop->notes >> NOTES != 0 ||
        (estop->notes != 0) != ((estop->pending & 1u << ESTOP_TELL) != 0))
        return "estop: something is to be done that nobody knows";
    return NULL;
}
