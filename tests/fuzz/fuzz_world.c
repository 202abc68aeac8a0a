/*
 * The whole core under arbitrary inputs: bytes become what hosts, printers, boards, clients and the
 * clock may do, in any order. Outputs are taken as a daemon takes them, whole, in parts or not at
 * all; ports open and close when they are ordered to, or fail. After each input proxy_check() holds,
 * and so does what can be seen from outside.
 */
#include "fuzz.h"
#include "proxy_state.h"
#include "world_config.h"
#include "world_look.h"
#include "world_numbers.h"
#include "world_peers.h"
#include "world_programs.h"
#include "world_rest.h"
#include "world_trace.h"

#define CLIENTS 4096
#define LINE    2048 /* of one that leaves the core */

#define OWED     256 /* lines that the printer keeps to be answered */
#define REPEATED 160 /* lines at most that are said just often, to keep a run short */

enum port_state { CLOSED, ASKED, OPEN };

static struct {
    enum port_state state;
    unsigned appetite;   /* bytes taken after each input; above 250: all */
    char line[LINE];     /* that leaves the core, so far */
    size_t length;
    bool strange;        /* it is not whole */
} ports[PROXY_PORTS];

static struct loaded configs[2];
static bool loaded;
static struct proxy *proxy, *spare;
static unsigned config, repeated;
static struct instant now;

static int64_t host_number;      /* of the host's next line */
static unsigned printer_owes;    /* lines of the printer not answered yet, … */
static bool queries[OWED];       /* … which of them are M105 */
static int64_t printer_number;   /* of the last line that reached it */
static bool resend_open;         /* the host was asked for a line, its ok is to be next */
static bool binary;              /* bytes that are no lines may have reached the printer */
static struct span board_asked;  /* the last command that reached the board */
static char board_command[64];
static unsigned asked;           /* clients that asked */
static bool answered[CLIENTS];

static void input(struct proxy_input what);

/* --- what leaves the core ---------------------------------------------------------------------- */

static void to_host(struct span line)
{
    struct span content = span_trim(line);
    int64_t number;

    if (binary)
        return; /* the printer's own words may have passed as they are */
    fuzz_promise(!resend_open || span_equal(content, SPAN("ok")), "a Resend and its ok are one");
    resend_open = false;
    if (span_starts(content, SPAN("Resend: "))) {
        fuzz_promise(text_integer(span_skip(content, 8), &number) > 0, "a Resend has a number");
        host_number = number;
        resend_open = true;
    }
}

static void to_printer(struct span line)
{
    struct gcode_line parsed;

    gcode_line_parse(line, &parsed);
    fuzz_promise(binary || !parsed.has_checksum || parsed.checksum_right,
                 "no line reaches the printer with a wrong checksum");
    if (parsed.numbered)
        printer_number = parsed.number;
    if (gcode_line_emergency(&parsed) == GCODE_M112)
        unchecked = true; /* it overtook lines that a printer which heeds it does not miss */
    if (!binary && !unchecked)
        check_number(&parsed);
    if ((parsed.blank || parsed.comment_only) && !firmware_at(proxy->router.firmware)->answers_blank)
        return;
    if (printer_owes < OWED)
        queries[printer_owes++] = gcode_line_is(&parsed, 'M', 105);
}

static void to_board(struct span line)
{
    struct span content = span_trim(line);

    fuzz_promise(content.length < sizeof board_command, "commands of the board are short");
    if (content.length == 0)
        return;
    memcpy(board_command, content.data, content.length);
    board_asked = (struct span){board_command, content.length};
}

/* Bytes that a port has taken, cut into lines. */
static void taken(enum proxy_port port, struct span bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (ports[port].length < LINE)
            ports[port].line[ports[port].length++] = bytes.data[i];
        else
            ports[port].strange = true;
        if (bytes.data[i] != '\n')
            continue;
        struct span line = {ports[port].line, ports[port].length};

        if (!ports[port].strange) {
            switch (port) {
            case PROXY_HOST: to_host(line); break;
            case PROXY_PRINTER: to_printer(line); break;
            case PROXY_BOARD: to_board(line); break;
            case PROXY_SHARE: fuzz_promise(guest_hears(line), "a guest hears a board"); break;
            }
        }
        ports[port].length = 0;
        ports[port].strange = false;
    }
}

/* The port takes so many bytes at most. */
static void take(enum proxy_port port, size_t most)
{
    struct span output = proxy_output(proxy, port);

    fuzz_promise(output.length == 0 || ports[port].state == OPEN || port == PROXY_BOARD,
                 "nothing is to be written to a closed port");
    if (output.length > most)
        output.length = most;
    if (output.length == 0 || ports[port].state != OPEN)
        return;
    taken(port, output);
    input((struct proxy_input){
        .kind = PROXY_SENT, .port = port, .number = (int64_t)output.length, .bytes = output});
}

static void forget_line(enum proxy_port port)
{
    ports[port].length = 0;
    ports[port].strange = false;
    if (port == PROXY_HOST)
        resend_open = false;
}

static void carry_out(const struct order *order)
{
    switch (order->kind) {
    case ORDER_OPEN:
        fuzz_promise(order->port != PROXY_HOST && order->port != PROXY_SHARE && ports[order->port].state == CLOSED,
                     "only a closed port is opened");
        ports[order->port].state = ASKED;
        break;
    case ORDER_CLOSE:
        fuzz_promise(order->port != PROXY_HOST && order->port != PROXY_SHARE,
                     "the host's port and the share stay");
        ports[order->port].state = CLOSED;
        forget_line(order->port);
        break;
    case ORDER_SPEED: fuzz_promise(order->number > 0, "a speed is a number"); break;
    case ORDER_ANSWER:
        fuzz_promise(order->number >= 0 && order->number < asked && !answered[order->number],
                     "who asked is answered once");
        fuzz_promise(order->ok || order->code[0] != '\0', "a refusal has a code");
        answered[order->number] = true;
        break;
    case ORDER_DISCARD:
        numbered = numbered && order->port != PROXY_PRINTER;
        ports[order->port].strange |= ports[order->port].length > 0; /* it is cut there */
        break;
    case ORDER_RUN:
    case ORDER_END: program_ordered(order); break;
    case ORDER_DTR:
    case ORDER_SAVE: break;
    default: fuzz_promise(false, "an order has a kind");
    }
}

static void take_orders(void)
{
    static struct order order;
    struct event event;

    while (proxy_next_order(proxy, &order)) {
        trace("order", order.port, span_of(order.text), order.kind, now);
        fuzz_promise(memchr(order.text, '\0', sizeof order.text) != NULL, "texts end");
        carry_out(&order);
    }
    while (proxy_next_event(proxy, &event))
        fuzz_promise(event_word(event.kind)[0] != '\0', "an event has a word");
}

/* --- what goes into it ------------------------------------------------------------------------- */

static void input(struct proxy_input what)
{
    static const char *const kinds[] = {"opened", "closed", "speed", "bytes",
                                        "sent",   "asked",  "tick",  "ended"};

    trace(kinds[what.kind], what.port, what.bytes, what.number, now);
    binary = binary || binary_transfer_runs(&proxy->router.binary);
    proxy_input(proxy, &what, now);
    binary = binary || binary_transfer_runs(&proxy->router.binary);
    fuzz_check(proxy_check(proxy));
    fuzz_promise(proxy->router.to_printer.dropped == 0 && proxy->to_board.dropped == 0,
                 "nothing is written to a printer or board that has no room for it");
    take_orders();
    for (unsigned i = 0; instant_due(proxy_deadline(proxy), now); i++) {
        fuzz_promise(i < 8, "an expired deadline is over");
        proxy_input(proxy, &(struct proxy_input){.kind = PROXY_TICK}, now);
        fuzz_check(proxy_check(proxy));
        take_orders();
    }
}

static void say(enum proxy_port port, struct span bytes)
{
    size_t room = proxy_room(proxy, port);

    if (ports[port].state != OPEN)
        return;
    if (bytes.length > room)
        bytes.length = room;
    if (bytes.length > 0)
        input((struct proxy_input){.kind = PROXY_BYTES, .port = port, .bytes = bytes});
}

static void say_line(enum proxy_port port, struct span line)
{
    static char bytes[LINE_CAPACITY + 256];
    struct text text = TEXT_IN(bytes);

    text_add(&text, line);
    text_add_char(&text, '\n');
    say(port, text_span(&text));
}

static void opens(enum proxy_port port, int64_t baud)
{
    if (ports[port].state == OPEN ||
        (port != PROXY_HOST && port != PROXY_SHARE && ports[port].state == CLOSED))
        return;
    ports[port].state = OPEN;
    forget_line(port);
    if (port == PROXY_PRINTER)
        printer_owes = 0;
    input((struct proxy_input){.kind = PROXY_OPENED, .port = port, .number = baud});
}

static void closes(enum proxy_port port, int64_t number)
{
    if (ports[port].state == CLOSED)
        return;
    /* Lines that never went out: the printer, which checks no numbers, does not miss them. */
    if (port == PROXY_PRINTER && proxy_output(proxy, port).length > 0)
        unchecked = true;
    ports[port].state = CLOSED;
    forget_line(port);
    input((struct proxy_input){
        .kind = PROXY_CLOSED,
        .port = port,
        .number = number,
        .bytes = number < 0 ? SPAN("/dev/ttyUSB0 is held by octoprint (pid 812)") : SPAN_NONE});
}

/* The host sends a command under its next number, or one near it, or with a bit flipped. */
static void host_numbered(struct fuzz *fuzz, struct span command)
{
    static char bytes[LINE_CAPACITY + 256];
    struct text text = TEXT_IN(bytes);
    unsigned how = fuzz_byte(fuzz);

    if (host_number < -GCODE_NUMBER_MAX || host_number >= GCODE_NUMBER_MAX)
        host_number = 0;
    gcode_line_number(command, how > 248 ? host_number + (how & 3) - 2 : host_number, &text);
    if (how == 248)
        bytes[text.length / 2] ^= 1;
    else if (how < 248)
        host_number++;
    say(PROXY_HOST, text_span(&text));
}

static void host_handshake(void)
{
    opens(PROXY_HOST, 115200);
    say(PROXY_HOST, SPAN("N0 M110 N0*125\n"));
    host_number = 1;
}

static void printer_resend(struct fuzz *fuzz)
{
    char bytes[64];
    struct text text = TEXT_IN(bytes);
    unsigned how = fuzz_byte(fuzz);

    if (how & 128)
        text_add_string(&text, "Error:Line Number is not Last Line Number+1, Last Line: 1\n");
    text_add_string(&text, "Resend: ");
    text_add_integer(&text, printer_number + 1 - (how & 31));
    text_add_string(&text, how & 64 ? "\nok\n" : "\n");
    say(PROXY_PRINTER, text_span(&text));
}

/* Answers of a printer in good health, as many as it owes and no more than `most`. */
static void printer_oks(unsigned most)
{
    while (printer_owes > 0 && most > 0 && ports[PROXY_PRINTER].state == OPEN) {
        struct span answer = queries[0] ? SPAN("ok T:20.0 /0.0\n") : SPAN("ok\n");

        memmove(queries, queries + 1, --printer_owes * sizeof queries[0]);
        most--;
        say(PROXY_PRINTER, answer);
    }
}

/* The printer reports its temperatures unasked. */
static void printer_heat(struct fuzz *fuzz)
{
    char bytes[64];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, " T:");
    text_add_integer(&text, fuzz_byte(fuzz));
    text_add_string(&text, ".0 /0.0 B:");
    text_add_integer(&text, fuzz_byte(fuzz));
    text_add_string(&text, ".5 /60.0\n");
    say(PROXY_PRINTER, text_span(&text));
}

static void board_answers_asked(void)
{
    char bytes[256];
    struct text text = TEXT_IN(bytes);

    for (unsigned i = 0; i < 12 && board_asked.length > 0; i++) {
        text.length = 0;
        board_answers(board_asked, &text);
        board_asked = SPAN_NONE;
        say(PROXY_BOARD, text_span(&text));
        take(PROXY_BOARD, SIZE_MAX);
    }
}

static void ask(struct fuzz *fuzz)
{
    static const char *const points[] = {"light", "pump", "fan", "door", "far", "nothing"};
    struct request request = {.kind = (enum request_kind)fuzz_below(fuzz, REQUEST_EXIT + 1)};
    struct span line;

    if (asked == CLIENTS || (request.kind == REQUEST_EXIT && proxy->exiting))
        return; /* the daemon asks for its end once */
    switch (request.kind) {
    case REQUEST_SET:
    case REQUEST_PULSE:
        strcpy(request.point, points[fuzz_below(fuzz, 6)]);
        request.value = fuzz_byte(fuzz);
        request.ms = 10 * request.value;
        break;
    case REQUEST_SEND:
        line = fuzz_byte(fuzz) & 1 ? host_words[fuzz_below(fuzz, HOST_WORDS)] : fuzz_span(fuzz);
        if (line.length >= sizeof request.line)
            line.length = sizeof request.line - 1;
        if (line.length > 0)
            memcpy(request.line, line.data, line.length);
        for (size_t i = 0; i < line.length; i++)
            if (request.line[i] == '\n')
                request.line[i] = ' '; /* the control socket lets none through */
        break;
    default: break;
    }
    input((struct proxy_input){.kind = PROXY_ASKED, .number = asked++, .request = &request});
}

static void program_ends(unsigned index, bool well)
{
    if (program_ended(index))
        input((struct proxy_input){
            .kind = PROXY_ENDED, .number = index, .bytes = well ? SPAN_NONE : SPAN("status 1")});
}

static void pass_time(struct fuzz *fuzz)
{
    unsigned how = fuzz_byte(fuzz);
    struct instant deadline = proxy_deadline(proxy);

    if (how < 64)
        now = instant_after_ms(now, how);
    else if (how < 224 && !instant_is_never(deadline) && deadline.us > now.us)
        now = how & 1 ? deadline : (struct instant){deadline.us - 1};
    else
        now = instant_after_ms(now, (int64_t)(how - 63) * (how == 255 ? 3600000 : 500));
    input((struct proxy_input){.kind = PROXY_TICK});
}

/* The state is plain memory: it may be copied, and goes on elsewhere. */
static void move_house(void)
{
    struct proxy *old = proxy;

    memcpy(spare, proxy, proxy_size());
    memset(old, 0xaa, proxy_size());
    proxy = spare;
    spare = old;
    proxy_reload(proxy, &configs[config].settings, &configs[config].ruleset, now);
}

static void reload(void)
{
    config ^= 1;
    trace("reload", 0, SPAN_NONE, config, now);
    proxy_reload(proxy, &configs[config].settings, &configs[config].ruleset, now);
    fuzz_check(proxy_check(proxy));
}

/* Somebody at the board's share. */
static void guest(struct fuzz *fuzz)
{
    unsigned how = fuzz_byte(fuzz);

    opens(PROXY_SHARE, 0);
    if (how < 192)
        say_line(PROXY_SHARE, guest_words[how % GUEST_WORDS]);
    else if (how < 208)
        say_line(PROXY_SHARE, fuzz_line(fuzz, LINE_CAPACITY));
    else if (how < 224)
        ports[PROXY_SHARE].appetite = fuzz_byte(fuzz);
    else if (how < 240)
        closes(PROXY_SHARE, 0);
    else
        say(PROXY_SHARE, fuzz_span(fuzz));
}

static void operate(struct fuzz *fuzz)
{
    enum proxy_port port = (enum proxy_port)fuzz_below(fuzz, PROXY_SHARE);
    unsigned how;

    switch (fuzz_byte(fuzz) & 31) {
    case 0: host_handshake(); break;
    case 1: opens(PROXY_HOST, fuzz_byte(fuzz) * 1000); break;
    case 2: closes(port, -(int64_t)fuzz_byte(fuzz)); break;
    case 3: opens(port, 0); break;
    case 4:
        input((struct proxy_input){
            .kind = PROXY_SPEED, .port = PROXY_HOST, .number = fuzz_byte(fuzz) * 1000});
        break;
    case 5:
    case 6:
    case 7: host_numbered(fuzz, host_words[fuzz_below(fuzz, HOST_WORDS)]); break;
    case 8: say_line(PROXY_HOST, host_words[fuzz_below(fuzz, HOST_WORDS)]); break;
    case 9: host_numbered(fuzz, fuzz_line(fuzz, LINE_CAPACITY)); break;
    case 10: say_line(port, fuzz_line(fuzz, LINE_CAPACITY)); break;
    case 11: say(port, fuzz_span(fuzz)); break;
    case 12:
    case 13: printer_oks(fuzz_byte(fuzz)); break;
    case 14: printer_resend(fuzz); break;
    case 15: say_line(PROXY_PRINTER, printer_words[fuzz_below(fuzz, PRINTER_WORDS)]); break;
    case 16: say_line(PROXY_BOARD, board_words[fuzz_below(fuzz, BOARD_WORDS)]); break;
    case 17: board_answers_asked(); break;
    case 18: {
        char bytes[64];
        struct text text = TEXT_IN(bytes);

        board_levels[fuzz_below(fuzz, BOARD_IOS)] ^= true;
        board_report(&text);
        say(PROXY_BOARD, text_span(&text));
        break;
    }
    case 19: ports[port].appetite = fuzz_byte(fuzz); break;
    case 20: take(port, fuzz_byte(fuzz)); break;
    case 21: ask(fuzz); break;
    case 22:
    case 23: pass_time(fuzz); break;
    case 24:
        how = fuzz_byte(fuzz);
        if (how < 32)
            reload();
        else if (how < 96)
            move_house();
        else
            look_at(proxy, configs[config].settings.points, now);
        break;
    case 26: board_levels[fuzz_below(fuzz, BOARD_IOS)] ^= true; break; /* the next report tells */
    case 27: printer_heat(fuzz); break;
    case 28: guest(fuzz); break;
    case 29: program_ends(fuzz_below(fuzz, PROXY_PROGRAMS), (fuzz_byte(fuzz) & 1) != 0); break;
    case 25: /* the same line often */
        how = fuzz_byte(fuzz) & 127;
        for (unsigned word = fuzz_below(fuzz, HOST_WORDS); how > 0 && repeated < REPEATED;
             how--, repeated++)
            say_line(PROXY_HOST, host_words[word]);
        break;
    }
}

static void take_all(void)
{
    for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++)
        take(port, ports[port].appetite > 250 ? SIZE_MAX : ports[port].appetite);
}

static void begin(void)
{
    if (!loaded) {
        world_load(world_yaml, &configs[0]);
        world_load(other_yaml, &configs[1]);
        proxy = malloc(proxy_size());
        spare = malloc(proxy_size());
        fuzz_promise(proxy != NULL && spare != NULL, "there is memory");
        loaded = true;
        traced = getenv("FUZZ_TRACE") != NULL;
    }
    memset(ports, 0, sizeof ports);
    for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++)
        ports[port].appetite = 255;
    memset(answered, 0, sizeof answered);
    programs_forget();
    memset(board_levels, 0, sizeof board_levels);
    config = asked = printer_owes = repeated = 0;
    host_number = printer_number = 0;
    resend_open = binary = numbered = unchecked = false;
    board_asked = SPAN_NONE;
    now = (struct instant){1000000};
}

static bool all_answered(void)
{
    for (unsigned i = 0; i < asked; i++)
        if (!answered[i])
            return false;
    return true;
}

/*
 * Whatever was said before: with peers in good health, and a user who ends every wait, everything
 * comes to rest.
 */
static void come_to_rest(unsigned how)
{
    for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++)
        ports[port].appetite = 255;
    take_all();
    opens(PROXY_HOST, 115200);
    say(PROXY_HOST, SPAN("\n"));
    say(PROXY_PRINTER, SPAN("\n"));
    say(PROXY_BOARD, SPAN("\n"));
    if (how == 1 || binary)
        closes(PROXY_PRINTER, 0);
    else if (how == 2 || proxy->router.printer_state == PRINTER_HALTED)
        say(PROXY_PRINTER, SPAN("start\n"));
    if (how == 3)
        host_handshake();
    say(PROXY_HOST, SPAN("M29\n"));
    for (unsigned left = 300 + 40 * proxy->router.host.queue.count; left > 0; left--) {
        const struct plan *plan = plans_stream(&proxy->router.plans);

        opens(PROXY_PRINTER, 0);
        opens(PROXY_BOARD, 0);
        take_all();
        printer_oks(255);
        take_all();
        board_answers_asked();
        if (is_beyond_help(&proxy->router))
            say(PROXY_PRINTER, SPAN("start\n"));
        for (unsigned i = 0; i < PROXY_PROGRAMS; i++) {
            if (program_killed[i])
                program_ends(i, false);
        }
        if (is_at_rest(&proxy->router) && all_answered())
            return;
        if (plan != NULL && plan->state == PLAN_LOOKING)
            say(PROXY_HOST, SPAN("M108\n"));
        if (!instant_is_never(proxy_deadline(proxy)))
            now = proxy_deadline(proxy);
        input((struct proxy_input){.kind = PROXY_TICK});
    }
    /* Without a board the emergency stop is never seen healthy, and motion waits. */
    fuzz_promise(proxy->board.state == BOARD_FOREIGN, "everything comes to rest");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};

    begin();
    proxy_init(proxy, &configs[config].settings, &configs[config].ruleset, SPAN("speed 250000\n"),
               now);
    fuzz_check(proxy_check(proxy));
    take_orders();
    while (fuzz.size > 0) {
        operate(&fuzz);
        take_all();
    }
    trace("now it comes to rest:", 0, SPAN_NONE, (int64_t)(size % 4), now);
    come_to_rest(size % 4);
    return 0;
}
