#include "daemon/rule_test_parts.h"

#include <stdio.h>
#include <string.h>

#include "route/print_job.h"
#include "wire/gcode_line.h"

#define EFFECT_MS  100   /* between two looks whether it has happened */
#define PRINT_MS   1000  /* so long the core may take to see how the job stands */
#define COMES_MS   15000 /* so long a port or a machine may take to be there */
#define REPORT_MS  5000  /* between two reports of temperatures that a test has set */
#define FOR_EVER_S 1e15  /* a heater that takes so long to cool stays as it is */
#define HOST_BAUD  115200

bool rule_test_fail(struct rule_test_run *run, const char *expected, const char *got)
{
    run->failure->step = &run->test->step[run->at];
    snprintf(run->failure->expected, RULE_TEST_SAID, "%s", expected);
    snprintf(run->failure->got, RULE_TEST_SAID, "%s", got);
    return false;
}

struct status rule_test_status(const struct rule_test_run *run)
{
    struct status status;

    proxy_status(run->proxy, run->world.now, &status);
    return status;
}

/* --- time --- */

/* The simulated printer has one tool and a bed. */
static bool is_simulated(char heater, unsigned index)
{
    return heater == 'B' || (heater == 'T' && index == 0);
}

/* One line for the printer's side of the core. False if the port is not there, or full. */
static bool printer_says(struct rule_test_run *run, struct span line)
{
    const struct world_port *port = &run->world.port[PROXY_PRINTER];

    if (!port->open || line.length + 1 > WORLD_WIRE - port->from.count)
        return false;
    world_write(&run->world, PROXY_PRINTER, line);
    world_write(&run->world, PROXY_PRINTER, SPAN("\n"));
    return true;
}

static void add_heater(struct text *text, const char *name, int64_t actual, double target)
{
    text_add_string(text, name);
    text_add_char(text, ':');
    text_add_thousandths(text, actual);
    text_add_string(text, " /");
    text_add_thousandths(text, (int64_t)(target * 1000));
}

/* An autoreport with what the test has set: the simulated printer itself has a tool and a bed. */
void rule_test_report(struct rule_test_run *run)
{
    struct sim_heater *heaters = run->world.printer.heaters;
    char line[400];
    struct text text = TEXT_IN(line);

    if (run->world.printer.state != SIM_PRINTER_UP)
        return;
    for (unsigned i = 0; i < 2; i++) {
        sim_heater_update(&heaters[i], run->world.now);
        add_heater(&text, i == 0 ? " T" : " B", (int64_t)(heaters[i].temperature * 1000 + 0.5),
                   heaters[i].target);
    }
    for (unsigned i = 0; i < run->sets; i++) {
        char name[8];

        if (is_simulated(run->set[i].heater, run->set[i].index))
            continue;
        snprintf(name, sizeof name, " %c", run->set[i].heater);
        if (run->set[i].heater == 'T')
            snprintf(name, sizeof name, " T%u", run->set[i].index);
        add_heater(&text, name, run->set[i].value, 0);
    }
    printer_says(run, text_span(&text));
}

/* Time passes, and the host reads. False if the world stands still for ever. */
bool rule_test_pass(struct rule_test_run *run, int64_t ms)
{
    while (ms > 0) {
        int64_t part = ms < REPORT_MS ? ms : REPORT_MS;
        size_t count;

        if (!world_run_ms(&run->world, part))
            return rule_test_fail(run, "time to pass", run->world.broken);
        while ((count = world_written(&run->world, PROXY_HOST).length) > 0)
            world_read(&run->world, PROXY_HOST, count);
        ms -= part;
        if (ms > 0 && run->sets > 0)
            rule_test_report(run);
    }
    return true;
}

/* --- what happens --- */

static bool host_writes(struct rule_test_run *run, struct span bytes)
{
    const struct world_port *port = &run->world.port[PROXY_HOST];

    if (!port->open)
        return rule_test_fail(run, "a line of the host", "no host: it is not connected");
    if (bytes.length > WORLD_WIRE - port->from.count)
        return rule_test_fail(run, "a line of the host", "too much that is waiting already");
    world_write(&run->world, PROXY_HOST, bytes);
    return true;
}

/* A line with its number, as in a job. */
static bool host_numbers(struct rule_test_run *run, struct span command)
{
    char line[RULE_TEST_LINE];
    struct text text = TEXT_IN(line);

    gcode_line_number(command, run->number++, &text);
    if (text.cut)
        return rule_test_fail(run, "a line of the host", "one that is too long");
    return host_writes(run, text_span(&text));
}

static bool happen_gcode(struct rule_test_run *run, const struct rule_test_step *step)
{
    struct gcode_line line;

    gcode_line_parse(step->text, &line);
    if (step->text.length > RULE_TEST_LINE || span_find(step->text, '\n') < step->text.length)
        return rule_test_fail(run, "one line", "a longer text");
    if (line.counted && strcmp(rule_test_status(run).print_state, "printing") == 0)
        return host_numbers(run, line.command);
    return host_writes(run, step->text) && host_writes(run, SPAN("\n"));
}

/* The lines by which OctoPrint does it. */
static bool write_print(struct rule_test_run *run, enum print_fact fact)
{
    static const struct span poll = SPAN_INIT("M105\n");

    switch (fact) {
    case PRINT_STARTED_FACT:
        run->number = 0;
        return host_writes(run, poll) && host_numbers(run, SPAN("M110 N0")) &&
               host_numbers(run, SPAN("G90"));
    case PRINT_PAUSED_FACT:
        return host_numbers(run, SPAN("M400")) && host_numbers(run, SPAN("M114")) &&
               host_writes(run, poll);
    case PRINT_RESUMED_FACT: return host_numbers(run, SPAN("G90"));
    case PRINT_CANCELLED_FACT: return host_numbers(run, SPAN("M108")) && host_writes(run, poll);
    case PRINT_FINISHED_FACT: return host_numbers(run, SPAN("M400")) && host_writes(run, poll);
    case PRINT_FAILED_FACT: /* it greets the printer anew */
        run->number = 0;
        return host_numbers(run, SPAN("M110 N0")) && host_numbers(run, SPAN("M115"));
    }
    return false;
}

/* Does the job stand as the fact would leave it? A rule may have asked for it, and got it. */
static bool stands_already(const struct rule_test_run *run, enum print_fact fact)
{
    const char *state = rule_test_status(run).print_state;

    return (fact == PRINT_PAUSED_FACT && strcmp(state, "paused") == 0) ||
           (fact == PRINT_CANCELLED_FACT && strcmp(state, "cancelled") == 0);
}

static bool happen_print(struct rule_test_run *run, enum print_fact fact)
{
    char expected[64], got[64];

    run->facts = 0;
    if (stands_already(run, fact))
        return true;
    if (!write_print(run, fact))
        return false;
    for (int64_t ms = 0; (run->facts >> fact & 1) == 0; ms += EFFECT_MS) {
        if (ms < PRINT_MS) {
            if (!rule_test_pass(run, EFFECT_MS))
                return false;
            continue;
        }
        snprintf(expected, sizeof expected, "a print that is %s", print_fact_word(fact));
        snprintf(got, sizeof got, "one that is %s", rule_test_status(run).print_state);
        return rule_test_fail(run, expected, got);
    }
    return true;
}

/* Until the printer or the board is online. */
bool rule_test_await(struct rule_test_run *run, enum proxy_port port)
{
    for (int64_t ms = 0; ms < COMES_MS; ms += EFFECT_MS) {
        struct status status = rule_test_status(run);

        if (strcmp(port == PROXY_BOARD ? status.board_state : status.printer_state, "online") == 0)
            return true;
        if (port == PROXY_PRINTER)
            rule_test_report(run); /* a printer that says nothing is not online */
        if (!rule_test_pass(run, EFFECT_MS))
            return false;
    }
    return rule_test_fail(run, "it to be online",
                          port == PROXY_BOARD ? rule_test_status(run).board_state
                                              : rule_test_status(run).printer_state);
}

static bool happen_printer(struct rule_test_run *run, enum printer_fact fact)
{
    struct world *world = &run->world;

    switch (fact) {
    case FACT_PRINTER_ONLINE:
        if (!world->port[PROXY_PRINTER].plugged)
            world_plug(world, PROXY_PRINTER);
        else if (world->printer.state == SIM_PRINTER_HALTED)
            sim_printer_reset(&world->printer, world->now);
        return rule_test_await(run, PROXY_PRINTER);
    case FACT_PRINTER_OFFLINE: world_unplug(world, PROXY_PRINTER); return true;
    case FACT_PRINTER_RESET: sim_printer_reset(&world->printer, world->now); break;
    case FACT_PRINTER_HALTED: /* by itself, as when a heater runs away */
        sim_printer_receive(&world->printer, SPAN("M112\n"), world->now);
        break;
    case FACT_PRINTER_SILENT: break;
    }
    world_settle(world);
    return true;
}

/* The host comes, and asks what it asks all the time. */
bool rule_test_host(struct rule_test_run *run, enum host_fact fact)
{
    if (fact == FACT_HOST_DISCONNECTED) {
        world_host_closes(&run->world);
        return true;
    }
    if (run->world.port[PROXY_HOST].open)
        return true;
    world_host_opens(&run->world, HOST_BAUD);
    return host_writes(run, SPAN("M105\n"));
}

static bool happen_board(struct rule_test_run *run, enum board_fact fact)
{
    if (fact == FACT_BOARD_LOST) {
        world_unplug(&run->world, PROXY_BOARD);
        return true;
    }
    if (!run->world.port[PROXY_BOARD].plugged)
        world_plug(&run->world, PROXY_BOARD);
    return rule_test_await(run, PROXY_BOARD);
}

static bool happen_temperature(struct rule_test_run *run, const struct rule_test_step *step)
{
    unsigned i = 0;

    if (step->heater == 0)
        return rule_test_fail(run, "a temperature that can be set",
                              "a dht point, which is always unknown in this version");
    while (i < run->sets &&
           (run->set[i].heater != step->heater || run->set[i].index != step->index))
        i++;
    if (i == RULE_TEST_HEATERS)
        return rule_test_fail(run, "fewer heaters", "one too many");
    if (i == run->sets)
        run->sets++;
    run->set[i].heater = step->heater;
    run->set[i].index = step->index;
    run->set[i].value = step->value;
    if (is_simulated(step->heater, step->index)) {
        struct sim_heater *heater = &run->world.printer.heaters[step->heater == 'B' ? 1 : 0];

        sim_heater_update(heater, run->world.now);
        heater->temperature = (double)step->value / 1000;
        heater->tau = FOR_EVER_S;
    }
    return true;
}

void rule_test_input(struct rule_test_run *run, const struct point_settings *point, bool on)
{
    sim_board_input(&run->world.board, point->io, on == point->active_high, run->world.now);
    world_settle(&run->world);
}

bool rule_test_happen(struct rule_test_run *run, const struct rule_test_step *step)
{
    switch (step->kind) {
    case TEST_GCODE: return happen_gcode(run, step);
    case TEST_REPLY:
        return printer_says(run, step->text) ||
               rule_test_fail(run, "a line of the printer", "no printer");
    case TEST_POINT:
        rule_test_input(run, &run->settings->point[step->index], step->value == POINT_ON);
        return true;
    case TEST_PRINT: return happen_print(run, (enum print_fact)step->value);
    case TEST_PRINTER: return happen_printer(run, (enum printer_fact)step->value);
    case TEST_HOST: return rule_test_host(run, (enum host_fact)step->value);
    case TEST_BOARD: return happen_board(run, (enum board_fact)step->value);
    case TEST_TEMPERATURE: return happen_temperature(run, step);
    case TEST_WAIT: return rule_test_pass(run, step->ms);
    case TEST_EXPECT_POINT:
    case TEST_EXPECT_PRINT:
    case TEST_EXPECT_PSU:
    case TEST_EXPECT_SENT:
    case TEST_EXPECT_SAID:
    case TEST_EXPECT_RAN: break;
    }
    return true;
}
