#include "route/power.h"

/*
 * Switching off that is still to come: after the print, after a delay, when cool, when idle.
 */

void power_count_idle(struct power *power, struct instant now)
{
    bool counts = power->set.off_when_idle_ms >= 0 && !power->printing;

    power->idle = counts ? instant_after_ms(now, power->set.off_when_idle_ms) : INSTANT_NEVER;
}

void power_forget_pending(struct power *power)
{
    power->pending = POWER_NOTHING_PENDING;
    power->pending_due = INSTANT_NEVER;
    power->asked = INSTANT_NEVER;
    power->idle_pending = false;
}

static void step_pending(struct power *power, struct instant now)
{
    if (power->pending == POWER_AFTER_PRINT && power->off.delay_ms > 0) {
        power->pending = POWER_AFTER_DELAY;
        power->pending_due = instant_after_ms(now, power->off.delay_ms);
    } else if (power->off.when_cool) {
        power->pending = POWER_WHEN_COOL;
        power->pending_due = now;
        if (!power->idle_pending)
            power_tell(power, POWER_NOTE_WHEN_COOL);
    } else {
        power_switch_off(power, now);
    }
}

void power_cancel_pending(struct power *power)
{
    if (power->pending != POWER_NOTHING_PENDING && !power->idle_pending)
        power_tell(power, POWER_NOTE_CANCELLED);
    power_forget_pending(power);
}

void power_cold(struct power *power, bool cold, struct instant now)
{
    bool fresh = !instant_is_never(power->asked) &&
                 !instant_due(instant_after_ms(power->asked, POWER_FRESH_MS + 1), now);

    power->asked = INSTANT_NEVER;
    if (power->pending == POWER_WHEN_COOL && power->state == POWER_RESTS && fresh && cold &&
        power_level(power) != POWER_UNKNOWN)
        power_switch_off(power, now);
}

void power_print(struct power *power, bool runs, struct instant now)
{
    if (runs == power->printing)
        return;
    power->printing = runs;
    if (power->state == POWER_NONE)
        return;
    power_count_idle(power, now);
    if (runs) {
        power_cancel_pending(power);
    } else if (power->pending == POWER_AFTER_PRINT && power->off.delay_ms == 0 &&
               !power->off.when_cool && power_level(power) == POWER_UNKNOWN) {
        power->pending = POWER_AFTER_DELAY; /* at once, when the board is back */
        power->pending_due = now;
    } else if (power->pending == POWER_AFTER_PRINT) {
        step_pending(power, now);
    }
}

bool power_is_work(const struct gcode_line *line)
{
    static const int16_t codes[] = {20,  21,  27,  31,  73,  105, 110, 113,
                                    114, 115, 117, 118, 154, 155, 400};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (gcode_line_is(line, 'M', codes[i]))
            return false;
    }
    return line->is_command;
}

void power_line(struct power *power, const struct gcode_line *line, struct instant now)
{
    struct span value;
    int64_t seconds;

    if (power->state == POWER_NONE)
        return;
    for (unsigned i = 0; i < POWER_INTERVALS; i++) {
        if (!gcode_line_is(line, 'M', power_interval_codes[i]) ||
            !gcode_line_parameter(line, 'S', &value) || text_decimal(value, &seconds) == 0)
            continue;
        power->interval[i].known = seconds > 0 && seconds < INT32_MAX;
        power->interval[i].seconds = power->interval[i].known ? (int32_t)seconds : 0;
    }
    if (!power_is_work(line))
        return;
    if (power->idle_pending)
        power_forget_pending(power);
    power_count_idle(power, now);
}

enum power_result power_off(struct power *power, const struct power_off *off, struct instant now)
{
    if (power->state == POWER_NONE)
        return POWER_NO_PSU;
    if (power->printing && !off->force) {
        if (!off->stream)
            return POWER_REFUSED;
        power_forget_pending(power);
        power->off = *off;
        power->pending = POWER_AFTER_PRINT;
        power_tell(power, POWER_NOTE_AFTER_PRINT);
        return POWER_KEPT;
    }
    if (power->state == POWER_SWITCHING_OFF)
        return POWER_STARTED;
    if (power_level(power) == POWER_OFF && !power_coming_on(power))
        return POWER_IS_SO;
    power_forget_pending(power);
    power->off = *off;
    power->pending = POWER_AFTER_PRINT; /* there is none, or it does not matter */
    step_pending(power, now);
    return power->pending == POWER_NOTHING_PENDING ? POWER_STARTED : POWER_KEPT;
}

/* What is pending has fallen due. */
static void ask_or_step(struct power *power, struct instant now)
{
    if (power->pending == POWER_AFTER_DELAY) {
        power->pending_due = INSTANT_NEVER;
        step_pending(power, now);
    }
    if (power->pending == POWER_WHEN_COOL && instant_due(power->pending_due, now)) {
        power->pending_due = instant_after_ms(now, POWER_ASK_MS);
        if (power->port_open && !power->standin) {
            power->asked = now;
            power_want(power, POWER_ASK);
        }
    }
}

void power_expire_pending(struct power *power, struct instant now)
{
    if (power->state != POWER_RESTS)
        return;
    if (power->pending == POWER_NOTHING_PENDING && power_level(power) == POWER_ON &&
        instant_due(power->idle, now)) {
        power->idle = INSTANT_NEVER;
        power->idle_pending = true;
        power->off = (struct power_off){.when_cool = true};
        step_pending(power, now);
    }
    if (power_level(power) != POWER_UNKNOWN && instant_due(power->pending_due, now))
        ask_or_step(power, now);
}

void power_keep(const struct power *power, struct text *ret_line)
{
    if (power->pending == POWER_NOTHING_PENDING || power->idle_pending)
        return;
    text_add_string(ret_line, "psu off");
    if (power->pending != POWER_WHEN_COOL && power->off.delay_ms > 0) {
        text_add_string(ret_line, " after ");
        text_add_duration(ret_line, power->off.delay_ms);
    }
    if (power->pending != POWER_AFTER_DELAY || power->off.when_cool || power->off.delay_ms == 0)
        text_add_string(ret_line, " cool");
}

bool power_recall(struct power *power, struct span line, struct instant now)
{
    struct power_off off = {.when_cool = false};
    struct span rest;

    if (!span_starts(line, SPAN("psu off ")))
        return false;
    rest = span_skip(line, 8);
    if (span_starts(rest, SPAN("after "))) {
        size_t length;

        rest = span_skip(rest, 6);
        length = span_find(rest, ' ');
        if (!text_duration((struct span){rest.data, length}, &off.delay_ms))
            return false;
        rest = span_skip(rest, length + 1);
    }
    off.when_cool = span_equal(rest, SPAN("cool"));
    if (!off.when_cool && (rest.length > 0 || off.delay_ms == 0))
        return false;
    if (power->state == POWER_NONE)
        return true; /* none is configured any more */
    power->off = off;
    power->pending = POWER_AFTER_PRINT; /* which is over */
    step_pending(power, now);
    power->notes &= (uint8_t) ~(1u << POWER_NOTE_WHEN_COOL);
    power_tell(power, POWER_NOTE_RECALLED);
    return true;
}
