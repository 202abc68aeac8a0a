#include "route/print_job.h"

#include <string.h>

void print_job_init(struct print_job *job)
{
    memset(job, 0, sizeof *job);
}

/* The only writer of the state. */
static bool enter(struct print_job *job, enum print_state state)
{
    bool changed = state != job->state;

    if (state == PRINT_PRINTING && !print_job_runs(job)) {
        job->lines = 0;
        job->m108 = false;
    }
    job->state = state;
    return changed;
}

/* A numbered line came. */
static bool numbered_line(struct print_job *job, const struct gcode_line *line)
{
    bool first = job->m110;

    if (gcode_line_is(line, 'M', 110)) {
        job->m110 = true;
        job->m400 = 0;
        return false;
    }
    job->m110 = false;
    if (gcode_line_is(line, 'M', 108) && print_job_runs(job))
        job->m108 = true;
    if (gcode_line_is(line, 'M', 400))
        job->m400 = 1;
    else if (!gcode_line_is(line, 'M', 105)) /* polls come between everything */
        job->m400 = job->m400 == 1 && gcode_line_is(line, 'M', 114) ? 2 : 0;
    if (first)
        job->handshake = gcode_line_is(line, 'M', 115) || gcode_line_is(line, 'M', 21) ||
                         gcode_line_is(line, 'M', 28);
    if (job->state == PRINT_PRINTING || job->state == PRINT_PAUSED) {
        job->lines++;
        return enter(job, PRINT_PRINTING);
    }
    if (!first || job->handshake)
        return false;
    enter(job, PRINT_PRINTING);
    job->lines = 1;
    return true;
}

bool print_job_line(struct print_job *job, const struct gcode_line *line)
{
    if (line->numbered)
        return numbered_line(job, line);
    if (!line->is_command)
        return false; /* a word or a comment: OctoPrint sends those unnumbered within a job */
    if (job->state == PRINT_PRINTING) {
        if (job->m108)
            return enter(job, PRINT_CANCELLED);
        if (job->m400 == 2)
            return enter(job, PRINT_PAUSED);
        return job->m400 == 1 ? enter(job, PRINT_FINISHED) : false;
    }
    if (job->state == PRINT_PAUSED && gcode_line_is(line, 'M', 108))
        return enter(job, PRINT_CANCELLED);
    return false;
}

bool print_job_broken(struct print_job *job)
{
    job->m110 = false;
    return print_job_runs(job) ? enter(job, PRINT_FAILED) : false;
}

bool print_job_runs(const struct print_job *job)
{
    return job->state == PRINT_PRINTING || job->state == PRINT_PAUSED;
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
