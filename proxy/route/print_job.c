#include "route/print_job.h"

#include <string.h>

void print_job_init(struct print_job *job)
{
    memset(job, 0, sizeof *job);
    job->sd_position = -1;
    job->quiet_since = INSTANT_NEVER;
}

static void add_fact(struct print_job *job, enum print_fact fact)
{
    if (job->facts == PRINT_FACTS) {
        job->first_fact = (uint8_t)((job->first_fact + 1) % PRINT_FACTS);
        job->facts--;
    }
    job->fact[(job->first_fact + job->facts) % PRINT_FACTS] = fact;
    job->facts++;
    job->facts_told++;
}

bool print_job_next_fact(struct print_job *job, enum print_fact *ret_fact)
{
    if (job->facts == 0)
        return false;
    *ret_fact = job->fact[job->first_fact];
    job->first_fact = (uint8_t)((job->first_fact + 1) % PRINT_FACTS);
    job->facts--;
    return true;
}

bool print_job_runs(const struct print_job *job)
{
    return job->state == PRINT_PRINTING || job->state == PRINT_PAUSED;
}

bool print_job_of_host(const struct print_job *job)
{
    return print_job_runs(job) && job->source == PRINT_SOURCE_HOST;
}

bool print_job_of_card(const struct print_job *job)
{
    return print_job_runs(job) && job->source == PRINT_SOURCE_SD;
}

/* What the card was told now it answers later: reports until then may be old. */
void print_job_ask_card(struct print_job *job)
{
    job->sd_waits = true;
    job->sd_position = -1;
}

/* The only writer of the state. */
static void enter(struct print_job *job, enum print_state state, enum print_fact fact)
{
    job->state = state;
    job->ending = PRINT_GOES_ON;
    job->asked = false;
    job->m400 = false;
    job->settling = 0;
    switch (state) {
    case PRINT_PRINTING:
    case PRINT_PAUSED: job->guessed = false; break;
    case PRINT_IDLE:
    case PRINT_FINISHED:
    case PRINT_CANCELLED:
    case PRINT_FAILED: job->source = PRINT_SOURCE_NONE; break;
    }
    add_fact(job, fact);
}

void print_job_start(struct print_job *job, enum print_source source)
{
    job->source = source;
    job->lines = 0;
    job->marked = false;
    job->not_sd = 0;
    if (source == PRINT_SOURCE_SD)
        print_job_ask_card(job);
    enter(job, PRINT_PRINTING, PRINT_STARTED_FACT);
}

void print_job_pause(struct print_job *job, uint8_t settling)
{
    enter(job, PRINT_PAUSED, PRINT_PAUSED_FACT);
    job->settling = settling;
}

void print_job_resume(struct print_job *job)
{
    enter(job, PRINT_PRINTING, PRINT_RESUMED_FACT);
}

void print_job_end(struct print_job *job, enum print_state state, bool guessed)
{
    job->guessed = guessed;
    print_job_ask_card(job);
    enter(job, state,
          state == PRINT_FINISHED    ? PRINT_FINISHED_FACT
          : state == PRINT_CANCELLED ? PRINT_CANCELLED_FACT
                                     : PRINT_FAILED_FACT);
}

/* The host is seen to have left the job as it was about to. */
static void conclude(struct print_job *job)
{
    switch (job->ending) {
    case PRINT_GOES_ON: return;
    case PRINT_STEPS_OUT:
    case PRINT_PAUSES:
        if (job->state == PRINT_PRINTING)
            print_job_pause(job, 0);
        return;
    case PRINT_FINISHES: print_job_end(job, PRINT_FINISHED, true); return;
    case PRINT_CANCELS: print_job_end(job, PRINT_CANCELLED, true); return;
    }
}

static void begin_ending(struct print_job *job, enum print_ending ending)
{
    job->ending = ending;
    job->asked = false;
    job->script = 0;
}

bool print_job_is_poll(const struct gcode_line *line)
{
    static const int16_t codes[] = {27, 73, 105, 113, 117, 118, 154, 155};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (gcode_line_is(line, 'M', codes[i]))
            return true;
    }
    return false;
}

/* A job that was running when the host began to count anew: is it over? */
static void close_old(struct print_job *job)
{
    if (job->ending == PRINT_FINISHES)
        print_job_end(job, PRINT_FINISHED, true);
    else
        print_job_end(job, PRINT_CANCELLED, true);
}

/* What a host says when it has connected, polls aside. */
static bool is_greeting(const struct gcode_line *line)
{
    return gcode_line_is(line, 'M', 115) || gcode_line_is(line, 'M', 20) ||
           gcode_line_is(line, 'M', 21);
}

/* The first numbered line behind an M110, polls aside. */
static void first_line(struct print_job *job, const struct gcode_line *line)
{
    job->m110 = false;
    if (is_greeting(line) || gcode_line_is(line, 'M', 28)) {
        if (print_job_of_host(job))
            print_job_end(job, PRINT_FAILED, false); /* it has connected anew */
        return;
    }
    if (print_job_of_host(job)) {
        if (!job->m110_anew && (job->ending == PRINT_GOES_ON || job->ending == PRINT_STEPS_OUT))
            return; /* numbers begin again in mid-job: some hosts do */
        close_old(job);
    }
    if (job->numbering != PRINT_NUMBERS_ALL && !job->aborting && !print_job_runs(job))
        print_job_start(job, PRINT_SOURCE_HOST);
}

/* A numbered line of a job that prints, no poll: is the host about to leave it? */
static void watch_ending(struct print_job *job, const struct gcode_line *line)
{
    bool after_m400 = job->m400;

    if (job->ending == PRINT_STEPS_OUT) {
        job->ending = PRINT_GOES_ON;
        job->mixes = true;
    }
    job->m400 = gcode_line_is(line, 'M', 400);
    if (job->ending != PRINT_GOES_ON && ++job->script > PRINT_SCRIPT_LINES) {
        job->ending = PRINT_GOES_ON;
        job->asked = false;
    }
    if (job->ending == PRINT_CANCELS)
        return;
    if (job->m400 && !job->asked)
        begin_ending(job, PRINT_FINISHES);
    else if (after_m400 && gcode_line_is(line, 'M', 114) && job->ending != PRINT_PAUSES)
        begin_ending(job, PRINT_PAUSES);
}

/*
 * A numbered line while paused: part of the pause, of a cancel, or the job goes on. An M114 that
 * OctoPrint sends with seconds between it and its M400 is still the pause's.
 */
static void watch_resume(struct print_job *job, const struct gcode_line *line)
{
    if (gcode_line_is(line, 'M', 114))
        return;
    if (job->ending == PRINT_CANCELS && ++job->script <= PRINT_SCRIPT_LINES)
        return;
    if (job->settling > 0) {
        job->settling--;
        return;
    }
    print_job_resume(job);
}

static void numbered_line(struct print_job *job, const struct gcode_line *line)
{
    if (gcode_line_is(line, 'M', 110)) {
        job->m110 = true;
        job->m110_anew = job->quiet || job->state == PRINT_PAUSED;
        return;
    }
    if (print_job_of_host(job))
        job->lines++;
    if (print_job_is_poll(line) || gcode_line_is(line, 'M', 889))
        return;
    if (job->m110) {
        first_line(job, line);
        if (job->state == PRINT_PRINTING && job->lines == 0)
            job->lines = 1;
        return;
    }
    if (job->numbering == PRINT_NUMBERS_ALL)
        return;
    if (print_job_of_host(job)) {
        if (job->state == PRINT_PRINTING)
            watch_ending(job, line);
        else
            watch_resume(job, line);
        return;
    }
    if (job->numbering == PRINT_NUMBERS_GREETING && !is_greeting(line)) {
        job->numbering = PRINT_NUMBERS_ALL;
    } else if (job->guessed && job->state != PRINT_FAILED) {
        job->source = PRINT_SOURCE_HOST;
        print_job_resume(job);
    } else if (job->numbering == PRINT_NUMBERS_UNKNOWN && !job->aborting) {
        /* what is left of a job that was broken off is none of both */
        job->numbering = is_greeting(line) ? PRINT_NUMBERS_GREETING : PRINT_NUMBERS_ALL;
    }
}

/* A line without number that OctoPrint would number in a job. */
static void plain_line(struct print_job *job, const struct gcode_line *line)
{
    job->m110 = job->m110 && print_job_is_poll(line);
    job->aborting = false;
    job->numbering = PRINT_NUMBERS_JOBS;
    job->settling = 0;
    if (!print_job_of_host(job))
        return;
    if (job->ending == PRINT_GOES_ON && job->state == PRINT_PRINTING)
        begin_ending(job, PRINT_STEPS_OUT);
    else if (job->ending != PRINT_STEPS_OUT && !job->mixes)
        conclude(job);
}

/* M108: in a numbered stream it is OctoPrint's cancel; typed into a paused job's terminal it is
 * not. */
static void m108(struct print_job *job, const struct gcode_line *line)
{
    if (print_job_of_host(job)) {
        if (line->numbered && job->numbering != PRINT_NUMBERS_ALL)
            begin_ending(job, PRINT_CANCELS);
    } else {
        print_job_card_line(job, line);
    }
}

bool print_job_line(struct print_job *job, const struct gcode_line *line)
{
    uint64_t before = job->facts_told;
    enum gcode_emergency emergency = gcode_line_emergency(line);

    if (emergency != GCODE_ORDINARY) {
        if (emergency == GCODE_M108) {
            job->heard = true;
            m108(job, line);
        }
        return job->facts_told != before;
    }
    if (line->numbered || line->counted) {
        job->last_numbered = line->numbered;
        job->heard |= !print_job_is_poll(line);
    }
    if (line->numbered)
        numbered_line(job, line);
    else if (line->counted)
        plain_line(job, line);
    else
        return false;
    if (!print_job_of_host(job))
        print_job_card_line(job, line);
    job->quiet = job->quiet && print_job_is_poll(line);
    return job->facts_told != before;
}

bool print_job_reply(struct print_job *job, const struct printer_reply *reply)
{
    uint64_t before = job->facts_told;

    if (reply->kind == REPLY_ACTION)
        return print_job_action(job, reply->argument);
    if (reply->kind == REPLY_SD)
        print_job_card_reply(job, reply->text);
    if (reply->upload_failed && !print_job_of_host(job)) {
        job->selected = false;
        if (job->state == PRINT_PRINTING && job->sd_position < 0)
            print_job_end(job, PRINT_FAILED, false);
    }
    return job->facts_told != before;
}

bool print_job_action(struct print_job *job, struct span action)
{
    uint64_t before = job->facts_told;
    struct span name = action;

    name.length = 0; /* parameters may follow, and once a second action was seen glued to it */
    while (name.length < action.length && text_is_letter(action.data[name.length]))
        name.length++;
    if (span_equal(name, SPAN("paused"))) {
        if (job->state == PRINT_PRINTING && job->ending != PRINT_CANCELS)
            print_job_pause(job, PRINT_STRAGGLERS);
    } else if (span_equal(name, SPAN("resumed"))) {
        if (job->state == PRINT_PAUSED && job->ending != PRINT_CANCELS)
            print_job_resume(job);
    } else if (span_equal(name, SPAN("pause"))) {
        if (print_job_of_host(job) && job->state == PRINT_PRINTING &&
            job->ending != PRINT_CANCELS) {
            begin_ending(job, PRINT_PAUSES);
            job->asked = true;
            job->heard = true;
        }
    } else if (span_equal(name, SPAN("cancel"))) {
        if (print_job_of_host(job)) {
            begin_ending(job, PRINT_CANCELS);
            job->heard = true; /* a host that hangs has to be silent from here on */
        }
    }
    return job->facts_told != before;
}

void print_job_stands(struct print_job *job)
{
    job->settling = 0;
}

static void mark_started(struct print_job *job)
{
    enum print_source source =
        !job->last_numbered && job->selected ? PRINT_SOURCE_SD : PRINT_SOURCE_HOST;

    if (print_job_runs(job) && !job->marked && !job->m110 && job->state == PRINT_PRINTING) {
        job->marked = true; /* guessed already, a line or two ago */
        return;
    }
    if (print_job_runs(job))
        close_old(job);
    job->m110 = false;
    job->aborting = false;
    print_job_start(job, source);
    job->marked = true;
}

bool print_job_mark(struct print_job *job, enum print_mark mark)
{
    uint64_t before = job->facts_told;

    if (!print_job_runs(job) && (mark == PRINT_MARK_PAUSED || mark == PRINT_MARK_RESUMED))
        job->source = PRINT_SOURCE_HOST; /* a job whose beginning was not seen */
    switch (mark) {
    case PRINT_MARK_STARTED: mark_started(job); break;
    case PRINT_MARK_PAUSED:
        if (job->state != PRINT_PAUSED)
            print_job_pause(job, 0);
        job->settling = PRINT_SCRIPT_LINES;
        break;
    case PRINT_MARK_RESUMED:
        if (job->state != PRINT_PRINTING)
            print_job_resume(job);
        break;
    case PRINT_MARK_FINISHED:
        job->marks_end = true;
        if (job->state != PRINT_FINISHED)
            print_job_end(job, PRINT_FINISHED, false);
        break;
    case PRINT_MARK_CANCELLED:
        if (job->state != PRINT_CANCELLED)
            print_job_end(job, PRINT_CANCELLED, false);
        break;
    }
    if (!print_job_runs(job))
        job->guessed = false;
    return job->facts_told != before;
}

void print_job_host_opened(struct print_job *job)
{
    job->numbering = PRINT_NUMBERS_UNKNOWN;
    job->mixes = false;
    job->last_numbered = false;
    job->m110 = false;
    job->aborting = false;
    job->guessed = false;
    job->quiet = false;
    job->quiet_since = INSTANT_NEVER;
}

bool print_job_host_closed(struct print_job *job)
{
    bool failed = print_job_of_host(job);

    print_job_host_opened(job);
    if (failed)
        print_job_end(job, PRINT_FAILED, false);
    return failed;
}

bool print_job_broken(struct print_job *job)
{
    bool failed = print_job_runs(job);

    job->m110 = false;
    job->guessed = false;
    job->selected = false;
    job->aborting |= print_job_of_host(job);
    if (failed)
        print_job_end(job, PRINT_FAILED, false);
    return failed;
}

void print_job_settled(struct print_job *job, bool owing, struct instant now)
{
    if (owing && !job->owing)
        job->owing_since = now;
    /* A host that waits for the ok of its poll cannot speak: that is no silence of its own. */
    if (job->owing && !owing && !instant_is_never(job->quiet_since))
        job->quiet_since = instant_after_us(job->quiet_since, now.us - job->owing_since.us);
    job->owing = owing;
    if (owing)
        return;
    job->sd_waits = false;
    if (job->heard || instant_is_never(job->quiet_since)) {
        job->quiet_since = now;
        job->quiet = false;
    }
    job->heard = false;
}

struct instant print_job_deadline(const struct print_job *job)
{
    if (job->owing || job->heard || instant_is_never(job->quiet_since) ||
        !(print_job_of_host(job) || job->aborting))
        return INSTANT_NEVER;
    if (!job->quiet)
        return instant_after_ms(job->quiet_since, PRINT_PAUSE_QUIET_MS);
    if (job->state == PRINT_PRINTING && job->ending == PRINT_FINISHES && !job->marks_end)
        return instant_after_ms(job->quiet_since, PRINT_FINISH_QUIET_MS);
    return INSTANT_NEVER;
}

bool print_job_expire(struct print_job *job, struct instant now)
{
    uint64_t before = job->facts_told;

    if (!instant_due(print_job_deadline(job), now))
        return false;
    if (!job->quiet) {
        job->quiet = true;
        job->aborting = false;
        job->settling = 0;
        if (print_job_of_host(job) && job->ending != PRINT_FINISHES)
            conclude(job);
    }
    if (instant_due(print_job_deadline(job), now))
        conclude(job);
    return job->facts_told != before;
}

const char *print_state_word(enum print_state state)
{
    switch (state) {
    case PRINT_IDLE: return "idle";
    case PRINT_PRINTING: return "printing";
    case PRINT_PAUSED: return "paused";
    case PRINT_FINISHED: return "finished";
    case PRINT_CANCELLED: return "cancelled";
    case PRINT_FAILED: return "failed";
    }
    return "idle";
}

const char *print_fact_word(enum print_fact fact)
{
    switch (fact) {
    case PRINT_STARTED_FACT: return "started";
    case PRINT_PAUSED_FACT: return "paused";
    case PRINT_RESUMED_FACT: return "resumed";
    case PRINT_CANCELLED_FACT: return "cancelled";
    case PRINT_FINISHED_FACT: return "finished";
    case PRINT_FAILED_FACT: return "failed";
    }
    return "failed";
}

const char *print_source_word(enum print_source source)
{
    switch (source) {
    case PRINT_SOURCE_NONE: return "none";
    case PRINT_SOURCE_HOST: return "host";
    case PRINT_SOURCE_SD: return "sd";
    }
    return "none";
}

const char *print_job_check(const struct print_job *job)
{
    if (print_job_runs(job) != (job->source != PRINT_SOURCE_NONE))
        return "print_job: a job that runs has a source, and no other";
    if (job->ending != PRINT_GOES_ON && !print_job_of_host(job))
        return "print_job: the end of a job is seen coming that the host does not stream";
    if (job->settling > 0 && job->state != PRINT_PAUSED)
        return "print_job: a pause settles without being one";
    if (job->asked && job->ending != PRINT_PAUSES)
        return "print_job: a pause was asked for and is not expected";
    if (job->guessed && print_job_runs(job))
        return "print_job: the end of a running job was guessed";
    if (job->facts > PRINT_FACTS)
        return "print_job: more facts than there is room for";
    if (memchr(job->file, '\0', sizeof job->file) == NULL)
        return "print_job: a file's name without end";
    return NULL;
}
