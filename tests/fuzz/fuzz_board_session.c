/*
 * The board's conversation under arbitrary lines, wishes and times: its own check holds after each,
 * and what it writes are whole commands, one at a time.
 */
#include "fuzz.h"
#include "session/board_session.h"
#include "wire/line_framer.h"

static struct board_session session;
static struct instant now;

/* What a board says when all goes well, and a little beside it. */
static const struct span lines[] = {
    SPAN_INIT("OK"),
    SPAN_INIT("CP:SIOPlugin 0.1.1"),
    SPAN_INIT("VI:SIO_Arduino_General 1.0.11"),
    SPAN_INIT("TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2"),
    SPAN_INIT("IT:2,2,1,1,1"),
    SPAN_INIT("IO:11000"),
    SPAN_INIT("IO:11100"),
    SPAN_INIT("IO:00000"),
    SPAN_INIT("IO:1100"),
    SPAN_INIT("RR"),
    SPAN_INIT("DG:SIO_Arduino_General 1.0.11"),
    SPAN_INIT("DG:ERR: bad cmnd[IOT]"),
    SPAN_INIT("DG:ERROR: Unrecognized command[IO]"),
    SPAN_INIT("IC:5"),
    SPAN_INIT("ok T:20.0 /0.0"),
    SPAN_INIT("//action:disconnect"),
};
#define LINES ((unsigned)(sizeof lines / sizeof lines[0]))

static void hear(struct span line)
{
    struct board_message message;

    board_message_parse(line, &message);
    board_session_message(&session, &message, now);
}

/* A report of as many ios as the board has, of any levels. */
static void hear_report(struct fuzz *fuzz)
{
    char bytes[BOARD_IO_MAX + 4];
    struct text text = TEXT_IN(bytes);
    unsigned levels = fuzz_word(fuzz);
    unsigned count = session.levels.count != 0 ? session.levels.count : 5;

    text_add_string(&text, "IO:");
    for (unsigned i = 0; i < count; i++)
        text_add_char(&text, levels >> (i % 16) & 1 ? '1' : '0');
    hear(text_span(&text));
}

static void pass_time(struct fuzz *fuzz)
{
    struct instant deadline = board_session_deadline(&session);
    unsigned how = fuzz_byte(fuzz);

    if (how < 128)
        now = instant_after_ms(now, how);
    else if (how < 192 && !instant_is_never(deadline) && deadline.us > now.us)
        now = deadline;
    else
        now = instant_after_ms(now, (int64_t)(how - 128) * 1000);
    board_session_expire(&session, now);
    for (unsigned i = 0; instant_due(board_session_deadline(&session), now); i++) {
        fuzz_promise(i < 8, "an expired deadline is over");
        board_session_expire(&session, now);
    }
}

static void operate(struct fuzz *fuzz)
{
    switch (fuzz_below(fuzz, 12)) {
    case 0: board_session_opened(&session, now); break;
    case 1: board_session_closed(&session, now); break;
    case 2:
    case 3: hear(lines[fuzz_below(fuzz, LINES)]); break;
    case 4:
    case 5: hear_report(fuzz); break;
    case 6: hear(line_content(fuzz_line(fuzz, LINE_CAPACITY))); break;
    case 7: board_session_want(&session, fuzz_below(fuzz, 70), fuzz_byte(fuzz) & 1, now); break;
    case 8: board_session_want_first(&session, fuzz_below(fuzz, 70), fuzz_byte(fuzz) & 1, now); break;
    case 9:
        if (fuzz_byte(fuzz) & 1)
            board_session_release(&session, fuzz_below(fuzz, BOARD_IO_MAX));
        else
            board_session_confirm(&session, now);
        break;
    case 10: pass_time(fuzz); break;
    case 11: board_session_interval(&session, 500 + fuzz_word(fuzz) % 9500, now); break;
    }
}

/* As its owner does after every call: events, then lines, each until there are none. */
static void take(void)
{
    char bytes[BOARD_COMMAND_MAX];
    struct board_event event;
    unsigned taken = 0;

    while (board_session_next_event(&session, &event))
        fuzz_promise(++taken < 2 * BOARD_IO_MAX, "events end");
    taken = 0;
    do {
        struct text text = TEXT_IN(bytes);

        if (!board_session_next_line(&session, &text, now))
            break;
        fuzz_promise(++taken == 1, "one command is outstanding");
        fuzz_promise(!text.cut && text.length >= 3 && bytes[text.length - 1] == '\n',
                     "a command is a whole line");
        fuzz_promise(session.state != BOARD_CLOSED && session.state != BOARD_FOREIGN,
                     "who is not there is not asked");
    } while (true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};

    now = (struct instant){1000000};
    board_session_init(&session, 3000);
    while (fuzz.size > 0) {
        operate(&fuzz);
        fuzz_check(board_session_check(&session));
        take();
        fuzz_check(board_session_check(&session));
    }
    for (unsigned io = 0; io < 70; io++) {
        board_session_level(&session, io);
        if (io < BOARD_IO_MAX)
            board_session_outcome(&session, io);
    }
    return 0;
}
