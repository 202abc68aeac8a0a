#include "proxy_state.h"

/* A plan waits for power to be on, or off. */
static void wait_for(struct proxy *proxy, uint8_t slot, bool on)
{
    uint64_t bit = UINT64_C(1) << slot;

    proxy->power.on_waits &= ~bit;
    proxy->power.off_waits &= ~bit;
    if (on)
        proxy->power.on_waits |= bit;
    else
        proxy->power.off_waits |= bit;
}

void proxy_power_forget(struct proxy *proxy, uint8_t slot)
{
    proxy->power.on_waits &= ~(UINT64_C(1) << slot);
    proxy->power.off_waits &= ~(UINT64_C(1) << slot);
}

/* The first plan that waits for it, PLAN_NONE if nobody does. */
static uint8_t who_waits(const struct proxy *proxy)
{
    uint64_t waits = proxy->power.on_waits | proxy->power.off_waits;

    for (uint8_t slot = 0; slot < PLANS; slot++) {
        if ((waits >> slot & 1) != 0)
            return slot;
    }
    return PLAN_NONE;
}

struct span proxy_power_cause(const struct proxy *proxy)
{
    uint8_t slot = who_waits(proxy);

    if (slot != PLAN_NONE)
        return proxy_who_runs(proxy, slot);
    switch (proxy->router.power.state) {
    case POWER_SWITCHING_ON: return SPAN("auto_on");
    case POWER_SWITCHING_OFF:
        return proxy->router.power.idled ? SPAN("off_when_idle") : SPAN("as asked for before");
    case POWER_BOOTING:
    case POWER_SENSING:
        if (proxy->router.power.ours)
            return SPAN("auto_on");
        break;
    case POWER_NONE:
    case POWER_RESTS:
    case POWER_REPLAYING:
    case POWER_CHECKING: break;
    }
    return SPAN("board report");
}

/* The psu point is to be so; what becomes of it, the board's report says. */
static void switch_point(struct proxy *proxy, bool on, struct instant now)
{
    uint8_t point = proxy->settings->psu.point;

    proxy->power.switching =
        point != POINT_NONE && !proxy_estop_holds(proxy, point) && proxy_board_of_use(proxy, now) &&
        points_set(&proxy->points, &proxy->board, point, on ? 255 : 0, now) == POINTS_SET;
    proxy->power.on = on;
    if (!proxy->power.switching)
        power_switched(&proxy->router.power, false, now);
}

/* What became of it. */
static void look_at_point(struct proxy *proxy, struct instant now)
{
    uint8_t point = proxy->settings->psu.point;
    enum point_state wanted = proxy->power.on ? POINT_ON : POINT_OFF;

    if (!proxy->power.switching || point == POINT_NONE)
        return;
    switch (points_outcome(&proxy->points, &proxy->board, point)) {
    case BOARD_PENDING:
        if (proxy_board_of_use(proxy, now))
            return;
        break;
    case BOARD_NOT_WANTED:
    case BOARD_REACHED:
    case BOARD_FAILED: break;
    }
    proxy->power.switching = false;
    power_switched(&proxy->router.power, points_state(&proxy->points, point) == wanted, now);
}

/* The plans that have waited go on, or fail with this reason; if nobody waited it is told. */
static void end_waits(struct proxy *proxy, uint64_t *waits, bool done, struct span why,
                      struct instant now)
{
    char bytes[128];
    struct text text = TEXT_IN(bytes);
    uint64_t slots = *waits;

    *waits = 0;
    for (uint8_t slot = 0; slot < PLANS; slot++) {
        if ((slots >> slot & 1) == 0)
            continue;
        if (done)
            plans_done(&proxy->router.plans, slot);
        else
            plans_failed(&proxy->router.plans, slot, STEP_PSU, why);
    }
    if (done || slots != 0)
        return;
    text_add_string(&text, "error: psu: ");
    text_add(&text, why);
    router_tell(&proxy->router, LOG_WARNING, text_span(&text), now);
}

void proxy_standin(struct proxy *proxy, struct instant now)
{
    router_standin(&proxy->router, proxy->printer_gone || proxy->router.power.standin, now);
}

static void carry_out(struct proxy *proxy, const struct power_action *action, struct instant now)
{
    struct router *router = &proxy->router;

    switch (action->kind) {
    case POWER_CHANGED:
        events_add(&router->events, EVENT_PSU, SPAN_NONE, span_of(power_word(&router->power)),
                   proxy_power_cause(proxy), now);
        return;
    case POWER_SET_OFF: switch_point(proxy, false, now); return;
    case POWER_SET_ON: switch_point(proxy, true, now); return;
    case POWER_BEGIN_STANDIN:
        router_power_lost(router, now);
        proxy->printer_gone = !proxy->printer_link.open;
        proxy->printer_lost = INSTANT_NEVER; /* nobody waits for it any more */
        return;
    case POWER_END_STANDIN: proxy_standin(proxy, now); return;
    case POWER_ASK: router->power_asks = true; return;
    case POWER_SEND: router->power_sends = true; return;
    case POWER_TELL: router_tell(router, action->level, action->text, now); return;
    case POWER_ON_DONE: end_waits(proxy, &proxy->power.on_waits, true, SPAN_NONE, now); return;
    case POWER_ON_FAILED:
        if (router->standin)
            printer_session_forget(&router->printer); /* nobody has heard what it was asked */
        end_waits(proxy, &proxy->power.on_waits, false, action->text, now);
        return;
    case POWER_OFF_DONE: end_waits(proxy, &proxy->power.off_waits, true, SPAN_NONE, now); return;
    case POWER_OFF_FAILED:
        end_waits(proxy, &proxy->power.off_waits, false, action->text, now);
        return;
    }
}

/* What power wants done. */
static bool act(struct proxy *proxy, struct instant now)
{
    struct power_action action;
    bool moved = false;

    while (power_next_action(&proxy->router.power, &action)) {
        carry_out(proxy, &action, now);
        moved = true;
    }
    return moved;
}

/* A board that comes back may have dropped what is about to be restored: that is nobody's off. */
static enum point_state state_of(const struct proxy *proxy, uint8_t point)
{
    return point == POINT_NONE || !board_session_online(&proxy->board)
               ? POINT_UNKNOWN
               : points_state(&proxy->points, point);
}

bool proxy_power_look(struct proxy *proxy, struct instant now)
{
    const struct power_settings *set = &proxy->settings->psu;
    bool moved = false;

    if (set->point != POINT_NONE) {
        power_see(&proxy->router.power, state_of(proxy, set->point), state_of(proxy, set->sense),
                  now);
        moved = act(proxy, now); /* who has it switched is forgotten when that is done */
        look_at_point(proxy, now);
    }
    moved = act(proxy, now) || moved;
    return router_power_sends(&proxy->router, now) || moved;
}

void proxy_power_reload(struct proxy *proxy, struct instant now)
{
    power_reload(&proxy->router.power, &proxy->settings->psu, now);
    /* It was on its way: the point may have another index, or be another. */
    if (proxy->power.switching)
        switch_point(proxy, proxy->power.on, now);
    act(proxy, now);
}

/* A plan wants power to be on, or off in that way. */
static void ask_for(struct proxy *proxy, uint8_t slot, bool on, const struct power_off *off,
                    struct instant now)
{
    struct power *power = &proxy->router.power;
    struct plans *plans = &proxy->router.plans;
    uint8_t point = proxy->settings->psu.point;

    if (point != POINT_NONE && power_level(power) != (on ? POWER_ON : POWER_OFF)) {
        if (proxy_estop_holds(proxy, point)) {
            plans_failed(plans, slot, STEP_ESTOP, SPAN("the emergency stop holds this output"));
            return;
        }
        if (!proxy_board_of_use(proxy, now)) {
            plans_failed(plans, slot, STEP_BOARD, SPAN("the IO board is not connected"));
            return;
        }
    }
    wait_for(proxy, slot, on); /* whom it is for, whatever comes of it at once */
    switch (on ? power_on(power, now) : power_off(power, off, now)) {
    case POWER_STARTED: return;
    case POWER_IS_SO:
    case POWER_KEPT: plans_done(plans, slot); break;
    case POWER_REFUSED: plans_failed(plans, slot, STEP_PRINT, SPAN("a print runs")); break;
    case POWER_NO_PSU: plans_failed(plans, slot, STEP_PSU, SPAN("no psu is configured")); break;
    }
    proxy_power_forget(proxy, slot);
}

void proxy_power_step(struct proxy *proxy, const struct plan_action *action, struct instant now)
{
    const struct power_off off = {.delay_ms = action->step->ms,
                                  .when_cool = action->step->when_cool,
                                  .stream = action->plan->holds_stream,
                                  .force = action->step->force};

    ask_for(proxy, action->slot, action->value != 0, &off, now);
}

void proxy_power_set(struct proxy *proxy, const struct plan_action *action, bool on,
                     struct instant now)
{
    const struct power_off off = {.stream = action->plan->holds_stream};

    ask_for(proxy, action->slot, on, &off, now);
}

const char *proxy_power_check(const struct proxy *proxy)
{
    const struct power *power = &proxy->router.power;

    if (proxy->router.standin != (proxy->printer_gone || power->standin))
        return "proxy: the stand-in answers for a printer that is there, or not for one that is "
               "not";
    if (proxy->power.on_waits != 0 && !power_coming_on(power))
        return "proxy: a plan waits for power that nobody switches on";
    if (proxy->power.off_waits != 0 && power->state != POWER_SWITCHING_OFF)
        return "proxy: a plan waits for power that nobody switches off";
    if (power->actions != 0)
        return "proxy: what power wants done is not done";
    return NULL;
}
