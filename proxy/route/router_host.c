#include "route/router.h"

void router_host_opened(struct router *router, struct instant now)
{
    char bytes[96];
    struct text text = TEXT_IN(bytes);
    uint32_t dropped;

    router->host_connected = true;
    router->pausing = false;
    router->pausing_until = INSTANT_NEVER;
    router->busy_seen = false;
    router->owing = false;
    router->quiet_since = now;
    outbox_clear(&router->to_host);
    host_session_opened(&router->host);
    ledger_forget(&router->ledger);
    router->front_debt = 0;
    router_filament_host_gone(router, now);
    plans_end_stream(&router->plans, SPAN("the host opened the port anew"));
    sent_lines_disown(&router->printer.lines, SENDER_HOST, SENDER_NOBODY);
    router->last_numbered = false;
    router->touched = true;
    router->touched_ahead = 0;
    router->after_reset = false;
    router->cancel_told = false;
    router->opened_shut = router->gate == ROUTER_SHUT;
    if (router->printer_state == PRINTER_HALTED) {
        printer_session_forget(&router->printer); /* deaf: it will not answer any more */
        plans_printer_gone(&router->plans, SPAN("the printer is halted"));
    }
    dropped = host_session_clear(&router->host);
    router->upload_void = false;
    router->upload_orphaned = router->uploading && !router->upload_ending;
    router->front = plans_stream(&router->plans) == NULL ? FRONT_NEW : FRONT_PLANNED;
    print_job_host_opened(&router->job);
    events_add(&router->events, EVENT_HOST, SPAN_NONE, SPAN("connected"), SPAN_NONE, now)->is =
        FACT_HOST_CONNECTED;
    if (dropped > 0) {
        text_add_integer(&text, dropped);
        text_add_string(&text, dropped == 1 ? " line of the host before was still waiting: dropped"
                                            : " lines of the host before were still waiting: dropped");
        router_tell(router, LOG_WARNING, text_span(&text), now);
    }
}

void router_host_closed(struct router *router, struct instant now)
{
    router->host_connected = false;
    router->owing = false;
    router->pausing = false;
    router->pausing_until = INSTANT_NEVER;
    outbox_clear(&router->to_host);
    ledger_forget(&router->ledger);
    router->front_debt = 0;
    router_filament_host_gone(router, now);
    if (binary_transfer_runs(&router->binary))
        router_uploading(router, false);
    router->upload_orphaned = router->host.uploading;
    host_session_opened(&router->host); /* half a line is nobody's any more */
    sent_lines_disown(&router->printer.lines, SENDER_HOST, SENDER_NOBODY);
    plans_continue(&router->plans, SPAN("the host closed the port"));
    print_job_host_closed(&router->job);
    router_job_facts(router, SPAN("the host closed the port"), now);
    events_add(&router->events, EVENT_HOST, SPAN_NONE, SPAN("disconnected"), SPAN_NONE, now)->is =
        FACT_HOST_DISCONNECTED;
}

enum host_verdict router_host_bytes(struct router *router, struct span *bytes,
                                    struct gcode_line *ret_line)
{
    enum host_verdict verdict;
    char resend_bytes[48];
    struct text resend = TEXT_IN(resend_bytes);

    if (binary_transfer_runs(&router->binary)) {
        binary_transfer_host(&router->binary, *bytes);
        outbox_add(&router->to_printer, router->to_printer_bytes, *bytes);
        *bytes = SPAN_NONE;
        return HOST_NOTHING;
    }
    verdict = host_session_receive(&router->host, bytes, ret_line);
    if (verdict == HOST_REFUSED) {
        text_add_string(&resend, "Resend: ");
        text_add_integer(&resend, host_session_expected(&router->host));
        text_add_string(&resend, "\nok\n"); /* in one piece: nothing may come between */
        router_to_host(router, text_span(&resend));
    }
    return verdict;
}

void router_touch(struct router *router)
{
    router->touched = true;
    router->touched_ahead = router->host.queue.count;
}

bool router_emergency(struct router *router, const struct gcode_line *line, struct instant now)
{
    char bytes[LINE_CAPACITY + 64];
    struct text text = TEXT_IN(bytes);
    enum gcode_emergency emergency = gcode_line_emergency(line);
    bool nothing_waits = router->host.queue.count == 0 && router->plans.stream == PLAN_NONE;
    bool ended = false;
    struct tag tag = {SENDER_HOST, 0, 0};

    if (router->uploading) {
        /* The host has sent its M29, the printer has not carried it out: file content till then. */
        host_session_queue(&router->host, line);
        return false;
    }
    if (emergency == GCODE_M108 || emergency == GCODE_M410)
        ended = plans_continue(&router->plans, line->command);
    print_job_line(&router->job, line);
    router_job_facts(router, line->command, now);
    if (router->standin || router->gate == ROUTER_SHUT ||
        router->printer_state == PRINTER_OFFLINE ||
        outbox_room(&router->to_printer) < sizeof bytes || /* a flood that nobody takes */
        !printer_session_can_overtake(&router->printer, line->command)) {
        router_touch(router);
        router_pay(router, 0, SPAN("ok\n"), now);
        return ended;
    }
    tag.serial = ledger_owe_real(&router->ledger, line->numbered ? line->number : -1);
    if (line->numbered && !printer_session_counts(&router->printer))
        nothing_waits = false; /* it waits for no M110 of ours */
    if (!nothing_waits || !printer_session_can_send(&router->printer, line, line->numbered) ||
        !printer_session_send(&router->printer, line, line->numbered, tag, &text, now)) {
        router_touch(router);
        printer_session_overtake(&router->printer, line->command, tag, &text, now);
    }
    outbox_add(&router->to_printer, router->to_printer_bytes, text_span(&text));
    if (emergency == GCODE_M108 || emergency == GCODE_M876)
        filament_emergency(&router->filament, line, now);
    return ended;
}
