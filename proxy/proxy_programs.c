#include <string.h>

#include "proxy_state.h"

/* `NAME=value` and a NUL. */
static void add_variable(struct text *text, const char *name, const char *value)
{
    text_add_string(text, name);
    text_add_string(text, value);
    text_add_char(text, '\0');
}

/* Its arguments, and why it runs: behind what started its rule stands how things are now. */
static void add_texts(const struct proxy *proxy, struct program *program,
                      const struct plan_action *action)
{
    struct text text = TEXT_IN(program->text);
    const struct router *router = &proxy->router;

    text_add(&text, action->text);
    program->arguments = (uint16_t)text.length;
    add_variable(&text, "SIOPROXY_DAEMON=", proxy->settings->name);
    add_variable(&text, "SIOPROXY_RULE=", action->plan->rule);
    text_add(&text, (struct span){action->plan->cause, action->plan->cause_length});
    add_variable(&text, "SIOPROXY_PRINT=", print_state_word(router->job.state));
    add_variable(&text, "SIOPROXY_FILE=",
                 router->job.source == PRINT_SOURCE_SD ? router->job.file : "");
    program->environment = (uint16_t)(text.length - program->arguments);
}

static void log_word(struct proxy *proxy, const char *name, const char *word, enum log_level level,
                     struct instant now)
{
    char bytes[SETTINGS_NAME + 32];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "program ");
    text_add_string(&text, name);
    text_add_string(&text, word);
    events_add(&proxy->router.events, EVENT_LOG, SPAN_NONE, SPAN_NONE, text_span(&text), now)
        ->level = (uint8_t)level;
}

void proxy_programs_run(struct proxy *proxy, const struct plan_action *action, struct instant now)
{
    struct plans *plans = &proxy->router.plans;
    const struct program_settings *settings;
    struct program *program = NULL;
    unsigned number = 0;
    struct order *order;
    struct text path;

    if (action->step->program >= proxy->settings->programs) {
        plans_failed(plans, action->slot, STEP_USAGE, SPAN("the program is gone from the config"));
        return;
    }
    while (number < PROXY_PROGRAMS && proxy->program[number].runs)
        number++;
    if (number == PROXY_PROGRAMS) {
        plans_failed(plans, action->slot, STEP_USAGE, SPAN("four programs run already"));
        return;
    }
    settings = &proxy->settings->program[action->step->program];
    program = &proxy->program[number];
    *program = (struct program){
        .runs = true,
        .slot = action->slot,
        .plan = action->plan->serial,
        .limit_ms = action->ms,
        .deadline = instant_after_ms(now, action->ms),
    };
    memcpy(program->name, settings->name, sizeof program->name);
    add_texts(proxy, program, action);
    order = proxy_order(proxy, ORDER_RUN, PROXY_HOST, number);
    path = TEXT_IN(order->text);
    text_add_string(&path, settings->path);
    text_add_char(&path, '\0');
    log_word(proxy, program->name, ": started", LOG_INFO, now);
}

/* Does the plan that started it still wait for it? */
static bool is_awaited(const struct proxy *proxy, const struct program *program)
{
    const struct plan *plan = &proxy->router.plans.plan[program->slot];

    return plan->serial == program->plan && plan->state == PLAN_ASKED &&
           plan->step[plan->at].kind == STEP_RUN;
}

void proxy_programs_ended(struct proxy *proxy, const struct proxy_input *input,
                          struct instant now)
{
    char bytes[SETTINGS_NAME + 96];
    struct text why = TEXT_IN(bytes);
    struct program *program;

    if (input->number < 0 || input->number >= PROXY_PROGRAMS ||
        !proxy->program[input->number].runs)
        return;
    program = &proxy->program[input->number];
    program->runs = false;
    text_add_string(&why, program->name);
    text_add_string(&why, ": ");
    if (program->asked) {
        text_add_string(&why, "not done after ");
        text_add_duration(&why, program->limit_ms);
    } else {
        text_add(&why, input->bytes);
    }
    if (!program->asked && input->bytes.length == 0) {
        log_word(proxy, program->name, ": done", LOG_DEBUG, now);
        if (is_awaited(proxy, program))
            plans_done(&proxy->router.plans, program->slot);
    } else if (is_awaited(proxy, program)) {
        plans_failed(&proxy->router.plans, program->slot, STEP_USAGE, text_span(&why));
    } else {
        router_tell(&proxy->router, LOG_WARNING, text_span(&why), now);
    }
}

void proxy_programs_reload(struct proxy *proxy, const struct settings *old)
{
    uint8_t moved[SETTINGS_PROGRAMS];

    for (unsigned i = 0; i < SETTINGS_PROGRAMS; i++) {
        moved[i] = PROGRAM_NONE;
        for (unsigned j = 0; i < old->programs && j < proxy->settings->programs; j++) {
            if (span_equal(span_of(old->program[i].name),
                           span_of(proxy->settings->program[j].name)))
                moved[i] = (uint8_t)j;
        }
    }
    plans_programs_moved(&proxy->router.plans, moved);
}

struct instant proxy_programs_deadline(const struct proxy *proxy)
{
    struct instant deadline = INSTANT_NEVER;

    for (unsigned i = 0; i < PROXY_PROGRAMS; i++) {
        if (proxy->program[i].runs)
            deadline = instant_earlier(deadline, proxy->program[i].deadline);
    }
    return deadline;
}

void proxy_programs_expire(struct proxy *proxy, struct instant now)
{
    for (unsigned i = 0; i < PROXY_PROGRAMS; i++) {
        struct program *program = &proxy->program[i];

        if (!program->runs || !instant_due(program->deadline, now))
            continue;
        proxy_order(proxy, ORDER_END, PROXY_HOST, i)->ok = program->asked;
        program->deadline =
            program->asked ? INSTANT_NEVER : instant_after_ms(now, PROGRAM_PATIENCE_MS);
        program->asked = true;
    }
}

bool proxy_program(const struct proxy *proxy, int64_t number, struct proxy_program *ret_program)
{
    const struct program *program;

    if (number < 0 || number >= PROXY_PROGRAMS || !proxy->program[number].runs)
        return false;
    program = &proxy->program[number];
    *ret_program = (struct proxy_program){
        .name = span_of(program->name),
        .arguments = {program->text, program->arguments},
        .environment = {program->text + program->arguments, program->environment},
    };
    return true;
}

const char *proxy_programs_check(const struct proxy *proxy)
{
    const struct plans *plans = &proxy->router.plans;

    for (uint8_t slot = 0; slot < PLANS && plans->running > 0; slot++) {
        const struct plan *plan = &plans->plan[slot];
        unsigned found = 0;

        if (plan->state != PLAN_ASKED || plan->step[plan->at].kind != STEP_RUN)
            continue;
        for (unsigned i = 0; i < PROXY_PROGRAMS; i++)
            found += proxy->program[i].runs && proxy->program[i].slot == slot &&
                     proxy->program[i].plan == plan->serial;
        if (found != 1)
            return "proxy: a plan waits for a program that does not run";
    }
    return NULL;
}
