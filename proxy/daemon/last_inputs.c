#include "daemon/last_inputs.h"

#include <string.h>

#include "daemon/log.h"
#include "daemon/quoted.h"

void last_inputs_add(struct last_inputs *last, const struct proxy_input *input,
                     struct instant now)
{
    struct last_input *kept;
    size_t length = input->bytes.length;

    if (input->kind == PROXY_TICK || input->kind == PROXY_ASKED || input->kind == PROXY_ENDED)
        return;
    kept = &last->input[input->port]
                       [(last->first[input->port] + last->count[input->port]) % LAST_INPUTS];
    if (last->count[input->port] < LAST_INPUTS)
        last->count[input->port]++;
    else
        last->first[input->port] = (last->first[input->port] + 1) % LAST_INPUTS;
    kept->serial = last->serial++;
    kept->at = now;
    kept->kind = input->kind;
    kept->number = input->number;
    kept->length = (uint32_t)length;
    if (length > 0)
        memcpy(kept->bytes, input->bytes.data,
               length < LAST_INPUTS_BYTES ? length : LAST_INPUTS_BYTES);
}

static void log_input(enum proxy_port port, const struct last_input *input, struct instant now)
{
    static const char *const ports[PROXY_PORTS] = {"host   ", "printer", "board  ", "guest  "};
    char bytes[LOG_LINE];
    struct text text = TEXT_IN(bytes);
    size_t length = input->length < LAST_INPUTS_BYTES ? input->length : LAST_INPUTS_BYTES;

    switch (input->kind) {
    case PROXY_OPENED: text_add_string(&text, "opened"); break;
    case PROXY_CLOSED: text_add_string(&text, "closed"); break;
    case PROXY_SPEED: text_add_string(&text, "speed"); break;
    case PROXY_BYTES: text_add_string(&text, ">"); break;
    case PROXY_SENT: text_add_string(&text, "<"); break;
    case PROXY_ASKED:
    case PROXY_ENDED:
    case PROXY_TICK: return;
    }
    if (input->kind != PROXY_BYTES && input->kind != PROXY_SENT) {
        text_add_char(&text, ' ');
        text_add_integer(&text, input->number);
    }
    if (length > 0) {
        text_add_char(&text, ' ');
        quoted_add(&text, (struct span){input->bytes, length}, length);
    }
    if (input->length > length)
        text_add_string(&text, "…");
    log_write(LOG_INFO, "  %9.3f s  %s %.*s", -(double)(now.us - input->at.us) / 1e6, ports[port],
              (int)text.length, text.data);
}

/* The port whose oldest input is the oldest of all; PROXY_PORTS if there is none. */
static unsigned oldest(const struct last_inputs *last)
{
    unsigned best = PROXY_PORTS;

    for (unsigned port = 0; port < PROXY_PORTS; port++) {
        if (last->count[port] > 0 &&
            (best == PROXY_PORTS || last->input[port][last->first[port]].serial <
                                        last->input[best][last->first[best]].serial))
            best = port;
    }
    return best;
}

void last_inputs_log(struct last_inputs *last, struct instant now)
{
    unsigned port;

    log_write(LOG_INFO, "what came (>) and went (<) before:");
    while ((port = oldest(last)) < PROXY_PORTS) {
        log_input((enum proxy_port)port, &last->input[port][last->first[port]], now);
        last->first[port] = (last->first[port] + 1) % LAST_INPUTS;
        last->count[port]--;
    }
}
