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

static bool host_runs(const struct print_job *job)
{
    return print_job_runs(job) && job->source == PRINT_SOURCE_HOST;
}

static bool card_runs(const struct print_job *job)
{
    return print_job_runs(job) && job->source == PRINT_SOURCE_SD;
}

/* What the card was told now it answers later: reports until then may be old. */
static void ask_card(struct print_job *job)
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
    case PRINT_PAUSED: break;
    case PRINT_IDLE:
    case PRINT_FINISHED:
    case PRINT_CANCELLED:
    case PRINT_FAILED: job->source = PRINT_SOURCE_NONE; break;
    }
    add_fact(job, fact);
}

static void start(struct print_job *job, enum print_source source)
{
    job->source = source;
    job->lines = 0;
    job->marked = false;
    job->guessed = false;
    job->not_sd = 0;
    if (source == PRINT_SOURCE_SD)
        ask_card(job);
    enter(job, PRINT_PRINTING, PRINT_STARTED_FACT);
}

static void pause(struct print_job *job, uint8_t settling)
{
    enter(job, PRINT_PAUSED, PRINT_PAUSED_FACT);
    job->settling = settling;
}

static void resume(struct print_job *job)
{
    enter(job, PRINT_PRINTING, PRINT_RESUMED_FACT);
}

static void end(struct print_job *job, enum print_state state, bool guessed)
{
    job->guessed = guessed;
    ask_card(job);
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
            pause(job, 0);
        return;
    case PRINT_FINISHES: end(job, PRINT_FINISHED, true); return;
    case PRINT_CANCELS: end(job, PRINT_CANCELLED, true); return;
    }
}

static void begin_ending(struct print_job *job, enum print_ending ending)
{
    job->ending = ending;
    job->script = 0;
}

/* What hosts and their plugins send at any time, whatever the job does. */
static bool is_poll(const struct gcode_line *line)
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
        end(job, PRINT_FINISHED, true);
    else
        end(job, PRINT_CANCELLED, true);
}

/* The first numbered line behind an M110, polls aside. */
static void first_line(struct print_job *job, const struct gcode_line *line)
{
    bool handshake = gcode_line_is(line, 'M', 115) || gcode_line_is(line, 'M', 20) ||
                     gcode_line_is(line, 'M', 21) || gcode_line_is(line, 'M', 28);

    job->m110 = false;
    if (handshake) {
        if (host_runs(job))
            end(job, PRINT_FAILED, false); /* it has connected anew */
        return;
    }
    if (host_runs(job)) {
        if (!job->m110_anew && (job->ending == PRINT_GOES_ON || job->ending == PRINT_STEPS_OUT))
            return; /* numbers begin again in mid-job: some hosts do */
        close_old(job);
    }
    if (job->numbering != PRINT_NUMBERS_ALL && !job->aborting && !print_job_runs(job))
        start(job, PRINT_SOURCE_HOST);
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
    else if (after_m400 && gcode_line_is(line, 'M', 114))
        begin_ending(job, PRINT_PAUSES);
}

/* A numbered line while paused: part of the pause, of a cancel, or the job goes on. */
static void watch_resume(struct print_job *job)
{
    if (job->ending == PRINT_CANCELS && ++job->script <= PRINT_SCRIPT_LINES)
        return;
    if (job->settling > 0) {
        job->settling--;
        return;
    }
    resume(job);
}

static void numbered_line(struct print_job *job, const struct gcode_line *line)
{
    if (gcode_line_is(line, 'M', 110)) {
        job->m110 = true;
        job->m110_anew = job->quiet || job->state == PRINT_PAUSED;
        return;
    }
    if (host_runs(job))
        job->lines++;
    if (is_poll(line) || gcode_line_is(line, 'M', 889))
        return;
    if (job->m110) {
        first_line(job, line);
        if (job->state == PRINT_PRINTING && job->lines == 0)
            job->lines = 1;
        return;
    }
    if (job->numbering == PRINT_NUMBERS_ALL)
        return;
    if (host_runs(job)) {
        if (job->state == PRINT_PRINTING)
            watch_ending(job, line);
        else
            watch_resume(job);
        return;
    }
    if (job->guessed && job->state != PRINT_FAILED) {
        job->source = PRINT_SOURCE_HOST;
        job->guessed = false;
        resume(job);
    } else if (job->numbering == PRINT_NUMBERS_UNKNOWN) {
        job->numbering = PRINT_NUMBERS_ALL;
    }
}

/* A line without number that OctoPrint would number in a job. */
static void plain_line(struct print_job *job, const struct gcode_line *line)
{
    job->m110 = job->m110 && is_poll(line);
    job->aborting = false;
    job->numbering = PRINT_NUMBERS_JOBS;
    job->settling = 0;
    if (!host_runs(job))
        return;
    if (job->ending == PRINT_GOES_ON && job->state == PRINT_PRINTING)
        begin_ending(job, PRINT_STEPS_OUT);
    else if (job->ending != PRINT_STEPS_OUT && !job->mixes)
        conclude(job);
}

static void copy_file(struct print_job *job, struct span name)
{
    struct text text = {job->file, sizeof job->file - 1, 0, false};

    name = span_trim(name);
    while (name.length > 0 && (name.data[0] == '/' || name.data[0] == '!'))
        name = span_skip(name, 1);
    text_add(&text, name);
    job->file[text.length] = '\0';
    job->selected = true;
    job->sd_position = -1;
}

/* What stands behind `M23 `, which is a file's name and no parameter. */
static struct span name_in(const struct gcode_line *line)
{
    struct span name = span_skip(line->command, span_find(line->command, ' '));

    name.length = span_find(name, '#'); /* M32 !/dir/name.gco# */
    return name;
}

/* Commands for the card, of a host that streams nothing. */
static void card_line(struct print_job *job, const struct gcode_line *line)
{
    bool after_m108 = job->sd_m108;
    struct span value;
    int64_t position;

    job->sd_m108 = gcode_line_is(line, 'M', 108) || (after_m108 && is_poll(line));
    if (line->letter != 'M' || line->subcode >= 0)
        return;
    switch (line->code) {
    case 21:
    case 22:
        if (!card_runs(job))
            job->selected = false;
        return;
    case 23:
    case 32:
        if (card_runs(job))
            return;
        copy_file(job, name_in(line));
        if (line->code == 32)
            start(job, PRINT_SOURCE_SD);
        return;
    case 24:
        if (job->state == PRINT_PAUSED)
            resume(job);
        else if (job->state != PRINT_PRINTING && job->selected)
            start(job, PRINT_SOURCE_SD);
        return;
    case 25:
        ask_card(job);
        if (card_runs(job) && after_m108)
            end(job, PRINT_CANCELLED, false);
        else if (job->state == PRINT_PRINTING)
            pause(job, 0);
        return;
    case 26:
        ask_card(job);
        if (job->state == PRINT_PAUSED && gcode_line_parameter(line, 'S', &value) &&
            text_integer(value, &position) > 0 && position == 0)
            end(job, PRINT_CANCELLED, false);
        return;
    case 524:
        if (card_runs(job))
            end(job, PRINT_CANCELLED, false);
        return;
    default: return;
    }
}

/* M108: in a numbered stream it is OctoPrint's cancel; typed into a paused job's terminal it is not. */
static void m108(struct print_job *job, const struct gcode_line *line)
{
    if (host_runs(job)) {
        if (line->numbered && job->numbering != PRINT_NUMBERS_ALL)
            begin_ending(job, PRINT_CANCELS);
    } else {
        card_line(job, line);
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
        job->heard |= !is_poll(line);
    }
    if (line->numbered)
        numbered_line(job, line);
    else if (line->counted)
        plain_line(job, line);
    else
        return false;
    if (!host_runs(job))
        card_line(job, line);
    job->quiet = job->quiet && is_poll(line);
    return job->facts_told != before;
}

/* `SD printing byte a/b` */
static void card_position(struct print_job *job, struct span text)
{
    int64_t position, size;
    size_t used = text_integer(text, &position);
    bool grew;

    text = span_skip(text, used);
    if (used == 0 || text.length == 0 || text.data[0] != '/' ||
        text_integer(span_skip(text, 1), &size) == 0)
        return;
    if (position == 0 && size == 0) {
        job->not_sd++;
        return;
    }
    job->not_sd = 0;
    grew = job->sd_position >= 0 && position > job->sd_position;
    if (!job->sd_waits)
        job->sd_position = position;
    if (!grew || host_runs(job))
        return;
    if (job->state == PRINT_PAUSED)
        resume(job);
    else if (job->state != PRINT_PRINTING && position != size) {
        start(job, PRINT_SOURCE_SD);
        job->sd_position = position;
    }
}

static void card_reply(struct print_job *job, struct span text)
{
    text = span_trim(text);
    if (span_starts_nocase(text, SPAN("echo:")))
        text = span_trim(span_skip(text, 5));
    if (host_runs(job))
        return;
    if (span_starts(text, SPAN("SD printing byte "))) {
        card_position(job, span_skip(text, 17));
    } else if (span_starts(text, SPAN("Not SD printing"))) {
        job->not_sd++;
        job->sd_position = -1;
    } else if (span_starts(text, SPAN("Done printing file"))) {
        job->selected = false;
        end(job, PRINT_FINISHED, false);
    } else if (span_starts(text, SPAN("File opened:")) && !card_runs(job)) {
        text = span_skip(text, 12);
        for (size_t i = 0; i < text.length; i++) {
            if (span_starts(span_skip(text, i), SPAN(" Size:")))
                text.length = i;
        }
        copy_file(job, text);
    } else if (span_starts(text, SPAN("File selected")) && !card_runs(job)) {
        job->selected = true;
    }
    if (job->not_sd > 0 && (job->state != PRINT_PRINTING || job->sd_waits))
        job->not_sd = 0;
    if (job->not_sd >= PRINT_NOT_SD)
        end(job, PRINT_CANCELLED, false);
}

bool print_job_reply(struct print_job *job, const struct printer_reply *reply)
{
    uint64_t before = job->facts_told;

    if (reply->kind == REPLY_ACTION)
        return print_job_action(job, reply->argument);
    if (reply->kind == REPLY_SD)
        card_reply(job, reply->text);
    if (reply->upload_failed && !host_runs(job)) {
        job->selected = false;
        if (job->state == PRINT_PRINTING && job->sd_position < 0)
            end(job, PRINT_FAILED, false);
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
            pause(job, PRINT_STRAGGLERS);
    } else if (span_equal(name, SPAN("resumed"))) {
        if (job->state == PRINT_PAUSED && job->ending != PRINT_CANCELS)
            resume(job);
    } else if (span_equal(name, SPAN("pause"))) {
        if (host_runs(job) && job->state == PRINT_PRINTING && job->ending != PRINT_CANCELS) {
            begin_ending(job, PRINT_PAUSES);
            job->asked = true;
        }
    } else if (span_equal(name, SPAN("cancel"))) {
        if (host_runs(job))
            begin_ending(job, PRINT_CANCELS);
    }
    return job->facts_told != before;
}

static void mark_started(struct print_job *job)
{
    enum print_source source = !job->last_numbered && job->selected ? PRINT_SOURCE_SD
                                                                    : PRINT_SOURCE_HOST;

    if (print_job_runs(job) && !job->marked && !job->m110 && job->state == PRINT_PRINTING) {
        job->marked = true; /* guessed already, a line or two ago */
        return;
    }
    if (print_job_runs(job))
        close_old(job);
    job->m110 = false;
    job->aborting = false;
    start(job, source);
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
            pause(job, 0);
        job->settling = PRINT_SCRIPT_LINES;
        break;
    case PRINT_MARK_RESUMED:
        if (job->state != PRINT_PRINTING)
            resume(job);
        break;
    case PRINT_MARK_FINISHED:
        job->marks_end = true;
        if (job->state != PRINT_FINISHED)
            end(job, PRINT_FINISHED, false);
        break;
    case PRINT_MARK_CANCELLED:
        if (job->state != PRINT_CANCELLED)
            end(job, PRINT_CANCELLED, false);
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
    bool failed = host_runs(job);

    print_job_host_opened(job);
    if (failed)
        end(job, PRINT_FAILED, false);
    return failed;
}

bool print_job_broken(struct print_job *job)
{
    bool failed = print_job_runs(job);

    job->m110 = false;
    job->guessed = false;
    job->selected = false;
    job->aborting |= host_runs(job);
    if (failed)
        end(job, PRINT_FAILED, false);
    return failed;
}

void print_job_settled(struct print_job *job, bool owing, struct instant now)
{
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
        !(host_runs(job) || job->aborting))
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
        if (host_runs(job) && job->ending != PRINT_FINISHES)
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
    if (job->ending != PRINT_GOES_ON && !host_runs(job))
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
