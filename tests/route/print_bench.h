/*
 * A print job, a host and a printer as lines, and the facts that come of them.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/print_job.h"

static struct print_job job;
static struct instant now;

static int set_up(void **unused)
{
    (void)unused;
    now = (struct instant){1000000};
    print_job_init(&job);
    return 0;
}

static void check(void)
{
    const char *broken = print_job_check(&job);

    if (broken != NULL)
        fail_msg("%s", broken);
}

/* The host sends these lines; each is answered before the next. */
static void host(const char *first, ...)
{
    va_list lines;

    va_start(lines, first);
    for (const char *line = first; line != NULL; line = va_arg(lines, const char *)) {
        uint64_t before = job.facts_told;
        struct gcode_line parsed;
        bool news;

        gcode_line_parse(span_of(line), &parsed);
        news = print_job_line(&job, &parsed);
        assert_int_equal(news, job.facts_told != before);
        print_job_settled(&job, true, now);
        print_job_settled(&job, false, now);
        check();
    }
    va_end(lines);
}

/* The printer says these lines. */
static void __attribute__((unused)) printer(const char *first, ...)
{
    va_list lines;

    va_start(lines, first);
    for (const char *line = first; line != NULL; line = va_arg(lines, const char *)) {
        struct printer_reply reply;

        printer_reply_parse(span_of(line), &reply);
        print_job_reply(&job, &reply);
        print_job_settled(&job, false, now);
        check();
    }
    va_end(lines);
}

/* Nobody says anything for so long. */
static void silence(int64_t ms)
{
    struct instant end = instant_after_ms(now, ms);

    while (!instant_is_never(print_job_deadline(&job)) &&
           instant_due(print_job_deadline(&job), end)) {
        if (now.us < print_job_deadline(&job).us)
            now = print_job_deadline(&job);
        print_job_expire(&job, now);
        check();
    }
    now = end;
}

/* What has happened since asked last, in one line: "started paused". */
static void expect_facts(const char *facts)
{
    char bytes[128];
    struct text text = TEXT_IN(bytes);
    enum print_fact fact;

    text.capacity--;
    while (print_job_next_fact(&job, &fact)) {
        if (text.length > 0)
            text_add_char(&text, ' ');
        text_add_string(&text, print_fact_word(fact));
    }
    bytes[text.length] = '\0';
    assert_string_equal(bytes, facts);
}

/* OctoPrint 1.11.8 connects, as seen. */
static void connect(void)
{
    print_job_host_opened(&job);
    host("N0 M110 N0*125", "N0 M110 N0*125", "N0 M110 N0*125", "N1 M115*39", "M21", "M155 S2",
         NULL);
    expect_facts("");
}

static void __attribute__((unused)) start_print(void)
{
    connect();
    host("N0 M110 N0*125", "N1 G28", "N2 G1 X10", "N3 G1 X20 E1", NULL);
    expect_facts("started");
    assert_int_equal(job.state, PRINT_PRINTING);
}
