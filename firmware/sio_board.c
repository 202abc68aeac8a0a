#include "firmware/sio_board.h"

#include <string.h>

#include "firmware/sio_say.h"
#include "firmware/sio_word.h"

#define VERSION       "SIO_Arduino_General 1.0.11"
#define COMPATIBILITY "SIOPlugin 0.1.1"

#define DEBOUNCE_MS         5
#define LINE_TIMEOUT_MS     1000 /* Arduino's Stream::setTimeout, never changed */
#define FIRST_REPORT_MS     100
#define REPORT_TAKES_MS     1 /* the original prints a report, then starts its timer */
#define DEFAULT_INTERVAL_MS 3000
#define LEAST_INTERVAL_MS   500
#define READY_INTERVALS     3 /* after the first RR, one each 3 intervals */
#define FIRST_OUTPUT        12
#define CIO_REFUSED_LENGTH  (SIO_POINTS * 3 + 1) /* the original's length check is upside down */

_Static_assert(sizeof(struct sio_board) <= 640, "must leave room in 2 KiB of RAM");
_Static_assert(SIO_OUT_CAPACITY == 256, "its indices wrap in a byte");

/* What a command may touch. */
struct turn {
    struct sio_board *board;
    const struct sio_hardware *hardware;
    void *context;
    uint32_t now;
};

/* --- types --------------------------------------------------------------------------------- */

/* The numbers by which hosts know the types that only some boards have. */
#define TYPE_SENSOR (-3)
#define TYPE_PWM    (-2)

static void say_types(struct sio_board *board)
{
    sio_say(board, "IT:");
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        if (board->types[io] >= SIO_SENSOR) {
            sio_say_byte(board, '-');
            sio_say_number(board, board->types[io] == SIO_PWM ? -TYPE_PWM : -TYPE_SENSOR);
        } else {
            sio_say_number(board, board->types[io]);
        }
        sio_say_byte(board, ',');
    }
    sio_say_line(board, "");
}

/* --- pins ----------------------------------------------------------------------------------- */

static uint32_t bit(uint8_t io)
{
    return (uint32_t)1 << io;
}

static void set_bit(uint32_t *bits, uint8_t io, bool high)
{
    if (high)
        *bits |= bit(io);
    else
        *bits &= ~bit(io);
}

static bool is_output(const struct sio_board *board, int32_t io)
{
    return io >= 0 && io < SIO_POINTS && board->types[io] == SIO_OUTPUT;
}

static void default_types(struct sio_board *board)
{
    for (uint8_t io = 0; io < SIO_POINTS; io++)
        board->types[io] = io < FIRST_OUTPUT ? SIO_INPUT_PULLUP : SIO_OUTPUT;
}

static void store_types(const struct turn *turn)
{
    uint8_t stored[SIO_STORED];
    uint8_t sum = 0;
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        stored[io + 1] = turn->board->types[io];
        sum = (uint8_t)(sum + stored[io + 1]);
    }
    stored[0] = sum;
    turn->hardware->store(turn->context, stored);
}

static uint8_t last_type(const struct turn *turn)
{
    return turn->hardware->sense != NULL ? SIO_PWM : SIO_INPUT_PULLUP;
}

/* What is stored, if its sum is right and every type is one; else the defaults. */
static void load_types(const struct turn *turn)
{
    uint8_t stored[SIO_STORED];
    unsigned sum = 0;
    default_types(turn->board);
    turn->hardware->load(turn->context, stored);
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        if (stored[io + 1] > last_type(turn))
            return;
        sum += stored[io + 1];
    }
    if (sum == stored[0])
        memcpy(turn->board->types, stored + 1, SIO_POINTS);
}

/* Gives the pins their types: outputs go low, the debounce of inputs starts from their level. */
static void apply_types(const struct turn *turn)
{
    struct sio_board *board = turn->board;
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        turn->hardware->set_type(turn->context, io, (enum sio_type)board->types[io]);
        if (board->types[io] >= SIO_SENSOR)
            continue;
        if (board->types[io] == SIO_OUTPUT) {
            turn->hardware->write(turn->context, io, false);
            continue;
        }
        bool high = turn->hardware->read(turn->context, io);
        set_bit(&board->raw, io, high);
        set_bit(&board->steady, io, high);
        board->moved[io] = (uint16_t)turn->now;
    }
}

/* --- scanning and reporting ---------------------------------------------------------------- */

/* True if an input has a new level since 5 ms, or an output has another one than was reported. */
static bool scan(const struct turn *turn)
{
    struct sio_board *board = turn->board;
    bool changed = false;
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        if (board->types[io] >= SIO_SENSOR)
            continue;
        bool high = turn->hardware->read(turn->context, io);
        if (is_output(board, io)) {
            changed |= high != ((board->shown & bit(io)) != 0);
        } else if (high != ((board->raw & bit(io)) != 0)) {
            set_bit(&board->raw, io, high);
            board->moved[io] = (uint16_t)turn->now;
        } else if (high != ((board->steady & bit(io)) != 0) &&
                   (uint16_t)(turn->now - board->moved[io]) >= DEBOUNCE_MS) {
            set_bit(&board->steady, io, high);
            changed = true;
        }
    }
    return changed;
}

static void report_sensors(const struct turn *turn)
{
    struct sio_board *board = turn->board;
    uint8_t sensor = 0;
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        int16_t degree;
        uint16_t humidity;
        if (board->types[io] != SIO_SENSOR)
            continue;
        if (turn->hardware->sense(turn->context, io, &degree, &humidity)) {
            sio_say(board, "XT DHT ");
            sio_say_number(board, sensor);
            sio_say_byte(board, ' ');
            sio_say_hundredths(board, degree);
            sio_say_byte(board, ' ');
            sio_say_hundredths(board, humidity);
            sio_say_line(board, "");
        }
        sensor++;
    }
}

static void report(const struct turn *turn)
{
    struct sio_board *board = turn->board;
    report_sensors(turn);
    sio_say(board, "IO:");
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        bool high = board->types[io] < SIO_SENSOR && turn->hardware->read(turn->context, io);
        set_bit(&board->shown, io, high);
        sio_say_byte(board, high ? '1' : '0');
    }
    sio_say_line(board, "");
    sio_timer_set(&board->report, board->interval + REPORT_TAKES_MS, turn->now);
}

/* --- commands ------------------------------------------------------------------------------ */

static void do_begin_reports(const struct turn *turn, struct sio_word value)
{
    (void)value;
    turn->board->paused = false;
}

static void do_end_reports(const struct turn *turn, struct sio_word value)
{
    (void)value;
    turn->board->paused = true;
}

static void do_version(const struct turn *turn, struct sio_word value)
{
    (void)value;
    sio_say_line(turn->board, "VI:" VERSION);
    sio_say_line(turn->board, "CP:" COMPATIBILITY);
    sio_say_line(turn->board, "FS:NA");
    sio_say_line(turn->board, "XT BRD:ATmega328P");
}

static void do_count(const struct turn *turn, struct sio_word value)
{
    (void)value;
    sio_say(turn->board, "IC:");
    sio_say_number(turn->board, SIO_POINTS - 1);
    sio_say_line(turn->board, "");
}

static void do_debug(const struct turn *turn, struct sio_word value)
{
    (void)value;
    sio_say_line(turn->board, "DG:debug disabled");
}

static struct sio_word type_token(struct sio_word value, uint8_t io)
{
    return sio_word_part(value, (uint8_t)(io * 3), (uint8_t)(io * 3 + 2));
}

static bool is_type(const struct turn *turn, int32_t type)
{
    return (type >= SIO_INPUT && type <= SIO_INPUT_PULLUP) ||
           (turn->hardware->sense != NULL && (type == TYPE_SENSOR || type == TYPE_PWM));
}

static void do_set_types(const struct turn *turn, struct sio_word value)
{
    struct sio_board *board = turn->board;
    if (value.length == 0)
        return;
    if (value.length == CIO_REFUSED_LENGTH) {
        sio_say(board, "DG:IOConfig validation failed(Wrong len): required minimal len[");
        sio_say_number(board, CIO_REFUSED_LENGTH);
        sio_say(board, "] supplied len[");
        sio_say_number(board, value.length);
        sio_say_line(board, "]");
        return;
    }
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        int32_t type = sio_word_loose_number(type_token(value, io));
        if (is_type(turn, type))
            continue;
        sio_say(board, "DG:IO Type is invalid: [");
        if (type < 0)
            sio_say_byte(board, '-');
        sio_say_number(board, (uint32_t)(type < 0 ? -type : type));
        sio_say(board, "] @ position:[");
        sio_say_number(board, io);
        sio_say_line(board, "]");
        return;
    }
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        int32_t type = sio_word_loose_number(type_token(value, io));
        board->types[io] = (uint8_t)(type == TYPE_SENSOR ? SIO_SENSOR
                                     : type == TYPE_PWM  ? SIO_PWM
                                                         : type);
        if (board->types[io] == SIO_OUTPUT)
            turn->hardware->write(turn->context, io, false);
    }
}

static void do_store_types(const struct turn *turn, struct sio_word value)
{
    (void)value;
    store_types(turn);
}

static void do_types(const struct turn *turn, struct sio_word value)
{
    (void)value;
    say_types(turn->board);
}

static void do_type_constants(const struct turn *turn, struct sio_word value)
{
    (void)value;
    sio_say(turn->board, "TC INPUT:0,OUTPUT:1,INPUT_PULLUP:2");
    if (turn->hardware->sense != NULL)
        sio_say(turn->board, ",INPUT_DHT:-3,OUTPUT_PWM:-2");
    sio_say_line(turn->board, "");
}

/* `n v`: two values, the second of one byte. An error in either still gives a report. */
static void do_set(const struct turn *turn, struct sio_word value)
{
    struct sio_board *board = turn->board;
    uint8_t blank = sio_word_blank(value);
    if (value.length < 3) {
        sio_say_line(board, "DG:ERR: value out of range");
        return;
    }
    if (blank == 0 || blank + 2 != value.length) {
        sio_say_line(board, "DG:ERR: invalid cmd/vlu");
        return;
    }
    struct sio_word point = sio_word_part(value, 0, blank);
    char level = value.data[blank + 1];
    int32_t io = sio_word_loose_number(point);
    if (!is_output(board, io) || (io == 0 && !sio_word_is(point, "0")))
        sio_say_line(board, "DG:ERR: Atmpt set IO not an output");
    else if (level != '0' && level != '1')
        sio_say_line(board, "DG:ERR: Atmpt set IO value not valid");
    else
        turn->hardware->write(turn->context, (uint8_t)io, level == '1');
    report(turn);
}

/* A number like 40 or 40.25 in hundredths, taken off *value with the blank behind it. */
static uint32_t take_hundredths(struct sio_word *value)
{
    uint8_t blank = sio_word_blank(*value);
    struct sio_word number = sio_word_part(*value, 0, blank);
    uint32_t hundredths = 0;
    uint8_t decimals = 0;
    bool point = false;
    for (uint8_t i = 0; i < number.length && hundredths < 100000000 && decimals < 2; i++) {
        if (number.data[i] == '.' && !point) {
            point = true;
        } else if (number.data[i] >= '0' && number.data[i] <= '9') {
            hundredths = hundredths * 10 + (uint32_t)(number.data[i] - '0');
            decimals = (uint8_t)(decimals + point);
        } else {
            break;
        }
    }
    for (; decimals < 2; decimals++)
        hundredths *= 10;
    *value = sio_word_part(*value, (uint8_t)(blank + 1), value->length);
    return hundredths;
}

/* `io duty hertz`. */
static void do_pwm(const struct turn *turn, struct sio_word value)
{
    uint32_t io = take_hundredths(&value) / 100;
    uint32_t duty = take_hundredths(&value);
    uint32_t hertz = take_hundredths(&value) / 100;
    if (io >= SIO_POINTS || turn->board->types[io] != SIO_PWM)
        return;
    turn->hardware->pwm(turn->context, (uint8_t)io, (uint16_t)(duty > 10000 ? 10000 : duty), hertz);
    sio_say_line(turn->board, "DG:PWM for IO Updated");
}

static void do_interval(const struct turn *turn, struct sio_word value)
{
    struct sio_board *board = turn->board;
    uint32_t interval = 0;
    if (!sio_word_strict_number(value, &interval) || interval < LEAST_INTERVAL_MS) {
        sio_say_line(board, "DG:ERR: # out of range.");
        return;
    }
    board->interval = interval;
    sio_timer_set(&board->report, interval, turn->now);
    sio_say(board, "DG:ART now:");
    sio_say_number(board, interval);
    sio_say_line(board, "");
}

/* The original stores the value and never uses it. */
static void do_events(const struct turn *turn, struct sio_word value)
{
    if (value.length != 1)
        sio_say_line(turn->board, "DG:EROR: val bad format");
    else if (value.data[0] != '0' && value.data[0] != '1')
        sio_say_line(turn->board, "DG:EROR: val out of range");
}

static void do_restart(const struct turn *turn, struct sio_word value)
{
    (void)value;
    sio_say_line(turn->board, "DG:!supported");
}

static void do_states(const struct turn *turn, struct sio_word value)
{
    (void)value;
    report(turn);
}

static void do_storage(const struct turn *turn, struct sio_word value)
{
    if (sio_word_is(value, "FormatSPIFFS")) {
        sio_say_line(turn->board, "DG:FormatSPIFFS is Not Supported IN Ardino");
    } else if (sio_word_is(value, "RemoveSavedIOSettings")) {
        default_types(turn->board);
        store_types(turn);
        apply_types(turn);
        sio_say_line(turn->board, "DG:IOSettings Remove Success");
    }
}

static void do_printer_command(const struct turn *turn, struct sio_word value)
{
    (void)value;
    sio_say_line(turn->board, "Looks like OctoPrint thinks I am a printer.");
    sio_say_line(turn->board, "I not printer; Am SIOControler. Send disconnect host action cmnd.");
    sio_say_line(turn->board, "//action:disconnect");
}

static const struct command {
    const char *word;
    void (*carry_out)(const struct turn *turn, struct sio_word value);
} commands[] = {
    {"BIO", do_begin_reports},
    {"CIO", do_set_types},
    {"EIO", do_end_reports},
    {"FS", do_storage},
    {"GS", do_states},
    {"IC", do_count},
    {"IO", do_set},
    {"IOT", do_types},
    {"M115", do_printer_command},
    {"PWM", do_pwm},
    {"SE", do_events},
    {"SI", do_interval},
    {"SIO", do_store_types},
    {"TC", do_type_constants},
    {"VC", do_version},
    {"debug", do_debug},
    {"reboot", do_restart},
    {"reset", do_restart},
    {"restart", do_restart},
};

static const struct command printer_command = {"N", do_printer_command};

/* The command a line asks for, or NULL. A numbered line comes from a host that takes us for a
 * printer, whatever stands in it. */
static const struct command *find_command(const struct sio_hardware *hardware, struct sio_word word,
                                          struct sio_word value)
{
    if (word.length > 0 && word.data[0] == 'N')
        return &printer_command;
    for (uint8_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (!sio_word_is(word, commands[i].word))
            continue;
        if (commands[i].carry_out == do_debug && value.length != 1)
            return NULL;
        if (commands[i].carry_out == do_pwm && hardware->sense == NULL)
            return NULL;
        return &commands[i];
    }
    return NULL;
}

/* Carries out the line read, whole or given up, and makes room for the next. */
static void carry_out_line(const struct turn *turn)
{
    struct sio_board *board = turn->board;
    struct sio_word line = sio_word_trim((struct sio_word){board->line, board->line_length});
    board->reading = false;
    board->complete = false;
    board->line_length = 0;
    uint8_t blank = sio_word_blank(line);
    struct sio_word word = sio_word_part(line, 0, blank);
    struct sio_word value = sio_word_part(line, (uint8_t)(blank + 1), line.length);
    const struct command *command = find_command(turn->hardware, word, value);
    if (command == NULL) {
        sio_say(board, "DG:ERR: bad cmnd[");
        sio_say_word(board, word);
        sio_say_line(board, "]");
        return;
    }
    sio_say_line(board, "OK");
    command->carry_out(turn, value);
}

/* --- the loop ------------------------------------------------------------------------------ */

void sio_board_start(struct sio_board *board, const struct sio_hardware *hardware, void *context,
                     uint32_t now_ms)
{
    const struct turn turn = {board, hardware, context, now_ms};
    memset(board, 0, sizeof(*board));
    board->interval = DEFAULT_INTERVAL_MS;
    sio_say_line(board, "DG:" VERSION);
    load_types(&turn);
    apply_types(&turn);
    say_types(board);
    for (uint8_t io = 0; io < SIO_POINTS; io++)
        set_bit(&board->shown, io,
                board->types[io] < SIO_SENSOR && hardware->read(context, io));
    sio_timer_set(&board->report, FIRST_REPORT_MS, now_ms);
    sio_timer_set(&board->ready, DEFAULT_INTERVAL_MS, now_ms);
}

bool sio_board_ready(const struct sio_board *board)
{
    return !board->complete && board->out_count <= SIO_OUT_BACKLOG;
}

void sio_board_take(struct sio_board *board, char byte, uint32_t now_ms)
{
    board->reading = true;
    board->last_byte = now_ms;
    if (byte == '\n')
        board->complete = true;
    else if (board->line_length < SIO_LINE_CAPACITY)
        board->line[board->line_length++] = byte;
}

void sio_board_run(struct sio_board *board, const struct sio_hardware *hardware, void *context,
                   uint32_t now_ms)
{
    const struct turn turn = {board, hardware, context, now_ms};
    if (board->out_count > SIO_OUT_BACKLOG)
        return;
    if (board->reading) {
        if (!board->complete && now_ms - board->last_byte < LINE_TIMEOUT_MS)
            return;
        carry_out_line(&turn);
    }
    if (board->paused)
        return;
    bool changed = scan(&turn);
    if (sio_timer_fires(&board->report, now_ms) || changed)
        report(&turn);
    if (sio_timer_fires(&board->ready, now_ms)) {
        sio_say_line(board, "RR");
        sio_timer_set(&board->ready, board->interval * READY_INTERVALS, now_ms);
    }
}

uint32_t sio_board_wait(const struct sio_board *board, uint32_t now_ms)
{
    if (board->out_count > SIO_OUT_BACKLOG)
        return SIO_NO_WAIT; /* until bytes are taken */
    if (board->complete)
        return 0;
    if (board->reading) {
        uint32_t gone = now_ms - board->last_byte;
        return gone >= LINE_TIMEOUT_MS ? 0 : LINE_TIMEOUT_MS - gone;
    }
    if (board->paused)
        return SIO_NO_WAIT;
    uint32_t wait = sio_timer_wait(&board->report, now_ms);
    uint32_t other = sio_timer_wait(&board->ready, now_ms);
    if (other < wait)
        wait = other;
    const uint32_t unsteady = board->raw ^ board->steady;
    for (uint8_t io = 0; unsteady != 0 && io < SIO_POINTS; io++) {
        if (is_output(board, io) || (unsteady & bit(io)) == 0)
            continue;
        uint16_t gone = (uint16_t)(now_ms - board->moved[io]);
        other = gone >= DEBOUNCE_MS ? 0 : (uint32_t)(DEBOUNCE_MS - gone);
        if (other < wait)
            wait = other;
    }
    return wait;
}

bool sio_board_next_byte(struct sio_board *board, char *ret_byte)
{
    if (board->out_count == 0)
        return false;
    *ret_byte = board->out[board->out_first++];
    board->out_count--;
    return true;
}
