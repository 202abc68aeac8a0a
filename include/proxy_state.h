/*
 * The core's whole state, for the files that make up proxy.h and nobody else.
 */
#pragma once

#include "base/outbox.h"
#include "proxy.h"
#include "route/estop.h"
#include "route/points.h"
#include "route/router.h"
#include "session/board_sensors.h"
#include "session/board_session.h"
#include "session/board_share.h"

#define PORT_RETRY_MS      1000  /* between two tries to open a port */
#define PRINTER_LOST_MS    60000 /* in a print: so long it may be away */
#define HOST_LOST_MS       10000 /* host closed for so long: outputs to host_lost */
#define HALT_REPEAT_MS     250
#define HALT_UPLOAD_MS     100  /* in an upload: M29 so long after the first M112 … */
#define HALT_UPLOAD_END_MS 200  /* … and M112 so long after that */
#define HALT_MS            5000  /* M112 is repeated so long at most */
#define HALT_HEARD_MS      30000 /* what speaks on though it is stopped gets M112 so often */
#define HALT_UNHEARD_MS    1500  /* not obeyed for so long: M29 goes behind it, whatever is known */
#define BOARD_COMING_MS    8000  /* a board that was just opened may take so long to be of use */
#define EXIT_MS            2000  /* outputs may take so long to reach their exit state */
#define TO_BOARD_BYTES     256
#define ORDERS             96    /* an answer for each of 64 plans, and a few more */
#define HOST_SILENT_MS     1000  /* the shortest silence; a rule's `for` counts from its beginning */
#define PACE_RULES         8     /* whose pace is watched: those that were started last */
#define PACE_STARTS        100   /* so many starts of one rule by events … */
#define PACE_MS            10000 /* … within so long are enough; more are told … */
#define PACE_TOLD_MS       60000 /* … not more often than that */
#define TURN_RULES         128   /* rules that one input from outside starts at most */
#define SPEED_DEFAULT      115200
#define CLIENT_GUEST       (-2) /* whose plan it is that carries out a wish of the board's share */

#define PROGRAM_PATIENCE_MS 2000 /* so long after it was asked to end a program is killed */
#define PROGRAM_ENVIRONMENT (PLAN_CAUSE + 320)

/* A program that runs. */
struct program {
    bool runs;
    bool asked;            /* to end: its time is over */
    uint8_t slot;          /* the plan that waits for it … */
    uint32_t plan;         /* … its serial; 0: none does any more */
    int64_t limit_ms;
    struct instant deadline; /* when it is asked to end, then killed */
    char name[SETTINGS_NAME];
    uint16_t arguments, environment; /* bytes of text, one behind the other */
    char text[PLAN_TEXT + PROGRAM_ENVIRONMENT];
};

/* What was told of a dht point. */
struct proxy_sensor {
    bool known;
    int32_t told; /* thousandths of a degree */
    struct temperature_play play;
};

/* A port of ours that is opened by order, and again when it is lost. */
struct link {
    bool open;
    bool wanted;          /* it is to be open */
    bool asked;           /* ORDER_OPEN is given and not answered */
    bool was_open;        /* since init */
    struct instant retry; /* when to try again */
    struct instant changed; /* opened or closed last */
    char told[160];       /* what was told of its trouble, empty none */
};

struct proxy {
    const struct settings *settings;
    const struct ruleset *rules;
    struct router router;
    struct board_session board;
    struct board_sensors sensors;
    uint32_t sensors_told; /* sensors.told when they were looked at last */
    struct proxy_sensor sensor[SETTINGS_POINTS];
    struct points points;
    struct estop estop;
    struct line_framer board_framer;
    struct outbox to_board;
    char to_board_bytes[TO_BOARD_BYTES];
    struct link printer_link, board_link;
    struct {
        struct board_share board;
        bool plan;     /* one carries out the guest's oldest wish */
        bool waits;    /* an output that is no point does so: io */
        uint8_t io;
        uint64_t told; /* one bit for each io whose refusal was logged for this guest */
    } share;
    struct order order[ORDERS];
    uint32_t first_order, orders;
    bool printer_gone; /* the stand-in answers, because the printer's port is */
    struct {
        uint64_t on_waits, off_waits; /* one bit per plan that waits for it */
        bool switching, on;           /* the psu point is to be so, its report is to come */
    } power;
    uint8_t sets[PLANS]; /* the point whose outcome that plan awaits, POINT_NONE none */
    struct program program[PROXY_PROGRAMS];
    struct {
        bool active;
        bool in_upload;  /* M29 comes before the second M112 */
        bool pulse_dtr;  /* a binary transfer hears no M112 */
        struct instant next, until;
        struct instant heard; /* before that, what it says brings no M112 */
    } halt;
    struct instant host_lost; /* when outputs go to host_lost */
    struct instant printer_lost; /* when a printer lost in a print is given up */
    uint32_t host_baud;
    uint32_t baud;       /* of the printer's port */
    uint32_t saved_baud; /* in the state file */
    char saved_off[POWER_KEPT_TEXT]; /* in the state file: switching off that is still to come */
    struct instant now; /* of the last input */
    struct instant deadline; /* the earliest of all parts, after the last input */
    struct {
        uint16_t rule[TURN_RULES]; /* started by what came from outside: none starts twice */
        uint16_t started;
        uint32_t outside; /* so many events that come next are not what rules have done */
    } turn;
    struct rule_pace {
        uint16_t rule; /* its number; 0: none */
        uint16_t starts;
        struct instant since, told_until;
    } pace[PACE_RULES];
    struct instant rules_since; /* `every` counts from here */
    struct instant every_seen, every_next;
    bool silence_matters;         /* a rule waits for a silent host */
    struct instant host_silent;   /* when the host counts as silent; NEVER if it does already */
    bool exiting;
    int32_t exit_client;
    struct instant exit_until;
};

/* proxy_ports.c: ports, orders, speed */
struct order *proxy_order(struct proxy *proxy, enum order_kind kind, enum proxy_port port,
                          int64_t number);
void proxy_answer(struct proxy *proxy, int32_t client, bool ok, const char *code,
                  struct span text);
void proxy_ports_init(struct proxy *proxy, struct span saved, struct instant now);
void proxy_opened(struct proxy *proxy, const struct proxy_input *input, struct instant now);
void proxy_closed(struct proxy *proxy, const struct proxy_input *input, struct instant now);
void proxy_speed(struct proxy *proxy, uint32_t baud);
/* The state file, if what the printer has shown of itself, or its power, has changed. */
void proxy_save_news(struct proxy *proxy);
/* The state file, as it is to be now. */
void proxy_save(struct proxy *proxy);
void proxy_close_link(struct proxy *proxy, enum proxy_port port, int64_t retry_ms,
                      struct instant now);
struct instant proxy_ports_deadline(const struct proxy *proxy);
void proxy_ports_expire(struct proxy *proxy, struct instant now);

/* proxy_world.c: how things stand, for the conditions of rules */
void proxy_world(const struct proxy *proxy, struct rule_world *ret_world);

/* proxy_rules.c: what happened starts rules and ends plans */
void proxy_rules_init(struct proxy *proxy, bool start, struct instant now);
void proxy_rules_event(struct proxy *proxy, const struct event *event, struct instant now);
/*
 * The printer does not know a line of the file on its card: does a rule for such lines take it? Its
 * steps then begin; nothing waits for them.
 */
bool proxy_rules_card(struct proxy *proxy, struct span echo, struct instant now);
bool proxy_rules_hear(const struct proxy *proxy);
void proxy_rules_reply(struct proxy *proxy, struct span reply, struct instant now);
/* What started the plan has lasted, or the plan before it is over: it begins, if `again` lets it. */
void proxy_rules_begun(struct proxy *proxy, uint8_t slot, struct instant now);
/* The host said something, came or went: its silence ends, or begins anew. */
void proxy_rules_host_heard(struct proxy *proxy, bool connected, struct instant now);
void proxy_rules_expire(struct proxy *proxy, struct instant now);

/* proxy_power.c: the printer's power */
/* Shows power how the world is, and does what it wants. True if anything moved. */
bool proxy_power_look(struct proxy *proxy, struct instant now);
void proxy_power_reload(struct proxy *proxy, struct instant now);
/* The stand-in answers, or no longer, as the port and the power say. */
void proxy_standin(struct proxy *proxy, struct instant now);
/* A plan's step `power`, or one that sets the psu point: its outcome is told the plan. */
void proxy_power_step(struct proxy *proxy, const struct plan_action *action, struct instant now);
void proxy_power_set(struct proxy *proxy, const struct plan_action *action, bool on,
                     struct instant now);
/* The plan in that slot is over. */
void proxy_power_forget(struct proxy *proxy, uint8_t slot);
/* Who has it switched just now, in words. */
struct span proxy_power_cause(const struct proxy *proxy);
const char *proxy_power_check(const struct proxy *proxy);

/* proxy_plans.c: what plans want done, how that ended, and what changes while they wait */
/* The line, rule or client that a plan is carried out for. */
struct span proxy_who_runs(const struct proxy *proxy, uint8_t slot);
void proxy_plan_action(struct proxy *proxy, const struct plan_action *action, struct instant now);
/* Outputs that plans have set: those that the board has confirmed or given up are told the plan. */
void proxy_outcomes(struct proxy *proxy, struct instant now);
/* Points and heaters that have changed become events, and are shown to plans that wait for them. */
void proxy_point_changes(struct proxy *proxy, struct instant now);
void proxy_temperature_changes(struct proxy *proxy, struct instant now);

/* proxy_clients.c: what clients of the control socket want done */
void proxy_asked(struct proxy *proxy, const struct request *request, int32_t client,
                 struct instant now);
/* The outputs have their exit state, or cannot have it: who asked is answered. */
void proxy_exited(struct proxy *proxy, struct instant now);

/* proxy_board.c: what befalls the board */
/* Is the board there, or was its port opened a moment ago? */
bool proxy_board_of_use(const struct proxy *proxy, struct instant now);
void proxy_board_events(struct proxy *proxy, struct instant now);

/* proxy_types.c: tells of points that are another thing on the board; it is online */
void proxy_types_look(struct proxy *proxy, struct instant now);

/* proxy_sensors.c: dht points */
/* What the board has said of its sensors is told, and shown whoever waits for it. */
void proxy_sensors_look(struct proxy *proxy, struct instant now);
void proxy_sensors_reload(struct proxy *proxy, const uint8_t moved[SETTINGS_POINTS]);

/* proxy_share.c: the guest of the board's share, and what it may switch */
void proxy_share_opened(struct proxy *proxy, struct instant now);
void proxy_share_closed(struct proxy *proxy, struct instant now);
/* Shows the guest the levels and moves its wishes on. True if anything moved. */
bool proxy_share_moves(struct proxy *proxy, struct instant now);
/* The plan of its oldest wish is over. */
void proxy_share_over(struct proxy *proxy, const struct plan *plan, struct instant now);
/* The machine was halted: what the guest wanted before is over. */
void proxy_share_halted(struct proxy *proxy);

/* proxy_filament.c: what the sensors say, and what filament wants done */
void proxy_filament_act(struct proxy *proxy, struct instant now);
void proxy_filament_look(struct proxy *proxy, struct instant now);
void proxy_filament_reload(struct proxy *proxy, const uint8_t moved[SETTINGS_POINTS],
                           struct instant now);
void proxy_filament_step(struct proxy *proxy, enum filament_switch what, struct instant now);
/* enum world_filament */
uint8_t proxy_filament_world(const struct proxy *proxy);

/* proxy_programs.c: programs that `run` starts */
void proxy_programs_run(struct proxy *proxy, const struct plan_action *action,
                        struct instant now);
void proxy_programs_ended(struct proxy *proxy, const struct proxy_input *input,
                          struct instant now);
void proxy_programs_reload(struct proxy *proxy, const struct settings *old);
struct instant proxy_programs_deadline(const struct proxy *proxy);
void proxy_programs_expire(struct proxy *proxy, struct instant now);
const char *proxy_programs_check(const struct proxy *proxy);

/* proxy_halt.c: the one way to stop the machine */
/* Is that line an M112? */
bool proxy_is_halt(struct span line);
void proxy_halt(struct proxy *proxy, struct span cause, struct instant now);
/* The printer is there again, halted or not: M112, repeated as in a halt. */
void proxy_halt_again(struct proxy *proxy, struct instant now);
/* No M112 any more: the stop that wanted it has been reset. */
void proxy_halt_end(struct proxy *proxy);
/* The printer has said something: it is not halted, or no longer. While the stop is latched: M112. */
void proxy_halt_heard(struct proxy *proxy, struct instant now);
void proxy_halt_expire(struct proxy *proxy, struct instant now);

/* proxy_estop.c: what the emergency stop sees, and what it wants done */
void proxy_estop_init(struct proxy *proxy, bool latched, struct instant now);
void proxy_estop_reload(struct proxy *proxy, const uint8_t moved[SETTINGS_POINTS],
                        struct instant now);
/* Does this output keep its halt value, whoever wants another? */
bool proxy_estop_holds(const struct proxy *proxy, uint8_t point);
/* Outputs to what they are to be on an occasion, but those that the emergency stop holds. */
void proxy_apply(struct proxy *proxy, enum points_occasion occasion, struct instant now);
void proxy_estop_look(struct proxy *proxy, struct instant now);
void proxy_estop_point(struct proxy *proxy, const struct point_change *change, struct instant now);
void proxy_estop_confirmed(struct proxy *proxy, struct instant now);
void proxy_estop_host(struct proxy *proxy, struct instant now);
/* M876 of a host that was offered the reset: S0 is that, P1 says that it shows prompts. */
void proxy_estop_answered(struct proxy *proxy, const struct gcode_line *line, struct instant now);
void proxy_estop_printer(struct proxy *proxy, bool open, struct instant now);
void proxy_estop_started(struct proxy *proxy, struct instant now);
/* `cause`: which line, rule or client does it. */
void proxy_estop_trip(struct proxy *proxy, struct span cause, struct instant now);
enum estop_reset_result proxy_estop_reset(struct proxy *proxy, struct span cause,
                                          struct instant now);
void proxy_estop_expire(struct proxy *proxy, struct instant now);
