#include "route/router.h"

#include <assert.h>
#include <string.h>

#include "route/standin.h"
#include "wire/printer_reply.h"

void router_printer_state(struct router *router, enum printer_state state, struct span cause,
                          struct instant now)
{
    static const int32_t facts[] = {[PRINTER_OFFLINE] = FACT_PRINTER_OFFLINE,
                                    [PRINTER_SILENT] = FACT_PRINTER_SILENT,
                                    [PRINTER_ONLINE] = FACT_PRINTER_ONLINE,
                                    [PRINTER_HALTED] = FACT_PRINTER_HALTED};

    if (router->printer_state == state)
        return;
    router->printer_state = state;
    events_add(&router->events, EVENT_PRINTER, SPAN_NONE, span_of(printer_state_word(state)), cause,
               now)
        ->is = facts[state];
}

void router_upload_lost(struct router *router)
{
    router->upload_void = router->upload_void || (router->uploading && !router->upload_ending &&
                                                  !router->upload_orphaned);
    if (router->upload_void && router->front == FRONT_TO_PRINTER)
        router->front = FRONT_NEW;
    router_uploading(router, false);
}

/* If the printer lived on, all that it is told goes into its file: an M29 of ours is first. */
static void upload_is_left(struct router *router)
{
    router->upload_left = false;
    router->uploading = router->upload_orphaned = true;
    printer_session_uploading(&router->printer, true);
}

void router_printer_opened(struct router *router, bool before, bool again, struct instant now)
{
    line_framer_reset(&router->printer_framer);
    outbox_clear(&router->to_printer);
    /* What was lost may have ended in the middle of a line. */
    if (before && !firmware_at(router->firmware)->answers_blank)
        outbox_add(&router->to_printer, router->to_printer_bytes, SPAN("\n"));
    router->held_length = 0;
    router->held_until = INSTANT_NEVER;
    router->firmware_named = false;
    if (again)
        printer_session_reopened(&router->printer, now);
    else
        printer_session_forget(&router->printer);
    if (router->upload_left)
        upload_is_left(router);
    router->printer_heard = now;
    router_printer_state(router, PRINTER_SILENT, SPAN("port opened"), now);
}

void router_printer_closed(struct router *router, struct instant now)
{
    bool left;

    outbox_clear(&router->to_printer);
    line_framer_reset(&router->printer_framer);
    router->held_length = 0;
    router->held_until = INSTANT_NEVER;
    left = router->upload_left || router->uploading;
    router_upload_lost(router);
    router->upload_left = left;
    router_printer_state(router, PRINTER_OFFLINE, SPAN("port lost"), now);
}

void router_standin(struct router *router, bool standin, struct instant now)
{
    if (router->standin == standin)
        return;
    router->standin = standin;
    router->cancel_told = false;
    if (!standin)
        return;
    printer_session_forget(&router->printer);
    plans_printer_gone(&router->plans, SPAN("the printer is gone"));
    router_release_ok(router, now);
    router_make_up(router, now);
    router_filament_broken(router, now);
}

void router_halt(struct router *router, struct instant now)
{
    static const char m112[] = "\nM112\n";

    host_session_clear(&router->host);
    printer_session_forget(&router->printer);
    ledger_forget(&router->ledger);
    router_filament_broken(router, now);
    router->front = FRONT_NEW;
    router->front_debt = 0;
    router_uploading(router, false);
    print_job_broken(&router->job);
    router_job_facts(router, SPAN("M112"), now);
    outbox_overtake(&router->to_printer, router->to_printer_bytes,
                    (struct span){m112, sizeof m112 - 1});
}

void router_uploading(struct router *router, bool uploading)
{
    router->uploading = uploading;
    router->upload_ending = false;
    router->upload_orphaned = router->upload_orphaned && uploading;
    router->binary_debt = 0;
    router->upload_left = false;
    binary_transfer_end(&router->binary);
    printer_session_uploading(&router->printer, uploading);
    if (!uploading)
        host_session_upload_over(&router->host);
}

/* The Error that was kept back is no part of a Resend: the host gets it after all. */
static void release_held(struct router *router)
{
    if (router->held_length > 0)
        router_to_host(router, (struct span){router->held, router->held_length});
    router->held_length = 0;
    router->held_until = INSTANT_NEVER;
}

/*
 * An ok bears the number that the host's line had, or none if it had none, whatever number the
 * printer gave it: ours, that of a line whose ok was lost, or one that the wire made of it.
 */
static void ok_for_host(struct span raw, const struct printer_reply *reply, int64_t hosts,
                        struct text *ret_ok)
{
    size_t at = 0, digits;
    int64_t number;

    while (at + 1 < raw.length && !(raw.data[at] == 'N' && text_is_digit(raw.data[at + 1])))
        at++;
    if (at + 1 >= raw.length || (reply->number >= 0 && reply->number == hosts)) {
        text_add(ret_ok, raw);
        return;
    }
    digits = text_integer(span_skip(raw, at + 1), &number);
    if (reply->number < 0 || digits == 0) {
        text_add(ret_ok, SPAN("ok\n")); /* hurt on the way */
    } else if (hosts >= 0) {
        text_add(ret_ok, (struct span){raw.data, at + 1});
        text_add_integer(ret_ok, hosts);
        text_add(ret_ok, span_skip(raw, at + 1 + digits));
    } else {
        text_add(ret_ok, span_trim((struct span){raw.data, at}));
        text_add(ret_ok, span_skip(raw, at + 1 + digits));
    }
}

void router_answer(struct router *router, struct span raw, const struct printer_reply *reply,
                   const struct printer_answer *given, struct instant now)
{
    char bytes[LINE_CAPACITY + 32];
    struct text ok = TEXT_IN(bytes);
    int64_t number;

    if (given->tag.sender != SENDER_PLAN && given->tag.slot == TAG_ENDS_UPLOAD) {
        router_uploading(router, false);
        router->upload_end = given->number;
    }
    switch ((enum sender)given->tag.sender) {
    case SENDER_NOBODY: return;
    case SENDER_PLAN:
        if (router->plans.plan[given->tag.slot].serial == given->tag.serial)
            plans_done(&router->plans, given->tag.slot);
        return;
    case SENDER_POWER: router_power_answer(router, &given->tag, raw, reply, now); return;
    case SENDER_HOST:
        if (given->tag.serial == router->binary_debt && router->binary_debt != 0)
            binary_transfer_begin(&router->binary);
        router_filament_acked(router, given->tag.serial, now);
        if (!ledger_number(&router->ledger, given->tag.serial, &number))
            return;
        /* Temperatures for a line that asked for none are the answer to one of ours. */
        if (!given->temperature && reply->number < 0 &&
            (given->questioned || (router->touched && reply->heaters > 0)))
            raw = SPAN("ok\n");
        ok_for_host(raw, reply, number, &ok);
        if (!router_filament_holds(router, given->tag.serial, text_span(&ok), now))
            router_pay(router, given->tag.serial, text_span(&ok), now);
        return;
    case SENDER_FILAMENT: router_filament_answered(router, given->tag.serial, now); return;
    }
}

bool router_again(struct router *router, struct instant now)
{
    char bytes[LINE_CAPACITY + 32];
    struct text text = TEXT_IN(bytes);
    struct printer_answer lost;

    if (router->printer_state == PRINTER_OFFLINE || router->standin ||
        outbox_room(&router->to_printer) < sizeof bytes)
        return false;
    if (!printer_session_again(&router->printer, &text)) {
        /* A halted printer is deaf, or answers each line as ever: it is asked nothing. */
        if (router->printer_state == PRINTER_HALTED)
            return false;
        if (printer_session_give_up(&router->printer, now, &lost)) {
            router_lost_ok(router, &lost, now);
            return true;
        }
        if (!printer_session_ask(&router->printer, &text, now))
            return false;
        router->touched = true;
    }
    outbox_add(&router->to_printer, router->to_printer_bytes, text_span(&text));
    return true;
}

/* Is this what such a query is answered by? */
static bool answers_query(const struct printer_reply *reply, const struct gcode_line *query)
{
    switch (reply->kind) {
    case REPLY_TEMPERATURE: return gcode_line_is(query, 'M', 105);
    case REPLY_POSITION: return gcode_line_is(query, 'M', 114);
    case REPLY_SD: return gcode_line_is(query, 'M', 27);
    case REPLY_FIRMWARE:
    case REPLY_CAPABILITY: return gcode_line_is(query, 'M', 115);
    case REPLY_TEXT:
    case REPLY_OK:
    case REPLY_RESEND:
    case REPLY_BUSY:
    case REPLY_ERROR:
    case REPLY_START:
    case REPLY_WAIT:
    case REPLY_ACTION: return false;
    }
    return false;
}

/*
 * Is this an answer line of a query that a plan sent, known by its form? The first query that
 * it fits says whose it is; where an ok was lost that need not be the oldest line.
 */
static bool of_our_query(struct router *router, const struct printer_reply *reply)
{
    struct sent_lines *lines = &router->printer.lines;
    struct gcode_line line;

    for (uint32_t i = 0; i < lines->unanswered; i++) {
        struct sent_line *sent = sent_lines_unanswered(lines, i);

        gcode_line_parse(sent_lines_bytes(lines, i), &line);
        if (sent->replied || !answers_query(reply, &line))
            continue;
        sent->replied = reply->kind == REPLY_POSITION; /* the others may say more than a line */
        return sent->tag.sender == SENDER_PLAN ||
               (sent->tag.sender == SENDER_POWER &&
                reply->kind == REPLY_TEMPERATURE); /* what it learns at a boot is for the host */
    }
    return false;
}

/* The printer names its firmware. */
static void firmware_told(struct router *router, struct span name)
{
    struct text text = TEXT_IN(router->firmware_name);
    const struct firmware *firmware = firmware_by_name(name);

    name.length = name.length < text.capacity ? name.length : text.capacity - 1;
    router->firmware_news |=
        !router->firmware_named && !span_equal(span_of(router->firmware_name), name);
    router->firmware_named = true;
    text.capacity--;
    text_add(&text, name);
    router->firmware_name[text.length] = '\0';
    router->firmware = (uint8_t)firmware_index(firmware);
    router->firmware_known = true;
    router->blanks = 0;
    extrusion_klipper(&router->extrusion, span_equal(span_of(firmware->name), SPAN("Klipper")));
    printer_session_longest_line(&router->printer, firmware->longest_line);
    printer_session_answers_blank(&router->printer, firmware->answers_blank);
}

/* The printer says whether it has an emergency parser. */
static void emergency_parser_told(struct router *router, bool has, struct instant now)
{
    if (!has && router->emergency_parser != 0)
        router_tell(router, LOG_WARNING,
                    SPAN("warning: this firmware reads M112 only in turn; "
                         "wire the PSU to the stop"),
                    now);
    router->emergency_parser = has;
}

/*
 * Does the printer say that it does not know a line of the file that it prints from its card? What
 * somebody sent is at the printer still while it says so.
 */
static bool of_the_card(const struct router *router, const struct printer_reply *reply)
{
    return reply->unknown_command && reply->argument.length > 0 &&
           router->job.source == PRINT_SOURCE_SD && print_job_runs(&router->job) &&
           !sent_lines_has(&router->printer.lines, reply->argument);
}

/* Text of the printer: what it tells us, and whether the host gets it, who may know it already. */
static void text_came(struct router *router, struct span raw, const struct printer_reply *reply,
                      bool known, struct instant now)
{
    bool owing = router->ledger.count > 0 || router->host.queue.count > 0;
    /* What somebody only watches may be lost to a host that does not read. */
    bool crowded = outbox_room(&router->to_host) < TO_HOST_BYTES / 2;

    switch (reply->kind) {
    case REPLY_BUSY:
        if (router->host_connected) {
            router->busy_seen = true;
            router->quiet_since = now;
        }
        break;
    case REPLY_WAIT:
        if (owing)
            return;
        break;
    case REPLY_FIRMWARE: firmware_told(router, reply->argument); break;
    case REPLY_CAPABILITY:
        if (span_equal(reply->argument, SPAN("EMERGENCY_PARSER")))
            emergency_parser_told(router, reply->number == 1, now);
        else if (span_equal(reply->argument, SPAN("PROMPT_SUPPORT")))
            router->prompts = reply->number == 1;
        break;
    case REPLY_TEMPERATURE:
    case REPLY_POSITION:
    case REPLY_SD:
        if (crowded) {
            router->counters.unread++;
            return;
        }
        break;
    case REPLY_TEXT:
    case REPLY_OK:
    case REPLY_RESEND:
    case REPLY_ERROR:
    case REPLY_START:
    case REPLY_ACTION: break;
    }
    if (reply->upload_failed) {
        router_uploading(router, false);
    }
    if (known || of_our_query(router, reply))
        return;
    if (of_the_card(router, reply)) {
        router->card_code = (uint16_t)raw.length;
        return;
    }
    /* It came to a stopped machine, and to us: that M112 works there again must not part us. */
    if (reply->kind == REPLY_ERROR && router->gate == ROUTER_SHUT && router->opened_shut)
        return;
    /* A Resend may follow, whatever a flipped bit has made of its Error. */
    if (reply->kind == REPLY_ERROR && !reply->halted && raw.length <= HELD_BYTES &&
        (reply->numbering || sent_lines_any_numbered(&router->printer.lines))) {
        release_held(router);
        memcpy(router->held, raw.data, raw.length);
        router->held_length = (uint16_t)raw.length;
        router->held_until = instant_after_ms(now, HELD_MS);
        return;
    }
    router_to_host(router, raw);
}

/* For rules and the log: it was reset, and is there. */
static void came_up(struct router *router, struct instant now)
{
    router->started = now;
    events_add(&router->events, EVENT_PRINTER, SPAN_NONE, SPAN("reset"), SPAN("start"), now)->is =
        FACT_PRINTER_RESET;
    router->printer_state = PRINTER_SILENT; /* `start` is its first word */
    router_printer_state(router, PRINTER_ONLINE, SPAN("start"), now);
}

/* `start`: whatever the printer had is gone. */
static void started(struct router *router, struct span raw, struct instant now)
{
    router->upload_end = 0;
    ledger_forget_real(&router->ledger);
    router->front_debt = 0;
    extrusion_init(&router->extrusion);
    router_filament_broken(router, now);
    router_upload_lost(router);
    plans_printer_gone(&router->plans, SPAN("the printer was reset"));
    /* Of a host that numbers all no job is known: its lines do not go on either. */
    if (print_job_broken(&router->job) || router->last_numbered) {
        router->after_reset = true;
        router->cancel_told = false;
    }
    router_job_facts(router, SPAN("the printer was reset"), now);
    came_up(router, now);
    router_to_host(router, raw);
}

/*
 * `start` of a printer that we have switched on: the host does not get it, because its next command
 * is queued already, and loses nothing by it (octoprint.md 2.1).
 */
static void switched_on(struct router *router, struct instant now)
{
    router_upload_lost(router);
    plans_printer_gone(&router->plans, SPAN("the printer was reset"));
    extrusion_init(&router->extrusion);
    router_release_ok(router, now);
    router_make_up(router, now);
    router_filament_broken(router, now);
    came_up(router, now);
}

/* It says that it is halted: what it had is dead, and nobody is owed anything for it. */
static void halted(struct router *router, struct span cause, struct instant now)
{
    if (router->printer_state == PRINTER_HALTED)
        return;
    printer_session_halted(&router->printer);
    ledger_forget_real(&router->ledger);
    router->front_debt = 0;
    router_filament_broken(router, now);
    router_upload_lost(router);
    plans_printer_gone(&router->plans, SPAN("the printer is halted"));
    print_job_broken(&router->job);
    router_job_facts(router, cause, now);
    router_printer_state(router, PRINTER_HALTED, cause, now);
}

/* The printer is heard: is it halted, or back? */
static void state_of(struct router *router, const struct printer_reply *reply, struct instant now)
{
    if (reply->halted)
        halted(router, reply->text, now);
    else if (router->printer_state == PRINTER_SILENT && reply->kind != REPLY_START)
        router_printer_state(router, PRINTER_ONLINE, reply->text, now); /* a start tells more */
    else if (router->printer_state == PRINTER_HALTED &&
             span_contains(reply->text, SPAN("Klipper state: Ready")))
        router_printer_state(router, PRINTER_ONLINE, reply->text, now);
}

/*
 * Klipper says no `start`: it says Disconnect when it ends, with what it had read, and Ready when it
 * has begun anew. Ready alone is its answer to STATUS.
 */
static bool klipper_restarted(struct router *router, const struct printer_reply *reply)
{
    if (reply->kind != REPLY_TEXT || !span_starts(reply->text, SPAN("// Klipper state: ")))
        return false;
    if (span_contains(reply->text, SPAN("Disconnect")))
        router->klippy_left = true;
    if (!router->klippy_left || !span_contains(reply->text, SPAN("Ready")))
        return false;
    router->klippy_left = false;
    return true;
}

/* A reset's text came, and its `start` did not: it has been lost, or there is none. */
static void start_was_lost(struct router *router, struct instant now)
{
    static const struct printer_reply start = {.kind = REPLY_START, .number = -1};
    struct printer_answer none;
    bool boots = power_boots(&router->power);

    printer_session_reply(&router->printer, &start, now, &none);
    power_heard(&router->power, true, now);
    if (boots)
        switched_on(router, now);
    else
        started(router, SPAN("start\n"), now);
}

/* One whole line of the printer. */
static void line_came(struct router *router, struct span raw, struct instant now)
{
    struct printer_reply reply;
    struct printer_answer given;
    enum printer_verdict verdict;
    bool halted = router->printer_state == PRINTER_HALTED; /* that is deaf and dumb */
    bool known, left, restarted;
    bool start, boots;

    printer_reply_parse(line_content(raw), &reply);
    if (reply.text.data != NULL)
        raw = span_skip(raw, (size_t)(reply.text.data - raw.data));
    router->counters.printer_lines++;
    if (binary_transfer_runs(&router->binary)) {
        bool over = binary_transfer_printer(&router->binary, reply.text);

        if (over)
            router_uploading(router, false);
        if (!over || reply.kind != REPLY_START) {
            router_to_host(router, raw);
            return;
        }
    }
    if (reply.kind == REPLY_RESEND) {
        router->held_length = 0;
        router->held_until = INSTANT_NEVER;
    } else if (!printer_session_doubts(&router->printer)) {
        release_held(router);
    }
    restarted = (halted && (reply.boot || reply.kind == REPLY_WAIT)) ||
                (reply.boot && instant_ms_since(router->started, now) > BOOT_TEXT_MS) ||
                klipper_restarted(router, &reply);
    if (!restarted) /* which tells more */
        state_of(router, &reply, now);
    known = filament_reply(&router->filament, &reply, now); /* before the job's change tells it */
    if (!router->uploading && !filament_card_waits(&router->filament, &reply) &&
        print_job_reply(&router->job, &reply))
        router_job_facts(router, reply.text, now);
    if (restarted)
        start_was_lost(router, now);
    if (reply.kind == REPLY_OK && reply.argument.length > 0)
        firmware_told(router, reply.argument); /* Klipper's answer to M115 */
    temperatures_see(&router->temperatures, &reply, now);
    while ((verdict = printer_session_reply(&router->printer, &reply, now, &given)) ==
           PRINTER_LOST_OK)
        router_lost_ok(router, &given, now);
    start = verdict == PRINTER_STARTED || verdict == PRINTER_RESET;
    boots = start && power_boots(&router->power);
    if (start || reply.text.length > 0)
        power_heard(&router->power, start, now);
    if (boots) {
        switched_on(router, now);
        return;
    }
    switch (verdict) {
    case PRINTER_FOR_NOBODY:
    case PRINTER_REFUSAL:
    case PRINTER_LOST_OK: return;
    case PRINTER_RESET:
        /* An ok of another's may have answered the M29 that it asks for now. */
        left = router->uploading ||
               (router->upload_end > 0 && reply.number <= router->upload_end);
        started(router, SPAN("start\n"), now);
        if (left)
            upload_is_left(router); /* it said so not in so many words */
        return;
    case PRINTER_STUCK: router_line_let_go(router, given.line, now); return;
    case PRINTER_INSISTS: router_line_again(router, given.line, now); return;
    case PRINTER_STARTED: started(router, raw, now); return;
    case PRINTER_SURPLUS_OK:
        /* A firmware not known yet may have answered a blank line, as Klipper does. */
        if (router->blanks > 0) {
            router->blanks--;
            router_to_host(router, raw);
        } else {
            router->counters.surplus_oks++;
        }
        return;
    case PRINTER_ANSWER: router_answer(router, raw, &reply, &given, now); return;
    case PRINTER_TEXT: text_came(router, raw, &reply, known, now); return;
    }
}

bool router_printer_bytes(struct router *router, struct span *bytes, struct span *ret_line,
                          struct instant now)
{
    struct span line;

    if (bytes->length > 0)
        router->printer_heard = now;
    for (;;) {
        switch (line_framer_next(&router->printer_framer, bytes, &line)) {
        case LINE_NONE: return false;
        case LINE_COMPLETE:
            router->card_code = 0;
            line_came(router, line, now);
            *ret_line = line_content(line);
            return true;
        case LINE_PART:
        case LINE_REST: /* longer than any answer: text, and passed as it comes */
            release_held(router);
            router_to_host(router, line);
            break;
        }
    }
}
