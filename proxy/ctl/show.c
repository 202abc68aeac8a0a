#include "ctl/show.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "ctl/paint.h"

#define LABEL_COLUMNS 9  /* "printer  " */
#define NAME_COLUMNS  16 /* of a point, unless one is longer */
#define EVENT_COLUMNS 12 /* "temperature " */
#define WHAT_COLUMNS  24 /* "light on", before the cause */

/* The text at object.a.b, empty if there is none. */
static const char *at(json_t *object, const char *a, const char *b)
{
    json_t *part = json_object_get(object, a);
    const char *text = json_string_value(b != NULL ? json_object_get(part, b) : part);

    return text != NULL ? text : "";
}

static long long number_at(json_t *object, const char *a, const char *b)
{
    json_t *part = json_object_get(object, a);

    return (long long)json_integer_value(b != NULL ? json_object_get(part, b) : part);
}

static void print_blanks(size_t from, size_t to)
{
    printf("%*s", to > from ? (int)(to - from) : 0, "");
}

/* Of at least a second only whole seconds are of interest. */
static void print_duration(int64_t ms)
{
    char buffer[32];
    struct text text = TEXT_IN(buffer);

    if (ms >= 1000)
        ms -= ms % 1000;
    if (ms >= 3600 * 1000)
        printf("%lldh%02lldmin", (long long)ms / 3600000, (long long)ms / 60000 % 60);
    else if (ms >= 60 * 1000)
        printf("%lldmin%02llds", (long long)ms / 60000, (long long)ms / 1000 % 60);
    else {
        text_add_duration(&text, ms);
        printf("%.*s", (int)text.length, text.data);
    }
}

static void print_label(const char *label)
{
    printf("%-*s", LABEL_COLUMNS, label);
}

/* "/dev/ttySIO0: connected" */
static void print_port(json_t *object, const char *part)
{
    paint_text(at(object, part, "port"));
    printf(": ");
    paint_state(at(object, part, "state"));
}

/* ", 115200 baud" if there is one, ", Marlin" if that is known. */
static void print_details(json_t *status, const char *part)
{
    long long baud = number_at(status, part, "baud");
    const char *firmware = at(status, part, "firmware");

    if (baud > 0)
        printf(", %lld baud", baud);
    if (firmware[0] != '\0') {
        printf(", ");
        paint_text(firmware);
    }
    putchar('\n');
}

static void print_temperatures(json_t *status)
{
    json_t *heaters = json_object_get(json_object_get(status, "printer"), "temperatures"), *heater;
    const char *name, *separator = "";

    if (json_object_size(heaters) == 0)
        return;
    print_label("heat");
    json_object_foreach(heaters, name, heater)
    {
        printf("%s%s %.1f of %.1f C", separator, name,
               json_number_value(json_object_get(heater, "actual")),
               json_number_value(json_object_get(heater, "target")));
        separator = ", ";
    }
    putchar('\n');
}

static void print_board(json_t *status)
{
    json_t *board = json_object_get(status, "board");

    if (strcmp(at(status, "board", "state"), "none") == 0)
        return;
    print_label("board");
    print_port(status, "board");
    print_details(status, "board");
    if (json_is_object(json_object_get(board, "share"))) {
        print_label("share");
        print_port(board, "share");
        putchar('\n');
    }
}

static void print_print(json_t *status)
{
    print_label("print");
    paint_state(at(status, "print", "state"));
    if (strcmp(at(status, "print", "source"), "none") != 0)
        printf(", from %s", at(status, "print", "source"));
    if (at(status, "print", "file")[0] != '\0') {
        printf(", ");
        paint_text(at(status, "print", "file"));
    }
    printf(", %lld lines\n", number_at(status, "print", "lines"));
}

static void print_waiting(json_t *status)
{
    json_t *waiting = json_object_get(status, "waiting");
    json_t *timeout = json_object_get(waiting, "timeout_ms");

    if (!json_is_object(waiting))
        return;
    print_label("waiting");
    printf("for %s, by ", at(status, "waiting", "for"));
    paint_text(at(status, "waiting", "rule"));
    printf(", since ");
    print_duration(number_at(status, "waiting", "since_ms"));
    if (json_is_integer(timeout)) {
        printf(", at most ");
        print_duration(json_integer_value(timeout));
    }
    putchar('\n');
}

/* What the config does not name has nothing to say. */
static void print_safety(json_t *status, const char *what)
{
    if (strcmp(at(status, what, "state"), "none") == 0)
        return;
    print_label(what);
    paint_state(at(status, what, "state"));
    putchar('\n');
}

/* As many to a line as there is room for. */
static void print_counters(json_t *status)
{
    json_t *counters = json_object_get(status, "counters"), *value;
    size_t columns = paint_columns(), column = LABEL_COLUMNS;
    const char *name;
    bool first = true;

    print_label("counted");
    json_object_foreach(counters, name, value)
    {
        char counter[64];
        size_t length = (size_t)snprintf(counter, sizeof counter, "%s %lld", name,
                                         (long long)json_integer_value(value));

        if (!first && column + 2 + length + 1 > columns) { /* and the comma behind it */
            printf(",\n%*s", LABEL_COLUMNS, "");
            column = LABEL_COLUMNS;
        } else if (!first) {
            printf(", ");
            column += 2;
        }
        printf("%s", counter);
        column += length;
        first = false;
    }
    putchar('\n');
}

void show_status(json_t *status)
{
    printf("%s (sioproxy %s), up ", at(status, "name", NULL), at(status, "version", NULL));
    print_duration(number_at(status, "uptime_ms", NULL));
    putchar('\n');
    print_label("host");
    print_port(status, "host");
    print_details(status, "host");
    print_label("printer");
    print_port(status, "printer");
    print_details(status, "printer");
    print_temperatures(status);
    print_board(status);
    print_print(status);
    print_waiting(status);
    print_safety(status, "estop");
    print_safety(status, "filament");
    print_safety(status, "psu");
    print_counters(status);
}

/* "102 of 255", "23.4C 45%", or nothing. The columns that it takes. */
static size_t value_text(json_t *point, char *text, size_t capacity)
{
    json_t *value = json_object_get(point, "value");

    text[0] = '\0';
    if (json_is_integer(value))
        snprintf(text, capacity, "%lld of 255", (long long)json_integer_value(value));
    if (json_is_real(value))
        snprintf(text, capacity, "%.1fC %.0f%%", json_real_value(value),
                 json_number_value(json_object_get(point, "humidity")));
    return strlen(text);
}

static void print_point(json_t *point, size_t names, size_t values)
{
    const char *state = at(point, "state", NULL), *label = at(point, "label", NULL);
    char value[48], rest[96];
    size_t length;

    value_text(point, value, sizeof value);
    length = (size_t)snprintf(rest, sizeof rest, "%-6s io %-3lld%s%-*s", at(point, "type", NULL),
                              number_at(point, "io", NULL), values > 0 ? " " : "", (int)values,
                              value);
    while (label[0] == '\0' && length > 0 && rest[length - 1] == ' ')
        rest[--length] = '\0'; /* nothing stands behind it */
    printf("%-*s ", (int)names, at(point, "name", NULL));
    paint_state(state);
    print_blanks(strlen(state), 8);
    printf("%s%s", rest, label[0] != '\0' ? "  " : "");
    paint_text(label);
    putchar('\n');
}

void show_points(json_t *points)
{
    size_t index, names = NAME_COLUMNS, values = 0;
    json_t *point;
    char value[48];

    json_array_foreach(points, index, point)
    {
        size_t name_length = strlen(at(point, "name", NULL));
        size_t value_length = value_text(point, value, sizeof value);

        names = name_length > names ? name_length : names;
        values = value_length > values ? value_length : values;
    }
    json_array_foreach(points, index, point) print_point(point, names, values);
}

/* The time of an event as the clock on the wall says it: "15:04:05.678". */
static void print_clock(const char *time)
{
    struct tm utc = {0}, local;
    const char *rest = strptime(time, "%Y-%m-%dT%H:%M:%S", &utc);
    time_t seconds = timegm(&utc);
    char clock[16];

    if (rest == NULL || localtime_r(&seconds, &local) == NULL) {
        paint_text(time);
        return;
    }
    strftime(clock, sizeof clock, "%H:%M:%S", &local);
    printf("%s%.4s", clock, rest);
}

void show_event(json_t *event)
{
    const char *name = at(event, "name", NULL), *state = at(event, "state", NULL);
    const char *cause = at(event, "cause", NULL);
    size_t columns = strlen(name) + (name[0] != '\0') + strlen(state);
    long long lost = number_at(event, "lost", NULL);

    if (lost > 0)
        printf("%lld events before this one were not shown: they came too fast\n", lost);
    print_clock(at(event, "time", NULL));
    printf(" %-*s", EVENT_COLUMNS, at(event, "event", NULL));
    paint_text(name);
    if (name[0] != '\0')
        putchar(' ');
    paint_state(state);
    if (cause[0] != '\0') {
        print_blanks(columns, WHAT_COLUMNS);
        printf("  ");
        paint_text(cause);
    }
    putchar('\n');
}
