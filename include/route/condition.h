/*
 * The conditions of a rule's `if`, and whether they hold.
 *
 * Sees the world only as a small plain view that proxy.c fills in (struct rule_world), and a line's
 * parameters. What is not known holds no condition but the one that asks for `unknown`.
 */
#pragma once

#include "base/text.h"
#include "route/settings.h"
#include "route/step.h"

enum condition_kind {
    CONDITION_POINT,  /* the parameter names a point of ours */
    CONDITION_NUMBER, /* the parameter is a number */
    CONDITION_ONE_OF, /* it is one of `count` values; an empty one among them: it is not there */
    CONDITION_NONE,   /* the parameter is not there */
    CONDITION_POINTS, /* the config names at least one point */
    CONDITION_POINT_STATE, /* point `index` has one of `states` */
    CONDITION_PRINT,       /* one of `states`, and so with the four below */
    CONDITION_PRINTER,
    CONDITION_HOST,
    CONDITION_BOARD,
    CONDITION_ESTOP,
    CONDITION_FILAMENT,
    CONDITION_PSU,
    CONDITION_TEMPERATURE, /* of a heater, or of dht point `index` */
};

struct condition {
    enum condition_kind kind;
    uint8_t group; /* 0: must hold; else: of the conditions of one `not`, at least one must not */
    struct span name;          /* parameter letter or capture name */
    const struct span *values; /* CONDITION_ONE_OF */
    unsigned count;
    uint16_t states;    /* one bit per state, counted as struct rule_world counts them */
    uint8_t index;      /* the point, or the tool's number */
    char heater;        /* CONDITION_TEMPERATURE: 'T', 'B', 'C', or 0 for a point */
    uint8_t comparison; /* … enum when_comparison */
    int32_t threshold;  /* … thousandths of a degree */
};

/* What `if` knows of the power supply and of the filament. `none`: none is configured. */
enum world_psu { WORLD_PSU_NONE, WORLD_PSU_ON, WORLD_PSU_OFF, WORLD_PSU_UNKNOWN };
enum world_filament {
    WORLD_FILAMENT_NONE,
    WORLD_FILAMENT_OFF,
    WORLD_FILAMENT_PRESENT,
    WORLD_FILAMENT_MISSING,
    WORLD_FILAMENT_UNKNOWN,
};

#define WORLD_HEATERS   12
#define WORLD_NO_DEGREE INT32_MIN /* nobody knows how warm it is */

/* How things stand, for conditions. */
struct rule_world {
    uint8_t print;    /* enum print_state */
    uint8_t printer;  /* enum printer_state */
    uint8_t host;     /* FACT_HOST_CONNECTED or FACT_HOST_DISCONNECTED */
    uint8_t board;    /* FACT_BOARD_ONLINE or FACT_BOARD_LOST */
    uint8_t estop;    /* enum estop_state */
    uint8_t filament; /* enum world_filament */
    uint8_t psu;      /* enum world_psu */
    uint8_t heaters;
    uint8_t point[SETTINGS_POINTS];  /* enum point_state */
    int32_t degree[SETTINGS_POINTS]; /* of a dht point, thousandths; WORLD_NO_DEGREE */
    struct {
        char name;
        uint8_t index;
        int32_t degree;
    } heater[WORLD_HEATERS];
};

/* Nothing known: print idle, all else offline, gone, none or unknown. */
void rule_world_init(struct rule_world *world);

/* Do all of them hold? Conditions of one group stand side by side. */
bool conditions_hold(const struct condition *condition, unsigned count,
                     const struct settings *settings, const struct rule_world *world,
                     const struct step_values *values);
