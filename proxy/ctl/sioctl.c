/*
 * sioctl: asks and commands a running sioproxy.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/connection.h"
#include "ctl/octoprint.h"
#include "ctl/record.h"
#include "ctl/serial_list.h"
#include "ctl/show.h"
#include "ctl/tell.h"

/* Longer than the board's three tries take. */
#define ANSWER_S 30

struct options {
    const char *name, *socket;
    bool json, force;
};

struct command {
    const char *word;
    const char *arguments; /* as the help says them; each names a member of the request */
    const char *help;
    int least, most;
    unsigned timeout_s;
};

/* In the order of the help. */
static const struct command commands[] = {
    {"status", "", "what the proxy knows", 0, 0, ANSWER_S},
    {"points", "", "every point and its state", 0, 0, ANSWER_S},
    {"get", "POINT", "on, off or unknown: status 0, 1 or 4", 1, 1, ANSWER_S},
    {"set", "POINT on|off|N%", "switches an output", 2, 2, ANSWER_S},
    {"pulse", "POINT DURATION", "on for 200ms, 1.5s, 2min, then off", 2, 2, 0},
    {"psu", "on|off|state [--force]", "the printer's power", 1, 1, 0},
    {"send", "LINE", "a line of G-code to the printer, in order", 1, 1000, 0},
    {"estop", "[state|trip|reset]", "the emergency stop", 0, 1, ANSWER_S},
    {"reset", "", "short for estop reset", 0, 0, ANSWER_S},
    {"continue", "", "ends what the stream waits for", 0, 0, ANSWER_S},
    {"watch", "", "prints what happens, a line each", 0, 0, ANSWER_S},
    {"log", "[N]", "the last N lines of the log", 0, 1, ANSWER_S},
    {"record", "FILE", "writes down everything, for `sioproxy replay`", 1, 1, 0},
    {"reload", "", "reads the config again", 0, 0, ANSWER_S},
    {"sim", "POINT on|off|DEGREES", "moves an input, warms a sensor of a simulated board", 2, 2,
     ANSWER_S},
    {"sim", "printer unplug|plug|reset|power-off|power-on|runout",
     "what happens to a simulated printer", 2, 2, ANSWER_S},
    {"sim", "board unplug|plug|reset", "what happens to a simulated board", 2, 2, ANSWER_S},
    {"ports", "", "the serial ports of this machine (needs no daemon)", 0, 0, 0},
    {"octoprint", "", "what to enter into OctoPrint (needs no daemon)", 0, 0, ANSWER_S},
};
#define HELP_COLUMN 24
#define COMMANDS (sizeof commands / sizeof commands[0])

static void print_usage(void)
{
    fputs("usage: sioctl [-n NAME | --socket PATH] [--json] COMMAND\n\n", stdout);
    for (size_t i = 0; i < COMMANDS; i++) {
        char line[80];

        snprintf(line, sizeof line, "%s %s", commands[i].word, commands[i].arguments);
        if (strlen(line) > HELP_COLUMN)
            printf("  %s\n  %-*s %s\n", line, HELP_COLUMN, "", commands[i].help);
        else
            printf("  %-*s %s\n", HELP_COLUMN, line, commands[i].help);
    }
    fputs("\n"
          "  -n, --name NAME      the daemon of that name; else the only one that runs\n"
          "      --socket PATH    the daemon that listens there\n"
          "      --json           answers as JSON\n"
          "      --force          psu off: also in a print\n"
          "  -h, --help           this text\n"
          "  -V, --version        the version\n"
          "\n"
          "Exit status: 0 done (or on), 1 off or refused, 2 usage, 3 no daemon, 4 unknown.\n",
          stdout);
}

static enum ctl_status wrong_usage(const char *why)
{
    tell("usage", "%s", why);
    return CTL_USAGE;
}

static void print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY);

    if (text != NULL)
        puts(text);
    free(text);
    fflush(stdout);
}

static enum ctl_status status_of_code(const char *code)
{
    if (code != NULL && strcmp(code, "usage") == 0)
        return CTL_USAGE;
    if (code != NULL && strcmp(code, "unknown") == 0)
        return CTL_UNKNOWN;
    return CTL_REFUSED;
}

static enum ctl_status status_of_state(const char *state)
{
    if (state != NULL && strcmp(state, "on") == 0)
        return CTL_DONE;
    return state != NULL && strcmp(state, "off") == 0 ? CTL_REFUSED : CTL_UNKNOWN;
}

/* The words as members of the request: their names are the daemon's (daemon/commands.h). */
static json_t *make_request(const char *word, char **words, int count)
{
    json_t *request = json_pack("{s:s}", "command", word);
    char line[4000];
    struct text text = TEXT_IN(line);

    if (strcmp(word, "send") == 0) {
        for (int i = 0; i < count; i++) {
            text_add_string(&text, i > 0 ? " " : "");
            text_add_string(&text, words[i]);
        }
        json_object_set_new(request, "line", json_stringn(text.data, text.length));
    } else if (strcmp(word, "log") == 0 && count == 1) {
        json_object_set_new(request, "lines", json_integer(strtol(words[0], NULL, 10)));
    } else if (strcmp(word, "estop") == 0) {
        json_object_set_new(request, "action", json_string(count == 1 ? words[0] : "state"));
    } else if (strcmp(word, "psu") == 0) {
        json_object_set_new(request, "state", json_string(words[0]));
    } else if (strcmp(word, "sim") == 0) {
        json_object_set_new(request, "target", json_string(words[0]));
        json_object_set_new(request, "action", json_string(words[1]));
    } else if (count >= 1) {
        json_object_set_new(request, "point", json_string(words[0]));
        if (count >= 2)
            json_object_set_new(request, strcmp(word, "pulse") == 0 ? "duration" : "state",
                                json_string(words[1]));
    }
    return request;
}

/* Has the request a member of that name that says this? */
static bool is_word(json_t *request, const char *name, const char *word)
{
    const char *text = json_string_value(json_object_get(request, name));

    return text != NULL && strcmp(text, word) == 0;
}

static void show_lines(json_t *lines)
{
    size_t index;
    json_t *line;

    json_array_foreach(lines, index, line) puts(json_string_value(line));
}

/* An answer that says ok. */
static enum ctl_status show(bool asks_state, json_t *reply, bool json)
{
    json_t *status = json_object_get(reply, "status"), *points = json_object_get(reply, "points");
    const char *state = json_string_value(json_object_get(reply, "state"));

    if (json)
        print_json(status != NULL ? status : points != NULL ? points : reply);
    else if (status != NULL)
        show_status(status);
    else if (points != NULL)
        show_points(points);
    else if (json_object_get(reply, "lines") != NULL)
        show_lines(json_object_get(reply, "lines"));
    else if (json_is_real(json_object_get(reply, "value")))
        printf("%.1fC %.0f%%\n", json_real_value(json_object_get(reply, "value")),
               json_number_value(json_object_get(reply, "humidity")));
    else if (state != NULL)
        puts(state);
    return asks_state ? status_of_state(state) : CTL_DONE;
}

/* Events until the daemon ends. */
static enum ctl_status watch(struct connection *connection, bool json)
{
    json_t *event;

    while ((event = connection_receive(connection, 0)) != NULL) {
        if (json)
            print_json(event);
        else
            show_event(event);
        fflush(stdout);
        json_decref(event);
    }
    tell("no_daemon", "the daemon has gone");
    return CTL_NO_DAEMON;
}

/* What is wrong besides the first. */
static void tell_more(json_t *mistakes)
{
    json_t *one;
    size_t index;

    json_array_foreach(mistakes, index, one)
    {
        if (index > 0)
            fprintf(stderr, "%s\n", json_string_value(one));
    }
}

static enum ctl_status ask(struct connection *connection, const char *word, json_t *request,
                           const struct options *options, unsigned timeout_s)
{
    bool watching = strcmp(word, "watch") == 0;
    bool asks_state =
        strcmp(word, "get") == 0 || (strcmp(word, "psu") == 0 && is_word(request, "state", "state"));
    json_t *reply;
    enum ctl_status status;

    if (!connection_send(connection, request))
        return CTL_NO_DAEMON;
    reply = connection_receive(connection, timeout_s);
    if (reply == NULL) {
        tell("no_daemon", "the daemon does not answer");
        return CTL_NO_DAEMON;
    }
    if (!json_is_true(json_object_get(reply, "ok"))) {
        const char *error = json_string_value(json_object_get(reply, "error"));

        if (options->json)
            print_json(reply);
        else
            tell("refused", "%s", error != NULL ? error : "refused");
        if (!options->json)
            tell_more(json_object_get(reply, "mistakes"));
        status = status_of_code(json_string_value(json_object_get(reply, "code")));
    } else {
        status = watching ? CTL_DONE : show(asks_state, reply, options->json);
    }
    json_decref(reply);
    return watching && status == CTL_DONE ? watch(connection, options->json) : status;
}

/* The member of the daemon's answer to a command without arguments, NULL if there is none. */
static json_t *ask_for(struct connection *connection, const char *word, const char *member)
{
    json_t *reply, *value = NULL;

    if (connection_send(connection, json_pack("{s:s}", "command", word)) &&
        (reply = connection_receive(connection, ANSWER_S)) != NULL) {
        value = json_incref(json_object_get(reply, member));
        json_decref(reply);
    }
    return value;
}

static enum ctl_status show_octoprint(struct connection *connection, const struct options *options)
{
    json_t *status = NULL, *points = NULL, *octoprint;
    enum ctl_status found = connection_try(connection, options->socket, options->name);

    if (found == CTL_USAGE)
        return found;
    if (found == CTL_DONE) {
        status = ask_for(connection, "status", "status");
        points = ask_for(connection, "points", "points");
    }
    octoprint = octoprint_make(status, points, options->name);
    if (options->json)
        print_json(octoprint);
    else
        octoprint_show(octoprint);
    json_decref(octoprint);
    json_decref(status);
    json_decref(points);
    return CTL_DONE;
}

static enum ctl_status show_ports(bool json)
{
    json_t *ports = serial_list(), *port;
    size_t index;

    if (json)
        print_json(ports);
    json_array_foreach(ports, index, port)
    {
        json_t *by_id = json_object_get(port, "by_id");
        json_t *product = json_object_get(port, "product");

        if (json)
            break;
        printf("%s", json_string_value(json_object_get(port, "port")));
        if (json_is_string(product))
            printf("  %s", json_string_value(product));
        if (json_is_string(by_id))
            printf("\n    %s", json_string_value(by_id));
        putchar('\n');
    }
    json_decref(ports);
    return CTL_DONE;
}

/* The command of that word, NULL if there is none. */
static const struct command *find_command(const char *word)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].word, word) == 0)
            return &commands[i];
    return NULL;
}

static enum ctl_status no_command(const char *word)
{
    const char *words[COMMANDS + 1], *nearest;
    char why[160];

    for (size_t i = 0; i < COMMANDS; i++)
        words[i] = commands[i].word;
    words[COMMANDS] = NULL;
    nearest = text_nearest(span_of(word), words);
    snprintf(why, sizeof why, "there is no command %.60s%s%s%s", word,
             nearest != NULL ? ": did you mean " : "", nearest != NULL ? nearest : "",
             nearest != NULL ? "?" : ": sioctl --help lists them");
    return wrong_usage(why);
}

/* How a command is used; `sim` has several rows. */
static enum ctl_status wrong_arguments(const struct command *command)
{
    char bytes[400];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "it is: ");
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].word, command->word) != 0)
            continue;
        text_add_string(&text, &commands[i] == command ? "sioctl " : ", or sioctl ");
        text_add_string(&text, command->word);
        text_add_string(&text, commands[i].arguments[0] != '\0' ? " " : "");
        text_add_string(&text, commands[i].arguments);
    }
    text_add_char(&text, '\0');
    return wrong_usage(bytes);
}

static enum ctl_status run(const struct options *options, char **words, int count)
{
    static struct connection connection;
    const struct command *command;
    enum ctl_status status;
    json_t *request;

    if (count == 0)
        return wrong_usage("which command? sioctl --help lists them");
    command = find_command(words[0]);
    if (command == NULL)
        return no_command(words[0]);
    words++;
    count--;
    if (count < command->least || count > command->most)
        return wrong_arguments(command);
    if (strcmp(command->word, "log") == 0 && count == 1 &&
        (strspn(words[0], "0123456789") != strlen(words[0]) || strtol(words[0], NULL, 10) == 0))
        return wrong_usage("log N: how many lines, 1 or more");
    if (strcmp(command->word, "ports") == 0)
        return show_ports(options->json);
    if (strcmp(command->word, "octoprint") == 0)
        return show_octoprint(&connection, options);
    if (options->force && strcmp(command->word, "psu") != 0)
        return wrong_usage("--force goes only with psu off");
    status = connection_open(&connection, options->socket, options->name);
    if (status != CTL_DONE)
        return status;
    if (strcmp(command->word, "record") == 0)
        return record(&connection, words[0]);
    request = make_request(command->word, words, count);
    if (options->force)
        json_object_set_new(request, "force", json_true());
    return ask(&connection, command->word, request, options, command->timeout_s);
}

/* An option that is none, or lacks its argument. */
static enum ctl_status wrong_option(const struct option *long_options, int option,
                                    const char *word)
{
    const char *words[16], *nearest = NULL;
    size_t count = 0;
    char why[160];

    if (option == ':') {
        snprintf(why, sizeof why, "%.60s wants an argument", word);
        return wrong_usage(why);
    }
    for (; long_options[count].name != NULL; count++)
        words[count] = long_options[count].name;
    words[count] = NULL;
    if (strncmp(word, "--", 2) == 0)
        nearest = text_nearest((struct span){word + 2, strcspn(word + 2, "=")}, words);
    snprintf(why, sizeof why, "there is no option %.60s%s%s%s", word,
             nearest != NULL ? ": did you mean --" : "", nearest != NULL ? nearest : "",
             nearest != NULL ? "?" : ": sioctl --help lists them");
    return wrong_usage(why);
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"name", required_argument, NULL, 'n'},
        {"socket", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"force", no_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {0};
    char letter[] = "-?";
    int option;

    opterr = 0;
    for (int i = 1; i < argc; i++) /* a mistake before it is told as JSON, too */
        if (strcmp(argv[i], "--json") == 0)
            tell_as_json(true);
    while ((option = getopt_long(argc, argv, ":n:hV", long_options, NULL)) != -1) {
        switch (option) {
        case 'n': options.name = optarg; break;
        case 's': options.socket = optarg; break;
        case 'j': options.json = true; break;
        case 'f': options.force = true; break;
        case 'h': print_usage(); return CTL_DONE;
        case 'V': puts("sioctl " SIOPROXY_VERSION); return CTL_DONE;
        default:
            letter[1] = (char)optopt; /* of `-1s` getopt is still at the word before it */
            if (option == '?' && optopt != 0 && strchr("nsjfhV", optopt) == NULL)
                return (int)wrong_option(long_options, option, letter);
            return (int)wrong_option(long_options, option, argv[optind - 1]);
        }
    }
    if (options.name != NULL && options.socket != NULL)
        return (int)wrong_usage("-n and --socket exclude each other");
    return (int)run(&options, argv + optind, argc - optind);
}
