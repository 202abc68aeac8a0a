/*
 * Runs a transcript: what host, printer and board say, and all that the core must say to them.
 *
 * A file is read line by line; a blank line and one that begins with # are nothing.
 *
 *     !Title
 *     points: light io 12 output, door io 3 input     before anything happens; default none;
 *                     `private` behind a type: a guest may not switch it
 *     psu: POINT [boot 8s] [sense POINT] [auto_on print|command] [idle 10min]
 *     in_flight: 120 | reset_on_connect: never | halted | always | rules: none
 *     host opens | host closes | printer lost | printer back | board lost | board back
 *     host> LINE      written to the core, with a line end; `host>> LINE` without one
 *     host< LINE      the next line that the core wrote there
 *     guest opens | guest closes | share_writes: outputs | all | none
 *     board> io 12 1  that io is high from now on; the whole `IO:` report is written
 *     order WORDS     the next thing that the core orders ("dtr", "discard"); opening is not told
 *     ask set POINT on|off | ask psu on|off|force | ask send LINE | ask continue | answer 1 ok|no [TEXT]
 *     at 2.000 [LINE] goes to that time since the first event, then LINE; nothing may come earlier
 *     after 100ms [LINE]
 *
 * Everything that the core writes or orders must be expected before the next thing happens. In
 * LINEs: `*?` at the end is the right checksum; \r \n \t \\ \xHH; {x*30} is thirty times x. The
 * board greets, reports every 3 s and answers GS and BIO by itself.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "sim/world.h"

#define BOARD_IOS  18
#define ORDERS     32
#define LINE_BYTES 2048
#define SLICE_MS   10 /* the board is looked at so often */

static const char *const port_names[] = {"host", "printer", "board", "guest"};

static struct kit kit;
static struct world *world;
static struct proxy *proxy;
static bool started;
static bool without_rules;
static struct instant zero, next_report;
static char levels[BOARD_IOS + 1] = "111111111111000000";

static char orders[ORDERS][ORDER_TEXT];
static unsigned order_first, order_count;

static const char *file_name;
static unsigned line_number;

static void give_up(const char *why, struct span got, struct span expected)
{
    if (started)
        world_tell(world, WORLD_TOLD, stderr);
    fprintf(stderr, "%s:%u: %s\n", file_name, line_number, why);
    if (got.data != NULL)
        fprintf(stderr, "  got:      %.*s\n", (int)got.length, got.data);
    if (expected.data != NULL)
        fprintf(stderr, "  expected: %.*s\n", (int)expected.length, expected.data);
    exit(1);
}

static void watch(void *unused, const struct world_entry *entry)
{
    (void)unused;
    if (entry->kind != WORLD_ORDER ||
        span_equal((struct span){entry->text, entry->length}, SPAN("open")))
        return;
    if (order_count == ORDERS)
        give_up("more is ordered than anybody expects", SPAN_NONE, SPAN_NONE);
    memcpy(orders[(order_first + order_count) % ORDERS], entry->text, entry->length);
    orders[(order_first + order_count) % ORDERS][entry->length] = '\0';
    order_count++;
}

/* --- the board, as far as no transcript is about it --- */

static void report(void)
{
    char line[BOARD_IOS + 8];

    snprintf(line, sizeof line, "IO:%s\r\n", levels);
    next_report = instant_after_ms(world->now, 3000);
    world_write(world, PROXY_BOARD, span_of(line));
}

/* Answers what the core asks of the board: all while it is greeted, else GS and BIO only. */
static void answer_board(bool all)
{
    struct span written;

    while ((written = world_written(world, PROXY_BOARD)).length > 0) {
        char line[64];
        size_t end = span_find(written, '\n');
        bool states = span_starts(written, SPAN("GS\n"));
        unsigned io, value;

        if (!all && !states && !span_starts(written, SPAN("BIO\n")))
            return;
        assert(end < sizeof line && end < written.length);
        memcpy(line, written.data, end);
        line[end] = '\0';
        world_read(world, PROXY_BOARD, end + 1);
        world_write(world, PROXY_BOARD, SPAN("OK\r\n"));
        if (strcmp(line, "VC") == 0)
            world_write(world, PROXY_BOARD, SPAN("VI:SIO_Test 1.0\r\nCP:SIOPlugin 0.1.1\r\n"));
        else if (strcmp(line, "TC") == 0)
            world_write(world, PROXY_BOARD, SPAN("TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2\r\n"));
        else if (strcmp(line, "IOT") == 0)
            world_write(world, PROXY_BOARD, SPAN("IT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,\r\n"));
        else if (sscanf(line, "IO %u %u", &io, &value) == 2 && io < BOARD_IOS)
            levels[io] = value ? '1' : '0';
        if (states || strncmp(line, "IO ", 3) == 0)
            report();
    }
}

static void start(void)
{
    struct world_options options = {.settings = &kit.settings,
                                    .rules = without_rules ? NULL : &kit.ruleset,
                                    .printer_played = true,
                                    .board_played = true,
                                    .host_played = true,
                                    .watch = watch};

    started = true;
    kit_mcodes(&kit);
    world_init(world, proxy, &options, (struct instant){0});
    for (unsigned i = 0; i < 100; i++) {
        answer_board(true);
        world_run_ms(world, 10);
    }
    zero = world->now;
    if (world->broken != NULL)
        give_up(world->broken, SPAN_NONE, SPAN_NONE);
}

/* --- what is expected --- */

static void nothing_is_left(void)
{
    if (world->broken != NULL)
        give_up(world->broken, SPAN_NONE, SPAN_NONE);
    answer_board(false);
    for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++) {
        struct span written = world_written(world, port);

        if (written.length > 0) {
            fprintf(stderr, "to the %s:\n", port_names[port]);
            give_up("not expected", written, SPAN_NONE);
        }
    }
    if (order_count > 0)
        give_up("order not expected", span_of(orders[order_first]), SPAN_NONE);
}

/* Time passes; the board goes on reporting. */
static void run_until(struct instant until)
{
    nothing_is_left();
    while (instant_after_ms(world->now, SLICE_MS).us < until.us) {
        world_run_ms(world, SLICE_MS);
        nothing_is_left();
        if (world->port[PROXY_BOARD].open && instant_due(next_report, world->now))
            report();
    }
    /* What is expected at that time may not come before it. */
    world_run_until(world, (struct instant){until.us - 1});
    nothing_is_left();
    world_run_until(world, until);
}

static void expect_line(enum proxy_port port, struct span expected)
{
    struct span written;
    size_t end;

    answer_board(false);
    written = world_written(world, port);
    end = span_find(written, '\n');
    if (world->broken != NULL)
        give_up(world->broken, SPAN_NONE, SPAN_NONE);
    if (end == written.length)
        give_up("the core wrote no line there", written, expected);
    written.length = end;
    if (!span_equal(written, expected))
        give_up("the core wrote something else", written, expected);
    world_read(world, port, end + 1);
}

static void expect_order(struct span expected)
{
    if (order_count == 0)
        give_up("nothing was ordered", SPAN_NONE, expected);
    if (!span_equal(span_of(orders[order_first]), expected))
        give_up("something else was ordered", span_of(orders[order_first]), expected);
    order_first = (order_first + 1) % ORDERS;
    order_count--;
}

/* --- reading --- */

static struct span word(struct span *text)
{
    size_t end = span_find(*text, ' ');
    struct span first = {text->data, end};

    *text = span_skip(*text, end + 1);
    return first;
}

/* Escapes, repetitions and the checksum. */
static void fill_in(struct span text, struct text *filled)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned byte, count;
        int used = 0;
        char letter;

        if (sscanf(text.data + i, "{%c*%u}%n", &letter, &count, &used) == 2 && used > 0) {
            while (count-- > 0)
                text_add_char(filled, letter);
            i += (size_t)used - 1;
        } else if (text.data[i] == '\\' && sscanf(text.data + i, "\\x%2x", &byte) == 1) {
            text_add_char(filled, (char)byte);
            i += 3;
        } else if (text.data[i] == '\\' && i + 1 < text.length) {
            static const char names[] = "rnt\\", values[] = "\r\n\t\\";
            const char *name = strchr(names, text.data[++i]);

            if (name == NULL)
                give_up("no such escape", text, SPAN_NONE);
            text_add_char(filled, values[name - names]);
        } else if (text.data[i] == '*' && i + 2 == text.length && text.data[i + 1] == '?') {
            size_t start = span_find_last(text_span(filled), '\n');
            unsigned sum = 0;

            start = start == filled->length ? 0 : start + 1;
            for (size_t j = start; j < filled->length; j++)
                sum ^= (unsigned char)filled->data[j];
            text_add_char(filled, '*');
            text_add_integer(filled, (int64_t)sum);
            i++;
        } else {
            text_add_char(filled, text.data[i]);
        }
    }
}

static void read_points(struct span list)
{
    while (list.length > 0) {
        size_t end = span_find(list, ',');
        char one[128], name[32], type[16], private[16] = "";
        struct point_settings *point;
        unsigned io;

        snprintf(one, sizeof one, "%.*s", (int)end, list.data);
        if (sscanf(one, " %31s io %u %15s %15s", name, &io, type, private) < 3)
            give_up("points: NAME io N output|input [private], …", list, SPAN_NONE);
        point =
            kit_point(&kit, name, strcmp(type, "input") == 0 ? POINT_INPUT : POINT_OUTPUT, io);
        point->guarded = strcmp(private, "private") == 0;
        list = span_skip(list, end + 1);
    }
}

/* The printer's power: a point of the list before, and what else is said of it. */
static void read_psu(struct span words)
{
    struct power_settings *psu = &kit.settings.psu;

    psu->point = settings_point(&kit.settings, word(&words));
    while (words.length > 0) {
        struct span key = word(&words), value = word(&words);

        if (span_equal(key, SPAN("boot")))
            text_duration(value, &psu->boot_ms);
        else if (span_equal(key, SPAN("sense")))
            psu->sense = settings_point(&kit.settings, value);
        else if (span_equal(key, SPAN("idle")))
            text_duration(value, &psu->off_when_idle_ms);
        else if (span_equal(key, SPAN("auto_on")))
            psu->auto_on = span_equal(value, SPAN("print")) ? AUTO_ON_PRINT : AUTO_ON_COMMAND;
        else
            give_up("psu: POINT, boot, sense, idle, auto_on", key, SPAN_NONE);
    }
    if (psu->point == POINT_NONE)
        give_up("psu: no such point", words, SPAN_NONE);
}

static bool read_setting(struct span key, struct span value)
{
    int64_t number;

    if (span_equal(key, SPAN("points:"))) {
        read_points(value);
    } else if (span_equal(key, SPAN("psu:"))) {
        read_psu(value);
    } else if (span_equal(key, SPAN("in_flight:"))) {
        if (text_integer(value, &number) == 0)
            give_up("a number", value, SPAN_NONE);
        kit.settings.in_flight = (uint32_t)number;
    } else if (span_equal(key, SPAN("reset_on_connect:"))) {
        kit.settings.reset_on_connect = span_equal(value, SPAN("never"))    ? RESET_NEVER
                                        : span_equal(value, SPAN("always")) ? RESET_ALWAYS
                                                                            : RESET_HALTED;
    } else if (span_equal(key, SPAN("share_writes:"))) {
        kit.settings.share_writes = span_equal(value, SPAN("all"))    ? SHARE_ALL
                                    : span_equal(value, SPAN("none")) ? SHARE_NONE
                                                                      : SHARE_OUTPUTS;
    } else if (span_equal(key, SPAN("rules:"))) {
        without_rules = span_equal(value, SPAN("none"));
    } else {
        return false;
    }
    if (started)
        give_up("settings stand before everything else", SPAN_NONE, SPAN_NONE);
    return true;
}

static void ask(struct span what)
{
    struct request request = {0};
    struct span kind = word(&what);

    if (span_equal(kind, SPAN("set"))) {
        struct span point = word(&what);

        request.kind = REQUEST_SET;
        memcpy(request.point, point.data, point.length);
        request.value = span_equal(what, SPAN("on")) ? 255 : 0;
    } else if (span_equal(kind, SPAN("psu"))) {
        request.kind = span_equal(what, SPAN("force")) ? REQUEST_POWER_FORCED : REQUEST_POWER;
        request.value = span_equal(what, SPAN("on")) ? 255 : 0;
    } else if (span_equal(kind, SPAN("send"))) {
        request.kind = REQUEST_SEND;
        memcpy(request.line, what.data, what.length);
    } else {
        request.kind = REQUEST_CONTINUE;
    }
    world_ask(world, &request, 1);
}

static void expect_answer(struct span expected)
{
    char bytes[ORDER_TEXT];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, "answer ");
    text_add(&text, expected);
    expect_order(text_span(&text));
}

/* `host>`, `printer<`, `board>>` …; false if it is none of them. */
static bool says(struct span who, struct span text)
{
    for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++) {
        struct span name = span_of(port_names[port]), direction;
        char bytes[LINE_BYTES];
        struct text filled = TEXT_IN(bytes);
        unsigned io, value;

        if (!span_starts(who, name))
            continue;
        direction = span_skip(who, name.length);
        fill_in(text, &filled);
        if (span_equal(direction, SPAN("<"))) {
            expect_line(port, text_span(&filled));
            return true;
        }
        if (!span_starts(direction, SPAN(">")))
            return false;
        nothing_is_left();
        if (port == PROXY_BOARD && sscanf(text.data, "io %u %u", &io, &value) == 2) {
            assert(io < BOARD_IOS);
            levels[io] = value ? '1' : '0';
            report();
            return true;
        }
        if (span_equal(direction, SPAN(">")))
            text_add_string(&filled, port == PROXY_BOARD ? "\r\n" : "\n");
        world_write(world, port, text_span(&filled));
        return true;
    }
    return false;
}

static bool happens(struct span line)
{
    if (span_equal(line, SPAN("host opens"))) {
        world_host_opens(world, 0);
    } else if (span_equal(line, SPAN("host closes"))) {
        world_host_closes(world);
    } else if (span_equal(line, SPAN("printer lost"))) {
        world_unplug(world, PROXY_PRINTER);
    } else if (span_equal(line, SPAN("printer back"))) {
        world_plug(world, PROXY_PRINTER);
    } else if (span_equal(line, SPAN("guest opens"))) {
        world_guest_opens(world);
    } else if (span_equal(line, SPAN("guest closes"))) {
        world_guest_closes(world);
    } else if (span_equal(line, SPAN("board lost"))) {
        world_unplug(world, PROXY_BOARD);
    } else if (span_equal(line, SPAN("board back"))) {
        world_plug(world, PROXY_BOARD);
    } else {
        return false;
    }
    return true;
}

static void run_line(struct span line)
{
    struct span rest, first;

    /* Blanks at the end of a line that is said are written \x20. */
    line = rest = span_trim(line);
    if (line.length == 0 || line.data[0] == '#' || line.data[0] == '!')
        return;
    first = word(&rest);
    if (read_setting(first, span_trim(rest)))
        return;
    if (!started)
        start();
    if (span_equal(first, SPAN("at")) || span_equal(first, SPAN("after"))) {
        struct span when = word(&rest);
        int64_t ms;
        bool at = first.length == 2;

        if (!(at ? text_decimal(when, &ms) == when.length : text_duration(when, &ms)))
            give_up("at SECONDS, after DURATION", line, SPAN_NONE);
        run_until(instant_after_ms(at ? zero : world->now, ms));
        if (rest.length > 0)
            run_line(rest);
    } else if (span_equal(first, SPAN("order"))) {
        expect_order(rest);
    } else if (span_equal(first, SPAN("answer"))) {
        expect_answer(rest);
    } else if (span_equal(first, SPAN("ask"))) {
        nothing_is_left();
        ask(rest);
    } else if (!says(first, rest)) {
        nothing_is_left();
        if (!happens(line))
            give_up("not understood", line, SPAN_NONE);
    }
}

int main(int argc, char **argv)
{
    char line[LINE_BYTES];
    FILE *file;

    if (argc != 2) {
        fprintf(stderr, "usage: transcript FILE\n");
        return 2;
    }
    file_name = argv[1];
    file = fopen(file_name, "r");
    world = calloc(1, sizeof *world);
    proxy = malloc(proxy_size());
    if (file == NULL || world == NULL || proxy == NULL) {
        perror(file_name);
        return 1;
    }
    kit_init(&kit);
    while (fgets(line, sizeof line, file) != NULL) {
        line_number++;
        run_line(span_of(line));
    }
    if (!started)
        give_up("nothing happens in it", SPAN_NONE, SPAN_NONE);
    nothing_is_left();
    fclose(file);
    free(world);
    free(proxy);
    kit_free(&kit);
    return 0;
}
