#include "proxy_state.h"

bool proxy_is_halt(struct span line)
{
    struct gcode_line parsed;

    gcode_line_parse(line, &parsed);
    return gcode_line_emergency(&parsed) == GCODE_M112;
}

void proxy_halt(struct proxy *proxy, struct span cause, struct instant now)
{
    struct router *router = &proxy->router;
    struct plans *plans = &router->plans;
    struct plan_action action;
    bool again = proxy->halt.active;

    /* Said again, it ends whatever has begun since: the printer may have been reset meanwhile. */
    proxy->halt.in_upload = router->uploading || (again && proxy->halt.in_upload);
    proxy->halt.pulse_dtr =
        binary_transfer_runs(&router->binary) || (again && proxy->halt.pulse_dtr);
    plans_end_all(plans, STEP_ESTOP, SPAN("the printer is halted"));
    router_halt(router, now);
    if (proxy->printer_link.open) {
        proxy_order(proxy, ORDER_DISCARD, PROXY_PRINTER, 0);
        proxy->halt.active = true;
        if (!again)
            proxy->halt.next =
                instant_after_ms(now, proxy->halt.in_upload ? HALT_UPLOAD_MS : HALT_REPEAT_MS);
        proxy->halt.until = instant_after_ms(now, HALT_MS);
    } else {
        outbox_clear(&router->to_printer);
    }
    while (plans_next_action(plans, true, now, &action))
        proxy_plan_action(proxy, &action, now);
    proxy_share_halted(proxy);
    proxy_apply(proxy, POINTS_HALT, now);
    if (!again) /* a host says M112 two or three times */
        router_tell(router, LOG_ERROR, cause, now);
}

void proxy_halt_end(struct proxy *proxy)
{
    proxy->halt.active = false;
    proxy->halt.next = INSTANT_NEVER;
}

/* M112 again, until the printer says that it is halted. */
void proxy_halt_expire(struct proxy *proxy, struct instant now)
{
    struct router *router = &proxy->router;
    int64_t next_ms = HALT_REPEAT_MS;

    if (!proxy->halt.active)
        return;
    if (router->printer_state == PRINTER_HALTED || !proxy->printer_link.open ||
        instant_due(proxy->halt.until, now)) {
        proxy_halt_end(proxy);
        return;
    }
    if (!instant_due(proxy->halt.next, now))
        return;
    if (proxy->halt.in_upload) {
        proxy->halt.in_upload = false;
        next_ms = HALT_UPLOAD_END_MS;
        outbox_add(&router->to_printer, router->to_printer_bytes, SPAN("\nM29\n"));
    } else {
        outbox_add(&router->to_printer, router->to_printer_bytes, SPAN("\nM112\n"));
        /* Not obeyed for so long, it may be file content, whatever is known of that. */
        if (instant_ms_since(now, proxy->halt.until) < HALT_MS - HALT_UNHEARD_MS)
            outbox_add(&router->to_printer, router->to_printer_bytes, SPAN("M29\n"));
    }
    if (proxy->halt.pulse_dtr) {
        proxy->halt.pulse_dtr = false;
        proxy_order(proxy, ORDER_DTR, PROXY_PRINTER, 0);
        estop_pulsed(&proxy->estop);
    }
    proxy->halt.next = instant_after_ms(now, next_ms);
}

void proxy_halt_again(struct proxy *proxy, struct instant now)
{
    struct router *router = &proxy->router;

    if (!proxy->printer_link.open)
        return;
    outbox_clear(&router->to_printer);
    outbox_add(&router->to_printer, router->to_printer_bytes, SPAN("\nM112\n"));
    proxy->halt.active = true;
    proxy->halt.next = instant_after_ms(now, HALT_REPEAT_MS);
    proxy->halt.until = instant_after_ms(now, HALT_MS);
}

void proxy_halt_heard(struct proxy *proxy, struct instant now)
{
    const struct router *router = &proxy->router;

    if (!estop_is_latched(&proxy->estop) || proxy->halt.active ||
        !instant_due(proxy->halt.heard, now))
        return;
    if (router->printer_state == PRINTER_HALTED && !instant_due(proxy->halt.until, now))
        return; /* its last words */
    /* Its buffer ran over before it could read the first, or it was halted, and has been reset. */
    proxy_halt_again(proxy, now);
    proxy->halt.heard = instant_after_ms(now, HALT_HEARD_MS);
}
