#include "load/events_file.h"

#include "route/print_job.h"
#include "route/temperatures.h"

#define SHOWN    40 /* bytes of a wrong word that are shown */
#define WARMEST  2000000
#define LONGEST  INT64_C(86400000000) /* ms: 1000 days, as in configs */
#define LINE_MAX INT64_C(1000000000)

/* One line as it is read. */
struct reading {
    struct span line; /* without comment */
    const char *file;
    unsigned number;
    const struct settings *settings;
    struct mistakes *mistakes;
    struct events_entry entry;
};

/* Where `at` stands, in characters: bytes that go on with a character are not counted. */
static struct place place_of(const struct reading *reading, struct span at)
{
    struct place place = {reading->file, reading->number, 1};

    for (const char *byte = reading->line.data; byte < at.data; byte++)
        place.column += ((unsigned char)*byte & 0xc0) != 0x80;
    return place;
}

/* "expected WHAT, got 'WORD' (did you mean …?)"; `words` may be NULL. False, always. */
static bool unexpected(const struct reading *reading, struct span word, const char *what,
                       const char *const *words)
{
    const char *nearest = words != NULL ? text_nearest(word, words) : NULL;
    struct place place = place_of(reading, word);
    int shown = word.length > SHOWN ? SHOWN : (int)word.length;

    if (word.length == 0)
        mistakes_error(reading->mistakes, place, "expected %s", what);
    else if (nearest == NULL)
        mistakes_error(reading->mistakes, place, "expected %s, got '%.*s'", what, shown, word.data);
    else
        mistakes_error(reading->mistakes, place, "expected %s, got '%.*s' (did you mean %s?)", what,
                       shown, word.data, nearest);
    return false;
}

/* Takes the first word off *rest, and the blanks around it. */
static struct span take_word(struct span *rest)
{
    struct span word = *rest = span_trim(*rest);

    word.length = 0;
    while (word.length < rest->length && !text_is_blank(rest->data[word.length]))
        word.length++;
    *rest = span_skip(*rest, word.length);
    while (rest->length > 0 && text_is_blank(rest->data[0]))
        *rest = span_skip(*rest, 1);
    return word;
}

/* --- when --- */

/* 1:02:03.45 or 2:03. */
static bool clock_time(struct span text, int64_t *ret_ms)
{
    int64_t seconds = 0, part, thousandths;
    unsigned colons = 0;
    size_t used;

    while (span_find(text, ':') < text.length) {
        used = text_integer(text, &part);
        if (used == 0 || used >= text.length || text.data[used] != ':' || part < 0 ||
            part > 24000 || ++colons > 2)
            return false;
        seconds = (seconds + part) * 60;
        text = span_skip(text, used + 1);
    }
    used = text_decimal(text, &thousandths);
    if (colons == 0 || used == 0 || used != text.length || !text_is_digit(text.data[0]) ||
        thousandths >= 60000)
        return false;
    *ret_ms = seconds * 1000 + thousandths;
    return *ret_ms <= LONGEST;
}

static bool read_number(struct reading *reading, struct span rest, enum events_when when)
{
    struct span word = take_word(&rest);
    size_t used = text_integer(word, &reading->entry.at);

    if (used == 0 || used != word.length || reading->entry.at < 1 || reading->entry.at > LINE_MAX)
        return unexpected(reading, word,
                          when == EVENTS_AT_LINE ? "the number of a line of the print file, from 1"
                                                 : "the number of a layer, from 1",
                          NULL);
    reading->entry.when = when;
    return rest.length == 0 || unexpected(reading, rest, "':'", NULL);
}

static bool read_when(struct reading *reading, struct span text)
{
    static const char *const words[] = {"line", "layer", NULL};
    struct span rest = text, word = take_word(&rest);

    if (span_equal(word, SPAN("line")))
        return read_number(reading, rest, EVENTS_AT_LINE);
    if (span_equal(word, SPAN("layer")))
        return read_number(reading, rest, EVENTS_AT_LAYER);
    reading->entry.when = EVENTS_AT_TIME;
    if (!text_duration(word, &reading->entry.at) && !clock_time(word, &reading->entry.at))
        return unexpected(
            reading, word,
            "line N, layer N, or a time like 90s, 1.5h or 0:01:30 from the print's begin", words);
    return rest.length == 0 || unexpected(reading, rest, "':'", NULL);
}

/* --- what --- */

static struct rule_test_step *step_of(struct reading *reading, enum rule_test_kind kind)
{
    reading->entry.step.kind = kind;
    return &reading->entry.step;
}

static bool read_fact(struct reading *reading, struct span rest, enum rule_test_kind kind)
{
    const char *const *words = rule_test_words(kind);
    struct span word = take_word(&rest);

    for (int i = 0; words[i] != NULL; i++) {
        if (!span_equal(word, span_of(words[i])))
            continue;
        if (kind == TEST_PRINT && i != PRINT_PAUSED_FACT && i != PRINT_RESUMED_FACT &&
            i != PRINT_CANCELLED_FACT)
            return unexpected(reading, word,
                              "paused, resumed or cancelled: the rest the print does", NULL);
        step_of(reading, kind)->value = i;
        return rest.length == 0 || unexpected(reading, rest, "the end of the line", NULL);
    }
    return unexpected(reading, word,
                      kind == TEST_PRINT     ? "paused, resumed or cancelled"
                      : kind == TEST_PRINTER ? "online, offline, reset or halted"
                      : kind == TEST_HOST    ? "connected or disconnected"
                                             : "online or lost",
                      words);
}

static bool read_text(struct reading *reading, struct span rest, enum rule_test_kind kind)
{
    step_of(reading, kind)->text = rest;
    return rest.length > 0 || unexpected(reading, rest,
                                         kind == TEST_GCODE ? "a line that somebody types"
                                                            : "a line that the printer says",
                                         NULL);
}

static bool read_degrees(struct reading *reading, struct span rest, char heater, unsigned index)
{
    struct rule_test_step *step = step_of(reading, TEST_TEMPERATURE);
    struct span word = take_word(&rest);
    int64_t thousandths;
    size_t used = text_decimal(word, &thousandths);

    if (used == 0 || used + 1 != word.length || word.data[used] != 'C' || thousandths < -273000 ||
        thousandths > WARMEST)
        return unexpected(reading, word, "a temperature with its unit, like 45C", NULL);
    step->heater = heater;
    step->index = (uint8_t)index;
    step->value = (int32_t)thousandths;
    return rest.length == 0 || unexpected(reading, rest, "the end of the line", NULL);
}

static bool read_switch(struct reading *reading, struct span rest, unsigned point)
{
    static const char *const words[] = {"on", "off", NULL};
    struct rule_test_step *step = step_of(reading, TEST_POINT);
    struct span word = take_word(&rest);

    step->index = (uint8_t)point;
    step->value = span_equal(word, SPAN("on"));
    if (step->value == 0 && !span_equal(word, SPAN("off")))
        return unexpected(reading, word, "on or off", words);
    return rest.length == 0 || unexpected(reading, rest, "the end of the line", NULL);
}

static bool read_point(struct reading *reading, struct span word, struct span rest)
{
    uint8_t point = settings_point(reading->settings, word);
    enum point_type type = reading->settings->point[point == POINT_NONE ? 0 : point].type;

    if (type == POINT_DHT)
        return read_degrees(reading, rest, 0, point);
    if (type == POINT_INPUT)
        return read_switch(reading, rest, point);
    mistakes_error(reading->mistakes, place_of(reading, word),
                   "%s is an output: only an input can be moved (to switch it: gcode M42 P%s S1)",
                   reading->settings->point[point].name, reading->settings->point[point].name);
    return false;
}

/* The word begins nothing that can happen. */
static bool unknown_word(const struct reading *reading, struct span word)
{
    static const char *const others[] = {"gcode", "reply", "print", "printer", "host", "board",
                                         "tool0", "bed",   "point", "chamber", NULL};
    const char *names[SETTINGS_POINTS + sizeof others / sizeof *others];
    unsigned count = 0;

    for (unsigned i = 0; i < reading->settings->points; i++)
        names[count++] = reading->settings->point[i].name;
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        names[count++] = others[i];
    return unexpected(
        reading, word,
        "an input, a heater, a dht point, or one of gcode, reply, print, printer, host "
        "and board",
        names);
}

static bool read_what(struct reading *reading, struct span text)
{
    static const struct {
        struct span word;
        enum rule_test_kind kind;
        bool (*read)(struct reading *reading, struct span rest, enum rule_test_kind kind);
    } words[] = {
        {SPAN_INIT("gcode"), TEST_GCODE, read_text},
        {SPAN_INIT("reply"), TEST_REPLY, read_text},
        {SPAN_INIT("print"), TEST_PRINT, read_fact},
        {SPAN_INIT("printer"), TEST_PRINTER, read_fact},
        {SPAN_INIT("host"), TEST_HOST, read_fact},
        {SPAN_INIT("board"), TEST_BOARD, read_fact},
    };
    struct span rest = text, word = take_word(&rest);
    bool point = span_equal(word, SPAN("point")); /* one may be called as anything else is */
    unsigned index;
    char heater;

    if (point)
        word = take_word(&rest);
    for (size_t i = 0; i < sizeof words / sizeof *words && !point; i++) {
        if (span_equal(word, words[i].word))
            return words[i].read(reading, rest, words[i].kind);
    }
    if (!point && temperatures_read(word, &heater, &index))
        return read_degrees(reading, rest, heater, index);
    if (settings_point(reading->settings, word) == POINT_NONE)
        return unknown_word(reading, word);
    return read_point(reading, word, rest);
}

/* --- the file --- */

/* The colon that ends the time, with a blank or nothing behind it: a time may have others. */
static size_t find_colon(struct span line)
{
    size_t at = 0;

    while (at < line.length &&
           (line.data[at] != ':' || (at + 1 < line.length && !text_is_blank(line.data[at + 1]))))
        at++;
    return at;
}

static bool read_line(struct reading *reading)
{
    static const char *const words[] = {"at", NULL};
    struct span rest = span_trim(reading->line), word, when;
    size_t colon;

    reading->entry = (struct events_entry){.text = rest};
    word = take_word(&rest);
    if (!span_equal(word, SPAN("at")))
        return unexpected(reading, word,
                          "a line like 'at line 1200: door on' or 'at 90s: door off'", words);
    colon = find_colon(rest);
    when = span_trim((struct span){rest.data, colon});
    reading->entry.step.line = reading->number;
    reading->entry.step.column = place_of(reading, span_trim(reading->line)).column;
    if (!read_when(reading, when))
        return false;
    rest = span_skip(rest, colon);
    if (rest.length == 0)
        return unexpected(reading, rest, "': ' and what happens then", NULL);
    reading->entry.what = span_trim(span_skip(rest, 1));
    return read_what(reading, reading->entry.what);
}

/* Takes a line off *text. */
static struct span take_line(struct span *text)
{
    struct span line = {text->data, span_find(*text, '\n')};

    *text = span_skip(*text, line.length + 1);
    return line;
}

/* Without the comment: a `#` at the begin, or with a blank before it. */
static struct span without_comment(struct span line)
{
    for (size_t i = 0; i < line.length; i++) {
        if (line.data[i] == '#' && (i == 0 || text_is_blank(line.data[i - 1])))
            line.length = i;
    }
    return line;
}

bool events_file_read(struct span text, const char *file, const struct settings *settings,
                      struct arena *arena, struct mistakes *mistakes,
                      struct events_file *ret_events)
{
    struct reading reading = {
        .file = file, .settings = settings, .mistakes = mistakes};
    struct events_file events = {.entry =
                                     arena_take(arena, EVENTS_FILE_MAX * sizeof *events.entry)};
    unsigned errors = mistakes->errors;

    while (text.length > 0) {
        reading.line = without_comment(take_line(&text));
        reading.number++;
        if (span_trim(reading.line).length == 0 || !read_line(&reading))
            continue;
        if (events.entries == EVENTS_FILE_MAX) {
            mistakes_error(mistakes, place_of(&reading, reading.line), "more than %d events",
                           EVENTS_FILE_MAX);
            break;
        }
        events.entry[events.entries++] = reading.entry;
    }
    if (mistakes->errors > errors)
        return false;
    *ret_events = events;
    return true;
}
