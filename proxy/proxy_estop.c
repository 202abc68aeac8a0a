#include "proxy_state.h"

/* One bit for each output that a halt switches. */
static uint64_t halt_points(const struct proxy *proxy)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < proxy->settings->points; i++) {
        if (proxy->settings->point[i].halt.kind == OCCASION_SET)
            mask |= UINT64_C(1) << i;
    }
    return mask;
}

bool proxy_estop_holds(const struct proxy *proxy, uint8_t point)
{
    return estop_holds(&proxy->estop) && (halt_points(proxy) >> point & 1) != 0;
}

void proxy_apply(struct proxy *proxy, enum points_occasion occasion, struct instant now)
{
    uint64_t held = 0;

    if (occasion != POINTS_HALT && estop_holds(&proxy->estop))
        held = halt_points(proxy);
    points_apply(&proxy->points, &proxy->board, occasion, held, now);
    if (held != 0 && estop_is_latched(&proxy->estop))
        points_apply(&proxy->points, &proxy->board, POINTS_HALT, 0, now);
}

/*
 * May the printer be reset because somebody opens the latch? One that has said nothing since its
 * port was opened has had M112 then, and may have been halted before.
 */
static bool may_reset(const struct proxy *proxy)
{
    return proxy->settings->reset_on_connect != RESET_NEVER &&
           (proxy->router.printer_state == PRINTER_HALTED ||
            proxy->router.printer_state == PRINTER_SILENT);
}

void proxy_estop_init(struct proxy *proxy, bool latched, struct instant now)
{
    const struct settings *settings = proxy->settings;
    uint8_t point = settings->estop.point;

    estop_init(&proxy->estop, &settings->estop,
               point != POINT_NONE && settings->point[point].debounce_ms > 0, latched, now);
}

void proxy_estop_reload(struct proxy *proxy, const uint8_t moved[SETTINGS_POINTS],
                        struct instant now)
{
    const struct settings *settings = proxy->settings;
    uint8_t point = settings->estop.point, before = proxy->estop.set.point;

    estop_reload(&proxy->estop, &settings->estop,
                 point != POINT_NONE && settings->point[point].debounce_ms > 0,
                 before != POINT_NONE && point != POINT_NONE && moved[before] == point, now);
}

/* The question that a stopped machine asks its host. */
static void offer_reset(struct proxy *proxy)
{
    if (!proxy->router.prompts)
        return;
    router_action(&proxy->router, SPAN("prompt_end"));
    router_action(&proxy->router, SPAN("prompt_begin Emergency stop latched"));
    router_action(&proxy->router, SPAN("prompt_button Reset"));
    router_action(&proxy->router, SPAN("prompt_show"));
}

static void carry_out(struct proxy *proxy, const struct estop_action *action, struct span cause,
                      struct instant now)
{
    switch (action->kind) {
    case ESTOP_HALT:
        proxy_halt(proxy, SPAN("emergency stop"), now);
        router_to_host(&proxy->router, SPAN("Error:Printer halted. kill() called!\n"));
        return;
    case ESTOP_M112: proxy_halt_again(proxy, now); return;
    case ESTOP_OUTPUTS: proxy_apply(proxy, POINTS_HALT, now); return;
    case ESTOP_SAVE:
        proxy_save(proxy);
        if (!estop_is_latched(&proxy->estop))
            proxy_halt_end(proxy);
        return;
    case ESTOP_DTR: proxy_order(proxy, ORDER_DTR, PROXY_PRINTER, 0); return;
    case ESTOP_CONFIRM: board_session_confirm(&proxy->board, now); return;
    case ESTOP_PAUSE: router_pause(&proxy->router, now); return;
    case ESTOP_RELEASE:
        points_apply(&proxy->points, &proxy->board, POINTS_START, ~halt_points(proxy), now);
        return;
    case ESTOP_PROMPT:
        router_action(&proxy->router, SPAN("notification Emergency stop latched"));
        offer_reset(proxy);
        return;
    case ESTOP_PROMPT_END:
        if (proxy->router.prompts)
            router_action(&proxy->router, SPAN("prompt_end"));
        return;
    case ESTOP_CHANGED:
        events_add(&proxy->router.events, EVENT_ESTOP, SPAN_NONE,
                   span_of(estop_state_word(proxy->estop.state)), cause, now);
        return;
    case ESTOP_TELL: router_tell(&proxy->router, LOG_WARNING, action->text, now); return;
    }
}

static void carry_out_all(struct proxy *proxy, struct span cause, struct instant now)
{
    struct estop_action action;

    while (estop_next_action(&proxy->estop, &action))
        carry_out(proxy, &action, cause, now);
}

/* What the emergency stop wants done is done before anything else; who or what brought it about. */
static void act(struct proxy *proxy, struct span cause, struct instant now)
{
    if (proxy->estop.pending != 0)
        carry_out_all(proxy, cause, now);
    switch (estop_gate(&proxy->estop)) {
    case ESTOP_PASSES: proxy->router.gate = ROUTER_OPEN; break;
    case ESTOP_WAITS: proxy->router.gate = ROUTER_NO_MOTION; break;
    case ESTOP_REFUSES: proxy->router.gate = ROUTER_SHUT; break;
    }
}

void proxy_estop_look(struct proxy *proxy, struct instant now)
{
    uint8_t point = proxy->settings->estop.point;
    enum estop_level level = ESTOP_UNSEEN;

    if (point != POINT_NONE) {
        switch (points_state(&proxy->points, point)) {
        case POINT_ON: level = ESTOP_PRESSED; break;
        case POINT_OFF: level = ESTOP_HEALTHY; break;
        case POINT_UNKNOWN: break;
        }
        estop_see(&proxy->estop, level, now);
        estop_print(&proxy->estop, print_job_runs(&proxy->router.job), now);
    }
    act(proxy, SPAN("board report"), now);
}

void proxy_estop_point(struct proxy *proxy, const struct point_change *change, struct instant now)
{
    if (change->index != proxy->settings->estop.reset_point)
        return;
    estop_reset_button(&proxy->estop, change->old, change->new, may_reset(proxy), now);
    act(proxy, SPAN("board report"), now);
}

void proxy_estop_confirmed(struct proxy *proxy, struct instant now)
{
    proxy_estop_look(proxy, now);
    estop_confirmed(&proxy->estop, now);
    act(proxy, SPAN("board report"), now);
}

void proxy_estop_host(struct proxy *proxy, struct instant now)
{
    enum reset_on_connect reset = proxy->settings->reset_on_connect;

    estop_host_opened(&proxy->estop,
                      reset == RESET_ALWAYS ||
                          (reset == RESET_HALTED && proxy->router.printer_state == PRINTER_HALTED),
                      now);
    act(proxy, SPAN_NONE, now);
}

/*
 * Only the answer to our own question resets: OctoPrint sends M876 P1 by itself when it connects
 * (action_command_prompt), and has seen no prompt before that.
 */
void proxy_estop_answered(struct proxy *proxy, const struct gcode_line *line, struct instant now)
{
    enum estop_reset_result result = ESTOP_RESET_DONE;
    struct span value;
    int64_t number;

    if (gcode_line_parameter(line, 'S', &value)) {
        if (proxy->router.prompts && value.length > 0 &&
            text_integer(value, &number) == value.length && number == 0)
            result = proxy_estop_reset(proxy, SPAN("prompt"), now);
        if (result != ESTOP_RESET_DONE) {
            router_tell(&proxy->router, LOG_WARNING, estop_reset_words(result), now);
            offer_reset(proxy);
        }
    } else if (gcode_line_parameter(line, 'P', &value) && text_integer(value, &number) > 0) {
        proxy->router.prompts = number == 1;
        offer_reset(proxy);
    }
    router_to_host(&proxy->router, SPAN("ok\n"));
}

void proxy_estop_printer(struct proxy *proxy, bool open, struct instant now)
{
    estop_printer(&proxy->estop, open, now);
    act(proxy, SPAN_NONE, now);
}

void proxy_estop_started(struct proxy *proxy, struct instant now)
{
    estop_printer_started(&proxy->estop, now);
    act(proxy, SPAN_NONE, now);
}

void proxy_estop_trip(struct proxy *proxy, struct span cause, struct instant now)
{
    char bytes[EVENT_CAUSE];
    struct text kept = TEXT_IN(bytes);

    text_add(&kept, cause); /* a line that is dropped meanwhile, as like as not */
    estop_trip(&proxy->estop, now);
    act(proxy, text_span(&kept), now);
}

enum estop_reset_result proxy_estop_reset(struct proxy *proxy, struct span cause,
                                          struct instant now)
{
    enum estop_reset_result result = estop_reset(&proxy->estop, may_reset(proxy), now);

    act(proxy, cause, now);
    return result;
}

void proxy_estop_expire(struct proxy *proxy, struct instant now)
{
    estop_expire(&proxy->estop, now);
    act(proxy, SPAN_NONE, now);
}
