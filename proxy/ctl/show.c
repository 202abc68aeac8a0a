#include "ctl/show.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

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

/* ", 115200 baud" if there is one, ", Marlin" if that is known. */
static void print_details(json_t *status, const char *part)
{
    long long baud = number_at(status, part, "baud");
    const char *firmware = at(status, part, "firmware");

    if (baud > 0)
        printf(", %lld baud", baud);
    if (firmware[0] != '\0')
        printf(", %s", firmware);
    putchar('\n');
}

static void print_temperatures(json_t *status)
{
    json_t *heaters = json_object_get(json_object_get(status, "printer"), "temperatures"), *heater;
    const char *name, *separator = "heat     ";

    json_object_foreach(heaters, name, heater)
    {
        printf("%s%s %.1f of %.1f C", separator, name,
               json_number_value(json_object_get(heater, "actual")),
               json_number_value(json_object_get(heater, "target")));
        separator = ", ";
    }
    if (json_object_size(heaters) > 0)
        putchar('\n');
}

static void print_waiting(json_t *status)
{
    json_t *waiting = json_object_get(status, "waiting");
    json_t *timeout = json_object_get(waiting, "timeout_ms");

    if (!json_is_object(waiting))
        return;
    printf("waiting  for %s, by %s, since ", at(status, "waiting", "for"),
           at(status, "waiting", "rule"));
    print_duration(number_at(status, "waiting", "since_ms"));
    if (json_is_integer(timeout)) {
        printf(", at most ");
        print_duration(json_integer_value(timeout));
    }
    putchar('\n');
}

static void print_board(json_t *status)
{
    json_t *board = json_object_get(status, "board");

    if (strcmp(at(status, "board", "state"), "none") == 0)
        return;
    printf("board    %s: %s", at(status, "board", "port"), at(status, "board", "state"));
    print_details(status, "board");
    if (json_is_object(json_object_get(board, "share")))
        printf("share    %s: %s\n", at(board, "share", "port"), at(board, "share", "state"));
}

/* What the config does not name has nothing to say. */
static void print_safety(json_t *status, const char *what)
{
    if (strcmp(at(status, what, "state"), "none") != 0)
        printf("%-8s %s\n", what, at(status, what, "state"));
}

void show_status(json_t *status)
{
    json_t *counters = json_object_get(status, "counters"), *value;
    const char *name, *separator = "";

    printf("%s (sioproxy %s), up ", at(status, "name", NULL), at(status, "version", NULL));
    print_duration(number_at(status, "uptime_ms", NULL));
    printf("\nhost     %s: %s", at(status, "host", "port"), at(status, "host", "state"));
    print_details(status, "host");
    printf("printer  %s: %s", at(status, "printer", "port"), at(status, "printer", "state"));
    print_details(status, "printer");
    print_temperatures(status);
    print_board(status);
    printf("print    %s", at(status, "print", "state"));
    if (strcmp(at(status, "print", "source"), "none") != 0)
        printf(", from %s", at(status, "print", "source"));
    if (at(status, "print", "file")[0] != '\0')
        printf(", %s", at(status, "print", "file"));
    printf(", %lld lines\n", number_at(status, "print", "lines"));
    print_waiting(status);
    print_safety(status, "estop");
    print_safety(status, "filament");
    print_safety(status, "psu");
    printf("counted  ");
    json_object_foreach(counters, name, value)
    {
        printf("%s%s %lld", separator, name, (long long)json_integer_value(value));
        separator = ", ";
    }
    putchar('\n');
}

void show_points(json_t *points)
{
    size_t index;
    json_t *point;

    json_array_foreach(points, index, point)
    {
        json_t *value = json_object_get(point, "value");

        printf("%-16s %-7s %-6s io %-3lld", at(point, "name", NULL), at(point, "state", NULL),
               at(point, "type", NULL), number_at(point, "io", NULL));
        if (json_is_integer(value))
            printf(" %3lld of 255", (long long)json_integer_value(value));
        if (json_is_real(value))
            printf(" %.1fC %.0f%%", json_real_value(value),
                   json_number_value(json_object_get(point, "humidity")));
        if (at(point, "label", NULL)[0] != '\0')
            printf("  %s", at(point, "label", NULL));
        putchar('\n');
    }
}

void show_event(json_t *event)
{
    const char *name = at(event, "name", NULL), *cause = at(event, "cause", NULL);
    const char *time = at(event, "time", NULL);
    const char *clock = strchr(time, 'T');

    printf("%.12s %s", clock != NULL ? clock + 1 : time, at(event, "event", NULL));
    if (name[0] != '\0')
        printf(" %s", name);
    printf(" %s", at(event, "state", NULL));
    if (cause[0] != '\0')
        printf(" (%s)", cause);
    putchar('\n');
}
