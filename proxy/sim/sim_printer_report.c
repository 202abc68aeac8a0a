#include "sim/sim_printer_parts.h"

static const double steps_per_mm[3] = {80, 80, 400};

void sim_report_boot(struct sim_printer *printer)
{
    if (printer->manner.klipper) {
        sim_say(printer, "// Klipper state: Ready\n");
        return;
    }
    sim_say(printer, "start\n"
                     "PowerUp\n"
                     "Marlin bugfix-2.1.x\n"
                     "echo: Last Updated: 2023-01-15 | Author: (none, default config)\n"
                     "echo: Compiled: Jan 15 2023\n"
                     "echo: Free Memory: 8192  PlannerBufferBytes: 1536\n"
                     "echo:Hardcoded Default Settings Loaded\n"
                     "echo:SD card ok\n");
}

static void report_heater(struct sim_printer *printer, const char *name, uint32_t index)
{
    struct sim_heater *heater = &printer->heaters[index];
    unsigned decimals = printer->manner.klipper ? 1 : 2;

    sim_heater_update(heater, printer->now);
    sim_say(printer, name);
    sim_say_decimal(printer, heater->temperature, decimals);
    sim_say(printer, " /");
    sim_say_decimal(printer, heater->target, decimals);
}

static int64_t power_of(const struct sim_heater *heater)
{
    return heater->target > heater->temperature ? 127 : heater->target > 0 ? 40 : 0;
}

void sim_report_temperatures(struct sim_printer *printer)
{
    if (printer->manner.klipper) {
        report_heater(printer, "B:", SIM_BED);
        report_heater(printer, " T0:", SIM_HOTEND);
        return;
    }
    report_heater(printer, "T:", SIM_HOTEND);
    report_heater(printer, " B:", SIM_BED);
    sim_say(printer, " @:");
    sim_say_integer(printer, power_of(&printer->heaters[SIM_HOTEND]));
    sim_say(printer, " B@:");
    sim_say_integer(printer, power_of(&printer->heaters[SIM_BED]));
}

void sim_report_position(struct sim_printer *printer)
{
    static const char *const names[SIM_AXES] = {"X:", " Y:", " Z:", " E:"};
    static const char *const counts[3] = {" Count X:", " Y:", " Z:"};
    unsigned decimals = printer->manner.klipper ? 3 : 2;

    for (int axis = 0; axis < SIM_AXES; axis++) {
        sim_say(printer, names[axis]);
        sim_say_decimal(printer, printer->motion.position[axis], decimals);
    }
    for (int axis = 0; axis < 3 && !printer->manner.klipper; axis++) {
        sim_say(printer, counts[axis]);
        sim_say_decimal(printer, printer->motion.position[axis] * steps_per_mm[axis], 0);
    }
    sim_say(printer, "\n");
}

static void report_cap(struct sim_printer *printer, const char *name, bool can)
{
    sim_say(printer, "Cap:");
    sim_say(printer, name);
    sim_say(printer, can ? ":1\n" : ":0\n");
}

void sim_report_firmware(struct sim_printer *printer)
{
    static const struct {
        const char *name;
        bool can;
    } caps[] = {
        {"SERIAL_XON_XOFF", false}, {"BINARY_FILE_TRANSFER", false},
        {"EEPROM", false},          {"VOLUMETRIC", true},
        {"AUTOREPORT_POS", false},  {"AUTOREPORT_TEMP", true},
        {"PROGRESS", false},        {"PRINT_JOB", true},
        {"AUTOLEVEL", false},       {"RUNOUT", true},
        {"Z_PROBE", false},         {"LEVELING_DATA", false},
        {"BUILD_PERCENT", false},   {"SOFTWARE_POWER", false},
        {"TOGGLE_LIGHTS", false},   {"CASE_LIGHT_BRIGHTNESS", false},
    };
    static const struct {
        const char *name;
        bool can;
    } more_caps[] = {
        {"SDCARD", true},
        {"REPEAT", false},
        {"SD_WRITE", true},
        {"AUTOREPORT_SD_STATUS", true},
        {"LONG_FILENAME", false},
        {"THERMAL_PROTECTION", true},
        {"MOTION_MODES", false},
        {"ARCS", true},
        {"BABYSTEPPING", false},
        {"CHAMBER_TEMPERATURE", false},
        {"COOLER_TEMPERATURE", false},
        {"MEATPACK", false},
        {"CONFIG_EXPORT", false},
    };

    sim_say(printer, "FIRMWARE_NAME:Marlin bugfix-2.1.x (Jan 15 2023 12:00:00) "
                     "SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin PROTOCOL_VERSION:1.0 "
                     "MACHINE_TYPE:3D Printer EXTRUDER_COUNT:1 "
                     "UUID:cede2a2f-41a2-4748-9b12-c55c62f367ff\n");
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
        report_cap(printer, caps[i].name, caps[i].can);
    report_cap(printer, "EMERGENCY_PARSER", printer->manner.emergency_parser);
    report_cap(printer, "HOST_ACTION_COMMANDS", true);
    report_cap(printer, "PROMPT_SUPPORT", printer->manner.prompts);
    for (size_t i = 0; i < sizeof more_caps / sizeof *more_caps; i++)
        report_cap(printer, more_caps[i].name, more_caps[i].can);
}

void sim_report_endstops(struct sim_printer *printer)
{
    sim_say(printer, "Reporting endstop status\n"
                     "x_min: open\n"
                     "y_min: open\n"
                     "z_min: open\n"
                     "filament: ");
    sim_say(printer, printer->runout ? "open\n" : "TRIGGERED\n");
}
