#include "route/power.h"

#include <assert.h>
#include <string.h>

const int16_t power_interval_codes[POWER_INTERVALS] = {155, 154, 113, 27};

static const struct span notes[] = {
    [POWER_NOTE_AFTER_PRINT] = SPAN_INIT("psu: off when the print has ended"),
    [POWER_NOTE_WHEN_COOL] = SPAN_INIT("psu: off when all is cool"),
    [POWER_NOTE_CANCELLED] = SPAN_INIT("psu: stays on, switching it off is cancelled"),
    [POWER_NOTE_LOST] = SPAN_INIT("psu: the power is gone in mid-print"),
    [POWER_NOTE_RECALLED] = SPAN_INIT("psu: off is still to come, as asked for before the restart"),
};
#define NOTES (sizeof notes / sizeof notes[0])

enum reason { REASON_SWITCH, REASON_SILENT, REASON_OFF, REASON_ON, REASON_SENSE };

static const struct span reasons[] = {
    [REASON_SWITCH] = SPAN_INIT("the output does not switch"),
    [REASON_SILENT] = SPAN_INIT("it is on, but the printer does not answer"),
    [REASON_OFF] = SPAN_INIT("it went off again"),
    [REASON_ON] = SPAN_INIT("it is switched on again"),
    [REASON_SENSE] = SPAN_INIT("the output is switched, but `sense` does not say so"),
};

void power_want(struct power *power, enum power_action_kind kind)
{
    power->actions |= (uint16_t)(1u << kind);
}

void power_tell(struct power *power, enum power_note which)
{
    power->notes |= (uint8_t)(1u << which);
    power_want(power, POWER_TELL);
}

enum power_level power_level(const struct power *power)
{
    return power->set.sense != POINT_NONE ? power->sense : power->point;
}

/* The only writer of the state. */
static void enter(struct power *power, enum power_state state, struct instant now)
{
    power->state = state;
    power->deadline = INSTANT_NEVER;
    power->ask = INSTANT_NEVER;
    switch (state) {
    case POWER_NONE:
    case POWER_SWITCHING_ON:
    case POWER_SWITCHING_OFF: break;
    case POWER_RESTS:
        if (power->standin && power->port_open && power_level(power) != POWER_OFF)
            power->ask = instant_after_ms(now, POWER_RETRY_MS);
        break;
    case POWER_BOOTING:
        power->deadline = instant_after_ms(now, power->set.boot_ms);
        power->ask = now;
        break;
    case POWER_REPLAYING: power->deadline = instant_after_ms(now, POWER_ANSWER_MS); break;
    case POWER_SENSING: power->deadline = instant_after_ms(now, power->set.boot_ms); break;
    case POWER_CHECKING:
        power->settled = false;
        power->deadline = instant_after_ms(now, POWER_SETTLE_MS);
        break;
    }
}

static void begin_standin(struct power *power)
{
    if (!power->standin)
        power_want(power, POWER_BEGIN_STANDIN);
    power->standin = true;
}

static void end_standin(struct power *power)
{
    if (power->standin)
        power_want(power, POWER_END_STANDIN);
    power->standin = false;
}

void power_init(struct power *power, const struct power_settings *set, struct instant now)
{
    memset(power, 0, sizeof *power);
    power->set = *set;
    power->pending_due = INSTANT_NEVER;
    power->asked = INSTANT_NEVER;
    power->idle = INSTANT_NEVER;
    power->no_auto = now;
    enter(power, set->point == POINT_NONE ? POWER_NONE : POWER_RESTS, now);
    if (power->state != POWER_NONE)
        power_count_idle(power, now);
}

/* What waits for power to be on or off is told that it will not. */
static void fail_on(struct power *power, enum reason reason, struct instant now)
{
    power->on_failure = (uint8_t)reason;
    power->no_auto = instant_after_ms(now, POWER_RETRY_MS);
    power_want(power, POWER_ON_FAILED);
}

static void fail_off(struct power *power, enum reason reason)
{
    power->off_failure = (uint8_t)reason;
    power_want(power, POWER_OFF_FAILED);
}

bool power_coming_on(const struct power *power)
{
    return power->state == POWER_SWITCHING_ON || power->state == POWER_BOOTING ||
           power->state == POWER_REPLAYING || power->state == POWER_SENSING;
}

/* The printer is there: whoever waits for it goes on, if there is power. */
static void arrive(struct power *power, struct instant now)
{
    if (power->ours && power->set.sense != POINT_NONE && power->sense == POWER_OFF) {
        enter(power, POWER_SENSING, now);
        return;
    }
    enter(power, POWER_RESTS, now);
    power_want(power, POWER_ON_DONE);
    power_count_idle(power, now);
}

/* It is off: the printer, too? */
static void check_off(struct power *power, struct instant now)
{
    if (power->port_open && !power->standin) {
        enter(power, POWER_CHECKING, now);
    } else {
        enter(power, POWER_RESTS, now);
        begin_standin(power);
    }
}

void power_switch_off(struct power *power, struct instant now)
{
    if (power_coming_on(power))
        fail_on(power, REASON_OFF, now);
    power->idled = power->idle_pending;
    power_forget_pending(power);
    power->idle = INSTANT_NEVER;
    power->actions &= (uint16_t) ~(1u << POWER_SET_ON | 1u << POWER_SEND);
    enter(power, POWER_SWITCHING_OFF, now);
    power_want(power, POWER_SET_OFF);
}

/* M115, then the intervals that are known; at the end whoever waits goes on. */
static void replay_next(struct power *power, struct instant now)
{
    struct text text = {power->line, sizeof power->line - 1, 0, false};
    unsigned which;

    while (power->replay > 0 && power->replay <= POWER_INTERVALS &&
           !power->interval[power->replay - 1].known)
        power->replay++;
    which = power->replay++;
    if (which > POWER_INTERVALS) {
        arrive(power, now);
        return;
    }
    if (which == 0) {
        text_add_string(&text, "M115");
    } else {
        text_add_char(&text, 'M');
        text_add_integer(&text, power_interval_codes[which - 1]);
        text_add_string(&text, " S");
        text_add_thousandths(&text, power->interval[which - 1].seconds);
    }
    power->line[text.length] = '\0';
    enter(power, POWER_REPLAYING, now);
    power_want(power, POWER_SEND);
}

static void replay(struct power *power, struct instant now)
{
    power->replay = 0;
    replay_next(power, now);
}

/* Has what was switched on been so for long enough to be believed? */
static bool settled(const struct power *power, struct instant now)
{
    struct instant end = instant_after_ms(now, power->set.boot_ms - POWER_SETTLE_MS);

    return power->state != POWER_BOOTING || !power->ours || power->deadline.us < end.us;
}

/* It was switched off. */
static void gone_off(struct power *power, struct instant now)
{
    power_want(power, POWER_OFF_DONE);
    check_off(power, now);
}

/* Another level than before, in whatever state. */
static void level_changed(struct power *power, struct instant now)
{
    bool off = power_level(power) == POWER_OFF, on = power_level(power) == POWER_ON;

    if (off && power->printing && power->state != POWER_SWITCHING_OFF)
        power_tell(power, POWER_NOTE_LOST);
    if (off && power->pending != POWER_AFTER_PRINT)
        power_forget_pending(power);
    switch (power->state) {
    case POWER_NONE:
    case POWER_SWITCHING_ON: return;
    case POWER_SWITCHING_OFF:
        if (off && !instant_is_never(power->deadline))
            gone_off(power, now);
        return;
    case POWER_SENSING:
        if (on)
            arrive(power, now);
        return;
    case POWER_BOOTING:
    case POWER_REPLAYING:
        if (off && power->point == POWER_ON && !settled(power, now))
            return; /* `sense` sees late what was before; if not, nothing will answer */
        if (off) {
            fail_on(power, REASON_OFF, now);
            check_off(power, now);
        }
        return;
    case POWER_CHECKING:
        if (on)
            enter(power, POWER_RESTS, now);
        return;
    case POWER_RESTS:
        if (off) {
            check_off(power, now);
        } else if (on && power->standin) {
            power->ours = false;
            enter(power, POWER_BOOTING, now);
        }
        if (on)
            power_count_idle(power, now);
        return;
    }
}

static void level_seen(struct power *power, struct instant now)
{
    enum power_level level = power_level(power);

    if (level == power->told)
        return;
    power->told = level;
    power_want(power, POWER_CHANGED);
    level_changed(power, now);
}

static enum power_level level_of(enum point_state state)
{
    switch (state) {
    case POINT_OFF: return POWER_OFF;
    case POINT_ON: return POWER_ON;
    case POINT_UNKNOWN: break;
    }
    return POWER_UNKNOWN;
}

void power_see(struct power *power, enum point_state point, enum point_state sense,
               struct instant now)
{
    if (power->state == POWER_NONE)
        return;
    power->point = level_of(point);
    power->sense = level_of(sense);
    level_seen(power, now);
}

void power_reload(struct power *power, const struct power_settings *set, struct instant now)
{
    bool was = power->set.point != POINT_NONE, is = set->point != POINT_NONE;

    power->set = *set;
    if (was != is) {
        power_forget_pending(power);
        if (power_coming_on(power))
            fail_on(power, REASON_OFF, now);
        if (power->state == POWER_SWITCHING_OFF)
            fail_off(power, REASON_SWITCH);
        end_standin(power);
        enter(power, is ? POWER_RESTS : POWER_NONE, now);
    }
    if (!is) {
        power->point = power->sense = POWER_UNKNOWN;
        power->idle = INSTANT_NEVER;
    } else {
        power_count_idle(power, now);
    }
    level_seen(power, now);
}

void power_switched(struct power *power, bool done, struct instant now)
{
    if (power->state == POWER_SWITCHING_ON) {
        if (done) {
            power->ours = true;
            enter(power, POWER_BOOTING, now);
        } else {
            enter(power, POWER_RESTS, now);
            fail_on(power, REASON_SWITCH, now);
        }
    } else if (power->state == POWER_SWITCHING_OFF) {
        if (done && power->set.sense != POINT_NONE && power->sense == POWER_ON) {
            power->deadline = instant_after_ms(now, POWER_FADE_MS);
        } else if (done) {
            gone_off(power, now);
        } else {
            enter(power, POWER_RESTS, now);
            fail_off(power, REASON_SWITCH);
        }
    }
}

void power_port(struct power *power, bool open, struct instant now)
{
    bool opened = open && !power->port_open;

    power->port_open = open;
    if (power->state == POWER_CHECKING && !open) {
        check_off(power, now);
    } else if (power->state == POWER_RESTS && power_level(power) == POWER_OFF) {
        if (!open) {
            begin_standin(power);
        } else if (opened) {
            enter(power, POWER_CHECKING, now);
        }
    } else if (power->state == POWER_RESTS && power->standin && opened) {
        power->ours = false;
        enter(power, POWER_BOOTING, now);
    } else if (power->state == POWER_BOOTING && opened) {
        power->ask = now;
    }
}

void power_heard(struct power *power, bool start, struct instant now)
{
    bool was_off = power->standin;

    switch (power->state) {
    case POWER_NONE:
    case POWER_SWITCHING_ON:
    case POWER_SWITCHING_OFF: return;
    case POWER_RESTS:
        if (!was_off)
            return;
        power->ours = false;
        break;
    case POWER_CHECKING:
        if (!power->settled && !start)
            return; /* its last words */
        enter(power, POWER_RESTS, now);
        if (!was_off)
            return;
        power->ours = false;
        break;
    case POWER_BOOTING:
        if (!was_off && !start) {
            arrive(power, now);
            return;
        }
        break;
    case POWER_REPLAYING:
    case POWER_SENSING:
        if (!start)
            return;
        break;
    }
    end_standin(power);
    replay(power, now);
}

void power_answered(struct power *power, struct instant now)
{
    if (power->state == POWER_REPLAYING && (power->actions & 1u << POWER_SEND) == 0)
        replay_next(power, now);
}

enum power_result power_on(struct power *power, struct instant now)
{
    if (power->state == POWER_NONE)
        return POWER_NO_PSU;
    power_cancel_pending(power);
    power_count_idle(power, now);
    if (power_coming_on(power)) {
        power->ours = true;
        return POWER_STARTED;
    }
    if (power->state == POWER_SWITCHING_OFF)
        fail_off(power, REASON_ON);
    else if (power_level(power) == POWER_ON && !power->standin && power->state != POWER_CHECKING)
        return POWER_IS_SO; /* just switched off, `sense` may not have seen it yet */
    power->actions &= (uint16_t) ~(1u << POWER_SET_OFF);
    enter(power, POWER_SWITCHING_ON, now);
    power_want(power, POWER_SET_ON);
    return POWER_STARTED;
}

bool power_on_for_line(struct power *power, struct instant now)
{
    if (power->state == POWER_NONE || power_level(power) == POWER_ON)
        return power_coming_on(power);
    if (power_coming_on(power))
        return true;
    if (power->set.auto_on == AUTO_ON_NEVER ||
        (power->set.auto_on == AUTO_ON_PRINT && !power->printing) || now.us < power->no_auto.us ||
        power_level(power) != POWER_OFF)
        return false;
    return power_on(power, now) == POWER_STARTED;
}

struct instant power_deadline(const struct power *power)
{
    struct instant deadline = instant_earlier(power->deadline, power->ask);

    if (power->state != POWER_RESTS)
        return deadline; /* what is pending waits */
    if (power_level(power) != POWER_UNKNOWN)
        deadline = instant_earlier(deadline, power->pending_due);
    if (power->pending == POWER_NOTHING_PENDING && power_level(power) == POWER_ON)
        deadline = instant_earlier(deadline, power->idle);
    return deadline;
}

static void expire_state(struct power *power, struct instant now)
{
    if (power->state == POWER_SWITCHING_OFF) {
        fail_off(power, REASON_SENSE);
        enter(power, POWER_RESTS, now);
        return;
    }
    if (power->state == POWER_REPLAYING) {
        power->actions &= (uint16_t) ~(1u << POWER_SEND);
        replay_next(power, now);
        return;
    }
    if (power->state == POWER_CHECKING && !power->settled) {
        power->settled = true;
        power->deadline = instant_after_ms(now, POWER_ANSWER_MS);
        power_want(power, POWER_ASK);
        return;
    }
    if (power->state == POWER_CHECKING)
        begin_standin(power);
    else
        fail_on(power, power->state == POWER_SENSING ? REASON_SENSE : REASON_SILENT, now);
    if (power->state != POWER_CHECKING && power_level(power) == POWER_OFF)
        check_off(power, now);
    else
        enter(power, POWER_RESTS, now);
}

void power_expire(struct power *power, struct instant now)
{
    if (instant_due(power->deadline, now))
        expire_state(power, now);
    if (instant_due(power->ask, now)) {
        power->ask = power->state == POWER_BOOTING ? instant_after_ms(now, POWER_ANSWER_MS)
                     : power->port_open            ? instant_after_ms(now, POWER_RETRY_MS)
                                                   : INSTANT_NEVER;
        if (power->port_open)
            power_want(power, POWER_ASK);
    }
    power_expire_pending(power, now);
}

bool power_next_action(struct power *power, struct power_action *ret_action)
{
    struct power_action action = {POWER_CHANGED, LOG_INFO, SPAN_NONE};
    unsigned which = 0;

    if (power->actions == 0)
        return false;
    while ((power->actions & 1u << action.kind) == 0)
        action.kind++;
    if (action.kind == POWER_TELL) {
        while ((power->notes & 1u << which) == 0)
            which++;
        action.text = notes[which];
        action.level = which == POWER_NOTE_LOST ? LOG_WARNING : LOG_INFO;
        power->notes &= (uint8_t) ~(1u << which);
    } else if (action.kind == POWER_SEND) {
        action.text = span_of(power->line);
    } else if (action.kind == POWER_ON_FAILED) {
        action.text = reasons[power->on_failure];
    } else if (action.kind == POWER_OFF_FAILED) {
        action.text = reasons[power->off_failure];
    }
    if (action.kind != POWER_TELL || power->notes == 0)
        power->actions &= (uint16_t) ~(1u << action.kind);
    *ret_action = action;
    return true;
}

bool power_boots(const struct power *power)
{
    return power->ours && power_coming_on(power) && power->state != POWER_SWITCHING_ON;
}

bool power_doubts(const struct power *power)
{
    return power->state == POWER_CHECKING ||
           (power->state == POWER_SWITCHING_OFF && !instant_is_never(power->deadline));
}

const char *power_word(const struct power *power)
{
    if (power->state == POWER_NONE)
        return "none";
    switch (power_level(power)) {
    case POWER_UNKNOWN: return "unknown";
    case POWER_OFF: return "off";
    case POWER_ON: return "on";
    }
    return "unknown";
}

const char *power_check(const struct power *power)
{
    bool timed = power->state == POWER_BOOTING || power->state == POWER_REPLAYING ||
                 power->state == POWER_SENSING || power->state == POWER_CHECKING;

    if ((power->state == POWER_NONE) != (power->set.point == POINT_NONE))
        return "power: there is one exactly if it is configured";
    if (timed == instant_is_never(power->deadline) && power->state != POWER_SWITCHING_OFF &&
        power->set.boot_ms < INT32_MAX)
        return "power: waits for nothing, or for nothing that is";
    if (power->state != POWER_RESTS &&
        (power->state == POWER_BOOTING) == instant_is_never(power->ask))
        return "power: asks a printer that does not boot, or not one that does";
    if (power->pending == POWER_AFTER_PRINT && !power->printing)
        return "power: waits for the end of a print that is none";
    if ((power->pending == POWER_AFTER_DELAY || power->pending == POWER_WHEN_COOL) ==
        instant_is_never(power->pending_due))
        return "power: what is pending waits for nothing, or nothing pends";
    if (power->idle_pending && power->pending != POWER_WHEN_COOL)
        return "power: idle, and waits for something else than the heaters";
    if (power->printing && power->pending == POWER_WHEN_COOL && !power->off.force)
        return "power: goes off in a print";
    if (power->actions >> POWER_ACTIONS != 0 || power->notes >> NOTES != 0 ||
        (power->notes != 0) != ((power->actions & 1u << POWER_TELL) != 0))
        return "power: something is to be done that nobody knows";
    return NULL;
}
