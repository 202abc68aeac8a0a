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
    REPLAY_TORN,      /* identical as far as it is whole: `what` says how far that is */
    REPLAY_FOREIGN,   /* nothing could be run: `what` says why */
};

/* Who wants to see what happens meanwhile; each may be NULL. */
struct replay_watch {
    void *context;
    void (*input)(void *context, const struct proxy_input *input, struct instant now);
    void (*order)(void *context, const struct order *order, struct instant now);
    void (*event)(void *context, const struct event *event);
};

struct replay_options {
    int64_t until_us; /* so long after its begin it is left; -1: never */
    struct replay_watch watch;
};

struct replay {
    const struct replay_options *options;
    bool left; /* before its end, because of `until_us` */
    uint64_t inputs;
    uint64_t bytes[PROXY_PORTS]; /* written and compared */
    char what[256];
    struct span expected, got; /* where they differ, from the start of that line on; lent */
    struct span context[REPLAY_CONTEXT]; /* payloads of the last inputs, a ring */
    struct instant begin, last;
    struct config *config; /* in force */
    struct proxy *proxy;
    size_t offset;   /* of the picture: bytes restored */
    bool same_build; /* its picture fits us */
    bool ready;      /* the core is whole */
};

/* Runs `recording`, which is lent until replay_free. `options` NULL: all of it, unseen. */
enum replay_result replay_run(struct replay *replay, struct span recording,
                              const struct replay_options *options);
void replay_free(struct replay *replay);
