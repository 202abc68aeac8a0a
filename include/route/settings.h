/*
 * The whole configuration as one plain struct: what the config file says, checked, defaults filled in.
 *
 * Written by load/settings_file, read by everybody, never changed while in force: a reload makes a
 * new one. Knows nothing of YAML. Paths are absolute.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define SETTINGS_POINTS 64
#define SETTINGS_NAME   33  /* a point's, program's or daemon's name with its NUL */
#define SETTINGS_TEXT   64  /* a label, group or icon */
#define SETTINGS_PATH   256 /* a file, port or URL */

enum point_type { POINT_OUTPUT, POINT_INPUT, POINT_PWM, POINT_DHT };
enum point_state { POINT_OFF, POINT_ON, POINT_UNKNOWN };

/* What to do with an output on some occasion. */
enum occasion_kind { OCCASION_KEEP, OCCASION_SET, OCCASION_RESTORE };
struct occasion {
    enum occasion_kind kind;
    uint8_t value; /* OCCASION_SET: 0 off, 255 on, between them for pwm */
};

struct point_settings {
    char name[SETTINGS_NAME]; /* lower case */
    char label[SETTINGS_TEXT];
    char icon[SETTINGS_TEXT];
    enum point_type type;
    uint8_t io;
    bool active_high;
    bool guarded;       /* `private`: a guest may see but not switch it */
    int32_t number;     /* how M-codes may call it; -1 none */
    int32_t debounce_ms;
    struct occasion start, halt, host_lost, exit, board_back;
};

enum port_kind { PORT_NONE, PORT_SERIAL, PORT_TCP, PORT_SIMULATED };
struct port_settings {
    enum port_kind kind;
    char path[SETTINGS_PATH]; /* as configured: a device, tcp://HOST:PORT, or the word */
    uint32_t baud;            /* 0: follow the host's */
};

enum reset_on_connect { RESET_NEVER, RESET_HALTED, RESET_ALWAYS };
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

#define POINT_NONE 255
#define POINT_GONE 254 /* it was one until a reload */

/* What becomes of it when the board with the button is lost. */
enum on_board_lost { LOST_WARN, LOST_PAUSE, LOST_STOP };
struct estop_settings {
    uint8_t point;       /* the button; POINT_NONE: there is no emergency stop */
    uint8_t reset_point; /* POINT_NONE: none */
    bool reset_dtr;      /* a trip also resets the printer */
    bool m112_halts;     /* on_m112: halt, not forward */
    enum on_board_lost on_board_lost;
};

#define SETTINGS_FILAMENTS 4
struct filament_settings {
    uint8_t point; /* active means that filament is missing */
    uint8_t tool;
    char command[SETTINGS_TEXT]; /* what is injected ("M600"); empty: the job is paused */
    int32_t distance_um;         /* still extruded before that */
};

enum auto_on { AUTO_ON_NEVER, AUTO_ON_PRINT, AUTO_ON_COMMAND };
struct power_settings {
    uint8_t point; /* switches the printer's power; POINT_NONE: nothing does */
    uint8_t sense; /* tells whether power is there; POINT_NONE: what `point` says is true */
    enum auto_on auto_on;
    int64_t boot_ms;          /* a printer that was switched on takes so long at most */
    int32_t cool_below;       /* thousandths of a degree */
    int64_t off_when_idle_ms; /* -1: never */
};

#define SETTINGS_PROGRAMS 16
#define PROGRAM_NONE      255
/* What `run` may start. */
struct program_settings {
    char name[SETTINGS_NAME];
    char path[SETTINGS_PATH];
    int64_t timeout_ms; /* it is ended after that, unless the step says another */
};

/* Who may switch what by the board's share. */
enum share_writes { SHARE_OUTPUTS, SHARE_ALL, SHARE_NONE };

struct settings {
    char name[SETTINGS_NAME];
    char host_port[SETTINGS_PATH];  /* the symlink that OctoPrint opens */
    char host_group[SETTINGS_TEXT]; /* empty: leave as it is */
    struct port_settings printer;
    uint32_t in_flight; /* bytes that may be unanswered at the printer */
    enum reset_on_connect reset_on_connect;
    struct port_settings board;
    uint32_t report_interval_ms;
    char board_share[SETTINGS_PATH]; /* the symlink a guest opens; empty: no share */
    enum share_writes share_writes;
    unsigned points;
    struct point_settings point[SETTINGS_POINTS];
    struct power_settings psu;
    struct estop_settings estop;
    unsigned filaments;
    struct filament_settings filament[SETTINGS_FILAMENTS];
    unsigned programs;
    struct program_settings program[SETTINGS_PROGRAMS];
    char control_socket[SETTINGS_PATH];
    char control_group[SETTINGS_TEXT];
    char state_file[SETTINGS_PATH];
    char record_folder[SETTINGS_PATH]; /* recordings go there; empty: none */
    uint64_t record_size;              /* of all of them, bytes at most */
    enum log_level log;
};

/* Nothing configured: no points, no psu, no estop (but with the defaults they would have). */
void settings_init(struct settings *settings);
/*
 * The index of a point by its name (any case, quotes already gone) or, if all digits, its `number`.
 * POINT_NONE if there is none.
 */
uint8_t settings_point(const struct settings *settings, struct span name);

const char *point_state_word(enum point_state state); /* on off unknown */
