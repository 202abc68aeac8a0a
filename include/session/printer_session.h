/*
 * The host that the printer sees: own numbers, what is unanswered, resends.
 *
 * Keeps the last lines sent and which of them are unanswered, each with an opaque tag; an answer
 * comes up with the tag of its line. What is to be written is given out as bytes by
 * printer_session_send and printer_session_expire; nobody here knows ports, rules or hosts' debts.
 *
 * Follows Marlin's queue.cpp: a refusal (`Error:`, `Resend: n`, `ok`) empties the printer's receive
 * buffer, so that n and all sent behind it go again; numbered and unnumbered lines are never in
 * flight together, because an unnumbered line behind a refused one would be gone without a word;
 * while a Resend is open, one line at a time goes out. M110 is a barrier: it is sent when nothing is
 * unanswered, and nothing follows until its ok. M28 and M29 wait for what is before them, too: where
 * the wire tears off the number the printer obeys them at once, and what was refused before them
 * would be written into the file, or what belongs into it carried out. Nothing follows an M28 until its
 * ok: if it is never taken, nothing of its file is at the printer.
 *
 * What overtook (M108 behind a refused line) came when the buffer was emptied already, as a rule:
 * its ok comes before that of the line that goes again. If it was in it, the question tells, later.
 *
 * Nothing is sent twice unless the printer asks for it: newer Marlin drops a doublet without a word,
 * older Marlin empties its receive buffer over it, Klipper executes it again. When an ok is overdue
 * the printer is asked instead: `M105` under our next number. `Resend: n` tells that line n never
 * arrived; an ok with temperatures tells that all before it is over, whatever became of its oks. In
 * an upload, where a numbered line is file content, the question bears a number two ahead: it is
 * refused and not stored, and the refusal tells the same.
 *
 * An M110 that was refused goes again whatever is asked for. The questions behind it, which came when
 * it was overdue, are refused as well: it does not go once more for theirs. Nothing keeps a printer
 * from taking it twice, and the second ok would be taken for that of the next line.
 *
 * What the wire does to a refusal. Its Error alone tells that the ok behind it answers nothing; which
 * line it was, the question tells. Its ok alone looks like an answer: then the printer asks for a
 * line that was answered, and again when it is asked. If it had said anything strange before that ok,
 * or a Resend's ok was missing then, the line goes again after all, and its second answer is
 * nobody's.
 *
 * An ok too many (the wire doubled one) that answered an M105 said no temperatures. If the printer
 * asks for that line or one before it, the M105's own is still to come, or was hurt: the next with
 * temperatures does not answer the question.
 *
 * Was it answered beyond doubt, the printer may have been reset: then it wants line 1, or the first
 * behind M110, for none of ours has come since. That ends the job. Whatever else it insists on, by
 * the same number twice (a number torn by the wire is another one), it has to get: it took our numbers
 * up to there and takes no other. OctoPrint's virtual printer asks so for lines it has carried out
 * (virtual.py, _triggerResend); Marlin does after an ok too many, and where the line came without its
 * number, torn off whole, and was carried out. Only then, and there, a line is done twice: it is told.
 * If it has answered the line twice and still insists, its count is wrong, and M110 mends that.
 *
 * A line refused RESENDS_OF_ONE_LINE times in a row will never be taken (the virtual printer's
 * `rerequest_last`; a line longer than the firmware's, or with bytes it eats). M110 goes in its place,
 * under its number, so that the printer takes what is behind, the lines that switch heaters off; and
 * its ok is the line's. If M110 is refused as often, the line is over without.
 *
 * A Resend for our next line while others are unanswered: it took them, and may have dropped the last
 * (`resend_ratio` does). Nothing can be saved, and the question follows at once; a second such Resend
 * brings the next one OK_OVERDUE_MS later.
 *
 * A line whose number is hurt (`X5 G1 X1` for `N5 G1 X1`) is to Marlin an unnumbered one: it says
 * `echo:Unknown command: "X5 G1 X1"` and ok, and asks for 5 when the next line comes. The echo quotes
 * what arrived: if the oldest line is none of it, the ok behind it is no answer (printers.md; the
 * quote has no checksum, parser.cpp). Bursts on the wire, which are lines to Marlin, are known the
 * same way.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "session/sent_lines.h"
#include "wire/gcode_line.h"
#include "wire/printer_reply.h"

#define PRINTER_IN_FLIGHT    16       /* lines unanswered at most */
#define RESEND_OK_MS         100      /* an ok that follows a Resend within this belongs to it */
#define OK_OVERDUE_MS        5000     /* neither ok nor busy for so long, and an ok is owed: ask */
#define QUESTION_OVERDUE_MS  30000    /* no sign of work since the question: ask again */
#define UPLOAD_SETTLES_MS   1000     /* what waits in the printer's queue is written by then */
#define REOPENED_MS          3000     /* a printer that says no `start` after so long lived on */
#define PRINTER_SKIPS        4        /* lines that may overtake while a Resend is open */
#define RESENDS_CALMED       3        /* from the so manieth in a row of one line on we wait */
#define M110S_CALMED         2        /* … of an M110: torn in two it is refused twice */
#define RESENDS_OF_ONE_LINE  10       /* the so manieth in a row of one line is the last */

enum printer_verdict {
    PRINTER_FOR_NOBODY, /* swallowed: a Resend, its ok, an answer nobody waits for */
    PRINTER_REFUSAL,    /* an Error about a number of ours: nobody's business */
    PRINTER_TEXT,       /* not an answer: goes to whom text goes */
    PRINTER_ANSWER,     /* *ret_answer: the ok of that line */
    PRINTER_LOST_OK,    /* *ret_answer: is over, its ok was lost. Call again with the same reply */
    PRINTER_SURPLUS_OK, /* an ok that answers nothing we sent */
    PRINTER_STARTED,    /* `start`: what was unanswered is forgotten */
    PRINTER_RESET,      /* it asks for lines it has answered: it was reset and its `start` lost */
    PRINTER_STUCK,      /* the tenth Resend of one line in a row: *ret_answer's, which is let go.
                           It is answered all the same, later */
    PRINTER_INSISTS,    /* on a line answered beyond doubt: *ret_answer's. It gets it, or M110 */
};

struct printer_answer {
    struct tag tag;
    int64_t number; /* that the line bore on the wire, -1 none */
    bool temperature; /* it was M105 */
    bool questioned;  /* a question of ours is unanswered, too */
    bool overtook;    /* what was to go again: its ok came meanwhile and was swallowed */
    struct span line; /* of PRINTER_STUCK and PRINTER_INSISTS alone: as it was sent, lent */
};

enum question_state {
    /*
     * Nothing is asked.
     * ok overdue, a Resend for a line that was answered, or for our next -> QUESTION_DUE
     */
    QUESTION_NONE,
    /* printer_session_ask -> QUESTION_OPEN */
    QUESTION_DUE,
    /*
     * M105 of ours is out; nothing else goes out until its answer.
     * its ok -> QUESTION_NONE; Resend -> QUESTION_NONE (it goes again like any line)
     * an ok that leaves nothing but questions unanswered -> QUESTION_ALONE
     * no sign of work (reports and `wait` are none) for QUESTION_OVERDUE_MS -> QUESTION_DUE
     * none for OK_OVERDUE_MS behind an ok with temperatures that was taken for a poll's, and may have
     *     been that of the question, or behind a Resend for our next line -> QUESTION_DUE
     */
    QUESTION_OPEN,
    /*
     * Only questions are unanswered, and an ok came just now: there is nothing to wait for before
     * theirs. If it does not come, it has come already, for a line whose own was lost.
     * its ok -> QUESTION_NONE; Resend -> QUESTION_NONE
     * OK_OVERDUE_MS -> QUESTION_NONE, given up
     */
    QUESTION_ALONE,
    /*
     * In an upload: refused, as it was meant to be. So all before it has arrived; but what waits in
     * the printer's queue is answered behind the refusal.
     * all answered -> QUESTION_NONE; UPLOAD_SETTLES_MS without an ok -> QUESTION_SETTLED
     */
    QUESTION_REFUSED,
    /* What is unanswered is over, one line at each printer_session_give_up; then QUESTION_NONE. */
    QUESTION_SETTLED,
};

enum resend_state {
    /*
     * Nothing is asked for.
     * Resend: n -> RESEND_HEARD
     * an Error (a flipped bit may hide what it is about), and numbered lines are unanswered
     *     -> RESEND_FEARED
     */
    RESEND_NONE,
    /*
     * A line was refused; the Resend that should follow says which.
     * Resend: n -> RESEND_HEARD
     * ok (nobody's), deadline (RESEND_OK_MS) -> as before, and the question is due
     */
    RESEND_FEARED,
    /*
     * A Resend came; an ok within RESEND_OK_MS as the very next line is its own.
     * ok, any other line, deadline -> RESEND_AGAIN
     * the same, and the line was asked for RESENDS_CALMED times in a row -> RESEND_CALMING
     */
    RESEND_HEARD,
    /*
     * The refusals of what was under way and our lines keep step: each refusal empties the printer's
     * buffer of half the line it asks for. So it is let finish first.
     * deadline (of HEARD) -> RESEND_AGAIN
     * Resend: n -> RESEND_HEARD
     */
    RESEND_CALMING,
    /*
     * Lines from the refused one on go out again, one at a time.
     * all answered -> RESEND_NONE
     * Resend: n -> RESEND_HEARD; Error -> RESEND_FEARED
     * Each RESENDS_OF_ONE_LINE of one line in a row change what goes: M110 first, then nothing.
     */
    RESEND_AGAIN,
};

struct printer_session {
    struct sent_lines lines;
    uint32_t strays;     /* oks to come that answer lines the wire made of ours */
    uint32_t ahead;      /* so far behind the oldest was the line whose number the last ok said */
    bool tells_numbers;  /* its oks do: one without is none of a line with a number, but M105's */
    bool tells_temperatures; /* its oks to M105 do: one without is none of the question's */
    bool strange;        /* what the printer said since its last ok may have been a refusal */
    bool guessed;        /* a question was given up: until the next is answered all is in doubt */
    bool may_go;         /* the next of them: nothing has gone again since the last answer */
    uint8_t skips;       /* oks to come of lines that overtook what is to go out again … */
    uint8_t skip_after[PRINTER_SKIPS]; /* … each after so many lines are answered */
    uint32_t in_flight; /* bytes that may be unanswered */
    bool numbers_known; /* the printer has had an M110 of this connection */
    int64_t next_number;
    unsigned longest_line;
    bool answers_blank;
    enum resend_state resend;
    struct instant resend_deadline;
    int64_t resend_number; /* asked for last */
    unsigned resend_times; /* in a row */
    uint64_t resends;
    uint8_t behind_m110;    /* questions written behind the M110 that is unanswered … */
    uint8_t refused_behind; /* … and was refused: so many Resends to come are theirs */
    enum question_state question;
    struct instant question_deadline; /* when it is due, or due again */
    struct instant waiting_since; /* something has been unanswered without a break */
    bool reopened; /* nothing goes out until it is known whether the printer lived on */
    bool doubt;                       /* an Error was or was not that of a refusal */
    bool suspect;                     /* the printer asked for a line that it had answered … */
    int64_t suspect_number;           /* … this one */
    uint8_t late_polls;               /* from it on: theirs may be the next oks with temperatures */
    bool uploading;                   /* lines are file content */
    int64_t upload_question;          /* number of a question that is meant to be refused, -1 none */
};

void printer_session_init(struct printer_session *session, unsigned in_flight);
/* The port is newly open, or the printer was reset: nothing sent before counts. */
void printer_session_forget(struct printer_session *session);
/* The printer is halted, and answers nothing sent before: it need not be told its number again. */
void printer_session_halted(struct printer_session *session);
/*
 * The port is open again in the middle of things: the printer may have lived on. What is unanswered
 * is kept; if no `start` comes it is asked.
 */
void printer_session_reopened(struct printer_session *session, struct instant now);
/* From now on lines are file content, or no longer. */
void printer_session_uploading(struct printer_session *session, bool uploading);
/* Longest numbered line the firmware takes, 0 for no limit. */
void printer_session_longest_line(struct printer_session *session, unsigned bytes);
/* A blank line gets an ok (Klipper's): none of ours goes before the question. */
void printer_session_answers_blank(struct printer_session *session, bool answers);
/* Would this line with its number be longer than the firmware takes? It goes without one then. */
bool printer_session_too_long(const struct printer_session *session,
                              const struct gcode_line *line);

/*
 * Are lines counted? Else an M110 of ours goes before one with a number. Below 0, where a host's own
 * M110 may have led, only that M110 has a number.
 */
static inline bool printer_session_counts(const struct printer_session *session)
{
    return session->numbers_known && session->next_number >= 0;
}

/*
 * May this line go out now? `numbered`: it shall bear a number. False while it has to wait its
 * turn: a Resend open, a barrier, too much in flight, or the other kind of line in flight.
 */
bool printer_session_can_send(const struct printer_session *session, const struct gcode_line *line,
                              bool numbered);
/*
 * A line of ours is about to go. Each answer in time hides that one before it was lost: a host that
 * waits for each ok would be late for ever by what is sent in between. So lines that were waited for
 * without a break for OK_OVERDUE_MS are asked for first: then true, the question is due.
 */
bool printer_session_asks_first(struct printer_session *session, struct instant now);
/*
 * Sends it (printer_session_can_send holds): appends to `ret_bytes` what is to be written. That is
 * the line's very bytes if it has no number and shall have none, or bears our next number anyway;
 * else it is written anew. An M110 of our own may have to go first: then false is returned, the
 * M110 is in `ret_bytes` and the line must be offered again later.
 */
bool printer_session_send(struct printer_session *session, const struct gcode_line *line,
                          bool numbered, struct tag tag, struct text *ret_bytes,
                          struct instant now);
/* May `command` overtake now? Not in a flood: so many are unanswered that no more can be kept. */
bool printer_session_can_overtake(const struct printer_session *session, struct span command);
/*
 * A line that overtakes (M108 …): unnumbered, now, whatever is unanswered. Its ok is awaited.
 * printer_session_can_overtake holds.
 */
void printer_session_overtake(struct printer_session *session, struct span command, struct tag tag,
                              struct text *ret_bytes, struct instant now);

/* A line came from the printer. */
enum printer_verdict printer_session_reply(struct printer_session *session,
                                           const struct printer_reply *reply, struct instant now,
                                           struct printer_answer *ret_answer);

/* Is it still open whether the last Error was that of a refusal? */
static inline bool printer_session_doubts(const struct printer_session *session)
{
    return session->doubt;
}

/* Lines that are to go out again: the next one now, appended to `ret_bytes`. False if none may. */
bool printer_session_again(struct printer_session *session, struct text *ret_bytes);
/*
 * The oldest line is over without an ok: the question is due and there is no place for it, because so
 * many are unanswered, or no number in an upload; or the question said so; or the line is to go again
 * and has no number, so it does not. Before printer_session_ask.
 */
bool printer_session_give_up(struct printer_session *session, struct instant now,
                             struct printer_answer *ret_answer);
/* The question of what became of the unanswered, if it is due. */
bool printer_session_ask(struct printer_session *session, struct text *ret_bytes,
                         struct instant now);
struct instant printer_session_deadline(const struct printer_session *session);
void printer_session_expire(struct printer_session *session, struct instant now);

/* A promise that does not hold, in words, or NULL. */
const char *printer_session_check(const struct printer_session *session);
