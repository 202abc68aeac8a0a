/* Whether a core has come to rest, or cannot by good words alone. */
#pragma once

#include "route/router.h"

/* Nothing is on its way or waits any more. */
static inline bool is_at_rest(const struct router *router)
{
    return router->host.queue.count == 0 && router->ledger.count == 0 &&
           router->plans.running == 0 && router->printer.lines.unanswered == 0;
}

/*
 * Only a reset ends a binary transfer that nobody closes, and an upload of lines without numbers
 * that lost an ok: what could be asked there would be refused without a word, or stored.
 */
static inline bool is_beyond_help(const struct router *router)
{
    return binary_transfer_runs(&router->binary) ||
           (router->uploading && router->printer.question == QUESTION_OPEN &&
            router->printer.upload_question < 0);
}
