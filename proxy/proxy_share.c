#include "proxy_state.h"

#define NAME SPAN("guest")

/* A guest's wish is not carried out: the guest is told, and once for each io the log. */
static void refuse(struct proxy *proxy, uint8_t io, struct span why, struct instant now)
{
    char bytes[160];
    struct text text = TEXT_IN(bytes);

    board_share_done(&proxy->share.board, why);
    if ((proxy->share.told >> io & 1) != 0)
        return;
    proxy->share.told |= UINT64_C(1) << io;
    text_add_string(&text, "guest: io ");
    text_add_integer(&text, io);
    text_add_string(&text, " is not switched: ");
    text_add(&text, why);
    events_add(&proxy->router.events, EVENT_LOG, SPAN_NONE, SPAN_NONE, text_span(&text), now)
        ->level = LOG_WARNING;
}

static uint8_t point_of(const struct settings *settings, uint8_t io)
{
    for (uint8_t i = 0; i < settings->points; i++) {
        if (settings->point[i].io == io)
            return i;
    }
    return POINT_NONE;
}

/* A point is switched by a plan, as by any client: what holds or guards it sees to that. */
static void set_point(struct proxy *proxy, struct share_wish wish, uint8_t point,
                      struct instant now)
{
    const struct point_settings *set = &proxy->settings->point[point];
    struct step step = {.kind = STEP_SET};
    struct plan_start start = {.rule = NAME, .step = &step, .steps = 1, .client = CLIENT_GUEST};
    char bytes[96];
    struct text why = TEXT_IN(bytes);
    uint8_t slot;

    step.argument[0] = span_of(set->name);
    step.argument[1] = wish.high == set->active_high ? SPAN("on") : SPAN("off");
    if (plans_start(&proxy->router.plans, &start, proxy->settings, &why, now, &slot) != STEP_OK)
        refuse(proxy, wish.io, text_span(&why), now);
    else
        proxy->share.plan = true;
}

/* An output that has no name here. */
static void set_output(struct proxy *proxy, struct share_wish wish, struct instant now)
{
    const struct board_levels *levels = &proxy->board.levels;

    if (!board_session_online(&proxy->board)) {
        refuse(proxy, wish.io, SPAN("the IO board is not connected"), now);
    } else if (levels->types_count > 0 && proxy->board.constants.count > 0 &&
               (levels->outputs >> wish.io & 1) == 0) {
        refuse(proxy, wish.io, SPAN("Atmpt set IO not an output"), now);
    } else if (board_session_want(&proxy->board, wish.io, wish.high, now) != BOARD_WANTED) {
        refuse(proxy, wish.io, SPAN("the board has no such io"), now);
    } else {
        proxy->share.waits = true;
        proxy->share.io = wish.io;
    }
}

static void begin(struct proxy *proxy, struct share_wish wish, struct instant now)
{
    enum share_writes writes = proxy->settings->share_writes;
    uint8_t point = point_of(proxy->settings, wish.io);
    const struct point_settings *set = point == POINT_NONE ? NULL : &proxy->settings->point[point];

    if (set != NULL && (set->type == POINT_INPUT || set->type == POINT_DHT))
        refuse(proxy, wish.io, SPAN("Atmpt set IO not an output"), now);
    else if (writes == SHARE_NONE)
        refuse(proxy, wish.io, SPAN("guests switch nothing here"), now);
    else if (set == NULL && writes != SHARE_ALL)
        refuse(proxy, wish.io, SPAN("it is no point, and guests switch points only"), now);
    else if (set == NULL)
        set_output(proxy, wish, now);
    else if (set->guarded)
        refuse(proxy, wish.io, SPAN("it is private"), now);
    else
        set_point(proxy, wish, point, now);
}

/* What became of an output without a name. True if that is known now. */
static bool is_done(struct proxy *proxy, struct instant now)
{
    uint8_t io = proxy->share.io;
    enum board_outcome outcome = board_session_outcome(&proxy->board, io);

    if (outcome == BOARD_PENDING && board_session_online(&proxy->board))
        return false;
    if (outcome == BOARD_FAILED)
        refuse(proxy, io, SPAN("the output does not switch"), now);
    else if (!board_session_online(&proxy->board))
        refuse(proxy, io, SPAN("the IO board does not answer"), now);
    else
        board_share_done(&proxy->share.board, SPAN_NONE);
    proxy->share.waits = false;
    return true;
}

bool proxy_share_moves(struct proxy *proxy, struct instant now)
{
    struct share_wish wish;
    bool moved = false;

    board_share_look(&proxy->share.board, &proxy->board, now);
    if (proxy->share.waits)
        moved = is_done(proxy, now);
    while (!proxy->share.plan && !proxy->share.waits &&
           board_share_next_wish(&proxy->share.board, &wish)) {
        begin(proxy, wish, now);
        moved = true;
    }
    return moved;
}

void proxy_share_over(struct proxy *proxy, const struct plan *plan, struct instant now)
{
    uint8_t point = plan->step[0].point;

    proxy->share.plan = false;
    board_share_look(&proxy->share.board, &proxy->board, now);
    if (plan->failed && point < proxy->settings->points)
        refuse(proxy, proxy->settings->point[point].io, span_of(plan->why), now);
    else
        board_share_done(&proxy->share.board, span_of(plan->failed ? plan->why : ""));
}

void proxy_share_halted(struct proxy *proxy)
{
    board_share_refuse(&proxy->share.board, SPAN("the printer is halted"));
}

static void tell(struct proxy *proxy, struct span words, struct instant now)
{
    events_add(&proxy->router.events, EVENT_LOG, SPAN_NONE, SPAN_NONE, words, now);
}

void proxy_share_opened(struct proxy *proxy, struct instant now)
{
    proxy->share.told = 0;
    board_share_opened(&proxy->share.board, now);
    tell(proxy, SPAN("guest connected to the board's share"), now);
}

void proxy_share_closed(struct proxy *proxy, struct instant now)
{
    board_share_closed(&proxy->share.board);
    tell(proxy, SPAN("guest disconnected"), now);
}
