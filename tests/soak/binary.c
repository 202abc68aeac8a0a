#include "binary.h"

#include <string.h>

enum {
    PACKETS = 24,
    PAYLOAD = 80,
    PACKET = 8 + PAYLOAD + 2,
    LINE = 120,
    HOST_WAITS_MS = 1200,   /* for an acknowledgement, then it sends again */
    PRINTER_WAITS_MS = 500, /* for the rest of a packet */
    TRIES = 30,
    BUTTON = 5,
    HALTED_MS = 2000,
    PASSING = 8192,
};

enum { SYNC = 1, CLOSE = 2, WRITE = 0x12 };

/* What is said on one side and has to come out on the other, byte by byte. */
struct passing {
    char bytes[PASSING];
    size_t first, count;
    bool open;
};

static struct {
    struct world *world;
    uint64_t dice;
    const char *wrong;
    struct passing down;

    char line[LINE]; /* of the host's answers, so far */
    size_t line_length;
    int acknowledged; /* sync of the last, -1 none */
    bool again, ok, started;

    bool binary; /* the printer: bytes are packets */
    uint8_t expects;
    uint8_t packet[PACKET];
    size_t got;
    struct instant heard;
    char printer_line[LINE];
    size_t printer_length;
    unsigned received, commands;

    bool halting;
    size_t m112_so_far;
    unsigned m112s; /* written since */
} both;

static struct settings with_stop;

static uint32_t roll(uint32_t sides)
{
    both.dice = both.dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(both.dice >> 33) % sides;
}

/* Fletcher's, as binary_stream.h has it. */
static uint16_t sum_of(const uint8_t *bytes, size_t count)
{
    uint16_t low = 0, high = 0;

    for (size_t i = 0; i < count; i++) {
        low = (uint16_t)((low + bytes[i]) % 255);
        high = (uint16_t)((high + low) % 255);
    }
    return (uint16_t)(high << 8 | low);
}

static void wrong(const char *what)
{
    if (both.wrong == NULL)
        both.wrong = what;
}

/* --- the printer --- */

static void printer_says(const char *word, int number)
{
    char bytes[32];
    struct text text = TEXT_IN(bytes);

    text_add_string(&text, word);
    if (number >= 0)
        text_add_integer(&text, number);
    text_add_char(&text, '\n');
    world_write(both.world, PROXY_PRINTER, text_span(&text));
}

static void packet_came(void)
{
    uint8_t sync = both.packet[2], meta = both.packet[3];

    both.got = 0;
    if (sync == (uint8_t)(both.expects - 1)) {
        printer_says("ok", sync);
        return;
    }
    if (sync != both.expects) {
        printer_says("rs", both.expects);
        return;
    }
    both.expects++;
    both.received += meta == WRITE;
    both.binary = meta != CLOSE;
    printer_says("ok", sync);
}

static void packet_byte(uint8_t byte)
{
    size_t length;

    both.packet[both.got++] = byte;
    both.heard = both.world->now;
    if (both.got == 1 && byte != 0xAD)
        both.got = 0;
    else if (both.got == 2 && byte != 0xB5)
        both.got = byte == 0xAD;
    if (both.got < 8)
        return;
    length = both.packet[4] | (size_t)both.packet[5] << 8;
    if (both.got == 8 && (length > PAYLOAD ||
                          sum_of(both.packet + 2, 4) != (both.packet[6] | both.packet[7] << 8))) {
        both.got = 0;
        printer_says("rs", both.expects);
    } else if (length == 0 || both.got == 8 + length + 2) {
        if (length > 0 && sum_of(both.packet + 8, length) !=
                              (both.packet[8 + length] | both.packet[9 + length] << 8)) {
            both.got = 0;
            printer_says("rs", both.expects);
        } else {
            packet_came();
        }
    }
}

static void printer_byte(char byte)
{
    struct span line;

    if (both.binary) {
        packet_byte((uint8_t)byte);
        return;
    }
    if (byte != '\n') {
        if (both.printer_length < LINE)
            both.printer_line[both.printer_length++] = byte;
        return;
    }
    line = (struct span){both.printer_line, both.printer_length};
    both.printer_length = 0;
    if (line.length == 0)
        return;
    both.commands++;
    if (span_contains(line, SPAN("M105")))
        printer_says("ok T:20.0 /0.0", -1);
    else
        printer_says("ok", -1);
    if (span_contains(line, SPAN("M28 B1"))) {
        both.binary = true;
        both.got = 0;
        both.expects = 0;
    }
}

static void printer_reads(void)
{
    struct span bytes = world_written(both.world, PROXY_PRINTER);

    for (size_t i = 0; i < bytes.length; i++)
        printer_byte(bytes.data[i]);
    world_read(both.world, PROXY_PRINTER, bytes.length);
    if (both.binary && both.got > 0 &&
        instant_ms_since(both.heard, both.world->now) > PRINTER_WAITS_MS) {
        both.got = 0;
        printer_says("rs", both.expects);
    }
}

/* --- the host --- */

static void host_line(struct span line)
{
    int64_t number;

    if (span_equal(line, SPAN("start"))) {
        both.started = true;
    } else if (span_starts(line, SPAN("ok")) &&
               text_integer(span_skip(line, 2), &number) == line.length - 2 && line.length > 2) {
        both.acknowledged = (int)number;
    } else if (span_starts(line, SPAN("ok"))) {
        both.ok = true;
    } else if (span_starts(line, SPAN("rs"))) {
        both.again = true;
    }
}

static void host_reads(void)
{
    struct span bytes = world_written(both.world, PROXY_HOST);

    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.data[i] == '\n') {
            host_line((struct span){both.line, both.line_length});
            both.line_length = 0;
        } else if (both.line_length < LINE) {
            both.line[both.line_length++] = bytes.data[i];
        }
    }
    world_read(both.world, PROXY_HOST, bytes.length);
}

/* One millisecond for all. False if a promise is broken. */
static bool step(void)
{
    world_run_ms(both.world, 1);
    printer_reads();
    host_reads();
    if (both.world->broken != NULL)
        wrong(both.world->broken);
    return both.wrong == NULL;
}

static bool wait_for_ok(int64_t ms)
{
    both.ok = false;
    while (ms-- > 0 && !both.ok) {
        if (!step())
            return false;
    }
    return both.ok;
}

static bool host_sends(uint8_t sync, uint8_t meta, size_t length)
{
    uint8_t packet[PACKET] = {0xAD, 0xB5, sync, meta, (uint8_t)length, 0};
    uint16_t sum = sum_of(packet + 2, 4);
    size_t count = 8;

    packet[6] = (uint8_t)sum;
    packet[7] = (uint8_t)(sum >> 8);
    for (size_t i = 0; i < length; i++) /* with what looks like the end, and like lines */
        packet[count++] = (uint8_t) "\xAD\xB5\x09\x02\nM112\nok\nN1 M110*"[roll(21)];
    if (length > 0) {
        sum = sum_of(packet + 8, length);
        packet[count++] = (uint8_t)sum;
        packet[count++] = (uint8_t)(sum >> 8);
    }
    for (unsigned tries = 0; tries < TRIES && !both.started; tries++) {
        both.again = false;
        world_write(both.world, PROXY_HOST, (struct span){(char *)packet, count});
        for (int64_t ms = 0; ms < HOST_WAITS_MS && !both.again; ms++) {
            if (!step())
                return false;
            if (both.acknowledged == sync)
                return true;
        }
    }
    return false;
}

/* --- what is looked at --- */

/* Lines of their own, whatever is around them. */
static void count_m112(char byte)
{
    static const char m112[] = "\nM112\n";

    both.m112_so_far = byte == m112[both.m112_so_far] ? both.m112_so_far + 1 : byte == '\n';
    if (both.m112_so_far < sizeof m112 - 1)
        return;
    both.m112s++;
    both.m112_so_far = 1;
}

static void listen(void *unused, enum world_kind kind, enum proxy_port port, struct span bytes)
{
    struct passing *down = &both.down;

    (void)unused;
    for (size_t i = 0; i < bytes.length && both.halting; i++) {
        if (port == PROXY_PRINTER && kind == WORLD_TO)
            count_m112(bytes.data[i]);
    }
    /* Behind the close's acknowledgement rules may speak. */
    down->open = down->open && (both.binary || down->count > 0);
    for (size_t i = 0; i < bytes.length && down->open; i++) {
        if (port == PROXY_HOST && kind == WORLD_FROM) {
            if (down->count == PASSING)
                wrong("a transfer's bytes are kept");
            else
                down->bytes[(down->first + down->count++) % PASSING] = bytes.data[i];
        } else if (port == PROXY_PRINTER && kind == WORLD_TO) {
            if (down->count == 0 || down->bytes[down->first] != bytes.data[i]) {
                wrong("a byte of a transfer is not what the host said");
                return;
            }
            down->first = (down->first + 1) % PASSING;
            down->count--;
        }
    }
}

static void plan(struct fault *faults, uint32_t count)
{
    static const uint8_t kinds[] = {FAULT_FLIP,   FAULT_FLIP,  FAULT_LOSE,  FAULT_LOSE,
                                    FAULT_DOUBLE, FAULT_NOISE, FAULT_DELAY, FAULT_GARBAGE};
    uint32_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        at += roll(300);
        faults[i] =
            (struct fault){.kind = kinds[roll(sizeof kinds)], .at = at, .count = 1 + roll(20)};
        faults[i].wire =
            roll(3) > 0 ? world_wire_to(PROXY_PRINTER) : world_wire_from(PROXY_PRINTER);
    }
}

/* A line, and its ok. */
static bool converses(const char *line)
{
    unsigned before = both.commands;

    world_write(both.world, PROXY_HOST, span_of(line));
    if (!wait_for_ok(20000) && both.wrong == NULL)
        wrong("a line beside a transfer without its ok");
    if (both.commands == before)
        wrong("a line beside a transfer that did not reach the printer");
    return both.wrong == NULL;
}

static void button(bool pressed)
{
    sim_board_input(&both.world->board, BUTTON, pressed, both.world->now);
    world_settle(both.world);
}

/*
 * The stop in the middle of a packet: what the printer takes for its content is no line, so it is
 * reset, too; and halted again when it is back.
 */
static void halt(void)
{
    uint64_t pulses = both.world->pulses;

    both.down.open = false;
    both.halting = true;
    world_write(both.world, PROXY_HOST, SPAN("\xAD\xB5\x09\x12 and then"));
    button(true);
    for (unsigned ms = 0; ms < HALTED_MS && step(); ms++)
        ;
    if (both.m112s == 0)
        wrong("a halt in a transfer without M112");
    if (both.world->pulses != pulses + 1)
        wrong("a halt in a transfer without a reset, or with two");
    both.binary = false;
    both.m112s = 0;
    printer_says("start", -1);
    for (unsigned ms = 0; ms < HALTED_MS && step(); ms++)
        ;
    if (both.m112s == 0)
        wrong("a printer that is back while the button is held, and not halted");
}

static void transfer(void)
{
    uint8_t sync = 0;
    unsigned halt_at = roll(3) == 0 ? roll(PACKETS) : PACKETS;
    bool good = host_sends(sync++, SYNC, 0);

    for (unsigned i = 0; i < PACKETS && good; i++) {
        if (i == halt_at) {
            halt();
            return;
        }
        good = host_sends(sync++, WRITE, 1 + roll(PAYLOAD));
    }
    world_plan(both.world, NULL, 0, 0); /* where the close is lost, so is all for any host */
    if (good && !host_sends(sync, CLOSE, 0))
        wrong("a transfer that could not be closed");
    if (good && both.received != PACKETS)
        wrong("a transfer that lost a packet");
    both.down.open = false;
    if (!good && both.wrong == NULL) { /* given up: the printer is reset, and says so */
        both.binary = false;
        printer_says("start", -1);
        for (unsigned ms = 0; ms < 100 && step(); ms++)
            ;
    }
}

/* Those of the run, and a button of which nobody knew. */
static void add_stop(const struct settings *settings)
{
    struct point_settings *point;

    with_stop = *settings;
    with_stop.estop.point = (uint8_t)with_stop.points;
    with_stop.estop.reset_point = POINT_NONE;
    with_stop.estop.reset_dtr = false;
    point = &with_stop.point[with_stop.points++];
    *point = (struct point_settings){
        .name = "stop", .type = POINT_INPUT, .io = BUTTON, .active_high = true, .number = -1};
}

const char *binary_play(struct world *world, uint64_t seed)
{
    struct world_options options = world->options;
    struct fault faults[40];

    memset(&both, 0, sizeof both);
    both.world = world;
    both.dice = seed * 77 + 5;
    both.acknowledged = -1;
    options.host_played = options.printer_played = true;
    options.watch = NULL;
    options.listen = listen;
    add_stop(options.settings);
    options.settings = &with_stop;
    world_init(world, world->proxy, &options, (struct instant){0});
    button(false);
    world_run_ms(world, 6000);
    world_host_opens(world, 115200);
    if (!converses("M110 N0\n") || !converses("M28 B1 UP.GCO\n"))
        return both.wrong;
    plan(faults, sizeof faults / sizeof faults[0]);
    world_plan(world, faults, roll(2) == 0 ? 0 : roll(40), seed);
    both.down.open = true;
    transfer();
    if (both.wrong == NULL && !both.halting && converses("M110 N0\n"))
        converses("N1 G1 X1*96\n");
    return both.wrong;
}
