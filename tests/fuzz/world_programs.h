/* The programs that a core has started: which run, and which were killed. */
#pragma once

#include "fuzz.h"
#include "proxy.h"

static bool program_runs[PROXY_PROGRAMS], program_killed[PROXY_PROGRAMS];

static inline void programs_forget(void)
{
    for (unsigned i = 0; i < PROXY_PROGRAMS; i++)
        program_runs[i] = program_killed[i] = false;
}

/* ORDER_RUN or ORDER_END. */
static inline void program_ordered(const struct order *order)
{
    fuzz_promise(order->number >= 0 && order->number < PROXY_PROGRAMS, "a program has a number");
    fuzz_promise(program_runs[order->number] == (order->kind == ORDER_END),
                 "a program is started that does not run, and ended that does");
    program_killed[order->number] = order->kind == ORDER_END && order->ok;
    program_runs[order->number] = true;
}

/* It ends now. False if it does not run. */
static inline bool program_ended(unsigned index)
{
    bool ran = program_runs[index];

    program_runs[index] = program_killed[index] = false;
    return ran;
}
