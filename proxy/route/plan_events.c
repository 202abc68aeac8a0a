#include "route/plan.h"

#include <assert.h>

/* The new index of a point, POINT_GONE if it has none any more. What is no point stays so. */
static uint8_t moved_to(uint8_t point, const uint8_t moved[SETTINGS_POINTS])
{
    if (point >= SETTINGS_POINTS)
        return point;
    return moved[point] == POINT_NONE ? POINT_GONE : moved[point];
}

void plans_points_moved(struct plans *plans, const uint8_t moved[SETTINGS_POINTS])
{
    for (uint8_t slot = 0; slot < PLANS; slot++) {
        struct plan *plan = &plans->plan[slot];

        if (plan->state == PLAN_FREE)
            continue;
        plan->until.point = moved_to(plan->until.point, moved);
        plan->hold_point = moved_to(plan->hold_point, moved);
        for (unsigned i = 0; i < plan->steps; i++)
            plan->step[i].point = moved_to(plan->step[i].point, moved);
        if (plan->state == PLAN_HOLDING && plan->hold_point == POINT_GONE)
            plans_forget(plans, slot);
        else if (plan->state == PLAN_LOOKING && plan->step[plan->at].point == POINT_GONE)
            plan_fail(plan, STEP_NO_POINT, SPAN("the point is gone"));
    }
}

void plans_pulse_over(struct plans *plans, uint8_t slot)
{
    struct plan *plan = &plans->plan[slot];

    assert(plan->pulse == PULSE_ON || plan->pulse == PULSE_HIGH);
    if (plan->state == PLAN_OVER) {
        plan->pulse = PULSE_NONE;
        return;
    }
    plan->pulse = PULSE_OFF;
    plan_enter(plan, PLAN_DUE, INSTANT_NEVER);
}

void plans_programs_moved(struct plans *plans, const uint8_t moved[SETTINGS_PROGRAMS])
{
    for (unsigned slot = 0; slot < PLANS; slot++) {
        struct plan *plan = &plans->plan[slot];

        for (unsigned i = 0; plan->state != PLAN_FREE && i < plan->steps; i++) {
            if (plan->step[i].kind == STEP_RUN && plan->step[i].program < SETTINGS_PROGRAMS)
                plan->step[i].program = moved[plan->step[i].program];
        }
    }
}

/* Does a wait end by what is seen now? */
static bool sees(enum wait_for edge, int on, bool changed)
{
    switch (edge) {
    case WAIT_HIGH:
    case WAIT_ON: return on == 1;
    case WAIT_LOW:
    case WAIT_OFF: return on == 0;
    case WAIT_RISE: return changed && on == 1;
    case WAIT_FALL: return changed && on == 0;
    case WAIT_CHANGE: return changed && on >= 0;
    }
    return false;
}

void plans_see(struct plans *plans, uint8_t point, int on, bool changed)
{
    if (plans->running == 0)
        return;
    for (unsigned slot = 0; slot < PLANS; slot++) {
        struct plan *plan = &plans->plan[slot];
        const struct step_ready *step = &plan->step[plan->at];

        if (plan->state == PLAN_LOOKING && step->kind == STEP_WAIT_POINT &&
            step->point == point &&
            sees((enum wait_for)step->edge, on, changed))
            plan_advance(plan, false);
    }
}

void plans_see_temperature(struct plans *plans, char heater, uint8_t index, int32_t degree)
{
    for (unsigned slot = 0; slot < PLANS && plans->running > 0; slot++) {
        struct plan *plan = &plans->plan[slot];
        const struct step_ready *step = &plan->step[plan->at];

        if (plan->state == PLAN_LOOKING && step->kind == STEP_WAIT_TEMPERATURE &&
            step->heater == heater && (heater == 0 ? step->point : step->heater_index) == index &&
            when_compares((enum when_comparison)step->comparison, degree, step->threshold))
            plan_advance(plan, false);
    }
}

void plans_unhold(struct plans *plans, uint8_t point)
{
    for (uint8_t slot = 0; slot < PLANS && plans->running > 0; slot++) {
        struct plan *plan = &plans->plan[slot];

        if (plan->state == PLAN_HOLDING && plan->hold_point == point)
            plans_forget(plans, slot);
    }
}

/* What has ended it, as rules call it: "print finished", "point door on". */
static void end_until(struct plans *plans, uint8_t slot, const struct event *event)
{
    char bytes[EVENT_NAME + EVENT_STATE + 16];
    struct text why = TEXT_IN(bytes);

    text_add_string(&why, event_word(event->kind));
    text_add_string(&why, event->name[0] != '\0' ? " " : "");
    text_add_string(&why, event->name);
    text_add_char(&why, ' ');
    text_add_string(&why, event->state);
    plans_end(plans, slot, text_span(&why));
}

void plans_until(struct plans *plans, const struct event *event)
{
    for (uint8_t slot = 0; slot < PLANS && plans->running > 0; slot++) {
        if (plans->plan[slot].state != PLAN_FREE && when_is(&plans->plan[slot].until, event))
            end_until(plans, slot, event);
    }
}

uint8_t plans_of_rule(const struct plans *plans, uint16_t rule_number, uint8_t but)
{
    uint8_t newest = PLAN_NONE;

    for (uint8_t slot = 0; slot < PLANS && plans->running > 0; slot++) {
        const struct plan *plan = &plans->plan[slot];

        if (plan->state != PLAN_FREE && plan->state != PLAN_HOLDING && slot != but &&
            plan->rule_number == rule_number &&
            (newest == PLAN_NONE || plan->serial > plans->plan[newest].serial))
            newest = slot;
    }
    return newest;
}

bool plans_queue(struct plans *plans, uint8_t slot)
{
    struct plan *plan = &plans->plan[slot];
    unsigned queued = 0;

    for (unsigned i = 0; i < PLANS; i++)
        queued += plans->plan[i].state == PLAN_QUEUED &&
                  plans->plan[i].rule_number == plan->rule_number;
    if (queued == PLAN_QUEUED_MAX)
        return false;
    plan->behind = plans_of_rule(plans, plan->rule_number, slot);
    assert(plan->behind != PLAN_NONE && plan->rule_number != 0);
    plan->queued = true;
    plan->begun = false;
    plan_enter(plan, PLAN_QUEUED, INSTANT_NEVER);
    return true;
}

void plans_forget(struct plans *plans, uint8_t slot)
{
    struct plan *gone = &plans->plan[slot];
    bool queued = gone->state == PLAN_QUEUED;

    assert(gone->state != PLAN_FREE && slot != plans->stream);
    plan_enter(gone, PLAN_FREE, INSTANT_NEVER);
    plans->running--;
    for (unsigned i = 0; i < PLANS; i++) {
        struct plan *plan = &plans->plan[i];

        if (plan->state != PLAN_QUEUED || plan->behind != slot)
            continue;
        if (queued)
            plan->behind = gone->behind;
        else
            plan_enter(plan, plan->steps == 0 ? PLAN_OVER : PLAN_DUE, INSTANT_NEVER);
    }
}

void plans_rules_changed(struct plans *plans)
{
    for (unsigned slot = 0; slot < PLANS; slot++)
        plans->plan[slot].rule_number = 0;
}
