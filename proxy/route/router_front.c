#include "route/router.h"

#include "route/standin.h"

/* Is an ok expected for this line, swallowed as it is? */
static bool wants_ok(const struct router *router, const struct gcode_line *line)
{
    if (line->is_command)
        return true;
    return !line->blank && !line->comment_only && firmware_at(router->firmware)->answers_words;
}

/* Does the printer answer this line by an ok? */
static bool printer_answers(const struct router *router, const struct gcode_line *line)
{
    return !(line->blank || line->comment_only) || firmware_at(router->firmware)->answers_blank;
}

/* Is nothing older owed, so that we may answer the front line? */
static bool may_answer(const struct router *router)
{
    return router->front_debt != 0 || router->ledger.count == 0;
}

/* What nobody but a printer can do. */
static bool moves_or_heats(const struct gcode_line *line)
{
    struct span words;

    return standin_answer(line, &words) == STANDIN_REFUSED;
}

/* The front line has gone where it belongs. */
static void drop_front(struct router *router)
{
    host_session_drop(&router->host);
    if (router->touched_ahead > 0)
        router->touched_ahead--;
    router->front = FRONT_NEW;
    router->front_debt = 0;
}

/* The front line, or what replaces it, to the printer. False if it has to wait. */
static bool forward(struct router *router, const struct gcode_line *line, bool numbered,
                    struct instant now)
{
    char bytes[LINE_CAPACITY + 64];
    struct text text = TEXT_IN(bytes);
    struct tag tag = {router->host_connected ? SENDER_HOST : SENDER_NOBODY, 0, router->front_debt};
    struct span parameter;
    int64_t counts_from;

    if (router->printer_state == PRINTER_OFFLINE || outbox_room(&router->to_printer) < sizeof bytes)
        return false;
    if (!printer_answers(router, line)) {
        router->blanks += !router->firmware_known && router->blanks < LEDGER_DEBTS;
        outbox_add(&router->to_printer, router->to_printer_bytes, line->raw);
        return true;
    }
    if (!printer_session_can_send(&router->printer, line, numbered))
        return false;
    if (router->uploading && gcode_line_is(line, 'M', 29))
        tag.slot = TAG_ENDS_UPLOAD;
    if (tag.serial == 0 && router->host_connected)
        tag.serial = ledger_owe_real(&router->ledger, line->numbered ? line->number : -1);
    if (!printer_session_send(&router->printer, line, numbered, tag, &text, now)) {
        router->front_debt = tag.serial;
        router->touched |= line->number != router->printer.next_number; /* it will bear another */
        outbox_add(&router->to_printer, router->to_printer_bytes, text_span(&text));
        return false;
    }
    outbox_add(&router->to_printer, router->to_printer_bytes, text_span(&text));
    router->front_debt = 0;
    router_filament_sent(router, line, tag.serial, now);
    if (gcode_line_m110(line, &counts_from) && router->touched_ahead == 0)
        router->touched = false; /* one without a number begins no count */
    if (line->raw.length > GCODE_NUMBERED_MAX)
        router->touched = true; /* it may have gone without its number */
    if (!router->touched && !span_equal(text_span(&text), line->raw) &&
        (!line->numbered || gcode_line_is_plain(line)))
        router->wrote_anew = true;
    if (gcode_line_is(line, 'M', 28) || gcode_line_is(line, 'M', 928)) {
        router_uploading(router, true);
        if (gcode_line_is(line, 'M', 28) && gcode_line_parameter(line, 'B', &parameter) &&
            span_equal(parameter, SPAN("1")))
            router->binary_debt = tag.serial;
    }
    if (tag.slot == TAG_ENDS_UPLOAD)
        router->upload_ending = true;
    return true;
}

/* Motion or heating that must not be: an echo, the job's end if it is one, and the ok. */
static void refuse(struct router *router, const struct gcode_line *line, struct span why,
                   struct instant now)
{
    char bytes[256];
    struct text text = TEXT_IN(bytes);

    router->touched = true;
    text_add_string(&text, "echo:sioproxy error: ");
    text_add(&text, why);
    text_add_string(&text, ", not sent: ");
    text_add(&text, (struct span){line->command.data,
                                  line->command.length < 64 ? line->command.length : 64});
    text_add_char(&text, '\n');
    if (line->numbered && !router->cancel_told) {
        router->cancel_told = true;
        print_job_action(&router->job, SPAN("cancel"));
        text_add_string(&text, "//action:cancel\n");
    }
    text_add_string(&text, "ok\n");
    router_pay(router, router->front_debt, text_span(&text), now);
    if (gcode_line_is(line, 'M', 28) || gcode_line_is(line, 'M', 928))
        router->upload_void = true;
}

/* A debt for this line that a plan will pay; 0 if no host is there to be owed anything. */
static uint32_t owe_plan(struct router *router, const struct gcode_line *line)
{
    if (!router->host_connected)
        return 0;
    return ledger_owe_plan(&router->ledger, line->numbered ? line->number : -1);
}

static const struct step m400_steps[] = {
    {.kind = STEP_WAIT, .argument = {{"10ms", 4}}},
};

/*
 * The stand-in's M115 tells the name that the printer had last: until OctoPrint knows one it
 * numbers all it says, and no job can be seen in that (comm.py _needs_checksum). A stopped machine
 * asks for its reset by a prompt, which a host shows only if it was told that there may be such.
 */
static void stand_in_name(const struct router *router, struct text *ret_words)
{
    text_add_string(ret_words, "FIRMWARE_NAME:");
    text_add_string(ret_words, router->firmware_name);
    if (router->gate == ROUTER_SHUT && router->prompts)
        text_add_string(ret_words, "\nCap:PROMPT_SUPPORT:1");
    text_add_string(ret_words, "\nok\n");
}

/*
 * A line of a job waits for a printer that is switched on, also one that neither moves nor heats:
 * without its M83 the whole print would be another one.
 */
static bool waits_for_power(struct router *router, const struct gcode_line *line,
                            struct instant now)
{
    return router->gate != ROUTER_SHUT && line->numbered && print_job_runs(&router->job) &&
           power_is_work(line) && power_on_for_line(&router->power, now);
}

/* The stand-in answers the front line. */
static enum front_fate stand_in(struct router *router, const struct settings *settings,
                                const struct gcode_line *line, struct instant now)
{
    struct plan_start start = {
        .rule = SPAN("M400"), .step = m400_steps, .steps = 1, .holds_stream = true, .client = -1};
    char why[32], name_bytes[128];
    struct text reason = TEXT_IN(why), name = TEXT_IN(name_bytes);
    struct span words;
    uint8_t slot;

    if (!may_answer(router))
        return FRONT_STAYS;
    switch (standin_answer(line, &words)) {
    case STANDIN_OK:
        if (waits_for_power(router, line, now))
            return FRONT_STAYS;
        if (gcode_line_is(line, 'M', 115) && router->firmware_name[0] != '\0') {
            stand_in_name(router, &name);
            words = text_span(&name);
        }
        break;
    case STANDIN_LATER:
        start.debt = router->front_debt != 0 ? router->front_debt : owe_plan(router, line);
        if (plans_start(&router->plans, &start, settings, &reason, now, &slot) == STEP_OK) {
            router->front = FRONT_PLANNED;
            return FRONT_BEGUN;
        }
        router->front_debt = start.debt;
        break;
    case STANDIN_REFUSED:
        if (router->gate != ROUTER_SHUT && power_on_for_line(&router->power, now))
            return FRONT_STAYS; /* it waits for the printer that is being switched on */
        refuse(router, line,
               router->gate == ROUTER_SHUT ? SPAN("estop: the emergency stop is latched")
                                           : SPAN("psu: the printer is off or not connected"),
               now);
        return FRONT_TAKEN;
    }
    router->touched = true;
    if (gcode_line_is(line, 'M', 110))
        router->cancel_told = false;
    if (wants_ok(router, line) || router->front_debt != 0)
        router_pay(router, router->front_debt, words, now);
    return FRONT_TAKEN;
}

/* A line that is too long is answered in its turn. */
static enum front_fate refuse_overlong(struct router *router, const struct gcode_line *line,
                                       uint64_t length, const char *why, struct instant now)
{
    char bytes[128];
    struct text text = TEXT_IN(bytes);

    if (!may_answer(router))
        return FRONT_STAYS;
    router->touched = true;
    text_add_string(&text, "error: long: line of ");
    text_add_integer(&text, (int64_t)length);
    text_add_string(&text, why);
    router_tell(router, LOG_WARNING, text_span(&text), now);
    if (line->is_command || router->front_debt != 0)
        router_pay(router, router->front_debt, SPAN("ok\n"), now);
    return FRONT_TAKEN;
}

/* Does a rule take the front line? Its plan has then begun. */
static bool take(struct router *router, const struct settings *settings,
                 const struct ruleset *rules, const struct rule_world *world,
                 const struct gcode_line *line, struct instant now)
{
    char squeezed_bytes[LINE_CAPACITY + 128], why_bytes[96];
    struct text squeezed = TEXT_IN(squeezed_bytes), why = TEXT_IN(why_bytes);
    struct step_values values;
    const struct rule *rule = ruleset_match(rules, settings, world, line, &squeezed, &values);
    struct plan_start start;
    enum step_error error;
    uint8_t slot;

    if (rule == NULL)
        return false;
    start = (struct plan_start){.values = values, .holds_stream = true, .client = -1};
    start.rule = rule->name;
    start.cause = (struct plan_cause){.event = "gcode",
                                      .name = {line->command.data, span_find(line->command, ' ')},
                                      .cause = line->command};
    start.step = rule->step;
    start.steps = rule->steps;
    start.of_rule = true;
    start.until = &rule->until;
    start.then = (uint8_t)rule->then;
    start.replacement = rule->replacement;
    start.debt = owe_plan(router, line);
    error = plans_start(&router->plans, &start, settings, &why, now, &slot);
    if (error != STEP_OK)
        plans_start_failed(&router->plans, &start, error, text_span(&why), now);
    router->front = FRONT_PLANNED;
    return true;
}

/* What the traffic says about the job. */
static void note_line(struct router *router, const struct gcode_line *line, struct instant now)
{
    if (line->is_command)
        router->last_numbered = line->numbered;
    if (router->uploading)
        return;
    print_job_line(&router->job, line);
    router_job_facts(router, line->command, now);
    power_line(&router->power, line, now);
}

/* The host has left in the middle of an upload: an M29 of ours ends it before anything else is
 * said. */
static bool end_upload(struct router *router, struct instant now)
{
    char bytes[64];
    struct text text = TEXT_IN(bytes);
    struct gcode_line line;

    gcode_line_parse(SPAN("M29\n"), &line);
    if (router->upload_ending || router->printer_state == PRINTER_OFFLINE ||
        outbox_room(&router->to_printer) < sizeof bytes ||
        !printer_session_can_send(&router->printer, &line, true))
        return false;
    /* With a number: hurt or half lost it would be refused, and what follows be file content. */
    router->upload_ending = printer_session_send(
        &router->printer, &line, true, (struct tag){SENDER_NOBODY, TAG_ENDS_UPLOAD, 0}, &text, now);
    outbox_add(&router->to_printer, router->to_printer_bytes, text_span(&text));
    router->touched = true;
    return true;
}

/* May the front line be moved now? Lends it. */
static bool may_move(const struct router *router, struct gcode_line *ret_line,
                     uint64_t *ret_overlong)
{
    /* What it wants done comes first; in an upload it waits for the end, as all that is ours. */
    if (router->filament.pending != 0 && !router->uploading)
        return false;
    if (router->plans.stream != PLAN_NONE ||
        !host_session_front(&router->host, ret_line, ret_overlong))
        return false;
    if (outbox_room(&router->to_host) < TO_HOST_ANSWERS)
        return false; /* a host that reads no answers is owed no more of them */
    /* What is behind an M29 is a command or none when that has been carried out. */
    return !router->upload_ending || router->front != FRONT_NEW;
}

/* A line too long for anybody, or with its number for the printer's file. */
static enum front_fate pass_length(struct router *router, const struct gcode_line *line,
                                   uint64_t overlong, struct instant now)
{
    if (overlong > 0)
        return refuse_overlong(router, line, overlong, " bytes, at most 1024: not sent", now);
    /* Without its number it would be refused in an upload: no line without one is content. */
    if (router->uploading && !router->standin && printer_session_too_long(&router->printer, line))
        return refuse_overlong(router, line, line->command.length,
                               " bytes, too long for the printer with its number: not in the file",
                               now);
    return FRONT_PASSES;
}

/* What belongs into a file that could not be opened is refused, until the upload's end. */
static enum front_fate pass_void_upload(struct router *router, const struct gcode_line *line,
                                        struct instant now)
{
    if (gcode_line_is(line, 'M', 110) || gcode_line_is(line, 'M', 29))
        router->upload_void = false;
    if (!router->upload_void || router->front != FRONT_NEW)
        return FRONT_PASSES;
    if (!may_answer(router))
        return FRONT_STAYS;
    if (wants_ok(router, line))
        refuse(router, line, SPAN("print: the upload has no file"), now);
    return FRONT_TAKEN;
}

/* A line not looked at before: what it says of the job is noted, and a rule may take it. */
static enum front_fate pass_rules(struct router *router, const struct settings *settings,
                                  const struct ruleset *rules, struct rule_world *world,
                                  const struct gcode_line *line, struct instant now)
{
    if (router->front != FRONT_NEW)
        return FRONT_PASSES;
    if (!plans_room(&router->plans))
        return FRONT_STAYS; /* a rule's plan needs a place: while all are taken the stream waits */
    note_line(router, line, now);
    world->print = (uint8_t)router->job.state;
    if (!router->uploading && take(router, settings, rules, world, line, now))
        return FRONT_BEGUN;
    router->front = FRONT_TO_PRINTER;
    return FRONT_PASSES;
}

/* A printer that was reset in a job is cold and lost: no motion until the host's next M110. */
static enum front_fate pass_reset(struct router *router, const struct gcode_line *line,
                                  struct instant now)
{
    if (gcode_line_is(line, 'M', 110))
        router->after_reset = false;
    if (!router->after_reset || !moves_or_heats(line))
        return FRONT_PASSES;
    if (!may_answer(router))
        return FRONT_STAYS;
    refuse(router, line, SPAN("print: the printer was reset in mid-print"), now);
    return FRONT_TAKEN;
}

/* Where there is no printer to be asked, the stand-in answers. */
static enum front_fate pass_standin(struct router *router, const struct settings *settings,
                                    const struct gcode_line *line, struct instant now)
{
    if ((router->gate == ROUTER_NO_MOTION || power_doubts(&router->power)) && moves_or_heats(line))
        return FRONT_STAYS;
    if (!router->standin && router->gate != ROUTER_SHUT)
        return FRONT_PASSES;
    return stand_in(router, settings, line, now);
}

/* What becomes of the front line: one question after the other, until one of them keeps it. */
static enum front_fate fate_of(struct router *router, const struct settings *settings,
                               const struct ruleset *rules, struct rule_world *world,
                               struct gcode_line *line, uint64_t overlong, struct instant now)
{
    bool numbered = line->numbered;
    enum front_fate fate = pass_length(router, line, overlong, now);

    if (fate == FRONT_PASSES)
        fate = pass_void_upload(router, line, now);
    if (fate == FRONT_PASSES)
        fate = pass_rules(router, settings, rules, world, line, now);
    if (fate != FRONT_PASSES)
        return fate;
    if (router->front == FRONT_REPLACED)
        gcode_line_parse((struct span){router->replacement, router->replacement_length}, line);
    fate = pass_reset(router, line, now);
    if (fate == FRONT_PASSES)
        fate = pass_standin(router, settings, line, now);
    /* Without its number, what is left would be a line with another one. */
    if (fate == FRONT_PASSES && gcode_line_numbered_twice(line) &&
        (!numbered || printer_session_too_long(&router->printer, line)))
        fate = refuse_overlong(router, line, line->command.length,
                               " bytes, too long for the printer with its number: not sent", now);
    if (fate == FRONT_PASSES)
        fate = router_filament_front(router, line, now);
    if (fate == FRONT_PASSES)
        fate = forward(router, line, numbered, now) ? FRONT_TAKEN : FRONT_STAYS;
    return fate;
}

/* One move of the front line. False if it stays where it is. */
static bool front_moves(struct router *router, const struct settings *settings,
                        const struct ruleset *rules, struct rule_world *world, struct instant now)
{
    struct gcode_line line;
    uint64_t overlong;

    if (router->upload_orphaned && router->uploading &&
        (router->host_connected || router->host.queue.count == 0))
        return end_upload(router, now);
    if (!may_move(router, &line, &overlong))
        return false;
    switch (fate_of(router, settings, rules, world, &line, overlong, now)) {
    case FRONT_PASSES:
    case FRONT_STAYS: return false;
    case FRONT_BEGUN: return true;
    case FRONT_TAKEN: drop_front(router); return true;
    }
    return false;
}

bool router_asks(const struct router *router, const struct ruleset *rules)
{
    struct gcode_line line;
    uint64_t overlong;

    if (router->plans.stream != PLAN_NONE || router->host.queue.count != 1)
        return router->host.queue.count > 0 && router->plans.stream == PLAN_NONE;
    return router->front == FRONT_NEW && host_session_front(&router->host, &line, &overlong) &&
           ruleset_asks(rules, &line);
}

bool router_down(struct router *router, const struct settings *settings,
                 const struct ruleset *rules, struct rule_world *world, struct instant now)
{
    bool moved = false;

    while (front_moves(router, settings, rules, world, now))
        moved = true;
    return moved;
}

/* Why a plan could not do what it was to do, as the host and the log hear it. */
static void tell_failure(struct router *router, const struct plan *plan, struct instant now)
{
    char bytes[256];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "error: ");
    text_add_string(&text, step_error_word(plan->error));
    text_add_string(&text, ": ");
    if (plan->steps > 0) {
        text_add_string(&text, "rule ");
        text_add_string(&text, plan->rule);
        text_add_string(&text, ": step ");
        text_add_integer(&text, plan->at + 1);
        text_add_string(&text, " of ");
        text_add_integer(&text, plan->steps);
        text_add_string(&text, ": ");
    }
    text_add_string(&text, plan->why);
    router_tell(router, LOG_WARNING, text_span(&text), now);
}

void router_plan_over(struct router *router, const struct plan *plan, struct instant now)
{
    struct gcode_line line;
    uint64_t overlong;

    if (plan->failed)
        tell_failure(router, plan, now);
    if (!plan->holds_stream)
        return;
    router->touched = true;
    if (!host_session_front(&router->host, &line, &overlong)) {
        /* The host's lines were dropped meanwhile. */
        router->front = FRONT_NEW;
        ledger_forget(&router->ledger);
        return;
    }
    if (plan->failed || plan->then == RULE_SWALLOW) {
        router->counters.swallowed++;
        events_add(&router->events, EVENT_GCODE, span_of(plan->rule),
                   plan->failed ? SPAN("failed") : SPAN("done"), line.command, now);
        router_pay(router, plan->debt, wants_ok(router, &line) ? SPAN("ok\n") : SPAN_NONE, now);
        drop_front(router);
        return;
    }
    router->front = FRONT_TO_PRINTER;
    router->front_debt = ledger_owes(&router->ledger, plan->debt) ? plan->debt : 0;
    if (plan->then == RULE_REPLACE) {
        struct text text = {router->replacement, sizeof router->replacement, 0, false};

        text_add(&text, (struct span){plan->text + plan->replacement_at, plan->replacement_length});
        text_add_char(&text, '\n');
        router->replacement_length = (uint16_t)text.length;
        router->front = FRONT_REPLACED;
    }
    ledger_make_real(&router->ledger, plan->debt);
}
