#include "session/board_share.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

#define COMPATIBILITY "SIOPlugin 0.1.1"
/* What the share says of itself as long as the real board has said nothing. */
#define NOBODY          "sioproxy"
#define NO_BOARD        "ERR: the IO board is not connected"
#define NOT_BY_A_SHARE  "ERR: not by a share"
#define ARDUINO_TYPES   "INPUT:0,OUTPUT:1,INPUT_PULLUP:2"
#define READY_INTERVALS 3 /* of reports between two RR */
/* With more that the guest has not read, what it only watches is left out. */
#define WATCHED_MOST 1024
/* The longest answer to one line: an IOT with a type of six characters for each io, and its OK. */
#define ANSWER_MOST 512
/* … and the most that one byte of a guest can make of it: half a line is 3 bytes at least. */
#define ANSWER_OF_BYTE (ANSWER_MOST / 3)
/* A wish may still be answered by a DG: and a report. */
#define WISH_MOST 192
#define WORD_MOST 32 /* of what was not understood, in the answer */

static void add(struct board_share *share, struct text *text)
{
    bool added;

    text_add_string(text, "\r\n");
    assert(!text->cut);
    added = outbox_add(&share->out, share->bytes, text_span(text));
    assert(added); /* board_share_room() saw to it */
    (void)added;
}

static void say(struct board_share *share, const char *prefix, struct span rest)
{
    char bytes[ANSWER_MOST];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, prefix);
    text_add(&text, rest);
    add(share, &text);
}

static void say_ok(struct board_share *share)
{
    say(share, "OK", SPAN_NONE);
}

static void say_debug(struct board_share *share, const char *words)
{
    say(share, "DG:", span_of(words));
}

static bool is_congested(const struct board_share *share)
{
    return share->out.length > WATCHED_MOST;
}

/* --- reports ---------------------------------------------------------------------------------- */

static void start_interval(struct board_share *share, struct instant now)
{
    share->next_report = instant_after_ms(now, share->interval_ms);
}

static void say_levels(struct board_share *share)
{
    char bytes[BOARD_IO_MAX + 8];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "IO:");
    for (unsigned io = 0; io < share->count; io++)
        text_add_char(&text, share->level[io] ? '1' : '0');
    add(share, &text);
    share->owes_report = false;
    share->reported = true;
}

/* The levels as an answer, if they are known. */
static void answer_levels(struct board_share *share, struct instant now)
{
    if (!share->live)
        return;
    say_levels(share);
    start_interval(share, now);
}

/* What is owed to a guest that only watches goes out, if it reads and wants it. */
static void pay(struct board_share *share)
{
    if (!share->open || share->paused || is_congested(share))
        return;
    if (share->owes_report && share->live)
        say_levels(share);
    if (share->owes_ready && share->ready) {
        say(share, "RR", SPAN_NONE);
        share->owes_ready = false;
    }
}

/* RR comes now, and then at its interval. */
static void be_ready(struct board_share *share, struct instant now)
{
    share->owes_ready = true;
    share->next_ready = instant_after_ms(now, (int64_t)share->interval_ms * READY_INTERVALS);
}

/* --- what the guest asks ---------------------------------------------------------------------- */

static void answer_begin(struct board_share *share, struct span value, struct instant now)
{
    (void)value;
    share->paused = false;
    share->owes_report = true;
    start_interval(share, now);
    be_ready(share, now);
}

static void answer_end(struct board_share *share, struct span value, struct instant now)
{
    (void)value;
    (void)now;
    share->paused = true;
}

static void answer_version(struct board_share *share, struct span value, struct instant now)
{
    (void)value;
    say(share, "VI:", span_of(share->version[0] != '\0' ? share->version : NOBODY));
    say(share, "CP:", SPAN(COMPATIBILITY));
    say(share, "FS:", SPAN("NA"));
    say(share, "XT BRD:", span_of(share->name[0] != '\0' ? share->name : NOBODY));
    share->paused = false; /* somebody begins: what another has paused is no matter any more */
    share->owes_report = true;
    start_interval(share, now);
    be_ready(share, now);
}

static void answer_count(struct board_share *share, struct span value, struct instant now)
{
    char bytes[8];
    struct text text = TEXT_IN(bytes);

    (void)value;
    (void)now;
    if (share->count == 0) {
        say_debug(share, NO_BOARD);
        return;
    }
    text_add_integer(&text, share->count - 1);
    say(share, "IC:", text_span(&text));
}

static void answer_types(struct board_share *share, struct span value, struct instant now)
{
    char bytes[ANSWER_MOST];
    struct text text = TEXT_IN(bytes);

    (void)value;
    (void)now;
    if (share->types == 0) {
        say_debug(share, NO_BOARD);
        return;
    }
    text_add_string(&text, "IT:");
    for (unsigned io = 0; io < share->types; io++) {
        text_add_integer(&text, share->type[io]);
        text_add_char(&text, ',');
    }
    add(share, &text);
}

static void answer_constants(struct board_share *share, struct span value, struct instant now)
{
    (void)value;
    (void)now;
    say(share, "TC ", span_of(share->constants[0] != '\0' ? share->constants : ARDUINO_TYPES));
}

static void answer_states(struct board_share *share, struct span value, struct instant now)
{
    (void)value;
    if (!share->live)
        say_debug(share, NO_BOARD);
    answer_levels(share, now);
}

static void answer_interval(struct board_share *share, struct span value, struct instant now)
{
    int64_t ms;
    char bytes[32];
    struct text text = TEXT_IN(bytes);

    if (value.length == 0 || value.length > 9 || !text_is_digit(value.data[0]) ||
        text_integer(value, &ms) != value.length || ms < SHARE_LEAST_MS) {
        say_debug(share, "ERR: # out of range.");
        return;
    }
    share->interval_ms = (uint32_t)ms;
    start_interval(share, now);
    text_add_string(&text, "ART now:");
    text_add_integer(&text, ms);
    say(share, "DG:", text_span(&text));
}

/* `12 1`: the io and its level. What is wrong, as the firmware says it, or NULL. */
static const char *read_wish(const struct board_share *share, struct span value,
                             struct share_wish *ret_wish)
{
    size_t blank = span_find(value, ' ');
    struct span io_text = {value.data, blank}, level_text = span_skip(value, blank + 1);
    int64_t io;

    if (value.length < 3)
        return "ERR: value out of range";
    if (blank == value.length || blank == 0 || level_text.length != 1)
        return "ERR: invalid cmd/vlu";
    if (!text_is_digit(value.data[0]) || text_integer(io_text, &io) != blank ||
        io >= (share->count == 0 ? BOARD_IO_MAX : share->count))
        return "ERR: Atmpt set IO not an output";
    if (level_text.data[0] != '0' && level_text.data[0] != '1')
        return "ERR: Atmpt set IO value not valid";
    *ret_wish = (struct share_wish){.io = (uint8_t)io, .high = level_text.data[0] == '1'};
    return NULL;
}

static void answer_set(struct board_share *share, struct span value, struct instant now)
{
    struct share_wish wish;
    const char *wrong = read_wish(share, value, &wish);

    if (wrong != NULL) {
        say_debug(share, wrong);
        answer_levels(share, now);
        return;
    }
    assert(share->wishes < SHARE_WISHES); /* board_share_room() saw to it */
    share->wish[(share->first + share->wishes) % SHARE_WISHES] = wish;
    share->wishes++;
}

/* A printer's host is here by mistake. */
static void answer_printer(struct board_share *share, struct span value, struct instant now)
{
    (void)value;
    (void)now;
    say(share, "This is the share of an IO board, and no printer.", SPAN_NONE);
    say(share, "//action:disconnect", SPAN_NONE);
}

/*
 * Case-sensitive, as the firmware is. `says` follows the OK where that is all; what concerns the
 * board itself, and not its levels, is nobody's but the operator's.
 */
static const struct word {
    struct span word;
    void (*answer)(struct board_share *share, struct span value, struct instant now);
    const char *says;
} words[] = {
    {SPAN_INIT("BIO"), answer_begin, NULL},
    {SPAN_INIT("CIO"), NULL, NOT_BY_A_SHARE},
    {SPAN_INIT("EIO"), answer_end, NULL},
    {SPAN_INIT("FS"), NULL, NOT_BY_A_SHARE},
    {SPAN_INIT("GS"), answer_states, NULL},
    {SPAN_INIT("IC"), answer_count, NULL},
    {SPAN_INIT("IO"), answer_set, NULL},
    {SPAN_INIT("IOT"), answer_types, NULL},
    {SPAN_INIT("M115"), answer_printer, NULL},
    {SPAN_INIT("PWM"), NULL, NOT_BY_A_SHARE},
    {SPAN_INIT("SE"), NULL, NULL},
    {SPAN_INIT("SI"), answer_interval, NULL},
    {SPAN_INIT("SIO"), NULL, NOT_BY_A_SHARE},
    {SPAN_INIT("TC"), answer_constants, NULL},
    {SPAN_INIT("VC"), answer_version, NULL},
    {SPAN_INIT("WF"), NULL, NOT_BY_A_SHARE},
    {SPAN_INIT("debug"), NULL, "debug disabled"},
    {SPAN_INIT("reboot"), NULL, "!supported"},
    {SPAN_INIT("reset"), NULL, "!supported"},
    {SPAN_INIT("restart"), NULL, "!supported"},
};

static void not_understood(struct board_share *share, struct span word)
{
    char bytes[WORD_MOST + 32];
    struct text text = TEXT_IN(bytes);

    if (word.length > 0)
        say_ok(share);
    text_add_string(&text, "DG:ERR: bad cmnd[");
    for (size_t i = 0; i < word.length && i < WORD_MOST; i++)
        text_add_char(&text, word.data[i] >= ' ' && word.data[i] <= '~' ? word.data[i] : '?');
    text_add_char(&text, ']');
    add(share, &text);
}

static void answer(struct board_share *share, struct span line, struct instant now)
{
    struct span command = span_trim(line), version = SPAN("VC"), word;

    /* Who begins behind half a line of somebody who died says it only once. */
    if (command.length > version.length &&
        span_equal(span_skip(command, command.length - version.length), version))
        command = version;
    word = (struct span){command.data, span_find(command, ' ')};
    share->lines++;
    if (span_starts(word, SPAN("N"))) {
        say_ok(share);
        answer_printer(share, SPAN_NONE, now);
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!span_equal(word, words[i].word))
            continue;
        /* Every command is acknowledged before it is answered. */
        say_ok(share);
        if (words[i].says != NULL)
            say_debug(share, words[i].says);
        if (words[i].answer != NULL)
            words[i].answer(share, span_trim(span_skip(command, word.length)), now);
        return;
    }
    not_understood(share, word);
}

void board_share_bytes(struct board_share *share, struct span bytes, struct instant now)
{
    size_t room = board_share_room(share);

    if (bytes.length > room || !share->open)
        bytes.length = share->open ? room : 0;
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.data[i] != '\n') {
            if (share->length < SHARE_LINE)
                share->line[share->length++] = bytes.data[i];
            else
                share->overlong = true;
            continue;
        }
        if (share->overlong)
            not_understood(share, (struct span){share->line, share->length});
        else
            answer(share, (struct span){share->line, share->length}, now);
        share->length = 0;
        share->overlong = false;
    }
    pay(share);
}

size_t board_share_room(const struct board_share *share)
{
    size_t kept = ANSWER_MOST + WATCHED_MOST + SHARE_WISHES * WISH_MOST;
    size_t free = outbox_room(&share->out);
    size_t lines = free > kept ? (free - kept) / ANSWER_OF_BYTE : 0;
    size_t wishes = SHARE_WISHES - share->wishes;

    /* A wish is 7 bytes, the first of which may have come before. */
    wishes = wishes > 0 ? 1 + (wishes - 1) * 7 : 0;
    return lines < wishes ? lines : wishes;
}

/* --- the real board --------------------------------------------------------------------------- */

static void keep(char *field, size_t capacity, struct span value)
{
    struct text text = {field, capacity - 1, 0, false};

    text_add(&text, value);
    field[text.length] = '\0';
}

static void hear_extension(struct board_share *share, struct span extension)
{
    struct span board = SPAN("BRD:");

    if (span_starts(extension, board)) {
        keep(share->name, sizeof share->name, span_trim(span_skip(extension, board.length)));
        return;
    }
    if (!share->open || share->paused || extension.length > ANSWER_MOST / 2)
        return;
    if (is_congested(share))
        share->unread++;
    else
        say(share, "XT ", extension);
}

void board_share_hear(struct board_share *share, const struct board_message *message)
{
    switch (message->kind) {
    case BOARD_VERSION: keep(share->version, sizeof share->version, message->argument); return;
    case BOARD_CONSTANTS:
        if (message->argument.length < sizeof share->constants)
            keep(share->constants, sizeof share->constants, message->argument);
        return;
    case BOARD_TYPES:
        share->types = (uint8_t)message->count;
        memcpy(share->type, message->type, sizeof share->type);
        return;
    case BOARD_EXTENSION: hear_extension(share, message->argument); return;
    case BOARD_OK:
    case BOARD_IO:
    case BOARD_READY_REPORT:
    case BOARD_COMPATIBILITY:
    case BOARD_COUNT:
    case BOARD_DEBUG:
    case BOARD_FEATURES:
    case BOARD_ACTION:
    case BOARD_GARBAGE: return;
    }
}

/* Are all levels known? If so they are taken, and *ret_changed says if any is another. */
static bool take_levels(struct board_share *share, const struct board_levels *levels,
                        bool *ret_changed)
{
    if (share->told == levels->told)
        return share->live;
    share->told = levels->told;
    if (levels->count == 0)
        return false;
    for (unsigned io = 0; io < levels->count; io++) {
        if (levels->level[io] == BOARD_UNKNOWN)
            return false;
    }
    *ret_changed = levels->count != share->count;
    share->count = levels->count;
    for (unsigned io = 0; io < levels->count; io++) {
        bool high = levels->level[io] == BOARD_HIGH;

        *ret_changed = *ret_changed || share->level[io] != high;
        share->level[io] = high;
    }
    return true;
}

void board_share_look(struct board_share *share, const struct board_session *board,
                      struct instant now)
{
    bool changed = false, live = take_levels(share, &board->levels, &changed);
    bool ready = live && board_session_online(board), was_live = share->live;
    bool was_ready = share->ready;

    share->live = live;
    share->ready = ready;
    if (!share->open)
        return;
    if (was_live && !live && !share->paused && !is_congested(share))
        say_debug(share, NO_BOARD);
    if (live && (changed || !was_live)) {
        share->owes_report = true;
        start_interval(share, now);
    }
    if (ready && !was_ready)
        be_ready(share, now);
    pay(share);
}

/* --- wishes ----------------------------------------------------------------------------------- */

static void forget_wish(struct board_share *share)
{
    share->first = (share->first + 1) % SHARE_WISHES;
    share->wishes--;
    share->taken = false;
}

static void answer_wish(struct board_share *share, struct span why)
{
    forget_wish(share);
    if (why.length > 0) {
        if (why.length > WISH_MOST - BOARD_IO_MAX - 24)
            why.length = WISH_MOST - BOARD_IO_MAX - 24;
        say(share, "DG:ERR: ", why);
    }
    if (share->live && (why.length > 0 || !share->reported))
        say_levels(share);
}

bool board_share_next_wish(struct board_share *share, struct share_wish *ret_wish)
{
    if (share->wishes == 0 || share->taken)
        return false;
    share->taken = true;
    share->reported = false;
    *ret_wish = share->wish[share->first];
    return true;
}

void board_share_done(struct board_share *share, struct span why)
{
    if (share->taken)
        answer_wish(share, why);
}

void board_share_refuse(struct board_share *share, struct span why)
{
    struct share_wish first = share->wish[share->first];
    bool taken = share->taken;

    if (taken)
        forget_wish(share);
    while (share->wishes > 0)
        answer_wish(share, why);
    if (taken) {
        share->wish[share->first] = first;
        share->wishes = 1;
        share->taken = true;
    }
}

/* --- coming, going, time ---------------------------------------------------------------------- */

/* What concerns one guest only. */
static void forget_guest(struct board_share *share)
{
    share->length = 0;
    share->overlong = false;
    share->paused = false;
    share->wishes = 0;
    share->taken = false;
    share->owes_report = false;
    share->owes_ready = false;
    share->interval_ms = SHARE_INTERVAL_MS;
    outbox_clear(&share->out);
    share->next_report = INSTANT_NEVER;
    share->next_ready = INSTANT_NEVER;
}

void board_share_init(struct board_share *share)
{
    memory_clear(share, sizeof *share);
    outbox_init(&share->out, SHARE_OUT);
    forget_guest(share);
}

void board_share_opened(struct board_share *share, struct instant now)
{
    forget_guest(share);
    share->open = true;
    start_interval(share, now);
    share->next_ready = share->next_report;
}

void board_share_closed(struct board_share *share)
{
    forget_guest(share);
    share->open = false;
}

void board_share_expire(struct board_share *share, struct instant now)
{
    if (instant_due(share->next_report, now)) {
        if (share->live && !share->paused && is_congested(share))
            share->unread++;
        share->owes_report = true;
        start_interval(share, now);
    }
    if (instant_due(share->next_ready, now))
        be_ready(share, now);
    pay(share);
}

struct instant board_share_deadline(const struct board_share *share)
{
    return instant_earlier(share->next_report, share->next_ready);
}

void board_share_sent(struct board_share *share, size_t count)
{
    outbox_take(&share->out, share->bytes, count);
    pay(share);
}

const char *board_share_check(const struct board_share *share)
{
    if (share->out.dropped > 0)
        return "board_share: nothing that was answered is dropped";
    if (share->wishes > SHARE_WISHES || (share->taken && share->wishes == 0))
        return "board_share: a wish that is being carried out is one of those at hand";
    if (share->length > SHARE_LINE || share->count > BOARD_IO_MAX || share->types > BOARD_IO_MAX)
        return "board_share: nothing is longer than its room";
    if (share->live && share->count == 0)
        return "board_share: known levels have a count";
    if (share->ready && !share->live)
        return "board_share: a board is of use when its levels are known";
    if (!share->open && (share->out.length > 0 || share->wishes > 0 ||
                         !instant_is_never(board_share_deadline(share))))
        return "board_share: without a guest there is nothing to do";
    if (share->open && !share->paused && !is_congested(share) &&
        ((share->owes_report && share->live) || (share->owes_ready && share->ready)))
        return "board_share: who reads gets the reports";
    return NULL;
}
