/*
 * The emergency stop: from what the button is seen to be to what is to be done.
 *
 * Knows the button's debounced state, the latch, the printer's port and whether a print runs; does
 * nothing itself. It hands out what is to be done (estop_next_action) and answers what may be done
 * (estop_gate, estop_holds). Knows no point, no line and no port, and nothing of M112 from a host,
 * which halts but never latches.
 *
 * The button trips on its debounced edge once a report that was asked for after it says the same
 * (a board that reports raw levels is not believed at once); without debounce it trips on the
 * report. A board that does not answer that question, or is lost over it, has been the last thing
 * that said "pressed": that trips too. A press is a level, not an edge: at start and whenever the
 * board comes back a button that is held trips as well.
 *
 * The latch is for the state file: it survives reconnects and restarts. It opens on request only,
 * and only while the button is seen released, if one is configured. Follows LinuxCNC's estop_latch,
 * except that the first healthy report arms by itself if no latch is stored.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "route/settings.h"

#define ESTOP_CONFIRM_MS 500   /* a report that was asked for is not answered */
#define ESTOP_LOST_MS    10000 /* the button is not seen for so long: on_board_lost */
#define ESTOP_DTR_MS     500   /* from the first M112 of a trip to its pulse of DTR */
#define ESTOP_BOOTS_MS   3000  /* from there to an M112 more, if no `start` has brought it */
#define ESTOP_OPENS_MS   1000  /* openings so close together reset the printer once */

enum estop_level { ESTOP_UNSEEN, ESTOP_HEALTHY, ESTOP_PRESSED };

enum estop_state {
    /* None is configured, and none was latched when it was taken out of the config. */
    ESTOP_NONE,
    /*
     * The button is not seen: the daemon has just started, or the board is lost.
     * healthy -> ESTOP_ARMED
     * pressed and confirmed -> ESTOP_TRIPPED
     * estop_trip; 10 s with a print running and on_board_lost: stop -> ESTOP_LATCHED
     */
    ESTOP_UNKNOWN,
    /*
     * The button is seen released.
     * pressed and confirmed -> ESTOP_TRIPPED
     * pressed, then unseen -> ESTOP_LATCHED
     * unseen -> ESTOP_UNKNOWN
     * estop_trip -> ESTOP_LATCHED
     */
    ESTOP_ARMED,
    /*
     * The button is pressed; the machine is halted.
     * healthy, unseen -> ESTOP_LATCHED
     */
    ESTOP_TRIPPED,
    /*
     * The button is pressed no more, or not seen, or it was no button; nobody has reset it.
     * pressed -> ESTOP_TRIPPED (and halted again; DTR is not pulsed again)
     * estop_reset while healthy -> ESTOP_ARMED
     * estop_reset, and no button is configured any more -> ESTOP_NONE
     */
    ESTOP_LATCHED,
};

/* In the order in which they are handed out. */
enum estop_action_kind {
    ESTOP_HALT, /* all of it: queues dropped, M112, halt outputs, Error to the host, plans ended */
    ESTOP_M112, /* the printer is there again, halted or not: M112, repeated as in a halt */
    ESTOP_OUTPUTS, /* halt outputs to their halt value */
    ESTOP_SAVE,    /* estop_is_latched() has changed: into the state file, at once */
    ESTOP_DTR,     /* pulse DTR of the printer's port */
    ESTOP_CONFIRM, /* ask the board for a report, then estop_confirmed() */
    ESTOP_PAUSE,   /* pause the print */
    ESTOP_RELEASE, /* seen healthy for the first time: outputs held back may have their start value
                    */
    ESTOP_PROMPT,  /* a host has connected to a machine that is stopped: tell it, offer the reset */
    ESTOP_PROMPT_END, /* the reset is no longer to be offered */
    ESTOP_CHANGED,    /* the state is another: for the event queue */
    ESTOP_TELL,       /* text, for the log and the host */
};
#define ESTOP_ACTIONS 12

struct estop_action {
    enum estop_action_kind kind;
    struct span text; /* ESTOP_TELL; const */
};

/* May lines go to the printer? */
enum estop_gate {
    ESTOP_PASSES,
    ESTOP_WAITS,   /* motion and heating wait: the button was not seen yet since the start */
    ESTOP_REFUSES, /* nothing but M112 reaches the printer; the stand-in answers */
};

enum estop_reset_result {
    ESTOP_RESET_DONE,
    ESTOP_NOT_LATCHED,   /* there is nothing to reset */
    ESTOP_STILL_PRESSED, /* the button is */
    ESTOP_NOT_SEEN,      /* the board does not tell whether it is */
};

struct estop {
    enum estop_state state;
    struct estop_settings set;
    bool debounced;         /* the button is: presses are to be confirmed */
    enum estop_level level; /* as seen last */
    bool healthy_once;      /* since init */
    struct instant confirm; /* a press is being confirmed until then; NEVER none */
    struct instant lost;    /* UNKNOWN: when on_board_lost falls due; NEVER it was */
    bool printing;
    bool printer_open;
    bool dtr_owed;        /* this trip's pulse is still to come */
    struct instant dtr;   /* when it does */
    struct instant boots; /* it was reset by it, and runs by then: perhaps its `start` was lost */
    struct instant opens; /* a printer reset for an opening is not reset again until then */
    bool prompted;
    uint16_t pending; /* one bit per kind of action */
    uint16_t notes;   /* one bit per sentence to be told */
};

/* `debounced`: the button's point has a debounce; `latched`: what the state file says. */
void estop_init(struct estop *estop, const struct estop_settings *set, bool debounced, bool latched,
                struct instant now);
/*
 * Other settings in mid-run. What is latched stays, even if no button is configured any more: it
 * then opens on request alone. `same`: the button is the point it was, whatever its index.
 */
void estop_reload(struct estop *estop, const struct estop_settings *set, bool debounced, bool same,
                  struct instant now);

/* The button's debounced state; ESTOP_UNSEEN as soon as the board is lost. Repeating is harmless.
 */
void estop_see(struct estop *estop, enum estop_level level, struct instant now);
/* The report that ESTOP_CONFIRM asked for has come, and what it says was shown to estop_see. */
void estop_confirmed(struct estop *estop, struct instant now);
/* The printer's port is open (or no longer). */
void estop_printer(struct estop *estop, bool open, struct instant now);
/* The printer said `start`. */
void estop_printer_started(struct estop *estop, struct instant now);
/* DTR is pulsed just now for another reason: that was this trip's pulse, if it was still to come. */
void estop_pulsed(struct estop *estop);
/* A print runs, paused or not, or none does. */
void estop_print(struct estop *estop, bool runs, struct instant now);
/*
 * A host has opened the port. `reset`: the printer is to be reset because of that
 * (reset_on_connect), which happens at most once a second and never while latched.
 */
void estop_host_opened(struct estop *estop, bool reset, struct instant now);
/* Somebody's command, a rule's or a client's. Without a button it halts and latches nothing. */
void estop_trip(struct estop *estop, struct instant now);
/* `reset`: the printer is halted and may be reset (reset_on_connect is not never). */
enum estop_reset_result estop_reset(struct estop *estop, bool reset, struct instant now);
/* The reset button's debounced state was `old` and is `new`: pressing it is estop_reset. */
void estop_reset_button(struct estop *estop, enum point_state old, enum point_state new, bool reset,
                        struct instant now);

struct instant estop_deadline(const struct estop *estop);
/* Early is harmless. */
void estop_expire(struct estop *estop, struct instant now);
/* The next thing to be done; take them after every call. False if there is none. */
bool estop_next_action(struct estop *estop, struct estop_action *ret_action);

enum estop_gate estop_gate(const struct estop *estop);
/*
 * Do outputs with a halt value keep that value, whoever wants another? While tripped or latched,
 * and until the button was seen healthy once; nothing is switched because of the latter.
 */
bool estop_holds(const struct estop *estop);
/* For the state file. */
bool estop_is_latched(const struct estop *estop);
/* none unknown armed tripped latched */
const char *estop_state_word(enum estop_state state);
/* Why a reset was refused, for people. */
struct span estop_reset_words(enum estop_reset_result result);
/* A promise that does not hold, in words, or NULL. */
const char *estop_check(const struct estop *estop);
