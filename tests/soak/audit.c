#include "audit_script.h"

#include <stdio.h>
#include <string.h>

#include "wire/gcode_line.h"

enum direction { FROM_HOST, TO_HOST, FROM_PRINTER, TO_PRINTER };

void audit_init(struct audit *audit, const struct world *world, bool checked)
{
    memset(audit, 0, sizeof *audit);
    audit->world = world;
    audit->checked = checked;
}

void audit_begin(struct audit *audit)
{
    audit->first = audit->serials + 1;
    audit->last_seen = audit->last_by[0] = audit->last_by[1] = audit->serials;
    audit->shifted = false;
    audit->bare = 0;
    audit->uploads = audit->opened = false;
    audit->lost_port = audit->m110_last = audit->torn_file = false;
    audit->strays = audit->aheads = 0;
    audit->temperatures_asked = audit->temperatures_shown = 0;
    audit->positions_asked = audit->positions_due = audit->positions_shown = 0;
    audit->owing = 0;
    audit->loose = audit->job_dead = audit->job_open = audit->cancelled = false;
    audit->start_heard = audit->start_lost = false;
    audit->made_up = 0;
    audit->progress = audit->world->now;
}

static void wrong(struct audit *audit, const char *what, uint32_t serial)
{
    if (audit->wrong != NULL)
        return;
    audit->wrong = what;
    if (audit->shown)
        fprintf(stderr, "%s (K%u)\n", what, serial);
    audit->wrong_serial = serial;
}

static void excuse(struct audit *audit, enum audit_class class)
{
    audit->excused[class]++;
}

/* --- what is carried out --- */

/* Has the wire doubled it? No number keeps it from being taken again. */
static bool is_m110_doubled(struct audit *audit, struct span command)
{
    bool is = span_starts(command, SPAN("M110")), before = audit->m110_last;

    audit->m110_last = is;
    audit->m110_executed += is;
    return is &&
           (audit->m110_executed > audit->m110_wrote ||
            (before && audit->world->port[PROXY_PRINTER].to.fault.fired[FAULT_DOUBLE_LINE] > 0));
}

static void carried_out(struct audit *audit, struct span command, bool ours, bool numbered)
{
    uint32_t serial = audit_serial(audit, command);

    numbered &= audit->checked;
    /* A poll that goes down with a printer, and goes again behind its reset, has lost nothing. */
    audit->job_open |= numbered && !audit_is_ours(command);
    audit->executed += !ours;
    if (audit->opened && span_equal(command, SPAN("M29"))) {
        excuse(audit, AUDIT_TORN); /* its part had closed the file already, and was answered */
        audit->strays++;
    }
    audit->opened |= span_equal(command, SPAN("M28 UP.GCO"));
    if (!ours && !numbered && (serial == 0 || !audit_is_given(audit, command, serial))) {
        bool bare = audit_is_ours(command) && (!audit->checked || audit->ours_bare > 0);

        audit->strays += !bare; /* it is answered, whatever it was */
        audit->ours_bare -= bare && audit->ours_bare > 0;
    }
    if (!ours && is_m110_doubled(audit, command))
        audit->strays++;
    if (serial == 0) {
        if (!ours && numbered && !audit_is_ours(command) && !audit_is_of_host(command))
            excuse(audit, AUDIT_COLLISION);
        return;
    }
    if (!audit_is_given(audit, command, serial)) {
        if (!ours)
            excuse(audit, numbered ? AUDIT_COLLISION : AUDIT_HURT);
        return; /* else it was hurt on the way from the host */
    }
    if (!ours && audit->job_dead && audit_is_motion(command)) {
        if (audit->checked && !numbered && !audit->wrote_bare[serial])
            excuse(audit, AUDIT_TORN);
        else if (audit->start_lost && !numbered)
            excuse(audit, AUDIT_UNHEARD);
        /* Without numbers there is no job to be known: a host that goes on behind `start` may. */
        else if (!numbered && (!audit->start_heard || audit->may_be_bare[serial]))
            excuse(audit, AUDIT_ON_THE_WAY);
        else
            wrong(audit, "motion of a job whose printer was reset", serial);
    }
    if (!ours && audit->content[serial] && !audit->torn_file &&
        (numbered || audit->wrote_bare[serial]) &&
        (audit->opened || audit->excused[AUDIT_COLLISION] == 0)) /* that was its M28 */
        wrong(audit, "content of a file is carried out", serial);
    if (!ours && span_starts(command, SPAN("M114 ")))
        audit->positions_due++;
    if (!ours && audit->checked && !numbered && !audit->wrote_bare[serial]) {
        excuse(audit, AUDIT_TORN);
        audit->torn[serial] = 1;
        audit->strays++;
        return;
    }
    if (audit->seen[serial] > 0) {
        if (audit->accepted[serial] <= audit->seen[serial] &&
            (ours || numbered || audit->wrote[serial] > audit->accepted[serial]))
            wrong(audit, "a command is carried out twice", serial);
        else
            excuse(audit, AUDIT_TWICE);
        audit->strays++;
    } else if (serial < (audit->shifted ? audit->last_by[ours] : audit->last_seen)) {
        wrong(audit, "a command is carried out after a younger one", serial);
    } else {
        audit->last_seen = audit->last_by[ours] = serial;
    }
    if (audit->seen[serial] < UINT8_MAX)
        audit->seen[serial]++;
    audit->aheads -= audit->ahead[serial] == AHEAD_BY_A_FALSE_OK;
    audit->ahead[serial] = 0;
}

/* --- what the host says and hears --- */

static void owe(struct audit *audit, uint32_t serial, const struct gcode_line *line)
{
    struct audit_owed *owed;

    if (audit->owing == AUDIT_OWED) {
        wrong(audit, "a host that waits for very many oks", serial);
        return;
    }
    owed = &audit->owed[(audit->first_owed + audit->owing++) % AUDIT_OWED];
    *owed = (struct audit_owed){serial, line->numbered ? line->number : -1,
                                gcode_line_is(line, 'M', 105)};
    audit->temperatures_asked += owed->temperature;
    audit->positions_asked += gcode_line_is(line, 'M', 114);
    if (audit->owing == 1)
        audit->progress = audit->world->now;
}

/* Does the core have to take this line? */
static bool is_accepted(struct audit *audit, const struct gcode_line *line)
{
    bool whole = line->has_checksum && line->checksum_right;
    int64_t sets;

    if (gcode_line_is(line, 'M', 110)) {
        if (line->numbered && !whole) {
            audit->asked_for = audit->number_known ? audit->expected : line->number + 1;
            return false;
        }
        if (gcode_line_m110(line, &sets)) {
            audit->number_known = true;
            audit->expected = sets + 1;
        }
        return true;
    }
    if (!line->numbered)
        return true;
    if (!audit->number_known)
        audit->expected = line->number;
    audit->number_known = true;
    if (!whole || line->number != audit->expected) {
        audit->asked_for = audit->expected;
        return false;
    }
    audit->expected++;
    return true;
}

static void from_host(struct audit *audit, struct span raw)
{
    struct gcode_line line;
    uint32_t serial;

    gcode_line_parse(raw, &line);
    if (!is_accepted(audit, &line))
        return;
    if (line.blank || line.comment_only) {
        /* Made by the wire, for firmware that answers it and did not say so: it is passed. */
        audit->loose |= audit->world->printer.manner.klipper;
        return;
    }
    audit->lines++;
    serial = audit_serial(audit, line.command);
    /* Hurt on the way from the host. `m802!SK2.` is M802 to a rule, which makes of it what it should. */
    if (serial > 0 && !span_equal(line.command, span_of(audit->given[serial])) &&
        !(gcode_line_is(&line, 'M', 802) &&
          span_starts(span_of(audit->given[serial]), SPAN("M802 "))))
        serial = 0;
    audit->accepted[serial]++;
    audit->may_be_bare[serial] = !line.numbered || raw.length > 80;
    if (gcode_line_is(&line, 'M', 112)) {
        audit->loose = audit->shifted = true; /* what is on the way to the printer is older */
        return;
    }
    if (gcode_line_is(&line, 'M', 110)) {
        audit->job_dead = audit->job_open = audit->start_heard = audit->start_lost = false;
    }
    if (gcode_line_emergency(&line) != GCODE_ORDINARY) {
        serial = 0;
        audit->overtaken = audit->owing > 0; /* its ok may come before others */
    }
    if (line.is_command || audit->world->printer.manner.klipper)
        owe(audit, serial, &line);
    else
        audit->loose = true; /* a word, made by the wire: it may be answered or not */
}

/* So many oks that were none, or another's, the printer's wire may have made of what passed it. */
static uint64_t false_oks(const struct audit *audit)
{
    const struct world_port *printer = &audit->world->port[PROXY_PRINTER];
    const struct wire_fault *from = &printer->from.fault;

    return from->hurt_resends + from->hurt_refusals + from->fired[FAULT_DOUBLE_LINE] +
           from->fired[FAULT_DELAY] +
           /* what is late by seconds was given up by then, and a question for it */
           AUDIT_GIVEN_UP_AT_ONCE *
               (from->fired[FAULT_STALL] + printer->to.fault.fired[FAULT_STALL]);
}

/* Lines without a number that never came to the printer as they were: their oks are others'. */
static uint64_t hurt_on_the_way(const struct audit *audit)
{
    return audit->bare > 0 ? audit->world->port[PROXY_PRINTER].to.fault.hurt_others : 0;
}

/* Where an ok was lost or false, what is ours may be taken for the host's, and its for ours. */
static uint64_t confusions(const struct audit *audit)
{
    return audit->strays + audit->excused[AUDIT_MADE_UP] + audit->excused[AUDIT_EARLY] +
           hurt_on_the_way(audit) + audit->world->port[PROXY_PRINTER].from.fault.hurt_oks +
           audit->world->port[PROXY_PRINTER].from.fault.fired[FAULT_DOUBLE_LINE] +
           audit->world->port[PROXY_PRINTER].to.fault.fired[FAULT_DOUBLE_LINE];
}

/* The file of the script's upload. NULL: there is none. */
static const struct sim_sd_file *file_of(const struct audit *audit)
{
    int slot = sim_sd_find(&audit->world->printer.sd, SPAN("UP.GCO"));

    return slot < 0 ? NULL : &audit->world->printer.sd.files[slot];
}

/* Is it the stand-in that answers? What it says may be heard as the port is opened again. */
static bool is_gone(const struct audit *audit)
{
    return audit->printer_gone || audit->printer_back.us == audit->world->now.us;
}

static void ok_came(struct audit *audit, struct span line)
{
    struct audit_owed owed = {0, -1, false};
    bool temperature = span_contains(line, SPAN("T:"));
    size_t n = span_find(line, 'N');
    int64_t number;
    bool early;

    audit->progress = audit->world->now;
    if (audit->its_ok) {
        audit->its_ok = false;
        if (!span_equal(line, SPAN("ok")))
            wrong(audit, "the ok of a Resend says more than ok", 0);
        return;
    }
    audit->oks_to_host++;
    if (audit->owing > 0) {
        owed = audit->owed[audit->first_owed];
        audit->refused[owed.serial] |= is_gone(audit); /* the stand-in answers, and said so */
        audit->first_owed = (audit->first_owed + 1) % AUDIT_OWED;
        audit->owing--;
    } else if (!audit->loose) {
        wrong(audit, "an ok that nothing is owed for", 0);
    }
    audit->shifted |= audit->loose;
    /* It was that of the line without its number, which goes again with it behind what is ours. */
    audit->shifted |= audit->torn[owed.serial] > 0 && audit->seen[owed.serial] == 0;
    if (audit->loose)
        return;
    if (!temperature && text_integer(span_skip(line, n + 1), &number) > 0 &&
        number != owed.number && !audit->overtaken)
        wrong(audit, "an ok with a number that is not the host's", owed.serial);
    early = !audit->content[owed.serial] && !audit->overtaken && owed.serial > 0 &&
            audit->seen[owed.serial] == 0 && audit->torn[owed.serial] == 0 &&
            audit->refused[owed.serial] == 0;
    audit->temperatures_shown += temperature && !owed.temperature;
    if (audit->temperatures_shown > audit->temperatures_asked + confusions(audit))
        wrong(audit, "the answer to a question of ours is shown", owed.serial);
    audit->overtaken &= audit->owing > 0;
    if (!early)
        return;
    audit->shifted = true;
    if (audit->made_up > 0) {
        audit->made_up--;
        audit->ahead[owed.serial] = AHEAD_MADE_UP;
        return;
    }
    if (is_gone(audit)) {
        excuse(audit, AUDIT_MADE_UP);
        return;
    }
    if (audit->start_lost && !audit->start_heard) {
        excuse(audit, AUDIT_UNHEARD);
        return;
    }
    audit->ahead[owed.serial] = AHEAD_BY_A_FALSE_OK;
    audit->aheads++;
    excuse(audit, AUDIT_EARLY);
    if (audit->aheads > audit->strays + hurt_on_the_way(audit) + false_oks(audit) +
                            audit->excused[AUDIT_COLLISION] &&
        audit->checked)
        wrong(audit, "an ok before its command is carried out", owed.serial);
}

static void to_host(struct audit *audit, struct span raw)
{
    struct span line = span_trim(raw);
    int64_t number;

    if (span_starts(line, SPAN("ok"))) {
        ok_came(audit, line);
        return;
    }
    if (audit->its_ok)
        wrong(audit, "something between a Resend and its ok", 0);
    audit->its_ok = false;
    if (span_starts(line, SPAN("Resend:"))) {
        if (text_integer(span_trim(span_skip(line, 7)), &number) == 0 ||
            (number != audit->expected && number != audit->asked_for))
            wrong(audit, "a Resend for a line that is not expected", 0);
        audit->its_ok = true;
    } else if (span_starts(line, SPAN("rs"))) {
        wrong(audit, "a Resend of the printer's is shown", 0);
    } else if (span_contains(line, SPAN("busy:"))) {
        audit->progress = audit->world->now;
    } else if (span_equal(line, SPAN("start"))) {
        audit->loose = true;
        audit->start_heard = true;
    } else if (span_contains(line, SPAN("Printer halted")) ||
               span_contains(line, SPAN("kill() called")) ||
               span_contains(line, SPAN("Klipper state: Shutdown")) ||
               span_contains(line, SPAN("Printer is shutdown"))) {
        audit->loose = true; /* by the host, or by an M112 that the wire has made */
    } else if (span_starts(line, SPAN("//action:cancel"))) {
        audit->cancelled = true;
        audit->loose |= audit->world->host.action_cancel;
    } else if (span_contains(line, SPAN("lost: made up"))) {
        audit->made_up++;
        excuse(audit, AUDIT_MADE_UP);
    } else if (span_contains(line, SPAN("not sent: ")) ||
               span_contains(line, SPAN("error: long: "))) {
        uint32_t serial = audit_serial(audit, line);

        if (span_contains(line, SPAN("again and again")))
            excuse(audit, AUDIT_LET_GO);
        audit->refused[serial] = 1;
        if (audit->owing > 0)
            audit->refused[audit->owed[audit->first_owed].serial] = 1;
    } else if (span_contains(line, SPAN(" Count X:"))) {
        if (++audit->positions_shown >
                audit->positions_asked + confusions(audit) +
                    audit->world->port[PROXY_PRINTER].from.fault.hurt_others &&
            !audit->loose)
            wrong(audit, "the answer to a query of ours is shown", 0);
    } else if (span_contains(line, SPAN("Last Line: "))) {
        excuse(audit, AUDIT_ERROR_SHOWN);
    }
}

/* --- what the printer is told --- */

static void to_printer(struct audit *audit, struct span raw)
{
    struct gcode_line line;
    uint32_t serial;

    gcode_line_parse(raw, &line);
    audit->m110_wrote += gcode_line_is(&line, 'M', 110);
    serial = audit_serial(audit, line.command);
    audit->ours_bare += !line.numbered && audit_is_ours(line.command);
    if (serial == 0 || !audit_is_given(audit, line.command, serial))
        return;
    if (audit->wrote[serial] < 255)
        audit->wrote[serial]++;
    if (!line.numbered)
        audit->wrote_bare[serial] = audit->bare = 1;
    if (audit->wrote[serial] > audit->accepted[serial] && (!audit->checked || !line.numbered))
        wrong(audit, "a line that no number protects is sent twice", serial);
}

/* Before all that was written has arrived in it: a part of a torn line was an M29. */
static void file_closed(struct audit *audit)
{
    const struct sim_sd_file *file = file_of(audit);
    bool whole = file != NULL;

    for (uint32_t serial = audit->first; serial <= audit->serials && whole; serial++)
        whole = !audit->content[serial] || audit->wrote[serial] == 0 ||
                span_contains((struct span){file->data, file->size}, span_of(audit->given[serial]));
    if (whole)
        return;
    excuse(audit, AUDIT_TORN);
    audit->loose = audit->torn_file = true;
}

/* The printer says so a little later, and carries out what is behind the M29 meanwhile. */
static void look_at_card(struct audit *audit)
{
    const struct sim_printer *printer = &audit->world->printer;
    bool writes = printer->sd_writing >= 0;

    if (audit->card_writes && !writes && audit->uploads &&
        printer->counters.resets == audit->resets_seen)
        file_closed(audit);
    audit->card_writes = writes;
    audit->resets_seen = printer->counters.resets;
}

static void from_printer(struct audit *audit, struct span raw)
{
    if (span_starts(span_trim(raw), SPAN("Resend:")))
        audit->resends_from_printer++;
}

void audit_listen(void *object, enum world_kind kind, enum proxy_port port, struct span bytes)
{
    struct audit *audit = object;
    enum direction direction;

    if (port == PROXY_BOARD)
        return;
    look_at_card(audit);
    direction = port == PROXY_HOST ? (kind == WORLD_FROM ? FROM_HOST : TO_HOST)
                                   : (kind == WORLD_FROM ? FROM_PRINTER : TO_PRINTER);
    for (size_t i = 0; i < bytes.length; i++) {
        char *line = audit->line[direction];
        uint32_t *length = &audit->length[direction];
        struct span raw;

        if (*length < sizeof audit->line[0])
            line[(*length)++] = bytes.data[i];
        if (bytes.data[i] != '\n')
            continue;
        raw = (struct span){line, *length};
        *length = 0;
        switch (direction) {
        case FROM_HOST: from_host(audit, raw); break;
        case TO_HOST: to_host(audit, raw); break;
        case FROM_PRINTER: from_printer(audit, raw); break;
        case TO_PRINTER: to_printer(audit, raw); break;
        }
    }
}

/* --- what the world tells --- */

static void noted(struct audit *audit, enum proxy_port port, struct span text)
{
    if (port == PROXY_HOST && span_equal(text, SPAN("opened"))) {
        audit->number_known = false;
        audit->owing = 0;
        audit->its_ok = false;
        audit->length[FROM_HOST] = audit->length[TO_HOST] = 0;
    } else if (port == PROXY_HOST && span_equal(text, SPAN("closed"))) {
        audit->loose = audit->shifted = true;
        audit->owing = 0;
        audit->length[FROM_HOST] = 0;
    } else if (port == PROXY_PRINTER && span_equal(text, SPAN("opened"))) {
        audit->length[FROM_PRINTER] = audit->length[TO_PRINTER] = 0;
        audit->printer_gone = false;
        audit->printer_back = audit->world->now;
    } else if (port == PROXY_PRINTER && span_equal(text, SPAN("the port is gone"))) {
        audit->printer_gone = audit->shifted = audit->lost_port = true;
    } else if (span_equal(text, SPAN("fault: printer reset")) ||
               span_equal(text, SPAN("fault: printer reset, start lost")) ||
               span_equal(text, SPAN("fault: unplug, printer off"))) {
        bool untold = span_contains(text, SPAN("start lost"));

        /* A job's M110 that goes down with a printer has lost nothing of its job. */
        audit->job_dead |= audit->job_open || !untold;
        audit->start_heard = false;
        audit->start_lost |= untold;
    }
}

void audit_watch(void *object, const struct world_entry *entry)
{
    struct audit *audit = object;
    struct span text = {entry->text, entry->length};

    if (audit->shown) {
        char bytes[WORLD_TEXT + 64];
        struct text line = TEXT_IN(bytes);

        world_entry_text(entry, &line);
        fwrite(line.data, 1, line.length, stderr);
    }
    look_at_card(audit);
    switch (entry->kind) {
    case WORLD_EXECUTED: carried_out(audit, text, false, entry->numbered); break;
    case WORLD_EVENT:
        /* M800 goes to the printer and is then told as ours. */
        if (span_starts(text, SPAN("gcode ")) && !span_starts(text, SPAN("gcode M800 ")))
            carried_out(audit, audit_told_command(text), true, false);
        break;
    case WORLD_NOTE: noted(audit, entry->port, text); break;
    case WORLD_FROM:
    case WORLD_TO:
    case WORLD_ORDER: break;
    }
}

/* What is in the file: content, once and in order, and of others what the host said meanwhile. */
static void look_at_file(struct audit *audit)
{
    const struct sim_sd_file *file = file_of(audit);
    struct span all, line;
    uint32_t last = 0;

    if (file == NULL)
        return;
    for (all = (struct span){file->data, file->size}; all.length > 0;
         all = span_skip(all, line.length + 1)) {
        uint32_t serial;

        line = (struct span){all.data, span_find(all, '\n')};
        serial = audit_serial(audit, line);
        if (serial == 0 || !audit_is_given(audit, line, serial)) {
            if (!audit_is_ours(line) && !audit_is_of_host(line))
                excuse(audit, AUDIT_COLLISION);
            continue;
        }
        if (!audit->content[serial])
            wrong(audit, "a command is written into a file", serial);
        if (audit->seen[serial] > 0)
            wrong(audit, "a line is written twice", serial);
        if (serial < last)
            wrong(audit, "a line is written behind a younger one", serial);
        last = serial;
        audit->seen[serial] = 1;
        audit->aheads -= audit->ahead[serial] == AHEAD_BY_A_FALSE_OK;
        audit->ahead[serial] = 0;
    }
}

void audit_end(struct audit *audit, bool whole)
{
    uint64_t forgiven;

    if (audit->wrong != NULL)
        return;
    if (audit->checked && audit->uploads)
        look_at_file(audit);
    forgiven = audit->excused[AUDIT_COLLISION];
    for (uint32_t serial = audit->first; serial <= audit->serials; serial++) {
        if (audit->seen[serial] > 0 || audit->refused[serial] > 0 || audit->torn[serial] > 0)
            continue;
        if (!audit->accepted[serial]) {
            if (whole)
                wrong(audit, "a command never reached the core", serial);
        } else if (audit->wrote_bare[serial] > 0 || !audit->checked ||
                   (audit->may_be_bare[serial] && audit->lost_port)) {
            excuse(audit, AUDIT_LOST);
        } else if (forgiven > 0) {
            forgiven--;
        } else if (audit->ahead[serial] > 0 &&
                   (false_oks(audit) > 0 ||
                    /* `Unknogn command: "n56 G1 X1"` of a line without its number */
                    (audit->strays > 0 &&
                     audit->world->port[PROXY_PRINTER].from.fault.hurt_others > 0))) {
            excuse(audit, AUDIT_UNREVEALED);
        } else if (!audit->loose) {
            wrong(audit, "a command was never carried out", serial);
        }
    }
    if (audit->loose)
        return;
    if (audit->checked && !audit->lost_port &&
        audit->positions_shown + confusions(audit) +
                audit->world->port[PROXY_PRINTER].from.fault.hurt_others <
            audit->positions_due)
        wrong(audit, "the answer to a query of the host's is kept from it", 0);
    if (audit->owing > 0)
        wrong(audit, "a command without its ok", audit->owed[audit->first_owed].serial);
}
