#include "proxy_state.h"

/* A pulse that is over, whatever became of its plan. */
static bool ends_pulse(const struct plan_action *action)
{
    return action->value == 0 &&
           (action->plan->pulse == PULSE_OFF || action->plan->state == PLAN_OVER);
}

/* A plan switches an output; its outcome comes with the board's report. */
static void set_point(struct proxy *proxy, const struct plan_action *action, uint8_t value,
                      struct instant now)
{
    struct plans *plans = &proxy->router.plans;

    if (action->point >= proxy->settings->points) {
        plans_failed(plans, action->slot, STEP_NO_POINT, SPAN("the point is gone"));
        return;
    }
    if (action->point == proxy->settings->psu.point) {
        proxy_power_set(proxy, action, value > 0, now);
        return;
    }
    if (proxy_estop_holds(proxy, action->point)) {
        plans_failed(plans, action->slot, STEP_ESTOP,
                     SPAN("the emergency stop holds this output"));
        return;
    }
    if (!proxy_board_of_use(proxy, now)) {
        if (ends_pulse(action)) /* it is off when the board is back */
            points_set(&proxy->points, &proxy->board, action->point, 0, now);
        plans_failed(plans, action->slot, STEP_BOARD, SPAN("the IO board is not connected"));
        return;
    }
    switch (points_set(&proxy->points, &proxy->board, action->point, value, now)) {
    case POINTS_SET: proxy->sets[action->slot] = action->point; return;
    case POINTS_NOT_AN_OUTPUT:
        plans_failed(plans, action->slot, STEP_NO_POINT, SPAN("it is no output"));
        return;
    case POINTS_NO_PWM:
        plans_failed(plans, action->slot, STEP_BOARD, SPAN("this board has no PWM"));
        return;
    case POINTS_NO_IO:
        plans_failed(plans, action->slot, STEP_BOARD, SPAN("the board has no such io"));
        return;
    }
}

static void toggle_point(struct proxy *proxy, const struct plan_action *action, struct instant now)
{
    switch (points_state(&proxy->points, action->point)) {
    case POINT_OFF: set_point(proxy, action, 255, now); return;
    case POINT_ON: set_point(proxy, action, 0, now); return;
    case POINT_UNKNOWN:
        plans_failed(&proxy->router.plans, action->slot, STEP_BOARD,
                     SPAN("its state is unknown"));
        return;
    }
}

/* Shows plans that wait for a point how it is. */
static void see(struct proxy *proxy, uint8_t point, enum point_state state, bool changed)
{
    plans_see(&proxy->router.plans, point, state == POINT_UNKNOWN ? -1 : state == POINT_ON,
              changed);
}

static void say(struct proxy *proxy, struct span words)
{
    char bytes[PLAN_TEXT + 8];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "echo:");
    /* One line: what would end it is a blank. */
    for (size_t i = 0; i < words.length; i++)
        text_add_char(&text, words.data[i] == '\n' || words.data[i] == '\r' ? ' ' : words.data[i]);
    text_add_char(&text, '\n');
    router_to_host(&proxy->router, text_span(&text));
}

static void notify(struct proxy *proxy, struct span words)
{
    char bytes[PLAN_TEXT + 32];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "//action:notification ");
    text_add(&text, words);
    text_add_char(&text, '\n');
    router_to_host(&proxy->router, text_span(&text));
}

/* Shows a plan that begins to wait for a temperature how warm it is now. */
static void look_temperature(struct proxy *proxy, const struct step_ready *step)
{
    const struct printer_reply_heater *heater =
        step->heater == 0 ? NULL
                          : temperatures_find(&proxy->router.temperatures, step->heater,
                                              step->heater_index);
    int32_t degree, humidity;

    if (step->heater == 0 && proxy_reading(proxy, step->point, &degree, &humidity))
        plans_see_temperature(&proxy->router.plans, 0, step->point, degree);
    if (heater != NULL)
        plans_see_temperature(&proxy->router.plans, step->heater, step->heater_index,
                              heater->actual);
}

static void report_point(struct proxy *proxy, unsigned index)
{
    char bytes[SETTINGS_NAME + 48];
    struct text text = TEXT_IN(bytes);
    int32_t degree, humidity;

    text_add_string(&text, "echo:sioproxy point ");
    text_add_string(&text, proxy->settings->point[index].name);
    text_add_char(&text, ' ');
    if (proxy_reading(proxy, index, &degree, &humidity)) {
        text_add_thousandths(&text, degree);
        text_add_string(&text, "C ");
        text_add_thousandths(&text, humidity);
        text_add_char(&text, '%');
    } else {
        text_add_string(&text, point_state_word(points_state(&proxy->points, index)));
    }
    text_add_char(&text, '\n');
    router_to_host(&proxy->router, text_span(&text));
}

/* `echo:sioproxy WHAT STATE` for the host. */
static void report_state(struct proxy *proxy, const char *what, const char *state)
{
    char bytes[SETTINGS_NAME + 48];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "echo:sioproxy ");
    text_add_string(&text, what);
    text_add_char(&text, ' ');
    text_add_string(&text, state);
    text_add_char(&text, '\n');
    router_to_host(&proxy->router, text_span(&text));
}

/* As Marlin answers `M80 S`. */
static void report_ps(struct proxy *proxy)
{
    switch (power_level(&proxy->router.power)) {
    case POWER_ON: router_to_host(&proxy->router, SPAN("PS:1\n")); return;
    case POWER_OFF: router_to_host(&proxy->router, SPAN("PS:0\n")); return;
    case POWER_UNKNOWN: report_state(proxy, "psu", "unknown"); return;
    }
}

static void report(struct proxy *proxy, const struct plan_action *action)
{
    switch ((enum report_what)action->value) {
    case REPORT_PRINT:
        report_state(proxy, "print", print_state_word(proxy->router.job.state));
        return;
    case REPORT_PSU: report_state(proxy, "psu", power_word(&proxy->router.power)); return;
    case REPORT_PS: report_ps(proxy); return;
    case REPORT_ESTOP:
        report_state(proxy, "estop", estop_state_word(proxy->estop.state));
        return;
    case REPORT_FILAMENT:
        report_state(proxy, "filament", filament_word(&proxy->router.filament));
        return;
    case REPORT_POINT: break;
    }
    if (action->point < proxy->settings->points) {
        report_point(proxy, action->point);
        return;
    }
    for (unsigned i = 0; i < proxy->settings->points; i++)
        report_point(proxy, i);
}

struct span proxy_who_runs(const struct proxy *proxy, uint8_t slot)
{
    const struct plan *plan = &proxy->router.plans.plan[slot];
    struct gcode_line line;
    uint64_t overlong;

    if (plan->holds_stream && host_session_front(&proxy->router.host, &line, &overlong))
        return line.command;
    return span_of(plan->rule);
}

static void inject(struct proxy *proxy, uint8_t slot, struct span command, struct instant now)
{
    struct plans *plans = &proxy->router.plans;

    if (proxy_is_halt(command)) { /* in its turn it would come behind what it is to stop */
        plans_done(plans, slot); /* the halt ends what comes behind it */
        proxy_halt(proxy, SPAN("M112 of a rule"), now);
        return;
    }
    switch (router_inject(&proxy->router, slot, command, now)) {
    case INJECT_SENT: return;
    case INJECT_LATER: plans_later(plans, slot); return;
    case INJECT_DONE: plans_done(plans, slot); return;
    case INJECT_SHUT:
        plans_failed(plans, slot, STEP_ESTOP, SPAN("the emergency stop is latched"));
        return;
    case INJECT_HALTED:
        plans_failed(plans, slot, STEP_ESTOP, SPAN("the printer is halted"));
        return;
    case INJECT_NEVER:
        plans_failed(plans, slot, STEP_PSU, SPAN("the printer is off or not connected"));
        return;
    }
}

/* The line of a plan that holds the stream goes to the printer here. */
static void inject_line(struct proxy *proxy, uint8_t slot, struct instant now)
{
    struct gcode_line line;
    uint64_t overlong;

    if (slot != proxy->router.plans.stream ||
        !host_session_front(&proxy->router.host, &line, &overlong)) {
        plans_failed(&proxy->router.plans, slot, STEP_USAGE, SPAN("there is no line to forward"));
        return;
    }
    inject(proxy, slot, line.command, now);
}

static void tell_timeout(struct proxy *proxy, const struct plan_action *action, struct instant now)
{
    char bytes[SETTINGS_NAME + 80];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "timeout: ");
    router_wait_words(proxy->settings, action->step, &text);
    text_add_string(&text, " after ");
    text_add_duration(&text, action->ms);
    router_tell(&proxy->router, LOG_WARNING, text_span(&text), now);
}

static void tell_rule(struct proxy *proxy, const struct plan *plan, const char *state,
                      struct span cause, enum log_level level, struct instant now)
{
    if (plan->of_rule)
        events_add(&proxy->router.events, EVENT_RULE, span_of(plan->rule), span_of(state), cause,
                   now)
            ->level = (uint8_t)level;
}

/* How a rule's plan has ended; of one that a line has started the line says so, too. */
static void tell_end(struct proxy *proxy, const struct plan *plan, struct instant now)
{
    if (plan->ended && !plan->failed)
        tell_rule(proxy, plan, "ended", span_of(plan->why), LOG_INFO, now);
    else if (!plan->holds_stream)
        tell_rule(proxy, plan, plan->failed ? "failed" : "done",
                  plan->failed ? span_of(plan->why) : SPAN_NONE, LOG_DEBUG, now);
}

/* The plan is over: who asked for it is answered. */
static void over(struct proxy *proxy, const struct plan_action *action, struct instant now)
{
    const struct plan *plan = action->plan;
    int32_t client = plan->client;

    proxy->sets[action->slot] = POINT_NONE;
    proxy_power_forget(proxy, action->slot);
    tell_end(proxy, plan, now);
    if (client == CLIENT_GUEST) {
        proxy_share_over(proxy, plan, now);
        return;
    }
    if (client < 0) {
        router_plan_over(&proxy->router, plan, now);
        return;
    }
    if (plan->failed)
        proxy_answer(proxy, client, false, "refused", span_of(plan->why));
    else if ((plan->step[0].kind == STEP_SET || plan->step[0].kind == STEP_PULSE) &&
             plan->step[0].point < proxy->settings->points)
        proxy_answer(proxy, client, true, "",
                     span_of(point_state_word(
                         points_state(&proxy->points, plan->step[0].point))));
    else if (plan->step[0].kind == STEP_POWER)
        proxy_answer(proxy, client, true, "", span_of(power_word(&proxy->router.power)));
    else
        proxy_answer(proxy, client, true, "", SPAN_NONE);
}

void proxy_plan_action(struct proxy *proxy, const struct plan_action *action, struct instant now)
{
    enum estop_reset_result result;

    switch (action->kind) {
    case PLAN_SET: set_point(proxy, action, action->value, now); return;
    case PLAN_TOGGLE: toggle_point(proxy, action, now); return;
    case PLAN_SEND: inject(proxy, action->slot, action->text, now); return;
    case PLAN_FORWARD: inject_line(proxy, action->slot, now); return;
    case PLAN_LOOK:
        see(proxy, action->point, points_state(&proxy->points, action->point), false);
        return;
    case PLAN_SAY: say(proxy, action->text); return;
    case PLAN_REPORT: report(proxy, action); return;
    case PLAN_NOTIFY: notify(proxy, action->text); return;
    case PLAN_LOOK_TEMPERATURE: look_temperature(proxy, action->step); return;
    case PLAN_PAUSE: router_pause(&proxy->router, now); break;
    case PLAN_RESUME: router_action(&proxy->router, SPAN("resume")); break;
    case PLAN_CANCEL: router_action(&proxy->router, SPAN("cancel")); break;
    case PLAN_START: router_action(&proxy->router, SPAN("start")); break;
    case PLAN_MARK:
        print_job_mark(&proxy->router.job, (enum print_mark)action->value);
        router_job_facts(&proxy->router, proxy_who_runs(proxy, action->slot), now);
        break;
    case PLAN_ESTOP:
        plans_done(&proxy->router.plans, action->slot); /* the halt ends what comes behind it */
        proxy_estop_trip(proxy, proxy_who_runs(proxy, action->slot), now);
        return;
    case PLAN_RESET:
        result = proxy_estop_reset(proxy, proxy_who_runs(proxy, action->slot), now);
        if (result == ESTOP_RESET_DONE)
            break;
        plans_failed(&proxy->router.plans, action->slot, STEP_ESTOP, estop_reset_words(result));
        return;
    case PLAN_RUN: proxy_programs_run(proxy, action, now); return;
    case PLAN_FILAMENT:
        proxy_filament_step(proxy, (enum filament_switch)action->value, now);
        break;
    case PLAN_POWER: proxy_power_step(proxy, action, now); return;
    case PLAN_TIMEOUT: tell_timeout(proxy, action, now); return;
    case PLAN_BEGUN: proxy_rules_begun(proxy, action->slot, now); return;
    case PLAN_END: over(proxy, action, now); return;
    }
    plans_done(&proxy->router.plans, action->slot);
}

void proxy_outcomes(struct proxy *proxy, struct instant now)
{
    struct plans *plans = &proxy->router.plans;

    if (plans->running == 0)
        return;
    for (uint8_t slot = 0; slot < PLANS; slot++) {
        uint8_t point = proxy->sets[slot];

        if (point == POINT_NONE)
            continue;
        if (point >= proxy->settings->points) {
            proxy->sets[slot] = POINT_NONE;
            plans_failed(plans, slot, STEP_NO_POINT, SPAN("the point is gone"));
            continue;
        }
        switch (points_outcome(&proxy->points, &proxy->board, point)) {
        case BOARD_NOT_WANTED: /* `board_back: keep` has let go of it */
            proxy->sets[slot] = POINT_NONE;
            plans_unsure(plans, slot, STEP_BOARD, SPAN("the IO board was lost meanwhile"));
            break;
        case BOARD_REACHED:
            proxy->sets[slot] = POINT_NONE;
            plans_done(plans, slot);
            break;
        case BOARD_PENDING:
            if (proxy_board_of_use(proxy, now))
                break;
            proxy->sets[slot] = POINT_NONE;
            plans_unsure(plans, slot, STEP_BOARD, SPAN("the IO board does not answer"));
            break;
        case BOARD_FAILED:
            proxy->sets[slot] = POINT_NONE;
            plans_unsure(plans, slot, STEP_BOARD, SPAN("the output does not switch"));
            break;
        }
    }
}

/* The plan that switched this output just now, PLAN_NONE if none did. */
static uint8_t switched_by(const struct proxy *proxy, uint8_t point)
{
    for (uint8_t slot = 0; slot < PLANS; slot++) {
        if (proxy->sets[slot] == point)
            return slot;
    }
    return PLAN_NONE;
}

/* The line, rule or client that switched this output; the board if nobody did. */
static struct span who_switched(const struct proxy *proxy, uint8_t point, uint8_t slot)
{
    if (point == proxy->settings->psu.point)
        return proxy_power_cause(proxy);
    return slot != PLAN_NONE ? proxy_who_runs(proxy, slot) : SPAN("board report");
}

void proxy_point_changes(struct proxy *proxy, struct instant now)
{
    struct point_change change;

    while (points_next_change(&proxy->points, &change)) {
        const struct point_settings *point = &proxy->settings->point[change.index];
        uint8_t slot = switched_by(proxy, change.index);
        struct event *event;

        proxy_estop_point(proxy, &change, now);
        event = events_add(
            &proxy->router.events, EVENT_POINT, span_of(point->name),
            span_of(point_state_word(change.new)), who_switched(proxy, change.index, slot), now);

        event->by_rule = slot != PLAN_NONE && proxy->router.plans.plan[slot].rule_number != 0;
        event->index = change.index;
        event->was = (int32_t)change.last_known;
        event->is = (int32_t)change.new;
        see(proxy, change.index, change.new,
            change.last_known != POINT_UNKNOWN && change.new != POINT_UNKNOWN &&
                change.new != change.last_known);
    }
}

void proxy_temperature_changes(struct proxy *proxy, struct instant now)
{
    struct temperature_change change;

    while (temperatures_next_change(&proxy->router.temperatures, &change)) {
        char name_bytes[8], value_bytes[16];
        struct text name = TEXT_IN(name_bytes), value = TEXT_IN(value_bytes);
        struct event *event;

        temperatures_word(&change.heater, &name);
        text_add_thousandths(&value, change.heater.actual);
        event = events_add(&proxy->router.events, EVENT_TEMPERATURE, text_span(&name),
                           text_span(&value), SPAN("printer report"), now);
        event->level = LOG_DEBUG;
        event->heater = change.heater.name;
        event->index = change.heater.index;
        event->was = change.old.high;
        event->is = change.now.high;
        event->was_low = change.old.low;
        event->is_low = change.now.low;
        plans_see_temperature(&proxy->router.plans, change.heater.name, change.heater.index,
                              change.heater.actual);
    }
}
