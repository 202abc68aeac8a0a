/*
 * The levels of a board's ios: which are wanted, which are reported, and what differs.
 *
 * Judges reports: which to believe, what must have happened when a level changed that nobody
 * asked to change, and which level is to be commanded next. Knows no line, no command and no
 * state of the conversation (board_session does).
 *
 * Reports carry no checksum. One of another length than the known count of ios is damaged. A
 * change nobody asked for, a spike or a flipped bit, is looked at again 10 ms later, longer than
 * any pulse that the board's own 5 ms of debounce keep it from reporting. A command whose number
 * lost a digit sets another output: what changes with a command and was not its aim is put back.
 */
#pragma once

#include "base/instant.h"
#include "wire/board_message.h"

#define BOARD_SECOND_LOOK_MS 10
#define BOARD_TRIES          3

enum board_level { BOARD_LOW, BOARD_HIGH, BOARD_UNKNOWN };

/* What became of a level wanted. */
enum board_outcome {
    BOARD_NOT_WANTED, /* nothing is wanted of this io */
    BOARD_PENDING,
    BOARD_REACHED, /* reported as wanted */
    BOARD_FAILED,  /* three tries in vain */
};

/* Can this level be wanted? */
enum board_want_result {
    BOARD_WANTED,
    BOARD_NO_SUCH_IO, /* the board has fewer, or the number is above BOARD_IO_MAX */
};

enum board_report {
    BOARD_REPORT_DAMAGED,  /* not believed */
    BOARD_REPORT_BELIEVED, /* levels are as it says */
    BOARD_REPORT_COUNT,    /* the second in a row with the same other count: all is forgotten */
    BOARD_REPORT_RESET,    /* believed, and all that was set high is low, twice: it was reset */
};

struct board_wish {
    enum board_level level; /* BOARD_UNKNOWN: none */
    uint64_t since;         /* order of wishing: the oldest is commanded first */
    uint8_t tries;          /* commands that came to nothing */
    uint8_t repairs;        /* undone by somebody else and set again */
    bool urgent; /* given up never: once more with each report of the board's own */
    bool told;   /* its failure was */
    bool reached; /* reported so, once; undone since if the level differs */
    bool ours;    /* puts back what a damaged command set; never given up, forgotten when reached */
    bool failed;
};

struct board_levels {
    uint8_t count;       /* of ios; 0 not known */
    uint8_t last_count;  /* of the last report, believed or not */
    uint8_t types_count; /* of ios according to the board's table of types; 0 not known */
    enum board_level level[BOARD_IO_MAX];
    struct board_wish wish[BOARD_IO_MAX];
    uint64_t wishes;
    bool restless;       /* some io is to be commanded */
    uint32_t told; /* how often levels were reported or forgotten: who saw the last needs no look */
    uint64_t outputs;           /* one bit per io that the board says is an output */
    uint64_t faults;            /* one bit per io whose failure is to be told */
    bool commanded;             /* a command was sent since the last report */
    bool look_now;              /* a fresh report is needed now */
    struct instant second_look; /* … or then */
};

void board_levels_init(struct board_levels *levels);
/* Reports and types are void: another boot, or no board. What is wanted stays. */
void board_levels_forget(struct board_levels *levels);
/* What failed may be tried again. */
void board_levels_forgive(struct board_levels *levels);

enum board_want_result board_levels_want(struct board_levels *levels, unsigned io, bool high,
                                         bool urgent);
void board_levels_release(struct board_levels *levels, unsigned io);
enum board_outcome board_levels_outcome(const struct board_levels *levels, unsigned io);

/* The io to be commanded next, urgent ones first, then the oldest wish. False if there is none. */
bool board_levels_next(const struct board_levels *levels, unsigned *ret_io);
/* The same if that one is urgent, else false. */
static inline bool board_levels_next_urgent(const struct board_levels *levels, unsigned *ret_io)
{
    unsigned io = 0;

    if (!board_levels_next(levels, &io) || !levels->wish[io].urgent) {
        return false;
    }
    *ret_io = io;
    return true;
}
/* A command for an io has been sent, or is still unanswered after a report. */
void board_levels_commanded(struct board_levels *levels);
/* The command came to nothing. True if it is to be repeated, false after the last try. */
bool board_levels_failed(struct board_levels *levels, unsigned io, bool high);

/* The board's table of types: so many ios, and which are outputs. */
void board_levels_types(struct board_levels *levels, unsigned count, uint64_t outputs);
/*
 * An `IO:` line. `aim` is the io of the command in flight, BOARD_IO_MAX if there is none. With the
 * count still unknown a report is believed if the table of types agrees, or as second in a row.
 */
enum board_report board_levels_report(struct board_levels *levels,
                                      const struct board_message *message, unsigned aim,
                                      struct instant now);
/* When a second look falls due; expire sets look_now. */
struct instant board_levels_deadline(const struct board_levels *levels);
void board_levels_expire(struct board_levels *levels, struct instant now);

/* Takes an io that failed and was not told yet. False if there is none. */
bool board_levels_next_fault(struct board_levels *levels, unsigned *ret_io);
/* A promise of this module that does not hold, in words, or NULL. */
const char *board_levels_check(const struct board_levels *levels);
