/*
 * What the traffic says about a job that the host streams.
 *
 * Follows OctoPrint's comm.py with default settings (octoprint.md 5.1): a job's lines are numbered,
 * idle traffic is not; a numbered M110 starts it; M400 and M114 pause it, M400 alone ends it, M108
 * cancels it, and the next unnumbered line says that it is so.
 */
#pragma once

#include "wire/gcode_line.h"

enum print_state {
    /* No job. M110, then a numbered line that is no M115, M21 or M28 -> PRINT_PRINTING */
    PRINT_IDLE,
    /*
     * Numbered lines come.
     * unnumbered after M108 -> PRINT_CANCELLED, after M400 M114 -> PRINT_PAUSED,
     * after M400 -> PRINT_FINISHED; host closed, printer reset -> PRINT_FAILED
     */
    PRINT_PRINTING,
    /* numbered -> PRINT_PRINTING; M108 -> PRINT_CANCELLED; host closed, printer reset -> PRINT_FAILED */
    PRINT_PAUSED,
    PRINT_FINISHED,  /* as PRINT_IDLE */
    PRINT_CANCELLED, /* as PRINT_IDLE */
    PRINT_FAILED,    /* as PRINT_IDLE */
};

struct print_job {
    enum print_state state;
    bool m110;      /* a numbered M110 came, nothing numbered since */
    bool handshake; /* ... and what followed it was no job */
    bool m108;      /* seen in this job */
    unsigned m400;  /* 1: the last numbered line was M400, 2: M400 M114 */
    uint64_t lines; /* numbered lines of this job */
};

void print_job_init(struct print_job *job);
/* The host sent this line. True if the state changed. */
bool print_job_line(struct print_job *job, const struct gcode_line *line);
/* The host closed, the printer was reset or halted: a job has failed. True if the state changed. */
bool print_job_broken(struct print_job *job);
/* Does a job run, paused or not? */
bool print_job_runs(const struct print_job *job);
/* idle printing paused finished cancelled failed */
const char *print_state_word(enum print_state state);
