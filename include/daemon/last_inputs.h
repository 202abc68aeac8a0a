/*
 * The last things that happened at each port, always kept: when something goes wrong the log gets
 * them.
 */
#pragma once

#include "proxy.h"

#define LAST_INPUTS       100 /* of each port */
#define LAST_INPUTS_BYTES 96  /* of each input's bytes */

struct last_input {
    uint64_t serial; /* of all ports: their order */
    struct instant at;
    enum proxy_input_kind kind;
    int64_t number;
    uint32_t length; /* of its bytes, of which the first are here */
    char bytes[LAST_INPUTS_BYTES];
};

struct last_inputs {
    struct last_input input[PROXY_PORTS][LAST_INPUTS];
    uint32_t first[PROXY_PORTS], count[PROXY_PORTS];
    uint64_t serial;
};

/* What is no matter of a port is not kept. */
void last_inputs_add(struct last_inputs *last, const struct proxy_input *input,
                     struct instant now);
/* All of them to the log, in order of time, and forgets them. */
void last_inputs_log(struct last_inputs *last, struct instant now);
