/*
 * The steps of a plan: their vocabulary, and the filling in of `${}` when a plan starts.
 *
 * A rule holds steps as templates (struct step). step_prepare makes one into values (struct
 * step_ready), which is all a running plan keeps: it knows no rule, pattern or ruleset any more.
 * Does nothing itself.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "route/settings.h"

struct gcode_line;

enum step_kind {
    STEP_SET,           /* argument: point, value (on, off, N%, 0..255) */
    STEP_TOGGLE,        /* argument: point */
    STEP_PULSE,         /* argument: point, for, times, every (the last two may be empty) */
    STEP_SEND,          /* argument: line; its ok is swallowed */
    STEP_SAY,           /* argument: text; echo to the host */
    STEP_WAIT,          /* argument: duration */
    STEP_WAIT_MOTION,   /* M400, its ok swallowed */
    STEP_WAIT_POINT,    /* argument: point, for (high low rise fall; on off change for M226),
                           timeout or empty */
    STEP_REPORT,        /* argument: `points` or a point's name; or empty, and psu print estop
                           filament PS: */
    STEP_FORWARD,       /* the line itself goes to the printer */
    STEP_WAIT_TEMPERATURE, /* argument: heater or dht point, comparison (`< 50C`), timeout or empty */
    STEP_PAUSE,         /* the job, by `//action:`; so the four below without arguments */
    STEP_RESUME,
    STEP_CANCEL,
    STEP_START,
    STEP_TRIP,          /* `estop`: the emergency stop trips */
    STEP_NOTIFY,        /* argument: text; //action:notification to the host */
    STEP_POWER,         /* argument: on or off, after (duration), `cool`, `force`; the last three
                           may be empty */
    STEP_RUN,           /* argument: program, args (each ends with a NUL), timeout or empty */
    STEP_FILAMENT,      /* argument: on off rearm */
    STEP_MARK,          /* argument: started paused resumed finished cancelled */
    STEP_RESET,         /* argument: estop */
};
#define STEP_KINDS     22
#define STEP_ARGUMENTS 4

struct step {
    enum step_kind kind;
    uint8_t otherwise; /* so many steps behind this one are its `else`: done after a timeout only */
    struct span argument[STEP_ARGUMENTS]; /* with ${} in them; lent by the ruleset */
};

/* The word of a step as the rules language and messages write it: "set", "wait", … */
const char *step_word(enum step_kind kind);

/* What a wait for a point looks for. The words are high low rise fall on off change. */
enum wait_for { WAIT_HIGH, WAIT_LOW, WAIT_RISE, WAIT_FALL, WAIT_ON, WAIT_OFF, WAIT_CHANGE };

enum report_what {
    REPORT_POINT,
    REPORT_PSU,
    REPORT_PRINT,
    REPORT_ESTOP,
    REPORT_FILAMENT,
    REPORT_PS, /* the psu as Marlin answers M80 S */
};
enum filament_switch { FILAMENT_SWITCH_ON, FILAMENT_SWITCH_OFF, FILAMENT_SWITCH_REARM };

/* One step with everything filled in. */
struct step_ready {
    enum step_kind kind;
    uint8_t otherwise;
    uint8_t point;      /* index into settings, POINT_NONE: all points (report), a heater (wait) */
    uint8_t value;      /* set: 0 off, 255 on; power: 0 or 255; filament: enum filament_switch;
                           mark: enum print_mark, started is 1; report: enum report_what */
    uint8_t edge;       /* enum wait_for */
    uint8_t program;    /* run: index into settings, PROGRAM_NONE: gone by a reload */
    bool when_cool;     /* power off: every heater below cool_below first */
    bool force;         /* power off: also in a print */
    char heater;        /* wait for a temperature: 'T', 'B', 'C', or 0 for a point … */
    uint8_t heater_index; /* … and the tool's number */
    uint8_t comparison; /* … enum when_comparison */
    int32_t threshold;  /* … thousandths of a degree */
    uint16_t times;     /* pulse: 1 if not said */
    uint16_t text_at;   /* send, say, notify: where in the plan's text; run: its args, each … */
    uint16_t text_length; /* … with a NUL at its end */
    int64_t ms;         /* wait, pulse: how long; power: after; wait for something, run: timeout,
                           -1 none */
    int64_t every_ms;   /* pulse: from start to start */
};

/* Where `${NAME}` comes from: a named capture of the pattern first, then the line's parameter. */
#define STEP_CAPTURES 16
struct step_values {
    const struct gcode_line *line; /* NULL for plans without one */
    unsigned captures;
    struct {
        struct span name, value;
    } capture[STEP_CAPTURES];
};

/* The value of that name, empty for a bare letter. False if neither source has it. */
bool step_value(const struct step_values *values, struct span name, struct span *ret_value);

/*
 * Appends `template` with every `${NAME}`, `${NAME:-default}` (default if there is no value or an
 * empty one), `${NAME:+text}` (text if there is a value, else nothing) and `${NAME:?text}` (as
 * `${NAME}`; the text is what is said of a value that will not do) filled in. Default and
 * text may hold `${}` themselves, four deep. `$${` is a plain `${`. A name without a value and
 * without a default is filled in as nothing; what is not well formed stays as it is.
 */
void step_fill(struct span template, const struct step_values *values, struct text *text);

/* One `${…}`: its name, what stands after `:-`, `:+` or `:?`, and which of them. */
struct step_placeholder {
    struct span name, alternative;
    char sign; /* '-', '+', '?' or 0 */
};
/* Bytes of the `${…}` that `text` (beginning with `${`) begins with, 0 if it is not well formed. */
size_t step_placeholder_read(struct span text, struct step_placeholder *ret_placeholder);

/* Why a command cannot be carried out: the CODE of `echo:sioproxy error: CODE: what is wrong`. */
enum step_error {
    STEP_OK,
    STEP_USAGE,
    STEP_NO_POINT,
    STEP_RANGE,
    STEP_ESTOP,
    STEP_BOARD,
    STEP_PSU,
    STEP_LONG,
    STEP_PRINT,
};
const char *step_error_word(enum step_error error);

/* "high", "low", …; reads any case. */
const char *wait_for_word(enum wait_for wait);
bool wait_for_read(struct span word, enum wait_for *ret_wait);

/*
 * Fills in and reads one step's arguments. Texts are appended to `plan_text` (STEP_LONG if it is
 * full). On anything but STEP_OK, `why` has been given what is wrong ("no point 'ligth' (did you
 * mean light?)", "S300: 0 to 255") without the error's word, and *ret_ready is untouched.
 */
enum step_error step_prepare(const struct step *step, const struct step_values *values,
                             const struct settings *settings, struct text *plan_text,
                             struct text *why, struct step_ready *ret_ready);
