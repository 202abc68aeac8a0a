#include <string.h>

#include "proxy_state.h"
#include "wire/printer_reply.h"

/* Rules that one event starts at most; more are told and not done. */
#define RULES_AT_ONCE 64

/* Which rules wait for events of a kind. */
static enum when_kind when_of(enum event_kind kind)
{
    switch (kind) {
    case EVENT_POINT: return WHEN_POINT;
    case EVENT_PRINT: return WHEN_PRINT;
    case EVENT_PRINTER: return WHEN_PRINTER;
    case EVENT_HOST: return WHEN_HOST;
    case EVENT_BOARD: return WHEN_BOARD;
    case EVENT_TEMPERATURE: return WHEN_TEMPERATURE;
    case EVENT_ESTOP:
    case EVENT_FILAMENT:
    case EVENT_PSU:
    case EVENT_GCODE:
    case EVENT_RULE:
    case EVENT_RELOAD:
    case EVENT_LOG: return WHEN_NEVER;
    }
    return WHEN_NEVER;
}

static void tell_rule(struct proxy *proxy, const struct rule *rule, const char *state,
                      struct span cause, struct instant now)
{
    events_add(&proxy->router.events, EVENT_RULE, rule->name, span_of(state), cause, now);
}

/* Did this rule start in this turn already? It counts as started from now on. */
static bool started_already(struct proxy *proxy, uint16_t number)
{
    for (unsigned i = 0; i < proxy->turn.started; i++) {
        if (proxy->turn.rule[i] == number)
            return true;
    }
    if (proxy->turn.started == TURN_RULES)
        return true;
    proxy->turn.rule[proxy->turn.started++] = number;
    return false;
}

/* The place where that rule's pace stands; it takes that of the one that was begun first. */
static struct rule_pace *pace_of(struct proxy *proxy, uint16_t number, struct instant now)
{
    struct rule_pace *pace = &proxy->pace[0];

    for (unsigned i = 0; i < PACE_RULES; i++) {
        if (proxy->pace[i].rule == number)
            return &proxy->pace[i];
        if (proxy->pace[i].since.us < pace->since.us)
            pace = &proxy->pace[i];
    }
    *pace = (struct rule_pace){.rule = number, .since = now, .told_until = now};
    return pace;
}

/*
 * A rule that switches what starts it, by way of the board, begins with each report of it: nothing
 * in one turn tells that this goes round, only its pace does. True if it may begin: what rules
 * switch starts none at such a pace, but what comes from outside does, a door that rattles.
 */
static bool watch_pace(struct proxy *proxy, const struct rule *rule, const struct event *event,
                       struct instant now)
{
    struct rule_pace *pace = pace_of(proxy, ruleset_number(proxy->rules, rule), now);
    char bytes[SETTINGS_NAME + 128];
    struct text text = TEXT_IN(bytes);

    if (instant_due(instant_after_ms(pace->since, PACE_MS), now)) {
        pace->since = now;
        pace->starts = 0;
    }
    if (pace->starts < PACE_STARTS) {
        pace->starts++;
        return true;
    }
    if (instant_due(pace->told_until, now)) {
        pace->told_until = instant_after_ms(now, PACE_TOLD_MS);
        text_add_string(&text, "warning: rule ");
        text_add(&text, rule->name);
        text_add_string(&text, " has started 100 times in ten seconds: "
                               "does it switch what starts it?");
        router_tell(&proxy->router, LOG_WARNING, text_span(&text), now);
    }
    return !event->by_rule;
}

/* The plan of a rule ends at once, pulses and all, because the rule begins anew. */
static void end_now(struct proxy *proxy, uint8_t slot, struct instant now)
{
    struct plan_action action;

    plans_end(&proxy->router.plans, slot, SPAN("it begins anew"));
    while (plans_next_action_of(&proxy->router.plans, slot, now, &action)) {
        proxy_plan_action(proxy, &action, now);
        if (action.kind == PLAN_END)
            return;
    }
}

/* What the programs of a rule are told of its start. */
static struct plan_cause cause_of(const struct rule *rule, const struct event *event,
                                  struct span reply)
{
    static const char *const words[WHEN_KINDS] = {
        [WHEN_REPLY] = "reply", [WHEN_EVERY] = "every", [WHEN_START] = "start"};

    if (event == NULL)
        return (struct plan_cause){.event = words[rule->when.kind], .cause = reply};
    return (struct plan_cause){.event = event_word(event->kind),
                               .name = span_of(event->name),
                               .state = span_of(event->state),
                               .cause = span_of(event->cause)};
}

/* How long what started it has to last from now on. */
static int64_t hold_ms(const struct rule *rule)
{
    if (rule->when.kind == WHEN_HOST && rule->when.for_ms > HOST_SILENT_MS)
        return rule->when.for_ms - HOST_SILENT_MS; /* it has been silent for so long already */
    return rule->when.kind == WHEN_POINT ? rule->when.for_ms : 0;
}

enum rule_turn { TURN_NOW, TURN_LATER, TURN_NEVER };

/*
 * The newest plan of that rule but the one in slot `but`, if it still runs once it has done what it
 * can do now. Of two lines of the printer that come at once the first has its steps done, as of two
 * that come one after the other.
 */
static uint8_t what_still_runs(struct proxy *proxy, uint16_t number, uint8_t but,
                               struct instant now)
{
    struct plans *plans = &proxy->router.plans;
    struct plan_action action;
    uint8_t running = plans_of_rule(plans, number, but);

    if (running == PLAN_NONE)
        return PLAN_NONE;
    while (plans_next_action_of(plans, running, now, &action)) {
        proxy_plan_action(proxy, &action, now);
        if (action.kind == PLAN_END)
            break;
    }
    return plans_of_rule(plans, number, but);
}

/* A plan of that rule, in slot `but` or not there yet, is to begin: when, if another one runs? */
static enum rule_turn turn_of(struct proxy *proxy, const struct rule *rule, uint8_t but,
                              struct instant now)
{
    uint16_t number = ruleset_number(proxy->rules, rule);
    uint8_t running = what_still_runs(proxy, number, but, now);

    if (running == PLAN_NONE)
        return TURN_NOW;
    switch (rule->again) {
    case AGAIN_RESTART: end_now(proxy, running, now); return TURN_NOW;
    case AGAIN_IGNORE: return TURN_NEVER;
    case AGAIN_QUEUE: return TURN_LATER;
    }
    return TURN_NEVER;
}

/* The plan begins, now that it may; or is queued, or forgotten. */
static void take_turn(struct proxy *proxy, uint8_t slot, enum rule_turn turn, struct span cause,
                      struct instant now)
{
    struct plans *plans = &proxy->router.plans;

    switch (turn) {
    case TURN_NOW:
        events_add(&proxy->router.events, EVENT_RULE, span_of(plans->plan[slot].rule),
                   SPAN("started"), cause, now);
        return;
    case TURN_LATER:
        if (plans_queue(plans, slot))
            return;
        break;
    case TURN_NEVER: break;
    }
    plans_forget(plans, slot);
}

void proxy_rules_begun(struct proxy *proxy, uint8_t slot, struct instant now)
{
    const struct plan *plan = &proxy->router.plans.plan[slot];
    enum rule_turn turn = TURN_NOW;

    if (plan->rule_number != 0 && !plan->queued)
        turn = turn_of(proxy, ruleset_rule(proxy->rules, plan->rule_number - 1u), slot, now);
    take_turn(proxy, slot, turn, SPAN_NONE, now);
}

/* A rule is due, or will be when it has lasted: its plan begins. */
static void start_rule(struct proxy *proxy, const struct rule *rule,
                       const struct step_values *values, const struct event *event,
                       struct span reply, struct instant now)
{
    struct plans *plans = &proxy->router.plans;
    uint16_t number = ruleset_number(proxy->rules, rule);
    char bytes[96];
    struct text why = TEXT_IN(bytes);
    struct plan_start start = {.rule = rule->name,
                               .cause = cause_of(rule, event, reply),
                               .step = rule->step,
                               .steps = rule->steps,
                               .values = *values,
                               .client = -1,
                               .of_rule = true,
                               .rule_number = number,
                               .until = &rule->until,
                               .hold_ms = hold_ms(rule),
                               .hold_point = rule->when.kind == WHEN_POINT ? rule->when.point
                                                                           : POINT_NONE};
    enum rule_turn turn = TURN_NOW;
    enum step_error error;
    uint8_t slot;

    if (started_already(proxy, number)) {
        router_tell(&proxy->router, LOG_WARNING,
                    SPAN("error: usage: a rule started itself: not done again"), now);
        tell_rule(proxy, rule, "failed", SPAN("cycle"), now);
        return;
    }
    if (event != NULL && !watch_pace(proxy, rule, event, now)) {
        tell_rule(proxy, rule, "failed", SPAN("cycle"), now);
        return;
    }
    if (start.hold_ms == 0)
        turn = turn_of(proxy, rule, PLAN_NONE, now);
    if (turn == TURN_NEVER)
        return;
    error = plans_start(plans, &start, proxy->settings, &why, now, &slot);
    if (error == STEP_OK) {
        if (start.hold_ms == 0)
            take_turn(proxy, slot, turn, event != NULL ? span_of(event->cause) : SPAN_NONE, now);
        return;
    }
    if (plans_room(plans))
        plans_start_failed(plans, &start, error, text_span(&why), now); /* which tells it */
    else
        tell_rule(proxy, rule, "failed", text_span(&why), now);
}

void proxy_rules_event(struct proxy *proxy, const struct event *event, struct instant now)
{
    static const struct step_values nothing = {0};
    const struct rule *due[RULES_AT_ONCE], *rule = NULL;
    enum when_kind kind = when_of(event->kind);
    struct rule_world world;
    unsigned count = 0;

    if (proxy->turn.outside > 0) {
        proxy->turn.outside--;
        proxy->turn.started = 0;
    }
    plans_until(&proxy->router.plans, event);
    if (event->kind == EVENT_POINT)
        plans_unhold(&proxy->router.plans, event->index);
    if (kind == WHEN_NEVER || proxy->rules == NULL)
        return;
    /* Every `if` is judged before any step. */
    while ((rule = ruleset_next_for(proxy->rules, kind, rule)) != NULL) {
        if (!when_is(&rule->when, event))
            continue;
        if (count == 0)
            proxy_world(proxy, &world);
        if (!ruleset_holds(rule, proxy->settings, &world, &nothing))
            continue;
        if (count < RULES_AT_ONCE)
            due[count++] = rule;
        else
            tell_rule(proxy, rule, "failed", SPAN("64 rules are due at once"), now);
    }
    for (unsigned i = 0; i < count; i++)
        start_rule(proxy, due[i], &nothing, event, SPAN_NONE, now);
}

void proxy_rules_reply(struct proxy *proxy, struct span reply, struct instant now)
{
    const struct rule *rule = NULL;
    struct step_values values = {0};
    struct rule_world world;

    proxy->turn.started = 0;
    while ((rule = ruleset_next_for(proxy->rules, WHEN_REPLY, rule)) != NULL) {
        if (!ruleset_replies(proxy->rules, rule, reply, &values))
            continue;
        proxy_world(proxy, &world);
        if (ruleset_holds(rule, proxy->settings, &world, &values))
            start_rule(proxy, rule, &values, NULL, reply, now);
    }
}

bool proxy_rules_card(struct proxy *proxy, struct span echo, struct instant now)
{
    char line_bytes[LINE_CAPACITY + 2], squeezed_bytes[LINE_CAPACITY + 128], why_bytes[96];
    char cause_bytes[EVENT_CAUSE];
    struct text command = TEXT_IN(line_bytes), squeezed = TEXT_IN(squeezed_bytes);
    struct text why = TEXT_IN(why_bytes), cause = TEXT_IN(cause_bytes);
    struct plan_start start = {.client = -1};
    struct printer_reply reply;
    struct gcode_line line;
    struct rule_world world;
    const struct rule *rule;
    enum step_error error;
    uint8_t slot;

    printer_reply_parse(echo, &reply);
    text_add(&command, reply.argument);
    text_add_char(&command, '\n');
    gcode_line_parse(text_span(&command), &line);
    if (command.cut || proxy->rules == NULL)
        return false;
    proxy_world(proxy, &world);
    rule = ruleset_match(proxy->rules, proxy->settings, &world, &line, &squeezed, &start.values);
    if (rule == NULL)
        return false;
    start.rule = rule->name;
    start.step = rule->step;
    start.steps = rule->steps;
    start.of_rule = true;
    start.until = &rule->until;
    start.cause = (struct plan_cause){
        .event = "gcode",
        .name = {line.command.data, span_find(line.command, ' ')},
        .cause = line.command};
    text_add(&cause, SPAN("card: "));
    text_add(&cause, line.command);
    error = plans_start(&proxy->router.plans, &start, proxy->settings, &why, now, &slot);
    if (error != STEP_OK && plans_room(&proxy->router.plans))
        plans_start_failed(&proxy->router.plans, &start, error, text_span(&why), now);
    else
        tell_rule(proxy, rule, error == STEP_OK ? "started" : "failed",
                  text_span(error == STEP_OK ? &cause : &why), now);
    return true;
}

bool proxy_rules_hear(const struct proxy *proxy)
{
    return proxy->rules != NULL && ruleset_next_for(proxy->rules, WHEN_REPLY, NULL) != NULL;
}

/* The rules of that kind whose `if` holds begin; `every` only if it is due. */
static void start_all(struct proxy *proxy, enum when_kind kind, struct instant now)
{
    static const struct step_values nothing = {0};
    const struct rule *rule = NULL;
    struct rule_world world;

    proxy_world(proxy, &world);
    while ((rule = ruleset_next_for(proxy->rules, kind, rule)) != NULL) {
        int64_t every_us = rule->when.every_ms * 1000;

        /* `every` counts from start: due when a whole number of intervals has passed since. */
        if (kind == WHEN_EVERY &&
            (now.us - proxy->rules_since.us) / every_us ==
                (proxy->every_seen.us - proxy->rules_since.us) / every_us)
            continue;
        if (ruleset_holds(rule, proxy->settings, &world, &nothing))
            start_rule(proxy, rule, &nothing, NULL, SPAN_NONE, now);
    }
}

/* When the next `every` is due. */
static struct instant next_every(const struct proxy *proxy, struct instant now)
{
    struct instant next = INSTANT_NEVER;
    const struct rule *rule = NULL;

    while ((rule = ruleset_next_for(proxy->rules, WHEN_EVERY, rule)) != NULL) {
        int64_t every_us = rule->when.every_ms * 1000;
        int64_t times = (now.us - proxy->rules_since.us) / every_us + 1;

        next = instant_earlier(
            next, (struct instant){proxy->rules_since.us + times * every_us});
    }
    return next;
}

/* Does any rule wait for a silent host? */
static bool silence_matters(const struct proxy *proxy)
{
    const struct rule *rule = NULL;

    while ((rule = ruleset_next_for(proxy->rules, WHEN_HOST, rule)) != NULL) {
        if ((rule->when.facts >> FACT_HOST_SILENT & 1) != 0)
            return true;
    }
    return false;
}

void proxy_rules_host_heard(struct proxy *proxy, bool connected, struct instant now)
{
    if (!proxy->silence_matters)
        return;
    plans_unhold(&proxy->router.plans, POINT_NONE);
    proxy->host_silent = connected ? instant_after_ms(now, HOST_SILENT_MS) : INSTANT_NEVER;
}

void proxy_rules_init(struct proxy *proxy, bool start, struct instant now)
{
    memset(proxy->pace, 0, sizeof proxy->pace);
    proxy->rules_since = now;
    proxy->every_seen = now;
    proxy->every_next = INSTANT_NEVER;
    proxy->host_silent = INSTANT_NEVER;
    proxy->silence_matters = proxy->rules != NULL && silence_matters(proxy);
    plans_unhold(&proxy->router.plans, POINT_NONE);
    proxy_rules_host_heard(proxy, proxy->router.host_connected, now);
    if (proxy->rules == NULL)
        return;
    proxy->every_next = next_every(proxy, now);
    if (start)
        start_all(proxy, WHEN_START, now);
}

void proxy_rules_expire(struct proxy *proxy, struct instant now)
{
    if (instant_due(proxy->host_silent, now)) {
        struct event *event = events_add(&proxy->router.events, EVENT_HOST, SPAN_NONE,
                                         SPAN("silent"), SPAN_NONE, now);

        event->is = FACT_HOST_SILENT;
        event->level = LOG_DEBUG;
        proxy->host_silent = INSTANT_NEVER;
    }
    if (!instant_due(proxy->every_next, now))
        return;
    start_all(proxy, WHEN_EVERY, now);
    proxy->every_seen = now;
    proxy->every_next = next_every(proxy, now);
}
