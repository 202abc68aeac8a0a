#include "sim/sim_motion.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* What a common Cartesian machine can do: mm/s for X, Y, Z and E. */
static const double fastest[SIM_AXES] = {300, 300, 12, 60};
static const double first_feed = 25;               /* mm/s */
static const double usual_acceleration = 3000;     /* mm/s^2 */
static const double reach = 1e6;                   /* mm: no peer's number leaves this */
static const double straight = 0.98;               /* cosine of a corner taken at full speed */
static const int64_t longest_move_us = 3600000000; /* whatever a peer says, an hour ends it */

void sim_motion_init(struct sim_motion *motion, uint32_t speed)
{
    *motion = (struct sim_motion){
        .speed = speed,
        .feed = first_feed,
        .feed_percent = 100,
        .acceleration = usual_acceleration,
    };
}

int64_t sim_motion_scale(uint32_t speed, int64_t us)
{
    return speed == 0 ? 0 : us / speed;
}

void sim_motion_set_relative(struct sim_motion *motion, bool relative)
{
    for (int axis = 0; axis < SIM_AXES; axis++)
        motion->relative[axis] = relative;
}

uint32_t sim_motion_free(const struct sim_motion *motion)
{
    return SIM_BLOCKS - 1 - motion->count;
}

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* Seconds a move of `delta` takes; remembers its direction and speed for the next corner. */
static double plan(struct sim_motion *motion, const double delta[SIM_AXES])
{
    double length = sqrt(delta[0] * delta[0] + delta[1] * delta[1] + delta[2] * delta[2]);
    double direction[3] = {0};

    if (length > 0) {
        for (int axis = 0; axis < 3; axis++)
            direction[axis] = delta[axis] / length;
    }
    double distance = length > 0 ? length : fabs(delta[SIM_E]);
    if (distance <= 0)
        return 0;
    double speed = motion->feed * motion->feed_percent / 100;
    for (int axis = 0; axis < SIM_AXES; axis++) {
        double way = fabs(delta[axis]); /* of that axis */
        if (speed * way > fastest[axis] * distance)
            speed = fastest[axis] * distance / way;
    }
    double cosine = 0;
    for (int axis = 0; axis < 3; axis++)
        cosine += direction[axis] * motion->direction[axis];
    double before = motion->count == 0 ? 0 : motion->last_speed;
    double corner = cosine >= straight ? before : cosine <= 0 ? 0 : before * cosine;
    if (corner > speed)
        corner = speed;
    double a = motion->acceleration;
    double reached = sqrt(corner * corner + 2 * a * distance);
    if (reached > speed)
        reached = speed;
    /* At full speed all the way, and what is lost by speeding up here and slowing down before. */
    double seconds =
        distance / reached + (reached - corner) * (reached - corner) / (2 * a * reached);
    if (before > corner)
        seconds += (before - corner) * (before - corner) / (2 * a * before);
    memcpy(motion->direction, direction, sizeof direction);
    motion->last_speed = reached;
    return seconds;
}

void sim_motion_move(struct sim_motion *motion, const bool given[SIM_AXES],
                     const double words[SIM_AXES], double feed, struct instant now)
{
    double delta[SIM_AXES] = {0};
    double unit = motion->inches ? 25.4 : 1;

    assert(sim_motion_free(motion) > 0);
    if (feed > 0)
        motion->feed = clamp(feed * unit / 60, 0.01, 10000);
    for (int axis = 0; axis < SIM_AXES; axis++) {
        if (!given[axis])
            continue;
        double to = words[axis] * unit + (motion->relative[axis] ? motion->position[axis] : 0);
        to = clamp(to, -reach, reach);
        delta[axis] = to - motion->position[axis];
        motion->position[axis] = to;
    }
    double seconds = plan(motion, delta);
    motion->moves++;
    if (seconds <= 0)
        return;
    int64_t start = now.us;
    if (motion->count > 0)
        start = motion->blocks[(motion->head + motion->count - 1) % SIM_BLOCKS].end_us;
    int64_t us = seconds > 3600 ? longest_move_us : (int64_t)(seconds * 1e6);
    struct sim_block *block = &motion->blocks[(motion->head + motion->count) % SIM_BLOCKS];
    block->end_us = start + sim_motion_scale(motion->speed, us);
    memcpy(block->to, motion->position, sizeof block->to);
    motion->count++;
    sim_motion_expire(motion, now);
}

void sim_motion_set_position(struct sim_motion *motion, const bool given[SIM_AXES],
                             const double words[SIM_AXES])
{
    double unit = motion->inches ? 25.4 : 1;

    for (int axis = 0; axis < SIM_AXES; axis++) {
        if (given[axis])
            motion->position[axis] = clamp(words[axis] * unit, -reach, reach);
    }
}

void sim_motion_homed(struct sim_motion *motion, const bool given[SIM_AXES])
{
    for (int axis = 0; axis < SIM_E; axis++) {
        if (given[axis])
            motion->position[axis] = 0;
    }
}

void sim_motion_stop(struct sim_motion *motion)
{
    if (motion->count > 0)
        memcpy(motion->position, motion->blocks[motion->head].to, sizeof motion->position);
    motion->count = 0;
    motion->last_speed = 0;
}

struct instant sim_motion_deadline(const struct sim_motion *motion)
{
    return motion->count == 0 ? INSTANT_NEVER
                              : (struct instant){motion->blocks[motion->head].end_us};
}

struct instant sim_motion_end(const struct sim_motion *motion)
{
    if (motion->count == 0)
        return INSTANT_NEVER;
    return (struct instant){motion->blocks[(motion->head + motion->count - 1) % SIM_BLOCKS].end_us};
}

void sim_motion_expire(struct sim_motion *motion, struct instant now)
{
    while (motion->count > 0 && motion->blocks[motion->head].end_us <= now.us) {
        motion->head = (motion->head + 1) % SIM_BLOCKS;
        motion->count--;
    }
}
