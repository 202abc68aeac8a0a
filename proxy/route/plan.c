#include "route/plan.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

void plans_init(struct plans *plans)
{
    memory_clear(plans, sizeof *plans);
    plans->stream = PLAN_NONE;
}

/* The only writer of a plan's state. */
void plan_enter(struct plan *plan, enum plan_state state, struct instant deadline)
{
    plan->state = state;
    switch (state) {
    case PLAN_FREE:
    case PLAN_QUEUED:
    case PLAN_DUE:
    case PLAN_ASKED:
    case PLAN_STALLED:
    case PLAN_TIMED_OUT:
    case PLAN_OVER: plan->deadline = INSTANT_NEVER; break;
    case PLAN_HOLDING:
    case PLAN_PAUSING:
    case PLAN_LOOKING: plan->deadline = deadline; break;
    }
}

bool plan_has_begun(const struct plan *plan)
{
    return plan->state != PLAN_FREE && plan->state != PLAN_HOLDING && plan->state != PLAN_QUEUED;
}

static void copy_name(char *field, size_t size, struct span name)
{
    size_t length = name.length < size ? name.length : size - 1;

    if (length > 0)
        memcpy(field, name.data, length);
    field[length] = '\0';
}

/* A free slot, or PLAN_NONE. */
static uint8_t free_slot(const struct plans *plans)
{
    for (uint8_t slot = 0; slot < PLANS; slot++) {
        if (plans->plan[slot].state == PLAN_FREE)
            return slot;
    }
    return PLAN_NONE;
}

bool plans_room(const struct plans *plans)
{
    return plans->running < PLANS;
}

/* `NAME=value` and a NUL; bytes that are none of a text become blanks. */
static void add_variable(struct text *text, const char *name, struct span value, size_t most)
{
    size_t from;

    text_add_string(text, name);
    from = text->length;
    if (value.length > most)
        value.length = most;
    text_add(text, value);
    for (size_t i = from; i < text->length; i++) {
        if ((unsigned char)text->data[i] < ' ')
            text->data[i] = ' ';
    }
    text_add_char(text, '\0');
}

/* What its programs are told of why they run. */
static void keep_cause(struct plan *plan, const struct plan_start *start)
{
    struct text text = TEXT_IN(plan->cause);
    bool runs = false;

    for (unsigned i = 0; i < start->steps; i++)
        runs = runs || start->step[i].kind == STEP_RUN;
    if (runs && start->cause.event != NULL) {
        add_variable(&text, "SIOPROXY_EVENT=", span_of(start->cause.event), EVENT_STATE - 1);
        add_variable(&text, "SIOPROXY_NAME=", start->cause.name, EVENT_NAME - 1);
        add_variable(&text, "SIOPROXY_STATE=", start->cause.state, EVENT_STATE - 1);
        add_variable(&text, "SIOPROXY_CAUSE=", start->cause.cause, EVENT_CAUSE - 1);
        assert(!text.cut);
    }
    plan->cause_length = (uint16_t)text.length;
}

/* Steps are in place: the plan runs from now on. */
static void begin(struct plans *plans, uint8_t slot, const struct plan_start *start, unsigned steps,
                  struct instant now)
{
    struct plan *plan = &plans->plan[slot];

    plan->steps = (uint8_t)steps;
    plan->at = 0;
    plan->failed = false;
    plan->ended = false;
    plan->of_rule = start->of_rule;
    plan->begun = start->hold_ms == 0;
    plan->queued = false;
    plan->rule_number = start->rule_number;
    plan->hold_point = start->hold_point;
    plan->until = start->until != NULL ? *start->until : (struct when){.kind = WHEN_NEVER};
    plan->pulse = PULSE_NONE;
    plan->holds_stream = start->holds_stream;
    plan->debt = start->debt;
    plan->client = start->client;
    plan->then = start->then;
    plan->serial = ++plans->next_serial;
    plan->since = now;
    copy_name(plan->rule, sizeof plan->rule, start->rule);
    if (start->hold_ms > 0)
        plan_enter(plan, PLAN_HOLDING, instant_after_ms(now, start->hold_ms));
    else
        plan_enter(plan, steps == 0 ? PLAN_OVER : PLAN_DUE, INSTANT_NEVER);
    if (plan->holds_stream) {
        assert(plans->stream == PLAN_NONE);
        plans->stream = slot;
    }
    plans->running++;
}

enum step_error plans_start(struct plans *plans, const struct plan_start *start,
                            const struct settings *settings, struct text *why, struct instant now,
                            uint8_t *ret_slot)
{
    uint8_t slot = free_slot(plans);
    struct plan *plan;
    struct text text;

    if (slot == PLAN_NONE || start->steps > PLAN_STEPS) {
        text_add_string(why, slot == PLAN_NONE ? "64 plans run already" : "more than 16 steps");
        return STEP_LONG;
    }
    plan = &plans->plan[slot];
    text = (struct text){plan->text, PLAN_TEXT, 0, false};
    for (unsigned i = 0; i < start->steps; i++) {
        enum step_error error = step_prepare(&start->step[i], &start->values, settings, &text, why,
                                             &plan->step[i]);
        if (error != STEP_OK)
            return error;
    }
    plan->replacement_at = (uint16_t)text.length;
    if (start->replacement.length > 0)
        step_fill(start->replacement, &start->values, &text);
    if (text.cut) {
        text_add_string(why, "its texts are longer than 1 KiB");
        return STEP_LONG;
    }
    plan->replacement_length = (uint16_t)(text.length - plan->replacement_at);
    keep_cause(plan, start);
    begin(plans, slot, start, start->steps, now);
    *ret_slot = slot;
    return STEP_OK;
}

void plan_advance(struct plan *plan, bool otherwise)
{
    unsigned branch = plan->step[plan->at].otherwise;
    unsigned next = plan->at + 1u;

    if (branch > 0 && !otherwise)
        next += branch;
    plan->at = (uint8_t)(next < plan->steps ? next : plan->steps);
    plan_enter(plan, plan->at < plan->steps ? PLAN_DUE : PLAN_OVER, INSTANT_NEVER);
}

void plans_done(struct plans *plans, uint8_t slot)
{
    struct plan *plan = &plans->plan[slot];

    if (plan->state != PLAN_ASKED)
        return;
    if (plan->step[plan->at].kind == STEP_PULSE)
        plan_enter(plan, PLAN_DUE, INSTANT_NEVER);
    else
        plan_advance(plan, false);
}

void plan_fail(struct plan *plan, enum step_error error, struct span why)
{
    plan->failed = true;
    plan->error = error;
    copy_name(plan->why, sizeof plan->why, why);
    plan_enter(plan, PLAN_OVER, INSTANT_NEVER);
}

void plans_failed(struct plans *plans, uint8_t slot, enum step_error error, struct span why)
{
    struct plan *plan = &plans->plan[slot];

    if (plan->state != PLAN_ASKED)
        return;
    if (plan->pulse == PULSE_ON)
        plan->pulse = PULSE_NONE; /* it never went on */
    plan_fail(plan, error, why);
}

void plans_unsure(struct plans *plans, uint8_t slot, enum step_error error, struct span why)
{
    struct plan *plan = &plans->plan[slot];

    if (plan->state == PLAN_ASKED)
        plan_fail(plan, error, why);
}

void plans_later(struct plans *plans, uint8_t slot)
{
    assert(plans->plan[slot].state == PLAN_ASKED);
    plan_enter(&plans->plan[slot], PLAN_STALLED, INSTANT_NEVER);
}

void plans_try_again(struct plans *plans)
{
    if (plans->running == 0)
        return;
    for (unsigned slot = 0; slot < PLANS; slot++) {
        if (plans->plan[slot].state == PLAN_STALLED)
            plan_enter(&plans->plan[slot], PLAN_DUE, INSTANT_NEVER);
    }
}

uint8_t plans_start_failed(struct plans *plans, const struct plan_start *start,
                           enum step_error error, struct span why, struct instant now)
{
    uint8_t slot = free_slot(plans);

    assert(slot != PLAN_NONE);
    begin(plans, slot, start, 0, now);
    plan_fail(&plans->plan[slot], error, why);
    return slot;
}

void plans_printer_gone(struct plans *plans, struct span why)
{
    for (unsigned slot = 0; slot < PLANS && plans->running > 0; slot++) {
        struct plan *plan = &plans->plan[slot];
        enum step_kind kind;

        if (plan->state != PLAN_ASKED || plan->pulse != PULSE_NONE)
            continue; /* one that is over may have no step to look at */
        kind = plan->step[plan->at].kind;
        if (kind == STEP_SEND || kind == STEP_WAIT_MOTION || kind == STEP_FORWARD)
            plan_fail(plan, STEP_PSU, why);
    }
}

bool plans_continue(struct plans *plans, struct span why)
{
    struct plan *plan;

    if (plans->stream == PLAN_NONE)
        return false;
    plan = &plans->plan[plans->stream];
    if (plan->state != PLAN_PAUSING && plan->state != PLAN_LOOKING &&
        (plan->state != PLAN_ASKED || plan->step[plan->at].kind != STEP_RUN))
        return false;
    plans_end(plans, plans->stream, why);
    return true;
}

void plans_end(struct plans *plans, uint8_t slot, struct span why)
{
    struct plan *plan = &plans->plan[slot];

    if (plan->state == PLAN_FREE || plan->state == PLAN_OVER)
        return;
    if (!plan_has_begun(plan)) {
        plans_forget(plans, slot);
        return;
    }
    plan->ended = true;
    copy_name(plan->why, sizeof plan->why, why);
    plan_enter(plan, PLAN_OVER, INSTANT_NEVER);
}

void plans_end_stream(struct plans *plans, struct span why)
{
    if (plans->stream != PLAN_NONE)
        plan_fail(&plans->plan[plans->stream], STEP_PRINT, why);
}

void plans_end_all(struct plans *plans, enum step_error error, struct span why)
{
    for (uint8_t slot = 0; slot < PLANS; slot++) {
        if (plans->plan[slot].state == PLAN_FREE || plans->plan[slot].state == PLAN_OVER)
            continue;
        if (!plan_has_begun(&plans->plan[slot]))
            plans_forget(plans, slot);
        else
            plan_fail(&plans->plan[slot], error, why);
    }
}

struct instant plans_deadline(const struct plans *plans)
{
    struct instant deadline = INSTANT_NEVER;
    unsigned left = plans->running;

    for (unsigned slot = 0; slot < PLANS && left > 0; slot++) {
        if (plans->plan[slot].state == PLAN_FREE)
            continue;
        left--;
        deadline = instant_earlier(deadline, plans->plan[slot].deadline);
    }
    return deadline;
}

void plans_expire(struct plans *plans, struct instant now)
{
    unsigned left = plans->running;

    for (unsigned slot = 0; slot < PLANS && left > 0; slot++) {
        struct plan *plan = &plans->plan[slot];

        if (plan->state == PLAN_FREE)
            continue;
        left--;
        if (!instant_due(plan->deadline, now))
            continue;
        if (plan->state == PLAN_HOLDING)
            plan_enter(plan, plan->steps == 0 ? PLAN_OVER : PLAN_DUE, INSTANT_NEVER);
        else if (plan->state == PLAN_LOOKING)
            plan_enter(plan, PLAN_TIMED_OUT, INSTANT_NEVER);
        else if (plan->pulse == PULSE_NONE)
            plan_advance(plan, false);
        else
            plan_enter(plan, PLAN_DUE, INSTANT_NEVER);
    }
}

const struct plan *plans_stream(const struct plans *plans)
{
    return plans->stream == PLAN_NONE ? NULL : &plans->plan[plans->stream];
}

const char *plans_check(const struct plans *plans)
{
    unsigned running = 0, holders = 0;

    for (unsigned slot = 0; slot < PLANS; slot++) {
        const struct plan *plan = &plans->plan[slot];

        if (plan->state == PLAN_FREE)
            continue;
        running++;
        if (plan->holds_stream) {
            holders++;
            if (plans->stream != slot)
                return "plans: a plan holds the stream and is not its holder";
        }
        if (plan->at >= plan->steps && plan->state != PLAN_OVER)
            return "plans: a plan without a step to run has not ended";
        if ((plan->state == PLAN_PAUSING) && instant_is_never(plan->deadline))
            return "plans: a pause without an end";
    }
    if (running != plans->running)
        return "plans: the number of running plans is wrong";
    if (holders != (plans->stream == PLAN_NONE ? 0u : 1u))
        return "plans: more than one plan holds the stream";
    return NULL;
}
