#include "machine_watch.h"

#include <stdio.h>
#include <string.h>

enum {
    PLUGGED_MS = 2000,  /* from a cable's return until the printer has heard of the trip */
    STILL_MS = 20000,   /* from a trip until nothing moves: a wire may stand still for 12 s */
    SETTLED_MS = 20000, /* so long after a fault of the board all is as it should be */
    SWITCHED_MS = 2000, /* from a trip until outputs are as they are to be, without a fault */
    HORN_MS = 5000,     /* the longest pulse, and more */
    REPORT_MS = 4000,   /* the board's reports are as far apart, and its debounce */
    RULED_MS = 1000,    /* what was ordered before may still be on its way to the board */
};

void machine_watch_wrong(struct machine_watch *watch, const char *what)
{
    if (watch->wrong == NULL && watch->shown)
        fprintf(stderr, "%s\n", what);
    if (watch->wrong == NULL)
        watch->wrong = what;
}

void machine_watch_init(struct machine_watch *watch, struct world *world,
                        const struct machine_choice *choice)
{
    bool shown = watch->shown;

    memset(watch, 0, sizeof *watch);
    watch->world = world;
    watch->choice = choice;
    watch->shown = shown;
    watch->print = "idle";
    watch->loaded[0] = watch->loaded[1] = INSTANT_NEVER;
    watch->tripped = watch->pressed = watch->plugged = watch->horn = watch->unheld = INSTANT_NEVER;
}

static void status_of(const struct machine_watch *watch, struct status *ret_status)
{
    proxy_status(watch->world->proxy, watch->world->now, ret_status);
}

bool machine_estop_is(const struct machine_watch *watch, const char *word)
{
    struct status status;

    status_of(watch, &status);
    return strcmp(status.estop_state, word) == 0;
}

static bool is_halted(const struct machine_watch *watch)
{
    return machine_estop_is(watch, "tripped") || machine_estop_is(watch, "latched");
}

static bool is_longer(const struct machine_watch *watch, struct instant since, int64_t ms)
{
    return !instant_is_never(since) && instant_ms_since(since, watch->world->now) > ms;
}

/* A line whose end went with the cable is ended by the one before our M112. */
static bool is_just_plugged(const struct machine_watch *watch)
{
    return !instant_is_never(watch->plugged) && !is_longer(watch, watch->plugged, PLUGGED_MS);
}

/* --- the file's lines --- */

/* Two bits flipped alike leave the checksum as it is: so no serial is made of another by that. */
void machine_watch_move(unsigned serial, char *ret_line, size_t size)
{
    snprintf(ret_line, size, "G1 X%u Y%u E0.2 F3000", serial, serial * 7 % 10);
}

/*
 * The serial of a line of the file, when that counts as carried out; 0 if it is none, or hurt. An
 * M-code of the machine's own counts when we say that it is done, unless it ends as a line of the
 * printer's.
 */
static unsigned serial_of(const struct machine_watch *watch, struct span command, bool ours)
{
    bool move = span_starts(command, SPAN("G1 "));
    size_t at = span_find_last(command, move ? 'X' : 'K');
    bool replaced =
        span_equal((struct span){command.data, at < command.length ? at : 0}, SPAN("M220 "));
    char expected[64];
    int64_t serial;

    if (text_integer(span_skip(command, at + 1), &serial) == 0 || serial <= 0 ||
        serial > watch->given)
        return 0;
    if (move)
        machine_watch_move((unsigned)serial, expected, sizeof expected);
    else
        snprintf(expected, sizeof expected, "M220 K%u", (unsigned)serial);
    if (move || replaced)
        return !ours && span_equal(command, span_of(expected)) ? (unsigned)serial : 0;
    for (unsigned i = 0; i < watch->choice->codes; i++) {
        snprintf(expected, sizeof expected, "%s K%u", watch->choice->code[i], (unsigned)serial);
        if (span_equal(command, span_of(expected)))
            return ours != watch->choice->forwards[i] ? (unsigned)serial : 0;
    }
    return 0;
}

static void carried_out(struct machine_watch *watch, struct span command, bool ours, bool numbered)
{
    unsigned serial = serial_of(watch, command, ours);

    if (!ours && span_starts(command, SPAN("G1")) && is_longer(watch, watch->tripped, STILL_MS) &&
        is_halted(watch) && !is_just_plugged(watch))
        machine_watch_wrong(watch, "something moves while the stop is latched");
    if (serial == 0 || serial < watch->first)
        return;
    if (!ours)
        watch->reached = serial;
    if (!ours && (!numbered || watch->world->options.printer.klipper))
        return; /* where nobody checks numbers the wire may double it */
    watch->codes += ours;
    if (watch->done[serial]++ > 0)
        machine_watch_wrong(watch, ours ? "an M-code of ours is carried out twice"
                                        : "a line is carried out twice");
    if (!ours && serial < watch->last && !watch->kept)
        machine_watch_wrong(watch, "a line is carried out after a younger one");
    if (!ours)
        watch->last = serial;
}

/* `gcode M750 done M750 K5`: the command behind rule and outcome. */
static struct span told_command(struct span text)
{
    for (unsigned word = 0; word < 3; word++)
        text = span_skip(text, span_find(text, ' ') + 1);
    return text;
}

/* --- the board --- */

/* Is the board as it is, and nothing under way that was meant otherwise? */
static bool is_board_sound(const struct machine_watch *watch, int64_t ms)
{
    const struct world_port *end = &watch->world->port[PROXY_BOARD];

    return watch->world->board.stage == SIM_BOARD_RUNNING && end->plugged && end->open &&
           is_longer(watch, watch->hurt, ms) && is_longer(watch, watch->world->board.booted, ms);
}

static void look_at_faults(struct machine_watch *watch)
{
    const struct world_port *end = &watch->world->port[PROXY_BOARD];
    uint64_t faults = end->to.fault.hurt_oks + end->to.fault.hurt_others +
                      end->from.fault.hurt_oks + end->from.fault.hurt_others +
                      watch->world->befell[FAULT_BOARD_RESET] + watch->world->comings;

    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        faults += end->to.fault.fired[kind] + end->from.fault.fired[kind];
    if (faults != watch->faults || !end->plugged || !end->open ||
        watch->world->board.stage != SIM_BOARD_RUNNING || end->to.held.us > watch->world->now.us ||
        end->from.held.us > watch->world->now.us)
        watch->hurt = watch->world->now;
    watch->faults = faults;
}

/* The level that the stop wants; false if it wants none. */
static bool is_held(const struct machine_watch *watch, uint8_t io, bool *ret_high)
{
    switch (io) {
    case MACHINE_LIGHT: *ret_high = true; return true;
    case MACHINE_RELAY: *ret_high = false; return true;
    case MACHINE_FAN: *ret_high = watch->choice->fan_low; return true;
    default: return false;
    }
}

/* Nobody but the user who says --force, or a halt, takes the power from a job. */
static void power_went(struct machine_watch *watch)
{
    struct status status;

    status_of(watch, &status);
    if (watch->choice->power && !is_halted(watch) && is_board_sound(watch, SETTLED_MS) &&
        is_longer(watch, watch->began, RULED_MS) &&
        (instant_is_never(watch->forced) || is_longer(watch, watch->forced, SETTLED_MS)) &&
        (strcmp(status.print_state, "printing") == 0 || strcmp(status.print_state, "paused") == 0))
        machine_watch_wrong(watch, "the power is taken from a print");
}

static void pin_moved(struct machine_watch *watch, const struct sim_board_change *change)
{
    bool wanted;

    if (change->io == MACHINE_HORN && !change->high)
        watch->misread = false;
    if (change->io == MACHINE_HORN)
        watch->horn = change->high ? change->time : INSTANT_NEVER;
    if (change->io == MACHINE_RELAY && !change->high)
        power_went(watch);
    watch->powered += change->io == MACHINE_RELAY;
    if (is_held(watch, change->io, &wanted) && change->high != wanted &&
        is_longer(watch, watch->tripped, RULED_MS) && is_halted(watch) &&
        is_board_sound(watch, SETTLED_MS))
        machine_watch_wrong(watch, "an output is switched though the stop holds it");
}

void machine_watch_look(struct machine_watch *watch)
{
    static const uint8_t held[] = {MACHINE_LIGHT, MACHINE_RELAY, MACHINE_FAN};
    struct sim_board_change change;
    bool halted = is_halted(watch), unheld = false;

    if (watch->world->board.change_count - watch->pins > SIM_BOARD_CHANGES)
        watch->pins = watch->world->board.change_count - SIM_BOARD_CHANGES;
    look_at_faults(watch);
    while (sim_board_change(&watch->world->board, watch->pins, &change)) {
        watch->pins++;
        pin_moved(watch, &change);
    }
    for (unsigned i = 0; i < sizeof held; i++) {
        bool wanted;

        unheld |= halted && is_held(watch, held[i], &wanted) &&
                  sim_board_output(&watch->world->board, held[i]) != wanted;
    }
    if (!unheld)
        watch->unheld = INSTANT_NEVER;
    else if (instant_is_never(watch->unheld))
        watch->unheld = watch->world->now;
    if (is_longer(watch, watch->unheld, SWITCHED_MS) && is_board_sound(watch, SETTLED_MS))
        machine_watch_wrong(watch, "an output is not as the stop wants it");
    if (is_longer(watch, watch->horn, HORN_MS) && is_board_sound(watch, SETTLED_MS) &&
        !watch->misread)
        machine_watch_wrong(watch, "a pulse that does not end");
    if (is_longer(watch, watch->pressed, SWITCHED_MS) && machine_estop_is(watch, "armed") &&
        is_board_sound(watch, SETTLED_MS))
        machine_watch_wrong(watch, "the stop is armed though its button is pressed");
}

void machine_watch_input(struct machine_watch *watch, uint8_t io, bool high)
{
    if (io == MACHINE_BUTTON && high != !instant_is_never(watch->pressed))
        watch->pressed = high ? watch->world->now : INSTANT_NEVER;
    if (io == MACHINE_RUNOUT || io == MACHINE_RUNOUT_2) {
        bool *missing = &watch->missing[io - MACHINE_RUNOUT];

        watch->runouts += high && !*missing;
        if (*missing && !high)
            watch->loaded[io - MACHINE_RUNOUT] = watch->world->now;
        *missing = high;
    }
}

/* How many miss filament, or did so just now: a report may still be on its way. */
static unsigned missing(const struct machine_watch *watch)
{
    unsigned count = 0;

    for (unsigned i = 0; i < 2; i++)
        count += watch->missing[i] || (!instant_is_never(watch->loaded[i]) &&
                                       !is_longer(watch, watch->loaded[i], REPORT_MS));
    return count;
}

/* --- what is told, and said --- */

void machine_watch_entry(void *object, const struct world_entry *entry)
{
    struct machine_watch *watch = object;
    struct span text = {entry->text, entry->length};
    struct status status;

    if (watch->shown) {
        char bytes[WORLD_TEXT + 64];
        struct text line = TEXT_IN(bytes);

        world_entry_text(entry, &line);
        fwrite(line.data, 1, line.length, stderr);
    }
    if (entry->kind == WORLD_EXECUTED) {
        carried_out(watch, text, false, entry->numbered);
        watch->changes += span_equal(text, SPAN("M600"));
    }
    if (entry->kind == WORLD_EVENT && span_starts(text, SPAN("gcode ")))
        carried_out(watch, told_command(text), true, false);
    if (entry->kind == WORLD_EVENT && span_starts(text, SPAN("estop tripped"))) {
        watch->tripped = watch->world->now;
        watch->trips++;
    }
    if (entry->kind == WORLD_FROM && entry->port == PROXY_PRINTER)
        watch->heard = watch->world->now;
    if (entry->kind == WORLD_EVENT && span_contains(text, SPAN("board: io 15 does not switch")))
        watch->horn = INSTANT_NEVER; /* three tries, and it is told */
    /* The wire has flipped a digit of a report: somebody has switched it, and it is kept so. */
    watch->misread |= entry->kind == WORLD_EVENT &&
                      span_equal(text, SPAN("point horn on board report")) &&
                      instant_is_never(watch->horn);
    if (entry->kind == WORLD_EVENT && span_starts(text, SPAN("estop armed")))
        watch->tripped = INSTANT_NEVER;
    if (entry->kind == WORLD_EVENT && span_starts(text, SPAN("printer halted")))
        watch->forced = watch->world->now;
    if (entry->kind == WORLD_EVENT &&
        (span_starts(text, SPAN("print started")) || span_starts(text, SPAN("print resumed"))))
        watch->began = watch->world->now;
    if (entry->kind == WORLD_EVENT &&
        (span_starts(text, SPAN("print started")) ||
         (span_starts(text, SPAN("print resumed")) && strcmp(watch->print, "paused") != 0)))
        watch->runouts += missing(watch); /* they count again */
    if (entry->kind == WORLD_NOTE && entry->port == PROXY_PRINTER &&
        span_equal(text, SPAN("plugged in")))
        watch->plugged = watch->world->now;
    if (entry->kind == WORLD_NOTE && entry->port == PROXY_HOST &&
        span_equal(text, SPAN("opened"))) { /* nothing is owed to who comes */
        watch->commands = watch->oks = 0;
        watch->loose = false;
        watch->length[0] = watch->length[1] = 0;
    }
    machine_watch_look(watch);
    status_of(watch, &status);
    if (strcmp(watch->print, status.print_state) != 0)
        watch->stands = watch->world->now;
    watch->print = status.print_state;
}

static void host_says(struct machine_watch *watch, struct span line)
{
    line = span_trim(line);
    if (line.length == 0)
        return;
    if (span_contains(line, SPAN("M112"))) {
        watch->loose = true;
        watch->forced = watch->world->now;
        return;
    }
    if (span_contains(line, SPAN("M412 R")))
        watch->runouts += missing(watch);
    watch->commands++;
}

static void host_hears(struct machine_watch *watch, struct span line)
{
    line = span_trim(line);
    if (span_starts(line, SPAN("ok"))) {
        watch->oks++;
        if (watch->oks > watch->commands && !watch->loose)
            machine_watch_wrong(watch, "an ok that nothing is owed for");
    }
    if (span_starts(line, SPAN("Resend")))
        machine_watch_wrong(watch, "a Resend though the host's wire is good");
    /* An ok too many ends the change as it begins, and pauses the print, before this is heard. */
    if (span_contains(line, SPAN("Filament has run out: change")) &&
        strcmp(watch->print, "paused") == 0 && watch->stands.us < watch->world->now.us)
        machine_watch_wrong(watch, "filament is changed though the print is paused");
    watch->kept |= span_contains(line, SPAN("Filament is missing: print paused"));
    watch->told += span_contains(line, SPAN("Filament has run out: change")) ||
                   span_contains(line, SPAN("Filament is missing: print paused")) ||
                   (watch->choice->change == CHANGE_PAUSES &&
                    span_contains(line, SPAN("Filament has run out: print paused")));
    if (watch->told > watch->runouts && is_board_sound(watch, SETTLED_MS))
        machine_watch_wrong(watch, "a runout is told twice");
    if (watch->told > watch->runouts) /* a damaged report looked like filament */
        watch->runouts = watch->told;
}

void machine_watch_bytes(void *object, enum world_kind kind, enum proxy_port port,
                         struct span bytes)
{
    struct machine_watch *watch = object;
    bool says = kind == WORLD_FROM;

    if (port != PROXY_HOST)
        return;
    for (size_t i = 0; i < bytes.length; i++) {
        if (watch->length[says] < WORLD_TEXT)
            watch->line[says][watch->length[says]++] = bytes.data[i];
        if (bytes.data[i] != '\n')
            continue;
        if (says)
            host_says(watch, (struct span){watch->line[says], watch->length[says]});
        else
            host_hears(watch, (struct span){watch->line[says], watch->length[says]});
        watch->length[says] = 0;
    }
}
