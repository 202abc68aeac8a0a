#include <assert.h>
#include <string.h>

#include "proxy_state.h"

struct order *proxy_order(struct proxy *proxy, enum order_kind kind, enum proxy_port port,
                          int64_t number)
{
    struct order *order;

    assert(proxy->orders < ORDERS);
    order = &proxy->order[(proxy->first_order + proxy->orders) % ORDERS];
    proxy->orders++;
    order->kind = kind;
    order->port = port;
    order->number = number;
    order->ok = true;
    order->code = "";
    order->text[0] = '\0';
    return order;
}

void proxy_answer(struct proxy *proxy, int32_t client, bool ok, const char *code, struct span text)
{
    struct order *order;
    struct text built;

    order = proxy_order(proxy, ORDER_ANSWER, PROXY_HOST, client);
    order->ok = ok;
    order->code = code;
    built = (struct text){order->text, ORDER_TEXT - 1, 0, false};
    text_add(&built, text);
    order->text[built.length] = '\0';
}

/* A line that is not understood: a later version's, or somebody's who wrote it by hand. */
static void tell_unread(struct proxy *proxy, struct span line, struct instant now)
{
    char bytes[120];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "state file: not understood, and ignored: ");
    for (size_t i = 0; i < line.length && i < 60; i++)
        text_add_char(&text, line.data[i] < ' ' || line.data[i] > '~' ? '?' : line.data[i]);
    router_tell(&proxy->router, LOG_WARNING, text_span(&text), now);
}

/* A line of the state file but the latch. False if it says nothing that we know. */
static bool read_saved_line(struct proxy *proxy, struct span line, struct instant now)
{
    struct text off = {proxy->saved_off, sizeof proxy->saved_off - 1, 0, false};
    int64_t speed;

    if (span_starts(line, SPAN("speed ")) && text_integer(span_skip(line, 6), &speed) > 0 &&
        speed >= 300 && speed <= 10000000) {
        proxy->saved_baud = (uint32_t)speed;
        return true;
    }
    if (span_starts(line, SPAN("firmware "))) {
        router_firmware_was(&proxy->router, span_skip(line, 9));
        return true;
    }
    if (!power_recall(&proxy->router.power, line, now))
        return false;
    text_add(&off, line);
    proxy->saved_off[off.length] = '\0';
    return true;
}

/* What the state file says; true if the emergency stop is latched. */
static bool read_saved(struct proxy *proxy, struct span saved, struct instant now)
{
    bool latched = false;

    while (saved.length > 0) {
        size_t end = span_find(saved, '\n');
        struct span line = span_trim((struct span){saved.data, end});

        if (span_equal(line, SPAN("latch estop")))
            latched = true;
        else if (line.length > 0 && !read_saved_line(proxy, line, now))
            tell_unread(proxy, line, now);
        saved = span_skip(saved, end + 1);
    }
    return latched;
}

/* The port is to be opened now. */
static void open_link(struct proxy *proxy, struct link *link, enum proxy_port port)
{
    link->asked = true;
    link->retry = INSTANT_NEVER;
    proxy_order(proxy, ORDER_OPEN, port,
                port == PROXY_PRINTER ? proxy->baud : proxy->settings->board.baud);
}

void proxy_ports_init(struct proxy *proxy, struct span saved, struct instant now)
{
    proxy_estop_init(proxy, read_saved(proxy, saved, now), now);
    proxy->baud = proxy->settings->printer.baud;
    if (proxy->baud == 0)
        proxy->baud = proxy->saved_baud > 0 ? proxy->saved_baud : SPEED_DEFAULT;
    proxy->printer_link =
        (struct link){.wanted = true, .retry = INSTANT_NEVER, .changed = now};
    proxy->board_link = (struct link){.wanted = proxy->settings->board.kind != PORT_NONE,
                                      .retry = INSTANT_NEVER,
                                      .changed = now};
    open_link(proxy, &proxy->printer_link, PROXY_PRINTER);
    if (proxy->board_link.wanted)
        open_link(proxy, &proxy->board_link, PROXY_BOARD);
}

/* A port's trouble, or its end, is told once: on the host's terminal and in the log. */
static void tell_link(struct proxy *proxy, struct link *link, enum proxy_port port,
                      struct span reason, struct instant now)
{
    char bytes[200];
    struct text text = TEXT_IN(bytes);
    struct text told = {link->told, sizeof link->told - 1, 0, false};

    if (span_equal(span_of(link->told), reason))
        return;
    text_add(&told, reason);
    link->told[told.length] = '\0';
    text_add_string(&text, port == PROXY_PRINTER ? "printer: " : "board: ");
    text_add(&text, reason.length > 0 ? reason : SPAN("connected"));
    router_tell(&proxy->router, reason.length > 0 ? LOG_WARNING : LOG_INFO, text_span(&text), now);
}

/* What is wrong with a port is told to a host that comes later, too. */
static void tell_again(struct proxy *proxy, const struct link *link, enum proxy_port port)
{
    char bytes[240];
    struct text text = TEXT_IN(bytes);

    if (link->told[0] == '\0')
        return;
    text_add_string(&text, "echo:sioproxy ");
    text_add_string(&text, port == PROXY_PRINTER ? "printer: " : "board: ");
    text_add_string(&text, link->told);
    text_add_char(&text, '\n');
    router_to_host(&proxy->router, text_span(&text));
}

static void printer_opened(struct proxy *proxy, struct instant now)
{
    struct link *link = &proxy->printer_link;

    link->open = true;
    proxy->printer_lost = INSTANT_NEVER;
    router_printer_opened(&proxy->router, link->was_open,
                          link->was_open && !proxy->router.standin, now);
    link->was_open = true;
    proxy->printer_gone = false;
    power_port(&proxy->router.power, true, now);
    proxy_standin(proxy, now);
    proxy_estop_printer(proxy, true, now);
}

void proxy_opened(struct proxy *proxy, const struct proxy_input *input, struct instant now)
{
    switch (input->port) {
    case PROXY_HOST:
        proxy->host_lost = INSTANT_NEVER;
        router_host_opened(&proxy->router, now);
        tell_again(proxy, &proxy->printer_link, PROXY_PRINTER);
        tell_again(proxy, &proxy->board_link, PROXY_BOARD);
        proxy_estop_host(proxy, now);
        proxy_rules_host_heard(proxy, true, now);
        if (input->number > 0 && input->number <= UINT32_MAX)
            proxy_speed(proxy, (uint32_t)input->number);
        return;
    case PROXY_PRINTER:
        proxy->printer_link.asked = false;
        proxy->printer_link.changed = now;
        printer_opened(proxy, now);
        if (input->number > 0 && input->number != proxy->baud) /* the host has set it meanwhile */
            proxy_order(proxy, ORDER_SPEED, PROXY_PRINTER, proxy->baud);
        tell_link(proxy, &proxy->printer_link, PROXY_PRINTER, SPAN_NONE, now);
        return;
    case PROXY_BOARD:
        proxy->board_link.asked = false;
        proxy->board_link.open = true;
        proxy->board_link.changed = now;
        line_framer_reset(&proxy->board_framer);
        outbox_clear(&proxy->to_board);
        board_session_opened(&proxy->board, now);
        tell_link(proxy, &proxy->board_link, PROXY_BOARD, SPAN_NONE, now);
        return;
    case PROXY_SHARE: proxy_share_opened(proxy, now); return;
    }
}

/* The printer's port is gone, or was not to be had. */
static void printer_closed(struct proxy *proxy, struct instant now)
{
    bool was_open = proxy->printer_link.open;

    proxy->printer_link.open = false;
    router_printer_closed(&proxy->router, now);
    proxy_estop_printer(proxy, false, now);
    power_port(&proxy->router.power, false, now);
    if (!print_job_runs(&proxy->router.job))
        proxy->printer_gone = true;
    else if (was_open)
        proxy->printer_lost = instant_after_ms(now, PRINTER_LOST_MS);
    proxy_standin(proxy, now);
}

void proxy_closed(struct proxy *proxy, const struct proxy_input *input, struct instant now)
{
    struct span reason = input->bytes.length > 0 ? input->bytes : SPAN("lost");
    struct link *link = input->port == PROXY_PRINTER ? &proxy->printer_link : &proxy->board_link;

    if (input->port == PROXY_HOST) {
        router_host_closed(&proxy->router, now);
        proxy_rules_host_heard(proxy, false, now);
        proxy->host_lost = instant_after_ms(now, HOST_LOST_MS);
        return;
    }
    if (input->port == PROXY_SHARE) {
        proxy_share_closed(proxy, now);
        return;
    }
    if (!link->open && !link->asked)
        return;
    link->asked = false;
    link->changed = now;
    if (input->port == PROXY_PRINTER) {
        printer_closed(proxy, now);
    } else {
        if (link->open)
            board_session_closed(&proxy->board, now);
        link->open = false;
        outbox_clear(&proxy->to_board);
    }
    tell_link(proxy, link, input->port, reason, now);
    link->retry = link->wanted ? instant_after_ms(now, PORT_RETRY_MS) : INSTANT_NEVER;
}

void proxy_close_link(struct proxy *proxy, enum proxy_port port, int64_t retry_ms,
                      struct instant now)
{
    struct link *link = port == PROXY_PRINTER ? &proxy->printer_link : &proxy->board_link;

    if (link->open)
        proxy_order(proxy, ORDER_CLOSE, port, 0);
    link->retry = instant_after_ms(now, retry_ms);
    link->changed = now;
    if (port == PROXY_PRINTER) {
        printer_closed(proxy, now);
    } else {
        board_session_closed(&proxy->board, now);
        outbox_clear(&proxy->to_board);
    }
    link->open = false;
}

void proxy_speed(struct proxy *proxy, uint32_t baud)
{
    proxy->host_baud = baud;
    if (proxy->settings->printer.baud != 0 || baud == proxy->baud ||
        print_job_runs(&proxy->router.job))
        return;
    proxy->baud = baud;
    if (proxy->printer_link.open)
        proxy_order(proxy, ORDER_SPEED, PROXY_PRINTER, baud);
}

void proxy_save(struct proxy *proxy)
{
    struct order *order = proxy_order(proxy, ORDER_SAVE, PROXY_PRINTER, 0);
    struct text text = {order->text, ORDER_TEXT - 1, 0, false};

    if (proxy->saved_baud > 0) {
        text_add_string(&text, "speed ");
        text_add_integer(&text, proxy->saved_baud);
        text_add_char(&text, '\n');
    }
    if (estop_is_latched(&proxy->estop))
        text_add_string(&text, "latch estop\n");
    if (proxy->saved_off[0] != '\0') {
        text_add_string(&text, proxy->saved_off);
        text_add_char(&text, '\n');
    }
    if (proxy->router.firmware_name[0] != '\0') {
        text_add_string(&text, "firmware ");
        text_add_string(&text, proxy->router.firmware_name);
        text_add_char(&text, '\n');
    }
    order->text[text.length] = '\0';
}

/* Has what is pending of the power changed since it was saved? */
static bool off_news(struct proxy *proxy)
{
    char bytes[POWER_KEPT_TEXT];
    struct text text = {bytes, sizeof bytes - 1, 0, false};

    power_keep(&proxy->router.power, &text);
    if (span_equal(text_span(&text), span_of(proxy->saved_off)))
        return false;
    bytes[text.length] = '\0';
    memcpy(proxy->saved_off, bytes, text.length + 1);
    return true;
}

void proxy_save_news(struct proxy *proxy)
{
    if (off_news(proxy) || proxy->router.firmware_news)
        proxy_save(proxy);
    proxy->router.firmware_news = false;
    if (proxy->router.printer_state != PRINTER_ONLINE)
        return;
    if (proxy->settings->printer.baud != 0 || proxy->saved_baud == proxy->baud)
        return;
    proxy->saved_baud = proxy->baud;
    proxy_save(proxy);
}

struct instant proxy_ports_deadline(const struct proxy *proxy)
{
    return instant_earlier(proxy->printer_lost,
                           instant_earlier(proxy->printer_link.retry, proxy->board_link.retry));
}

void proxy_ports_expire(struct proxy *proxy, struct instant now)
{
    if (instant_due(proxy->printer_link.retry, now))
        open_link(proxy, &proxy->printer_link, PROXY_PRINTER);
    if (instant_due(proxy->board_link.retry, now))
        open_link(proxy, &proxy->board_link, PROXY_BOARD);
    if (instant_due(proxy->printer_lost, now)) {
        proxy->printer_lost = INSTANT_NEVER;
        router_tell(&proxy->router, LOG_ERROR,
                    SPAN("printer: gone for a minute, the print is cancelled"), now);
        router_action(&proxy->router, SPAN("cancel"));
        proxy->printer_gone = true;
        proxy_standin(proxy, now);
    }
}
