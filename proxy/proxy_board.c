#include "proxy_state.h"

/* The board is not of use yet, but was opened a moment ago and may be soon. */
static bool board_coming(const struct proxy *proxy, struct instant now)
{
    return proxy->board_link.open &&
           !instant_due(instant_after_ms(proxy->board_link.changed, BOARD_COMING_MS), now);
}

bool proxy_board_of_use(const struct proxy *proxy, struct instant now)
{
    return board_session_online(&proxy->board) || board_coming(proxy, now);
}

/* An output that cannot be switched. */
static void tell_fault(struct proxy *proxy, const struct board_event *event, struct instant now)
{
    char bytes[96];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "board: io ");
    text_add_integer(&text, event->io);
    text_add_string(&text, " does not switch ");
    text_add_string(&text, event->high ? "high" : "low");
    router_tell(&proxy->router, LOG_ERROR, text_span(&text), now);
}

/* What was known of the board no longer holds; outputs are to be as `board_back` says. */
static void forget(struct proxy *proxy, struct span cause, struct instant now)
{
    board_sensors_forget(&proxy->sensors);
    board_pwm_forget(&proxy->board.pwm);
    proxy_apply(proxy, POINTS_BOARD_BACK, now);
    events_add(&proxy->router.events, EVENT_BOARD, SPAN_NONE, SPAN("lost"), cause, now)->is =
        FACT_BOARD_LOST;
}

void proxy_board_events(struct proxy *proxy, struct instant now)
{
    struct board_event event;

    while (board_session_next_event(&proxy->board, &event)) {
        switch (event.kind) {
        case BOARD_EVENT_RESET:
            forget(proxy, SPAN("it was reset"), now);
            router_tell(&proxy->router, LOG_WARNING, SPAN("board: it was reset"), now);
            break;
        case BOARD_EVENT_LOST: forget(proxy, SPAN_NONE, now); break;
        case BOARD_EVENT_FAULT: tell_fault(proxy, &event, now); break;
        case BOARD_EVENT_CONFIRMED: proxy_estop_confirmed(proxy, now); break;
        case BOARD_EVENT_ONLINE:
            events_add(&proxy->router.events, EVENT_BOARD, SPAN_NONE, SPAN("online"),
                       span_of(proxy->board.version), now)
                ->is = FACT_BOARD_ONLINE;
            proxy_types_look(proxy, now);
            break;
        case BOARD_EVENT_FOREIGN:
            router_tell(&proxy->router, LOG_ERROR,
                        SPAN("board: what answers there is no IO board: port closed"), now);
            proxy->board_link.wanted = false;
            proxy_close_link(proxy, PROXY_BOARD, INT64_MAX / 1000, now);
            break;
        case BOARD_EVENT_REOPEN: proxy_close_link(proxy, PROXY_BOARD, PORT_RETRY_MS, now); break;
        }
    }
}
