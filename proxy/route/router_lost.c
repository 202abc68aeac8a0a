#include "route/router.h"

#include "route/standin.h"

/*
 * What becomes of lines of which the printer's ok is lost, or that it never takes: each sender gets
 * its answer all the same, and it is told and counted.
 */

#define COMMAND_TOLD 96

void router_make_up(struct router *router, struct instant now)
{
    struct debt debt;

    for (uint32_t i = 0; i < router->ledger.count;) {
        debt = router->ledger.debt[i];
        if (!debt.real || debt.serial == router->front_debt) {
            i++;
            continue;
        }
        ledger_pay(&router->ledger, debt.serial, &debt);
        router->counters.lost_oks++;
        router->quiet_since = now;
        router_to_host(router, SPAN("ok\n"));
    }
}

void router_lost_ok(struct router *router, const struct printer_answer *given, struct instant now)
{
    static const struct printer_reply none = {.kind = REPLY_OK, .number = -1};

    if (!given->overtook) {
        router->counters.lost_oks++;
        router_tell(router, LOG_WARNING, SPAN("an ok of the printer was lost: made up"), now);
    }
    router_answer(router, SPAN("ok\n"), &none, given, now);
}

/* A sentence and the command that it is about, for the host and the log. */
static void tell_line(struct router *router, enum log_level level, const char *sentence,
                      const struct gcode_line *line, struct instant now)
{
    char bytes[256];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, sentence);
    text_add(&text, (struct span){line->command.data, line->command.length < COMMAND_TOLD
                                                          ? line->command.length
                                                          : COMMAND_TOLD});
    router_tell(router, level, text_span(&text), now);
}

/* A heater is switched off though the printer takes no number. False where that cannot go. */
static bool send_bare(struct router *router, const struct gcode_line *line, struct instant now)
{
    char bytes[LINE_CAPACITY + 2];
    struct text text = TEXT_IN(bytes);

    if (!standin_cold(line) || router->uploading ||
        outbox_room(&router->to_printer) < sizeof bytes ||
        !printer_session_can_overtake(&router->printer, line->command))
        return false;
    printer_session_overtake(&router->printer, line->command, (struct tag){0}, &text, now);
    outbox_add(&router->to_printer, router->to_printer_bytes, text_span(&text));
    return true;
}

void router_line_let_go(struct router *router, struct span sent, struct instant now)
{
    static const char not_sent[] = "error: the printer asks for the same line again and again: "
                                   "print cancelled, not sent: ";
    static const char bare[] = "error: the printer asks for the same line again and again: "
                               "print cancelled, sent without its number: ";
    char bytes[LINE_CAPACITY + 32];
    struct text copy = TEXT_IN(bytes); /* what is sent now may take its place */
    struct gcode_line line;

    text_add(&copy, sent);
    gcode_line_parse(text_span(&copy), &line);
    router->counters.lost_lines++;
    router->touched = true;
    router_action(router, SPAN("cancel"));
    if (gcode_line_is(&line, 'M', 28))
        router_upload_lost(router); /* what belongs into its file would be carried out */
    tell_line(router, LOG_ERROR, send_bare(router, &line, now) ? bare : not_sent, &line, now);
}

void router_line_again(struct router *router, struct span sent, struct instant now)
{
    struct gcode_line line;

    gcode_line_parse(sent, &line);
    tell_line(router, LOG_WARNING,
              "warning: the printer asks again for a line it has answered: ", &line, now);
}
