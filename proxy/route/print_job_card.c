#include "route/print_job.h"

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
void print_job_card_line(struct print_job *job, const struct gcode_line *line)
{
    bool after_m108 = job->sd_m108;
    struct span value;
    int64_t position;

    job->sd_m108 = gcode_line_is(line, 'M', 108) || (after_m108 && print_job_is_poll(line));
    if (line->letter != 'M' || line->subcode >= 0)
        return;
    switch (line->code) {
    case 21:
    case 22:
        if (!print_job_of_card(job))
            job->selected = false;
        return;
    case 23:
    case 32:
        if (print_job_of_card(job))
            return;
        copy_file(job, name_in(line));
        if (line->code == 32)
            print_job_start(job, PRINT_SOURCE_SD);
        return;
    case 24:
        if (job->state == PRINT_PAUSED)
            print_job_resume(job);
        else if (job->state != PRINT_PRINTING && job->selected)
            print_job_start(job, PRINT_SOURCE_SD);
        return;
    case 25:
        print_job_ask_card(job);
        if (print_job_of_card(job) && after_m108)
            print_job_end(job, PRINT_CANCELLED, false);
        else if (job->state == PRINT_PRINTING)
            print_job_pause(job, 0);
        return;
    case 26:
        print_job_ask_card(job);
        if (job->state == PRINT_PAUSED && gcode_line_parameter(line, 'S', &value) &&
            text_integer(value, &position) > 0 && position == 0)
            print_job_end(job, PRINT_CANCELLED, false);
        return;
    case 524:
        if (print_job_of_card(job))
            print_job_end(job, PRINT_CANCELLED, false);
        return;
    default: return;
    }
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
    if (!grew || print_job_of_host(job))
        return;
    if (job->state == PRINT_PAUSED)
        print_job_resume(job);
    else if (job->state != PRINT_PRINTING && position != size) {
        print_job_start(job, PRINT_SOURCE_SD);
        job->sd_position = position;
    }
}

void print_job_card_reply(struct print_job *job, struct span text)
{
    text = span_trim(text);
    if (span_starts_nocase(text, SPAN("echo:")))
        text = span_trim(span_skip(text, 5));
    if (print_job_of_host(job))
        return;
    if (span_starts(text, SPAN("SD printing byte "))) {
        card_position(job, span_skip(text, 17));
    } else if (span_starts(text, SPAN("Not SD printing"))) {
        job->not_sd++;
        job->sd_position = -1;
    } else if (span_starts(text, SPAN("Done printing file"))) {
        job->selected = false;
        print_job_end(job, PRINT_FINISHED, false);
    } else if (span_starts(text, SPAN("File opened:")) && !print_job_of_card(job)) {
        text = span_skip(text, 12);
        for (size_t i = 0; i < text.length; i++) {
            if (span_starts(span_skip(text, i), SPAN(" Size:")))
                text.length = i;
        }
        copy_file(job, text);
    } else if (span_starts(text, SPAN("File selected")) && !print_job_of_card(job)) {
        job->selected = true;
    }
    if (job->not_sd > 0 && (job->state != PRINT_PRINTING || job->sd_waits))
        job->not_sd = 0;
    if (job->not_sd >= PRINT_NOT_SD)
        print_job_end(job, PRINT_CANCELLED, false);
}
