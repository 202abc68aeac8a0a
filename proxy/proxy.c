#include "proxy.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "proxy_state.h"
#include "session/board_signs.h"
#include "wire/board_message.h"

size_t proxy_size(void)
{
    return sizeof(struct proxy);
}

/* The earliest deadline of all parts. */
static struct instant find_deadline(const struct proxy *proxy)
{
    struct instant deadline = router_deadline(&proxy->router);

    deadline = instant_earlier(deadline, board_session_deadline(&proxy->board));
    deadline = instant_earlier(deadline, points_deadline(&proxy->points));
    deadline = instant_earlier(deadline, board_sensors_deadline(&proxy->sensors));
    deadline = instant_earlier(deadline, board_pwm_deadline(&proxy->board.pwm));
    deadline = instant_earlier(deadline, board_share_deadline(&proxy->share.board));
    deadline = instant_earlier(deadline, proxy_ports_deadline(proxy));
    deadline = instant_earlier(deadline, estop_deadline(&proxy->estop));
    deadline = instant_earlier(deadline, proxy->every_next);
    deadline = instant_earlier(deadline, proxy->host_silent);
    deadline = instant_earlier(deadline, proxy->host_lost);
    deadline = instant_earlier(deadline, proxy->exit_until);
    deadline = instant_earlier(deadline, proxy_programs_deadline(proxy));
    return instant_earlier(deadline, proxy->halt.next);
}

void proxy_init(struct proxy *proxy, const struct settings *settings, const struct ruleset *rules,
                struct span saved, struct instant now)
{
    memory_clear(proxy, sizeof *proxy);
    proxy->settings = settings;
    proxy->rules = rules;
    router_init(&proxy->router, settings, now);
    board_session_init(&proxy->board, settings->report_interval_ms);
    points_init(&proxy->points, settings);
    board_sensors_init(&proxy->sensors);
    line_framer_init(&proxy->board_framer);
    outbox_init(&proxy->to_board, TO_BOARD_BYTES);
    board_share_init(&proxy->share.board);
    memset(proxy->sets, POINT_NONE, sizeof proxy->sets);
    proxy->host_lost = INSTANT_NEVER;
    proxy->printer_lost = INSTANT_NEVER;
    proxy->exit_until = INSTANT_NEVER;
    proxy->halt.next = INSTANT_NEVER;
    proxy_ports_init(proxy, saved, now);
    proxy_apply(proxy, POINTS_START, now);
    proxy_rules_init(proxy, true, now);
    proxy->deadline = find_deadline(proxy);
}

static bool same_kind(enum point_type one, enum point_type other)
{
    bool output = one == POINT_OUTPUT || one == POINT_PWM;

    return one == other || (output && (other == POINT_OUTPUT || other == POINT_PWM));
}

/* A pulse ends where it began, before the name stands for something else. */
static void end_pulses(struct proxy *proxy, const struct settings *old, struct instant now)
{
    for (uint8_t slot = 0; slot < PLANS; slot++) {
        const struct plan *plan = &proxy->router.plans.plan[slot];
        const struct point_settings *was, *is;
        uint8_t point;

        if (plan->state == PLAN_FREE || (plan->pulse != PULSE_ON && plan->pulse != PULSE_HIGH))
            continue;
        point = plan->step[plan->at].point;
        if (point >= old->points || point == old->psu.point)
            continue;
        was = &old->point[point];
        point = settings_point(proxy->settings, span_of(was->name));
        is = point == POINT_NONE ? NULL : &proxy->settings->point[point];
        if (is != NULL && is->io == was->io && is->type == was->type &&
            is->active_high == was->active_high)
            continue;
        points_set(&proxy->points, &proxy->board, (unsigned)(was - old->point), 0, now);
        proxy->sets[slot] = POINT_NONE;
        plans_pulse_over(&proxy->router.plans, slot);
    }
}

/* Plans know the points that are still what they were: others are gone for them. */
static void move_plans(struct proxy *proxy, const struct settings *old,
                       const uint8_t moved[SETTINGS_POINTS])
{
    struct plans *plans = &proxy->router.plans;
    uint8_t known[SETTINGS_POINTS];

    for (unsigned i = 0; i < SETTINGS_POINTS; i++) {
        known[i] = moved[i];
        if (known[i] != POINT_NONE &&
            !same_kind(old->point[i].type, proxy->settings->point[known[i]].type))
            known[i] = POINT_NONE;
    }
    plans_points_moved(plans, known);
    for (uint8_t slot = 0; slot < PLANS; slot++) {
        if (proxy->sets[slot] == POINT_NONE)
            continue;
        proxy->sets[slot] = known[proxy->sets[slot]];
        if (proxy->sets[slot] == POINT_NONE)
            plans_failed(plans, slot, STEP_NO_POINT, SPAN("the point is gone"));
    }
}

void proxy_reload(struct proxy *proxy, const struct settings *settings,
                  const struct ruleset *rules, struct instant now)
{
    const struct settings *old = proxy->settings;
    uint8_t moved[SETTINGS_POINTS];

    proxy->settings = settings;
    proxy->rules = rules;
    end_pulses(proxy, old, now);
    points_reload(&proxy->points, settings, moved);
    proxy_sensors_reload(proxy, moved);
    move_plans(proxy, old, moved);
    proxy_programs_reload(proxy, old);
    plans_rules_changed(&proxy->router.plans);
    proxy_estop_reload(proxy, moved, now);
    proxy_filament_reload(proxy, moved, now);
    proxy_power_reload(proxy, now);
    proxy_rules_init(proxy, false, now);
    board_session_interval(&proxy->board, settings->report_interval_ms, now);
    proxy->router.printer.in_flight = settings->in_flight;
    events_add(&proxy->router.events, EVENT_RELOAD, SPAN_NONE, SPAN("done"), SPAN_NONE, now);
    if (board_session_online(&proxy->board))
        proxy_types_look(proxy, now);
    proxy->deadline = find_deadline(proxy);
}

void proxy_attach(struct proxy *proxy, const struct settings *settings,
                  const struct ruleset *rules)
{
    proxy->settings = settings;
    proxy->rules = rules;
}

/* M112 of the host: a halt, unless the operator wants it passed and nothing else done. */
static void m112(struct proxy *proxy, struct instant now)
{
    struct router *router = &proxy->router;

    if (proxy->settings->estop.m112_halts) {
        proxy_halt(proxy, SPAN("M112 of the host"), now);
        return;
    }
    router_touch(router);
    if (proxy->printer_link.open)
        outbox_overtake(&router->to_printer, router->to_printer_bytes, SPAN("\nM112\n"));
}

/* Bytes of the host: lines into the queue, emergencies at once. */
static void host_bytes(struct proxy *proxy, struct span bytes, struct instant now)
{
    struct gcode_line line;

    for (;;) {
        switch (router_host_bytes(&proxy->router, &bytes, &line)) {
        case HOST_NOTHING: return;
        case HOST_QUEUED:
        case HOST_REFUSED:
        case HOST_DROPPED: break;
        case HOST_EMERGENCY:
            if (gcode_line_emergency(&line) == GCODE_M112)
                m112(proxy, now);
            else if (gcode_line_emergency(&line) == GCODE_M876 && proxy->estop.prompted)
                proxy_estop_answered(proxy, &line, now);
            else
                router_emergency(&proxy->router, &line, now);
            break;
        }
    }
}

/* An IO board is where the printer should be: hands off, before it is told to move. */
static void no_printer(struct proxy *proxy, struct instant now)
{
    router_tell(&proxy->router, LOG_ERROR,
                SPAN("printer: what answers there is an IO board: port closed"), now);
    proxy->printer_link.wanted = false;
    proxy_close_link(proxy, PROXY_PRINTER, INT64_MAX / 1000, now);
}

/* True if a whole line was among them. */
static bool printer_bytes(struct proxy *proxy, struct span bytes, struct instant now)
{
    bool rules = proxy_rules_hear(proxy), came = false;
    struct instant started = proxy->router.started;
    struct span line;

    while (router_printer_bytes(&proxy->router, &bytes, &line, now)) {
        came = true;
        if (proxy->router.filament.pending != 0)
            proxy_filament_act(proxy, now);
        /* Klipper says so when it was restarted, by whoever else talks to it. */
        if (span_equal(line, SPAN("start")) || span_contains(line, SPAN("Klipper state: Ready")) ||
            proxy->router.started.us != started.us) /* its `start` was lost */
            proxy_estop_started(proxy, now);
        started = proxy->router.started;
        if (proxy->router.card_code > 0 && !proxy_rules_card(proxy, line, now))
            router_to_host(&proxy->router, (struct span){line.data, proxy->router.card_code});
        if (rules)
            proxy_rules_reply(proxy, line, now);
        if (!proxy->router.firmware_known && board_sign_board(line)) {
            no_printer(proxy, now);
            return true;
        }
    }
    if (came)
        proxy_halt_heard(proxy, now);
    return came;
}

/* True if a whole line was among them. */
static bool board_bytes(struct proxy *proxy, struct span bytes, struct instant now)
{
    struct board_message message;
    struct span line;

    for (bool came = false;; came = true) {
        switch (line_framer_next(&proxy->board_framer, &bytes, &line)) {
        case LINE_NONE: return came;
        case LINE_COMPLETE:
            board_message_parse(line_content(line), &message);
            board_session_message(&proxy->board, &message, now);
            board_sensors_hear(&proxy->sensors, &message, now);
            board_pwm_hear(&proxy->board.pwm, &proxy->board.levels, &message);
            board_share_hear(&proxy->share.board, &message);
            points_update(&proxy->points, &proxy->board, now);
            proxy_estop_look(proxy, now);
            proxy_point_changes(proxy, now);
            break;
        case LINE_PART:
        case LINE_REST: break; /* no line of a board is so long */
        }
    }
}

/* One command at a time, whoever's it is. */
static bool next_line(struct proxy *proxy, struct text *text, struct instant now)
{
    if (proxy->board.pwm.asked)
        return false;
    return board_session_next_line(&proxy->board, text, now) ||
           (board_session_free(&proxy->board) &&
            board_pwm_next_line(&proxy->board.pwm, text, now));
}

/* The board's lines that may go now. */
static void board_lines(struct proxy *proxy, struct instant now)
{
    char bytes[BOARD_COMMAND_MAX];
    struct text text = TEXT_IN(bytes);

    while (outbox_room(&proxy->to_board) >= BOARD_COMMAND_MAX && next_line(proxy, &text, now)) {
        outbox_add(&proxy->to_board, proxy->to_board_bytes, text_span(&text));
        text.length = 0;
    }
}

/* Is there anything to do that a line which went its way can have brought about? */
static bool has_news(const struct router *router)
{
    return router->job.facts > 0 || router->filament.pending != 0 || router->power.actions != 0 ||
           router->plans.running > 0;
}

/* Moves everything on once, for the first time in this turn or again. True if anything moved. */
static bool move(struct proxy *proxy, bool first, struct instant now)
{
    struct router *router = &proxy->router;
    struct plan_action action;
    struct rule_world world;
    struct event event;
    bool moved, down;

    if ((proxy->board.events | proxy->board.levels.faults) != 0)
        proxy_board_events(proxy, now);
    points_update(&proxy->points, &proxy->board, now);
    proxy_estop_look(proxy, now);
    moved = proxy_power_look(proxy, now);
    if (proxy->points.changes > 0)
        proxy_point_changes(proxy, now);
    proxy_outcomes(proxy, now);
    if (proxy_share_moves(proxy, now))
        moved = true;
    proxy_temperature_changes(proxy, now);
    proxy_sensors_look(proxy, now);
    router_job_facts(router, SPAN_NONE, now);
    proxy_filament_look(proxy, now);
    if (router->filament.pending != 0)
        proxy_filament_act(proxy, now);
    if (first)
        proxy->turn.outside = events_new(&router->events);
    while (events_show(&router->events, &event)) {
        proxy_rules_event(proxy, &event, now);
        moved = true;
    }
    /* Once outputs are in their exit state no plan moves them any more. */
    while (!proxy->exiting &&
           plans_next_action(&router->plans, router_turn(router), now, &action)) {
        proxy_plan_action(proxy, &action, now);
        moved = true;
    }
    if (router_again(router, now))
        moved = true;
    if (router_asks(router, proxy->rules))
        proxy_world(proxy, &world);
    down = router_down(router, proxy->settings, proxy->rules, &world, now);
    /* A line that stays may tell something, too; most that went their way moved nobody else. */
    return moved || events_new(&router->events) > 0 || (down && has_news(router));
}

/* Moves everything on until nothing moves any more. */
static void settle(struct proxy *proxy, struct instant now)
{
    struct router *router = &proxy->router;
    struct event event;
    bool first = true;

    plans_try_again(&router->plans);
    do {
        while (move(proxy, first, now))
            first = false;
        router_settled(router, proxy->settings, now);
    } while (router->power.actions != 0); /* a line that waits wants it, a job's end may not */
    board_lines(proxy, now);
    proxy_exited(proxy, now);
    proxy_save_news(proxy);
    while (events_show(&router->events, &event))
        ; /* what was only told concerns nobody inside */
}

static void expire(struct proxy *proxy, struct instant now)
{
    if (!instant_due(proxy->deadline, now))
        return;
    router_expire(&proxy->router, now);
    board_session_expire(&proxy->board, now);
    points_update(&proxy->points, &proxy->board, now);
    points_expire(&proxy->points, now);
    board_sensors_expire(&proxy->sensors, now);
    board_pwm_expire(&proxy->board.pwm, now);
    board_share_expire(&proxy->share.board, now);
    proxy_estop_expire(proxy, now);
    proxy_ports_expire(proxy, now);
    proxy_rules_expire(proxy, now);
    proxy_programs_expire(proxy, now);
    if (instant_due(proxy->host_lost, now)) {
        proxy->host_lost = INSTANT_NEVER;
        proxy_apply(proxy, POINTS_HOST_LOST, now);
    }
}

/* Bytes are written. True if somebody may have waited for their room: a line needs the most. */
static bool sent(struct proxy *proxy, enum proxy_port port, size_t count)
{
    struct router *router = &proxy->router;
    size_t room;

    switch (port) {
    case PROXY_HOST:
        room = outbox_room(&router->to_host);
        outbox_take(&router->to_host, router->to_host_bytes, count);
        return room < TO_HOST_ANSWERS;
    case PROXY_PRINTER:
        room = outbox_room(&router->to_printer);
        outbox_take(&router->to_printer, router->to_printer_bytes, count);
        return room < 2 * LINE_CAPACITY;
    case PROXY_BOARD:
        room = outbox_room(&proxy->to_board);
        outbox_take(&proxy->to_board, proxy->to_board_bytes, count);
        return room < BOARD_COMMAND_MAX;
    case PROXY_SHARE: board_share_sent(&proxy->share.board, count); return true;
    }
    return false;
}

void proxy_input(struct proxy *proxy, const struct proxy_input *input, struct instant now)
{
    bool moves = true;

    proxy->now = now;
    proxy->turn.started = 0;
    expire(proxy, now);
    proxy_halt_expire(proxy, now); /* which may be over before it is due */
    switch (input->kind) {
    case PROXY_OPENED: proxy_opened(proxy, input, now); break;
    case PROXY_CLOSED: proxy_closed(proxy, input, now); break;
    case PROXY_SPEED:
        if (input->port == PROXY_HOST && input->number > 0 && input->number <= UINT32_MAX)
            proxy_speed(proxy, (uint32_t)input->number);
        break;
    case PROXY_BYTES:
        switch (input->port) {
        case PROXY_HOST:
            proxy_rules_host_heard(proxy, true, now);
            host_bytes(proxy, input->bytes, now);
            break;
        case PROXY_PRINTER: moves = printer_bytes(proxy, input->bytes, now); break;
        case PROXY_BOARD: moves = board_bytes(proxy, input->bytes, now); break;
        case PROXY_SHARE: board_share_bytes(&proxy->share.board, input->bytes, now); break;
        }
        break;
    case PROXY_SENT: moves = sent(proxy, input->port, (size_t)input->number); break;
    case PROXY_ASKED: proxy_asked(proxy, input->request, (int32_t)input->number, now); break;
    case PROXY_ENDED: proxy_programs_ended(proxy, input, now); break;
    case PROXY_TICK: break;
    }
    /* Half a line, or bytes written whose room nobody waited for. */
    if (!moves && !instant_due(proxy->deadline, now))
        return;
    settle(proxy, now);
    proxy->deadline = find_deadline(proxy);
    /* What moved may have made something due that was not when time was looked at. */
    if (instant_due(proxy->deadline, now)) {
        expire(proxy, now);
        proxy_halt_expire(proxy, now);
        settle(proxy, now);
        proxy->deadline = find_deadline(proxy);
    }
}

size_t proxy_room(const struct proxy *proxy, enum proxy_port port)
{
    size_t room;

    switch (port) {
    case PROXY_HOST:
        if (binary_transfer_runs(&proxy->router.binary))
            return outbox_room(&proxy->router.to_printer);
        return host_session_room(&proxy->router.host);
    case PROXY_PRINTER:
        /* A byte of the printer is at most one for the host, and a little of ours comes on top. */
        room = outbox_room(&proxy->router.to_host);
        return room > 8192 ? room - 4096 : 0;
    case PROXY_BOARD: return 4096;
    case PROXY_SHARE: return board_share_room(&proxy->share.board);
    }
    return 0;
}

struct span proxy_output(const struct proxy *proxy, enum proxy_port port)
{
    switch (port) {
    case PROXY_HOST:
        return outbox_bytes(&proxy->router.to_host, proxy->router.to_host_bytes);
    case PROXY_PRINTER:
        return outbox_bytes(&proxy->router.to_printer, proxy->router.to_printer_bytes);
    case PROXY_BOARD: return outbox_bytes(&proxy->to_board, proxy->to_board_bytes);
    case PROXY_SHARE: return board_share_output(&proxy->share.board);
    }
    return SPAN_NONE;
}

bool proxy_next_order(struct proxy *proxy, struct order *ret_order)
{
    if (proxy->orders == 0)
        return false;
    *ret_order = proxy->order[proxy->first_order];
    proxy->first_order = (proxy->first_order + 1) % ORDERS;
    proxy->orders--;
    return true;
}

bool proxy_next_event(struct proxy *proxy, struct event *ret_event)
{
    return events_next(&proxy->router.events, ret_event);
}

struct instant proxy_deadline(const struct proxy *proxy)
{
    return proxy->deadline;
}

enum point_state proxy_point(const struct proxy *proxy, unsigned index, int *ret_value)
{
    int32_t degree, humidity;

    *ret_value = points_value(&proxy->points, index);
    if (proxy_reading(proxy, index, &degree, &humidity))
        return POINT_ON;
    return points_state(&proxy->points, index);
}

const char *proxy_check(const struct proxy *proxy)
{
    const char *broken = router_check(&proxy->router);

    if (broken == NULL)
        broken = board_session_check(&proxy->board);
    if (broken == NULL)
        broken = board_pwm_check(&proxy->board.pwm);
    if (broken == NULL)
        broken = estop_check(&proxy->estop);
    if (broken == NULL)
        broken = points_check(&proxy->points);
    if (broken == NULL)
        broken = board_share_check(&proxy->share.board);
    if (broken == NULL)
        broken = proxy_programs_check(proxy);
    if (broken == NULL)
        broken = proxy_power_check(proxy);
    if (broken == NULL && proxy_deadline(proxy).us < proxy->now.us)
        broken = "proxy: a deadline in the past";
    if (broken == NULL && proxy->orders > ORDERS)
        broken = "proxy: more orders than there is room for";
    if (broken == NULL && !proxy->printer_link.open && proxy->router.to_printer.length > 0)
        broken = "proxy: bytes for a printer whose port is closed";
    return broken;
}
