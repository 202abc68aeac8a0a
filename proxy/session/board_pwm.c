#include "session/board_pwm.h"

#include <assert.h>
#include <string.h>

void board_pwm_init(struct board_pwm *pwm)
{
    memset(pwm, 0, sizeof *pwm);
}

void board_pwm_forget(struct board_pwm *pwm)
{
    for (unsigned io = 0; io < BOARD_IO_MAX; io++) {
        pwm->dimmer[io].known = false;
        pwm->dimmer[io].failed = false;
        pwm->dimmer[io].tries = 0;
    }
    pwm->ios = 0;
    pwm->asked = false;
    pwm->told++;
}

static void take_types(struct board_pwm *pwm, struct board_levels *levels,
                       const struct board_message *message)
{
    pwm->ios = 0;
    for (unsigned io = 0; io < message->count && pwm->has_type; io++) {
        if (message->type[io] != pwm->type)
            continue;
        pwm->ios |= UINT64_C(1) << io;
        board_levels_release(levels, io);
    }
    for (unsigned io = 0; io < BOARD_IO_MAX; io++)
        pwm->dimmer[io].known &= board_pwm_has(pwm, io);
    pwm->asked &= board_pwm_has(pwm, pwm->io);
    pwm->told++;
}

/* The command came to nothing: again, three times in all. */
static void fail(struct board_pwm *pwm)
{
    struct board_dimmer *dimmer = &pwm->dimmer[pwm->io];

    pwm->asked = false;
    if (dimmer->value == pwm->value && ++dimmer->tries >= BOARD_TRIES)
        dimmer->failed = true;
}

static void take_debug(struct board_pwm *pwm, struct span text)
{
    struct board_dimmer *dimmer = &pwm->dimmer[pwm->io];

    if (span_starts(text, SPAN("ERR"))) {
        fail(pwm);
        return;
    }
    if (!pwm->acked || !span_starts(text, SPAN("PWM for IO Updated")))
        return;
    pwm->asked = false;
    dimmer->known = true;
    dimmer->is = pwm->value;
    dimmer->tries = 0;
    pwm->told++;
}

void board_pwm_hear(struct board_pwm *pwm, struct board_levels *levels,
                    const struct board_message *message)
{
    int64_t type;

    if (message->kind == BOARD_CONSTANTS) {
        pwm->has_type = board_message_constant(message->argument, SPAN("OUTPUT_PWM"), &type);
        if (pwm->has_type)
            pwm->type = (int16_t)type;
    } else if (message->kind == BOARD_TYPES) {
        take_types(pwm, levels, message);
    } else if (pwm->asked && message->kind == BOARD_OK) {
        pwm->acked = true;
    } else if (pwm->asked && message->kind == BOARD_DEBUG) {
        take_debug(pwm, message->argument);
    }
}

void board_pwm_want(struct board_pwm *pwm, unsigned io, uint8_t value)
{
    struct board_dimmer *dimmer = &pwm->dimmer[io];

    assert(io < BOARD_IO_MAX);
    dimmer->wanted = true;
    dimmer->value = value;
    dimmer->failed = false;
    dimmer->tries = 0;
}

void board_pwm_release(struct board_pwm *pwm, unsigned io)
{
    if (io < BOARD_IO_MAX)
        pwm->dimmer[io].wanted = false;
}

static bool is_reached(const struct board_dimmer *dimmer)
{
    return dimmer->known && dimmer->is == dimmer->value;
}

enum board_outcome board_pwm_outcome(const struct board_pwm *pwm, unsigned io)
{
    const struct board_dimmer *dimmer = &pwm->dimmer[io];

    if (!dimmer->wanted)
        return BOARD_NOT_WANTED;
    if (is_reached(dimmer))
        return BOARD_REACHED;
    return dimmer->failed ? BOARD_FAILED : BOARD_PENDING;
}

bool board_pwm_value(const struct board_pwm *pwm, unsigned io, uint8_t *ret_value)
{
    if (!board_pwm_has(pwm, io) || !pwm->dimmer[io].known)
        return false;
    *ret_value = pwm->dimmer[io].is;
    return true;
}

bool board_pwm_next_line(struct board_pwm *pwm, struct text *text, struct instant now)
{
    for (unsigned io = 0; io < BOARD_IO_MAX && pwm->ios != 0 && !pwm->asked; io++) {
        const struct board_dimmer *dimmer = &pwm->dimmer[io];

        if (!board_pwm_has(pwm, io) || !dimmer->wanted || dimmer->failed || is_reached(dimmer))
            continue;
        pwm->asked = true;
        pwm->acked = false;
        pwm->io = (uint8_t)io;
        pwm->value = dimmer->value;
        pwm->until = instant_after_ms(now, BOARD_PWM_ANSWER_MS);
        board_message_pwm(io, dimmer->value, BOARD_PWM_HERTZ, text);
        return true;
    }
    return false;
}

void board_pwm_expire(struct board_pwm *pwm, struct instant now)
{
    if (instant_due(board_pwm_deadline(pwm), now))
        fail(pwm);
}

const char *board_pwm_check(const struct board_pwm *pwm)
{
    if (pwm->asked && !board_pwm_has(pwm, pwm->io))
        return "only a dimmed output is asked to be one";
    for (unsigned io = 0; io < BOARD_IO_MAX; io++) {
        const struct board_dimmer *dimmer = &pwm->dimmer[io];

        if (dimmer->known && !board_pwm_has(pwm, io))
            return "only a dimmed output has a known value";
        if (dimmer->tries > BOARD_TRIES || (dimmer->tries == BOARD_TRIES && !dimmer->failed))
            return "a dimmed output is commanded three times at most";
    }
    return NULL;
}
