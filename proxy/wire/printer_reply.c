#include "wire/printer_reply.h"

/* Hotter than anything that answers: what is beyond is no temperature. */
#define HEATER_LIMIT (INT64_C(100000) * 1000)

/* As OctoPrint strips a line: blanks first, then NULs. */
static struct span stripped(struct span text)
{
    text = span_trim(text);
    while (text.length > 0 && text.data[0] == '\0') {
        text = span_skip(text, 1);
    }
    while (text.length > 0 && text.data[text.length - 1] == '\0') {
        text.length--;
    }
    return text;
}

static struct span skip_blanks(struct span text)
{
    while (text.length > 0 && text_is_blank(text.data[0])) {
        text = span_skip(text, 1);
    }
    return text;
}

static bool contains_any(struct span text, const struct span *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_contains_nocase(text, parts[i])) {
            return true;
        }
    }
    return false;
}

/* The first row of digits in `text`, -1 if there is none or it does not fit. */
static int64_t first_number(struct span text)
{
    int64_t number;

    while (text.length > 0 && !text_is_digit(text.data[0])) {
        text = span_skip(text, 1);
    }
    return text_integer(text, &number) == 0 ? -1 : number;
}

/* `20.5` at the start of *text, which is shortened. */
static bool take_temperature(struct span *text, int32_t *ret_value)
{
    struct span rest = skip_blanks(*text);
    int64_t value;
    size_t used = text_decimal(rest, &value);

    if (used == 0 || value > HEATER_LIMIT || value < -HEATER_LIMIT) {
        return false;
    }
    *text = span_skip(rest, used);
    *ret_value = (int32_t)value;
    return true;
}

/* `T1:` at the start of *text, which is shortened. T without an index has `numbered` unset. */
static bool take_heater_name(struct span *text, struct printer_reply_heater *heater,
                             bool *ret_numbered)
{
    struct span rest = span_skip(*text, 1);
    int64_t index = 0;
    size_t used = 0;

    heater->name = text->data[0];
    if (heater->name != 'T' && heater->name != 'B' && heater->name != 'C') {
        return false;
    }
    if (heater->name == 'T' && rest.length > 0 && text_is_digit(rest.data[0])) {
        used = text_integer(rest, &index);
        if (used == 0 || index > UINT8_MAX) {
            return false;
        }
        rest = span_skip(rest, used);
    }
    if (rest.length == 0 || rest.data[0] != ':') {
        return false;
    }
    heater->index = (uint8_t)index;
    *text = span_skip(rest, 1);
    *ret_numbered = used > 0;
    return true;
}

static bool is_known(const struct printer_reply *reply, const struct printer_reply_heater *heater)
{
    for (unsigned i = 0; i < reply->heaters; i++) {
        if (reply->heater[i].name == heater->name && reply->heater[i].index == heater->index) {
            return true;
        }
    }
    return false;
}

/*
 * Every `T:20.0 /0.0`, `T1:…`, `B:…`, `C:…` of `text`, the first of each. A T without an index is
 * the tool in use and is forgotten if tools with an index stand beside it, as OctoPrint does.
 */
static void take_heaters(struct span text, struct printer_reply *reply)
{
    unsigned bare = PRINTER_REPLY_HEATERS;

    while (text.length > 0) {
        struct printer_reply_heater heater = {0};
        bool numbered = false;
        struct span rest;

        text = skip_blanks(text);
        rest = text;
        if (rest.length > 0 && take_heater_name(&rest, &heater, &numbered) &&
            take_temperature(&rest, &heater.actual)) {
            struct span after = skip_blanks(rest);

            if (after.length > 0 && after.data[0] == '/') {
                after = span_skip(after, 1);
                heater.has_target = take_temperature(&after, &heater.target);
                rest = heater.has_target ? after : rest;
            }
            if (numbered && bare < PRINTER_REPLY_HEATERS) {
                reply->heater[bare] = heater;
                bare = PRINTER_REPLY_HEATERS;
            } else if (reply->heaters < PRINTER_REPLY_HEATERS && !is_known(reply, &heater)) {
                if (heater.name == 'T' && !numbered) {
                    bare = reply->heaters;
                }
                reply->heater[reply->heaters++] = heater;
            }
            text = rest;
        }
        while (text.length > 0 && !text_is_blank(text.data[0])) {
            text = span_skip(text, 1);
        }
    }
}

static bool has_tool_or_bed(const struct printer_reply *reply)
{
    for (unsigned i = 0; i < reply->heaters; i++) {
        if (reply->heater[i].name != 'C') {
            return true;
        }
    }
    return false;
}

/* Does ` KEY:` begin here? */
static bool begins_key(struct span text)
{
    size_t i = 1;

    if (text.length < 2 || text.data[0] < 'A' || text.data[0] > 'Z') {
        return false;
    }
    while (i < text.length && ((text.data[i] >= 'A' && text.data[i] <= 'Z') ||
                               text_is_digit(text.data[i]) || text.data[i] == '_')) {
        i++;
    }
    return i < text.length && text.data[i] == ':';
}

/* `text` up to the next ` KEY:`. */
static struct span until_key(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text_is_blank(text.data[i]) && begins_key(span_skip(text, i + 1))) {
            text.length = i;
        }
    }
    return span_trim(text);
}

/* The value of FIRMWARE_NAME. Empty if it is not there. */
static struct span firmware_name(struct span text)
{
    static const struct span key = SPAN_INIT("FIRMWARE_NAME:");

    for (;;) {
        size_t end = span_find(text, ':') + 1;

        if (end > text.length) {
            return SPAN_NONE;
        }
        if (end >= key.length &&
            span_equal((struct span){text.data + end - key.length, key.length}, key)) {
            return until_key(span_skip(text, end));
        }
        text = span_skip(text, end);
    }
}

/* Its `Count A:0 B:0 C:0` and Smoothie's `C: X:0.0` are no heaters. */
static bool is_position(struct span text)
{
    return span_contains(text, SPAN("X:")) && span_contains(text, SPAN("Y:")) &&
           span_contains(text, SPAN("Z:"));
}

static void parse_ok(struct span line, struct printer_reply *reply)
{
    struct span rest = span_skip(line, 2);

    reply->kind = REPLY_OK;
    if (rest.length == 0) {
        return;
    }
    if (rest.length > 2 && rest.data[0] == ' ' && rest.data[1] == 'N' &&
        text_is_digit(rest.data[2])) {
        reply->number = first_number(rest);
    }
    if (span_find(rest, ':') < rest.length && !is_position(rest)) {
        take_heaters(rest, reply);
        reply->argument = firmware_name(rest);
    }
}

static bool parse_resend(struct span line, struct printer_reply *reply)
{
    struct span rest;

    if (span_starts_nocase(line, SPAN("resend"))) {
        rest = span_skip(line, 6); /* whatever the wire made of the rest: a host would obey it */
    } else if (span_starts_nocase(line, SPAN("rs"))) {
        rest = span_skip(line, 2);
        if (rest.length > 0 && text_is_letter(rest.data[0]) && text_upper(rest.data[0]) != 'N' &&
            !span_contains_nocase(rest, SPAN("nd:"))) { /* `Rsend: 5` was a Resend once */
            return false;
        }
    } else {
        return false;
    }
    reply->kind = REPLY_RESEND;
    reply->number = first_number(rest);
    return true;
}

static bool parse_busy(struct span line, struct printer_reply *reply)
{
    struct span rest = span_skip(line, span_starts(line, SPAN("echo:")) ? 5 : 0);

    if (!span_starts(rest, SPAN("busy:")) && !span_starts(rest, SPAN("busy "))) {
        return false;
    }
    reply->kind = REPLY_BUSY;
    reply->paused = span_contains(line, SPAN("paused for user"));
    return true;
}

/* `!! Shutdown due to M112 comma// Klipper state: Ready`: what it said before is over. */
static bool parse_ready(struct span line, struct printer_reply *reply)
{
    static const struct span ready = SPAN_INIT("// Klipper state: Ready");

    if (line.length <= ready.length ||
        !span_equal(span_skip(line, line.length - ready.length), ready)) {
        return false;
    }
    reply->text = span_skip(reply->text, (size_t)(line.data - reply->text.data) + line.length -
                                             ready.length);
    return true;
}

static bool parse_error(struct span line, struct printer_reply *reply)
{
    static const struct span numberings[] = {
        SPAN_INIT("line number"),  SPAN_INIT("linenumber"),    SPAN_INIT("checksum"),
        SPAN_INIT("format error"), SPAN_INIT("expected line"),
    };
    static const struct span halts[] = {
        SPAN_INIT("kill() called"),
        SPAN_INIT("printer halted"),
        SPAN_INIT("shutdown"),
    };

    if (!span_starts(line, SPAN("!!")) && !span_starts_nocase(line, SPAN("error:")) &&
        !span_starts_nocase(line, SPAN("fatal:"))) {
        return false;
    }
    if (parse_ready(line, reply)) {
        return true;
    }
    reply->kind = REPLY_ERROR;
    reply->numbering = contains_any(line, numberings, sizeof(numberings) / sizeof(numberings[0]));
    reply->halted = contains_any(line, halts, sizeof(halts) / sizeof(halts[0]));
    reply->unknown_command = span_contains_nocase(line, SPAN("unknown command"));
    reply->upload_failed = span_contains_nocase(line, SPAN("open failed"));
    return true;
}

static void parse_slashes(struct span line, struct printer_reply *reply)
{
    struct span rest = span_trim(span_skip(line, 2));

    if (span_starts(rest, SPAN("action:"))) {
        reply->kind = REPLY_ACTION;
        reply->argument = span_trim(span_skip(rest, 7));
        return;
    }
    reply->halted = span_starts_nocase(rest, SPAN("Klipper state: Shutdown"));
    reply->unknown_command = span_starts_nocase(rest, SPAN("unknown command"));
}

static bool parse_capability(struct span line, struct printer_reply *reply)
{
    struct span rest = span_skip(line, 4), value;
    size_t colon = span_find(rest, ':');

    value = span_skip(rest, colon + 1);
    if (!span_starts_nocase(line, SPAN("cap:")) || value.length != 1 ||
        (value.data[0] != '0' && value.data[0] != '1')) {
        return false;
    }
    rest.length = colon;
    reply->kind = REPLY_CAPABILITY;
    reply->argument = rest;
    reply->number = value.data[0] - '0';
    return true;
}

/* What an SD card is told by, and what an upload begins and fails with. */
static void parse_file_text(struct span line, struct printer_reply *reply)
{
    static const struct span starts[] = {
        SPAN_INIT("SD printing"),   SPAN_INIT("Not SD printing"), SPAN_INIT("Done printing file"),
        SPAN_INIT("File opened"),   SPAN_INIT("File selected"),   SPAN_INIT("Begin file list"),
        SPAN_INIT("End file list"),
    };

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (span_starts(line, starts[i])) {
            reply->kind = REPLY_SD;
            return;
        }
    }
    reply->upload_open = span_starts_nocase(line, SPAN("writing to file"));
    reply->upload_failed = span_starts_nocase(line, SPAN("open failed"));
}

/* What stands between the first quote and the last; SPAN_NONE if there are not two. */
static struct span quoted(struct span line)
{
    size_t first = span_find(line, '"'), last = span_find_last(line, '"');

    if (first == line.length || last == first)
        return SPAN_NONE;
    return (struct span){line.data + first + 1, last - first - 1};
}

/* Free text that may hold values: positions, temperatures, a firmware's name. */
static void parse_values(struct span line, struct printer_reply *reply)
{
    if (span_find(line, ':') == line.length) {
        return;
    }
    if (span_starts(line, SPAN("X:")) && is_position(line)) {
        reply->kind = REPLY_POSITION;
        return;
    }
    reply->argument = firmware_name(line);
    if (reply->argument.length == 0 &&
        (span_starts(line, SPAN("NAME:")) || span_starts(line, SPAN("NAME.")))) {
        reply->argument = until_key(span_skip(line, 5)); /* Malyan's way */
    }
    if (reply->argument.length > 0) {
        reply->kind = REPLY_FIRMWARE;
        return;
    }
    take_heaters(line, reply);
    if (has_tool_or_bed(reply)) {
        reply->kind = REPLY_TEMPERATURE;
    } else {
        reply->heaters = 0;
    }
}

/* What is left of an Error about numbers, or of its Resend, when the wire has hurt its beginning. */
static bool is_hurt_error(struct span line)
{
    return span_contains(line, SPAN(", Last Line: ")) || span_contains(line, SPAN("Resend: ")) ||
           span_contains(line, SPAN("Line Number is not Last Line Number"));
}

/*
 * `okError:checksum mismatch, …`, `okResend: 5`: the end of a refusal's ok was hurt, and the
 * refusal behind it counts. No line was ever answered by that.
 */
static bool parse_merged(struct span line, struct printer_reply *reply)
{
    for (size_t at = 2; at < 4 && at < line.length; at++) {
        struct span rest = span_skip(line, at);

        if ((span_starts_nocase(rest, SPAN("resend")) && parse_resend(rest, reply)) ||
            parse_error(rest, reply)) {
            reply->text = rest;
            return true;
        }
    }
    if (!is_hurt_error(line)) {
        return false;
    }
    reply->kind = REPLY_ERROR;
    reply->numbering = true;
    reply->text = span_skip(line, 2);
    return true;
}

/* What Marlin says of a reset's cause, and of its memory (MarlinCore.cpp, setup). */
static bool is_boot(struct span line)
{
    static const struct span causes[] = {SPAN_INIT("PowerUp"), SPAN_INIT("External Reset"),
                                         SPAN_INIT("Brown out Reset"), SPAN_INIT("Watchdog Reset"),
                                         SPAN_INIT("Software Reset")};

    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (span_equal(line, causes[i])) {
            return true;
        }
    }
    return span_contains(line, SPAN("PlannerBufferBytes: "));
}

static void parse_text(struct span line, struct printer_reply *reply)
{
    reply->numbering = is_hurt_error(line);
    reply->boot = is_boot(line);
    parse_file_text(line, reply);
    if (reply->kind == REPLY_TEXT) {
        parse_values(line, reply);
    }
}

/*
 * `okstart`, `ok T:2start`: a reset has cut it short. The line it would have answered is gone with all
 * the others.
 */
static bool parse_cut_short(struct span line, struct printer_reply *reply)
{
    struct span start = line.length < 7 ? SPAN_NONE : span_skip(line, line.length - 5);

    if (!span_equal(start, SPAN("start")) ||
        (line.length > 7 && text_is_letter(start.data[-1]) &&
         text_upper(start.data[-1]) != start.data[-1])) {
        return false; /* `restart` */
    }
    reply->kind = REPLY_START;
    reply->text = start;
    return true;
}

/* An ok, or what ran into one: a refusal, nothing shorter than `okError:`, or a start. */
static void parse_ok_line(struct span line, struct printer_reply *reply)
{
    const char *end = reply->text.data + reply->text.length;

    if (parse_cut_short(line, reply)) {
        return;
    }
    if (line.length >= 8 && parse_merged(line, reply)) {
        reply->text.length = (size_t)(end - reply->text.data);
    } else {
        parse_ok(line, reply);
    }
}

static void parse_echo(struct span line, struct printer_reply *reply)
{
    line = skip_blanks(span_skip(line, 5));
    reply->boot = is_boot(line);
    reply->halted = span_starts(line, SPAN("EMERGENCY SHUTDOWN DETECTED")); /* virtual printer */
    reply->unknown_command = span_starts_nocase(line, SPAN("unknown command"));
    if (reply->unknown_command) {
        reply->argument = quoted(line);
    }
    parse_file_text(line, reply);
}

static bool parse_word(struct span line, struct printer_reply *reply)
{
    if (span_equal(line, SPAN("start"))) {
        reply->kind = REPLY_START;
    } else if (span_equal(line, SPAN("wait"))) {
        reply->kind = REPLY_WAIT;
    } else {
        return false;
    }
    return true;
}

/* What its first letter promises. False if it is none of that, but text or values. */
static bool parse_by_letter(struct span line, bool at_start, struct printer_reply *reply)
{
    switch (line.data[0]) {
    case 'o':
        if (!span_starts(line, SPAN("ok"))) {
            return false;
        }
        parse_ok_line(line, reply);
        return true;
    case 'R':
    case 'r': return parse_resend(line, reply);
    case 'e':
    case 'E':
    case 'b':
    case 'F':
    case 'f':
    case '!':
        if (at_start && (parse_busy(line, reply) || parse_error(line, reply))) {
            return true;
        }
        if (!span_starts_nocase(line, SPAN("echo:"))) {
            return false;
        }
        parse_echo(line, reply);
        return true;
    case '/':
        if (!at_start || !span_starts(line, SPAN("//"))) {
            return false;
        }
        parse_slashes(line, reply);
        return true;
    case 's':
    case 'w': return parse_word(line, reply);
    case 'C':
    case 'c': return parse_capability(line, reply);
    case 'U':
    case 'u': reply->unknown_command = span_starts_nocase(line, SPAN("unknown command")); return false;
    default: return false;
    }
}

void printer_reply_parse(struct span content, struct printer_reply *ret_reply)
{
    struct span line = stripped(content);
    /* Where OctoPrint looks at the line as it came, blanks before it hide what it is. */
    bool at_start = line.length > 0 && line.data == content.data;

    *ret_reply = (struct printer_reply){.kind = REPLY_TEXT, .text = content, .number = -1};
    if (line.length > 0 && !parse_by_letter(line, at_start, ret_reply)) {
        parse_text(line, ret_reply);
    }
}
