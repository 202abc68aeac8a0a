#include "route/filament.h"

#include <assert.h>
#include <string.h>

static const struct span notes[] = {
    [FILAMENT_NOTE_CHANGE] = SPAN_INIT("Filament has run out: change it at the printer"),
    [FILAMENT_NOTE_PAUSED] = SPAN_INIT("Filament has run out: print paused"),
    [FILAMENT_NOTE_EMPTY] = SPAN_INIT("Filament is missing: print paused before it begins"),
    [FILAMENT_NOTE_DONE] = SPAN_INIT("Filament is changed: the print goes on"),
    [FILAMENT_NOTE_RESUME] =
        SPAN_INIT("Filament change is over: the print goes on when you resume it"),
};
#define NOTES (sizeof notes / sizeof notes[0])

void filament_want(struct filament *filament, enum filament_action_kind kind)
{
    filament->pending |= (uint8_t)(1u << kind);
}

void filament_notify(struct filament *filament, enum filament_note which)
{
    filament->notes |= (uint8_t)(1u << which);
    filament_want(filament, FILAMENT_NOTIFY);
}

/* The only writer of the state. */
void filament_enter(struct filament *filament, enum filament_state state, struct instant now)
{
    filament->state = state;
    filament->deadline = INSTANT_NEVER;
    switch (state) {
    case FILAMENT_SENT:
        filament->sent = now;
        filament->waiting_seen = false;
        filament->resumed = false;
        filament->pressed = false;
        filament->cancelled = false;
        filament->press = now;
        filament->go_on = -1;
        filament->prompt_open = false;
        filament->choices = 0;
        filament->deadline = instant_after_ms(now, FILAMENT_TELL_MS);
        break;
    case FILAMENT_WATCHES:
    case FILAMENT_DUE:
    case FILAMENT_CHANGES:
    case FILAMENT_HOSTS:
    case FILAMENT_KEEPS:
    case FILAMENT_RETURNS: break;
    }
}

static void load(struct filament *filament, const struct filament_settings *set, unsigned count)
{
    assert(count <= SETTINGS_FILAMENTS);
    filament->sensors = count;
    for (unsigned i = 0; i < count; i++)
        filament->sensor[i].set = set[i];
}

void filament_init(struct filament *filament, const struct filament_settings *set, unsigned count)
{
    memset(filament, 0, sizeof *filament);
    filament->on = true;
    filament->deadline = INSTANT_NEVER;
    filament->go_on = -1;
    load(filament, set, count);
}

void filament_release_ok(struct filament *filament)
{
    if (filament->holding)
        filament_want(filament, FILAMENT_RELEASE_OK);
    filament->holding = false;
}

struct span filament_command(const struct filament *filament)
{
    return span_of(filament->sensor[filament->which].set.command);
}

void filament_over(struct filament *filament, struct instant now)
{
    for (unsigned i = 0; i < filament->sensors; i++) {
        struct filament_sensor *sensor = &filament->sensor[i];

        if (sensor->level == FILAMENT_MISSING && sensor->set.tool == filament->tool)
            sensor->fired = true;
    }
    filament->cancelled = false;
    filament_enter(filament, FILAMENT_WATCHES, now);
}

/* An ok is held, or there is none to hold: the change begins. */
static void begin(struct filament *filament, struct instant now)
{
    filament->sensor[filament->which].fired = true;
    if (filament_command(filament).length == 0) {
        filament_want(filament, FILAMENT_SAY_PAUSE);
        filament_notify(filament, FILAMENT_NOTE_PAUSED);
        filament_release_ok(filament);
        filament_enter(filament, FILAMENT_WATCHES, now);
        return;
    }
    filament_want(filament, FILAMENT_INJECT);
    filament_notify(filament, FILAMENT_NOTE_CHANGE);
    filament_enter(filament, FILAMENT_SENT, now);
}

static bool has_run_out(const struct filament *filament, const struct filament_sensor *sensor)
{
    return sensor->level == FILAMENT_MISSING && !sensor->fired &&
           (filament->card ||
            (sensor->set.tool == filament->tool && sensor->since_um >= sensor->set.distance_um));
}

/* Is it time to do something about a runout? */
static void consider(struct filament *filament, struct instant now)
{
    if (filament->state != FILAMENT_WATCHES || !filament->on ||
        filament->job != FILAMENT_PRINTING || !filament->armed)
        return;
    for (unsigned i = 0; i < filament->sensors; i++) {
        if (!has_run_out(filament, &filament->sensor[i]))
            continue;
        filament->which = (uint8_t)i;
        if (filament->card)
            begin(filament, now);
        else
            filament_enter(filament, FILAMENT_DUE, now);
        return;
    }
}

/* Does what made the change due still hold? */
static void reconsider(struct filament *filament, struct instant now)
{
    if (filament->state == FILAMENT_DUE &&
        (!filament->on || filament->job != FILAMENT_PRINTING ||
         filament->which >= filament->sensors ||
         !has_run_out(filament, &filament->sensor[filament->which])))
        filament_enter(filament, FILAMENT_WATCHES, now);
    consider(filament, now);
}

/* Each sensor keeps what is known of it, wherever it stands now. */
static void move_sensors(struct filament *filament, unsigned count, const uint8_t *was)
{
    struct filament_sensor old[SETTINGS_FILAMENTS];
    unsigned which = count; /* of none of them */

    memcpy(old, filament->sensor, sizeof old);
    for (unsigned i = 0; i < count; i++) {
        unsigned from = was == NULL ? i : was[i];

        filament->sensor[i] = from < filament->sensors
                                  ? old[from]
                                  : (struct filament_sensor){.level = FILAMENT_UNKNOWN};
        if (from == filament->which)
            which = i;
    }
    if (which == count && count < SETTINGS_FILAMENTS)
        filament->sensor[count] = old[filament->which]; /* its command may be under way */
    filament->which = (uint8_t)(which < SETTINGS_FILAMENTS ? which : 0);
}

void filament_reload(struct filament *filament, const struct filament_settings *set, unsigned count,
                     const uint8_t *was, struct instant now)
{
    const char *word = filament_word(filament);

    move_sensors(filament, count, was);
    load(filament, set, count);
    if (word != filament_word(filament))
        filament_want(filament, FILAMENT_CHANGED);
    reconsider(filament, now);
}

void filament_see(struct filament *filament, unsigned index, enum filament_level level,
                  struct instant now)
{
    const char *word = filament_word(filament);
    struct filament_sensor *sensor = &filament->sensor[index];

    assert(index < filament->sensors);
    if (level == FILAMENT_MISSING && sensor->level != FILAMENT_MISSING)
        sensor->since_um = 0;
    if (level == FILAMENT_PRESENT)
        sensor->fired = false;
    sensor->level = level;
    if (word != filament_word(filament))
        filament_want(filament, FILAMENT_CHANGED);
    reconsider(filament, now);
}

void filament_switch(struct filament *filament, bool on, struct instant now)
{
    const char *word = filament_word(filament);

    filament->on = on;
    if (word != filament_word(filament))
        filament_want(filament, FILAMENT_CHANGED);
    reconsider(filament, now);
}

void filament_rearm(struct filament *filament, struct instant now)
{
    for (unsigned i = 0; i < filament->sensors; i++) {
        filament->sensor[i].fired = false;
        filament->sensor[i].since_um = 0;
    }
    reconsider(filament, now);
}

/* The kept lines are nobody's any more. */
static void drop_kept(struct filament *filament)
{
    filament->kept = 0;
    filament->kept_at = filament->kept_length = 0;
    filament->pending &= (uint8_t) ~(1u << FILAMENT_INJECT);
}

static void print_ended(struct filament *filament, struct instant now)
{
    switch (filament->state) {
    case FILAMENT_WATCHES:
    case FILAMENT_DUE: return;
    case FILAMENT_SENT:
    case FILAMENT_CHANGES: filament_cancel(filament, true, now); return;
    case FILAMENT_HOSTS: filament_enter(filament, FILAMENT_WATCHES, now); return;
    case FILAMENT_KEEPS:
    case FILAMENT_RETURNS:
        drop_kept(filament);
        filament_enter(filament, FILAMENT_WATCHES, now);
        return;
    }
}

void filament_print(struct filament *filament, enum filament_job job, bool card, struct instant now)
{
    enum filament_job old = filament->job;

    filament->job = job;
    filament->card = card && job != FILAMENT_NO_JOB;
    if (job == old)
        return;
    if (job == FILAMENT_NO_JOB)
        print_ended(filament, now);
    if (old == FILAMENT_NO_JOB) {
        filament->armed = filament->card; /* of which nobody sees the moves */
        for (unsigned i = 0; i < filament->sensors; i++) {
            filament->sensor[i].fired = false;
            filament->sensor[i].since_um = 0;
        }
    }
    if (old == FILAMENT_PAUSED && job == FILAMENT_PRINTING) {
        if (filament->state == FILAMENT_CHANGES && !filament->resumed && !filament->pressed) {
            filament->pressed = true;
            filament_press(filament, now);
        } else if (filament->state == FILAMENT_KEEPS) {
            filament_enter(filament, FILAMENT_RETURNS, now);
            filament_want(filament, FILAMENT_INJECT);
        }
    }
    reconsider(filament, now);
}

void filament_extruded(struct filament *filament, unsigned tool, int32_t um, struct instant now)
{
    if (um <= 0)
        return;
    filament->armed = filament->armed || filament->job == FILAMENT_PRINTING;
    for (unsigned i = 0; i < filament->sensors; i++) {
        struct filament_sensor *sensor = &filament->sensor[i];

        if (sensor->set.tool == tool && sensor->level == FILAMENT_MISSING)
            sensor->since_um =
                um > INT32_MAX - sensor->since_um ? INT32_MAX : sensor->since_um + um;
    }
    consider(filament, now);
}

static bool is_tool_move(const struct gcode_line *line)
{
    return line->is_command && line->letter == 'G' && line->subcode < 0 &&
           (line->code <= 3 || line->code == 5);
}

/* Into what is kept, behind what is there. */
static enum filament_gate keep(struct filament *filament, const struct gcode_line *line)
{
    struct text text = {filament->kept_text, sizeof filament->kept_text, filament->kept_length,
                        false};

    if (filament->kept == FILAMENT_KEEP || line->command.length + 1 > text.capacity - text.length)
        return FILAMENT_PASSES;
    text_add(&text, line->command);
    text_add_char(&text, '\n');
    filament->kept_length = (uint16_t)text.length;
    filament->kept++;
    return FILAMENT_KEPT;
}

/* A print begins to extrude, and there is nothing to extrude. */
static bool begins_empty(const struct filament *filament, int32_t um)
{
    if (um <= 0 || filament->armed || !filament->on || filament->job != FILAMENT_PRINTING)
        return false;
    for (unsigned i = 0; i < filament->sensors; i++) {
        const struct filament_sensor *sensor = &filament->sensor[i];

        if (sensor->level == FILAMENT_MISSING && !sensor->fired &&
            sensor->set.tool == filament->tool)
            return true;
    }
    return false;
}

/* The first line of a print that begins empty is taken, and the host paused. */
static enum filament_gate keep_first(struct filament *filament, const struct gcode_line *line,
                                     struct instant now)
{
    if (keep(filament, line) != FILAMENT_KEPT)
        return FILAMENT_PASSES;
    for (unsigned i = 0; i < filament->sensors; i++) {
        struct filament_sensor *sensor = &filament->sensor[i];

        sensor->fired |= sensor->level == FILAMENT_MISSING && sensor->set.tool == filament->tool;
    }
    filament_want(filament, FILAMENT_SAY_PAUSED);
    filament_notify(filament, FILAMENT_NOTE_EMPTY);
    filament_enter(filament, FILAMENT_KEEPS, now);
    return FILAMENT_KEPT;
}

/* A move of the file that was on its way when the host was paused is kept too. */
static bool is_on_its_way(const struct gcode_line *line)
{
    return line->numbered && is_tool_move(line);
}

bool filament_keeps(const struct filament *filament, const struct gcode_line *line, int32_t um)
{
    switch (filament->state) {
    case FILAMENT_WATCHES:
    case FILAMENT_DUE: return begins_empty(filament, um);
    case FILAMENT_KEEPS: return is_on_its_way(line);
    case FILAMENT_SENT:
    case FILAMENT_CHANGES:
    case FILAMENT_HOSTS:
    case FILAMENT_RETURNS: break;
    }
    return false;
}

/*
 * For a display that shows something else now, or how often busy is to be said: OctoPrint asks for
 * that at the first busy that it hears, and while it waits for the ok no Resume can be seen. So it
 * is with its question how far a print from the card is, each second.
 */
static bool is_idle_talk(const struct filament *filament, const struct gcode_line *line)
{
    struct span interval;

    if (gcode_line_is(line, 'M', 27))
        return filament->card && !gcode_line_parameter(line, 'S', &interval);
    return gcode_line_is(line, 'M', 117) || gcode_line_is(line, 'M', 73) ||
           gcode_line_is(line, 'M', 113);
}

static enum filament_gate judge(struct filament *filament, const struct gcode_line *line,
                                int32_t um, struct instant now)
{
    switch (filament->state) {
    case FILAMENT_HOSTS: return FILAMENT_PASSES;
    case FILAMENT_WATCHES:
    case FILAMENT_DUE:
        if (gcode_line_is(line, 'M', 600))
            filament_enter(filament, FILAMENT_HOSTS, now);
        else if (begins_empty(filament, um))
            return keep_first(filament, line, now);
        return FILAMENT_PASSES;
    case FILAMENT_SENT:
    case FILAMENT_CHANGES:
        if (gcode_line_is(line, 'M', 105))
            return FILAMENT_CACHED;
        return is_idle_talk(filament, line) ? FILAMENT_ACKED : FILAMENT_WAITS;
    case FILAMENT_KEEPS:
        return is_on_its_way(line) ? keep(filament, line) : FILAMENT_PASSES;
    case FILAMENT_RETURNS: return FILAMENT_WAITS;
    }
    return FILAMENT_PASSES;
}

enum filament_gate filament_gate(struct filament *filament, const struct gcode_line *line,
                                 int32_t um, struct instant now)
{
    enum filament_gate gate = judge(filament, line, um, now);

    if (gate == FILAMENT_KEPT) {
        filament->holding = true;
        filament_release_ok(filament);
    }
    if (gate == FILAMENT_PASSES && line->is_command && line->letter == 'T' &&
        line->code <= UINT8_MAX) {
        filament->tool = (uint8_t)line->code;
        consider(filament, now);
    }
    return gate;
}

void filament_host_answered(struct filament *filament, struct instant now)
{
    if (filament->state == FILAMENT_HOSTS)
        filament_over(filament, now);
}

bool filament_holds(const struct filament *filament)
{
    return filament->state == FILAMENT_DUE;
}

void filament_held(struct filament *filament, struct instant now)
{
    assert(filament_holds(filament));
    filament->holding = true;
    begin(filament, now);
}

void filament_again(struct filament *filament)
{
    if (filament->state == FILAMENT_SENT || filament->state == FILAMENT_CHANGES ||
        filament->state == FILAMENT_RETURNS)
        filament_want(filament, FILAMENT_INJECT);
}

void filament_returned(struct filament *filament, struct instant now)
{
    struct span rest = {filament->kept_text + filament->kept_at,
                        (size_t)(filament->kept_length - filament->kept_at)};

    filament->kept_at = (uint16_t)(filament->kept_at + span_find(rest, '\n') + 1);
    filament->kept--;
    if (filament->kept > 0) {
        filament_want(filament, FILAMENT_INJECT);
        return;
    }
    drop_kept(filament);
    filament->armed = true;
    filament_enter(filament, FILAMENT_WATCHES, now);
    consider(filament, now);
}

void filament_host_closed(struct filament *filament, struct instant now)
{
    if (filament->state == FILAMENT_HOSTS)
        filament_enter(filament, FILAMENT_WATCHES, now);
    filament->holding = false;
    filament->pending &= (uint8_t) ~(1u << FILAMENT_RELEASE_OK);
}

void filament_broken(struct filament *filament, struct instant now)
{
    if (filament->state == FILAMENT_DUE || filament->state == FILAMENT_KEEPS)
        return;
    if (filament->state == FILAMENT_RETURNS)
        drop_kept(filament);
    filament->holding = false;
    filament->cancelled = false;
    filament->pending &= 1u << FILAMENT_CHANGED;
    filament->notes = 0;
    filament_enter(filament, FILAMENT_WATCHES, now);
}

struct instant filament_deadline(const struct filament *filament)
{
    return filament->deadline;
}

/* The line that FILAMENT_INJECT is for. */
static struct span injection(const struct filament *filament)
{
    struct span line = {filament->kept_text + filament->kept_at,
                        (size_t)(filament->kept_length - filament->kept_at)};

    if (filament->state != FILAMENT_RETURNS)
        return filament_command(filament);
    line.length = span_find(line, '\n');
    return line;
}

bool filament_next_action(struct filament *filament, struct filament_action *ret_action)
{
    struct filament_action action = {FILAMENT_CHANGED, SPAN_NONE};
    unsigned which = 0;

    if (filament->pending == 0)
        return false;
    while ((filament->pending & 1u << action.kind) == 0)
        action.kind++;
    if (action.kind == FILAMENT_NOTIFY) {
        while ((filament->notes & 1u << which) == 0)
            which++;
        action.text = notes[which];
        filament->notes &= (uint8_t) ~(1u << which);
    } else if (action.kind == FILAMENT_INJECT) {
        action.text = injection(filament);
    } else if (action.kind == FILAMENT_PRESS) {
        action.text = span_of(filament->press_text);
    }
    if (action.kind != FILAMENT_NOTIFY || filament->notes == 0)
        filament->pending &= (uint8_t) ~(1u << action.kind);
    *ret_action = action;
    return true;
}

const char *filament_word(const struct filament *filament)
{
    bool unknown = false;

    if (filament->sensors == 0)
        return "none";
    if (!filament->on)
        return "off";
    for (unsigned i = 0; i < filament->sensors; i++) {
        if (filament->sensor[i].level == FILAMENT_MISSING)
            return "missing";
        unknown = unknown || filament->sensor[i].level == FILAMENT_UNKNOWN;
    }
    return unknown ? "unknown" : "present";
}

const char *filament_check(const struct filament *filament)
{
    bool keeps = filament->state == FILAMENT_KEEPS || filament->state == FILAMENT_RETURNS;
    bool repeats = filament->state == FILAMENT_CHANGES && filament->cancelled;

    if (filament->sensors > SETTINGS_FILAMENTS)
        return "filament: more sensors than there is room for";
    if (filament->holding && filament->state != FILAMENT_SENT)
        return "filament: an ok is held and nothing will release it";
    if (keeps != (filament->kept > 0) || filament->kept > FILAMENT_KEEP)
        return "filament: lines are kept exactly while a print has not begun";
    if (filament->kept_length > sizeof filament->kept_text ||
        filament->kept_at > filament->kept_length)
        return "filament: more is kept than there is room for";
    if (instant_is_never(filament->deadline) == (filament->state == FILAMENT_SENT || repeats))
        return "filament: a change waits for nothing, or for nothing that is";
    if (filament->state == FILAMENT_DUE && filament->job != FILAMENT_PRINTING)
        return "filament: a change is due and nothing prints";
    if (filament->pending >> (FILAMENT_ACTIONS - 1) > 1 || filament->notes >> NOTES != 0 ||
        (filament->notes != 0) != ((filament->pending & 1u << FILAMENT_NOTIFY) != 0))
        return "filament: something is to be done that nobody knows";
    return NULL;
}
