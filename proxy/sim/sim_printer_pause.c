#include "sim/sim_printer_parts.h"

/* As seen on Marlin 2.1; the moves of a filament change took 7.26 s. */
enum {
    UNLOADING_MS = 7260,
    LOADING_MS = 3000,
    PURGING_MS = 2000,
    RESUMING_MS = 1000,
    NOZZLE_TIMEOUT_MS = 20000, /* PAUSE_PARK_NOZZLE_TIMEOUT: real time, a user is meant */
    LOWEST_EXTRUSION = 170,    /* degrees */
    BUTTON_CONTINUE = 1,       /* of the purge prompt */
};

static void prompt(struct sim_printer *printer, const char *question, const char *button,
                   const char *other)
{
    if (!printer->manner.prompts)
        return;
    sim_say(printer, "//action:prompt_end\n//action:prompt_begin ");
    sim_say(printer, question);
    sim_say(printer, "\n//action:prompt_button ");
    sim_say(printer, button);
    if (other != NULL) {
        sim_say(printer, "\n//action:prompt_button ");
        sim_say(printer, other);
    }
    sim_say(printer, "\n//action:prompt_show\n");
}

static void prompt_end(struct sim_printer *printer)
{
    if (printer->manner.prompts)
        sim_say(printer, "//action:prompt_end\n");
}

/*
 * The only place that changes the stage; says what the stage begins with and waits for its end.
 * STOPPING -> HEATING (no target) or UNLOADING -> PARKED -> LOADING -> PURGED -> RESUMING -> NONE
 * PARKED -> COLD (20 s) -> REHEATING -> REHEATED -> LOADING
 * PURGED -> PURGING -> PURGED
 */
static enum sim_done enter(struct sim_printer *printer, enum sim_pause stage)
{
    printer->pause = stage;
    switch (stage) {
    case SIM_PAUSE_NONE:
        prompt_end(printer);
        sim_say(printer, "//action:resumed\n");
        return SIM_DONE;
    case SIM_PAUSE_STOPPING:
        sim_say(printer, "//action:paused\n");
        prompt(printer, "Pause", "Dismiss", NULL);
        return sim_wait_for(printer, SIM_WAIT_MOVES, SIM_AFTER_PAUSE);
    case SIM_PAUSE_HEATING:
        sim_heater_set(&printer->heaters[SIM_HOTEND], LOWEST_EXTRUSION, printer->now);
        return sim_wait_heat(printer, SIM_HOTEND, false, SIM_AFTER_PAUSE);
    case SIM_PAUSE_UNLOADING: return sim_wait_ms(printer, UNLOADING_MS, SIM_AFTER_PAUSE);
    case SIM_PAUSE_PARKED:
        sim_say(printer, "echo:Insert filament and send M108\n");
        prompt(printer, "Nozzle Parked", "Continue", NULL);
        sim_wait_for(printer, SIM_WAIT_USER, SIM_AFTER_PAUSE);
        printer->wait_until = instant_after_ms(printer->now, NOZZLE_TIMEOUT_MS);
        return SIM_WAITING;
    case SIM_PAUSE_COLD:
        printer->nozzle_target = printer->heaters[SIM_HOTEND].target;
        sim_heater_set(&printer->heaters[SIM_HOTEND], 0, printer->now);
        sim_say(printer, "echo:Send M108 to heat nozzle\n");
        prompt(printer, "Heater Timeout", "Reheat", NULL);
        return sim_wait_for(printer, SIM_WAIT_USER, SIM_AFTER_PAUSE);
    case SIM_PAUSE_REHEATING:
        sim_heater_set(&printer->heaters[SIM_HOTEND], printer->nozzle_target, printer->now);
        return sim_wait_heat(printer, SIM_HOTEND, false, SIM_AFTER_PAUSE);
    case SIM_PAUSE_REHEATED:
        sim_say(printer, "echo:Insert filament and send M108\n");
        prompt(printer, "Reheat Done", "Continue", NULL);
        return sim_wait_for(printer, SIM_WAIT_USER, SIM_AFTER_PAUSE);
    case SIM_PAUSE_LOADING: return sim_wait_ms(printer, LOADING_MS, SIM_AFTER_PAUSE);
    case SIM_PAUSE_PURGED:
        prompt(printer, "Paused", "PurgeMore", "Continue");
        return sim_wait_for(printer, SIM_WAIT_USER, SIM_AFTER_PAUSE);
    case SIM_PAUSE_PURGING: return sim_wait_ms(printer, PURGING_MS, SIM_AFTER_PAUSE);
    case SIM_PAUSE_RESUMING:
        prompt_end(printer);
        return sim_wait_ms(printer, RESUMING_MS, SIM_AFTER_PAUSE);
    }
    return SIM_DONE;
}

enum sim_done sim_pause_begin(struct sim_printer *printer)
{
    return enter(printer, SIM_PAUSE_STOPPING);
}

enum sim_done sim_pause_next(struct sim_printer *printer)
{
    bool cold = printer->heaters[SIM_HOTEND].target < (double)LOWEST_EXTRUSION;

    switch (printer->pause) {
    case SIM_PAUSE_NONE: return SIM_DONE;
    case SIM_PAUSE_STOPPING: return enter(printer, cold ? SIM_PAUSE_HEATING : SIM_PAUSE_UNLOADING);
    case SIM_PAUSE_HEATING: return enter(printer, SIM_PAUSE_UNLOADING);
    case SIM_PAUSE_UNLOADING: return enter(printer, SIM_PAUSE_PARKED);
    case SIM_PAUSE_PARKED:
        return enter(printer, printer->user_answered ? SIM_PAUSE_LOADING : SIM_PAUSE_COLD);
    case SIM_PAUSE_COLD: return enter(printer, SIM_PAUSE_REHEATING);
    case SIM_PAUSE_REHEATING: return enter(printer, SIM_PAUSE_REHEATED);
    case SIM_PAUSE_REHEATED: return enter(printer, SIM_PAUSE_LOADING);
    case SIM_PAUSE_LOADING:
        /* Without prompts nobody could answer: Marlin then does not ask. */
        return enter(printer, printer->manner.prompts ? SIM_PAUSE_PURGED : SIM_PAUSE_RESUMING);
    case SIM_PAUSE_PURGED:
        return enter(printer, printer->user_answer >= BUTTON_CONTINUE ? SIM_PAUSE_RESUMING
                                                                      : SIM_PAUSE_PURGING);
    case SIM_PAUSE_PURGING: return enter(printer, SIM_PAUSE_PURGED);
    case SIM_PAUSE_RESUMING: return enter(printer, SIM_PAUSE_NONE);
    }
    return SIM_DONE;
}

enum sim_done sim_pause_ask(struct sim_printer *printer)
{
    const struct sim_queued *command = sim_queue_front(printer);
    struct sim_gcode gcode = sim_gcode_read((struct span){command->text, command->length});
    double ms = 0;
    double s;

    sim_gcode_value(&gcode, 'P', &ms);
    if (sim_gcode_value(&gcode, 'S', &s))
        ms = s * 1000;
    prompt(printer, gcode.number == 0 ? "M0 Break Called" : "M1 Break Called", "Continue", NULL);
    sim_wait_for(printer, SIM_WAIT_USER, SIM_AFTER_ASKED);
    if (ms > 0)
        printer->wait_until =
            instant_after_ms(printer->now, ms > 86400000 ? 86400000 : (int64_t)ms);
    return SIM_WAITING;
}

enum sim_done sim_pause_asked(struct sim_printer *printer)
{
    prompt_end(printer);
    return SIM_DONE;
}
