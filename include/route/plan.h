/*
 * Running steps: where each plan stands, what it waits for, its next action.
 *
 * Whatever takes time is a plan: a rule's steps, a client's request, an answer of the stand-in that
 * takes its time. On start it gets its steps with everything filled in and from then on knows no rule.
 * It does nothing itself: it hands out its next action and is told the outcome. One plan at most
 * holds the stream; it speaks only at its turn (nothing older is owed to the host).
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "route/settings.h"
#include "route/step.h"
#include "route/when.h"

#define PLANS      64
#define PLAN_STEPS 16
#define PLAN_TEXT  1024
#define PLAN_CAUSE 352 /* what started it, for the environment of its programs */
#define PLAN_NONE  255
#define PLAN_QUEUED_MAX 8

enum plan_state {
    PLAN_FREE,
    /*
     * Its rule's `for`: what started it has to last. deadline -> PLAN_DUE
     * it does not -> PLAN_FREE, as if nothing had been
     */
    PLAN_HOLDING,
    /* Another plan of its rule runs, or stands in the queue before it. That one ends -> PLAN_DUE */
    PLAN_QUEUED,
    /* The next step is due. -> any state below, or PLAN_OVER after the last */
    PLAN_DUE,
    /*
     * An action was handed out, its outcome is to come (set, send, motion).
     * plans_done -> PLAN_DUE, or PLAN_OVER after the last step
     * plans_failed, plans_unsure -> PLAN_OVER
     * plans_later -> PLAN_STALLED
     */
    PLAN_ASKED,
    /* Time passes. deadline -> PLAN_DUE */
    PLAN_PAUSING,
    /* A send could not go out yet. plans_try_again -> PLAN_DUE */
    PLAN_STALLED,
    /* A point is looked at. plans_see -> PLAN_DUE; deadline -> PLAN_TIMED_OUT */
    PLAN_LOOKING,
    /* The wait is over without its condition: that is told. -> PLAN_DUE (the else branch), PLAN_OVER */
    PLAN_TIMED_OUT,
    /* No more steps: its end is the next action. -> PLAN_FREE */
    PLAN_OVER,
};

/* Where the running step stands if it is a pulse. */
enum pulse_phase {
    PULSE_NONE, /* it is none, or has not begun */
    PULSE_ON,   /* it is being switched on */
    PULSE_HIGH, /* it is on */
    PULSE_OFF,  /* it is being switched off */
    PULSE_LOW,  /* it is off, and the next one to come */
};

struct plan {
    enum plan_state state;
    bool holds_stream;
    bool failed;
    bool ended;          /* by `until`, `again`, M108 or the like, before its last step: `why` */
    bool of_rule;        /* that it begins and ends is told */
    bool begun;          /* that it begins has been told */
    uint8_t steps, at;   /* at: the step that runs */
    enum pulse_phase pulse;
    uint16_t pulses;     /* still to come, the running one counted */
    uint8_t then;        /* enum rule_then */
    uint16_t replacement_at, replacement_length;
    uint8_t hold_point;  /* PLAN_HOLDING: what must not change, POINT_NONE the host's silence */
    uint8_t behind;      /* PLAN_QUEUED: the slot of the plan that it waits for */
    bool queued;         /* it is or was that */
    uint16_t rule_number; /* 1 + its index; 0: no rule, or of rules not in force any more */
    struct when until;
    uint32_t serial;     /* of this plan, unique among plans since init */
    uint32_t debt;       /* ledger serial if it holds the stream */
    int32_t client;      /* to be answered at the end, -1 none, less: somebody inside */
    struct instant since, deadline, pulse_began;
    enum step_error error; /* if failed */
    struct step_ready step[PLAN_STEPS];
    char rule[SETTINGS_NAME];
    char why[96]; /* if failed or ended */
    char text[PLAN_TEXT];
    uint16_t cause_length;
    char cause[PLAN_CAUSE]; /* if it runs a program: SIOPROXY_EVENT=point …, a NUL behind each */
};

struct plans {
    struct plan plan[PLANS];
    uint32_t next_serial;
    uint8_t stream; /* slot of the plan that holds the stream, or PLAN_NONE */
    uint8_t running;
};

enum plan_action_kind {
    PLAN_SET,      /* point, value: outcome awaited */
    PLAN_TOGGLE,   /* point: outcome awaited */
    PLAN_SEND,     /* text: a line for the printer: outcome awaited, or plans_later */
    PLAN_FORWARD,  /* the plan's own line goes to the printer here: as PLAN_SEND */
    PLAN_LOOK,     /* point, edge: a wait for it has begun; plans_see if it holds already */
    PLAN_SAY,      /* text */
    PLAN_REPORT,   /* value: enum report_what; point, or POINT_NONE for all */
    PLAN_NOTIFY,   /* text: //action:notification to the host */
    PLAN_LOOK_TEMPERATURE, /* step: a wait for it has begun; plans_see_temperature if it is known */
    PLAN_PAUSE,    /* the job: outcome awaited, as of all below but PLAN_TIMEOUT */
    PLAN_RESUME,
    PLAN_CANCEL,
    PLAN_START,
    PLAN_ESTOP,    /* the emergency stop trips */
    PLAN_POWER,    /* value, step: ms, when_cool */
    PLAN_RUN,      /* step: program, ms; text: its arguments, a NUL behind each; plan: cause */
    PLAN_FILAMENT, /* value: enum filament_switch */
    PLAN_MARK,     /* value: enum print_mark */
    PLAN_RESET,    /* the emergency stop's latch */
    PLAN_TIMEOUT,  /* point, edge, ms: tell that the wait is over without */
    PLAN_BEGUN,    /* it begins: what started it has lasted, or the one before it is over */
    PLAN_END,      /* the plan is over and its slot free when this call returns */
};

struct plan_action {
    enum plan_action_kind kind;
    uint8_t slot;
    uint8_t point, value;
    enum wait_for edge;
    int64_t ms;
    struct span text;        /* lent until the next call on the plans */
    const struct step_ready *step; /* the step that asks; meaningless with PLAN_END */
    const struct plan *plan; /* the plan; after PLAN_END lent until the next plans_start */
};

void plans_init(struct plans *plans);

/* What happened that a plan is started, for its programs; each may be empty. */
struct plan_cause {
    const char *event; /* the word behind `when:`; NULL: nothing */
    struct span name, state, cause; /* as of struct event */
};

/* What a plan is started with. */
struct plan_start {
    struct span rule;    /* its name for messages: a rule's, or what stands for one */
    struct plan_cause cause;
    const struct step *step;
    unsigned steps;
    struct step_values values;
    bool holds_stream;   /* none may hold it yet */
    uint32_t debt;       /* if it holds the stream */
    int32_t client;      /* -1 none */
    uint8_t then;        /* enum rule_then */
    struct span replacement;
    uint16_t rule_number;     /* 1 + its index in the ruleset, 0 if it is no rule */
    bool of_rule;             /* its end is to be told */
    const struct when *until; /* NULL: nothing ends it */
    int64_t hold_ms;          /* 0: it begins at once */
    uint8_t hold_point;       /* POINT_NONE: the host's silence */
};
/*
 * Fills in all steps. On an error nothing has started, and `why` has been given a sentence;
 * STEP_LONG also if no slot is free.
 */
enum step_error plans_start(struct plans *plans, const struct plan_start *start,
                            const struct settings *settings, struct text *why, struct instant now,
                            uint8_t *ret_slot);

/* The same for steps that could not be filled in: a plan that only tells so, in its turn. */
uint8_t plans_start_failed(struct plans *plans, const struct plan_start *start,
                           enum step_error error, struct span why, struct instant now);
/* Is a slot free? */
bool plans_room(const struct plans *plans);

/* The next thing to do for any plan. `turn`: the plan that holds the stream may speak. */
bool plans_next_action(struct plans *plans, bool turn, struct instant now,
                       struct plan_action *ret_action);

/* The outcome of PLAN_SET, PLAN_TOGGLE, PLAN_SEND or PLAN_FORWARD. `why` if it could not be done. */
void plans_done(struct plans *plans, uint8_t slot);
void plans_failed(struct plans *plans, uint8_t slot, enum step_error error, struct span why);
/* It was ordered and may have been done: a pulse is ended all the same. */
void plans_unsure(struct plans *plans, uint8_t slot, enum step_error error, struct span why);
/* The printer was reset or is gone: what was sent to it is not answered any more. */
void plans_printer_gone(struct plans *plans, struct span why);
/* Points have other indexes now (POINT_NONE: gone), as points_reload says. */
void plans_points_moved(struct plans *plans, const uint8_t moved[SETTINGS_POINTS]);
/* The output of a pulse that is on was switched off, as it is another now: it goes on with the next. */
void plans_pulse_over(struct plans *plans, uint8_t slot);
/* Programs have other indexes now (PROGRAM_NONE: gone). */
void plans_programs_moved(struct plans *plans, const uint8_t moved[SETTINGS_PROGRAMS]);
/* A send cannot go out yet: it is handed out again after plans_try_again. */
void plans_later(struct plans *plans, uint8_t slot);
void plans_try_again(struct plans *plans);
/*
 * A point that some plans may look at is now on (1), off (0) or unknown (-1), and it just changed
 * or has been so. High is on, whatever `active` says: a door that closes a contact to ground is
 * waited for as one that opens it.
 */
void plans_see(struct plans *plans, uint8_t point, int on, bool changed);

/* How warm a heater ('T', 'B', 'C') or a point (0 and its index) is, in thousandths of a degree. */
void plans_see_temperature(struct plans *plans, char heater, uint8_t index, int32_t degree);

/*
 * The wait of the plan that holds the stream, for a program too, ends, and its remaining steps are
 * skipped. False if there is none.
 */
bool plans_continue(struct plans *plans, struct span why);
/* What a plan that has not begun was waiting on did not last: it is gone without a word. */
void plans_unhold(struct plans *plans, uint8_t point);
/* Plans that end when this happens do. */
void plans_until(struct plans *plans, const struct event *event);
/*
 * The newest plan of that rule but the one in slot `but`, or PLAN_NONE. One that waits for its `for`
 * is none yet.
 */
uint8_t plans_of_rule(const struct plans *plans, uint16_t rule_number, uint8_t but);
/* It has only just begun and shall not: it is gone without a word. */
void plans_forget(struct plans *plans, uint8_t slot);
/*
 * Ends a plan before its last step; a pulse that is on asks once more for off. One that waits for
 * its `for` is gone without a word.
 */
void plans_end(struct plans *plans, uint8_t slot, struct span why);
/*
 * It has only just begun: it waits for the last plan of its rule to end. False if there are
 * PLAN_QUEUED_MAX already.
 */
bool plans_queue(struct plans *plans, uint8_t slot);
/* Other rules are in force: running plans belong to none of them. */
void plans_rules_changed(struct plans *plans);
/* As plans_next_action, of one plan alone. */
bool plans_next_action_of(struct plans *plans, uint8_t slot, struct instant now,
                          struct plan_action *ret_action);
/* The plan that holds the stream is to end wherever it stands; its line is dropped already. */
void plans_end_stream(struct plans *plans, struct span why);
/* Every plan that is not over fails with this reason; a pulse that is on asks once more for off. */
void plans_end_all(struct plans *plans, enum step_error error, struct span why);

struct instant plans_deadline(const struct plans *plans);
void plans_expire(struct plans *plans, struct instant now);

/* The plan that holds the stream, or NULL. */
const struct plan *plans_stream(const struct plans *plans);
const char *plans_check(const struct plans *plans);

/*
 * --- for the files of this module, and nobody else: plan_action.c, what a plan does next, and
 * plan_events.c, which moves plans on when something happens ---
 */
void plan_enter(struct plan *plan, enum plan_state state, struct instant deadline);
/* The running step is done: the next one, over the else branch unless it is to be taken. */
void plan_advance(struct plan *plan, bool otherwise);
/* Does it run? Else it is free, or waits for its `for` or for another plan of its rule. */
bool plan_has_begun(const struct plan *plan);
/* The plan ends here, with its reason. */
void plan_fail(struct plan *plan, enum step_error error, struct span why);
