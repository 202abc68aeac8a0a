#include "audit.h"

#include <stdio.h>
#include <string.h>

#include "wire/gcode_line.h"

enum direction { FROM_HOST, TO_HOST, FROM_PRINTER, TO_PRINTER };

const char *audit_word(enum audit_class class)
{
    static const char *const words[AUDIT_CLASSES] = {
        [AUDIT_TORN] = "number torn off whole",
        [AUDIT_COLLISION] = "hurt, and its checksum right",
        [AUDIT_LOST] = "without a number, and lost",
        [AUDIT_HURT] = "without a number, and hurt",
        [AUDIT_TWICE] = "without a number, and doubled by the wire",
        [AUDIT_EARLY] = "answered before it was carried out, by an ok that was none of its own",
        [AUDIT_UNREVEALED] = "refused, all of that hurt, and nothing behind it to reveal it",
        [AUDIT_UNHEARD] = "reset that nothing told",
        [AUDIT_ON_THE_WAY] = "under way when the printer was reset",
        [AUDIT_GIVEN_UP] = "print given up, and told",
        [AUDIT_MADE_UP] = "lost ok made up, and told",
        [AUDIT_ERROR_SHOWN] = "numbering error shown",
    };

    return words[class];
}

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
    audit->lost_port = audit->m110_last = false;
    audit->strays = audit->aheads = 0;
    audit->temperatures_asked = audit->temperatures_shown = 0;
    audit->owing = 0;
    audit->loose = audit->job_dead = audit->cancelled = false;
    audit->start_heard = audit->start_lost = false;
    audit->made_up = 0;
    audit->progress = audit->world->now;
}

char audit_letter(uint32_t serial)
{
    return (char)('a' + serial * 7 % 26);
}

uint32_t audit_give(struct audit *audit, const char *command)
{
    struct text text;

    if (audit->serials + 1 == AUDIT_SERIALS)
        return 0;
    text = (struct text){audit->given[++audit->serials], AUDIT_COMMAND - 1, 0, false};
    text_add_string(&text, command);
    text.data[text.length] = '\0';
    return audit->serials;
}

static void wrong(struct audit *audit, const char *what, uint32_t serial)
{
    if (audit->wrong != NULL)
        return;
    audit->wrong = what;
    audit->wrong_serial = serial;
}

static void excuse(struct audit *audit, enum audit_class class)
{
    audit->excused[class]++;
}

/* The serial in a command, 0 none. */
static uint32_t serial_of(const struct audit *audit, struct span command)
{
    size_t at = span_find_last(command, 'K');
    struct span number = span_skip(command, at + 1);
    int64_t serial;
    size_t digits = text_integer(number, &serial);

    /* Without its point it is half a line, with another letter behind it another's. */
    if (at >= command.length || digits == 0 || number.length < digits + 2 ||
        number.data[digits] != '.' || serial < audit->first || serial > audit->serials ||
        number.data[digits + 1] != audit_letter((uint32_t)serial))
        return 0;
    return (uint32_t)serial;
}

static bool is_motion(struct span command)
{
    return command.length > 2 && command.data[0] == 'G' && command.data[1] >= '0' &&
           command.data[1] <= '3';
}

/* --- what is carried out --- */

/* Is this the very command of that serial, or what a rule makes of it? */
static bool is_given(const struct audit *audit, struct span command, uint32_t serial)
{
    struct span given = span_of(audit->given[serial]);

    return span_equal(command, given) ||
           (span_starts(given, SPAN("M802 ")) && span_starts(command, SPAN("M117 replaced by K")));
}

/* What the core or a host without serials sends unnumbered. */
static bool is_ours(struct span command)
{
    return span_equal(command, SPAN("M105")) || span_equal(command, SPAN("M400")) ||
           span_equal(command, SPAN("M114")) || span_equal(command, SPAN("M108")) ||
           span_equal(command, SPAN("M115")) || span_starts(command, SPAN("M110"));
}

/* What the simulated host says by itself besides. */
static bool is_of_host(struct span command)
{
    return span_equal(command, SPAN("M21")) || span_equal(command, SPAN("M84")) ||
           span_equal(command, SPAN("M104 T0 S0")) || span_equal(command, SPAN("M140 S0")) ||
           span_equal(command, SPAN("M106 S0"));
}

/* Has the wire doubled it? No number keeps it from being taken again. */
static bool is_m110_doubled(struct audit *audit, struct span command)
{
    bool is = span_starts(command, SPAN("M110")), before = audit->m110_last;

    audit->m110_last = is;
    audit->m110_executed += is;
    return is && (audit->m110_executed > audit->m110_wrote ||
                  (before &&
                   audit->world->port[PROXY_PRINTER].to.fault.fired[FAULT_DOUBLE_LINE] > 0));
}

static void carried_out(struct audit *audit, struct span command, bool ours, bool numbered)
{
    uint32_t serial = serial_of(audit, command);

    numbered &= audit->checked;
    audit->executed += !ours;
    if (!ours && !numbered && (serial == 0 || !is_given(audit, command, serial)))
        audit->strays += !is_ours(command); /* it is answered, whatever it was */
    if (!ours && is_m110_doubled(audit, command))
        audit->strays++;
    if (serial == 0) {
        if (!ours && numbered && !is_ours(command) && !is_of_host(command))
            excuse(audit, AUDIT_COLLISION);
        return;
    }
    if (!is_given(audit, command, serial)) {
        if (!ours)
            excuse(audit, numbered ? AUDIT_COLLISION : AUDIT_HURT);
        return; /* else it was hurt on the way from the host */
    }
    if (!ours && audit->job_dead && is_motion(command)) {
        if (audit->checked && !numbered && !audit->wrote_bare[serial])
            excuse(audit, AUDIT_TORN);
        else if (audit->start_lost && !numbered)
            excuse(audit, AUDIT_UNHEARD);
        else if (!numbered && !audit->start_heard)
            excuse(audit, AUDIT_ON_THE_WAY);
        else
            wrong(audit, "motion of a job whose printer was reset", serial);
    }
    if (!ours && audit->checked && !numbered && !audit->wrote_bare[serial]) {
        excuse(audit, AUDIT_TORN);
        audit->torn[serial] = 1;
        audit->strays++;
        return;
    }
    if (audit->seen[serial] > 0) {
        if (ours || numbered || audit->wrote[serial] > audit->accepted[serial])
            wrong(audit, "a command is carried out twice", serial);
        else
            excuse(audit, AUDIT_TWICE);
        audit->strays++;
    } else if (serial < (audit->shifted ? audit->last_by[ours] : audit->last_seen)) {
        wrong(audit, "a command is carried out after a younger one", serial);
    } else {
        audit->last_seen = audit->last_by[ours] = serial;
    }
    audit->seen[serial] = 1;
    audit->aheads -= audit->ahead[serial];
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
    serial = serial_of(audit, line.command);
    if (serial > 0 && !span_equal(line.command, span_of(audit->given[serial])))
        serial = 0; /* hurt on the way from the host */
    audit->accepted[serial]++;
    audit->may_be_bare[serial] = !line.numbered || raw.length > 80;
    if (gcode_line_is(&line, 'M', 112)) {
        audit->loose = audit->shifted = true; /* what is on the way to the printer is older */
        return;
    }
    if (gcode_line_is(&line, 'M', 110)) {
        audit->job_dead = audit->start_heard = audit->start_lost = false;
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

/* Has anything on the printer's wire made an ok that is none? */
static bool ok_may_be_false(const struct audit *audit)
{
    const struct world_port *printer = &audit->world->port[PROXY_PRINTER];
    const struct wire_fault *from = &printer->from.fault;

    return from->hurt_resends > 0 || from->fired[FAULT_DOUBLE_LINE] > 0 ||
           from->fired[FAULT_DELAY] > 0 || from->fired[FAULT_STALL] > 0 ||
           printer->to.fault.fired[FAULT_STALL] > 0 || /* a question was given up too soon */
           from->fired[FAULT_GARBAGE] > 0;
}

/* Lines without a number that never came to the printer as they were: their oks are others'. */
static uint64_t hurt_on_the_way(const struct audit *audit)
{
    return audit->bare > 0 ? audit->world->port[PROXY_PRINTER].to.fault.hurt_others : 0;
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
        audit->refused[owed.serial] |= audit->printer_gone; /* the stand-in answers, and said so */
        audit->first_owed = (audit->first_owed + 1) % AUDIT_OWED;
        audit->owing--;
    } else if (!audit->loose) {
        wrong(audit, "an ok that nothing is owed for", 0);
    }
    audit->shifted |= audit->loose;
    if (audit->loose)
        return;
    if (!temperature && text_integer(span_skip(line, n + 1), &number) > 0 &&
        number != owed.number && !audit->overtaken)
        wrong(audit, "an ok with a number that is not the host's", owed.serial);
    early = !audit->overtaken && owed.serial > 0 && audit->seen[owed.serial] == 0 && audit->torn[owed.serial] == 0 && audit->refused[owed.serial] == 0;
    audit->temperatures_shown += temperature && !owed.temperature;
    /* Where an ok was lost or false, one of ours may answer the host's in its stead. */
    if (audit->temperatures_shown > audit->temperatures_asked + audit->strays +
                                        audit->excused[AUDIT_MADE_UP] +
                                        audit->excused[AUDIT_EARLY] + hurt_on_the_way(audit) +
                                        audit->world->port[PROXY_PRINTER].from.fault.hurt_oks)
        wrong(audit, "the answer to a question of ours is shown", owed.serial);
    audit->overtaken &= audit->owing > 0;
    if (!early)
        return;
    audit->shifted = true;
    if (audit->made_up > 0) {
        audit->made_up--;
        return;
    }
    if (audit->printer_gone) {
        excuse(audit, AUDIT_MADE_UP);
        return;
    }
    audit->ahead[owed.serial] = 1;
    audit->aheads++;
    excuse(audit, AUDIT_EARLY);
    if (audit->aheads > audit->strays + hurt_on_the_way(audit) && audit->checked && !ok_may_be_false(audit) &&
        audit->excused[AUDIT_COLLISION] == 0)
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
        if (text_integer(span_trim(span_skip(line, 7)), &number) == 0 || (number != audit->expected && number != audit->asked_for))
            wrong(audit, "a Resend for a line that is not expected", 0);
        audit->its_ok = true;
    } else if (span_starts(line, SPAN("rs"))) {
        wrong(audit, "a Resend of the printer's is shown", 0);
    } else if (span_contains(line, SPAN("busy:"))) {
        audit->progress = audit->world->now;
    } else if (span_equal(line, SPAN("start"))) {
        audit->loose = true;
        audit->start_heard = true;
    } else if (span_starts(line, SPAN("//action:cancel"))) {
        audit->cancelled = true;
        audit->loose = true;
    } else if (span_contains(line, SPAN("lost: made up"))) {
        audit->made_up++;
        excuse(audit, AUDIT_MADE_UP);
    } else if (span_contains(line, SPAN("not sent: ")) || span_contains(line, SPAN("at most 1024"))) {
        uint32_t serial = serial_of(audit, line);

        audit->refused[serial] = 1;
        if (audit->owing > 0)
            audit->refused[audit->owed[audit->first_owed].serial] = 1;
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
    serial = serial_of(audit, line.command);
    if (serial == 0 || !is_given(audit, line.command, serial))
        return;
    if (audit->wrote[serial] < 255)
        audit->wrote[serial]++;
    if (!line.numbered)
        audit->wrote_bare[serial] = audit->bare = 1;
    if (audit->wrote[serial] > audit->accepted[serial] && (!audit->checked || !line.numbered))
        wrong(audit, "a line that no number protects is sent twice", serial);
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
    } else if (port == PROXY_PRINTER && span_equal(text, SPAN("the port is gone"))) {
        audit->printer_gone = audit->shifted = audit->lost_port = true;
    } else if (span_equal(text, SPAN("fault: printer reset")) ||
               span_equal(text, SPAN("fault: printer reset, start lost")) ||
               span_equal(text, SPAN("fault: unplug, printer off"))) {
        audit->job_dead = true;
        audit->start_heard = false;
        audit->start_lost |= span_contains(text, SPAN("start lost"));
    }
}

/* `gcode M42 done M42 Plight S1 K12.`: the command behind rule and outcome. */
static struct span told_command(struct span text)
{
    for (unsigned word = 0; word < 3; word++)
        text = span_skip(text, span_find(text, ' ') + 1);
    return text;
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
    switch (entry->kind) {
    case WORLD_EXECUTED: carried_out(audit, text, false, entry->numbered); break;
    case WORLD_EVENT:
        /* M800 goes to the printer and is then told as ours. */
        if (span_starts(text, SPAN("gcode ")) && !span_starts(text, SPAN("gcode M800 ")))
            carried_out(audit, told_command(text), true, false);
        break;
    case WORLD_NOTE: noted(audit, entry->port, text); break;
    case WORLD_FROM:
    case WORLD_TO:
    case WORLD_ORDER: break;
    }
}

void audit_end(struct audit *audit, bool whole)
{
    uint64_t forgiven = audit->excused[AUDIT_COLLISION];

    if (audit->wrong != NULL)
        return;
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
        } else if (audit->ahead[serial] > 0 && ok_may_be_false(audit)) {
            excuse(audit, AUDIT_UNREVEALED);
        } else if (!audit->loose) {
            wrong(audit, "a command was never carried out", serial);
        }
    }
    if (audit->loose)
        return;
    if (audit->owing > 0)
        wrong(audit, "a command without its ok", audit->owed[audit->first_owed].serial);
}
