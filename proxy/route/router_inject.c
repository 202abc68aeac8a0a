#include "route/router.h"

enum inject_result router_inject(struct router *router, uint8_t slot, struct span command,
                                 struct instant now)
{
    struct tag tag = {SENDER_PLAN, slot, router->plans.plan[slot].serial};

    return router_inject_as(router, tag, command, now);
}

/*
 * M400 at a printer that does nothing any more: it is off, or halted. Whoever waits for the head
 * has waited long enough: power off after a stop must not depend on it.
 */
static bool stands_still(const struct gcode_line *line)
{
    return gcode_line_is(line, 'M', 400);
}

enum inject_result router_inject_as(struct router *router, struct tag tag, struct span command,
                                    struct instant now)
{
    char raw_bytes[LINE_CAPACITY + 2], bytes[LINE_CAPACITY + 64];
    struct text raw = TEXT_IN(raw_bytes), text = TEXT_IN(bytes);
    struct gcode_line line;
    bool sent;

    text_add(&raw, command);
    text_add_char(&raw, '\n');
    gcode_line_parse(text_span(&raw), &line);
    while (gcode_line_numbered_twice(&line)) /* numbers are ours; none may be left if it has none */
        gcode_line_parse(span_skip(line.raw, (size_t)(line.command.data - line.raw.data)), &line);
    if (line.blank || line.comment_only)
        return INJECT_DONE;
    if (router->gate == ROUTER_SHUT)
        return stands_still(&line) ? INJECT_DONE : INJECT_SHUT;
    /* Halted, Klipper still answers (FIRMWARE_RESTART is for then); everything else is deaf. */
    if (router->printer_state == PRINTER_HALTED && !router->standin &&
        firmware_at(router->firmware)->checks_numbers)
        return stands_still(&line) ? INJECT_DONE : INJECT_HALTED;
    if (router->standin)
        return stands_still(&line) ? INJECT_DONE : INJECT_NEVER;
    if (router->printer_state == PRINTER_OFFLINE || router->uploading ||
        outbox_room(&router->to_printer) < sizeof bytes)
        return INJECT_LATER;
    if (gcode_line_emergency(&line) != GCODE_ORDINARY) {
        if (!printer_session_can_overtake(&router->printer, line.command))
            return INJECT_LATER;
        printer_session_overtake(&router->printer, line.command, tag, &text, now);
        sent = true;
    } else {
        if (printer_session_asks_first(&router->printer, now) ||
            !printer_session_can_send(&router->printer, &line, router->last_numbered))
            return INJECT_LATER;
        sent = printer_session_send(&router->printer, &line, router->last_numbered, tag, &text,
                                    now);
    }
    outbox_add(&router->to_printer, router->to_printer_bytes, text_span(&text));
    if (!sent)
        return INJECT_LATER;
    router->counters.injected++;
    router->touched = true;
    extrusion_sent(&router->extrusion, &line, 0);
    return INJECT_SENT;
}
