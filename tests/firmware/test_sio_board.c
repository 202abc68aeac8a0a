#include "firmware/sio_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A board on the bench: pins that follow what is written, inputs pulled up until driven low. */
static struct bench {
    enum sio_type types[SIO_POINTS];
    bool port[SIO_POINTS];
    bool pulled_low[SIO_POINTS];
    uint8_t eeprom[SIO_STORED];
    unsigned stores;
} bench;

static struct sio_board board;
static uint32_t now;
static char said[8192];

static void bench_set_type(void *context, uint8_t io, enum sio_type type)
{
    struct bench *here = context;
    assert_in_range(io, 0, SIO_POINTS - 1);
    here->types[io] = type;
    if (type != SIO_OUTPUT)
        here->port[io] = type == SIO_INPUT_PULLUP;
}

static void bench_write(void *context, uint8_t io, bool high)
{
    struct bench *here = context;
    assert_in_range(io, 0, SIO_POINTS - 1);
    here->port[io] = high;
}

static bool bench_read(void *context, uint8_t io)
{
    const struct bench *here = context;
    assert_in_range(io, 0, SIO_POINTS - 1);
    return here->port[io] && !(here->types[io] != SIO_OUTPUT && here->pulled_low[io]);
}

static void bench_load(void *context, uint8_t ret_stored[SIO_STORED])
{
    const struct bench *here = context;
    memcpy(ret_stored, here->eeprom, SIO_STORED);
}

static void bench_store(void *context, const uint8_t stored[SIO_STORED])
{
    struct bench *here = context;
    memcpy(here->eeprom, stored, SIO_STORED);
    here->stores++;
}

static const struct sio_hardware hardware = {
    .set_type = bench_set_type,
    .write = bench_write,
    .read = bench_read,
    .load = bench_load,
    .store = bench_store,
};

static void turn(void)
{
    char byte = '\0';
    size_t length = strlen(said);
    sio_board_run(&board, &hardware, &bench, now);
    while (sio_board_next_byte(&board, &byte)) {
        assert_true(length + 1 < sizeof(said));
        said[length++] = byte;
        said[length] = '\0';
    }
}

/* Lets `ms` pass, waking only when the board asks for it. */
static void pass(uint32_t ms)
{
    uint32_t end = now + ms;
    for (;;) {
        uint32_t wait = sio_board_wait(&board, now);
        if (wait > end - now)
            break;
        now += wait;
        turn();
    }
    now = end;
}

static void write_text(const char *text)
{
    for (; *text != '\0'; text++) {
        assert_true(sio_board_ready(&board));
        sio_board_take(&board, *text, now);
        turn();
    }
}

/* What the board says to `text` at once. */
static const char *answer(const char *text)
{
    said[0] = '\0';
    write_text(text);
    return said;
}

static void start_again(void)
{
    said[0] = '\0';
    sio_board_start(&board, &hardware, &bench, now);
    turn();
}

static int start(void **unused)
{
    (void)unused;
    memset(&bench, 0, sizeof(bench));
    memset(bench.eeprom, 0xff, sizeof(bench.eeprom));
    now = 0xfffffc00; /* the clock wraps in the first second of each test */
    start_again();
    return 0;
}

#define IDLE "IO:111111111111000000\r\n"

static void it_starts_with_version_and_types_and_outputs_low(void **unused)
{
    (void)unused;
    assert_string_equal(said, "DG:SIO_Arduino_General 1.0.11\r\n"
                              "IT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,\r\n");
    for (uint8_t io = 0; io < SIO_POINTS; io++) {
        assert_int_equal(bench.types[io], io < 12 ? SIO_INPUT_PULLUP : SIO_OUTPUT);
        assert_int_equal(bench.port[io], io < 12);
    }
}

static void reports_and_ready_come_in_their_rhythm(void **unused)
{
    (void)unused;
    said[0] = '\0';
    pass(100);
    turn(); /* strictly after 100 ms */
    assert_string_equal(said, "");
    pass(1);
    assert_string_equal(said, IDLE);
    pass(2900);
    assert_string_equal(said, IDLE "RR\r\n");
    pass(102);
    assert_string_equal(said, IDLE "RR\r\n" IDLE);
    pass(3002 * 3); /* the next RR is 9 s after the first */
    assert_string_equal(said, IDLE "RR\r\n" IDLE IDLE IDLE "RR\r\n" IDLE);
}

static void
a_new_interval_holds_for_reports_at_once_and_for_ready_after_the_running_one(void **unused)
{
    (void)unused;
    pass(3050);
    assert_string_equal(answer("SI 500\n"), "OK\r\nDG:ART now:500\r\n");
    said[0] = '\0';
    pass(501);
    assert_string_equal(said, IDLE);
    pass(3001 + 9001 - 3050 - 501 - 1);
    assert_null(strstr(said, "RR"));
    pass(1);
    assert_non_null(strstr(said, "RR"));
    said[0] = '\0';
    pass(1501);
    assert_non_null(strstr(said, "RR"));
}

static void every_command_answers_as_the_original(void **unused)
{
    (void)unused;
    static const struct {
        const char *command;
        const char *answer;
    } rows[] = {
        {"VC\n", "OK\r\nVI:SIO_Arduino_General 1.0.11\r\nCP:SIOPlugin 0.1.1\r\nFS:NA\r\n"
                 "XT BRD:ATmega328P\r\n"},
        {"VC\r\n", "OK\r\nVI:SIO_Arduino_General 1.0.11\r\nCP:SIOPlugin 0.1.1\r\nFS:NA\r\n"
                   "XT BRD:ATmega328P\r\n"},
        {"IC\n", "OK\r\nIC:17\r\n"},
        {"  IC \t\r\n", "OK\r\nIC:17\r\n"},
        {"TC\n", "OK\r\nTC INPUT:0,OUTPUT:1,INPUT_PULLUP:2\r\n"},
        {"IOT\n", "OK\r\nIT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,\r\n"},
        {"GS\n", "OK\r\n" IDLE},
        {"SE 0\n", "OK\r\n"},
        {"SE 1\n", "OK\r\n"},
        {"SE 9\n", "OK\r\nDG:EROR: val out of range\r\n"},
        {"SE\n", "OK\r\nDG:EROR: val bad format\r\n"},
        {"SE 01\n", "OK\r\nDG:EROR: val bad format\r\n"},
        {"SI 500 \n", "OK\r\nDG:ART now:500\r\n"},
        {"SI 2147483647\n", "OK\r\nDG:ART now:2147483647\r\n"},
        {"SI 3000\n", "OK\r\nDG:ART now:3000\r\n"},
        {"SI 499\n", "OK\r\nDG:ERR: # out of range.\r\n"},
        {"SI 5x0\n", "OK\r\nDG:ERR: # out of range.\r\n"},
        {"SI 0500\n", "OK\r\nDG:ERR: # out of range.\r\n"},
        {"SI -500\n", "OK\r\nDG:ERR: # out of range.\r\n"},
        {"SI 2147483648\n", "OK\r\nDG:ERR: # out of range.\r\n"},
        {"SI 99999999999999999999\n", "OK\r\nDG:ERR: # out of range.\r\n"},
        {"SI\n", "OK\r\nDG:ERR: # out of range.\r\n"},
        {"debug 1\n", "OK\r\nDG:debug disabled\r\n"},
        {"debug 11\n", "DG:ERR: bad cmnd[debug]\r\n"},
        {"debug\n", "DG:ERR: bad cmnd[debug]\r\n"},
        {"restart\n", "OK\r\nDG:!supported\r\n"},
        {"reset\n", "OK\r\nDG:!supported\r\n"},
        {"reboot\n", "OK\r\nDG:!supported\r\n"},
        {"FS\n", "OK\r\n"},
        {"FS FormatSPIFFS\n", "OK\r\nDG:FormatSPIFFS is Not Supported IN Ardino\r\n"},
        {"XYZZY 1\n", "DG:ERR: bad cmnd[XYZZY]\r\n"},
        {"vc\n", "DG:ERR: bad cmnd[vc]\r\n"},
        {"IOX\n", "DG:ERR: bad cmnd[IOX]\r\n"},
        {"\n", "DG:ERR: bad cmnd[]\r\n"},
        {" \r\n", "DG:ERR: bad cmnd[]\r\n"},
        {"M115\n", "OK\r\nLooks like OctoPrint thinks I am a printer.\r\n"
                   "I not printer; Am SIOControler. Send disconnect host action cmnd.\r\n"
                   "//action:disconnect\r\n"},
        {"N0 M110 N0*125\n", "OK\r\nLooks like OctoPrint thinks I am a printer.\r\n"
                             "I not printer; Am SIOControler. Send disconnect host action cmnd.\r\n"
                             "//action:disconnect\r\n"},
        {"M1150\n", "DG:ERR: bad cmnd[M1150]\r\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(answer(rows[i].command), rows[i].answer);
}

static void setting_an_output_says_ok_and_one_report(void **unused)
{
    (void)unused;
    assert_string_equal(answer("IO 12 1\n"), "OK\r\nIO:111111111111100000\r\n");
    assert_true(bench.port[12]);
    assert_string_equal(answer("IO 17 1\n"), "OK\r\nIO:111111111111100001\r\n");
    assert_string_equal(answer("IO 12 0\n"), "OK\r\nIO:111111111111000001\r\n");
    assert_false(bench.port[12]);
}

static void a_mistaken_set_changes_nothing(void **unused)
{
    (void)unused;
    static const struct {
        const char *command;
        const char *answer;
    } rows[] = {
        {"IO 3 1\n", "OK\r\nDG:ERR: Atmpt set IO not an output\r\n" IDLE},
        {"IO 99 1\n", "OK\r\nDG:ERR: Atmpt set IO not an output\r\n" IDLE},
        {"IO 18 1\n", "OK\r\nDG:ERR: Atmpt set IO not an output\r\n" IDLE},
        {"IO -1 1\n", "OK\r\nDG:ERR: Atmpt set IO not an output\r\n" IDLE},
        {"IO x 1\n", "OK\r\nDG:ERR: Atmpt set IO not an output\r\n" IDLE},
        {"IO 4294967308 1\n", "OK\r\nDG:ERR: Atmpt set IO not an output\r\n" IDLE},
        {"IO 12 7\n", "OK\r\nDG:ERR: Atmpt set IO value not valid\r\n" IDLE},
        {"IO\n", "OK\r\nDG:ERR: value out of range\r\n"},
        {"IO 1\n", "OK\r\nDG:ERR: value out of range\r\n"},
        {"IO 12\n", "OK\r\nDG:ERR: value out of range\r\n"},
        {"IO 121\n", "OK\r\nDG:ERR: invalid cmd/vlu\r\n"},
        {"IO 12 11\n", "OK\r\nDG:ERR: invalid cmd/vlu\r\n"},
        {"IO  12 1\n", "OK\r\nDG:ERR: invalid cmd/vlu\r\n"},
        {"IO 12 1 1\n", "OK\r\nDG:ERR: invalid cmd/vlu\r\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(answer(rows[i].command), rows[i].answer);
    for (uint8_t io = 12; io < SIO_POINTS; io++)
        assert_false(bench.port[io]);
}

static void a_number_may_be_followed_by_rubbish(void **unused)
{
    (void)unused;
    assert_string_equal(answer("IO 12x 1\n"), "OK\r\nIO:111111111111100000\r\n");
}

static void ended_reports_stay_ended_but_a_set_still_reports(void **unused)
{
    (void)unused;
    assert_string_equal(answer("EIO\n"), "OK\r\n");
    said[0] = '\0';
    pass(20000);
    assert_string_equal(said, "");
    assert_int_equal(sio_board_wait(&board, now), SIO_NO_WAIT);
    assert_string_equal(answer("IO 13 1\n"), "OK\r\nIO:111111111111010000\r\n");
    assert_string_equal(answer("GS\n"), "OK\r\nIO:111111111111010000\r\n");
}

static void begun_reports_catch_up_with_timers_and_edges(void **unused)
{
    (void)unused;
    write_text("EIO\n");
    pass(10000);
    bench.pulled_low[0] = true;
    pass(10000);
    assert_string_equal(answer("BIO\n"), "OK\r\nIO:011111111111000000\r\nRR\r\n");
    said[0] = '\0';
    pass(10);
    assert_string_equal(said, "IO:011111111111000000\r\n"); /* the edge, five quiet ms later */
}

static void an_edge_is_reported_after_five_quiet_milliseconds(void **unused)
{
    (void)unused;
    pass(200);
    said[0] = '\0';
    bench.pulled_low[4] = true;
    turn();
    pass(4);
    assert_string_equal(said, "");
    pass(1);
    assert_string_equal(said, "IO:111101111111000000\r\n");
    pass(2000);
    assert_string_equal(said, "IO:111101111111000000\r\n");
}

static void a_bouncing_input_is_reported_once(void **unused)
{
    (void)unused;
    pass(200);
    said[0] = '\0';
    for (unsigned i = 0; i < 9; i++) {
        bench.pulled_low[4] = i % 2 == 0;
        turn();
        pass(3);
    }
    assert_string_equal(said, "");
    pass(2);
    assert_string_equal(said, "IO:111101111111000000\r\n");
}

static void a_pulse_shorter_than_the_debounce_is_never_reported(void **unused)
{
    (void)unused;
    pass(200);
    said[0] = '\0';
    bench.pulled_low[4] = true;
    turn();
    pass(3);
    bench.pulled_low[4] = false;
    turn();
    pass(100);
    assert_string_equal(said, "");
}

static void a_periodic_report_shows_raw_levels(void **unused)
{
    (void)unused;
    pass(100);
    said[0] = '\0';
    bench.pulled_low[11] = true;
    turn();
    pass(1);
    assert_string_equal(said, "IO:111111111110000000\r\n");
    pass(5); /* and again when it is debounced */
    assert_string_equal(said, "IO:111111111110000000\r\nIO:111111111110000000\r\n");
}

static void half_a_line_stops_everything_for_a_second_and_is_then_a_command(void **unused)
{
    (void)unused;
    pass(90);
    said[0] = '\0';
    write_text("G");
    pass(500);
    write_text("S");
    bench.pulled_low[2] = true;
    turn();
    pass(999);
    assert_string_equal(said, "");
    pass(1);
    /* the report timer, which GS has just started anew, has nothing to add */
    assert_string_equal(said, "OK\r\nIO:110111111111000000\r\n");
    pass(5);
    assert_string_equal(said, "OK\r\nIO:110111111111000000\r\nIO:110111111111000000\r\n");
}

static void types_change_the_table_now_and_the_pins_at_the_next_start(void **unused)
{
    (void)unused;
    const char *types = "CIO 01,02,02,02,02,02,02,02,02,02,02,02,02,01,01,01,01,01\n";
    assert_string_equal(answer(types),
                        "OK\r\nIO:011111111111000000\r\n"); /* pull-up off: a change */
    assert_int_equal(bench.types[0], SIO_INPUT_PULLUP);
    assert_string_equal(answer("IOT\n"), "OK\r\nIT:1,2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,\r\n");
    assert_string_equal(answer("IO 0 1\n"), "OK\r\nIO:111111111111000000\r\n");
    assert_string_equal(answer("IO 00 1\n"), "OK\r\nDG:ERR: Atmpt set IO not an output\r\n" IDLE);

    start_again(); /* not stored: forgotten */
    assert_int_equal(board.types[0], SIO_INPUT_PULLUP);

    write_text(types);
    assert_string_equal(answer("SIO\n"), "OK\r\n");
    assert_int_equal(bench.stores, 1);
    start_again();
    assert_int_equal(bench.types[0], SIO_OUTPUT);
    assert_int_equal(bench.types[12], SIO_INPUT_PULLUP);
    assert_false(bench.port[0]);

    assert_string_equal(answer("FS RemoveSavedIOSettings\n"),
                        "OK\r\nDG:IOSettings Remove Success\r\nIO:111111111111000000\r\n");
    assert_int_equal(bench.types[0], SIO_INPUT_PULLUP);
    assert_int_equal(bench.stores, 2);
}

static void bad_types_are_refused_whole(void **unused)
{
    (void)unused;
    assert_string_equal(answer("CIO 09,02\n"),
                        "OK\r\nDG:IO Type is invalid: [9] @ position:[0]\r\n");
    assert_string_equal(answer("CIO 02,-3\n"),
                        "OK\r\nDG:IO Type is invalid: [-3] @ position:[1]\r\n");
    assert_string_equal(answer("CIO\n"), "OK\r\n");
    assert_string_equal(
        answer("CIO 02,02,02,02,02,02,02,02,02,02,02,02,01,01,01,01,01,01,x\n"),
        "OK\r\nDG:IOConfig validation failed(Wrong len): required minimal len[55] supplied "
        "len[55]\r\n");
    assert_string_equal(answer("IOT\n"), "OK\r\nIT:2,2,2,2,2,2,2,2,2,2,2,2,1,1,1,1,1,1,\r\n");
}

static void a_short_list_of_types_makes_the_rest_inputs(void **unused)
{
    (void)unused;
    write_text("CIO 02,02\n");
    assert_string_equal(answer("IOT\n"), "OK\r\nIT:2,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,\r\n");
}

static void damaged_storage_gives_the_defaults(void **unused)
{
    (void)unused;
    write_text("CIO 01\n");
    write_text("SIO\n");
    bench.eeprom[3] ^= 1;
    start_again();
    assert_int_equal(board.types[0], SIO_INPUT_PULLUP);
    memset(bench.eeprom, 0, sizeof(bench.eeprom));
    bench.eeprom[0] = 4;
    bench.eeprom[1] = 4; /* the sum is right, the type is none */
    start_again();
    assert_int_equal(board.types[0], SIO_INPUT_PULLUP);
}

static void an_endless_line_is_cut_off_and_harms_nobody(void **unused)
{
    (void)unused;
    char expected[SIO_LINE_CAPACITY + 40];
    said[0] = '\0';
    for (unsigned i = 0; i < 5000; i++)
        write_text("x");
    write_text("\n");
    memset(expected, 0, sizeof(expected));
    strcpy(expected, "DG:ERR: bad cmnd[");
    memset(expected + strlen(expected), 'x', SIO_LINE_CAPACITY);
    strcat(expected, "]\r\n");
    assert_string_equal(said, expected);
    assert_string_equal(answer("IC\n"), "OK\r\nIC:17\r\n");
}

static void too_much_unsent_holds_the_loop_up(void **unused)
{
    (void)unused;
    char byte = '\0';
    for (const char *text = "M115\n"; *text != '\0'; text++)
        sio_board_take(&board, *text, now);
    sio_board_run(&board, &hardware, &bench, now);
    assert_false(sio_board_ready(&board));
    assert_int_equal(sio_board_wait(&board, now + 100000), SIO_NO_WAIT);
    uint8_t unsent = board.out_count;
    sio_board_run(&board, &hardware, &bench, now + 100000);
    assert_int_equal(board.out_count, unsent);
    while (board.out_count > SIO_OUT_BACKLOG)
        assert_true(sio_board_next_byte(&board, &byte));
    assert_true(sio_board_ready(&board));
    sio_board_run(&board, &hardware, &bench, now + 100000);
    assert_true(board.out_count > SIO_OUT_BACKLOG); /* IO: and RR were due */
}

/* The longest that one turn can say, on top of the most that lets it begin, fits. */
static void the_longest_answers_fit_behind_a_full_backlog(void **unused)
{
    (void)unused;
    char endless[SIO_LINE_CAPACITY + 2] = {0};
    memset(endless, 'x', SIO_LINE_CAPACITY);
    endless[SIO_LINE_CAPACITY] = '\n';
    const char *const lines[] = {
        "M115\n", "VC\n", "CIO 02,02,02,02,02,02,02,02,02,02,02,02,01,01,01,01,01,01,x\n", endless};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        start(NULL);
        for (const char *text = lines[i]; *text != '\0'; text++)
            sio_board_take(&board, *text, now);
        board.out_count = SIO_OUT_BACKLOG;
        sio_board_run(&board, &hardware, &bench, now + 100000); /* IO: and RR are due as well */
        assert_true(board.out_count < UINT8_MAX);
        assert_true(board.out_count > SIO_OUT_BACKLOG + 90);
    }
}

int main(void)
{
#define test(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        test(it_starts_with_version_and_types_and_outputs_low),
        test(reports_and_ready_come_in_their_rhythm),
        test(a_new_interval_holds_for_reports_at_once_and_for_ready_after_the_running_one),
        test(every_command_answers_as_the_original),
        test(setting_an_output_says_ok_and_one_report),
        test(a_mistaken_set_changes_nothing),
        test(a_number_may_be_followed_by_rubbish),
        test(ended_reports_stay_ended_but_a_set_still_reports),
        test(begun_reports_catch_up_with_timers_and_edges),
        test(an_edge_is_reported_after_five_quiet_milliseconds),
        test(a_bouncing_input_is_reported_once),
        test(a_pulse_shorter_than_the_debounce_is_never_reported),
        test(a_periodic_report_shows_raw_levels),
        test(half_a_line_stops_everything_for_a_second_and_is_then_a_command),
        test(types_change_the_table_now_and_the_pins_at_the_next_start),
        test(bad_types_are_refused_whole),
        test(a_short_list_of_types_makes_the_rest_inputs),
        test(damaged_storage_gives_the_defaults),
        test(an_endless_line_is_cut_off_and_harms_nobody),
        test(too_much_unsent_holds_the_loop_up),
        test(the_longest_answers_fit_behind_a_full_backlog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
