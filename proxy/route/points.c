#include "route/points.h"

#include <assert.h>
#include <string.h>

static bool is_output(const struct point *point)
{
    return point->set.type == POINT_OUTPUT || point->set.type == POINT_PWM;
}

static enum point_state state_of(const struct point *point, enum board_level level)
{
    if (level == BOARD_UNKNOWN) {
        return POINT_UNKNOWN;
    }
    return (level == BOARD_HIGH) == point->set.active_high ? POINT_ON : POINT_OFF;
}

static void load(struct points *points, const struct settings *settings)
{
    assert(settings->points <= SETTINGS_POINTS);
    points->count = settings->points;
    points->told = 0; /* all of them have to be looked at */
    points->next = INSTANT_NEVER;
    for (unsigned i = 0; i < points->count; i++) {
        points->point[i] = (struct point){
            .set = settings->point[i],
            .level = BOARD_UNKNOWN,
            .reported = BOARD_UNKNOWN,
            .last_known = BOARD_UNKNOWN,
            .settles = INSTANT_NEVER,
            .wanted = -1,
            .value = -1,
        };
    }
}

void points_init(struct points *points, const struct settings *settings)
{
    memset(points, 0, sizeof(*points));
    load(points, settings);
}

static void inherit(struct point *point, const struct point *from)
{
    if (point->set.io != from->set.io || point->set.type != from->set.type) {
        return;
    }
    point->level = from->level;
    point->reported = from->reported;
    point->last_known = from->last_known;
    point->settles = from->settles;
    point->wanted = from->wanted;
    point->value = from->value;
}

/* When the first of those settles that do not stand still. */
static struct instant earliest(const struct points *points)
{
    struct instant next = INSTANT_NEVER;

    for (unsigned i = 0; i < points->count; i++) {
        next = instant_earlier(next, points->point[i].settles);
    }
    return next;
}

void points_reload(struct points *points, const struct settings *settings,
                   uint8_t ret_moved[SETTINGS_POINTS])
{
    struct points old = *points;
    uint8_t moved[SETTINGS_POINTS];

    load(points, settings);
    for (unsigned i = 0; i < SETTINGS_POINTS; i++) {
        moved[i] = POINT_NONE;
        for (unsigned j = 0; i < old.count && j < points->count; j++) {
            if (span_equal(span_of(old.point[i].set.name), span_of(points->point[j].set.name))) {
                inherit(&points->point[j], &old.point[i]);
                moved[i] = (uint8_t)j;
            }
        }
    }
    points->next = earliest(points);
    /* What was not taken yet is told under the new index, or to nobody. */
    points->first = points->changes = 0;
    for (unsigned i = 0; i < old.changes; i++) {
        struct point_change change = old.change[(old.first + i) % POINTS_CHANGES];

        change.index = moved[change.index];
        if (change.index != POINT_NONE) {
            points->change[points->changes++] = change;
        }
    }
    if (ret_moved != NULL) {
        memcpy(ret_moved, moved, sizeof(moved));
    }
}

static void add_change(struct points *points, struct point_change change)
{
    if (points->changes == POINTS_CHANGES) {
        points->first = (points->first + 1) % POINTS_CHANGES;
        points->changes--;
        points->lost++;
    }
    points->change[(points->first + points->changes) % POINTS_CHANGES] = change;
    points->changes++;
}

static void set_level(struct points *points, unsigned index, enum board_level level)
{
    struct point *point = &points->point[index];

    point->settles = INSTANT_NEVER;
    if (level == point->level) {
        return;
    }
    add_change(points, (struct point_change){
                           .index = (uint8_t)index,
                           .level = level,
                           .old = state_of(point, point->level),
                           .new = state_of(point, level),
                           .last_known = state_of(point, point->last_known),
                       });
    point->level = level;
    if (level != BOARD_UNKNOWN) {
        point->last_known = level;
    }
}

/* The value that the board has taken of a dimmed output: 0 off, 255 on. False if it is none. */
static bool dimmed(const struct point *point, const struct board_session *board,
                   uint8_t *ret_value)
{
    uint8_t value;

    if (point->set.type != POINT_PWM || !board_pwm_value(&board->pwm, point->set.io, &value)) {
        return false;
    }
    *ret_value = point->set.active_high ? value : (uint8_t)(UINT8_MAX - value);
    return true;
}

/* What the board says of a point: of a dimmed output its own word, of all others the report. */
static enum board_level level_of(struct point *point, const struct board_session *board)
{
    point->value = -1;
    if (point->set.type == POINT_PWM && board_pwm_has(&board->pwm, point->set.io)) {
        uint8_t value;

        if (!dimmed(point, board, &value)) {
            return BOARD_UNKNOWN;
        }
        point->value = value;
        return (value > 0) == point->set.active_high ? BOARD_HIGH : BOARD_LOW;
    }
    return board_session_level(board, point->set.io);
}

void points_update(struct points *points, const struct board_session *board, struct instant now)
{
    points_expire(points, now); /* was stable until now */
    if (points->told == board->levels.told + board->pwm.told) {
        return;
    }
    points->told = board->levels.told + board->pwm.told;
    for (unsigned i = 0; i < points->count; i++) {
        struct point *point = &points->point[i];
        enum board_level level = level_of(point, board);

        if (point->set.type == POINT_DHT || level == point->reported) {
            continue;
        }
        point->reported = level;
        if (is_output(point) || level == BOARD_UNKNOWN || level == point->level ||
            point->set.debounce_ms <= 0) {
            set_level(points, i, level);
        } else {
            point->settles = instant_after_ms(now, point->set.debounce_ms);
        }
    }
    points->next = earliest(points);
}

void points_expire(struct points *points, struct instant now)
{
    if (!instant_due(points->next, now)) {
        return;
    }
    for (unsigned i = 0; i < points->count; i++) {
        if (instant_due(points->point[i].settles, now)) {
            set_level(points, i, points->point[i].reported);
        }
    }
    points->next = earliest(points);
}

struct instant points_deadline(const struct points *points)
{
    return points->next;
}

bool points_next_change(struct points *points, struct point_change *ret_change)
{
    if (points->changes == 0) {
        return false;
    }
    *ret_change = points->change[points->first];
    points->first = (points->first + 1) % POINTS_CHANGES;
    points->changes--;
    return true;
}

enum point_state points_state(const struct points *points, unsigned index)
{
    assert(index < points->count);
    return state_of(&points->point[index], points->point[index].level);
}

int points_value(const struct points *points, unsigned index)
{
    enum point_state state = points_state(points, index);

    if (points->point[index].set.type != POINT_PWM || state == POINT_UNKNOWN) {
        return -1;
    }
    if (points->point[index].value >= 0) {
        return points->point[index].value;
    }
    return state == POINT_ON ? UINT8_MAX : 0;
}

enum board_level points_level(const struct points *points, unsigned index)
{
    assert(index < points->count);
    return points->point[index].level;
}

/* A dimmed output, or one that may turn out to be: which is known once the board has said so. */
static enum points_result dim(struct point *point, struct board_session *board, unsigned value)
{
    bool between = value != 0 && value != UINT8_MAX;

    if (between && board->levels.count != 0 && !board_pwm_has(&board->pwm, point->set.io)) {
        return POINTS_NO_PWM;
    }
    if (point->set.io >= BOARD_IO_MAX) {
        return POINTS_NO_IO;
    }
    board_pwm_want(&board->pwm, point->set.io,
                   (uint8_t)(point->set.active_high ? value : UINT8_MAX - value));
    point->wanted = (int16_t)value;
    return POINTS_SET;
}

static enum points_result want(struct point *point, struct board_session *board, unsigned value,
                               bool first, struct instant now)
{
    bool high = (value != 0) == point->set.active_high;

    if (!is_output(point)) {
        return POINTS_NOT_AN_OUTPUT;
    }
    if (point->set.type == POINT_PWM) {
        enum points_result result = dim(point, board, value);

        if (result != POINTS_SET || board_pwm_has(&board->pwm, point->set.io) ||
            (value != 0 && value != UINT8_MAX)) {
            return result;
        }
    }
    if ((first ? board_session_want_first(board, point->set.io, high, now)
               : board_session_want(board, point->set.io, high, now)) != BOARD_WANTED) {
        return POINTS_NO_IO;
    }
    point->wanted = value != 0 ? UINT8_MAX : 0;
    return POINTS_SET;
}

enum points_result points_set(struct points *points, struct board_session *board, unsigned index,
                              unsigned value, struct instant now)
{
    assert(index < points->count && value <= UINT8_MAX);
    return want(&points->point[index], board, value, false, now);
}

enum board_outcome points_outcome(const struct points *points, const struct board_session *board,
                                  unsigned index)
{
    const struct point_settings *set = &points->point[index].set;

    assert(index < points->count);
    if (set->type == POINT_PWM && board_pwm_has(&board->pwm, set->io)) {
        return board_pwm_outcome(&board->pwm, set->io);
    }
    return board_session_outcome(board, set->io);
}

static struct occasion occasion_of(const struct point_settings *set, enum points_occasion occasion)
{
    switch (occasion) {
    case POINTS_START: return set->start;
    case POINTS_HALT: return set->halt;
    case POINTS_HOST_LOST: return set->host_lost;
    case POINTS_EXIT: return set->exit;
    case POINTS_BOARD_BACK: break;
    }
    return set->board_back;
}

bool points_occasion_value(const struct points *points, unsigned index,
                           enum points_occasion occasion, uint8_t *ret_value)
{
    const struct point *point = &points->point[index];
    struct occasion what = occasion_of(&point->set, occasion);

    assert(index < points->count);
    switch (what.kind) {
    case OCCASION_KEEP: break;
    case OCCASION_SET: *ret_value = what.value; return is_output(point);
    case OCCASION_RESTORE:
        if (point->wanted >= 0) {
            *ret_value = (uint8_t)point->wanted;
            return is_output(point);
        }
        break;
    }
    return false;
}

/* After a reload: an output that is no point any more is not held on to. */
static void release_strangers(const struct points *points, struct board_session *board)
{
    bool ours[BOARD_IO_MAX] = {false};

    for (unsigned i = 0; i < points->count; i++) {
        if (points->point[i].set.io < BOARD_IO_MAX && is_output(&points->point[i])) {
            ours[points->point[i].set.io] = true;
        }
    }
    for (unsigned io = 0; io < BOARD_IO_MAX; io++) {
        if (!ours[io]) {
            board_session_release(board, io);
            board_pwm_release(&board->pwm, io);
        }
    }
}

void points_apply(struct points *points, struct board_session *board, enum points_occasion occasion,
                  uint64_t except, struct instant now)
{
    for (unsigned i = 0; i < points->count; i++) {
        struct point *point = &points->point[i];
        uint8_t value = 0;

        if ((except >> i & 1) != 0)
            continue;
        if (points_occasion_value(points, i, occasion, &value)) {
            want(point, board, value, occasion == POINTS_HALT, now);
        } else if (occasion == POINTS_BOARD_BACK && is_output(point)) {
            board_session_release(board, point->set.io);
            board_pwm_release(&board->pwm, point->set.io);
        }
    }
    if (occasion == POINTS_BOARD_BACK) {
        release_strangers(points, board);
    }
}

const char *points_check(const struct points *points)
{
    if (points->count > SETTINGS_POINTS || points->changes > POINTS_CHANGES) {
        return "there are no more points and changes than room for them";
    }
    if (points->next.us != earliest(points).us) {
        return "the earliest time at which a point settles is known";
    }
    for (unsigned i = 0; i < points->count; i++) {
        const struct point *point = &points->point[i];
        bool settling = !instant_is_never(point->settles);

        if (point->reported == BOARD_UNKNOWN && point->level != BOARD_UNKNOWN) {
            return "a point that the board does not report is unknown";
        }
        if (settling != (point->reported != point->level)) {
            return "a point is what the board reports, or about to be";
        }
        if (settling && is_output(point)) {
            return "an output is never debounced";
        }
        if (point->set.type == POINT_DHT && point->level != BOARD_UNKNOWN) {
            return "a sensor has no level";
        }
    }
    return NULL;
}
