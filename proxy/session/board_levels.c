#include "session/board_levels.h"

#include <assert.h>
#include <string.h>

#define BIT(io) (UINT64_C(1) << (io))

static const struct board_wish no_wish = {.level = BOARD_UNKNOWN};

static enum board_level level_of(bool high)
{
    return high ? BOARD_HIGH : BOARD_LOW;
}

/* Is it to be commanded? What was reached and is undone waits for the second look. */
static bool is_due(const struct board_wish *wish)
{
    return wish->level != BOARD_UNKNOWN && !wish->failed && !wish->reached;
}

static bool any_due(const struct board_levels *levels)
{
    bool due = false;

    for (unsigned io = 0; io < levels->count; io++) {
        due |= is_due(&levels->wish[io]);
    }
    return due;
}

void board_levels_init(struct board_levels *levels)
{
    memset(levels, 0, sizeof(*levels));
    for (unsigned io = 0; io < BOARD_IO_MAX; io++) {
        levels->wish[io] = no_wish;
    }
    board_levels_forget(levels);
}

void board_levels_forget(struct board_levels *levels)
{
    for (unsigned io = 0; io < BOARD_IO_MAX; io++) {
        levels->level[io] = BOARD_UNKNOWN;
        levels->wish[io].reached = false;
        if (levels->wish[io].ours) {
            levels->wish[io] = no_wish;
        }
    }
    levels->count = 0;
    levels->last_count = 0;
    levels->types_count = 0;
    levels->outputs = 0;
    levels->commanded = false;
    levels->look_now = false;
    levels->second_look = INSTANT_NEVER;
    levels->told++;
    levels->restless = false;
}

void board_levels_forgive(struct board_levels *levels)
{
    /* An io that is not there gets no other chance while the board is the same. */
    unsigned end = levels->count == 0 ? BOARD_IO_MAX : levels->count;

    for (unsigned io = 0; io < end; io++) {
        levels->wish[io].failed = false;
        levels->wish[io].told = false;
        levels->wish[io].tries = 0;
        levels->wish[io].repairs = 0;
    }
    levels->restless = any_due(levels);
}

enum board_want_result board_levels_want(struct board_levels *levels, unsigned io, bool high,
                                         bool urgent)
{
    if (io >= BOARD_IO_MAX || (levels->count != 0 && io >= levels->count)) {
        return BOARD_NO_SUCH_IO;
    }
    levels->wish[io] = (struct board_wish){
        .level = level_of(high),
        .since = ++levels->wishes,
        .urgent = urgent,
        .reached = levels->level[io] == level_of(high),
    };
    levels->faults &= ~BIT(io);
    levels->restless = any_due(levels);
    return BOARD_WANTED;
}

void board_levels_release(struct board_levels *levels, unsigned io)
{
    if (io < BOARD_IO_MAX) {
        levels->wish[io] = no_wish;
        levels->faults &= ~BIT(io);
        levels->restless = any_due(levels);
    }
}

enum board_outcome board_levels_outcome(const struct board_levels *levels, unsigned io)
{
    if (io >= BOARD_IO_MAX || levels->wish[io].level == BOARD_UNKNOWN) {
        return BOARD_NOT_WANTED;
    }
    if (levels->wish[io].level == levels->level[io]) {
        return BOARD_REACHED;
    }
    return levels->wish[io].failed ? BOARD_FAILED : BOARD_PENDING;
}

static bool goes_before(const struct board_wish *a, const struct board_wish *b)
{
    return a->urgent == b->urgent ? a->since < b->since : a->urgent;
}

bool board_levels_next(const struct board_levels *levels, unsigned *ret_io)
{
    const struct board_wish *best = NULL;

    if (!levels->restless) {
        return false;
    }
    for (unsigned io = 0; io < levels->count; io++) {
        const struct board_wish *wish = &levels->wish[io];

        if (!is_due(wish)) {
            continue;
        }
        if (best == NULL || goes_before(wish, best)) {
            best = wish;
            *ret_io = io;
        }
    }
    return best != NULL;
}

void board_levels_commanded(struct board_levels *levels)
{
    levels->commanded = true;
}

static void fail(struct board_levels *levels, unsigned io)
{
    levels->wish[io].failed = true;
    if (!levels->wish[io].told)
        levels->faults |= BIT(io);
    levels->wish[io].told = true;
}

bool board_levels_failed(struct board_levels *levels, unsigned io, bool high)
{
    struct board_wish *wish = &levels->wish[io];

    if (wish->level != level_of(high) || wish->failed) {
        return false; /* wanted otherwise meanwhile */
    }
    wish->tries++;
    if (wish->tries < BOARD_TRIES) {
        return true;
    }
    if (wish->ours) {
        wish->failed = true; /* tried again after the next report of the board's own */
    } else {
        fail(levels, io);
    }
    levels->restless = any_due(levels);
    return false;
}

void board_levels_types(struct board_levels *levels, unsigned count, uint64_t outputs)
{
    assert(count <= BOARD_IO_MAX);
    levels->types_count = (uint8_t)count;
    levels->outputs = outputs;
}

/* Is it of the known length? Learns the length if it is not known yet. */
static enum board_report judge_count(struct board_levels *levels, unsigned count)
{
    bool again = count == levels->last_count;
    bool agreed = levels->types_count == 0 ? again : count == levels->types_count;

    levels->last_count = (uint8_t)count;
    if (count == levels->count) {
        return BOARD_REPORT_BELIEVED;
    }
    if (levels->count != 0 && again) {
        board_levels_forget(levels);
        levels->last_count = (uint8_t)count;
        return BOARD_REPORT_COUNT;
    }
    if (levels->count != 0) {
        return BOARD_REPORT_DAMAGED;
    }
    if (!agreed || count == 0) {
        return BOARD_REPORT_DAMAGED;
    }
    levels->count = (uint8_t)count;
    for (unsigned io = count; io < BOARD_IO_MAX; io++) {
        if (levels->wish[io].level != BOARD_UNKNOWN) {
            fail(levels, io);
        }
    }
    return BOARD_REPORT_BELIEVED;
}

/* An output that changed with a command whose aim it was not: back to what it was. */
static void put_back(struct board_levels *levels, unsigned io, enum board_level before)
{
    struct board_wish *wish = &levels->wish[io];

    if (wish->level == BOARD_UNKNOWN) {
        *wish = (struct board_wish){
            .level = before, .since = ++levels->wishes, .urgent = true, .ours = true};
    } else if (wish->reached) {
        wish->reached = false; /* the cause is known: no second look */
    }
}

/*
 * What a damaged command did is not put up with; nor is an output that is not as a halt wants it,
 * though the wire was dead for all three tries.
 */
static void retry_repairs(struct board_levels *levels)
{
    for (unsigned io = 0; io < levels->count; io++) {
        struct board_wish *wish = &levels->wish[io];

        if ((wish->ours || wish->urgent) && wish->failed) {
            wish->failed = false;
            wish->tries = wish->ours ? 0 : BOARD_TRIES - 1;
        }
    }
}

/* What the second look says of outputs that changed unasked. */
static enum board_report conclude(struct board_levels *levels)
{
    bool dropped = false, any_high = false;

    levels->look_now = false;
    levels->second_look = INSTANT_NEVER;
    for (unsigned io = 0; io < levels->count; io++) {
        const struct board_wish *wish = &levels->wish[io];

        if (wish->level == BOARD_HIGH && wish->reached) {
            dropped |= levels->level[io] == BOARD_LOW;
            any_high |= levels->level[io] == BOARD_HIGH;
        }
    }
    if (dropped && !any_high) {
        return BOARD_REPORT_RESET;
    }
    for (unsigned io = 0; io < levels->count; io++) {
        struct board_wish *wish = &levels->wish[io];

        if (wish->reached && wish->level != levels->level[io]) {
            wish->reached = false;
            if (++wish->repairs > BOARD_TRIES) {
                fail(levels, io);
            }
        }
    }
    return BOARD_REPORT_BELIEVED;
}

static void note_reached(struct board_levels *levels, unsigned io)
{
    struct board_wish *wish = &levels->wish[io];

    if (wish->level == BOARD_UNKNOWN || wish->level != levels->level[io]) {
        return;
    }
    wish->reached = true;
    wish->failed = false;
    wish->told = false;
    wish->tries = 0;
    levels->faults &= ~BIT(io);
    if (wish->ours) {
        *wish = no_wish;
    }
}

static enum board_report report(struct board_levels *levels, const struct board_message *message,
                                unsigned aim, struct instant now)
{
    enum board_report result = judge_count(levels, message->count);
    bool looked = levels->look_now || instant_due(levels->second_look, now), changed = false;
    enum board_level before[BOARD_IO_MAX];
    unsigned strays = 0, stray = 0;

    if (result != BOARD_REPORT_BELIEVED) {
        return result;
    }
    memcpy(before, levels->level, sizeof(before));
    levels->told++;
    for (unsigned io = 0; io < levels->count; io++) {
        levels->level[io] = level_of(message->level[io]);
        if (levels->level[io] != before[io] && io != aim) {
            changed = true;
            if (before[io] != BOARD_UNKNOWN && (levels->outputs & BIT(io)) != 0) {
                strays++;
                stray = io;
            }
        }
        note_reached(levels, io);
    }
    /* Wanted otherwise while the command was on its way: nothing to look at twice. */
    if (aim < levels->count && levels->wish[aim].level != levels->level[aim]) {
        levels->wish[aim].reached = false;
    }
    /* A damaged command moves one output; if several moved it was something else. */
    if (levels->commanded && strays == 1 && levels->wish[stray].level != levels->level[stray]) {
        put_back(levels, stray, before[stray]);
    }
    if (!levels->commanded) {
        retry_repairs(levels);
    }
    levels->commanded = false;
    if (looked) {
        result = conclude(levels);
    }
    if (changed && result == BOARD_REPORT_BELIEVED) {
        levels->look_now = false;
        levels->second_look = instant_after_ms(now, BOARD_SECOND_LOOK_MS);
    }
    return result;
}

enum board_report board_levels_report(struct board_levels *levels,
                                      const struct board_message *message, unsigned aim,
                                      struct instant now)
{
    enum board_report result = report(levels, message, aim, now);

    levels->restless = any_due(levels);
    return result;
}

struct instant board_levels_deadline(const struct board_levels *levels)
{
    return levels->second_look;
}

void board_levels_expire(struct board_levels *levels, struct instant now)
{
    if (instant_due(levels->second_look, now)) {
        levels->second_look = INSTANT_NEVER;
        levels->look_now = true;
    }
}

bool board_levels_next_fault(struct board_levels *levels, unsigned *ret_io)
{
    for (unsigned io = 0; levels->faults != 0 && io < BOARD_IO_MAX; io++) {
        if ((levels->faults & BIT(io)) != 0) {
            levels->faults &= ~BIT(io);
            *ret_io = io;
            return true;
        }
    }
    return false;
}

const char *board_levels_check(const struct board_levels *levels)
{
    if (levels->count > BOARD_IO_MAX) {
        return "more ios than a board can have";
    }
    if (levels->restless != any_due(levels)) {
        return "whether an io is to be commanded is known";
    }
    for (unsigned io = 0; io < BOARD_IO_MAX; io++) {
        const struct board_wish *wish = &levels->wish[io];

        if ((io < levels->count) != (levels->level[io] != BOARD_UNKNOWN)) {
            return "a level is known exactly where the board has an io";
        }
        if (wish->tries > BOARD_TRIES || (wish->tries == BOARD_TRIES && !wish->failed)) {
            return "an output is commanded three times at most";
        }
        if (wish->level == BOARD_UNKNOWN && (wish->failed || wish->ours || wish->reached)) {
            return "nothing is done about a level that nobody wants";
        }
        if (wish->level != BOARD_UNKNOWN && wish->level == levels->level[io] && !wish->reached) {
            return "a level that is reported as wanted counts as reached";
        }
    }
    return NULL;
}
