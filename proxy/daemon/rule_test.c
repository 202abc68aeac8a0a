#include "daemon/rule_test_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/print_job.h"
#include "wire/gcode_line.h"

#define BOARD_STARTS_MS 5000
#define EFFECT_MS       100 /* what happens has had its effect after that */
#define BOOT_MS         50

static bool is_expectation(const struct rule_test_step *step)
{
    return step->kind >= TEST_EXPECT_POINT;
}

/* --- what is written to the host and the printer --- */

static struct span command_of(struct span line)
{
    struct gcode_line parsed;

    gcode_line_parse(line, &parsed);
    return parsed.command;
}

/* A line is there: the expectations that follow up to the next thing that happens may want it. */
static void hear(struct rule_test_run *run, enum rule_test_kind kind, struct span line)
{
    const struct rule_test *test = run->test;

    for (unsigned i = run->at; i < test->steps; i++) {
        const struct rule_test_step *step = &test->step[i];

        if (step->kind == kind) {
            run->heard[i] |= kind == TEST_EXPECT_SAID
                                 ? span_contains(line, step->text)
                                 : span_equal_nocase(command_of(line), command_of(step->text));
        } else if (!is_expectation(step) && step->kind != TEST_WAIT &&
                   step->item != test->step[run->at].item) {
            return;
        }
    }
}

static void take_bytes(struct rule_test_run *run, struct rule_test_heard *heard,
                       enum rule_test_kind kind, struct span bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        struct text kept = {heard->kept[heard->count % RULE_TEST_KEPT], sizeof heard->kept[0] - 1,
                            0, false};

        if (bytes.data[i] != '\n') {
            if (heard->length < RULE_TEST_LINE)
                heard->line[heard->length++] = bytes.data[i];
            continue;
        }
        hear(run, kind, (struct span){heard->line, heard->length});
        text_add(&kept, (struct span){heard->line, heard->length});
        kept.data[kept.length] = '\0';
        heard->count++;
        heard->length = 0;
    }
}

static void on_bytes(void *watcher, enum world_kind kind, enum proxy_port port, struct span bytes)
{
    struct rule_test_run *run = watcher;

    if (kind != WORLD_TO)
        return;
    if (port == PROXY_HOST)
        take_bytes(run, &run->host, TEST_EXPECT_SAID, bytes);
    else if (port == PROXY_PRINTER)
        take_bytes(run, &run->printer, TEST_EXPECT_SENT, bytes);
}

static void on_event(void *watcher, const struct event *event)
{
    struct rule_test_run *run = watcher;

    if (event->kind == EVENT_PRINT && event->is >= 0)
        run->facts |= 1U << event->is;
}

static void on_program(void *watcher, const struct proxy_program *program)
{
    struct rule_test_run *run = watcher;

    for (unsigned i = 0; i < run->settings->programs; i++) {
        if (span_equal(program->name, span_of(run->settings->program[i].name)))
            run->ran |= 1U << i;
    }
}

/* What was heard of late, for people. */
static void tell_heard(const struct rule_test_heard *heard, char *ret_text, size_t capacity)
{
    unsigned first = heard->count > RULE_TEST_KEPT ? heard->count - RULE_TEST_KEPT : 0;
    size_t length = 0;

    snprintf(ret_text, capacity, "nothing");
    for (unsigned i = first; i < heard->count && length < capacity; i++) {
        length += (size_t)snprintf(ret_text + length, capacity - length, "%s\"%s\"",
                                   i > first   ? ", "
                                   : first > 0 ? "… "
                                               : "",
                                   heard->kept[i % RULE_TEST_KEPT]);
    }
}

/* How long it takes to have its effect. */
static int64_t effect_ms(const struct rule_test_run *run, const struct rule_test_step *step)
{
    if (step->kind == TEST_WAIT)
        return 0;
    if (step->kind == TEST_TEMPERATURE && step->heater == 0) /* with the board's next report */
        return EFFECT_MS + run->settings->report_interval_ms;
    if (step->kind == TEST_POINT)
        return EFFECT_MS + run->settings->point[step->index].debounce_ms;
    return EFFECT_MS;
}

/* --- what is expected --- */

/* It is as it should be, or is not as it should not be. */
static bool agree(struct rule_test_run *run, const struct rule_test_step *step, bool is,
                  const char *expected, const char *got)
{
    if (is != step->never)
        return true;
    run->failure->step = step;
    snprintf(run->failure->expected, RULE_TEST_SAID, "%s%.490s", step->never ? "not " : "",
             expected);
    snprintf(run->failure->got, RULE_TEST_SAID, "%s", got);
    return false;
}

static bool expect_line(struct rule_test_run *run, const struct rule_test_step *step,
                        const struct rule_test_heard *heard, const char *verb)
{
    char expected[RULE_TEST_SAID], got[RULE_TEST_SAID];

    snprintf(expected, sizeof expected, "%s \"%.*s\"", verb, (int)step->text.length,
             step->text.data);
    tell_heard(heard, got, sizeof got);
    return agree(run, step, run->heard[step - run->test->step], expected, step->never ? "it" : got);
}

static bool expect_word(struct rule_test_run *run, const struct rule_test_step *step,
                        const char *what, const char *word, const char *is)
{
    char expected[RULE_TEST_SAID];

    snprintf(expected, sizeof expected, "%s %s", what, word);
    return agree(run, step, strcmp(word, is) == 0, expected, is);
}

static bool expect_ran(struct rule_test_run *run, const struct rule_test_step *step)
{
    char expected[RULE_TEST_SAID];

    snprintf(expected, sizeof expected, "ran %s", run->settings->program[step->index].name);
    return agree(run, step, (run->ran >> step->index & 1U) != 0, expected,
                 step->never ? "it" : "nothing");
}

static bool expect(struct rule_test_run *run, const struct rule_test_step *step)
{
    struct status status = rule_test_status(run);
    int value;

    switch (step->kind) {
    case TEST_EXPECT_POINT:
        return expect_word(run, step, run->settings->point[step->index].name,
                           point_state_word((enum point_state)step->value),
                           point_state_word(proxy_point(run->proxy, step->index, &value)));
    case TEST_EXPECT_PRINT:
        return expect_word(run, step, "print", print_state_word((enum print_state)step->value),
                           status.print_state);
    case TEST_EXPECT_PSU:
        return expect_word(run, step, "psu", step->value != 0 ? "on" : "off", status.psu_state);
    case TEST_EXPECT_SENT: return expect_line(run, step, &run->printer, "sent");
    case TEST_EXPECT_SAID: return expect_line(run, step, &run->host, "said");
    case TEST_EXPECT_RAN:
        return expect_ran(run, step);
    case TEST_GCODE:
    case TEST_REPLY:
    case TEST_POINT:
    case TEST_PRINT:
    case TEST_PRINTER:
    case TEST_HOST:
    case TEST_BOARD:
    case TEST_TEMPERATURE:
    case TEST_WAIT: break;
    }
    return true;
}

/* --- the run --- */

/* Is the first that the test says of it that it comes? */
static bool comes_later(const struct rule_test *test, enum rule_test_kind kind, int comes)
{
    for (unsigned i = 0; i < test->steps; i++) {
        if (test->step[i].kind == kind)
            return test->step[i].value == comes;
    }
    return false;
}

/* A printer that is online has power. */
static bool switch_on(struct rule_test_run *run)
{
    if (run->settings->psu.point == POINT_NONE)
        return true;
    happening_power_on(&run->happening);
    return rule_test_pass(run, 1000);
}

static bool make_ready(struct rule_test_run *run)
{
    const struct rule_test *test = run->test;
    bool printer = !comes_later(test, TEST_PRINTER, FACT_PRINTER_ONLINE);

    happening_rest(&run->happening);
    if (!printer)
        world_unplug(&run->world, PROXY_PRINTER);
    if (comes_later(test, TEST_BOARD, FACT_BOARD_ONLINE))
        world_unplug(&run->world, PROXY_BOARD);
    if (!rule_test_pass(run, BOARD_STARTS_MS))
        return false;
    if (!comes_later(test, TEST_HOST, FACT_HOST_CONNECTED) &&
        !(rule_test_host(run, FACT_HOST_CONNECTED) && rule_test_pass(run, 1000)))
        return false;
    return !printer || (switch_on(run) && rule_test_await(run, PROXY_PRINTER));
}

/* Something begins to happen: what was heard before does not count any more. */
static void forget_heard(struct rule_test_run *run)
{
    memset(run->heard, 0, sizeof run->heard);
    run->ran = 0;
    run->host.count = 0;
    run->printer.count = 0;
}

static bool run_steps(struct rule_test_run *run)
{
    const struct rule_test *test = run->test;
    bool temperature = false;

    for (unsigned i = 0; i < test->steps; i++) {
        const struct rule_test_step *step = &test->step[i];
        bool more = i + 1 < test->steps && test->step[i + 1].item == step->item;

        run->at = i;
        if (is_expectation(step)) {
            if (!expect(run, step))
                return false;
            continue;
        }
        if (step->kind != TEST_WAIT && (i == 0 || test->step[i - 1].item != step->item))
            forget_heard(run);
        if (!rule_test_happen(run, step))
            return false;
        temperature = step->kind == TEST_TEMPERATURE;
        if (temperature && !more)
            happening_report(&run->happening);
        if (!more && !rule_test_pass(run, effect_ms(run, step)))
            return false;
    }
    return true;
}

bool rule_test_run(const struct rule_test *test, const struct loaded *loaded,
                   struct rule_test_failure *ret_failure)
{
    struct rule_test_run *run = calloc(1, sizeof *run);
    const struct settings *settings = &loaded->settings;
    struct world_options options = {
        .settings = settings,
        .rules = &loaded->ruleset,
        .printer = sim_printer_manner_marlin(),
        .host_played = true,
        .listen = on_bytes,
        .event = on_event,
        .program = on_program,
        .watcher = run,
        .quick = true,
    };
    bool holds;

    if (run == NULL || (run->proxy = calloc(1, proxy_size())) == NULL)
        abort();
    run->test = test;
    run->settings = settings;
    run->failure = ret_failure;
    options.printer.baud = 0;
    options.printer.boot_ms = BOOT_MS;
    options.board = happening_board_of(settings);
    happening_supply(settings, &options);
    happening_init(&run->happening, &run->world, settings);
    world_init(&run->world, run->proxy, &options, (struct instant){0});
    holds = test->steps == 0 || (make_ready(run) && run_steps(run));
    free(run->proxy);
    free(run);
    return holds;
}
