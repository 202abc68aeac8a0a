#include "route/extrusion.h"

#include <string.h>

/* Farther than any print: what is beyond is no number to count with. */
#define FARTHEST_UM (INT64_C(10000) * 1000 * 1000)

void extrusion_init(struct extrusion *extrusion)
{
    bool spares_e = extrusion->spares_e;

    memset(extrusion, 0, sizeof *extrusion);
    extrusion->spares_e = spares_e;
}

void extrusion_klipper(struct extrusion *extrusion, bool klipper)
{
    extrusion->spares_e = klipper;
}

static bool e_is_relative(const struct extrusion *extrusion)
{
    if (extrusion->spares_e)
        return extrusion->axes_relative || (extrusion->e_said && extrusion->e_relative);
    return extrusion->e_said ? extrusion->e_relative : extrusion->axes_relative;
}

/* The line's E in micrometres. False if it has none that counts. */
static bool e_of(const struct extrusion *extrusion, const struct gcode_line *line, int64_t *ret_um)
{
    struct span value;
    int64_t um;

    if (!gcode_line_parameter(line, 'E', &value) || text_decimal(value, &um) == 0)
        return false;
    if (um > FARTHEST_UM || um < -FARTHEST_UM)
        return false;
    *ret_um = extrusion->inches ? um * 254 / 10 : um;
    return true;
}

static bool is_move(const struct gcode_line *line)
{
    return line->is_command && line->letter == 'G' && line->subcode < 0 &&
           (line->code <= 3 || line->code == 5);
}

/* How far the line moves E: forward, or back if negative. 0 if it does not. */
static int64_t moves_e(const struct extrusion *extrusion, const struct gcode_line *line)
{
    int64_t um;

    if (!is_move(line) || !e_of(extrusion, line, &um))
        return 0;
    return e_is_relative(extrusion) ? um : um - extrusion->position_um;
}

/* What is new of so far a move. */
static struct extruded extruded_by(const struct extrusion *extrusion, int64_t um)
{
    um -= extrusion->retracted_um[extrusion->tool];
    if (um < 0)
        um = 0;
    return (struct extruded){extrusion->tool, um > INT32_MAX ? INT32_MAX : (int32_t)um};
}

struct extruded extrusion_of(const struct extrusion *extrusion, const struct gcode_line *line)
{
    return extruded_by(extrusion, moves_e(extrusion, line));
}

/* E moves so far. */
static void move_e(struct extrusion *extrusion, int64_t um)
{
    int64_t retracted = extrusion->retracted_um[extrusion->tool] - um;

    if (retracted < 0)
        retracted = 0;
    if (retracted > EXTRUSION_RETRACT_UM)
        retracted = EXTRUSION_RETRACT_UM;
    extrusion->retracted_um[extrusion->tool] = (int32_t)retracted;
    um += extrusion->position_um;
    if (um > FARTHEST_UM * 1000)
        um = FARTHEST_UM * 1000;
    if (um < -FARTHEST_UM * 1000)
        um = -FARTHEST_UM * 1000;
    extrusion->position_um = um;
}

static void remember(struct extrusion *extrusion, uint32_t serial, struct extruded amount)
{
    unsigned slot;

    if (extrusion->pending == EXTRUSION_PENDING) {
        extrusion->first = (uint8_t)((extrusion->first + 1) % EXTRUSION_PENDING);
        extrusion->pending--;
    }
    slot = (extrusion->first + extrusion->pending) % EXTRUSION_PENDING;
    extrusion->line[slot].serial = serial;
    extrusion->line[slot].amount = amount;
    extrusion->pending++;
}

/* Commands that change how E is counted. */
static void count_anew(struct extrusion *extrusion, const struct gcode_line *line)
{
    int64_t um;

    if (gcode_line_is(line, 'G', 90) || gcode_line_is(line, 'G', 91)) {
        extrusion->axes_relative = line->code == 91;
        if (!extrusion->spares_e)
            extrusion->e_said = false;
    } else if (gcode_line_is(line, 'M', 82) || gcode_line_is(line, 'M', 83)) {
        extrusion->e_said = true;
        extrusion->e_relative = line->code == 83;
    } else if (gcode_line_is(line, 'G', 20) || gcode_line_is(line, 'G', 21)) {
        extrusion->inches = line->code == 20;
    } else if (gcode_line_is(line, 'G', 92)) {
        if (e_of(extrusion, line, &um))
            extrusion->position_um = um;
    } else if (line->is_command && line->letter == 'T' && line->code < EXTRUSION_TOOLS) {
        extrusion->tool = (uint8_t)line->code;
    }
}

void extrusion_sent(struct extrusion *extrusion, const struct gcode_line *line, uint32_t serial)
{
    struct extruded amount;
    int64_t um;

    if (!is_move(line)) {
        count_anew(extrusion, line);
        return;
    }
    um = moves_e(extrusion, line);
    amount = extruded_by(extrusion, um);
    move_e(extrusion, um);
    if (amount.um > 0)
        remember(extrusion, serial, amount);
}

bool extrusion_acked(struct extrusion *extrusion, uint32_t serial, struct extruded *ret_amount)
{
    /* Answers come in order: what is older than this one is not answered any more. */
    for (unsigned i = 0; i < extrusion->pending; i++) {
        unsigned slot = (extrusion->first + i) % EXTRUSION_PENDING;

        if (extrusion->line[slot].serial != serial)
            continue;
        *ret_amount = extrusion->line[slot].amount;
        extrusion->first = (uint8_t)((slot + 1) % EXTRUSION_PENDING);
        extrusion->pending = (uint8_t)(extrusion->pending - i - 1);
        return true;
    }
    return false;
}

const char *extrusion_check(const struct extrusion *extrusion)
{
    if (extrusion->tool >= EXTRUSION_TOOLS)
        return "extrusion: a tool there is no room for";
    if (extrusion->pending > EXTRUSION_PENDING || extrusion->first >= EXTRUSION_PENDING)
        return "extrusion: more lines than there is room for";
    for (unsigned i = 0; i < EXTRUSION_TOOLS; i++) {
        if (extrusion->retracted_um[i] < 0 || extrusion->retracted_um[i] > EXTRUSION_RETRACT_UM)
            return "extrusion: more is retracted than can be";
    }
    return NULL;
}
