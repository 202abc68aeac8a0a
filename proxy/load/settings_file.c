#include "load/settings_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/machine_file.h"
#include "load/points_file.h"

/* The rates that serial drivers have; a printer's firmware may ask for others, so they are bounds.
 */
#define BAUD_LEAST         300
#define BAUD_MOST          4000000
#define BOARD_BAUD         115200
#define IN_FLIGHT          120
#define IN_FLIGHT_MOST     65535
#define REPORT_INTERVAL_MS 3000
#define REPORT_LEAST_MS    500
#define REPORT_MOST_MS     10000
#define RUN_FOLDER         "/run/sioproxy"

/* NULL, or what is wrong with it as a daemon's name. */
static const char *wrong_with_name(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!text_is_letter(text.data[i]) && !text_is_digit(text.data[i]) &&
            span_find(SPAN("-_."), text.data[i]) == 3) {
            return "a name has only letters, digits, -, _ and . in it";
        }
    }
    return text.length == 0 || text.data[0] == '.' || text.data[0] == '-'
               ? "a name begins with a letter or digit"
               : NULL;
}

static void read_name(const struct fields *fields, const struct node *value, void *target)
{
    struct span text;

    (void)target;
    if (!field_text(fields, value, &text)) {
        return;
    }
    if (wrong_with_name(text) != NULL) {
        node_error(fields, value, "%s", wrong_with_name(text));
        return;
    }
    field_string(fields, value, fields->settings->name, sizeof(fields->settings->name));
}

static void read_host_port(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    field_path(fields, value, fields->settings->host_port, sizeof(fields->settings->host_port));
}

static void read_host_group(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    field_string(fields, value, fields->settings->host_group, sizeof(fields->settings->host_group));
}

static void read_host(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"port", read_host_port},
        {"group", read_host_group},
        {NULL, NULL},
    };

    fields_read(fields, value, keys, target);
}

/* HOST:PORT or [HOST]:PORT behind tcp:// */
static bool is_tcp_address(struct span address)
{
    size_t colon = span_find_last(address, ':');
    struct span digits = span_skip(address, colon + 1);
    struct span host = {address.data, colon};
    int64_t port;

    return colon < address.length && host.length > 0 && span_find(host, '/') == host.length &&
           span_find(host, ' ') == host.length && digits.length > 0 &&
           text_is_digit(digits.data[0]) && text_integer(digits, &port) == digits.length &&
           port >= 1 && port <= 65535;
}

/*
 * The end of `/dev/serial/by-id/usb-VENDOR_MODEL_SERIAL-if00-port0` before `-if`. A serial number
 * has digits and, if it is not all hexadecimal, no small letters.
 */
static bool has_serial_number(struct span name)
{
    bool digit = false, small = false, hex = true;
    size_t end = 0;

    for (size_t i = 0; i + 3 <= name.length; i++) {
        if (span_starts(span_skip(name, i), SPAN("-if"))) {
            end = i;
        }
    }
    if (end > 0) {
        name.length = end;
    }
    name = span_skip(name, span_find_last(name, '_') + 1);
    for (size_t i = 0; i < name.length; i++) {
        char byte = name.data[i];

        digit = digit || text_is_digit(byte);
        small = small || (byte >= 'a' && byte <= 'z');
        hex =
            hex && (!text_is_letter(byte) || (text_lower(byte) >= 'a' && text_lower(byte) <= 'f'));
    }
    return name.length >= 6 && digit && (!small || hex);
}

/* ttyUSB0 or AUTO: of those who write so nobody means a file beside the config. */
static void warn_of_folder(const struct fields *fields, const struct node *value)
{
    static const char *const words[] = {"simulated", NULL};
    static const char what[] = "a file of this name in the config's folder";

    if (text_nearest(value->text, words) != NULL) {
        node_warning(fields, value, "%s (did you mean simulated?)", what);
    } else if (span_starts(value->text, SPAN("tty"))) {
        node_warning(fields, value, "%s (did you mean /dev/%s?)", what, value->text.data);
    } else {
        node_warning(fields, value, "%s (sioctl ports lists this machine's)", what);
    }
}

static void read_port(const struct fields *fields, const struct node *value,
                      struct port_settings *ret_port)
{
    struct span text, by_id = SPAN("/dev/serial/by-id/");

    if (!field_text(fields, value, &text)) {
        return;
    }
    if (node_is(value, "simulated")) {
        if (field_string(fields, value, ret_port->path, sizeof(ret_port->path))) {
            ret_port->kind = PORT_SIMULATED;
        }
    } else if (span_starts_nocase(text, SPAN("tcp://"))) {
        if (!is_tcp_address(span_skip(text, 6))) {
            node_unexpected(fields, value, "tcp://HOST:PORT");
        } else if (field_string(fields, value, ret_port->path, sizeof(ret_port->path))) {
            ret_port->kind = PORT_TCP;
        }
    } else if (span_contains(text, SPAN("://"))) {
        node_unexpected(fields, value, "a device, tcp://HOST:PORT or simulated");
    } else if (field_path(fields, value, ret_port->path, sizeof(ret_port->path))) {
        ret_port->kind = PORT_SERIAL;
        if (span_find(text, '/') == text.length) {
            warn_of_folder(fields, value);
        }
        if (span_starts(text, by_id) && !has_serial_number(span_skip(text, by_id.length))) {
            node_warning(fields, value,
                         "this name has no serial number in it: two such adapters "
                         "swap (take the one in /dev/serial/by-path)");
        }
    }
}

static void read_printer_port(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    if (node_is(value, "none")) {
        node_error(fields, value, "a printer is needed: a device, tcp://HOST:PORT or simulated");
        return;
    }
    read_port(fields, value, &fields->settings->printer);
}

static void read_baud(const struct fields *fields, const struct node *value, uint32_t *ret_baud)
{
    int64_t baud;

    if (field_integer(fields, value, BAUD_LEAST, BAUD_MOST, &baud)) {
        *ret_baud = (uint32_t)baud;
    }
}

static void read_printer_baud(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    if (node_is(value, "follow")) {
        fields->settings->printer.baud = 0;
    } else if (value->kind == NODE_SCALAR && value->text.length > 0 &&
               text_is_digit(value->text.data[0])) {
        read_baud(fields, value, &fields->settings->printer.baud);
    } else {
        node_unexpected(fields, value, "follow or a number");
    }
}

static void read_in_flight(const struct fields *fields, const struct node *value, void *target)
{
    int64_t bytes;

    (void)target;
    if (field_integer(fields, value, 1, IN_FLIGHT_MOST, &bytes)) {
        fields->settings->in_flight = (uint32_t)bytes;
    }
}

static void read_reset_on_connect(const struct fields *fields, const struct node *value,
                                  void *target)
{
    static const char *const words[] = {"never", "halted", "always", NULL};
    static const enum reset_on_connect resets[] = {RESET_NEVER, RESET_HALTED, RESET_ALWAYS};
    unsigned index;

    (void)target;
    if (field_word(fields, value, words, &index)) {
        fields->settings->reset_on_connect = resets[index];
    }
}

static void read_printer(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"port", read_printer_port},
        {"baud", read_printer_baud},
        {"in_flight", read_in_flight},
        {"reset_on_connect", read_reset_on_connect},
        {NULL, NULL},
    };

    if (fields_read(fields, value, keys, target) && node_get(value, "port") == NULL) {
        key_error(fields, value, "port is missing");
    }
}

static void read_board_port(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    if (!node_is(value, "none")) {
        read_port(fields, value, &fields->settings->board);
    }
}

static void read_board_baud(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    read_baud(fields, value, &fields->settings->board.baud);
}

static void read_report_interval(const struct fields *fields, const struct node *value,
                                 void *target)
{
    int64_t ms;

    (void)target;
    if (field_duration(fields, value, REPORT_LEAST_MS, REPORT_MOST_MS, &ms)) {
        fields->settings->report_interval_ms = (uint32_t)ms;
    }
}

static void read_share(const struct fields *fields, const struct node *value, void *target)
{
    struct settings *settings = fields->settings;

    (void)target;
    if (!node_is(value, "none")) {
        field_path(fields, value, settings->board_share, sizeof(settings->board_share));
    }
}

static void read_share_writes(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"outputs", "all", "none", NULL};
    static const enum share_writes kinds[] = {SHARE_OUTPUTS, SHARE_ALL, SHARE_NONE};
    unsigned index;

    (void)target;
    if (field_word(fields, value, words, &index)) {
        fields->settings->share_writes = kinds[index];
    }
}

static void read_board(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"port", read_board_port},
        {"baud", read_board_baud},
        {"report_interval", read_report_interval},
        {"share", read_share},
        {"share_writes", read_share_writes},
        {NULL, NULL},
    };

    if (node_is(value, "none")) {
        return;
    }
    if (fields_read(fields, value, keys, target) && node_get(value, "port") == NULL) {
        key_error(fields, value, "port is missing (none if there is no board)");
    }
}

static void read_points(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    points_file_read(fields, value);
    points_file_warn(fields, value);
}

static void read_socket(const struct fields *fields, const struct node *value, void *target)
{
    /* sun_path has 108 bytes. */
    char path[108];

    (void)target;
    if (field_path(fields, value, path, sizeof(path))) {
        snprintf(fields->settings->control_socket, sizeof(fields->settings->control_socket), "%s",
                 path);
    }
}

static void read_socket_group(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    field_string(fields, value, fields->settings->control_group,
                 sizeof(fields->settings->control_group));
}

static void read_control(const struct fields *fields, const struct node *value, void *target)
{
    static const struct field keys[] = {
        {"socket", read_socket},
        {"group", read_socket_group},
        {NULL, NULL},
    };

    fields_read(fields, value, keys, target);
}

/* Which files these name is settled when they are read; here it is their form. */
static void read_mcodes(const struct fields *fields, const struct node *value, void *target)
{
    struct span text;

    (void)target;
    field_text(fields, value, &text);
}

static void read_rules(const struct fields *fields, const struct node *value, void *target)
{
    struct span text;

    (void)target;
    if (value->kind == NODE_SCALAR) {
        field_text(fields, value, &text);
    } else if (value->kind == NODE_MAP) {
        node_unexpected(fields, value, "a list of rule files");
    } else {
        for (const struct node *file = value->first; file != NULL; file = file->next) {
            if (file->kind != NODE_SCALAR) {
                node_error(fields, file,
                           "expected the name of a rule file, rules stand in files "
                           "of their own");
                return; /* a rule file in a config's place: once is enough */
            }
            field_text(fields, file, &text);
        }
    }
}

static void read_state(const struct fields *fields, const struct node *value, void *target)
{
    (void)target;
    field_path(fields, value, fields->settings->state_file, sizeof(fields->settings->state_file));
}

static void read_log(const struct fields *fields, const struct node *value, void *target)
{
    static const char *const words[] = {"error", "warning", "info", "debug", NULL};
    static const enum log_level levels[] = {LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    unsigned index;

    (void)target;
    if (field_word(fields, value, words, &index)) {
        fields->settings->log = levels[index];
    }
}

/* In the order of reading: ports before points, points before what names them. */
static const struct field root_keys[] = {
    {"name", read_name},
    {"host", read_host},
    {"printer", read_printer},
    {"board", read_board},
    {"points", read_points},
    {"psu", machine_file_psu},
    {"estop", machine_file_estop},
    {"filament", machine_file_filament},
    {"control", read_control},
    {"programs", machine_file_programs},
    {"mcodes", read_mcodes},
    {"rules", read_rules},
    {"record", machine_file_record},
    {"state", read_state},
    {"log", read_log},
    {NULL, NULL},
};

/* mk3 of /etc/sioproxy/mk3.yaml. False if that is no name. */
static bool name_from_file(struct settings *settings, const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *start = slash == NULL ? file : slash + 1;
    const char *dot = strrchr(start, '.');
    size_t length = dot == NULL || dot == start ? strlen(start) : (size_t)(dot - start);

    snprintf(settings->name, sizeof(settings->name), "%.*s", (int)length, start);
    return length < sizeof(settings->name) && wrong_with_name(span_of(settings->name)) == NULL;
}

static void fill_in(struct settings *settings, const char *state_directory)
{
    if (settings->host_port[0] == '\0') {
        snprintf(settings->host_port, sizeof(settings->host_port), RUN_FOLDER "/%s/printer",
                 settings->name);
    }
    if (settings->control_socket[0] == '\0') {
        snprintf(settings->control_socket, sizeof(settings->control_socket),
                 RUN_FOLDER "/%s/control", settings->name);
    }
    if (settings->state_file[0] != '\0') {
        return;
    }
    if (state_directory != NULL && state_directory[0] != '\0') {
        /* systemd gives several, with colons between them, if a unit names several. */
        snprintf(settings->state_file, sizeof(settings->state_file), "%.*s/%s.state",
                 (int)span_find(span_of(state_directory), ':'), state_directory, settings->name);
    } else {
        struct text text = {settings->state_file, sizeof(settings->state_file) - 1, 0, false};

        text_add_string(&text, settings->control_socket);
        text_add_string(&text, ".state");
        settings->state_file[text.length] = '\0';
    }
}

/* A name in the file system that only one of ours can have. */
struct own_name {
    const char *path;
    const struct node *node; /* NULL: the default */
    const char *is, *needs;
};

static const char *device_of(const struct port_settings *port)
{
    return port->kind == PORT_SERIAL || port->kind == PORT_TCP ? port->path : "";
}

/* Two of ours under one name cannot work. */
static void check_names(const struct fields *fields, const struct node *root)
{
    const struct settings *settings = fields->settings;
    const struct node *board = node_get(root, "board");
    const struct own_name names[] = {
        {device_of(&settings->printer), node_get(node_get(root, "printer"), "port"),
         "the printer's port", "the printer needs one of its own"},
        {device_of(&settings->board), node_get(board, "port"), "the board's port",
         "the board needs one of its own"},
        {settings->host_port, node_get(node_get(root, "host"), "port"), "the host's port",
         "the host needs one of its own"},
        {settings->control_socket, node_get(node_get(root, "control"), "socket"),
         "the control socket", "it needs a name of its own"},
        {settings->board_share, node_get(board, "share"), "the board's share",
         "guests need a name of their own"},
        {settings->state_file, node_get(root, "state"), "the state file",
         "it needs a name of its own"},
    };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (unsigned j = 0; j < i; j++) {
            const struct own_name *first = &names[names[i].node != NULL ? j : i];
            const struct own_name *second = &names[names[i].node != NULL ? i : j];

            if (names[i].path[0] != '\0' && strcmp(names[i].path, names[j].path) == 0 &&
                second->node != NULL) {
                node_error(fields, second->node, "this is %s, %s", first->is, second->needs);
            }
        }
    }
}

static void check_board(const struct fields *fields, const struct node *root)
{
    const struct settings *settings = fields->settings;
    const struct node *share = node_get(node_get(root, "board"), "share");
    const struct node *points = node_get(root, "points");

    if (settings->board.kind != PORT_NONE) {
        return;
    }
    if (settings->board_share[0] != '\0') {
        node_error(fields, share, "there is no board to be shared");
    }
    if (settings->points > 0 && fields->mistakes->errors == 0) {
        mistakes_warning(fields->mistakes, points->key->place,
                         "points: there is no board: they stay unknown (board.port says where it "
                         "is)");
    }
}

static void simulate(struct port_settings *port)
{
    port->kind = PORT_SIMULATED;
    snprintf(port->path, sizeof(port->path), "simulated");
}

void settings_file_read(const struct fields *fields, const struct node *root, const char *file,
                        const char *state_directory)
{
    struct settings *settings = fields->settings;
    struct place start = {file, 1, 1};

    settings_init(settings);
    settings->in_flight = IN_FLIGHT;
    settings->reset_on_connect = RESET_HALTED;
    settings->board.baud = BOARD_BAUD;
    settings->report_interval_ms = REPORT_INTERVAL_MS;
    settings->log = LOG_INFO;
    if (!name_from_file(settings, file) && node_get(root, "name") == NULL && !fields->example) {
        mistakes_error(fields->mistakes, start,
                       "name is missing: the file's own is longer than %zu letters, or has others "
                       "than a to z, digits, -, _ and .",
                       sizeof(settings->name) - 1);
    }
    if (fields->example) {
        simulate(&settings->printer);
        simulate(&settings->board);
    }
    if (root != NULL && !fields_read(fields, root, root_keys, NULL)) {
        return;
    }
    if (node_get(root, "printer") == NULL && !fields->example) {
        mistakes_error(fields->mistakes, start, "printer.port is missing");
    }
    fill_in(settings, state_directory);
    check_names(fields, root);
    check_board(fields, root);
}
