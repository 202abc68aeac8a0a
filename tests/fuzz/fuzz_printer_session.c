/*
 * The host that the printer sees, under arbitrary lines, answers and times: its own check holds
 * after each, what it writes are whole lines with right checksums, and every line sent is answered
 * at most once and in order.
 */
#include "fuzz.h"
#include "session/printer_session.h"
#include "wire/line_framer.h"

#define HOST   1
#define NOBODY 0

static struct printer_session session;
static struct instant now;
static uint32_t serial;   /* of the line sent last */
static uint32_t answered; /* of the line answered last */
static int64_t written;   /* number written last, -1 none */
static char bytes[2 * LINE_CAPACITY];

static const struct span replies[] = {
    SPAN_INIT("ok"),
    SPAN_INIT("ok N1 P15 B3"),
    SPAN_INIT("ok T:20.0 /0.0 B:20.0 /0.0"),
    SPAN_INIT("Error:checksum mismatch, Last Line: 4"),
    SPAN_INIT("Resend: lost"),
    SPAN_INIT("start"),
    SPAN_INIT("wait"),
    SPAN_INIT("echo:busy: processing"),
    SPAN_INIT("T:20.0 /0.0"),
    SPAN_INIT("Error:Printer halted. kill() called!"),
    SPAN_INIT("echo:Unknown command: \"M9999\""),
};
#define REPLIES ((unsigned)(sizeof replies / sizeof replies[0]))

static const struct span commands[] = {
    SPAN_INIT("G1 X10"), SPAN_INIT("M110 N0"),        SPAN_INIT("M110"), SPAN_INIT("M105"),
    SPAN_INIT("G28"),    SPAN_INIT("M23 file.gcode"), SPAN_INIT("T0"),   SPAN_INIT("M110 N41"),
};
#define COMMANDS ((unsigned)(sizeof commands / sizeof commands[0]))

/* What is to be written are whole lines; a number on one has its checksum right. */
static void check_written(struct span text)
{
    struct gcode_line line;

    fuzz_promise(text.length == 0 || text.data[text.length - 1] == '\n', "lines are written whole");
    while (text.length > 0) {
        size_t end = span_find(text, '\n') + 1;

        gcode_line_parse((struct span){text.data, end}, &line);
        fuzz_promise(!line.numbered || !line.has_checksum || line.checksum_right,
                     "a line's checksum is right");
        if (line.numbered)
            written = line.number;
        text = span_skip(text, end);
    }
}

/* A line of the host: any bytes, or one of those that matter, under a number or none. */
static void send(struct fuzz *fuzz)
{
    static char raw_bytes[LINE_CAPACITY];
    struct text raw = TEXT_IN(raw_bytes), text = TEXT_IN(bytes);
    unsigned how = fuzz_byte(fuzz);
    struct span command = how & 1 ? fuzz_line(fuzz, 900) : commands[how >> 4 & (COMMANDS - 1)];
    struct gcode_line line;

    if (how & 2) {
        gcode_line_number(command, (how & 8 ? 0 : session.next_number) + (how >> 4 & 1), &raw);
    } else {
        text_add(&raw, command);
        text_add_char(&raw, '\n');
    }
    gcode_line_parse(text_span(&raw), &line);
    if (!printer_session_can_send(&session, &line, (how & 4) != 0))
        return;
    if (printer_session_send(&session, &line, (how & 4) != 0, (struct tag){HOST, 0, serial + 1},
                             &text, now))
        serial++;
    if (line.numbered && (how & 4) != 0) /* an unnumbered line is the host's own affair */
        check_written(text_span(&text));
}

static void overtake(struct fuzz *fuzz)
{
    struct text text = TEXT_IN(bytes);
    struct span command = fuzz_byte(fuzz) & 1 ? fuzz_line(fuzz, 1000) : SPAN("M108");

    if (!printer_session_can_overtake(&session, command))
        return;
    printer_session_overtake(&session, command, (struct tag){HOST, 0, ++serial}, &text, now);
    fuzz_promise(!text.cut && text.length == command.length + 1, "a line overtakes as it is");
}

/* The answer of one line: in the order in which lines were sent, and never twice. */
static void was_answered(struct tag tag)
{
    if (tag.sender != HOST)
        return;
    fuzz_promise(tag.serial > answered && tag.serial <= serial, "every line is answered once");
    answered = tag.serial;
}

static void hear(struct span content)
{
    struct printer_reply reply;
    struct printer_answer answer;
    enum printer_verdict verdict;
    uint32_t before = session.lines.unanswered;
    unsigned lost = 0;

    printer_reply_parse(content, &reply);
    while ((verdict = printer_session_reply(&session, &reply, now, &answer)) == PRINTER_LOST_OK) {
        fuzz_promise(++lost <= before, "no more oks were lost than were owed");
        was_answered(answer.tag);
        fuzz_check(printer_session_check(&session));
    }
    if (verdict == PRINTER_ANSWER)
        was_answered(answer.tag);
    if (verdict == PRINTER_STARTED || verdict == PRINTER_RESET)
        fuzz_promise(session.lines.unanswered == 0, "a reset printer answers nothing");
}

static void hear_resend(struct fuzz *fuzz)
{
    char words[48];
    struct text text = TEXT_IN(words);
    int64_t back = fuzz_below(fuzz, 24);

    text_add_string(&text, "Resend: ");
    text_add_integer(&text, written < 0 ? back : written + 2 - back);
    hear(text_span(&text));
}

static void pass_time(struct fuzz *fuzz)
{
    struct instant deadline = printer_session_deadline(&session);
    unsigned how = fuzz_byte(fuzz);

    if (how < 128)
        now = instant_after_ms(now, how);
    else if (how < 224 && !instant_is_never(deadline) && deadline.us > now.us)
        now = deadline;
    else
        now = instant_after_ms(now, (int64_t)(how - 128) * 500);
    printer_session_expire(&session, now);
    fuzz_promise(!instant_due(printer_session_deadline(&session), now),
                 "an expired deadline is over");
}

static void operate(struct fuzz *fuzz)
{
    switch (fuzz_below(fuzz, 16)) {
    case 0:
    case 1:
    case 2:
    case 3: send(fuzz); break;
    case 4: overtake(fuzz); break;
    case 5: hear(SPAN("ok")); break;
    case 6: hear(replies[fuzz_below(fuzz, REPLIES)]); break;
    case 7:
    case 8: hear_resend(fuzz); break;
    case 9: hear(line_content(fuzz_line(fuzz, LINE_CAPACITY))); break;
    case 10:
    case 11: pass_time(fuzz); break;
    case 12:
        printer_session_forget(&session);
        written = -1;
        break;
    case 13: printer_session_reopened(&session, now); break;
    case 14: printer_session_uploading(&session, fuzz_byte(fuzz) & 1); break;
    case 15:
        if (fuzz_byte(fuzz) & 1)
            sent_lines_disown(&session.lines, HOST, NOBODY);
        else
            printer_session_longest_line(&session, fuzz_byte(fuzz));
        break;
    }
}

/* As its owner does: lines that are to go again, and the question. */
static void again(void)
{
    struct printer_answer given_up;

    for (unsigned rounds = 0;; rounds++) {
        struct text text = TEXT_IN(bytes);

        fuzz_promise(rounds < 2 * PRINTER_LINES_KEPT, "lines that go again end");
        if (printer_session_give_up(&session, now, &given_up))
            was_answered(given_up.tag);
        if (!printer_session_again(&session, &text) && !printer_session_ask(&session, &text, now))
            return;
        fuzz_promise(!text.cut && text.length > 0 && bytes[text.length - 1] == '\n',
                     "what goes again are whole lines");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};

    now = (struct instant){1000000};
    serial = answered = 0;
    written = -1;
    printer_session_init(&session, 16 + fuzz_byte(&fuzz));
    while (fuzz.size > 0) {
        bool again_now;

        operate(&fuzz);
        fuzz_check(printer_session_check(&session));
        again_now = fuzz_byte(&fuzz) & 3;
        if (again_now)
            again();
        fuzz_check(printer_session_check(&session));
        for (uint32_t i = 0; i < session.lines.unanswered; i++)
            sent_lines_tag(&session.lines, i);
    }
    return 0;
}
