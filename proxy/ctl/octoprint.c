#include "ctl/octoprint.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The scripts that OctoPrint sends at a mark of the job, and what its settings call them. */
static const struct {
    const char *script, *title, *line;
} marks[] = {
    {"beforePrintStarted", "Before print job starts", "M889 J1"},
    {"afterPrintPaused", "After print job is paused", "M889 J2"},
    {"beforePrintResumed", "Before print job is resumed", "M889 J3"},
    {"afterPrintDone", "After print job completes", "M889 J4"},
    {"afterPrintCancelled", "After print job is cancelled", "M889 J5"},
};
#define MARKS (sizeof marks / sizeof marks[0])

/* Real ports, by which OctoPrint would find the printer and the board behind our back. */
static const char *const real_ports[] = {"/dev/ttyUSB*", "/dev/ttyACM*"};
#define REAL_PORTS (sizeof real_ports / sizeof real_ports[0])

static const char *text_at(json_t *object, const char *part, const char *member)
{
    const char *text = json_string_value(json_object_get(json_object_get(object, part), member));

    return text != NULL ? text : "";
}

/* --- ports ------------------------------------------------------------------------------------ */

/* The port for guests of the board, NULL if there is none. */
static const char *share_port(json_t *status)
{
    json_t *share = json_object_get(json_object_get(status, "board"), "share");

    return json_string_value(json_object_get(share, "port"));
}

/* The share is there for the plugin SIO Control, which lists what OctoPrint is told to add. */
static json_t *additional_ports(json_t *status, const char *name)
{
    const char *port = text_at(status, "host", "port"), *share = share_port(status);

    if (port[0] != '\0')
        return share != NULL ? json_pack("[s, s]", port, share) : json_pack("[s]", port);
    return json_pack("[o]", json_sprintf("/run/sioproxy/%s/printer", name != NULL ? name : "*"));
}

/* The device behind a configured port, unless a pattern of the list names it already. */
static void add_device(json_t *list, const char *port)
{
    char path[PATH_MAX];
    json_t *pattern;
    size_t index;

    if (strncmp(port, "/dev/", 5) != 0)
        return;
    if (realpath(port, path) != NULL)
        port = path;
    if (strncmp(port, "/dev/", 5) != 0 || strchr(port + 5, '/') != NULL)
        return; /* OctoPrint does not list it */
    json_array_foreach(list, index, pattern)
    {
        if (fnmatch(json_string_value(pattern), port, 0) == 0)
            return;
    }
    json_array_append_new(list, json_string(port));
}

static json_t *blacklisted_ports(json_t *status)
{
    const char *ours = text_at(status, "host", "port");
    json_t *list = json_array();

    for (size_t i = 0; i < REAL_PORTS; i++)
        if (fnmatch(real_ports[i], ours, 0) != 0)
            json_array_append_new(list, json_string(real_ports[i]));
    add_device(list, text_at(status, "printer", "port"));
    add_device(list, text_at(status, "board", "port"));
    if (share_port(status) != NULL) /* no printer; the plugin does not mind this list */
        json_array_append_new(list, json_string(share_port(status)));
    return list;
}

/* --- scripts and controls --------------------------------------------------------------------- */

static json_t *scripts(void)
{
    json_t *object = json_object();

    for (size_t i = 0; i < MARKS; i++)
        json_object_set_new(object, marks[i].script, json_string(marks[i].line));
    return object;
}

/* A button that works in mid-print, too. */
static json_t *button(const char *what, const char *word, const char *command)
{
    return json_pack("{s:o, s:s, s:s}", "name", json_sprintf("%s%s", what, word), "command",
                     command, "enabled", "self.isOperational()");
}

/* A line of text that follows `echo:sioproxy WHAT STATE`. */
static json_t *display(const char *label, const char *what)
{
    return json_pack("{s:s, s:o, s:o}", "name", label, "regex",
                     json_sprintf("echo:sioproxy %s (\\w+)", what), "template",
                     json_sprintf("%s: {0}", label));
}

/* M80 S is answered as Marlin does, not by a line of ours. */
static json_t *power_display(void)
{
    return json_pack("{s:s, s:s, s:s}", "name", "Power", "regex",
                     "(?:PS:|echo:sioproxy psu )(\\w+)", "template", "Power (1 is on): {0}");
}

static void add_output(json_t *list, const char *label, const char *name, bool dimmed)
{
    char command[80];

    snprintf(command, sizeof command, "M42 P%s S1", name);
    json_array_append_new(list, button(label, " on", command));
    snprintf(command, sizeof command, "M42 P%s S0", name);
    json_array_append_new(list, button(label, " off", command));
    if (!dimmed)
        return;
    snprintf(command, sizeof command, "M42 P%s S%%(value)s", name);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:[{s:s, s:s, s:i, s:{s:i, s:i, s:i}}]}",
                                          "name", label, "command", command, "enabled",
                                          "self.isOperational()", "input", "name", "0 to 255",
                                          "parameter", "value", "default", 128, "slider", "min", 0,
                                          "max", 255, "step", 1));
}

static void add_point(json_t *buttons, json_t *displays, json_t *point)
{
    const char *name = json_string_value(json_object_get(point, "name"));
    const char *label = json_string_value(json_object_get(point, "label"));
    const char *type = json_string_value(json_object_get(point, "type"));
    char what[80];

    if (name == NULL || type == NULL)
        return;
    if (label == NULL || label[0] == '\0')
        label = name;
    if (strcmp(type, "output") == 0 || strcmp(type, "pwm") == 0)
        add_output(buttons, label, name, strcmp(type, "pwm") == 0);
    snprintf(what, sizeof what, "point %s", name);
    json_array_append_new(displays, display(label, what));
}

static bool is_configured(json_t *status, const char *part)
{
    const char *state = text_at(status, part, "state");

    return state[0] != '\0' && strcmp(state, "none") != 0;
}

/* A button that asks for all that is displayed. */
static json_t *read_button(json_t *status, json_t *points)
{
    json_t *commands = json_array();

    if (json_array_size(points) > 0)
        json_array_append_new(commands, json_string("M43"));
    if (is_configured(status, "psu"))
        json_array_append_new(commands, json_string("M80 S"));
    if (is_configured(status, "filament"))
        json_array_append_new(commands, json_string("M412"));
    return json_pack("{s:s, s:o, s:s}", "name", "Read", "commands", commands, "enabled",
                     "self.isOperational()");
}

static json_t *group(const char *name, json_t *children)
{
    return json_pack("{s:s, s:s, s:O}", "name", name, "layout", "horizontal", "children", children);
}

static json_t *controls(json_t *status, json_t *points)
{
    json_t *list = json_array(), *buttons = json_array(), *displays = json_array(), *point;
    size_t index;

    json_array_foreach(points, index, point) add_point(buttons, displays, point);
    if (is_configured(status, "psu")) {
        json_array_append_new(buttons, button("Printer", " on", "M80"));
        json_array_append_new(buttons, button("Printer", " off", "M81"));
        json_array_append_new(displays, power_display());
    }
    if (is_configured(status, "filament"))
        json_array_append_new(displays, display("Filament", "filament"));
    if (is_configured(status, "estop"))
        json_array_append_new(buttons, button("Reset", " emergency stop", "M999"));
    if (json_array_size(displays) > 0)
        json_array_append_new(displays, read_button(status, points));
    if (json_array_size(buttons) > 0)
        json_array_append_new(list, group("Switch", buttons));
    if (json_array_size(displays) > 0)
        json_array_append_new(list, group("Points", displays));
    json_decref(buttons);
    json_decref(displays);
    return list;
}

json_t *octoprint_make(json_t *status, json_t *points, const char *name)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "additional_ports", additional_ports(status, name),
                     "blacklisted_ports", blacklisted_ports(status), "scripts", scripts(),
                     "controls", controls(status, points));
}

/* --- for people ------------------------------------------------------------------------------- */

/* Can YAML read it as a text without quotes? */
static bool is_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char others[] = "0123456789 ()._";
    size_t length = strspn(text, letters);
    const char *words[] = {"on", "off", "yes", "no", "true", "false", "null", "y", "n", NULL};

    for (size_t i = 0; words[i] != NULL; i++)
        if (strcasecmp(text, words[i]) == 0)
            return false;
    if (length == 0 || text[strlen(text) - 1] == ' ')
        return false;
    for (; text[length] != '\0'; length++)
        if (strchr(letters, text[length]) == NULL && strchr(others, text[length]) == NULL)
            return false;
    return true;
}

static void show_yaml(json_t *value, int indent);

static void show_scalar(json_t *value)
{
    char *text;

    if (json_is_string(value) && is_plain(json_string_value(value))) {
        printf(" %s\n", json_string_value(value));
        return;
    }
    text = json_dumps(value, JSON_ENCODE_ANY);
    printf(" %s\n", text != NULL ? text : "\"?\"");
    free(text);
}

static void show_member(const char *key, json_t *value, int indent)
{
    printf("%s:", key);
    if (json_is_array(value) || json_is_object(value)) {
        putchar('\n');
        show_yaml(value, json_is_array(value) ? indent : indent + 2);
    } else {
        show_scalar(value);
    }
}

/* A list or a mapping; its first line begins behind `indent` blanks. */
static void show_yaml(json_t *value, int indent)
{
    json_t *part, *member;
    size_t index;
    const char *key;

    json_array_foreach(value, index, part)
    {
        bool first = true;

        printf("%*s-", indent, "");
        if (!json_is_object(part)) {
            show_scalar(part);
            continue;
        }
        json_object_foreach(part, key, member)
        {
            printf("%*s", first ? 1 : indent + 2, "");
            show_member(key, member, indent + 2);
            first = false;
        }
    }
    json_object_foreach(value, key, part)
    {
        printf("%*s", indent, "");
        show_member(key, part, indent);
    }
}

static void show_list(const char *title, json_t *list)
{
    json_t *line;
    size_t index;

    printf("%s:\n", title);
    json_array_foreach(list, index, line) printf("    %s\n", json_string_value(line));
}

void octoprint_show(json_t *octoprint)
{
    json_t *list = json_object_get(octoprint, "controls");

    puts("# OctoPrint's settings, Serial Connection, General: a line each");
    show_list("Additional serial ports", json_object_get(octoprint, "additional_ports"));
    show_list("Blacklisted serial ports", json_object_get(octoprint, "blacklisted_ports"));
    puts("\n# OctoPrint's settings, GCODE Scripts: in front of what stands there");
    for (size_t i = 0; i < MARKS; i++)
        printf("%s:\n    %s\n", marks[i].title, marks[i].line);
    if (json_array_size(list) == 0) {
        puts("\n# Custom controls: none. With a daemon that runs there is one for each of its "
             "points.");
        return;
    }
    puts("\n# OctoPrint's config.yaml, while OctoPrint does not run (or by the Custom Control "
         "Manager)\n"
         "controls:");
    show_yaml(list, 0);
}
