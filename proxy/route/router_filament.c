#include "route/router.h"

#include <string.h>

void router_filament_print(struct router *router, struct instant now)
{
    const struct print_job *job = &router->job;
    enum filament_job state = FILAMENT_NO_JOB;

    if (job->state == PRINT_PRINTING)
        state = FILAMENT_PRINTING;
    else if (job->state == PRINT_PAUSED)
        state = FILAMENT_PAUSED;
    filament_print(&router->filament, state, print_job_of_card(job), now);
}

void router_release_ok(struct router *router, struct instant now)
{
    uint32_t serial = router->ok_debt;

    if (serial == 0)
        return;
    router->ok_debt = 0;
    router_pay(router, serial, (struct span){router->ok, router->ok_length}, now);
    /* It was all that the host waited for, which so cannot have sent another line. */
    if (router->ledger.count == 0 && router->host.queue.count == 0)
        print_job_stands(&router->job);
}

/* At most one ok is kept back, the newest: another that came before goes out in its turn. */
static void hold_ok(struct router *router, uint32_t serial, struct span ok, struct instant now)
{
    struct text text = {router->ok, sizeof router->ok, 0, false};

    router_release_ok(router, now);
    text_add(&text, ok);
    router->ok_length = (uint16_t)text.length;
    router->ok_debt = serial;
}

bool router_filament_holds(struct router *router, uint32_t serial, struct span ok,
                           struct instant now)
{
    if (filament_holds(&router->filament) && !router->pausing) {
        hold_ok(router, serial, ok, now);
        filament_held(&router->filament, now);
        return true;
    }
    if (router->ok_debt == 0)
        return false;
    hold_ok(router, serial, ok, now);
    return true;
}

void router_filament_acked(struct router *router, uint32_t serial, struct instant now)
{
    struct extruded amount;

    if (extrusion_acked(&router->extrusion, serial, &amount))
        filament_extruded(&router->filament, amount.tool, amount.um, now);
    if (serial == router->change_debt && serial != 0) {
        router->change_debt = 0;
        filament_host_answered(&router->filament, now);
    }
}

/* A line that needs no printer is answered, at its turn. */
static enum front_fate answer(struct router *router, bool turn, struct span ok, struct instant now)
{
    if (!turn)
        return FRONT_STAYS;
    router->touched = true;
    router_pay(router, router->front_debt, ok, now);
    return FRONT_TAKEN;
}

enum front_fate router_filament_front(struct router *router, const struct gcode_line *line,
                                      struct instant now)
{
    struct filament *filament = &router->filament;
    bool turn = router->front_debt != 0 || router->ledger.count == 0;
    char bytes[512];
    struct text text = TEXT_IN(bytes);
    int32_t um;

    if (router->uploading || (filament->sensors == 0 && filament->state == FILAMENT_WATCHES))
        return FRONT_PASSES;
    router_filament_print(router, now);
    um = extrusion_of(&router->extrusion, line).um;
    if (!turn && filament_keeps(filament, line, um))
        return FRONT_STAYS;
    switch (filament_gate(filament, line, um, now)) {
    case FILAMENT_PASSES: return FRONT_PASSES;
    case FILAMENT_WAITS: return FRONT_STAYS;
    case FILAMENT_CACHED:
        temperatures_answer(&router->temperatures, &text);
        return answer(router, turn, text_span(&text), now);
    case FILAMENT_ACKED: return answer(router, turn, SPAN("ok\n"), now);
    case FILAMENT_KEPT:
        router->touched = true;
        if (router->front_debt == 0 && router->host_connected)
            router->front_debt =
                ledger_owe_real(&router->ledger, line->numbered ? line->number : -1);
        if (router->front_debt != 0)
            hold_ok(router, router->front_debt, SPAN("ok\n"), now);
        return FRONT_TAKEN;
    }
    return FRONT_PASSES;
}

void router_filament_sent(struct router *router, const struct gcode_line *line, uint32_t serial,
                          struct instant now)
{
    if (router->uploading)
        return;
    extrusion_sent(&router->extrusion, line, serial);
    if (router->filament.state != FILAMENT_HOSTS || !gcode_line_is(line, 'M', 600))
        return;
    router->change_debt = serial;
    if (serial == 0)
        filament_host_closed(&router->filament, now); /* nobody will hear its ok */
}

void router_filament_answered(struct router *router, uint32_t serial, struct instant now)
{
    if (serial == router->change_serial)
        filament_answered(&router->filament, now);
}

bool router_filament_inject(struct router *router, struct span command, struct instant now)
{
    struct tag tag = {SENDER_FILAMENT, 0, router->change_serial + 1};

    switch (router_inject_as(router, tag, command, now)) {
    case INJECT_SENT: router->change_serial++; return true;
    case INJECT_LATER: return false;
    case INJECT_DONE: filament_answered(&router->filament, now); return true;
    case INJECT_SHUT:
    case INJECT_HALTED:
    case INJECT_NEVER: filament_failed(&router->filament, now); return true;
    }
    return true;
}

void router_filament_press(struct router *router, struct span command, struct instant now)
{
    char bytes[64];
    struct text text = TEXT_IN(bytes);

    if (router->standin || router->gate == ROUTER_SHUT || router->printer_state != PRINTER_ONLINE ||
        outbox_room(&router->to_printer) < sizeof bytes ||
        !printer_session_can_overtake(&router->printer, command))
        return; /* it is pressed again while the printer waits */
    printer_session_overtake(&router->printer, command, (struct tag){SENDER_NOBODY, 0, 0}, &text,
                             now);
    outbox_add(&router->to_printer, router->to_printer_bytes, text_span(&text));
    router->counters.injected++;
    router->touched = true;
}

void router_filament_broken(struct router *router, struct instant now)
{
    router->ok_debt = 0;
    router->change_debt = 0;
    router->change_serial++; /* what comes late is nobody's */
    filament_broken(&router->filament, now);
}

void router_filament_host_gone(struct router *router, struct instant now)
{
    router->ok_debt = 0;
    router->change_debt = 0;
    filament_host_closed(&router->filament, now);
}

const char *router_filament_check(const struct router *router)
{
    const char *broken = filament_check(&router->filament);
    const struct filament *filament = &router->filament;
    bool released = (filament->pending & 1u << FILAMENT_RELEASE_OK) != 0;
    bool sent = false;

    if (broken == NULL)
        broken = extrusion_check(&router->extrusion);
    if (broken != NULL)
        return broken;
    if (router->ok_debt != 0 && !ledger_owes(&router->ledger, router->ok_debt))
        return "router: an ok is kept back that nobody is owed";
    if (router->ok_debt != 0 && !filament->holding && !released)
        return "router: an ok is kept back and nothing will release it";
    for (unsigned i = 0; i < router->printer.lines.unanswered; i++) {
        struct tag tag = sent_lines_tag(&router->printer.lines, i);

        sent = sent || (tag.sender == SENDER_FILAMENT && tag.serial == router->change_serial);
    }
    if ((filament->state == FILAMENT_SENT || filament->state == FILAMENT_CHANGES ||
         filament->state == FILAMENT_RETURNS) &&
        !sent && (filament->pending & 1u << FILAMENT_INJECT) == 0)
        return "router: filament waits for an answer that no line at the printer will bring";
    return NULL;
}
