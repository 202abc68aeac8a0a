/*
 * The printer that the host sees: checks number and checksum, asks for resends, obeys M110, and
 * queues accepted lines with their raw bytes.
 *
 * Follows Marlin's queue.cpp on arrival: a wrong number or checksum is refused, a doublet (the last
 * number or the one before it) is dropped without a word, M110 sets the number. What a Marlin cannot
 * know and we can: after opening, the first number is taken as it comes, because a host may have
 * been connected to our predecessor. Sees no rule and no printer.
 */
#pragma once

#include "base/line_ring.h"
#include "base/text.h"
#include "wire/gcode_line.h"
#include "wire/line_framer.h"

/* 256 KiB of lines, and what keeping them costs. */
#define HOST_QUEUE_BYTES (384 * 1024)

/* Of a line longer than LINE_CAPACITY this much of the beginning is kept, and its length. */
#define HOST_OVERLONG_KEPT 64

enum host_verdict {
    HOST_NOTHING,   /* bytes used up */
    HOST_QUEUED,    /* a line was accepted, or took its place as one that is too long */
    HOST_EMERGENCY, /* *ret_line is of the emergency lane and was not queued: act on it now */
    HOST_REFUSED,   /* wrong number or checksum: ask for host_session_expected() again */
    HOST_DROPPED,   /* a doublet, or a line behind a refused one: not a word */
};

struct host_session {
    struct line_framer framer;
    struct line_ring queue;
    char queue_bytes[HOST_QUEUE_BYTES];
    /* The beginning of a line too long, its length, and a NUL where a line has its end. */
    char overlong[HOST_OVERLONG_KEPT + sizeof(uint64_t) + 1];
    bool number_known;
    int64_t expected; /* next number, if known */
    bool refusing;    /* a Resend was asked for and its line has not come yet */
    bool uploading;   /* between M28 and M29, as the host sees it: no emergency lane but bare M112 */
    uint64_t lines;   /* accepted, emergencies counted in */
    uint64_t refused;
    bool front_known;        /* the front line was parsed as it came: */
    uint32_t front_command;  /* where its command begins */
    struct gcode_line front; /* all else, lending nothing */
};

void host_session_init(struct host_session *session);
/* Another host has opened the port: nothing is known of its numbers, an unfinished line is gone. */
void host_session_opened(struct host_session *session);
/*
 * Takes bytes from the front of *bytes up to the end of one line. host_session_room() must allow
 * them. *ret_line is lent until the next call.
 */
enum host_verdict host_session_receive(struct host_session *session, struct span *bytes,
                                       struct gcode_line *ret_line);
/* The emergency line just received is no emergency after all: it takes its turn. */
void host_session_queue(struct host_session *session, const struct gcode_line *line);
/* How many bytes may come now without a line being lost. */
size_t host_session_room(const struct host_session *session);
/* The number a refused host is to send again. */
int64_t host_session_expected(const struct host_session *session);
/*
 * The line in front, lent until it is dropped. False if none waits. A line that was too long stands
 * in its place as its beginning: then *ret_overlong is its length, else 0.
 */
bool host_session_front(const struct host_session *session, struct gcode_line *ret_line,
                        uint64_t *ret_overlong);
void host_session_drop(struct host_session *session);
/* Empties the queue; returns how many lines were dropped. */
uint32_t host_session_clear(struct host_session *session);
/* The upload that the host believes in has ended or never began (`open failed`, `start`). */
void host_session_upload_over(struct host_session *session);
const char *host_session_check(const struct host_session *session);
