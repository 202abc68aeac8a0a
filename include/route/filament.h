/*
 * Filament: when it has run out, and the change that follows, step by step.
 *
 * Knows what the sensors say, debounced, what was extruded and acknowledged, whether a print runs,
 * and what the printer says meanwhile. Sends nothing itself: it hands out what is to be done
 * (filament_next_action) and judges each line of the host that is to go to the printer
 * (filament_gate). Knows no point, no number of a line and no debt.
 *
 * A runout counts while a print runs that has extruded, once until filament is back, when so much
 * more as configured was extruded; not while paused or changing. Then the next ok for the host is
 * held and the command (M600) injected, so that the host can be told `//action:paused` while it
 * waits for that ok: OctoPrint pauses at once then and sends not one line more (seen with 1.11.8).
 * The effect is watched: a printer that does not know M600 gets the host to pause instead.
 *
 * What printers do meanwhile (Marlin 2.1, Klipper): Marlin says `//action:paused` and its prompts
 * at once, `busy: paused for user` each 2 s as long as it waits, `//action:resumed` just before the
 * only ok, which comes at the very end; M108 or the prompt's `Continue` (M876) let it go on, and it
 * may ask again: heater timeout, purge more. During the reheating between, M108 would end the
 * waiting for the heater: it is repeated only while the printer says that it waits for the user.
 * Klipper's M600 is a macro that answers at once, after which the print is still paused.
 *
 * In a print from the printer's card there is no ok to hold: the command is injected at once.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "route/settings.h"
#include "wire/gcode_line.h"
#include "wire/line_framer.h"
#include "wire/printer_reply.h"

#define FILAMENT_TELL_MS    2000 /* nothing heard of the command: the host is told all the same */
#define FILAMENT_WAITING_MS 2000 /* busy for longer than this is waiting for somebody */
#define FILAMENT_PRESS_MS   2000 /* between two M108 */
#define FILAMENT_KEEP       3    /* lines kept of a print that begins without filament */

enum filament_level { FILAMENT_UNKNOWN, FILAMENT_PRESENT, FILAMENT_MISSING };
enum filament_job { FILAMENT_NO_JOB, FILAMENT_PRINTING, FILAMENT_PAUSED };

enum filament_state {
    /*
     * Nothing is in progress.
     * runout -> FILAMENT_DUE; in a print from the card FILAMENT_SENT
     * M600 of the host -> FILAMENT_HOSTS
     * first extruding line of a print, and filament is missing -> FILAMENT_KEEPS
     */
    FILAMENT_WATCHES,
    /*
     * Filament has run out; the next ok for the host is to be held.
     * held -> FILAMENT_SENT; configured is `pause` -> FILAMENT_WATCHES
     * filament is back, switched off, the print pauses or ends -> FILAMENT_WATCHES
     */
    FILAMENT_DUE,
    /*
     * The ok is held, the command on its way.
     * busy, //action:paused, 2 s -> FILAMENT_CHANGES (the host is told, and gets its ok)
     * Unknown command, its ok, it could not be sent -> FILAMENT_WATCHES (the host pauses)
     */
    FILAMENT_SENT,
    /*
     * The host is paused; the printer is at it.
     * its ok -> FILAMENT_WATCHES (resumed, if the printer was seen waiting)
     * Unknown command, it could not be sent -> FILAMENT_WATCHES (it stays paused)
     */
    FILAMENT_CHANGES,
    /*
     * The host's own M600.
     * its ok, the host closes, the print ends -> FILAMENT_WATCHES
     */
    FILAMENT_HOSTS,
    /*
     * The first lines of a print without filament are kept; the host is paused and has its oks.
     * the print goes on -> FILAMENT_RETURNS; it ends -> FILAMENT_WATCHES (the lines are dropped)
     */
    FILAMENT_KEEPS,
    /*
     * The lines kept go out, before all others.
     * the last one's ok -> FILAMENT_WATCHES
     */
    FILAMENT_RETURNS,
};
/* The printer being reset, halted or gone for good ends all but DUE and KEEPS: filament_broken. */

/* In the order in which they are handed out. */
enum filament_action_kind {
    FILAMENT_CHANGED,     /* filament_word() is another: for the event queue */
    FILAMENT_NOTIFY,      /* text: `//action:notification`, and for the log */
    FILAMENT_INJECT,      /* text: a line of ours; its ok is filament_answered */
    FILAMENT_SAY_PAUSE,   /* `//action:pause` */
    FILAMENT_SAY_PAUSED,  /* `//action:paused` */
    FILAMENT_RELEASE_OK,  /* the host gets the ok that is held */
    FILAMENT_PRESS,       /* text: M108, or M876 with the prompt's answer, overtaking all */
    FILAMENT_SAY_RESUMED, /* `//action:resumed` */
};
#define FILAMENT_ACTIONS 8

struct filament_action {
    enum filament_action_kind kind;
    struct span text; /* lent until the next call */
};

/* What becomes of a line of the host that is to go to the printer. */
enum filament_gate {
    FILAMENT_PASSES,
    FILAMENT_WAITS,  /* it stays where it is; the host is kept alive */
    FILAMENT_CACHED, /* M105: answered from what is known */
    FILAMENT_ACKED,  /* M117 M73, M113, M27 in a print from the card: ok, and dropped */
    FILAMENT_KEPT,   /* taken: dropped from the queue, its ok held until FILAMENT_RELEASE_OK */
};

struct filament_sensor {
    struct filament_settings set;
    enum filament_level level;
    bool fired;       /* not again until filament is back */
    int32_t since_um; /* extruded by its tool since it is missing, as far as it matters */
};

struct filament {
    unsigned sensors;
    struct filament_sensor sensor[SETTINGS_FILAMENTS];
    bool on; /* M412 */
    enum filament_state state;
    struct instant deadline; /* SENT: the host is told; CHANGES: M108 is due again; else NEVER */
    enum filament_job job;
    bool card;            /* the print is one of the printer's card */
    bool armed;           /* the print has extruded */
    uint8_t tool;         /* in use */
    uint8_t which;        /* DUE, SENT, CHANGES: the sensor */
    bool holding;         /* an ok is held, and not yet to be released */
    struct instant sent;  /* SENT, CHANGES: when the command was handed out */
    bool waiting_seen;    /* the printer waits, or has waited, for somebody */
    bool resumed;         /* the printer has said `//action:resumed` */
    bool pressed;         /* the user wants it to go on */
    bool cancelled;       /* ... or has given up */
    struct instant press; /* not pressed again before */
    uint8_t choices;      /* of the prompt that is being built or open */
    int8_t go_on;         /* index of its `Continue`, -1 none */
    bool prompt_open;
    uint8_t kept; /* lines in kept_text */
    uint16_t kept_at, kept_length;
    char kept_text[LINE_CAPACITY];
    char press_text[12];
    uint8_t pending; /* one bit per kind of action */
    uint8_t notes;   /* one bit per notification */
};

void filament_init(struct filament *filament, const struct filament_settings *set, unsigned count);
#define FILAMENT_NEW 255
/*
 * Other settings. `was` says for each sensor which one it was before, or FILAMENT_NEW; NULL: each the
 * one at its place. It keeps its state until shown anew; a change that runs goes on without its own.
 */
void filament_reload(struct filament *filament, const struct filament_settings *set, unsigned count,
                     const uint8_t *was, struct instant now);

/* What a sensor says, debounced. */
void filament_see(struct filament *filament, unsigned sensor, enum filament_level level,
                  struct instant now);
/* M412 S0, S1, and R, which makes a runout that was dealt with count again. */
void filament_switch(struct filament *filament, bool on, struct instant now);
void filament_rearm(struct filament *filament, struct instant now);
/*
 * How the print is, as soon as it is known: of a line that resumes it before that line comes to
 * filament_gate.
 */
void filament_print(struct filament *filament, enum filament_job job, bool card,
                    struct instant now);
/* So much new filament went through that tool and was acknowledged. */
void filament_extruded(struct filament *filament, unsigned tool, int32_t um, struct instant now);

/*
 * Would filament_gate keep this line? Then its ok is ours to give: the gate is asked when nothing
 * older is owed.
 */
bool filament_keeps(const struct filament *filament, const struct gcode_line *line, int32_t um);
/* `um`: what the line would extrude of new filament. Asked again each time it may have changed. */
enum filament_gate filament_gate(struct filament *filament, const struct gcode_line *line,
                                 int32_t um, struct instant now);
/* Is the next ok for the host to be held instead of passed on? Then filament_held. */
bool filament_holds(const struct filament *filament);
void filament_held(struct filament *filament, struct instant now);
/* What FILAMENT_INJECT is for cannot be sent just now: the action comes again. */
void filament_again(struct filament *filament);
/* The ok of what FILAMENT_INJECT sent has come, or it could not be sent. */
void filament_answered(struct filament *filament, struct instant now);
void filament_failed(struct filament *filament, struct instant now);
/* The ok of an M600 of the host's that filament_gate let pass. */
void filament_host_answered(struct filament *filament, struct instant now);
/* The printer said this, nothing of it being passed on yet. True if the host must not hear it. */
bool filament_reply(struct filament *filament, const struct printer_reply *reply,
                    struct instant now);
/*
 * Is it a report of a card's print that waits for a change? It may be older than that, and its bytes
 * seem to have grown: no sign that the print goes on.
 */
bool filament_card_waits(const struct filament *filament, const struct printer_reply *reply);
/* The host sent M108 or M876, which pass. */
void filament_emergency(struct filament *filament, const struct gcode_line *line,
                        struct instant now);
void filament_host_closed(struct filament *filament, struct instant now);
/* The printer was reset or halted, or is gone for good: nothing is answered any more. */
void filament_broken(struct filament *filament, struct instant now);

struct instant filament_deadline(const struct filament *filament);
/* Early is harmless. */
void filament_expire(struct filament *filament, struct instant now);
/* The next thing to be done; take them after every call. False if there is none. */
bool filament_next_action(struct filament *filament, struct filament_action *ret_action);

/* none off unknown missing present: of all sensors the worst. */
const char *filament_word(const struct filament *filament);
/* A promise that does not hold, in words, or NULL. */
const char *filament_check(const struct filament *filament);

/* --- for filament_change.c, which is the change from the command to its ok, and nobody else --- */
enum filament_note {
    FILAMENT_NOTE_CHANGE,
    FILAMENT_NOTE_PAUSED,
    FILAMENT_NOTE_EMPTY,
    FILAMENT_NOTE_DONE,
    FILAMENT_NOTE_RESUME,
};
void filament_enter(struct filament *filament, enum filament_state state, struct instant now);
void filament_want(struct filament *filament, enum filament_action_kind kind);
void filament_notify(struct filament *filament, enum filament_note which);
/* The ok that is held, if there is one, goes out behind what else is to be said. */
void filament_release_ok(struct filament *filament);
struct span filament_command(const struct filament *filament);
/* The change is over: what the tool's sensors still miss is known. */
void filament_over(struct filament *filament, struct instant now);
/* A line that was kept is answered. */
void filament_returned(struct filament *filament, struct instant now);
/* Lets the printer go on: by its prompt if that offers it, else by M108. */
void filament_press(struct filament *filament, struct instant now);
/*
 * The user has given up: the printer is pressed until it has ended its command. `now_too`: at once,
 * because nobody else has.
 */
void filament_cancel(struct filament *filament, bool now_too, struct instant now);
