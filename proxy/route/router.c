#include "route/router.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "route/standin.h"

/* Marlin's own busy comes every 2.000 s: ours stands back until one is missing. */
#define BUSY_FOR_PRINTER_MS 2250

void router_init(struct router *router, const struct settings *settings, struct instant now)
{
    memory_clear(router, sizeof *router);
    host_session_init(&router->host);
    printer_session_init(&router->printer, settings->in_flight);
    plans_init(&router->plans);
    print_job_init(&router->job);
    temperatures_init(&router->temperatures);
    extrusion_init(&router->extrusion);
    filament_init(&router->filament, settings->filament, settings->filaments);
    power_init(&router->power, &settings->psu, now);
    outbox_init(&router->to_host, TO_HOST_BYTES);
    outbox_init(&router->to_printer, TO_PRINTER_BYTES);
    line_framer_init(&router->printer_framer);
    router->emergency_parser = -1;
    router->firmware = (uint8_t)firmware_index(firmware_unknown());
    router->quiet_since = now;
    router->printer_heard = now;
    router->started = (struct instant){INT64_MIN / 2};
    router->waiting_told = INSTANT_NEVER;
    router->held_until = INSTANT_NEVER;
    router->pausing_until = INSTANT_NEVER;
}

void router_firmware_was(struct router *router, struct span name)
{
    struct text text = TEXT_IN(router->firmware_name);

    text.capacity--;
    text_add(&text, name);
    router->firmware_name[text.length] = '\0';
}

void router_to_host(struct router *router, struct span lines)
{
    if (!router->host_connected)
        return;
    if (!outbox_add(&router->to_host, router->to_host_bytes, lines))
        router->counters.unread++;
}

/* The log has its own word for how bad it is. */
static struct span without_level(struct span sentence)
{
    if (span_starts(sentence, SPAN("error: ")))
        return span_skip(sentence, sizeof "error: " - 1);
    if (span_starts(sentence, SPAN("warning: ")))
        return span_skip(sentence, sizeof "warning: " - 1);
    return sentence;
}

void router_tell(struct router *router, enum log_level level, struct span sentence,
                 struct instant now)
{
    char bytes[512];
    struct text text = TEXT_IN(bytes);

    text_add(&text, SPAN("echo:sioproxy "));
    text.capacity--;
    text_add(&text, sentence);
    text.capacity++;
    text_add_char(&text, '\n');
    if (outbox_room(&router->to_host) >= TO_HOST_ANSWERS / 2)
        router_to_host(router, text_span(&text));
    else
        router->counters.unread++;
    events_add(&router->events, EVENT_LOG, SPAN_NONE, SPAN_NONE, without_level(sentence), now)
        ->level = (uint8_t)level;
}

void router_action(struct router *router, struct span word)
{
    char bytes[64];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "//action:");
    text_add(&text, word);
    text_add_char(&text, '\n');
    router_to_host(router, text_span(&text));
    print_job_action(&router->job, word);
}

void router_pause(struct router *router, struct instant now)
{
    struct instant next_line = instant_after_ms(router->quiet_since, NEXT_LINE_MS);
    bool streams = print_job_of_host(&router->job) && router->job.state == PRINT_PRINTING;
    struct debt debt;

    if (router->pausing)
        return;
    router->pausing = true;
    router->pausing_until = INSTANT_NEVER;
    if (ledger_oldest(&router->ledger, &debt)) {
        if (!debt.real)
            router_pause_said(router); /* the ok of whoever pauses comes behind it */
    } else if (streams && !instant_due(next_line, now)) {
        router->pausing_until = next_line;
    } else {
        router_pause_said(router);
    }
}

void router_pause_said(struct router *router)
{
    if (!router->pausing)
        return;
    router->pausing = false;
    router->pausing_until = INSTANT_NEVER;
    router_action(router, SPAN("pause"));
}

void router_pay(struct router *router, uint32_t serial, struct span text, struct instant now)
{
    struct debt debt;

    if (serial != 0 && !ledger_pay(&router->ledger, serial, &debt))
        return;
    router->quiet_since = now;
    if (text.length > 0)
        router_pause_said(router);
    router_to_host(router, text);
}

void router_tell_facts(struct router *router, struct span cause, struct instant now)
{
    enum print_fact fact;

    power_print(&router->power, print_job_runs(&router->job), now);
    while (print_job_next_fact(&router->job, &fact))
        events_add(&router->events, EVENT_PRINT, SPAN_NONE, span_of(print_fact_word(fact)), cause,
                   now)
            ->is = (int32_t)fact;
    router_filament_print(router, now);
}

bool router_turn(const struct router *router)
{
    const struct plan *plan = plans_stream(&router->plans);

    return plan != NULL && ledger_turn(&router->ledger, plan->debt);
}

/* Does the host wait for us, rather than for the printer? */
static bool host_waits_for_us(const struct router *router)
{
    const struct plan *plan = plans_stream(&router->plans);
    struct debt debt;

    if (!ledger_oldest(&router->ledger, &debt))
        return true; /* lines are queued, and nothing is at the printer for the host */
    return (plan != NULL && debt.serial == plan->debt) || debt.serial == router->ok_debt ||
           router->printer_state == PRINTER_OFFLINE;
}

/* When the host is to be told that we live. */
static struct instant busy_deadline(const struct router *router)
{
    struct instant due;

    if (!router->host_connected || !router->owing)
        return INSTANT_NEVER;
    if (host_waits_for_us(router))
        return instant_after_ms(router->quiet_since, BUSY_MS);
    due = instant_after_ms(router->quiet_since, BUSY_FOR_PRINTER_MS);
    if (!router->busy_seen ||
        instant_due(instant_after_ms(router->printer_heard, PRINTER_SILENT_MS), due))
        return INSTANT_NEVER;
    return due;
}

struct instant router_deadline(const struct router *router)
{
    struct instant deadline = busy_deadline(router);

    deadline = instant_earlier(deadline, router->waiting_told);
    deadline = instant_earlier(deadline, router->held_until);
    deadline = instant_earlier(deadline, router->pausing_until);
    deadline = instant_earlier(deadline, filament_deadline(&router->filament));
    deadline = instant_earlier(deadline, print_job_deadline(&router->job));
    deadline = instant_earlier(deadline, power_deadline(&router->power));
    deadline = instant_earlier(deadline, printer_session_deadline(&router->printer));
    return instant_earlier(deadline, plans_deadline(&router->plans));
}

void router_expire(struct router *router, struct instant now)
{
    const struct plan *plan;

    printer_session_expire(&router->printer, now);
    plans_expire(&router->plans, now);
    power_expire(&router->power, now);
    if (print_job_expire(&router->job, now))
        router_job_facts(router, SPAN("silence"), now);
    filament_expire(&router->filament, now);
    if (instant_due(router->pausing_until, now))
        router_pause_said(router);
    if (instant_due(router->held_until, now) && printer_session_doubts(&router->printer)) {
        router->held_until = instant_after_ms(now, HELD_MS);
    } else if (instant_due(router->held_until, now)) {
        router_to_host(router, (struct span){router->held, router->held_length});
        router->held_length = 0;
        router->held_until = INSTANT_NEVER;
    }
    if (instant_due(busy_deadline(router), now)) {
        plan = plans_stream(&router->plans);
        if (outbox_room(&router->to_host) >= TO_HOST_ANSWERS) /* else it does not read */
            router_to_host(router, plan != NULL && plan->state == PLAN_LOOKING
                                       ? SPAN("echo:busy: paused for user\n")
                                       : SPAN("echo:busy: processing\n"));
        router->busy_seen = true;
        router->quiet_since = now;
    }
}

/* How an edge is called in messages. */
static const char *const edge_words[] = {
    [WAIT_HIGH] = " high", [WAIT_LOW] = " low", [WAIT_RISE] = " rise",    [WAIT_FALL] = " fall",
    [WAIT_ON] = " on",     [WAIT_OFF] = " off", [WAIT_CHANGE] = " change"};

static void temperature_words(const struct settings *settings, const struct step_ready *step,
                              struct text *ret_words)
{
    const struct printer_reply_heater heater = {.name = step->heater, .index = step->heater_index};

    text_add_string(ret_words, "temperature ");
    if (step->heater != 0)
        temperatures_word(&heater, ret_words);
    else
        text_add_string(ret_words,
                        step->point < settings->points ? settings->point[step->point].name : "?");
    text_add_char(ret_words, ' ');
    text_add_string(ret_words, when_comparison_word((enum when_comparison)step->comparison));
    text_add_char(ret_words, ' ');
    text_add_thousandths(ret_words, step->threshold);
    text_add_char(ret_words, 'C');
}

void router_wait_words(const struct settings *settings, const struct step_ready *step,
                       struct text *ret_words)
{
    if (step->kind == STEP_WAIT_TEMPERATURE) {
        temperature_words(settings, step, ret_words);
        return;
    }
    text_add_string(ret_words, "point ");
    text_add_string(ret_words,
                    step->point < settings->points ? settings->point[step->point].name : "?");
    text_add_string(ret_words, edge_words[step->edge]);
}

void router_waiting(const struct router *router, const struct settings *settings,
                    struct text *ret_words)
{
    const struct plan *plan = plans_stream(&router->plans);
    const struct step_ready *step;

    if (plan == NULL)
        return;
    step = &plan->step[plan->at];
    switch (plan->state) {
    case PLAN_LOOKING:
        router_wait_words(settings, step, ret_words);
        break;
    case PLAN_PAUSING: text_add_duration(ret_words, step->ms); break;
    case PLAN_ASKED:
        if (step->kind == STEP_RUN) {
            text_add_string(ret_words, "program ");
            text_add_string(ret_words, step->program < settings->programs
                                           ? settings->program[step->program].name
                                           : "?");
            break;
        }
        text_add_string(ret_words, step->kind == STEP_WAIT_MOTION                        ? "motion"
                                   : step->kind == STEP_POWER                              ? "power"
                                   : step->kind == STEP_SEND || step->kind == STEP_FORWARD ? "printer"
                                                                                         : "board");
        break;
    case PLAN_FREE:
    case PLAN_HOLDING:
    case PLAN_QUEUED:
    case PLAN_DUE:
    case PLAN_STALLED:
    case PLAN_TIMED_OUT:
    case PLAN_OVER: break;
    }
}

void router_settled(struct router *router, const struct settings *settings, struct instant now)
{
    bool owing = router->host_connected &&
                 (router->ledger.count > 0 || router->host.queue.count > 0);
    const struct plan *plan = plans_stream(&router->plans);
    bool looking = plan != NULL && plan->state == PLAN_LOOKING && router_turn(router);

    if (owing && !router->owing)
        router->quiet_since = now;
    router->owing = owing;
    print_job_settled(&router->job, owing, now);
    router_job_facts(router, SPAN_NONE, now);
    if (!looking) {
        router->waiting_told = INSTANT_NEVER;
    } else if (instant_is_never(router->waiting_told)) {
        router->waiting_told = instant_after_ms(now, BUSY_MS);
    } else if (instant_due(router->waiting_told, now)) {
        char bytes[SETTINGS_NAME + 32];
        struct text words = TEXT_IN(bytes);

        text_add_string(&words, "waiting: ");
        router_waiting(router, settings, &words);
        router_tell(router, LOG_INFO, text_span(&words), now);
        router->waiting_told = instant_after_ms(now, WAITING_TOLD_MS);
    }
}

/* Is every line at the printer that the host waits for a debt of the ledger, and the other way round? */
static const char *check_debts(const struct router *router)
{
    unsigned real = 0;

    for (unsigned i = 0; i < router->ledger.count; i++) {
        const struct debt *debt = &router->ledger.debt[i];
        unsigned found = 0;

        if (!debt->real) {
            if (plans_stream(&router->plans) == NULL ||
                plans_stream(&router->plans)->debt != debt->serial)
                return "router: a plan's debt whose plan does not hold the stream";
            continue;
        }
        real++;
        for (unsigned j = 0; j < router->printer.lines.unanswered; j++) {
            struct tag tag = sent_lines_tag(&router->printer.lines, j);

            found += tag.sender == SENDER_HOST && tag.serial == debt->serial;
        }
        if (found == 0 && debt->serial != router->front_debt && debt->serial != router->ok_debt)
            return "router: the host is owed an ok that no line at the printer will bring";
        if (found > 1)
            return "router: two lines at the printer for one debt";
    }
    if (real > LEDGER_DEBTS)
        return "router: more debts than the ledger holds";
    return NULL;
}

/* Is every line at the printer that a plan waits for? */
static const char *check_sends(const struct router *router)
{
    for (uint8_t slot = 0; slot < PLANS && router->plans.running > 0; slot++) {
        const struct plan *plan = &router->plans.plan[slot];
        bool found = false;

        if (plan->state != PLAN_ASKED || (plan->step[plan->at].kind != STEP_SEND &&
                                          plan->step[plan->at].kind != STEP_WAIT_MOTION &&
                                          plan->step[plan->at].kind != STEP_FORWARD))
            continue;
        for (unsigned i = 0; i < router->printer.lines.unanswered; i++) {
            struct tag tag = sent_lines_tag(&router->printer.lines, i);

            found = found || (tag.sender == SENDER_PLAN && tag.slot == slot &&
                              tag.serial == plan->serial);
        }
        if (!found)
            return "router: a plan waits for an answer that no line at the printer will bring";
    }
    return NULL;
}

const char *router_check(const struct router *router)
{
    const char *broken = host_session_check(&router->host);

    if (broken == NULL)
        broken = printer_session_check(&router->printer);
    if (broken == NULL)
        broken = print_job_check(&router->job);
    if (broken == NULL)
        broken = plans_check(&router->plans);
    if (broken == NULL)
        broken = power_check(&router->power);
    if (broken == NULL && router->wrote_anew)
        broken = "router: a line was written anew though nothing came between (P1)";
    if (broken == NULL)
        broken = check_debts(router);
    if (broken == NULL)
        broken = check_sends(router);
    if (broken == NULL)
        broken = router_filament_check(router);
    if (broken == NULL && router->ledger.owed != router->ledger.paid + router->ledger.forgotten +
                                                     router->ledger.count)
        broken = "router: debts made are not debts paid, forgotten and owed";
    if (broken == NULL && !router->host_connected && router->to_host.length > 0)
        broken = "router: bytes for a host that is not there";
    if (broken == NULL && router->front == FRONT_PLANNED &&
        plans_stream(&router->plans) == NULL)
        broken = "router: the front line waits for a plan that is gone";
    return broken;
}

const char *printer_state_word(enum printer_state state)
{
    switch (state) {
    case PRINTER_OFFLINE: return "offline";
    case PRINTER_SILENT: return "silent";
    case PRINTER_ONLINE: return "online";
    case PRINTER_HALTED: return "halted";
    }
    return "offline";
}
