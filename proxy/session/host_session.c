#include "session/host_session.h"

#include <string.h>

#include "base/memory.h"

void host_session_init(struct host_session *session)
{
    memory_clear(session, sizeof *session);
    line_framer_init(&session->framer);
    line_ring_init(&session->queue, HOST_QUEUE_BYTES);
}

void host_session_opened(struct host_session *session)
{
    line_framer_reset(&session->framer);
    session->number_known = false;
    session->refusing = false;
    session->uploading = false;
}

size_t host_session_room(const struct host_session *session)
{
    size_t taken = session->queue.used;

    /* Short lines cost a header each: half of what is free is safe for any mixture. */
    if (taken + 4 * LINE_CAPACITY > HOST_QUEUE_BYTES)
        return 0;
    return (HOST_QUEUE_BYTES - taken) / 8;
}

int64_t host_session_expected(const struct host_session *session)
{
    return session->expected;
}

enum sequence { SEQUENCE_RIGHT, SEQUENCE_DOUBLET, SEQUENCE_WRONG, SEQUENCE_AHEAD };

/* Is the line's number the right one? Moves the expectation if so. */
static enum sequence in_sequence(struct host_session *session, const struct gcode_line *line)
{
    int64_t sets;

    if (gcode_line_is(line, 'M', 110)) {
        if (line->numbered && !(line->has_checksum && line->checksum_right)) {
            if (!session->number_known)
                session->expected = line->number + 1; /* no host has more than M110 to repeat */
            return SEQUENCE_WRONG;
        }
        if (gcode_line_m110(line, &sets)) {
            session->number_known = true;
            session->expected = sets + 1;
        }
        return SEQUENCE_RIGHT;
    }
    if (!line->numbered)
        return SEQUENCE_RIGHT;
    if (!line->has_checksum || !line->checksum_right) {
        if (!session->number_known)
            session->expected = line->number; /* the best that is known */
        session->number_known = true;
        return SEQUENCE_WRONG;
    }
    if (session->number_known && line->number != session->expected) {
        if (line->number == session->expected - 1 || line->number == session->expected - 2)
            return SEQUENCE_DOUBLET;
        return session->refusing && line->number > session->expected ? SEQUENCE_AHEAD
                                                                     : SEQUENCE_WRONG;
    }
    session->number_known = true;
    session->expected = line->number + 1;
    return SEQUENCE_RIGHT;
}

void host_session_queue(struct host_session *session, const struct gcode_line *line)
{
    if (session->queue.count == 0) {
        session->front = *line;
        session->front_command = (uint32_t)(line->command.data - line->raw.data);
        session->front.raw = SPAN_NONE;
        session->front.command.data = NULL;
        session->front_known = true;
    }
    line_ring_push(&session->queue, session->queue_bytes, line->raw);
}

/* A whole line has come. */
static enum host_verdict line_came(struct host_session *session, struct span raw,
                                   struct gcode_line *ret_line)
{
    enum gcode_emergency emergency;

    gcode_line_parse(raw, ret_line);
    emergency = gcode_line_emergency(ret_line);
    if (session->uploading && (emergency != GCODE_M112 || ret_line->numbered))
        emergency = GCODE_ORDINARY;
    switch (in_sequence(session, ret_line)) {
    case SEQUENCE_RIGHT: break;
    case SEQUENCE_DOUBLET:
        if (emergency == GCODE_M112)
            return HOST_EMERGENCY;
        return HOST_DROPPED;
    case SEQUENCE_AHEAD:
        if (emergency == GCODE_M112)
            return HOST_EMERGENCY;
        return HOST_DROPPED;
    case SEQUENCE_WRONG:
        if (emergency == GCODE_M112)
            return HOST_EMERGENCY; /* whatever else is wrong with it */
        session->refusing = true;
        session->refused++;
        return HOST_REFUSED;
    }
    if (ret_line->numbered)
        session->refusing = false;
    session->lines++;
    if (emergency != GCODE_ORDINARY)
        return HOST_EMERGENCY;
    if (gcode_line_is(ret_line, 'M', 28) || gcode_line_is(ret_line, 'M', 928))
        session->uploading = true;
    else if (gcode_line_is(ret_line, 'M', 29))
        session->uploading = false;
    host_session_queue(session, ret_line);
    return HOST_QUEUED;
}

/* A line too long for anybody: its beginning takes its place in the queue, so that it is answered
 * in turn. */
static void overlong_came(struct host_session *session)
{
    struct gcode_line line;
    uint64_t length = line_framer_length(&session->framer);

    gcode_line_parse((struct span){session->overlong, HOST_OVERLONG_KEPT}, &line);
    if (line.numbered && (!session->number_known || line.number == session->expected)) {
        session->number_known = true;
        session->expected = line.number + 1;
    }
    session->lines++;
    memcpy(session->overlong + HOST_OVERLONG_KEPT, &length, sizeof length);
    line_ring_push(&session->queue, session->queue_bytes,
                   (struct span){session->overlong, sizeof session->overlong});
}

enum host_verdict host_session_receive(struct host_session *session, struct span *bytes,
                                       struct gcode_line *ret_line)
{
    struct span line;

    for (;;) {
        switch (line_framer_next(&session->framer, bytes, &line)) {
        case LINE_NONE: return HOST_NOTHING;
        case LINE_COMPLETE: return line_came(session, line, ret_line);
        case LINE_PART:
            if (line_framer_length(&session->framer) <= LINE_CAPACITY)
                memcpy(session->overlong, line.data, HOST_OVERLONG_KEPT);
            break;
        case LINE_REST:
            overlong_came(session);
            gcode_line_parse((struct span){session->overlong, HOST_OVERLONG_KEPT}, ret_line);
            return HOST_QUEUED;
        }
    }
}

bool host_session_front(const struct host_session *session, struct gcode_line *ret_line,
                        uint64_t *ret_overlong)
{
    struct span raw;

    if (!line_ring_front(&session->queue, session->queue_bytes, &raw))
        return false;
    *ret_overlong = 0;
    if (raw.data[raw.length - 1] != '\n') {
        memcpy(ret_overlong, raw.data + HOST_OVERLONG_KEPT, sizeof *ret_overlong);
        raw.length = HOST_OVERLONG_KEPT;
    }
    if (!session->front_known) {
        gcode_line_parse(raw, ret_line);
        return true;
    }
    *ret_line = session->front;
    ret_line->raw = raw;
    ret_line->command.data = raw.data + session->front_command;
    return true;
}

void host_session_drop(struct host_session *session)
{
    session->front_known = false;
    line_ring_drop(&session->queue, session->queue_bytes);
}

uint32_t host_session_clear(struct host_session *session)
{
    uint32_t count = session->queue.count;

    line_ring_clear(&session->queue);
    session->front_known = false;
    return count;
}

void host_session_upload_over(struct host_session *session)
{
    session->uploading = false;
}

static bool front_is_right(const struct host_session *session)
{
    struct gcode_line known, line;
    uint64_t overlong;

    if (!session->front_known)
        return true;
    if (!host_session_front(session, &known, &overlong) || overlong != 0)
        return false;
    gcode_line_parse(known.raw, &line);
    return known.command.length == line.command.length &&
           (line.command.length == 0 || known.command.data == line.command.data) &&
           known.numbered == line.numbered && known.has_checksum == line.has_checksum &&
           known.checksum_right == line.checksum_right && known.letter == line.letter &&
           (!line.numbered || known.number == line.number) &&
           known.is_command == line.is_command && known.counted == line.counted &&
           known.code == line.code && known.subcode == line.subcode && known.blank == line.blank &&
           known.comment_only == line.comment_only;
}

const char *host_session_check(const struct host_session *session)
{
    if (session->queue.used > HOST_QUEUE_BYTES)
        return "host_session: more bytes queued than there is room for";
    if (!front_is_right(session))
        return "host_session: what is known of the front line is what stands in it";
    return NULL;
}
