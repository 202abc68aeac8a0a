/*
 * The two conversations and what joins them: the host's front line goes to the printer, a plan, the
 * stand-in or is refused; each answer goes to the sender in its tag.
 *
 * Owns both sessions, the ledger, the plans, and what is to be written to either. Knows no ports, no
 * board and no points: what a plan wants done with those is proxy.c's business.
 */
#pragma once

#include "base/instant.h"
#include "base/outbox.h"
#include "route/event.h"
#include "route/extrusion.h"
#include "route/filament.h"
#include "route/ledger.h"
#include "route/plan.h"
#include "route/power.h"
#include "route/print_job.h"
#include "route/ruleset.h"
#include "route/settings.h"
#include "route/temperatures.h"
#include "session/binary_transfer.h"
#include "session/host_session.h"
#include "session/printer_session.h"
#include "wire/firmware.h"

#define BUSY_MS            2000          /* OctoPrint's shortest timeout is 3 s */
#define WAITING_TOLD_MS    30000         /* what is waited for is told again */
#define PRINTER_SILENT_MS  180000        /* a printer silent for so long gets no busy from us */
#define TO_HOST_BYTES      (64 * 1024)
#define TO_HOST_ANSWERS    (16 * 1024) /* kept free for what one line is answered */
#define TO_PRINTER_BYTES   (8 * 1024)
#define HELD_BYTES         256           /* an Error kept back for its Resend */
#define BOOT_TEXT_MS       5000          /* what follows a `start` comes within that */
#define HELD_MS            100
#define NEXT_LINE_MS       100           /* the next line of a host just answered is on its way */

enum sender { SENDER_NOBODY, SENDER_HOST, SENDER_PLAN, SENDER_FILAMENT, SENDER_POWER };
#define TAG_ENDS_UPLOAD 1 /* slot of the tag of an M29, whoever sent it */

enum printer_state { PRINTER_OFFLINE, PRINTER_SILENT, PRINTER_ONLINE, PRINTER_HALTED };

/* What may go to the printer. */
enum router_gate {
    ROUTER_OPEN,
    ROUTER_NO_MOTION, /* motion and heating wait: the emergency stop was not seen healthy yet */
    ROUTER_SHUT,      /* nothing: it is latched, and the stand-in answers */
};

/* Where the host's front line stands. */
enum front {
    /* Not looked at. rule fits -> FRONT_PLANNED; none -> FRONT_TO_PRINTER */
    FRONT_NEW,
    /* A plan holds the stream for it. plan's end -> dropped, FRONT_TO_PRINTER or FRONT_REPLACED */
    FRONT_PLANNED,
    /* It goes to the printer as soon as the printer can take it. */
    FRONT_TO_PRINTER,
    /* Another line goes to the printer for it. */
    FRONT_REPLACED,
};

struct router_counters {
    uint64_t printer_lines, swallowed, injected, lost_oks, lost_lines, surplus_oks, unread;
};

struct router {
    struct host_session host;
    struct printer_session printer;
    struct ledger ledger;
    struct plans plans;
    struct print_job job;
    struct temperatures temperatures;
    struct extrusion extrusion;
    struct filament filament;
    struct power power;
    struct events events;
    struct outbox to_host, to_printer;
    char to_host_bytes[TO_HOST_BYTES], to_printer_bytes[TO_PRINTER_BYTES];
    struct line_framer printer_framer;

    bool host_connected;
    bool pausing;               /* //action:pause goes out in front of the next ok … */
    struct instant pausing_until; /* … or then */
    uint32_t ok_debt;           /* what the ok is for that is held back, 0 none */
    uint16_t ok_length;
    char ok[LINE_CAPACITY + 32]; /* ... as the host is to get it */
    uint32_t change_debt;       /* of an M600 of the host's own, 0 none */
    uint32_t change_serial;     /* of the line that filament sent last */
    bool busy_seen;             /* any busy line reached the host on this connection */
    bool owing;                 /* something was owed when last looked */
    struct instant quiet_since; /* the host is owed something and heard neither ok nor busy since */
    struct instant waiting_told; /* when what is waited for is to be told */

    enum printer_state printer_state;
    struct instant printer_heard;
    struct instant started; /* its last reset */
    bool standin; /* the stand-in answers for the printer */
    bool power_asks, power_sends; /* M105, or the line power wants sent, is to go to the printer */
    struct instant power_asked;   /* the last such M105 went then */
    uint32_t power_serial;        /* of the last line that it wanted sent */
    enum router_gate gate;
    bool opened_shut; /* the gate was shut when the host opened its port: it talks to the stand-in */
    bool prompts; /* the printer can show prompts: the host knows them */
    uint8_t firmware;       /* firmware_index */
    bool firmware_known;
    uint32_t blanks; /* blank lines that it may answer, while it is not known whether it does */
    char firmware_name[80]; /* as told last, perhaps before we were started; empty unknown */
    bool firmware_named;    /* since its port is open: … */
    bool firmware_news;     /* … and the first such name was another than before: it is kept */
    int8_t emergency_parser; /* 1, 0, -1 unknown */
    uint16_t card_code;      /* so long, with its end, is the line that came last if it says that a
                                line of the card is not known; it is not passed on yet. Else 0 */
    char held[HELD_BYTES];   /* an Error kept back */
    uint16_t held_length;
    struct instant held_until;

    bool last_numbered;    /* the host's last command line was numbered */
    bool uploading;        /* lines are file content: from M28 to the ok of M29 */
    bool upload_ending;    /* its M29 is at the printer: what is behind it waits for its ok */
    bool upload_void;      /* the host's upload has no file: until its M29 or M110 all is refused */
    bool upload_orphaned;  /* its host has left: an M29 of ours is to end it */
    bool upload_left;      /* the printer's port was lost in one: its file may be open still */
    int64_t upload_end;    /* the number that the last one's M29 bore on the wire, 0 none */
    uint32_t binary_debt;  /* the debt whose ok begins a binary transfer, 0 none */
    struct binary_transfer binary; /* while it runs, bytes are passed and not lines */
    bool after_reset;      /* a job's printer was reset: no motion until the host's next M110 */
    bool cancel_told;      /* //action:cancel was said to a job that cannot go on */
    bool klippy_left;      /* Klipper has said that it ends; its next Ready is a start */
    enum front front;
    uint32_t front_debt;   /* the front line's debt if it is made already, else 0 */
    bool touched;          /* something was swallowed, injected or overtaken since the last M110 */
    uint32_t touched_ahead; /* ... and an M110 among so many lines in front does not mend it */
    bool wrote_anew;       /* a line was written anew though it was not touched: P1 is broken */
    uint16_t replacement_length;
    char replacement[LINE_CAPACITY];
    struct router_counters counters;
};

void router_init(struct router *router, const struct settings *settings, struct instant now);
/* The name that the printer had when we were here before. */
void router_firmware_was(struct router *router, struct span name);

/* --- the host's side (router_host.c) --- */
void router_host_opened(struct router *router, struct instant now);
void router_host_closed(struct router *router, struct instant now);
/* Takes bytes up to the end of one line. HOST_EMERGENCY's line is for router_emergency or a halt. */
enum host_verdict router_host_bytes(struct router *router, struct span *bytes,
                                    struct gcode_line *ret_line);
/* A line of the host's passes those queued: its number is missing behind them. */
void router_touch(struct router *router);
/* M108, M410, M876 as they arrive. True if the wait of the stream's plan was ended. */
bool router_emergency(struct router *router, const struct gcode_line *line, struct instant now);

/* --- the host's front line (router_front.c) --- */
enum front_fate {
    FRONT_PASSES, /* nothing keeps it from the printer */
    FRONT_STAYS,  /* not now */
    FRONT_BEGUN,  /* a plan has begun for it: it stays in front until that is over */
    FRONT_TAKEN,  /* it is at the printer, or answered, or will be: it goes nowhere any more */
};
/* Is there a line of the host that a rule may take? Only then router_down looks at the world. */
bool router_asks(const struct router *router, const struct ruleset *rules);
/*
 * Moves the host's lines on as far as possible. True if anything moved. `world` is for conditions;
 * what a line says of the print is put into it.
 */
bool router_down(struct router *router, const struct settings *settings,
                 const struct ruleset *rules, struct rule_world *world, struct instant now);
/* A plan is over: what the host is owed for it, and where its line goes. */
void router_plan_over(struct router *router, const struct plan *plan, struct instant now);

/* --- the printer's side (router_printer.c) --- */
/* `before`: not for the first time; `again`: and what was unanswered may be answered yet. */
void router_printer_opened(struct router *router, bool before, bool again, struct instant now);
void router_printer_closed(struct router *router, struct instant now);
/*
 * Takes bytes from the front of *bytes up to the end of one line: *ret_line is its content, lent
 * until the next call. False if there was none any more. If it sets card_code, somebody else is to
 * do what that line asks for, or to pass it on.
 */
bool router_printer_bytes(struct router *router, struct span *bytes, struct span *ret_line,
                          struct instant now);
/* Lines that go out again after a Resend, and the question. True if one did. */
bool router_again(struct router *router, struct instant now);
/* From now on lines are file content, or no longer. */
void router_uploading(struct router *router, bool uploading);
/* The file that the host's lines were for is gone before its M29 went out: they are refused. */
void router_upload_lost(struct router *router);
/* The printer is away for good (or back): the stand-in answers for it from now on (no more). */
void router_standin(struct router *router, bool standin, struct instant now);
/* The printer's power is gone, and the stand-in answers: a job has failed, its host is told. */
void router_power_lost(struct router *router, struct instant now);
/* Lines that power wants sent, if they can go now. True if one went. */
bool router_power_sends(struct router *router, struct instant now);
/* The ok of one of them. */
void router_power_answer(struct router *router, const struct tag *tag, struct span raw,
                         const struct printer_reply *reply, struct instant now);
/* A halt: all that is queued is dropped, nothing unanswered counts, nobody is owed anything. */
void router_halt(struct router *router, struct instant now);
void router_printer_state(struct router *router, enum printer_state state, struct span cause,
                          struct instant now);

/* The ok of a line: it goes to who sent the line. */
void router_answer(struct router *router, struct span raw, const struct printer_reply *reply,
                   const struct printer_answer *given, struct instant now);

/* --- what is lost at the printer (router_lost.c) --- */
/*
 * What the printer owes is made up, because it will not pay: also what overtook a plan that waits,
 * and so stands behind it. The front line's own debt is paid when that line is answered.
 */
void router_make_up(struct router *router, struct instant now);
/* A line whose ok was lost on the way: its sender gets one all the same. */
void router_lost_ok(struct router *router, const struct printer_answer *given, struct instant now);
/*
 * The printer never takes that line: it is not sent any more, and the job is cancelled. If it
 * switches a heater off it goes once more without its number: that much the printer may take.
 */
void router_line_let_go(struct router *router, struct span sent, struct instant now);
/* The printer insists on that line, which it has answered, and gets it. */
void router_line_again(struct router *router, struct span sent, struct instant now);

/* --- lines of ours for the printer (router_inject.c) --- */
enum inject_result {
    INJECT_SENT,  /* its answer comes to the plan */
    INJECT_LATER, /* not now: another time */
    INJECT_DONE,  /* a printer that is not there, or is halted, has nothing to do for it */
    INJECT_SHUT,  /* the emergency stop is latched */
    INJECT_HALTED, /* the printer is halted, and deaf */
    INJECT_NEVER, /* no printer is there to do it */
};
/* A plan's line for the printer. */
enum inject_result router_inject(struct router *router, uint8_t slot, struct span command,
                                 struct instant now);
/* A line of anybody's of ours: its answer comes to `tag`. */
enum inject_result router_inject_as(struct router *router, struct tag tag, struct span command,
                                    struct instant now);

/* --- what filament makes of both sides (router_filament.c) --- */
/* How the print is now. */
void router_filament_print(struct router *router, struct instant now);
/* The host's line that is to go to the printer now. */
enum front_fate router_filament_front(struct router *router, const struct gcode_line *line,
                                      struct instant now);
/* It has gone there; the host is owed that for it, 0: no host is there. */
void router_filament_sent(struct router *router, const struct gcode_line *line, uint32_t serial,
                          struct instant now);
/* An ok came for a line of the host's. */
void router_filament_acked(struct router *router, uint32_t serial, struct instant now);
/* Has that ok been kept back? Else it is to go to the host. */
bool router_filament_holds(struct router *router, uint32_t serial, struct span ok,
                           struct instant now);
/* The ok that is kept back goes to the host. */
void router_release_ok(struct router *router, struct instant now);
/* The ok of a line that filament sent has come. */
void router_filament_answered(struct router *router, uint32_t serial, struct instant now);
/* Sends a line of filament's. False if it has to wait. */
bool router_filament_inject(struct router *router, struct span command, struct instant now);
/* M108 or M876 overtakes, if it can. */
void router_filament_press(struct router *router, struct span command, struct instant now);
/* Nothing at the printer is answered any more, and nobody is owed anything for it. */
void router_filament_broken(struct router *router, struct instant now);
/* Who was owed an ok is gone. */
void router_filament_host_gone(struct router *router, struct instant now);
const char *router_filament_check(const struct router *router);

/* --- what the host hears (router.c) --- */
/* Text of ours for the host and the log: `echo:sioproxy ` and a line end are added. */
void router_tell(struct router *router, enum log_level level, struct span sentence,
                 struct instant now);
/* Whole lines for the host alone. Dropped if no host is there. */
void router_to_host(struct router *router, struct span lines);
/* `//action:WORD` for the host, which the job hears too. */
void router_action(struct router *router, struct span word);
/*
 * Asks the host to pause, in front of an ok, so that no line comes after: the one that it waits for,
 * or, if it streams a print and got one just now, that of its next line.
 */
void router_pause(struct router *router, struct instant now);
/* An ok goes to the host: what is to be said in front of it is said now. */
void router_pause_said(struct router *router);
/* What the job has come to becomes events; without a fact it has not changed. */
void router_tell_facts(struct router *router, struct span cause, struct instant now);
static inline void router_job_facts(struct router *router, struct span cause, struct instant now)
{
    if (router->job.facts > 0)
        router_tell_facts(router, cause, now);
}
/* May the plan that holds the stream speak now? */
bool router_turn(const struct router *router);
/* A debt is paid by us (0: none was made): the text with its ok, if the host waits for one. */
void router_pay(struct router *router, uint32_t serial, struct span text, struct instant now);

/* --- time and words (router.c) --- */
struct instant router_deadline(const struct router *router);
void router_expire(struct router *router, struct instant now);
/* After every turn: whether something is owed, and since when; what is waited for is told. */
void router_settled(struct router *router, const struct settings *settings, struct instant now);
/* What a step waits for, in words: "point door high", "temperature tool0 < 50C". */
void router_wait_words(const struct settings *settings, const struct step_ready *step,
                       struct text *ret_words);
/* What the stream's plan waits for, in words: "point door on", "200ms"; empty if for nothing. */
void router_waiting(const struct router *router, const struct settings *settings,
                    struct text *ret_words);

const char *printer_state_word(enum printer_state state);

const char *router_check(const struct router *router);
