#include "route/settings.h"

#include <string.h>

void settings_init(struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    settings->psu = (struct power_settings){.point = POINT_NONE,
                                            .sense = POINT_NONE,
                                            .boot_ms = 8000,
                                            .cool_below = 50000,
                                            .off_when_idle_ms = -1};
    settings->estop = (struct estop_settings){
        .point = POINT_NONE, .reset_point = POINT_NONE, .reset_dtr = true, .m112_halts = true};
}

static bool all_digits(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!text_is_digit(text.data[i])) {
            return false;
        }
    }
    return text.length > 0;
}

static uint8_t point_of_number(const struct settings *settings, struct span digits)
{
    int64_t number;

    if (text_integer(digits, &number) != digits.length) {
        return POINT_NONE;
    }
    for (unsigned i = 0; i < settings->points; i++) {
        if (settings->point[i].number == number) {
            return (uint8_t)i;
        }
    }
    return POINT_NONE;
}

uint8_t settings_point(const struct settings *settings, struct span name)
{
    if (all_digits(name)) {
        return point_of_number(settings, name);
    }
    for (unsigned i = 0; i < settings->points; i++) {
        if (span_equal_nocase(name, span_of(settings->point[i].name))) {
            return (uint8_t)i;
        }
    }
    return POINT_NONE;
}

const char *point_state_word(enum point_state state)
{
    switch (state) {
    case POINT_OFF: return "off";
    case POINT_ON: return "on";
    case POINT_UNKNOWN: break;
    }
    return "unknown";
}
