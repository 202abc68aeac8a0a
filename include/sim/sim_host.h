/*
 * A print host: a file and commands become lines with numbers, answers become the next lines.
 *
 * A pure machine of the core's kind: one struct, bytes in, bytes out, `now` last. Follows
 * OctoPrint's comm.py (1.11): the hellos, what is numbered, the counter of acknowledgements, the
 * history of 50 lines, its timeouts and what it takes for the end of a print. Or, with a window,
 * a host that keeps so many lines unacknowledged and numbers all commands. Shares no parser with
 * the proxy.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"

enum {
    SIM_HOST_HISTORY = 50,   /* lastLineBufferSize */
    SIM_HOST_LINE = 1100,    /* longest line kept, its end and number included */
    SIM_HOST_QUEUE = 48,     /* commands of a user or a script that wait */
    SIM_HOST_COMMAND = 200,  /* longest of them */
    SIM_HOST_OUTPUT = 8192,
};

struct sim_host_manner {
    bool octoprint;   /* hellos, one line at a time, numbers in a job only */
    uint32_t window;  /* lines unacknowledged; OctoPrint's is 1 */
    bool verbatim;    /* blank lines and lines of comment of the file go out as they are */
    uint32_t poll_ms; /* M105 every so often; 0: never */
};
struct sim_host_manner sim_host_manner_octoprint(void);
struct sim_host_manner sim_host_manner_window(uint32_t window);

enum sim_host_state {
    SIM_HOST_CLOSED,
    SIM_HOST_CONNECTING,  /* hello is not answered yet */
    SIM_HOST_OPERATIONAL,
    SIM_HOST_PRINTING,
    SIM_HOST_FINISHING,   /* all lines are sent: M400 or the last ok is waited for */
    SIM_HOST_PAUSED,
    SIM_HOST_FAILED,      /* `why` */
};

struct sim_host_counters {
    uint64_t lines;     /* lines sent, resent ones not counted, blank ones not either */
    uint64_t commands;  /* of them with a G, M or T: each is owed an ok */
    uint64_t words;     /* of them others: the printer may answer them or not */
    uint64_t oks;
    uint64_t resends;   /* requests heard */
    uint64_t busies;
    uint64_t timeouts;
    uint64_t errors;    /* Error: lines of whatever kind */
    uint64_t finished, cancelled, aborted; /* prints */
};

struct sim_host {
    struct sim_host_manner manner;
    enum sim_host_state state;
    const char *why; /* of SIM_HOST_FAILED */
    int32_t clear;   /* lines that may be sent */
    bool firmware_known;
    bool busy_seen;
    bool long_running; /* the last command may take its time */
    int64_t next_number;

    struct span file;   /* what is left of it, lent by the caller */
    bool printing_file; /* there may be more lines of the file, or its end is not sent */
    bool numbers;       /* in a job: commands are numbered */
    bool uploading;     /* M28 or M928 went out, M29 not yet: a cancel says it first */
    bool action_cancel; /* obeys //action:cancel */

    char queue[SIM_HOST_QUEUE][SIM_HOST_COMMAND];
    uint32_t queue_first, queue_count;

    char history[SIM_HOST_HISTORY][SIM_HOST_LINE];
    uint16_t history_length[SIM_HOST_HISTORY];
    uint32_t history_first, history_count;
    uint32_t resend_delta; /* so many of the newest go out again */
    int64_t resend_number;
    uint32_t resend_times;

    struct instant now; /* of the last call */
    struct instant heard, acknowledged, poll;
    char line[SIM_HOST_COMMAND]; /* of the printer, so far */
    uint32_t line_length;
    char output[SIM_HOST_OUTPUT];
    uint32_t output_length;
    struct sim_host_counters counters;
};

void sim_host_init(struct sim_host *host, const struct sim_host_manner *manner);
/* Its port is open now, or closed: all but the counters begins anew. */
void sim_host_opened(struct sim_host *host, struct instant now);
void sim_host_closed(struct sim_host *host);
/* Answers of the printer, as they come. */
void sim_host_receive(struct sim_host *host, struct span bytes, struct instant now);
/* What it writes, lent until the next call. */
struct span sim_host_output(const struct sim_host *host);
void sim_host_taken(struct sim_host *host, size_t count, struct instant now);
struct instant sim_host_deadline(const struct sim_host *host);
void sim_host_expire(struct sim_host *host, struct instant now);

/* Prints these bytes, which are lent until the print has ended. It must be operational. */
void sim_host_print(struct sim_host *host, struct span file, struct instant now);
/* What a user types. False if too much waits already. */
bool sim_host_command(struct sim_host *host, struct span command, struct instant now);
void sim_host_pause(struct sim_host *host, struct instant now);
void sim_host_resume(struct sim_host *host, struct instant now);
void sim_host_cancel(struct sim_host *host, struct instant now);
/* M112 past everything, and the heaters; the caller closes the port right after. */
void sim_host_emergency(struct sim_host *host, struct instant now);
/* Nothing of it waits to be sent or acknowledged. */
bool sim_host_idle(const struct sim_host *host);
