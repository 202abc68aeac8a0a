#include "route/when.h"

bool when_compares(enum when_comparison comparison, int32_t value, int32_t threshold)
{
    switch (comparison) {
    case IS_BELOW: return value < threshold;
    case IS_AT_MOST: return value <= threshold;
    case IS_AT_LEAST: return value >= threshold;
    case IS_ABOVE: return value > threshold;
    }
    return false;
}

bool when_crosses(enum when_comparison comparison, int32_t was, int32_t is, int32_t threshold)
{
    return when_compares(comparison, is, threshold) && !when_compares(comparison, was, threshold);
}

static bool fact_is(const struct when *when, const struct event *event)
{
    return event->is >= 0 && event->is < 16 && (when->facts >> event->is & 1) != 0;
}

/* A point has become what is waited for. */
static bool point_is(const struct when *when, const struct event *event)
{
    if (when->point != event->index)
        return false;
    switch ((enum when_becomes)when->becomes) {
    case BECOMES_ON: return event->is == POINT_ON && event->was != POINT_ON;
    case BECOMES_OFF: return event->is == POINT_OFF && event->was != POINT_OFF;
    case BECOMES_UNKNOWN: return event->is == POINT_UNKNOWN;
    case BECOMES_CHANGE: return event->is != POINT_UNKNOWN && event->is != event->was;
    }
    return false;
}

bool when_is(const struct when *when, const struct event *event)
{
    switch (when->kind) {
    case WHEN_NEVER:
    case WHEN_GCODE:
    case WHEN_REPLY:
    case WHEN_EVERY:
    case WHEN_START: return false;
    case WHEN_POINT: return event->kind == EVENT_POINT && point_is(when, event);
    case WHEN_PRINT: return event->kind == EVENT_PRINT && fact_is(when, event);
    case WHEN_PRINTER: return event->kind == EVENT_PRINTER && fact_is(when, event);
    case WHEN_HOST: return event->kind == EVENT_HOST && fact_is(when, event);
    case WHEN_BOARD: return event->kind == EVENT_BOARD && fact_is(when, event);
    case WHEN_TEMPERATURE:
        return event->kind == EVENT_TEMPERATURE && event->heater == when->heater &&
               event->index == (when->heater == 0 ? when->point : when->heater_index) &&
               when_crosses((enum when_comparison)when->comparison, event->was, event->is,
                            when->threshold);
    }
    return false;
}
