#include "daemon/rule_test_parts.h"

#include <stdio.h>
#include <string.h>

#include "route/print_job.h"
#include "wire/gcode_line.h"

#define EFFECT_MS  100   /* between two looks whether it has happened */
#define PRINT_MS   1000  /* so long the core may take to see how the job stands */
#define COMES_MS   15000 /* so long a port or a machine may take to be there */
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

/* Time passes, and the host reads. False if the world stands still for ever. */
bool rule_test_pass(struct rule_test_run *run, int64_t ms)
{
    while (ms > 0) {
        int64_t part = ms < HAPPENING_REPORT_MS ? ms : HAPPENING_REPORT_MS;
        size_t count;

        if (!world_run_ms(&run->world, part))
            return rule_test_fail(run, "time to pass", run->world.broken);
        while ((count = world_written(&run->world, PROXY_HOST).length) > 0)
            world_read(&run->world, PROXY_HOST, count);
        ms -= part;
        if (ms > 0 && run->happening.sets > 0)
            happening_report(&run->happening);
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
            happening_report(&run->happening); /* a printer that says nothing is not online */
        if (!rule_test_pass(run, EFFECT_MS))
            return false;
    }
    return rule_test_fail(run, "it to be online",
                          port == PROXY_BOARD ? rule_test_status(run).board_state
                                              : rule_test_status(run).printer_state);
}

static bool happen_printer(struct rule_test_run *run, enum printer_fact fact)
{
    happening_printer(&run->happening, fact);
    return fact != FACT_PRINTER_ONLINE || rule_test_await(run, PROXY_PRINTER);
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
    happening_board(&run->happening, fact);
    return fact != FACT_BOARD_ONLINE || rule_test_await(run, PROXY_BOARD);
}

static bool happen_temperature(struct rule_test_run *run, const struct rule_test_step *step)
{
    return happening_temperature(&run->happening, step->heater, step->index, step->value) ||
           rule_test_fail(run, "fewer heaters", "one too many");
}

bool rule_test_happen(struct rule_test_run *run, const struct rule_test_step *step)
{
    switch (step->kind) {
    case TEST_GCODE: return happen_gcode(run, step);
    case TEST_REPLY:
        return happening_reply(&run->happening, step->text) ||
               rule_test_fail(run, "a line of the printer", "no printer");
    case TEST_POINT:
        happening_input(&run->happening, &run->settings->point[step->index],
                        step->value == POINT_ON);
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
