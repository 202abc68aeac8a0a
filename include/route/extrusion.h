/*
 * How much new filament each line of the host pushes through its tool, and when the printer has
 * taken that line.
 *
 * Follows Marlin's parser (G0 to G3 and G5 with E; M82 and M83, which the next G90 or G91
 * overrides; G92 E; G20 and G21; T). What was retracted and is pushed forward again is no new
 * filament. Volumetric extrusion is taken as off: with it a cubic millimetre counts as one of
 * length. Retraction by firmware (G10, G11) moves nothing here. Knows neither sensors nor prints.
 *
 * An amount is known when the line is sent and counts when its ok comes: the sender's serial of
 * the line joins the two.
 */
#pragma once

#include "wire/gcode_line.h"

#define EXTRUSION_TOOLS      10
#define EXTRUSION_PENDING    32    /* lines at the printer that extrude; more than it can have */
#define EXTRUSION_RETRACT_UM 20000 /* what is pulled back farther is unloaded, not retracted */

struct extruded {
    uint8_t tool;
    int32_t um; /* of new filament; 0: none */
};

struct extrusion {
    bool axes_relative; /* G91 */
    bool e_said;        /* M82 or M83 came after the last G90 or G91 */
    bool e_relative;    /* ... and it was M83 */
    bool inches;
    bool spares_e; /* Klipper: G90 does not override M83 */
    uint8_t tool;
    int64_t position_um; /* of E, as the host counts */
    int32_t retracted_um[EXTRUSION_TOOLS];
    uint8_t first, pending;
    struct {
        uint32_t serial;
        struct extruded amount;
    } line[EXTRUSION_PENDING];
};

/* A printer that has just booted: absolute, millimetres, tool 0, nothing retracted. */
void extrusion_init(struct extrusion *extrusion);
/* Whether its firmware is Klipper. */
void extrusion_klipper(struct extrusion *extrusion, bool klipper);
/* What this line would extrude if it were the next. */
struct extruded extrusion_of(const struct extrusion *extrusion, const struct gcode_line *line);
/* The line goes to the printer, under that serial. */
void extrusion_sent(struct extrusion *extrusion, const struct gcode_line *line, uint32_t serial);
/* Its ok has come. False if it extrudes nothing. */
bool extrusion_acked(struct extrusion *extrusion, uint32_t serial, struct extruded *ret_amount);
/* A promise that does not hold, in words, or NULL. */
const char *extrusion_check(const struct extrusion *extrusion);
