/*
 * The printer's power: when it is switched, what is waited for then, and when the stand-in answers.
 *
 * Knows what the psu point and the sense input say, whether the printer's port is open and the
 * printer is heard, whether a print runs and whether the heaters are cold; sends nothing itself.
 * It hands out what is to be done (power_next_action). Knows no point, no heater and no debt.
 *
 * On means: the point is on, and `sense`, if there is one, says so; off likewise. Who has it
 * switched hears that it is done when `sense` says the same, however soon the printer answers. A
 * printer may live on USB power, so off is off for the stand-in only when the port is gone or M105
 * gets no answer for 2 s.
 * After it was switched on the printer boots: its `start` is ours (power_boots), because OctoPrint
 * clears its queues over one, and PSUControl queues the user's command right behind its M80
 * (octoprint.md 2.1). Then it is asked for its name by M115, which the host may hear, and told the
 * intervals again that the host had set and a boot forgets (M155 M154 M113 M27).
 *
 * Off when cool, and off when idle, only upon an answer to an M105 of ours that says so: what was
 * cool long ago, or is not known, is hot.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "route/settings.h"
#include "wire/gcode_line.h"

#define POWER_SETTLE_MS 1000  /* a printer whose power goes off lives on so long at most */
#define POWER_ANSWER_MS 2000  /* a printer that does not answer M105 for so long is off */
#define POWER_ASK_MS    5000  /* how often a printer that is to cool down is asked */
#define POWER_FADE_MS   10000 /* `sense` may read on so long after the point was switched off */
#define POWER_FRESH_MS  10000 /* an answer later than this after its question does not count */
#define POWER_RETRY_MS  10000 /* what could not be switched on is left alone, unasked, so long */
#define POWER_INTERVALS 4

enum power_level { POWER_UNKNOWN, POWER_OFF, POWER_ON };

enum power_state {
    /* Nothing switches the power. */
    POWER_NONE,
    /*
     * Nothing is in progress.
     * power_on -> POWER_SWITCHING_ON; power_off, or one that was pending -> POWER_SWITCHING_OFF
     * it is seen off while the printer's port is open, or the port opens -> POWER_CHECKING
     * it is seen on, or its port opens, while the stand-in answers -> POWER_BOOTING
     * while it is on and the stand-in answers the printer is asked every 10 s
     * the printer is heard while the stand-in answers -> POWER_REPLAYING
     */
    POWER_RESTS,
    /*
     * The point is to be on.
     * switched -> POWER_BOOTING; could not be -> POWER_RESTS (told)
     */
    POWER_SWITCHING_ON,
    /*
     * The printer boots, or lived on; it is asked every 2 s.
     * `start`, or anything from one that was off -> POWER_REPLAYING
     * anything from one that lived on -> POWER_RESTS, or POWER_SENSING as below
     * `boot` is over -> POWER_RESTS (told); seen off -> POWER_CHECKING (told)
     */
    POWER_BOOTING,
    /*
     * M115 and the intervals go out, one by one.
     * the last is answered, or not within 2 s -> POWER_RESTS
     * and we have switched it on, but `sense` reads off -> POWER_SENSING
     * seen off -> POWER_CHECKING (told)
     */
    POWER_REPLAYING,
    /*
     * The printer is there, and `sense` still reads off.
     * seen on -> POWER_RESTS; `start` -> POWER_REPLAYING
     * not for so long as a `boot` -> POWER_CHECKING (told)
     */
    POWER_SENSING,
    /*
     * The point is to be off.
     * switched, and `sense` says so -> POWER_CHECKING
     * could not be, or `sense` does not say so for 10 s -> POWER_RESTS (told)
     */
    POWER_SWITCHING_OFF,
    /*
     * It is off; is the printer, too? Its last words are waited for, then M105 is asked.
     * it answers -> POWER_RESTS; 2 s, or its port is gone -> POWER_RESTS, and the stand-in answers
     */
    POWER_CHECKING,
};
/* power_off in SWITCHING_ON to SENSING ends them; power_on in the last two likewise. */

/* Switching off that is still to come. */
enum power_pending {
    POWER_NOTHING_PENDING,
    POWER_AFTER_PRINT, /* the print's end -> POWER_AFTER_DELAY, POWER_WHEN_COOL, off */
    POWER_AFTER_DELAY, /* deadline -> POWER_WHEN_COOL, off */
    POWER_WHEN_COOL,   /* a cold answer -> off */
};
/*
 * All three end by power_on, and the last two by a print that begins (told). They outlive a restart
 * of the daemon by way of the state file; nobody knows then whether a print that ran has ended, so
 * what waited for that waits for the heaters. None is carried out while nobody knows whether the
 * power is on: after a restart the board takes its time, and a board that is lost comes back.
 */

/* In the order in which they are handed out. */
enum power_action_kind {
    POWER_CHANGED, /* power_level() is another: for the event queue */
    POWER_SET_OFF, /* the psu point; then power_switched */
    POWER_SET_ON,
    POWER_BEGIN_STANDIN, /* the stand-in answers for the printer from now on */
    POWER_END_STANDIN,
    POWER_ASK,        /* M105 of ours; its answer is power_cold, not for the host */
    POWER_SEND,       /* text: a line of ours; its ok is power_answered, the rest is for the host */
    POWER_TELL,       /* text, for the log and the host */
    POWER_ON_DONE,    /* whoever waits for power_on goes on */
    POWER_ON_FAILED,  /* text: why not */
    POWER_OFF_DONE,   /* whoever waits for power_off goes on */
    POWER_OFF_FAILED, /* text: why not */
};
#define POWER_ACTIONS 12

struct power_action {
    enum power_action_kind kind;
    enum log_level level; /* TELL */
    struct span text;     /* lent until the next call */
};

enum power_result {
    POWER_STARTED, /* POWER_ON_DONE and so on follow */
    POWER_IS_SO,   /* nothing needs to be done */
    POWER_KEPT,    /* for later: the print's end, the delay, the heaters */
    POWER_REFUSED, /* a print runs */
    POWER_NO_PSU,
};

/* How power is to go off. */
struct power_off {
    int64_t delay_ms;
    bool when_cool;
    bool stream; /* M81 of the host: in a print it is kept until the print has ended */
    bool force;  /* also in a print, at once */
};

struct power {
    enum power_state state;
    struct power_settings set;
    enum power_level point, sense, told;
    bool standin;
    bool port_open;
    bool printing;           /* or paused */
    bool settled;            /* CHECKING: its last words are over */
    bool ours;               /* BOOTING to SENSING: we have switched it on */
    struct instant deadline; /* of the state; NEVER if it has none */
    struct instant ask;      /* BOOTING, RESTS: when M105 is due again */
    enum power_pending pending;
    struct power_off off;       /* what is pending */
    struct instant pending_due; /* AFTER_DELAY: when; WHEN_COOL: when M105 is due again */
    bool idle_pending;          /* WHEN_COOL because of idleness */
    bool idled;                 /* SWITCHING_OFF because of it */
    struct instant asked;       /* M105 for WHEN_COOL is out since; NEVER none */
    struct instant idle;        /* when idleness has lasted long enough; NEVER */
    struct instant no_auto;     /* not switched on by itself before */
    uint8_t replay;             /* REPLAYING: what goes out next: 0 is M115 */
    struct {
        bool known;
        int32_t seconds; /* thousandths */
    } interval[POWER_INTERVALS];
    char line[24];                   /* what POWER_SEND says */
    uint8_t on_failure, off_failure; /* which reason */
    uint16_t actions;                /* one bit per kind */
    uint8_t notes;                   /* one bit per sentence to be told */
};

void power_init(struct power *power, const struct power_settings *set, struct instant now);
void power_reload(struct power *power, const struct power_settings *set, struct instant now);

/* What the psu point and the sense input say (unknown as long as the board does not tell). */
void power_see(struct power *power, enum point_state point, enum point_state sense,
               struct instant now);
/* The point was switched as wanted (its report says so), or could not be. */
void power_switched(struct power *power, bool done, struct instant now);
/* The printer's port is open, or no longer. */
void power_port(struct power *power, bool open, struct instant now);
/* The printer said something; `start` tells that it has booted. */
void power_heard(struct power *power, bool start, struct instant now);
/* Our M105 was answered: are all targets 0 and all heaters below `cool_below`? */
void power_cold(struct power *power, bool cold, struct instant now);
/* The ok of a POWER_SEND has come, or will not. */
void power_answered(struct power *power, struct instant now);
/* A print runs, paused or not, or none does. */
void power_print(struct power *power, bool runs, struct instant now);
/* Does somebody work with the machine by it? Polls and displays are nobody's work. */
bool power_is_work(const struct gcode_line *line);
/*
 * A command line of the host: it may be activity, and it may set an interval that is to be told
 * again after a boot.
 */
void power_line(struct power *power, const struct gcode_line *line, struct instant now);

enum power_result power_on(struct power *power, struct instant now);
enum power_result power_off(struct power *power, const struct power_off *off, struct instant now);
#define POWER_KEPT_TEXT 48
/* What is pending because somebody asked for it, as a line for the state file without its end. */
void power_keep(const struct power *power, struct text *ret_line);
/* Such a line after a restart: it is pending again. False if it is none. */
bool power_recall(struct power *power, struct span line, struct instant now);

/*
 * A line that is the printer's is at the front, and the printer is off: true if it waits, because
 * the printer is being switched on for it (`auto_on`, or it is already).
 */
bool power_on_for_line(struct power *power, struct instant now);

struct instant power_deadline(const struct power *power);
/* Early is harmless. */
void power_expire(struct power *power, struct instant now);
/* The next thing to be done; take them after every call. False if there is none. */
bool power_next_action(struct power *power, struct power_action *ret_action);

/* Is a `start` of the printer ours, because we have switched it on? The host does not hear it. */
bool power_boots(const struct power *power);
/* Is it open whether the printer is off, too? What moves or heats waits until that is known. */
bool power_doubts(const struct power *power);
/* As `sense` says, or else the point. */
enum power_level power_level(const struct power *power);
/* none on off unknown */
const char *power_word(const struct power *power);
/* A promise that does not hold, in words, or NULL. */
const char *power_check(const struct power *power);

/* --- for power_pending.c, which is switching off that is still to come, and nobody else --- */
enum power_note {
    POWER_NOTE_AFTER_PRINT,
    POWER_NOTE_WHEN_COOL,
    POWER_NOTE_CANCELLED,
    POWER_NOTE_LOST,
    POWER_NOTE_RECALLED,
};
/* Whose intervals are told again after a boot, in that order. */
extern const int16_t power_interval_codes[POWER_INTERVALS];
void power_want(struct power *power, enum power_action_kind kind);
void power_tell(struct power *power, enum power_note which);
bool power_coming_on(const struct power *power);
void power_switch_off(struct power *power, struct instant now);
/* From now on idleness counts. */
void power_count_idle(struct power *power, struct instant now);
void power_forget_pending(struct power *power);
void power_cancel_pending(struct power *power);
void power_expire_pending(struct power *power, struct instant now);
