#include "route/router.h"

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

/* `warning: …: ` and the command of a line that was sent, for the host and the log. */
static void tell_line(struct router *router, enum log_level level, const char *sentence,
                      struct span sent, struct instant now)
{
    char bytes[256];
    struct text text = TEXT_IN(bytes);
    struct gcode_line line;

    gcode_line_parse(sent, &line);
    text_add_string(&text, sentence);
    text_add(&text, (struct span){line.command.data, line.command.length < COMMAND_TOLD
                                                         ? line.command.length
                                                         : COMMAND_TOLD});
    router_tell(router, level, text_span(&text), now);
}

void router_line_let_go(struct router *router, struct span sent, struct instant now)
{
    router->counters.lost_lines++;
    router->touched = true;
    router_action(router, SPAN("cancel"));
    tell_line(router, LOG_ERROR,
              "error: the printer asks for the same line again and again: print cancelled, "
              "not sent: ",
              sent, now);
}

void router_line_again(struct router *router, struct span sent, struct instant now)
{
    tell_line(router, LOG_WARNING,
              "warning: the printer asks again for a line it has answered: ", sent, now);
}
