/*
 * A recorded session run again through a fresh core, every byte that goes out compared.
 *
 * Knows nothing of files: batch.h reads them and says what came of it.
 */
#pragma once

#include "daemon/config.h"
#include "proxy.h"
#include "recording.h"

#define REPLAY_CONTEXT 8 /* inputs before a difference that are shown */

enum replay_result {
    REPLAY_IDENTICAL,
    REPLAY_DIFFERENT, /* at the last input; see what, expected, got */
    REPLAY_TORN,      /* identical as far as it is whole */
    REPLAY_FOREIGN,   /* nothing could be run: `what` says why */
};

struct replay {
    uint64_t inputs;
    uint64_t bytes[PROXY_PORTS]; /* written and compared */
    char what[256];
    struct span expected, got; /* where they differ, from the start of that line on; lent */
    struct span context[REPLAY_CONTEXT]; /* payloads of the last inputs, a ring */
    struct instant begin;
    struct config *config; /* in force */
    struct proxy *proxy;
    size_t offset; /* of the picture: bytes restored */
    bool ready;    /* the core is whole */
};

/* Runs all of `recording`, which is lent until replay_free. */
enum replay_result replay_run(struct replay *replay, struct span recording);
void replay_free(struct replay *replay);
