/*
 * A core with any settings and rules, and a few inputs that let it use them: what load lets through
 * must not end the core by an assert.
 */
#pragma once

#include "fuzz.h"
#include "load/load.h"
#include "proxy.h"

static inline void core_take(struct proxy *proxy, struct instant now)
{
    static struct order order;
    struct event event;

    fuzz_check(proxy_check(proxy));
    while (proxy_next_order(proxy, &order))
        continue;
    while (proxy_next_event(proxy, &event))
        continue;
    for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++) {
        struct span output = proxy_output(proxy, port);

        if (output.length > 0)
            proxy_input(proxy,
                        &(struct proxy_input){.kind = PROXY_SENT,
                                              .port = port,
                                              .number = (int64_t)output.length,
                                              .bytes = output},
                        now);
    }
    fuzz_check(proxy_check(proxy));
}

/* Ports are opened, and the host's lines are answered by a printer in good health. */
static inline void core_runs(const struct loaded *loaded, const struct span *lines, unsigned count)
{
    static struct proxy *proxy;
    struct instant now = {1000000};

    if (proxy == NULL)
        proxy = malloc(proxy_size());
    proxy_init(proxy, &loaded->settings, &loaded->ruleset, SPAN_NONE, now);
    core_take(proxy, now);
    for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++) {
        if (port == PROXY_BOARD && loaded->settings.board.kind == PORT_NONE)
            continue;
        proxy_input(proxy, &(struct proxy_input){.kind = PROXY_OPENED, .port = port}, now);
        core_take(proxy, now);
    }
    for (unsigned i = 0; i < count; i++) {
        proxy_input(
            proxy,
            &(struct proxy_input){.kind = PROXY_BYTES, .port = PROXY_HOST, .bytes = lines[i]},
            now);
        core_take(proxy, now);
        proxy_input(
            proxy,
            &(struct proxy_input){
                .kind = PROXY_BYTES, .port = PROXY_PRINTER, .bytes = SPAN("ok\nok\nok\n")},
            now);
        core_take(proxy, now);
        now = instant_after_ms(now, 9000);
        proxy_input(proxy, &(struct proxy_input){.kind = PROXY_TICK}, now);
        core_take(proxy, now);
    }
}
