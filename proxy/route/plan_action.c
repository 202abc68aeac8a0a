#include "route/plan.h"

#include <assert.h>

static struct span text_of(const struct plan *plan, const struct step_ready *step)
{
    return (struct span){plan->text + step->text_at, step->text_length};
}

/* The next action of a pulse: on, a while, off, a while, as often as asked. */
static bool pulse_action(struct plan *plan, const struct step_ready *step, struct instant now,
                         struct plan_action *ret_action)
{
    struct instant next;

    switch (plan->pulse) {
    case PULSE_NONE:
        plan->pulses = step->times;
        plan->pulse_began = now;
        plan->pulse = PULSE_ON;
        ret_action->value = 255;
        break;
    case PULSE_ON:
        plan->pulse = PULSE_HIGH;
        plan_enter(plan, PLAN_PAUSING, instant_after_ms(now, step->ms));
        return false;
    case PULSE_HIGH:
        plan->pulse = PULSE_OFF;
        ret_action->value = 0;
        break;
    case PULSE_OFF:
        plan->pulses--;
        if (plan->pulses == 0) {
            plan->pulse = PULSE_NONE;
            plan_advance(plan, false);
        } else {
            plan->pulse = PULSE_LOW;
            next = instant_after_ms(plan->pulse_began, step->every_ms);
            /* The board may have taken longer than the whole period. */
            plan_enter(plan, PLAN_PAUSING, instant_due(next, now) ? now : next);
        }
        return false;
    case PULSE_LOW:
        plan->pulse_began = now;
        plan->pulse = PULSE_ON;
        ret_action->value = 255;
        break;
    }
    ret_action->kind = PLAN_SET;
    plan_enter(plan, PLAN_ASKED, INSTANT_NEVER);
    return true;
}

/* Steps that are somebody else's business: done when their outcome is told. */
static enum plan_action_kind asked_action(enum step_kind kind)
{
    switch (kind) {
    case STEP_PAUSE: return PLAN_PAUSE;
    case STEP_RESUME: return PLAN_RESUME;
    case STEP_CANCEL: return PLAN_CANCEL;
    case STEP_START: return PLAN_START;
    case STEP_TRIP: return PLAN_ESTOP;
    case STEP_POWER: return PLAN_POWER;
    case STEP_RUN: return PLAN_RUN;
    case STEP_FILAMENT: return PLAN_FILAMENT;
    case STEP_MARK: return PLAN_MARK;
    case STEP_RESET: return PLAN_RESET;
    default: break;
    }
    assert(false && "a step that is asked for");
    return PLAN_END;
}

/* What the step that is due asks for. False if it needs nothing done; its state has moved on. */
static bool step_action(struct plan *plan, struct instant now, struct plan_action *ret_action)
{
    const struct step_ready *step = &plan->step[plan->at];

    switch (step->kind) {
    case STEP_SET:
    case STEP_TOGGLE:
        ret_action->kind = step->kind == STEP_SET ? PLAN_SET : PLAN_TOGGLE;
        plan_enter(plan, PLAN_ASKED, INSTANT_NEVER);
        return true;
    case STEP_PULSE: return pulse_action(plan, step, now, ret_action);
    case STEP_SEND:
    case STEP_WAIT_MOTION:
        ret_action->kind = PLAN_SEND;
        if (step->kind == STEP_WAIT_MOTION)
            ret_action->text = SPAN("M400");
        plan_enter(plan, PLAN_ASKED, INSTANT_NEVER);
        return true;
    case STEP_FORWARD:
        ret_action->kind = PLAN_FORWARD;
        plan_enter(plan, PLAN_ASKED, INSTANT_NEVER);
        return true;
    case STEP_SAY:
    case STEP_NOTIFY:
    case STEP_REPORT:
        ret_action->kind = step->kind == STEP_SAY      ? PLAN_SAY
                           : step->kind == STEP_NOTIFY ? PLAN_NOTIFY
                                                       : PLAN_REPORT;
        plan_advance(plan, false);
        return true;
    case STEP_PAUSE:
    case STEP_RESUME:
    case STEP_CANCEL:
    case STEP_START:
    case STEP_TRIP:
    case STEP_POWER:
    case STEP_RUN:
    case STEP_FILAMENT:
    case STEP_MARK:
    case STEP_RESET:
        plan->since = now;
        ret_action->kind = asked_action(step->kind);
        plan_enter(plan, PLAN_ASKED, INSTANT_NEVER);
        return true;
    case STEP_WAIT:
        plan->since = now;
        plan_enter(plan, PLAN_PAUSING, instant_after_ms(now, step->ms));
        return false;
    case STEP_WAIT_POINT:
    case STEP_WAIT_TEMPERATURE:
        plan->since = now;
        plan_enter(plan, PLAN_LOOKING,
                   step->ms < 0 ? INSTANT_NEVER : instant_after_ms(now, step->ms));
        ret_action->kind = step->kind == STEP_WAIT_POINT ? PLAN_LOOK : PLAN_LOOK_TEMPERATURE;
        return true;
    }
    return false;
}

/* The plan is over: a pulse that is on is switched off, then its end is told. */
static void over_action(struct plans *plans, uint8_t slot, struct plan_action *ret_action)
{
    struct plan *plan = &plans->plan[slot];

    if (plan->pulse == PULSE_ON || plan->pulse == PULSE_HIGH) {
        plan->pulse = PULSE_NONE;
        ret_action->kind = PLAN_SET;
        ret_action->value = 0;
        return;
    }
    ret_action->kind = PLAN_END;
    if (plans->stream == slot)
        plans->stream = PLAN_NONE;
    plans_forget(plans, slot);
}

static bool speaks(const struct plan *plan)
{
    enum step_kind kind = plan->step[plan->at].kind;

    return kind == STEP_SAY || kind == STEP_REPORT || kind == STEP_NOTIFY;
}

/* The next action of one plan. */
static bool plan_action(struct plans *plans, uint8_t slot, bool may_speak, struct instant now,
                        struct plan_action *ret_action)
{
    struct plan *plan = &plans->plan[slot];

    for (;;) {
        const struct step_ready *step = &plan->step[plan->at < plan->steps ? plan->at : 0];

        *ret_action = (struct plan_action){.slot = slot,
                                           .point = step->point,
                                           .value = step->value,
                                           .edge = (enum wait_for)step->edge,
                                           .ms = step->ms,
                                           .text = text_of(plan, step),
                                           .step = step,
                                           .plan = plan};
        if (!plan->begun && plan_has_begun(plan)) {
            plan->begun = true;
            ret_action->kind = PLAN_BEGUN;
            return true;
        }
        switch (plan->state) {
        case PLAN_FREE:
        case PLAN_HOLDING:
        case PLAN_QUEUED:
        case PLAN_ASKED:
        case PLAN_PAUSING:
        case PLAN_STALLED:
        case PLAN_LOOKING: return false;
        case PLAN_DUE:
            if (speaks(plan) && !may_speak)
                return false;
            if (step->point == POINT_GONE) {
                plan_fail(plan, STEP_NO_POINT, SPAN("the point is gone"));
                break;
            }
            if (step_action(plan, now, ret_action))
                return true;
            break;
        case PLAN_TIMED_OUT:
            if (!may_speak)
                return false;
            ret_action->kind = PLAN_TIMEOUT;
            plan_advance(plan, true);
            return true;
        case PLAN_OVER:
            if (!may_speak)
                return false;
            over_action(plans, slot, ret_action);
            return true;
        }
    }
}

bool plans_next_action_of(struct plans *plans, uint8_t slot, struct instant now,
                          struct plan_action *ret_action)
{
    return plan_action(plans, slot, true, now, ret_action);
}

bool plans_next_action(struct plans *plans, bool turn, struct instant now,
                       struct plan_action *ret_action)
{
    unsigned left = plans->running;

    for (uint8_t slot = 0; slot < PLANS && left > 0; slot++) {
        if (plans->plan[slot].state == PLAN_FREE)
            continue;
        left--;
        if (plan_action(plans, slot, slot != plans->stream || turn, now, ret_action))
            return true;
    }
    return false;
}
