/*
 * A 3D printer: the bytes a host sends become moves, heat and the bytes the firmware answers.
 *
 * A pure machine of the core's kind: one struct without pointers (a snapshot is a memcpy), bytes
 * in, bytes out, `now` last. Knows nothing of the proxy and shares no parser with it. Behaves as
 * Marlin 2.1 was seen to behave on a paced pty, and as its queue.cpp, e_parser.h and pause.cpp
 * read; or as Klipper's G-code port. What it leaves out: kinematics, probing, EEPROM, more than
 * one extruder, protection against cold extrusion.
 *
 * A command takes no time of its own: what takes time are the wire to the host, moves, heat,
 * dwells, homing, filament changes and the user. The wire from the host is not paced here: the
 * caller hands bytes in when they arrive.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "sim/sim_emergency.h"
#include "sim/sim_heater.h"
#include "sim/sim_line.h"
#include "sim/sim_motion.h"
#include "sim/sim_sd.h"

enum {
    SIM_RECEIVE_CAPACITY = 4096, /* Klipper's; Marlin's is 128 */
    SIM_QUEUE_CAPACITY = 4,      /* BUFSIZE */
    SIM_OUTPUT_CAPACITY = 8192,
    SIM_OUTPUT_HELD = 4096, /* not taken by the caller: nothing is executed until it is */
    SIM_WIRE_HELD = 64,     /* on their way on a paced wire: the same */
    SIM_EXECUTED_KEPT = 256,
};

/* What follows the `Resend:` of a refused line. Marlin 2.1 always says ok; older ones differ. */
enum sim_resend_ok {
    SIM_RESEND_OK_ALWAYS,
    SIM_RESEND_OK_NEVER,
    SIM_RESEND_OK_EXECUTING, /* only while a line of the host waits or is executed */
};

/* Which firmware, built how. */
struct sim_printer_manner {
    bool klipper;          /* no numbers, no busy, `// action:`; ignores the next eight */
    bool emergency_parser; /* M112, M108, M410 and M876 are seen as they arrive */
    bool advanced_ok;      /* `ok N1 P14 B3` */
    bool busy;             /* `echo:busy: processing` every 2 s while a command blocks */
    bool prompts;          /* HOST_PROMPT_SUPPORT */
    bool doublets_refused; /* older Marlin: a repeated line is a wrong line */
    bool wait_when_idle;   /* NO_TIMEOUTS: `wait` after each silent second */
    char never;            /* a numbered line with this byte is refused for ever; '\0': none */
    enum sim_resend_ok resend_ok;
    bool flow_control;       /* bytes that do not fit are held back, else they are lost */
    uint32_t receive_buffer; /* bytes, at most SIM_RECEIVE_CAPACITY */
    uint32_t baud;           /* of the wire to the host; 0: no pacing */
    uint32_t boot_ms;        /* from a reset to `start` */
    uint32_t speed;          /* times real time for moves, heat, dwells; 0: they take no time */
};

/* Marlin 2.1 with emergency parser, prompts and busy, 128 bytes, 115200 baud, boots in 1 s. */
struct sim_printer_manner sim_printer_manner_marlin(void);
struct sim_printer_manner sim_printer_manner_klipper(void);

enum sim_printer_state {
    SIM_PRINTER_OFF,
    SIM_PRINTER_BOOTING,
    SIM_PRINTER_UP,
    SIM_PRINTER_HALTED, /* killed: deaf until a reset; Klipper: shut down */
};

/* What the command at the front of the queue waits for. */
enum sim_wait {
    SIM_WAIT_NONE,
    SIM_WAIT_ROOM,  /* a free block of the planner */
    SIM_WAIT_MOVES, /* the end of all moves */
    SIM_WAIT_TIME,  /* wait_until */
    SIM_WAIT_HEAT,  /* wait_heater near its target, and steady */
    SIM_WAIT_USER,  /* M108, M876 or wait_until */
};

/* What it does when it need not wait any more. */
enum sim_after {
    SIM_AFTER_OK,
    SIM_AFTER_MOVE,
    SIM_AFTER_DWELL,
    SIM_AFTER_HOME,
    SIM_AFTER_HOMED,
    SIM_AFTER_ASK,
    SIM_AFTER_ASKED,
    SIM_AFTER_PAUSE,
    SIM_AFTER_RESTART,
};

/* Where a filament change (M600) stands. */
enum sim_pause {
    SIM_PAUSE_NONE,
    SIM_PAUSE_STOPPING, /* the moves planned are done first */
    SIM_PAUSE_HEATING,  /* no target: to 170 degrees */
    SIM_PAUSE_UNLOADING,
    SIM_PAUSE_PARKED, /* the user changes filament; the nozzle cools after a while */
    SIM_PAUSE_COLD,   /* it has: the user is to ask for heat */
    SIM_PAUSE_REHEATING,
    SIM_PAUSE_REHEATED, /* the user is to go on */
    SIM_PAUSE_LOADING,
    SIM_PAUSE_PURGED, /* purge more, or continue? */
    SIM_PAUSE_PURGING,
    SIM_PAUSE_RESUMING,
};

struct sim_queued {
    uint32_t length;
    bool silent; /* not from the host: no ok */
    char text[SIM_LINE_CAPACITY];
};

/* A move as it stands on its line. */
struct sim_move {
    bool given[SIM_AXES]; /* these words are there */
    double words[SIM_AXES];
    double feed; /* F, 0 if there is none */
};

struct sim_executed {
    uint32_t length;
    bool numbered; /* it came with a number, which was the right one */
    char text[SIM_LINE_CAPACITY];
};

struct sim_printer_counters {
    uint64_t lines;      /* commands executed */
    uint64_t refused;    /* lines answered by a Resend */
    uint64_t doublets;   /* lines dropped without a word */
    uint64_t lost_bytes; /* no room in the receive buffer, or the printer off, booting, halted */
    uint64_t overruns;   /* times the receive buffer overflowed */
    uint64_t unknown;    /* commands */
    uint64_t halts;      /* M112 */
    uint64_t resets;
    uint64_t executed_missed; /* dropped from sim_printer_executed unread */
    uint64_t output_lost;     /* bytes that did not fit: none if the caller takes any */
};

struct sim_printer {
    struct sim_printer_manner manner;
    enum sim_printer_state state;
    struct instant now;  /* of the last call */
    struct instant boot; /* when `start` comes, while booting */

    struct sim_emergency emergency;
    struct sim_line line;
    uint32_t receive_head;
    uint32_t receive_count;
    char receive[SIM_RECEIVE_CAPACITY];

    uint32_t queue_head;
    uint32_t queue_count;
    struct sim_queued queue[SIM_QUEUE_CAPACITY];

    enum sim_wait wait;
    enum sim_after after;
    struct sim_move move; /* the one that waits for room */
    struct instant wait_until;
    uint32_t wait_heater;     /* index of heaters */
    bool wait_cooling;        /* R: down to the target too */
    struct instant steady;    /* it is near the target since: done at this time; NEVER: it is not */
    struct instant heat_line; /* the next ` T:… W:?` */
    bool user_answered;
    int user_answer; /* the button of M876, -1 for M108 */
    enum sim_pause pause;
    struct instant nozzle_cools;
    double nozzle_target; /* before the nozzle cooled */

    struct instant busy_due;
    uint32_t busy_interval_s; /* M113 */
    struct instant idle_since;

    struct sim_motion motion;
    struct sim_heater heaters[2]; /* hotend, bed */
    uint32_t report_s;            /* M155, 0: none */
    struct instant report_due;
    uint32_t sd_report_s; /* M27 S */
    struct instant sd_report_due;

    struct sim_sd sd;
    int sd_selected; /* slot, -1: none */
    uint32_t sd_position;
    bool sd_printing;
    int sd_writing;  /* slot, -1: none */
    bool sd_logging; /* M928: written and carried out */

    bool runout;           /* the filament sensor sees none */
    bool runout_reporting; /* M412 */
    bool runout_pending;   /* M600 is to be carried out next */

    uint32_t output_head;
    uint32_t output_length;  /* not taken yet */
    uint32_t output_ready;   /* of these have crossed the wire */
    int64_t output_clock_ns; /* the first of the others began then */
    char output[SIM_OUTPUT_CAPACITY];

    uint32_t executed_head;
    uint32_t executed_count;
    struct sim_executed executed[SIM_EXECUTED_KEPT];
    struct sim_printer_counters counters;
};

/* A printer that has been on for a while: cold, idle, with nothing to say. */
void sim_printer_init(struct sim_printer *printer, const struct sim_printer_manner *manner,
                      struct instant now);

/*
 * Bytes from the host, as they arrive. Returns how many were taken: all of them, but with flow
 * control only what fits; offer the rest again when sim_printer_room() says so.
 */
size_t sim_printer_receive(struct sim_printer *printer, struct span bytes, struct instant now);
/* How many bytes can be taken now; with a dropping buffer always plenty. */
size_t sim_printer_room(const struct sim_printer *printer);

/* What has crossed the wire to the host and was not taken, lent until the next call. */
struct span sim_printer_output(const struct sim_printer *printer);
/* The host has taken the first `count` of these bytes. */
void sim_printer_taken(struct sim_printer *printer, size_t count, struct instant now);

/* When sim_printer_expire() is due; NEVER if only the host can make something happen. */
struct instant sim_printer_deadline(const struct sim_printer *printer);
/* Lets time pass up to `now`, each thing at its own time however late the call. */
void sim_printer_expire(struct sim_printer *printer, struct instant now);

/* The reset button, or a pulse of DTR: all but the card and the heat is forgotten, then it boots.
 */
void sim_printer_reset(struct sim_printer *printer, struct instant now);
/* The power switch. On: it boots. Off: it is silent, and what was on the wire is gone. */
void sim_printer_power(struct sim_printer *printer, bool on, struct instant now);
/* The user answers at the machine: goes on (-1), or presses that button of the prompt. */
void sim_printer_press(struct sim_printer *printer, int button, struct instant now);
/* The printer's own filament sensor. Missing filament starts a filament change by itself. */
void sim_printer_runout(struct sim_printer *printer, bool missing, struct instant now);

/*
 * The oldest executed command not fetched yet, without number and checksum, lent until the next
 * call that is not const. False if there is none. Only the last 256 are kept.
 */
bool sim_printer_executed(struct sim_printer *printer, struct span *ret_command);
