#include "route/router.h"

#include <assert.h>

/*
 * What power says to the printer and hears of it: its questions (M105), and the lines that a
 * printer is told when it has booted.
 */

/* Slots of their tags; 1 is TAG_ENDS_UPLOAD. */
#define TAG_ASKED 2
#define TAG_SENT  3

void router_power_lost(struct router *router, struct instant now)
{
    bool failed = print_job_runs(&router->job);

    if (failed) {
        print_job_broken(&router->job);
        router_job_facts(router, SPAN("the power is gone"), now);
        router_action(router, SPAN("cancel"));
        router->after_reset = true;
    }
    line_framer_reset(&router->printer_framer); /* it may have died in the middle of a line */
    router_standin(router, true, now);
    router->cancel_told = failed;
    if (router->printer_state != PRINTER_OFFLINE)
        router_printer_state(router, PRINTER_SILENT, SPAN("the power is gone"), now);
}

/* A line to the printer, whether or not the stand-in answers the host's. False if it has to wait.
 */
static bool send(struct router *router, struct span command, uint8_t slot, struct instant now)
{
    char raw_bytes[48], bytes[160];
    struct text raw = TEXT_IN(raw_bytes), text = TEXT_IN(bytes);
    bool numbered = router->last_numbered && router->printer.numbers_known, sent;
    struct gcode_line line;

    text_add(&raw, command);
    text_add_char(&raw, '\n');
    assert(!raw.cut);
    gcode_line_parse(text_span(&raw), &line);
    if (router->printer_state == PRINTER_OFFLINE || router->printer_state == PRINTER_HALTED ||
        router->gate == ROUTER_SHUT || router->uploading ||
        outbox_room(&router->to_printer) < sizeof bytes)
        return false;
    if (router->standin)
        printer_session_forget(&router->printer); /* what was asked before, nobody has heard */
    if (!printer_session_can_send(&router->printer, &line, numbered))
        return false;
    sent = printer_session_send(&router->printer, &line, numbered,
                                (struct tag){SENDER_POWER, slot, router->power_serial}, &text, now);
    outbox_add(&router->to_printer, router->to_printer_bytes, text_span(&text));
    if (!sent)
        return false; /* an M110 of ours goes first */
    router->counters.injected++;
    router->touched = true;
    return true;
}

/* Does power still want to know? */
static bool wants_answer(const struct power *power)
{
    return power->state == POWER_BOOTING || power->state == POWER_CHECKING ||
           (power->state == POWER_RESTS && power->standin) || power->pending == POWER_WHEN_COOL;
}

bool router_power_sends(struct router *router, struct instant now)
{
    router->power_asks = router->power_asks && wants_answer(&router->power);
    router->power_sends = router->power_sends && router->power.state == POWER_REPLAYING;
    if (router->power_asks) {
        if (!send(router, SPAN("M105"), TAG_ASKED, now))
            return false;
        router->power_asks = false;
        router->power_asked = now;
        return true;
    }
    if (!router->power_sends)
        return false;
    router->power_serial++;
    if (!send(router, span_of(router->power.line), TAG_SENT, now))
        return false;
    router->power_sends = false;
    return true;
}

void router_power_answer(struct router *router, const struct tag *tag, struct span raw,
                         const struct printer_reply *reply, struct instant now)
{
    const struct temperatures *temperatures = &router->temperatures;

    if (tag->slot == TAG_ASKED) {
        power_cold(&router->power,
                   temperatures->at.us >= router->power_asked.us &&
                       temperatures_cold(temperatures, router->power.set.cool_below),
                   now);
        return;
    }
    /* Klipper says its name in the very ok. */
    if (reply->argument.length > 0 && span_starts(raw, SPAN("ok ")))
        router_to_host(router, span_skip(raw, 3));
    if (tag->serial == router->power_serial)
        power_answered(&router->power, now);
}
