/*
 * The whole core as one machine: what happens goes in, what is to be done comes out.
 *
 * No I/O, no clock, no memory of its own: one struct lent by the caller, which keeps two pointers
 * only, to settings and rules. Nothing calls back. After every proxy_input the caller writes
 * proxy_output of each port, carries out proxy_next_order until there is none, shows
 * proxy_next_event, and comes again at proxy_deadline at the latest.
 *
 * The daemon, replay, the simulated world and the fuzzers all use the same five functions.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "route/event.h"
#include "route/ruleset.h"
#include "route/settings.h"

enum proxy_port {
    PROXY_HOST,
    PROXY_PRINTER,
    PROXY_BOARD,
    PROXY_SHARE, /* of the board, for a guest; opened and closed by the guest as the host's is */
};
#define PROXY_PORTS 4

enum request_kind {
    REQUEST_SET,      /* point, value */
    REQUEST_PULSE,    /* point, ms */
    REQUEST_SEND,     /* line */
    REQUEST_CONTINUE, /* ends the wait of the plan that holds the stream */
    REQUEST_TRIP,     /* the emergency stop trips */
    REQUEST_RESET,    /* the emergency stop is reset */
    REQUEST_POWER,    /* value: the printer's power on, or off */
    REQUEST_POWER_FORCED, /* off, also in a print */
    REQUEST_EXIT,     /* pulses end, outputs to their exit state; answered when done, or it cannot be */
};
struct request {
    enum request_kind kind;
    uint8_t value; /* 0 off, 255 on */
    int64_t ms;
    char point[SETTINGS_NAME];
    char line[256]; /* NUL-terminated, without line end */
};

enum proxy_input_kind {
    PROXY_OPENED, /* port; number: its baud, 0 if it has none. For the host and the share: a client
                     opened it */
    PROXY_CLOSED, /* port; number: 0 hung up or client gone, or a negative errno: could not be
                     opened; bytes: why, a sentence for people ("/dev/ttyUSB0 is held by …") */
    PROXY_SPEED,  /* port; number: baud set by the host's client */
    PROXY_BYTES,  /* port; bytes: read, at most proxy_room(port) */
    PROXY_SENT,   /* port; number: so many bytes of proxy_output(port) are now written */
    PROXY_ASKED,  /* request; number: the client to answer */
    PROXY_TICK,   /* nothing but the time */
    PROXY_ENDED,  /* number: of the program's order; bytes: what went wrong, for people ("status 3"),
                     empty if nothing did. Once for each ORDER_RUN, when nothing runs any more */
};
struct proxy_input {
    enum proxy_input_kind kind;
    enum proxy_port port;
    int64_t number;
    struct span bytes;             /* lent for the call */
    const struct request *request; /* lent for the call */
};

enum order_kind {
    ORDER_OPEN,    /* port: try to open it; answered by PROXY_OPENED or PROXY_CLOSED */
    ORDER_CLOSE,   /* port: close it; not answered */
    ORDER_SPEED,   /* port, number: set that baud */
    ORDER_DTR,     /* port: pulse DTR; a port without one does nothing */
    ORDER_DISCARD, /* port: drop what the kernel has not written yet (TCOFLUSH) */
    ORDER_ANSWER,  /* number: client; ok; code and text */
    ORDER_SAVE,    /* text: the state file's new content, whole */
    ORDER_RUN,     /* number: start that program of proxy_program; answered by PROXY_ENDED */
    ORDER_END,     /* number: that program is to end; ok: it was asked before, now it is killed */
};
#define ORDER_TEXT 512
struct order {
    enum order_kind kind;
    enum proxy_port port;
    int64_t number;
    bool ok;             /* ORDER_ANSWER */
    const char *code;    /* ORDER_ANSWER if not ok: refused, unknown, usage */
    char text[ORDER_TEXT]; /* ORDER_ANSWER: state ("on") or what is wrong; ORDER_SAVE: content;
                              ORDER_RUN: the program's path */
};

#define PROXY_PROGRAMS 4 /* so many run at once */
/* A program that was ordered, until its PROXY_ENDED; lent until the next proxy_input. */
struct proxy_program {
    struct span name;        /* as the config calls it */
    struct span arguments;   /* each with a NUL behind it */
    struct span environment; /* what is added to it: NAME=value, each with a NUL behind it */
};

/* What `sioctl status` shows, as plain values. */
#define STATUS_HEATERS 12
struct status {
    bool host_connected;
    uint32_t host_baud;
    const char *printer_state; /* online silent offline halted */
    uint32_t printer_baud;
    char firmware[80];
    int8_t emergency_parser; /* 1, 0, or -1: not known */
    unsigned heaters;
    struct {
        char name[8]; /* tool0 bed chamber */
        int32_t actual, target; /* thousandths of a degree */
    } heater[STATUS_HEATERS];
    const char *board_state; /* online lost none */
    char board_firmware[48];
    bool guest_connected; /* to the board's share */
    const char *print_state, *print_source;
    char print_file[64];
    uint64_t print_lines;
    bool waiting;
    char waiting_for[64], waiting_rule[SETTINGS_NAME];
    int64_t waiting_since_ms; /* how long it has waited */
    int64_t waiting_timeout_ms; /* of the whole wait; -1: none */
    const char *estop_state, *filament_state, *psu_state;
    uint64_t host_lines, printer_lines, swallowed, injected, resends, lost_oks, lost_lines,
        board_faults;
};

struct proxy;

size_t proxy_size(void); /* bytes to lend to proxy_init, aligned as malloc does */
/*
 * `saved` is the state file's content, empty if there was none; what cannot be read in it is told
 * and ignored. Settings and rules are lent until proxy_reload or the end. Rules may be NULL.
 */
void proxy_init(struct proxy *proxy, const struct settings *settings, const struct ruleset *rules,
                struct span saved, struct instant now);
/* Other settings and rules from now on; running plans finish as they were. */
void proxy_reload(struct proxy *proxy, const struct settings *settings,
                  const struct ruleset *rules, struct instant now);
/* Lends a copy its settings and rules, the same as it had: nothing has happened. */
void proxy_attach(struct proxy *proxy, const struct settings *settings,
                  const struct ruleset *rules);
/* Something happened. `now` never goes backwards. */
void proxy_input(struct proxy *proxy, const struct proxy_input *input, struct instant now);
/* How many bytes of this port may come next; 0: stop reading it until asked again. */
size_t proxy_room(const struct proxy *proxy, enum proxy_port port);
/* What is to be written, lent until the next proxy_input. */
struct span proxy_output(const struct proxy *proxy, enum proxy_port port);
bool proxy_next_order(struct proxy *proxy, struct order *ret_order);
bool proxy_next_event(struct proxy *proxy, struct event *ret_event);
/* The program with the number of an order. False if there is none. */
bool proxy_program(const struct proxy *proxy, int64_t number, struct proxy_program *ret_program);
struct instant proxy_deadline(const struct proxy *proxy);
void proxy_status(const struct proxy *proxy, struct instant now, struct status *ret_status);
/*
 * What the sensor that is this point has measured, in thousandths of a degree and of a percent.
 * False if that is not known, or it is no dht point.
 */
bool proxy_reading(const struct proxy *proxy, unsigned index, int32_t *ret_degree,
                   int32_t *ret_humidity);
/*
 * State and value (0..255, pwm only, else -1) of the point with that index in the settings. A dht
 * point is on while what it measures is known.
 */
enum point_state proxy_point(const struct proxy *proxy, unsigned index, int *ret_value);
/* A promise of the core that does not hold, in words, or NULL. Called by tests after every input. */
const char *proxy_check(const struct proxy *proxy);
