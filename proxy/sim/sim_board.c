#include "sim/sim_board.h"

#include <assert.h>
#include <string.h>

#include "sim/sim_board_pins.h"

#define BYTE_US        87      /* ten bits at 115200 baud */
#define HELD_US        65000   /* fuse SUT: 65 ms after any reset */
#define BOOT_LISTEN_US 372000  /* optiboot flashes its LED first */
#define BOOT_QUIET_US  1027000 /* its watchdog, from listening or from the last byte */
#define BOOT_BAD_US    17000   /* its watchdog after a command it does not know */
#define SETUP_US       302900  /* delay(300) and what surrounds it */
#define TICK_US        1024    /* Arduino's timer 0 overflow, of which millis() is made */
#define LINE_US        250     /* from the LF to the answer: comparing Strings */
#define COMMAND_US     550     /* from the answer to the next line */
#define LOOP_US        250     /* a turn that only looks at pins and timers */
#define STK_END        ' '     /* CRC_EOP */

/* --- processor ----------------------------------------------------------------------------- */

static int64_t millis(const struct sim_board *board)
{
    return (board->clock.us - board->booted.us) / TICK_US * TICK_US / 1000;
}

/* When millis() reaches `ms`. */
static struct instant instant_of_millis(const struct sim_board *board, int64_t ms)
{
    int64_t ticks = (ms * 1000 + TICK_US - 1) / TICK_US;
    return instant_after_us(board->booted, ticks * TICK_US);
}

/* Every register as after a reset, and what was on its way out is gone. */
static void clear_processor(struct sim_board *board)
{
    sim_board_pins_reset(board);
    board->sending = false;
    board->sent_at = INSTANT_NEVER;
    board->rx_count = 0;
    board->in_command = false;
    board->arguments = 0;
}

static void enter(struct sim_board *board, enum sim_board_stage stage)
{
    board->stage = stage;
    switch (stage) {
    case SIM_BOARD_UNPLUGGED:
        clear_processor(board);
        board->opened = false;
        board->incoming_count = 0;
        board->arrives = INSTANT_NEVER;
        board->outgoing_count = 0;
        board->stage_ends = INSTANT_NEVER;
        break;
    case SIM_BOARD_HELD:
        clear_processor(board);
        board->stage_ends = instant_after_us(board->clock, HELD_US);
        break;
    case SIM_BOARD_BOOTLOADING:
        board->listens = instant_after_us(board->clock, BOOT_LISTEN_US);
        board->stage_ends = instant_after_us(board->listens, BOOT_QUIET_US);
        break;
    case SIM_BOARD_STARTING:
        board->booted = board->clock;
        board->stage_ends = instant_after_us(board->clock, SETUP_US);
        break;
    case SIM_BOARD_RUNNING:
        board->stage_ends = INSTANT_NEVER;
        board->look = false;
        board->free = board->clock;
        sio_board_start(&board->core, sim_board_pins_hardware(board), board, (uint32_t)millis(board));
        break;
    }
}

static void end_stage(struct sim_board *board)
{
    bool bootloader = board->options.bootloader == SIM_BOARD_OPTIBOOT && !board->skip_bootloader;
    switch (board->stage) {
    case SIM_BOARD_HELD:
        enter(board, bootloader ? SIM_BOARD_BOOTLOADING : SIM_BOARD_STARTING);
        break;
    case SIM_BOARD_BOOTLOADING: enter(board, SIM_BOARD_STARTING); break;
    case SIM_BOARD_STARTING: enter(board, SIM_BOARD_RUNNING); break;
    case SIM_BOARD_RUNNING:
    case SIM_BOARD_UNPLUGGED: break;
    }
}

static void boot(struct sim_board *board, bool power_up)
{
    board->skip_bootloader = power_up;
    enter(board, SIM_BOARD_HELD);
}

/*
 * A byte for optiboot: a command letter, its arguments, and a blank to end it. Anything else where
 * the blank is due makes it give up at once; a byte it can use starts its watchdog anew.
 */
static void bootload(struct sim_board *board, char byte)
{
    struct instant heard = board->clock;
    if (heard.us < board->listens.us) /* waits in the UART */
        heard = board->listens;
    if (!board->in_command) {
        board->in_command = true;
        board->arguments = byte == 'V' ? 4 : byte == 'E' ? 5 : byte == 'B' ? 20 : 0;
    } else if (board->arguments > 0) {
        board->arguments--;
    } else if (byte == STK_END) {
        board->in_command = false;
    } else {
        board->stage_ends = instant_after_us(heard, BOOT_BAD_US);
        return;
    }
    board->stage_ends = instant_after_us(heard, BOOT_QUIET_US);
}

static struct instant processor_due(const struct sim_board *board)
{
    if (board->stage != SIM_BOARD_RUNNING)
        return INSTANT_NEVER;
    if (board->core.complete)
        return board->free;
    if (!sio_board_ready(&board->core))
        return INSTANT_NEVER; /* until a byte has gone out */
    if (board->rx_count > 0 || board->look)
        return board->free;
    int64_t ms = millis(board);
    uint32_t wait = sio_board_wait(&board->core, (uint32_t)ms);
    if (wait == SIO_NO_WAIT)
        return INSTANT_NEVER;
    struct instant due = instant_of_millis(board, ms + wait);
    return due.us > board->free.us ? due : board->free;
}

static void run_core(struct sim_board *board, int64_t busy_us)
{
    board->look = false;
    sio_board_run(&board->core, sim_board_pins_hardware(board), board, (uint32_t)millis(board));
    board->free = instant_after_us(board->clock, busy_us);
}

static void work(struct sim_board *board)
{
    if (board->core.complete) {
        run_core(board, COMMAND_US);
    } else if (board->rx_count > 0) {
        char byte = board->rx[board->rx_first];
        board->rx_first = (uint8_t)((board->rx_first + 1) % SIM_BOARD_RX_RING);
        board->rx_count--;
        sio_board_take(&board->core, byte, (uint32_t)millis(board));
        if (board->core.complete)
            board->free = instant_after_us(board->clock, LINE_US);
    } else {
        run_core(board, LOOP_US);
    }
}

/* --- wire ---------------------------------------------------------------------------------- */

static void arrive(struct sim_board *board)
{
    char byte = board->incoming[board->incoming_first];
    board->incoming_first = (uint16_t)((board->incoming_first + 1) % SIM_BOARD_INCOMING);
    board->incoming_count--;
    board->arrives =
        board->incoming_count > 0 ? instant_after_us(board->clock, BYTE_US) : INSTANT_NEVER;
    switch (board->stage) {
    case SIM_BOARD_UNPLUGGED:
    case SIM_BOARD_HELD: board->lost_early++; break;
    case SIM_BOARD_BOOTLOADING:
        board->lost_early++;
        bootload(board, byte);
        break;
    case SIM_BOARD_STARTING:
    case SIM_BOARD_RUNNING:
        if (board->rx_count == SIM_BOARD_RX_RING) {
            board->lost_rx++;
            break;
        }
        board->rx[(board->rx_first + board->rx_count) % SIM_BOARD_RX_RING] = byte;
        board->rx_count++;
        break;
    }
}

static void depart(struct sim_board *board)
{
    board->sending = false;
    board->sent_at = INSTANT_NEVER;
    if (board->opened && board->outgoing_count < SIM_BOARD_OUTGOING)
        board->outgoing[board->outgoing_count++] = board->sending_byte;
    else
        board->lost_tx++;
}

static void send_next(struct sim_board *board)
{
    if (board->sending || board->stage != SIM_BOARD_RUNNING)
        return;
    if (!sio_board_next_byte(&board->core, &board->sending_byte))
        return;
    board->sending = true;
    board->sent_at = instant_after_us(board->clock, BYTE_US);
}

/* When the next thing will happen, if the processor has something to do then. */
static struct instant next_event(const struct sim_board *board, struct instant works)
{
    struct instant next = instant_earlier(board->stage_ends, works);

    next = instant_earlier(next, instant_earlier(board->arrives, board->sent_at));
    return next.us < board->clock.us ? board->clock : next;
}

/* Something has changed: when the next thing will happen is found out anew. */
static void plan(struct sim_board *board)
{
    board->works = processor_due(board);
    board->due = next_event(board, board->works);
}

/* Lets everything happen up to now, each thing at its own time. */
static void advance(struct sim_board *board, struct instant now)
{
    while (instant_due(board->due, now)) {
        struct instant next = board->due;
        bool works = instant_due(board->works, next);
        /* A byte that has gone out concerns the processor only if it waited for that. */
        bool only_departs = !works && sio_board_ready(&board->core) &&
                            !instant_due(board->arrives, next) &&
                            !instant_due(board->stage_ends, next);

        board->clock = next;
        if (instant_due(board->arrives, next))
            arrive(board);
        if (instant_due(board->sent_at, next))
            depart(board);
        if (instant_due(board->stage_ends, next))
            end_stage(board);
        if (works)
            work(board);
        send_next(board);
        if (only_departs)
            board->due = next_event(board, board->works);
        else
            plan(board);
    }
    if (board->clock.us < now.us)
        board->clock = now;
}

/* --- outside ------------------------------------------------------------------------------- */

void sim_board_init(struct sim_board *board, struct sim_board_options options, struct instant now)
{
    memset(board, 0, sizeof(*board));
    board->options = options;
    board->clock = now;
    memset(board->eeprom, 0xff, sizeof(board->eeprom));
    if ((options.outputs | options.sensors | options.pwms) != 0)
        sim_board_pins_store(board, &options);
    enter(board, SIM_BOARD_UNPLUGGED);
    boot(board, true);
    plan(board);
}

bool sim_board_open(struct sim_board *board, struct instant now)
{
    advance(board, now);
    if (board->stage == SIM_BOARD_UNPLUGGED)
        return false;
    board->opened = true;
    board->outgoing_count = 0;
    if (!board->options.runs_on)
        boot(board, false);
    plan(board);
    return true;
}

void sim_board_close(struct sim_board *board, struct instant now)
{
    advance(board, now);
    board->opened = false;
    board->outgoing_count = 0;
    plan(board);
}

void sim_board_unplug(struct sim_board *board, struct instant now)
{
    advance(board, now);
    enter(board, SIM_BOARD_UNPLUGGED);
    plan(board);
}

void sim_board_plug(struct sim_board *board, struct instant now)
{
    advance(board, now);
    if (board->stage == SIM_BOARD_UNPLUGGED)
        boot(board, true);
    plan(board);
}

void sim_board_reset(struct sim_board *board, struct instant now)
{
    advance(board, now);
    if (board->stage != SIM_BOARD_UNPLUGGED)
        boot(board, false);
    plan(board);
}

size_t sim_board_write(struct sim_board *board, struct span bytes, struct instant now)
{
    advance(board, now);
    if (!board->opened)
        return bytes.length;
    size_t count = bytes.length;
    if (count > sim_board_room(board))
        count = sim_board_room(board);
    if (count > 0 && board->incoming_count == 0)
        board->arrives = instant_after_us(board->clock, BYTE_US);
    for (size_t i = 0; i < count; i++) {
        size_t at = (size_t)board->incoming_first + board->incoming_count;
        board->incoming[at % SIM_BOARD_INCOMING] = bytes.data[i];
        board->incoming_count++;
    }
    plan(board);
    return count;
}

size_t sim_board_room(const struct sim_board *board)
{
    return (size_t)(SIM_BOARD_INCOMING - board->incoming_count);
}

struct span sim_board_outgoing(const struct sim_board *board)
{
    struct span bytes = {board->outgoing, board->outgoing_count};

    if (board->options.whole_lines) {
        size_t end = span_find_last(bytes, '\n');

        bytes.length = end < bytes.length ? end + 1 : 0;
    }
    return bytes;
}

void sim_board_sent(struct sim_board *board, size_t count)
{
    assert(count <= board->outgoing_count);
    board->outgoing_count = (uint16_t)(board->outgoing_count - count);
    memmove(board->outgoing, board->outgoing + count, board->outgoing_count);
}

void sim_board_input(struct sim_board *board, uint8_t io, bool high, struct instant now)
{
    assert(io < SIO_POINTS);
    advance(board, now);
    sim_board_pins_drive(board, io, high);
    board->look = true;
    plan(board);
    advance(board, now);
}

void sim_board_sense(struct sim_board *board, uint8_t io, struct sim_board_sensor sensor,
                     struct instant now)
{
    assert(io < SIO_POINTS);
    advance(board, now);
    board->sensor[io] = sensor;
}

bool sim_board_output(const struct sim_board *board, uint8_t io)
{
    assert(io < SIO_POINTS);
    return sim_board_pins_level(board, io);
}

bool sim_board_change(const struct sim_board *board, uint32_t index,
                      struct sim_board_change *ret_change)
{
    uint32_t age = board->change_count - index;
    if (age == 0 || age > SIM_BOARD_CHANGES || age > board->change_count)
        return false;
    *ret_change = board->changes[index % SIM_BOARD_CHANGES];
    return true;
}

/* When the line that is being sent will be over, INSTANT_NEVER if nothing is sent. */
static struct instant line_over(const struct sim_board *board)
{
    const struct sio_board *core = &board->core;
    int64_t bytes = 0;

    if (!board->sending)
        return INSTANT_NEVER;
    if (board->sending_byte != '\n') {
        while (bytes < core->out_count && core->out[(uint8_t)(core->out_first + bytes)] != '\n')
            bytes++;
        bytes += bytes < core->out_count;
    }
    return instant_after_us(board->sent_at, bytes * BYTE_US);
}

struct instant sim_board_deadline(const struct sim_board *board)
{
    struct instant due;

    if (!board->options.whole_lines || board->due.us != board->sent_at.us)
        return board->due;
    /* What happens byte by byte is made up for when the line is over. */
    due = instant_earlier(board->stage_ends, board->arrives);
    due = instant_earlier(due, board->works);
    return instant_earlier(due, line_over(board));
}

void sim_board_expire(struct sim_board *board, struct instant now)
{
    advance(board, now);
}

const char *sim_board_check(const struct sim_board *board)
{
    if (board->incoming_count > SIM_BOARD_INCOMING || board->rx_count > SIM_BOARD_RX_RING ||
        board->outgoing_count > SIM_BOARD_OUTGOING)
        return "a buffer holds more than fits";
    if ((board->incoming_count > 0) == instant_is_never(board->arrives))
        return "bytes wait for no time, or a time for no bytes";
    if (board->sending == instant_is_never(board->sent_at))
        return "a byte is sent without an end, or an end without a byte";
    if (board->stage == SIM_BOARD_UNPLUGGED && (board->opened || board->is_output != 0))
        return "an unplugged board is open or drives a pin";
    if (board->core.line_length > SIO_LINE_CAPACITY)
        return "the firmware's line is longer than fits";
    if (next_event(board, processor_due(board)).us < board->due.us)
        return "something happens before it is due";
    return NULL;
}
