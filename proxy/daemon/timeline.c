#include "daemon/timeline.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "daemon/quoted.h"

#define DURATION 32

void timeline_init(struct timeline *timeline, FILE *to, bool json, const char *path,
                   const char *config, const struct settings *settings, struct span file)
{
    memset(timeline, 0, sizeof *timeline);
    timeline->to = to;
    timeline->json = json;
    timeline->settings = settings;
    print_file_init(&timeline->file, file);
    if (!json) {
        fprintf(to, "%s, with %s\n", path, config);
        return;
    }
    fputs("{\"file\": ", to);
    quoted_json(to, path);
    fputs(", \"config\": ", to);
    quoted_json(to, config);
    fputs(", \"timeline\": [", to);
}

/* 1:02:03.45 */
static void clock_words(int64_t us, char ret_words[DURATION])
{
    int64_t hundredths = us / 10000;

    snprintf(ret_words, DURATION, "%" PRId64 ":%02d:%02d.%02d", hundredths / 360000,
             (int)(hundredths / 6000 % 60), (int)(hundredths / 100 % 60), (int)(hundredths % 100));
}

/* --- what looks wrong --- */

static void strange(struct timeline *timeline, struct span word, const char *why)
{
    struct timeline_strange *one;
    size_t length = word.length < sizeof one->word ? word.length : sizeof one->word - 1;

    for (unsigned i = 0; i < timeline->stranges; i++) {
        one = &timeline->strange[i];
        if (strlen(one->word) == length && memcmp(one->word, word.data, length) == 0 &&
            strcmp(one->why, why) == 0) {
            one->count++;
            return;
        }
    }
    if (timeline->stranges == TIMELINE_STRANGE) {
        timeline->stranges_more++;
        return;
    }
    one = &timeline->strange[timeline->stranges++];
    memcpy(one->word, word.data, length);
    one->word[length] = '\0';
    snprintf(one->why, sizeof one->why, "%s", why);
    one->count = 1;
    one->line = timeline->file.lines;
    one->layer = timeline->file.layer;
}

static bool is_one_of_ours(struct span line)
{
    static const struct span words[] = {SPAN_INIT("M42 "), SPAN_INIT("M43 "), SPAN_INIT("M226 ")};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_starts_nocase(line, words[i]))
            return true;
    }
    return false;
}

/*
 * M42, M43 and M226 with a P that is a name, but no point's: they go to the printer, which knows
 * these codes and pins by number only.
 */
static void look_at_line(void *context, struct span line)
{
    struct timeline *timeline = context;
    struct span name;
    size_t end = 0;

    if (line.length < 6 || (line.data[0] != 'M' && line.data[0] != 'm') || !is_one_of_ours(line))
        return;
    name = span_skip(line, span_find(line, ' '));
    while (name.length > 0 && (text_is_blank(name.data[0]) || name.data[0] == '"'))
        name = span_skip(name, 1);
    if (name.length < 2 || text_lower(name.data[0]) != 'p')
        return;
    name = span_skip(name, name.data[1] == '"' ? 2 : 1);
    while (end < name.length && (text_is_letter(name.data[end]) || text_is_digit(name.data[end]) ||
                                 name.data[end] == '_'))
        end++;
    name.length = end;
    if (end == 0 || !text_is_letter(name.data[0]))
        return;
    for (unsigned i = 0; i < timeline->settings->points; i++) {
        if (span_equal_nocase(name, span_of(timeline->settings->point[i].name)))
            return;
    }
    line.length = (size_t)(name.data + end - line.data);
    strange(timeline, line, "there is no such point, so the printer gets it");
}

static void go_to(struct timeline *timeline, size_t offset)
{
    print_file_to(&timeline->file, offset, look_at_line, timeline);
}

void timeline_unknown(struct timeline *timeline, struct span command, size_t offset)
{
    go_to(timeline, offset);
    command.length = span_find(command, ' ');
    strange(timeline, command, "nobody takes it: no rule, and the printer does not know it");
}

void timeline_waits(struct timeline *timeline, const struct status *status, size_t offset)
{
    char word[sizeof timeline->strange[0].word], why[sizeof timeline->strange[0].why];
    struct text text = {why, sizeof why - 1, 0, false};

    if (!timeline->began || !status->waiting || status->waiting_timeout_ms < 0)
        return;
    go_to(timeline, offset);
    snprintf(word, sizeof word, "%s%s%s", status->waiting_rule,
             status->waiting_rule[0] != '\0' ? ": " : "", status->waiting_for);
    text_add_string(&text, "the wait can time out, after ");
    text_add_duration(&text, status->waiting_timeout_ms);
    why[text.length] = '\0';
    strange(timeline, span_of(word), why);
}

/* --- what happened --- */

void timeline_begin(struct timeline *timeline, const struct proxy *proxy, struct instant now)
{
    timeline->began = true;
    timeline->begin = now;
    for (unsigned i = 0; i < timeline->settings->points; i++) {
        int value;
        bool on = proxy_point(proxy, i, &value) == POINT_ON;

        timeline->output[i] = (struct timeline_output){.on = on, .was_on = on, .since = now};
    }
    if (!timeline->json)
        fprintf(timeline->to, "%12s %6s %9s  %s\n", "time", "layer", "line", "what");
}

/* One line, or one object: of an event if there is one. */
static void show(struct timeline *timeline, struct instant now, const char *what, const char *why,
                 const struct event *event)
{
    char clock[DURATION], layer[16] = "-";
    int64_t us = now.us - timeline->begin.us;

    if (timeline->file.layer > 0)
        snprintf(layer, sizeof layer, "%" PRIu32, timeline->file.layer);
    timeline->entries++;
    if (!timeline->json) {
        clock_words(us, clock);
        fprintf(timeline->to, "%12s %6s %9" PRIu64 "  %s%s%s\n", clock, layer, timeline->file.lines,
                what, why[0] != '\0' ? ": " : "", why);
        return;
    }
    fprintf(timeline->to,
            "%s\n{\"time_ms\": %" PRId64 ", \"layer\": %s, \"line\": %" PRIu64 ", \"what\": ",
            timeline->entries > 1 ? "," : "", us / 1000, timeline->file.layer > 0 ? layer : "null",
            timeline->file.lines);
    quoted_json(timeline->to, what);
    fputs(", \"why\": ", timeline->to);
    quoted_json(timeline->to, why);
    fputs(", \"event\": ", timeline->to);
    quoted_json(timeline->to, event != NULL ? event_word(event->kind) : "note");
    fputs(", \"name\": ", timeline->to);
    quoted_json(timeline->to, event != NULL ? event->name : "");
    fputs(", \"state\": ", timeline->to);
    quoted_json(timeline->to, event != NULL ? event->state : "");
    fputc('}', timeline->to);
}

void timeline_note(struct timeline *timeline, struct instant now, size_t offset, const char *what,
                   const char *why)
{
    if (!timeline->began)
        return;
    go_to(timeline, offset);
    show(timeline, now, what, why, NULL);
}

static bool is_output(const struct timeline *timeline, unsigned index)
{
    enum point_type type = timeline->settings->point[index].type;

    return type == POINT_OUTPUT || type == POINT_PWM;
}

static void switched(struct timeline *timeline, const struct event *event)
{
    struct timeline_output *output = &timeline->output[event->index];
    bool on = event->is == POINT_ON;

    if (!is_output(timeline, event->index) || on == output->on)
        return;
    if (output->on && !timeline->over)
        output->on_us += event->at.us - output->since.us;
    output->on = on;
    output->since = event->at;
    output->switched++;
}

/* Is it something that a reader of the timeline wants to see? */
static bool shown(const struct event *event)
{
    switch (event->kind) {
    case EVENT_POINT:
    case EVENT_PRINT:
    case EVENT_PRINTER:
    case EVENT_BOARD:
    case EVENT_ESTOP:
    case EVENT_FILAMENT:
    case EVENT_PSU:
    case EVENT_LOG: return true;
    case EVENT_RULE: /* of one that fails on its way the log says more */
        return event->level != LOG_DEBUG && strcmp(event->state, "started") != 0;
    case EVENT_HOST:
    case EVENT_TEMPERATURE:
    case EVENT_GCODE:
    case EVENT_RELOAD: return false;
    }
    return false;
}

void timeline_event(struct timeline *timeline, const struct event *event, size_t offset)
{
    char what[EVENT_CAUSE + EVENT_NAME + EVENT_STATE];

    if (!timeline->began || !shown(event))
        return;
    if (event->kind == EVENT_POINT && event->index < timeline->settings->points)
        switched(timeline, event);
    go_to(timeline, offset);
    if (event->kind == EVENT_LOG) {
        snprintf(what, sizeof what, "%s%s", event->level <= LOG_WARNING ? "warning: " : "",
                 event->cause);
        show(timeline, event->at, what, "", event);
        return;
    }
    if (event->kind == EVENT_POINT)
        snprintf(what, sizeof what, "%s %s", event->name, event->state);
    else
        snprintf(what, sizeof what, "%s%s%s %s", event_word(event->kind),
                 event->name[0] != '\0' ? " " : "", event->name, event->state);
    show(timeline, event->at, what, event->cause, event);
}

/* --- the end --- */

static void tell_output(const struct timeline *timeline, unsigned index)
{
    const struct timeline_output *output = &timeline->output[index];
    const char *name = timeline->settings->point[index].name; /* letters and digits */
    char clock[DURATION];

    if (timeline->json) {
        fprintf(timeline->to,
                "\"%s\": {\"switched\": %" PRIu64 ", \"on_ms\": %" PRId64 ", \"state\": \"%s\"}",
                name, output->switched, output->on_us / 1000, output->on ? "on" : "off");
        return;
    }
    clock_words(output->on_us, clock);
    fprintf(timeline->to,
            "%s: switched %" PRIu64 " time%s, on for %s of the print, %s at the end\n", name,
            output->switched, output->switched == 1 ? "" : "s", clock, output->on ? "on" : "off");
}

void timeline_warn(struct timeline *timeline, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!timeline->json) {
        fprintf(timeline->to, "warning: %s\n", text);
        return;
    }
    fputs(timeline->warnings++ > 0 ? ",\n" : "\n", timeline->to);
    quoted_json(timeline->to, text);
}

static void warn(struct timeline *timeline)
{
    for (unsigned i = 0; i < timeline->settings->points; i++) {
        const struct timeline_output *output = &timeline->output[i];

        if (is_output(timeline, i) && output->on && !output->was_on)
            timeline_warn(timeline, "%s is left on at the end", timeline->settings->point[i].name);
    }
    for (unsigned i = 0; i < timeline->stranges; i++) {
        const struct timeline_strange *one = &timeline->strange[i];

        timeline_warn(timeline, "%s: %s (%" PRIu64 " time%s, first at line %" PRIu64 ")", one->word,
                      one->why, one->count, one->count == 1 ? "" : "s", one->line);
    }
    if (timeline->stranges_more > 0)
        timeline_warn(timeline, "and %" PRIu64 " more lines like these", timeline->stranges_more);
}

void timeline_printed(struct timeline *timeline, size_t offset, const struct status *status,
                      struct instant now)
{
    go_to(timeline, offset);
    timeline->over = true;
    timeline->printed = now;
    timeline->host_lines = status->host_lines;
    timeline->swallowed = status->swallowed;
    timeline->injected = status->injected;
    for (unsigned i = 0; i < timeline->settings->points; i++) {
        struct timeline_output *output = &timeline->output[i];

        if (output->on)
            output->on_us += now.us - output->since.us;
    }
}

static void tell_totals(const struct timeline *timeline, const char *why)
{
    int64_t us = timeline->began ? timeline->printed.us - timeline->begin.us : 0;
    char clock[DURATION];

    if (timeline->json) {
        fprintf(timeline->to,
                "\n],\n\"totals\": {\"finished\": %s, \"time_ms\": %" PRId64
                ", \"file_lines\": %" PRIu64 ", \"host_lines\": %" PRIu64
                ", \"swallowed\": %" PRIu64 ", \"injected\": %" PRIu64 "},\n\"outputs\": {",
                why == NULL ? "true" : "false", us / 1000, timeline->file.lines,
                timeline->host_lines, timeline->swallowed, timeline->injected);
        return;
    }
    clock_words(us, clock);
    fprintf(timeline->to,
            "\nprinted in %s: %" PRIu64 " of the file's lines, %" PRIu64
            " from the host with its polls, %" PRIu64 " carried out here, %" PRIu64 " injected\n",
            clock, timeline->file.lines, timeline->host_lines, timeline->swallowed,
            timeline->injected);
}

void timeline_totals(struct timeline *timeline, const char *why)
{
    unsigned outputs = 0;

    tell_totals(timeline, why);
    for (unsigned i = 0; i < timeline->settings->points; i++) {
        if (!is_output(timeline, i))
            continue;
        if (timeline->json && outputs++ > 0)
            fputs(", ", timeline->to);
        tell_output(timeline, i);
    }
    if (timeline->json)
        fputs("},\n\"warnings\": [", timeline->to);
    warn(timeline);
}

void timeline_end(struct timeline *timeline, const char *why)
{
    if (!timeline->json) {
        if (why != NULL)
            fprintf(timeline->to, "the print did not come to its end: %s\n", why);
        return;
    }
    fputs("],\n\"error\": ", timeline->to);
    if (why != NULL)
        quoted_json(timeline->to, why);
    else
        fputs("null", timeline->to);
    fputs("}\n", timeline->to);
}
