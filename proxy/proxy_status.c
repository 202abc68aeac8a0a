#include <string.h>

#include "proxy_state.h"

static void copy(char *field, size_t size, struct span words)
{
    struct text text = {field, size - 1, 0, false};

    text_add(&text, words);
    field[text.length] = '\0';
}

/* tool0, bed, chamber: as the host's own interface calls them. */
static void heater_name(const struct printer_reply_heater *heater, char *field, size_t size)
{
    struct text text = {field, size - 1, 0, false};

    switch (heater->name) {
    case 'B': text_add_string(&text, "bed"); break;
    case 'C': text_add_string(&text, "chamber"); break;
    default:
        text_add_string(&text, "tool");
        text_add_integer(&text, heater->index);
        break;
    }
    field[text.length] = '\0';
}

/* What the plan that holds the stream waits for. */
static void waiting(const struct proxy *proxy, struct instant now, struct status *ret_status)
{
    const struct plan *plan = plans_stream(&proxy->router.plans);
    struct text words = {ret_status->waiting_for, sizeof ret_status->waiting_for - 1, 0, false};

    if (plan == NULL)
        return;
    router_waiting(&proxy->router, proxy->settings, &words);
    ret_status->waiting = words.length > 0;
    ret_status->waiting_for[words.length] = '\0';
    copy(ret_status->waiting_rule, sizeof ret_status->waiting_rule, span_of(plan->rule));
    ret_status->waiting_since_ms = instant_ms_since(plan->since, now);
    ret_status->waiting_timeout_ms =
        plan->state == PLAN_LOOKING ||
                (plan->state == PLAN_ASKED && plan->step[plan->at].kind == STEP_RUN)
            ? plan->step[plan->at].ms
            : -1;
}

void proxy_status(const struct proxy *proxy, struct instant now, struct status *ret_status)
{
    const struct router *router = &proxy->router;

    memset(ret_status, 0, sizeof *ret_status);
    ret_status->host_connected = router->host_connected;
    ret_status->host_baud = proxy->host_baud;
    ret_status->printer_state = printer_state_word(router->printer_state);
    ret_status->printer_baud = proxy->baud;
    copy(ret_status->firmware, sizeof ret_status->firmware, span_of(router->firmware_name));
    ret_status->emergency_parser = router->emergency_parser;
    /* What it said last is old when it says nothing any more. */
    for (unsigned i = 0;
         router->printer_state == PRINTER_ONLINE && i < router->temperatures.heaters; i++) {
        const struct printer_reply_heater *heater = &router->temperatures.heater[i];

        heater_name(heater, ret_status->heater[i].name, sizeof ret_status->heater[i].name);
        ret_status->heater[i].actual = heater->actual;
        ret_status->heater[i].target = heater->target;
        ret_status->heaters++;
    }
    ret_status->board_state = proxy->settings->board.kind == PORT_NONE ? "none"
                              : board_session_online(&proxy->board)    ? "online"
                                                                       : "lost";
    copy(ret_status->board_firmware, sizeof ret_status->board_firmware,
         span_of(proxy->board.version));
    ret_status->guest_connected = proxy->share.board.open;
    ret_status->print_state = print_state_word(router->job.state);
    ret_status->print_source = print_source_word(router->job.source);
    if (router->job.source == PRINT_SOURCE_SD)
        copy(ret_status->print_file, sizeof ret_status->print_file, span_of(router->job.file));
    ret_status->print_lines = router->job.lines;
    ret_status->waiting_timeout_ms = -1;
    waiting(proxy, now, ret_status);
    ret_status->estop_state = estop_state_word(proxy->estop.state);
    ret_status->filament_state = filament_word(&router->filament);
    ret_status->psu_state = power_word(&router->power);
    ret_status->host_lines = router->host.lines;
    ret_status->printer_lines = router->counters.printer_lines;
    ret_status->swallowed = router->counters.swallowed;
    ret_status->injected = router->counters.injected;
    ret_status->resends = router->printer.resends;
    ret_status->lost_oks = router->counters.lost_oks;
    ret_status->lost_lines = router->counters.lost_lines;
    ret_status->board_faults = board_session_faults(&proxy->board);
}
