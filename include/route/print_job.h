/*
 * What the traffic says about the job: started, paused, resumed, cancelled, finished, failed.
 *
 * Knows the host's lines in their order, the printer's lines and the `//action:` lines of either
 * side; sends nothing, and knows neither plans nor points. Three sources, the surest first:
 *
 * - marks: `M889 J…` that the user pasted into OctoPrint's GCODE scripts, the host's port closing,
 *   a printer that was reset or halted, `//action:paused` and `resumed`, `Done printing file`;
 * - SD jobs: M23 M24 M25 M26 M27 M32 M524 and `SD printing byte a/b`, which also shows a job that
 *   was started at the printer's own display: its bytes grow;
 * - guesses. OctoPrint with default settings numbers a job's lines and nothing else (comm.py
 *   _needs_checksum, 1.11.8). A numbered M110 and a line behind it that is no handshake begin a job;
 *   M108 cancels, M400 and M114 pause, M400 alone ends, each with a script of the user's behind it,
 *   and that it is so says the next line without a number, or silence while we owe nothing.
 *
 * What comes in between says nothing: polls, M117 floods, words OctoPrint does not count as
 * commands. Of a host that numbers its idle lines too (alwaysSendChecksum, Repetier, Malyan)
 * nothing is guessed but its first job, if it greeted with numbers: OctoPrint does so, too, if it is
 * told to print as soon as it has connected. A host that mixes both (Pronterface polls without
 * numbers in mid-print) is judged by silence alone. A job paused stays paused however long it is
 * silent.
 *
 *     from              what                                                        to
 *     no job            M110, then a numbered line that is no M115 M20 M21 M28      PRINTING host
 *                       M24 or M32 of a selected file, or bytes that grow           PRINTING sd
 *                       J1                                                          PRINTING
 *                       numbered lines go on after an end that was guessed          PRINTING (resumed)
 *     PRINTING host     M400 M114 [script], no number or 3 s silence                PAUSED
 *                       //action:pause, then the same                               PAUSED
 *                       lines without numbers and nothing else for 3 s              PAUSED
 *                       M108 or //action:cancel [script], no number or 3 s silence  CANCELLED
 *                       M400 [script], no number or 10 s silence                    FINISHED
 *                       M110 after one of these, or after silence                   the same, then PRINTING
 *     PRINTING sd       M25                                                         PAUSED
 *                       M108 M25, M524, three times `Not SD printing`               CANCELLED
 *                       open failed                                                 FAILED
 *     any               Done printing file, unless the host streams; J4             FINISHED
 *                       //action:paused; J2                                         PAUSED
 *                       J5                                                          CANCELLED
 *                       host closes (host), printer reset or halted                 FAILED
 *     PAUSED host       numbered line that is no poll, no M114 (a few may still belong to
 *                       the pause: its script, what was on its way)                 PRINTING
 *                       numbered M108 [script], no number or 3 s silence            CANCELLED
 *                       M110, then a numbered line                                  CANCELLED, then PRINTING
 *     PAUSED sd         M24, or bytes that grow                                     PRINTING
 *                       M26 S0, M108 M25, M524                                      CANCELLED
 *     PAUSED            //action:resumed; J3                                        PRINTING
 */
#pragma once

#include "base/instant.h"
#include "wire/gcode_line.h"
#include "wire/printer_reply.h"

#define PRINT_PAUSE_QUIET_MS  3000  /* silence that ends a pause's or a cancel's script */
#define PRINT_FINISH_QUIET_MS 10000 /* ... and a job behind its M400, which a host may just wait at */
#define PRINT_SCRIPT_LINES    32    /* a script is no longer */
#define PRINT_STRAGGLERS      2     /* lines on their way when the host hears //action:paused */
#define PRINT_NOT_SD          3     /* so many `Not SD printing` in a row end an SD job */
#define PRINT_FILE            64

/* For conditions and status. The first and the last three are no job. */
enum print_state {
    PRINT_IDLE,
    PRINT_PRINTING,
    PRINT_PAUSED,
    PRINT_FINISHED,
    PRINT_CANCELLED,
    PRINT_FAILED,
};

enum print_source { PRINT_SOURCE_NONE, PRINT_SOURCE_HOST, PRINT_SOURCE_SD };

/* What happened, for rules: in the past. */
enum print_fact {
    PRINT_STARTED_FACT,
    PRINT_PAUSED_FACT,
    PRINT_RESUMED_FACT,
    PRINT_CANCELLED_FACT,
    PRINT_FINISHED_FACT,
    PRINT_FAILED_FACT,
};

/* M889 J<n>, and the step `mark`. */
enum print_mark {
    PRINT_MARK_STARTED = 1,
    PRINT_MARK_PAUSED,
    PRINT_MARK_RESUMED,
    PRINT_MARK_FINISHED,
    PRINT_MARK_CANCELLED,
};

/* How the host seems about to leave a job that it streams. */
enum print_ending {
    PRINT_GOES_ON,
    PRINT_STEPS_OUT, /* a line without number, no reason known */
    PRINT_PAUSES,
    PRINT_FINISHES,
    PRINT_CANCELS,
};

/* Does the host number what belongs to no job? */
enum print_numbering {
    PRINT_NUMBERS_UNKNOWN,
    /* It numbers its greeting: it numbers all, or a job was begun before the greeting was over. */
    PRINT_NUMBERS_GREETING,
    PRINT_NUMBERS_JOBS,
    PRINT_NUMBERS_ALL,
};

#define PRINT_FACTS 8

struct print_job {
    enum print_state state;
    enum print_source source;
    char file[PRINT_FILE]; /* of the card: the one selected last, NUL-terminated */
    uint64_t lines;        /* numbered lines of this job */

    enum print_numbering numbering;
    bool mixes;         /* it sends lines without numbers in mid-job */
    bool last_numbered; /* the last command line of the host */
    bool m110;          /* a numbered M110 came, nothing numbered but polls since */
    bool m110_anew;     /* ... and before it the job was paused or silent */
    bool aborting;      /* the printer was reset in a job: what the host sends now is no new one */
    bool marked;        /* this job began with a mark */
    bool marks_end;     /* J4 was seen: scripts tell the end */
    bool guessed;       /* the end of the job was a guess */

    enum print_ending ending;
    bool asked;          /* PRINT_PAUSES because of //action:pause */
    bool m400;           /* the last numbered line was M400, polls aside */
    uint8_t script;      /* numbered lines since `ending` began */
    uint8_t settling;    /* so many numbered lines may still belong to the pause */

    bool selected;       /* a file of the card is */
    bool sd_waits;       /* what the card is told now is answered later: reports may be old */
    bool sd_m108;        /* the last line of the host was M108 */
    uint8_t not_sd;      /* `Not SD printing` in a row */
    int64_t sd_position; /* bytes printed as reported last, -1 unknown */

    bool heard;          /* it sent or was asked something, and was owed something ever since */
    bool owing;          /* it is owed something … */
    struct instant owing_since;
    bool quiet;          /* it was silent for PRINT_PAUSE_QUIET_MS */
    struct instant quiet_since; /* polls aside, nothing came and nothing was owed */

    uint8_t first_fact, facts;
    enum print_fact fact[PRINT_FACTS];
    uint64_t facts_told; /* since init */
};

void print_job_init(struct print_job *job);
/*
 * The host sent this line; in their order, M108 when it comes. Not for file content, nor for a line
 * that is refused. True if there is a new fact.
 */
bool print_job_line(struct print_job *job, const struct gcode_line *line);
/* The printer said this, its `//action:` lines included. True if there is a new fact. */
bool print_job_reply(struct print_job *job, const struct printer_reply *reply);
/* We said `//action:` and this to the host ("pause"). True if there is a new fact. */
bool print_job_action(struct print_job *job, struct span action);
/* The pause is certain to have no stragglers: the next line of the print is that of its resuming. */
void print_job_stands(struct print_job *job);
/* A mark was carried out. True if there is a new fact. */
bool print_job_mark(struct print_job *job, enum print_mark mark);
/* Another host, or the same again: nothing is known of how it numbers. */
void print_job_host_opened(struct print_job *job);
/* A job that it streamed has failed; one of the card goes on. True if there is a new fact. */
bool print_job_host_closed(struct print_job *job);
/* The printer was reset or halted: any job has failed. True if there is a new fact. */
bool print_job_broken(struct print_job *job);

/* After every turn: `owing` if the host waits for an answer of anybody. */
void print_job_settled(struct print_job *job, bool owing, struct instant now);
struct instant print_job_deadline(const struct print_job *job);
/* Silence has lasted. Early is harmless. True if there is a new fact. */
bool print_job_expire(struct print_job *job, struct instant now);

/* Takes the oldest fact. False if there is none. Of more than 8 not taken the oldest are lost. */
bool print_job_next_fact(struct print_job *job, enum print_fact *ret_fact);

/* Does a job run, paused or not? */
bool print_job_runs(const struct print_job *job);
/* idle printing paused finished cancelled failed */
const char *print_state_word(enum print_state state);
/* started paused resumed cancelled finished failed */
const char *print_fact_word(enum print_fact fact);
/* none host sd */
const char *print_source_word(enum print_source source);
/* A promise that does not hold, in words, or NULL. */
const char *print_job_check(const struct print_job *job);

/* --- for print_job_card.c, which knows commands and reports of the card, and nobody else --- */
bool print_job_of_host(const struct print_job *job);
bool print_job_of_card(const struct print_job *job);
void print_job_start(struct print_job *job, enum print_source source);
void print_job_pause(struct print_job *job, uint8_t settling);
void print_job_resume(struct print_job *job);
void print_job_end(struct print_job *job, enum print_state state, bool guessed);
/* What the card is told now it answers later: reports until then may be old. */
void print_job_ask_card(struct print_job *job);
/* What hosts and their plugins send at any time, whatever the job does. */
bool print_job_is_poll(const struct gcode_line *line);
/* Commands for the card, of a host that streams nothing. */
void print_job_card_line(struct print_job *job, const struct gcode_line *line);
void print_job_card_reply(struct print_job *job, struct span text);
