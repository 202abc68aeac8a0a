#include "route/when.h"

/* Beyond it nothing is a temperature of a printer, in thousandths of a degree. */
#define TEMPERATURE_MAX 2000000

const char *when_comparison_word(enum when_comparison comparison)
{
    switch (comparison) {
    case IS_BELOW: return "<";
    case IS_AT_MOST: return "<=";
    case IS_AT_LEAST: return ">=";
    case IS_ABOVE: break;
    }
    return ">";
}

bool when_comparison_read(struct span text, enum when_comparison *ret_comparison,
                          int32_t *ret_threshold)
{
    bool below = span_starts(text, SPAN("<")), equal = false;
    int64_t thousandths;
    size_t used;

    if (!below && !span_starts(text, SPAN(">"))) {
        return false;
    }
    text = span_skip(text, 1);
    equal = span_starts(text, SPAN("="));
    text = span_trim(span_skip(text, equal));
    used = text_decimal(text, &thousandths);
    if (used == 0 || !span_equal(span_trim(span_skip(text, used)), SPAN("C")) ||
        thousandths < -TEMPERATURE_MAX || thousandths > TEMPERATURE_MAX) {
        return false;
    }
    *ret_comparison = below ? equal ? IS_AT_MOST : IS_BELOW : equal ? IS_AT_LEAST : IS_ABOVE;
    *ret_threshold = (int32_t)thousandths;
    return true;
}

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

/* Is the threshold reached now that was not before? One degree of play is in the event's values. */
static bool crosses(const struct when *when, const struct event *event)
{
    enum when_comparison comparison = (enum when_comparison)when->comparison;
    bool upwards = comparison == IS_AT_LEAST || comparison == IS_ABOVE;
    int32_t was = upwards ? event->was : event->was_low;
    int32_t is = upwards ? event->is : event->is_low;

    return when_compares(comparison, is, when->threshold) &&
           !when_compares(comparison, was, when->threshold);
}

static bool fact_is(const struct when *when, const struct event *event)
{
    return event->is >= 0 && event->is < 16 && (when->facts >> event->is & 1) != 0;
}

/* A point has become what is waited for. What was never known has become nothing. */
static bool point_is(const struct when *when, const struct event *event)
{
    if (when->point != event->index)
        return false;
    switch ((enum when_becomes)when->becomes) {
    case BECOMES_ON: return event->is == POINT_ON && event->was == POINT_OFF;
    case BECOMES_OFF: return event->is == POINT_OFF && event->was == POINT_ON;
    case BECOMES_UNKNOWN: return event->is == POINT_UNKNOWN;
    case BECOMES_CHANGE:
        return event->is != POINT_UNKNOWN && event->was != POINT_UNKNOWN && event->is != event->was;
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
               crosses(when, event);
    }
    return false;
}
