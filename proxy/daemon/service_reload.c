#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/record_ring.h"
#include "daemon/recorder.h"
#include "daemon/service.h"
#include "daemon/sim_port.h"

/* `FILE:LINE:COLUMN: warning: …`, whatever the mistake quotes. */
static bool is_warning(struct span line)
{
    static const struct span warning = SPAN_INIT(": warning: "), error = SPAN_INIT(": error: ");

    for (; line.length > 0; line = span_skip(line, 1)) {
        if (span_starts(line, warning))
            return true;
        if (span_starts(line, error))
            return false;
    }
    return false;
}

/* Each mistake a line of the log; errors are what the asker is told, a line each. */
static void tell_mistakes(const char *mistakes, char *ret_why, size_t capacity)
{
    size_t told = 0;

    snprintf(ret_why, capacity, "the config cannot be read");
    while (*mistakes != '\0') {
        size_t length = strcspn(mistakes, "\n");
        struct span line = {mistakes, length};
        bool warning = is_warning(line);

        log_mistake(warning ? LOG_WARNING : LOG_ERROR, line);
        if (!warning && told + length + 2 < capacity)
            told += (size_t)snprintf(ret_why + told, capacity - told, "%s%.*s",
                                     told > 0 ? "\n" : "", (int)length, mistakes);
        mistakes += length + (mistakes[length] == '\n');
    }
}

/* What of the new settings we cannot take over while running, or NULL. */
static const char *what_needs_a_restart(const struct settings *old, const struct settings *new)
{
    if (strcmp(old->name, new->name) != 0)
        return "name";
    if (strcmp(old->host_port, new->host_port) != 0)
        return "host.port";
    if (strcmp(old->printer.path, new->printer.path) != 0)
        return "printer.port";
    if (strcmp(old->board.path, new->board.path) != 0)
        return "board.port";
    if (strcmp(old->board_share, new->board_share) != 0)
        return "board.share";
    if (strcmp(old->control_socket, new->control_socket) != 0)
        return "control.socket";
    if (strcmp(old->state_file, new->state_file) != 0)
        return "state";
    if (strcmp(old->record_folder, new->record_folder) != 0 ||
        old->record_size != new->record_size)
        return "record";
    return NULL;
}

/* Would it take the button away that has stopped the machine, and is to be seen before it goes on? */
static bool loses_latch(const struct service *service, const struct settings *new)
{
    struct status status;

    if (new->estop.point != POINT_NONE ||
        service->config->loaded.settings.estop.point == POINT_NONE)
        return false;
    proxy_status(service->proxy, clock_now(), &status);
    return strcmp(status.estop_state, "tripped") == 0 || strcmp(status.estop_state, "latched") == 0;
}

/* Is the new config one that we can go over to? If not, ret_why says why; all of it is told. */
static bool may_reload(const struct service *service, const struct config *new, char *ret_why,
                       size_t capacity)
{
    const struct settings *old = &service->config->loaded.settings;
    const char *changed;

    tell_mistakes(new->mistakes, ret_why, capacity);
    if (!new->valid)
        return false;
    changed = what_needs_a_restart(old, &new->loaded.settings);
    if (changed != NULL)
        snprintf(ret_why, capacity, "%s: %s has changed: needs a restart", new->path, changed);
    else if (loses_latch(service, &new->loaded.settings))
        snprintf(ret_why, capacity, "%s: estop is gone, and it is latched: reset it before",
                 new->path);
    else
        return true;
    log_write(LOG_ERROR, "%s", ret_why);
    return false;
}

bool service_reload(struct service *service, char *ret_why, size_t capacity)
{
    struct config *config = config_read(service->config->path);
    struct event event = {.at = clock_now(), .kind = EVENT_RELOAD, .level = LOG_INFO};
    bool ok = may_reload(service, config, ret_why, capacity);

    if (ok) {
        if (service->recorder != NULL)
            recorder_reload(service->recorder, config, event.at);
        record_ring_reload(service->ring, config, event.at);
        proxy_reload(service->proxy, &config->loaded.settings, &config->loaded.ruleset, event.at);
        log_level_set(config->loaded.settings.log);
        if (sim_port_is(service->port[PROXY_BOARD]))
            sim_port_rest(service->port[PROXY_BOARD], &config->loaded.settings);
    } else {
        snprintf(event.state, sizeof event.state, "refused");
        snprintf(event.cause, sizeof event.cause, "%.*s",
                 (int)(strcspn(ret_why, "\n") < 190 ? strcspn(ret_why, "\n") : 190), ret_why);
        service_show(service, &event);
    }
    config_free(ok ? service->config : config);
    if (ok) {
        service->config = config;
        service_feed(service, &(struct proxy_input){.kind = PROXY_TICK}); /* what follows, now */
    }
    return ok;
}
