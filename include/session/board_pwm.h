/*
 * The board's dimmed outputs: which ios are such, the value wanted of each, and which the board has
 * taken; one command at a time.
 *
 * Follows SIO_ESP32 1.1.5: an io of the type OUTPUT_PWM is set by `PWM io duty hertz`, which is
 * answered `OK` and then `DG:PWM for IO Updated`; no report tells what it is, its digit is always
 * 0. So a value is known from the board's own word that it took it, until the board is reset.
 * Stands beside board_session, which sends nothing while one of these commands is out.
 */
#pragma once

#include "base/instant.h"
#include "session/board_levels.h"

#define BOARD_PWM_HERTZ     1000
#define BOARD_PWM_ANSWER_MS 250 /* what cannot wait may have to wait for this answer */

struct board_dimmer {
    bool wanted, known, failed;
    uint8_t value, is; /* wanted, and known: 0 to 255, electrical */
    uint8_t tries;
};

struct board_pwm {
    int16_t type; /* the family's number for such an output */
    bool has_type;
    uint64_t ios;  /* those of that type, a bit each */
    uint32_t told; /* how often something became known, or unknown */
    bool asked;    /* a command is out: */
    bool acked;    /* it was read */
    uint8_t io, value;
    struct instant until;
    struct board_dimmer dimmer[BOARD_IO_MAX];
};

void board_pwm_init(struct board_pwm *pwm);
/* The board is lost, or was reset: no value is known; those wanted stay. */
void board_pwm_forget(struct board_pwm *pwm);
static inline bool board_pwm_has(const struct board_pwm *pwm, unsigned io)
{
    return io < BOARD_IO_MAX && (pwm->ios >> io & 1) != 0;
}
/* A line of the board. What turns out to be dimmed is not switched by its level any more. */
void board_pwm_hear(struct board_pwm *pwm, struct board_levels *levels,
                    const struct board_message *message);
/* From now on the io is to have this value, once it is known to be such an output. */
void board_pwm_want(struct board_pwm *pwm, unsigned io, uint8_t value);
void board_pwm_release(struct board_pwm *pwm, unsigned io);
enum board_outcome board_pwm_outcome(const struct board_pwm *pwm, unsigned io);
/* The value that the board has taken. False if none is known. */
bool board_pwm_value(const struct board_pwm *pwm, unsigned io, uint8_t *ret_value);
/*
 * The next command, at most BOARD_COMMAND_MAX bytes with its LF; the board must be free for one.
 * False if there is none.
 */
bool board_pwm_next_line(struct board_pwm *pwm, struct text *text, struct instant now);
/* Early is harmless. */
void board_pwm_expire(struct board_pwm *pwm, struct instant now);
static inline struct instant board_pwm_deadline(const struct board_pwm *pwm)
{
    return pwm->asked ? pwm->until : INSTANT_NEVER;
}
/* A promise of this module that does not hold, in words, or NULL. */
const char *board_pwm_check(const struct board_pwm *pwm);
