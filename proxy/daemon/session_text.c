#include "daemon/session_text.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/quoted.h"

static const char *const port_words[PROXY_PORTS] = {
    [PROXY_HOST] = "host   ", [PROXY_PRINTER] = "printer",
    [PROXY_BOARD] = "board  ", [PROXY_SHARE] = "guest  "};

void session_text_init(struct session_text *session, FILE *to, struct instant begin)
{
    memset(session, 0, sizeof *session);
    session->to = to;
    session->begin = begin;
}

static void begin_line(const struct session_text *session, const char *port, char mark,
                       struct instant now)
{
    fprintf(session->to, "%13.6f  %s %c ", (double)(now.us - session->begin.us) / 1e6, port, mark);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void write_line(struct session_text *session, enum proxy_port port, char mark,
                       struct session_line *line, struct instant now)
{
    char bytes[4 * SESSION_TEXT_LINE + 16];
    struct text text = TEXT_IN(bytes);
    size_t kept = line->length < SESSION_TEXT_LINE ? line->length : SESSION_TEXT_LINE;

    quoted_add(&text, (struct span){line->bytes, kept}, kept);
    begin_line(session, port_words[port], mark, now);
    fprintf(session->to, "%.*s%s\n", (int)text.length, text.data, line->length > kept ? "…" : "");
    line->length = 0;
}

static void add_bytes(struct session_text *session, enum proxy_port port, char mark,
                      struct session_line *line, struct span bytes, struct instant now)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.data[i] == '\n') {
            write_line(session, port, mark, line, now);
            continue;
        }
        if (line->length < SESSION_TEXT_LINE)
            line->bytes[line->length] = bytes.data[i];
        line->length++;
    }
}

void session_text_end(struct session_text *session, struct instant now)
{
    for (enum proxy_port port = 0; port < PROXY_PORTS; port++) {
        if (session->from[port].length > 0)
            write_line(session, port, '>', &session->from[port], now);
        if (session->sent[port].length > 0)
            write_line(session, port, '<', &session->sent[port], now);
    }
}

/* --- the rest --------------------------------------------------------------------------------- */

static void write_reason(const struct session_text *session, struct span reason)
{
    char bytes[256];
    struct text text = TEXT_IN(bytes);

    if (reason.length > 0) {
        text_add_char(&text, ' ');
        quoted_add(&text, reason, reason.length);
    }
    fprintf(session->to, "%.*s\n", (int)text.length, text.data);
}

static void write_request(const struct session_text *session, const struct request *request)
{
    char bytes[sizeof request->line + 16];
    struct text text = TEXT_IN(bytes);

    switch (request->kind) {
    case REQUEST_SET: fprintf(session->to, "set %s %d\n", request->point, request->value); return;
    case REQUEST_PULSE:
        fprintf(session->to, "pulse %s %" PRId64 "ms\n", request->point, request->ms);
        return;
    case REQUEST_SEND:
        quoted_add(&text, span_of(request->line), sizeof request->line);
        fprintf(session->to, "send %.*s\n", (int)text.length, text.data);
        return;
    case REQUEST_CONTINUE: fputs("continue\n", session->to); return;
    case REQUEST_TRIP: fputs("estop trip\n", session->to); return;
    case REQUEST_RESET: fputs("estop reset\n", session->to); return;
    case REQUEST_POWER: fprintf(session->to, "psu %s\n", request->value ? "on" : "off"); return;
    case REQUEST_POWER_FORCED: fputs("psu off --force\n", session->to); return;
    case REQUEST_EXIT: fputs("exit\n", session->to); return;
    }
}

void session_text_input(struct session_text *session, const struct proxy_input *input,
                        struct instant now)
{
    enum proxy_port port = input->port;

    switch (input->kind) {
    case PROXY_BYTES:
        add_bytes(session, port, '>', &session->from[port], input->bytes, now);
        return;
    case PROXY_SENT:
        add_bytes(session, port, '<', &session->sent[port], input->bytes, now);
        return;
    case PROXY_OPENED:
        begin_line(session, port_words[port], '-', now);
        fprintf(session->to, "opened %" PRId64 "\n", input->number);
        return;
    case PROXY_CLOSED:
        begin_line(session, port_words[port], '-', now);
        fprintf(session->to, "closed %" PRId64, input->number);
        write_reason(session, input->bytes);
        return;
    case PROXY_SPEED:
        begin_line(session, port_words[port], '-', now);
        fprintf(session->to, "speed %" PRId64 "\n", input->number);
        return;
    case PROXY_ASKED:
        begin_line(session, "asked  ", '-', now);
        write_request(session, input->request);
        return;
    case PROXY_ENDED:
        begin_line(session, "program", '-', now);
        fprintf(session->to, "%" PRId64 " ended", input->number);
        write_reason(session, input->bytes);
        return;
    case PROXY_TICK: return;
    }
}

void session_text_order(struct session_text *session, const struct order *order,
                        struct instant now)
{
    static const char *const words[] = {
        [ORDER_OPEN] = "open",       [ORDER_CLOSE] = "close",   [ORDER_SPEED] = "speed",
        [ORDER_DTR] = "pulse DTR",   [ORDER_DISCARD] = "discard", [ORDER_ANSWER] = "answer",
        [ORDER_SAVE] = "save",       [ORDER_RUN] = "run",       [ORDER_END] = "end",
    };
    bool program = order->kind == ORDER_RUN || order->kind == ORDER_END;

    if (order->kind >= sizeof words / sizeof *words || words[order->kind] == NULL)
        return;
    if (program)
        begin_line(session, "program", '!', now);
    else if (order->kind == ORDER_ANSWER || order->kind == ORDER_SAVE)
        begin_line(session, "       ", '!', now); /* of no port */
    else
        begin_line(session, port_words[order->port], '!', now);
    if (program)
        fprintf(session->to, "%" PRId64 " ", order->number);
    fprintf(session->to, "%s%s", words[order->kind],
            order->kind != ORDER_ANSWER ? "" : order->ok ? " ok" : " no");
    write_reason(session, span_of(order->text));
}

void session_text_event(struct session_text *session, const struct event *event)
{
    bool log = event->kind == EVENT_LOG;

    begin_line(session, "       ", '*', event->at);
    fprintf(session->to, "%s%s%s%s%s%s%s\n", event_word(event->kind),
            event->name[0] != '\0' ? " " : "", event->name, event->state[0] != '\0' ? " " : "",
            event->state, event->cause[0] != '\0' || log ? ": " : "", event->cause);
}
