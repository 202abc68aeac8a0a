#include "proxy_state.h"

/* A client's wish becomes a plan of its own. */
static void start_for_client(struct proxy *proxy, const struct step *step, struct span rule,
                             int32_t client, struct instant now)
{
    struct plan_start start = {.rule = rule, .step = step, .steps = 1, .client = client};
    char bytes[96];
    struct text why = TEXT_IN(bytes);
    uint8_t slot;
    enum step_error error =
        plans_start(&proxy->router.plans, &start, proxy->settings, &why, now, &slot);

    if (error != STEP_OK)
        proxy_answer(proxy, client, false, error == STEP_NO_POINT ? "unknown" : "refused",
                     text_span(&why));
}

static void start_set(struct proxy *proxy, const struct request *request, int32_t client,
                      struct instant now)
{
    char bytes[32];
    struct text value = TEXT_IN(bytes);

    text_add_integer(&value, request->value);
    start_for_client(
        proxy,
        &(struct step){.kind = STEP_SET, .argument = {span_of(request->point), text_span(&value)}},
        SPAN("sioctl set"), client, now);
}

static void start_pulse(struct proxy *proxy, const struct request *request, int32_t client,
                        struct instant now)
{
    char bytes[32];
    struct text duration = TEXT_IN(bytes);

    text_add_integer(&duration, request->ms);
    text_add_string(&duration, "ms");
    start_for_client(proxy,
                     &(struct step){.kind = STEP_PULSE,
                                    .argument = {span_of(request->point), text_span(&duration)}},
                     SPAN("sioctl pulse"), client, now);
}

static void start_send(struct proxy *proxy, const struct request *request, int32_t client,
                       struct instant now)
{
    struct span line = span_of(request->line);

    if (proxy_is_halt(line)) { /* in its turn it would come behind what it is to stop */
        proxy_halt(proxy, SPAN("M112 of sioctl"), now);
        proxy_answer(proxy, client, true, "", SPAN_NONE);
        return;
    }
    start_for_client(proxy, &(struct step){.kind = STEP_SEND, .argument = {line}},
                     SPAN("sioctl send"), client, now);
}

static void start_power(struct proxy *proxy, const struct request *request, int32_t client,
                        struct instant now)
{
    struct step step = {.kind = STEP_POWER};

    step.argument[0] = request->value != 0 ? SPAN("on") : SPAN("off");
    step.argument[3] = request->kind == REQUEST_POWER_FORCED ? SPAN("force") : SPAN_NONE;
    start_for_client(proxy, &step, SPAN("sioctl psu"), client, now);
}

static void answer_estop(struct proxy *proxy, int32_t client)
{
    proxy_answer(proxy, client, true, "", span_of(estop_state_word(proxy->estop.state)));
}

static void reset_estop(struct proxy *proxy, int32_t client, struct instant now)
{
    enum estop_reset_result result = proxy_estop_reset(proxy, SPAN("sioctl estop"), now);

    if (result == ESTOP_RESET_DONE)
        answer_estop(proxy, client);
    else
        proxy_answer(proxy, client, false, "refused", estop_reset_words(result));
}

/* A pulse that is on when the daemon ends would stay on: nobody is there to switch it off. */
static void end_pulses(struct proxy *proxy, struct instant now)
{
    for (unsigned slot = 0; slot < PLANS; slot++) {
        const struct plan *plan = &proxy->router.plans.plan[slot];
        uint8_t point = POINT_NONE;

        if (plan->state != PLAN_FREE && plan->state != PLAN_OVER &&
            (plan->pulse == PULSE_ON || plan->pulse == PULSE_HIGH))
            point = plan->step[plan->at].point;
        if (point < proxy->settings->points && point != proxy->settings->psu.point &&
            !proxy_estop_holds(proxy, point))
            points_set(&proxy->points, &proxy->board, point, 0, now);
    }
}

void proxy_asked(struct proxy *proxy, const struct request *request, int32_t client,
                 struct instant now)
{
    switch (request->kind) {
    case REQUEST_SET: start_set(proxy, request, client, now); return;
    case REQUEST_PULSE: start_pulse(proxy, request, client, now); return;
    case REQUEST_SEND: start_send(proxy, request, client, now); return;
    case REQUEST_POWER:
    case REQUEST_POWER_FORCED: start_power(proxy, request, client, now); return;
    case REQUEST_CONTINUE:
        if (plans_continue(&proxy->router.plans, SPAN("sioctl continue")))
            proxy_answer(proxy, client, true, "", SPAN_NONE);
        else
            proxy_answer(proxy, client, false, "refused", SPAN("nothing waits"));
        return;
    case REQUEST_TRIP:
        proxy_estop_trip(proxy, SPAN("sioctl estop"), now);
        answer_estop(proxy, client);
        return;
    case REQUEST_RESET: reset_estop(proxy, client, now); return;
    case REQUEST_EXIT:
        end_pulses(proxy, now);
        proxy_apply(proxy, POINTS_EXIT, now);
        proxy->exiting = true;
        proxy->exit_client = client;
        proxy->exit_until = instant_after_ms(now, EXIT_MS);
        return;
    }
}

void proxy_exited(struct proxy *proxy, struct instant now)
{
    if (!proxy->exiting)
        return;
    if (board_session_online(&proxy->board) && !instant_due(proxy->exit_until, now)) {
        for (unsigned i = 0; i < proxy->settings->points; i++) {
            if (points_outcome(&proxy->points, &proxy->board, i) == BOARD_PENDING)
                return;
        }
    }
    proxy->exiting = false;
    proxy->exit_until = INSTANT_NEVER;
    proxy_answer(proxy, proxy->exit_client, true, "", SPAN_NONE);
}
