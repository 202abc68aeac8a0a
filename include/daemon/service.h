/*
 * The daemon around the core: its loop, its ports, its timer, its signals.
 *
 * Every libuv callback does two things: it hands the core what happened (service_feed), then it
 * settles (service_settle): orders are carried out, outputs written, events shown, the timer set.
 * Decides nothing itself.
 */
#pragma once

#include <uv.h>

#include "daemon/config.h"
#include "daemon/claim.h"
#include "daemon/last_inputs.h"
#include "daemon/port.h"
#include "daemon/state_writer.h"
#include "proxy.h"

struct control;
struct programs;
struct record_ring;
struct recorder;

struct service {
    uv_loop_t loop;
    struct config *config; /* in force */
    struct proxy *proxy;
    struct port *port[PROXY_PORTS]; /* NULL: none configured */
    uint32_t baud[PROXY_PORTS];     /* for the next opening */
    struct port_owner owner;
    uv_timer_t timer;
    struct instant rings; /* when the timer does; NEVER if it does not run */
    uv_signal_t on_term, on_int, on_hup;
    bool settling;
    struct claim state_claim;
    char saved[STATE_CAPACITY]; /* the state file, as it was at the start */
    size_t saved_length;
    struct state_writer state;
    struct control *control;
    struct recorder *recorder; /* NULL: nobody records */
    struct record_ring *ring;  /* NULL: the config wants no recordings */
    struct programs *programs; /* that rules have started */
    struct last_inputs last;
    struct instant trouble; /* when the log became due to get the last inputs; never: it is not */
    uv_timer_t telling;     /* until it gets them */
    struct instant started;

    bool ending;         /* the core was asked to put its outputs into their exit state */
    uv_timer_t patience; /* and this is how long it may take */
    bool over;           /* nothing reaches the core any more, and nothing comes from it */
};

/*
 * Runs until a signal ends it. The exit status: 0, or 1 if host port, socket or state file cannot
 * be had. The config becomes the service's own.
 */
int service_run(struct config *config);

/* Something happened; before the callback ends, service_settle must follow. */
void service_feed(struct service *service, const struct proxy_input *input);
void service_settle(struct service *service);
/* An event for the log and for clients that watch; after trouble the log gets the last inputs, too. */
void service_show(struct service *service, const struct event *event);

/* service_reload.c */
#define SERVICE_MISTAKES 8192 /* bytes: more than that many mistakes are not told one by one */
/*
 * Reads the config again. True if it is in force now; else everything is as it was and the
 * mistakes are in the log and in ret_why, a line each.
 */
bool service_reload(struct service *service, char *ret_why, size_t capacity);
