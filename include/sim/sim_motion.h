/*
 * Turns moves into the time they take: a planner of 16 blocks, feed rates and acceleration.
 *
 * Knows nothing of G-code text and says nothing. Kept simple where nobody can see it from
 * outside: a block's time is fixed when it is planned (it speeds up from the speed that the corner
 * before it allows; the slowing down before that corner is charged to it too), axes are Cartesian,
 * and no two moves differ by jerk settings. One block of the ring stays empty, as in Marlin's
 * planner, so 15 moves fit.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"

enum { SIM_AXES = 4, SIM_X = 0, SIM_Y = 1, SIM_Z = 2, SIM_E = 3, SIM_BLOCKS = 16 };

struct sim_block {
    int64_t end_us;      /* when it is done */
    double to[SIM_AXES]; /* where it ends, mm */
};

struct sim_motion {
    uint32_t speed;            /* times real time; 0: moves take no time */
    double position[SIM_AXES]; /* where the last move planned ends, mm */
    bool relative[SIM_AXES];
    bool inches;
    double feed;         /* mm/s, the last F */
    double feed_percent; /* M220 */
    double acceleration; /* mm/s^2, M204 */
    double direction[3]; /* of the last move planned */
    double last_speed;   /* it reached, mm/s */
    uint32_t head;
    uint32_t count; /* blocks planned and not yet done */
    struct sim_block blocks[SIM_BLOCKS];
    uint64_t moves; /* planned since init */
};

void sim_motion_init(struct sim_motion *motion, uint32_t speed);
/* G90 and G91; M82 and M83 for E alone. */
void sim_motion_set_relative(struct sim_motion *motion, bool relative);
/* Free blocks, as Marlin counts them in `ok P15`. A move must not be planned when it is 0. */
uint32_t sim_motion_free(const struct sim_motion *motion);
/*
 * Plans a move. `given` says which of `words` were on the line, in the line's units and relative
 * or absolute as set; `feed` is F in units per minute, 0 if there was none.
 */
void sim_motion_move(struct sim_motion *motion, const bool given[SIM_AXES],
                     const double words[SIM_AXES], double feed, struct instant now);
/* G92: the place where the head is (or will be) gets another name. */
void sim_motion_set_position(struct sim_motion *motion, const bool given[SIM_AXES],
                             const double words[SIM_AXES]);
/* The axes have found their switches. */
void sim_motion_homed(struct sim_motion *motion, const bool given[SIM_AXES]);
/* M410: stops where it is; the moves planned are forgotten. */
void sim_motion_stop(struct sim_motion *motion);
/* When the oldest block is done; NEVER if none is planned. */
struct instant sim_motion_deadline(const struct sim_motion *motion);
/* When all blocks are done; NEVER if none is planned. */
struct instant sim_motion_end(const struct sim_motion *motion);
/* Frees the blocks that are done. */
void sim_motion_expire(struct sim_motion *motion, struct instant now);
/* `us` of the simulated machine in real microseconds. */
int64_t sim_motion_scale(uint32_t speed, int64_t us);
