/*
 * What happened to the core as lines that people read: bytes of each port cut into lines, ports
 * opened and closed, what clients asked, orders and events.
 *
 *     12.345678  host    > "N1 M105*39"
 *     12.345678  host    < "ok T:20.0 /0.0"
 *     12.345678          * point light on: M42 Plight S1
 *
 * `>` came from a port, `<` went to it, `-` befell it, `!` was ordered, `*` is an event.
 */
#pragma once

#include <stdio.h>

#include "proxy.h"

#define SESSION_TEXT_LINE 200 /* longer lines are cut, and say so */

struct session_line {
    char bytes[SESSION_TEXT_LINE];
    size_t length; /* more than there is room for: so long it is by now */
};

struct session_text {
    FILE *to;
    struct instant begin;
    struct session_line from[PROXY_PORTS], sent[PROXY_PORTS];
};

/* Times count from `begin`. */
void session_text_init(struct session_text *session, FILE *to, struct instant begin);
void session_text_input(struct session_text *session, const struct proxy_input *input,
                        struct instant now);
void session_text_order(struct session_text *session, const struct order *order,
                        struct instant now);
void session_text_event(struct session_text *session, const struct event *event);
/* Lines that have no end yet. */
void session_text_end(struct session_text *session, struct instant now);
