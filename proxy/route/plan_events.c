#include "route/plan.h"

void plans_points_moved(struct plans *plans, const uint8_t moved[SETTINGS_POINTS])
{
    for (unsigned slot = 0; slot < PLANS; slot++) {
        struct plan *plan = &plans->plan[slot];

        for (unsigned i = 0; plan->state != PLAN_FREE && i < plan->steps; i++) {
            if (plan->step[i].point >= SETTINGS_POINTS)
                continue;
            plan->step[i].point = moved[plan->step[i].point];
            if (plan->step[i].point == POINT_NONE && i == plan->at && plan->state == PLAN_LOOKING)
                plan_fail(plan, STEP_NO_POINT, SPAN("the point is gone"));
        }
    }
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
    for (unsigned slot = 0; slot < PLANS && plans->running > 0; slot++) {
        struct plan *plan = &plans->plan[slot];

        if (plan->state == PLAN_HOLDING && plan->hold_point == point) {
            plan_enter(plan, PLAN_FREE, INSTANT_NEVER);
            plans->running--;
        }
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

uint8_t plans_of_rule(const struct plans *plans, uint16_t rule_number)
{
    for (uint8_t slot = 0; slot < PLANS && plans->running > 0; slot++) {
        if (plans->plan[slot].state != PLAN_FREE && plans->plan[slot].rule_number == rule_number)
            return slot;
    }
    return PLAN_NONE;
}

bool plans_queue(struct plans *plans, uint8_t slot)
{
    if (plans->plan[slot].queued == PLAN_QUEUED_MAX)
        return false;
    plans->plan[slot].queued++;
    return true;
}

void plans_rules_changed(struct plans *plans)
{
    for (unsigned slot = 0; slot < PLANS; slot++)
        plans->plan[slot].rule_number = 0;
}
