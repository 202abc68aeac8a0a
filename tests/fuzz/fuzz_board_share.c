/*
 * The board's share under arbitrary guests, boards, owners and times: its own check holds after
 * each step, what it says are whole lines of a board, every command that came whole is
 * acknowledged, and a wish handed out is one that was said.
 */
#include "fuzz.h"
#include "session/board_share.h"

static struct board_share share;
static struct board_session board;
static struct instant now;
static bool taken;       /* a wish, not done yet */
static unsigned said;    /* IO n v by this guest that may become wishes, at least */
static unsigned oks;     /* owed to this guest: a command each */
static bool mid_line;    /* of what the guest says */
static bool any;         /* something but blanks stands in that line */
static char heard[1024]; /* of a line that the guest reads */
static size_t heard_length;

static const struct span lines[] = {
    SPAN_INIT("VC"),     SPAN_INIT("IC"),      SPAN_INIT("GS"),      SPAN_INIT("EIO"),
    SPAN_INIT("BIO"),    SPAN_INIT("SI 500"),  SPAN_INIT("IOT"),     SPAN_INIT("TC"),
    SPAN_INIT("IO 2 1"), SPAN_INIT("IO 3 0"),  SPAN_INIT("IO 63 1"), SPAN_INIT("IO 1"),
    SPAN_INIT("M115"),   SPAN_INIT("N0 M110"), SPAN_INIT("restart"), SPAN_INIT(""),
};
#define LINES ((unsigned)(sizeof lines / sizeof lines[0]))

static const struct span board_lines[] = {
    SPAN_INIT("VI:SIO_Arduino_General 1.0.11"),
    SPAN_INIT("XT BRD:ATmega328P"),
    SPAN_INIT("XT DHT 4 21.5 40"),
    SPAN_INIT("TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2"),
    SPAN_INIT("IT:2,2,1,1,-32768,2"),
    SPAN_INIT("FS:NA"),
    SPAN_INIT("IO:1111"),
    SPAN_INIT("OK"),
};

/* Bytes of the guest; each whole line that is not blank is owed an OK. */
static void say(struct span bytes)
{
    size_t room = board_share_room(&share);

    if (bytes.length > room)
        bytes.length = room;
    for (size_t i = 0; i < bytes.length && share.open; i++) {
        mid_line = bytes.data[i] != '\n';
        any = any || !text_is_blank(bytes.data[i]);
        if (mid_line)
            continue;
        oks += any;
        any = false;
        said++;
    }
    board_share_bytes(&share, bytes, now);
}

static void say_line(struct span line)
{
    char bytes[512];
    struct text text = TEXT_IN(bytes);

    line.length = line.length < sizeof bytes - 1 ? line.length : sizeof bytes - 1;
    text_add(&text, line);
    text_add_char(&text, '\n');
    say(text_span(&text));
}

/* Texts that the board itself has said are passed on as they are. */
static bool is_the_boards(struct span line)
{
    return span_starts(line, SPAN("XT ")) || span_starts(line, SPAN("VI:")) ||
           span_starts(line, SPAN("TC "));
}

static void heard_line(struct span line)
{
    fuzz_promise(line.length >= 4 && line.data[line.length - 2] == '\r', "a line ends by CR LF");
    for (size_t i = 0; i + 2 < line.length && !is_the_boards(line); i++)
        fuzz_promise(line.data[i] >= ' ' && line.data[i] <= '~', "a line is text");
    if (span_equal(line, SPAN("OK\r\n"))) {
        fuzz_promise(oks > 0, "an OK is somebody's");
        oks--;
    }
}

/* The guest reads so many bytes at most. */
static void read_some(size_t most)
{
    struct span output = board_share_output(&share);
    size_t count = output.length < most ? output.length : most;

    for (size_t i = 0; i < count; i++) {
        fuzz_promise(heard_length < sizeof heard, "a line is short");
        heard[heard_length++] = output.data[i];
        if (output.data[i] != '\n')
            continue;
        heard_line((struct span){heard, heard_length});
        heard_length = 0;
    }
    board_share_sent(&share, count);
}

static void set_levels(struct fuzz *fuzz)
{
    unsigned levels = fuzz_word(fuzz);
    unsigned count = fuzz_below(fuzz, BOARD_IO_MAX + 1);

    board.levels.count = (uint8_t)count;
    for (unsigned io = 0; io < count; io++)
        board.levels.level[io] = levels >> (io % 16) & 1 ? BOARD_HIGH : BOARD_LOW;
    if (count > 0 && levels % 16 == 3)
        board.levels.level[levels % count] = BOARD_UNKNOWN;
    board.online = levels % 5 != 0;
    board_share_look(&share, &board, now);
}

static void hear(struct span line)
{
    struct board_message message;

    board_message_parse(line, &message);
    board_share_hear(&share, &message);
}

static void take(void)
{
    struct share_wish wish;

    if (!taken && board_share_next_wish(&share, &wish)) {
        fuzz_promise(share.open && said > 0, "a wish is a guest's");
        fuzz_promise(wish.io < BOARD_IO_MAX, "a wish is one of an io");
        said--;
        taken = true;
    }
}

static void pass_time(struct fuzz *fuzz)
{
    struct instant deadline = board_share_deadline(&share);
    unsigned how = fuzz_byte(fuzz);

    if (how < 128 || instant_is_never(deadline) || deadline.us < now.us)
        now = instant_after_ms(now, how * 10);
    else
        now = deadline;
    board_share_expire(&share, now);
    fuzz_promise(!instant_due(board_share_deadline(&share), now), "an expired deadline is over");
}

static void changes_guest(bool comes)
{
    said = oks = 0;
    mid_line = any = false;
    heard_length = 0;
    if (comes)
        board_share_opened(&share, now);
    else
        board_share_closed(&share);
}

static void operate(struct fuzz *fuzz)
{
    switch (fuzz_below(fuzz, 16)) {
    case 0: changes_guest(true); break;
    case 1: changes_guest(fuzz_byte(fuzz) & 1); break;
    case 2:
    case 3:
    case 4: say_line(lines[fuzz_below(fuzz, LINES)]); break;
    case 5: say_line(fuzz_line(fuzz, 200)); break;
    case 6: say(fuzz_span(fuzz)); break;
    case 7: set_levels(fuzz); break;
    case 8: hear(board_lines[fuzz_below(fuzz, 8)]); break;
    case 9: hear(fuzz_line(fuzz, 1024)); break;
    case 10: take(); break;
    case 11:
        if (taken)
            board_share_done(&share, fuzz_byte(fuzz) & 1 ? SPAN("it is private") : SPAN_NONE);
        taken = false;
        break;
    case 12: board_share_refuse(&share, SPAN("the printer is halted")); break;
    case 13: pass_time(fuzz); break;
    case 14: read_some(fuzz_byte(fuzz)); break;
    case 15: /* the same often */
        for (unsigned often = fuzz_byte(fuzz), line = fuzz_below(fuzz, LINES); often > 0; often--)
            say_line(lines[line]);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};

    now = (struct instant){1000000};
    board_share_init(&share);
    board_session_init(&board, 3000);
    taken = false;
    changes_guest(true);
    while (fuzz.size > 0) {
        operate(&fuzz);
        fuzz_check(board_share_check(&share));
    }
    /* A guest that reads on hears everything that it is owed. */
    read_some(SIZE_MAX);
    fuzz_check(board_share_check(&share));
    fuzz_promise(oks == 0, "every command is acknowledged");
    return 0;
}
