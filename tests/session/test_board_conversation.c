/*
 * board_session and the simulated board on the two ends of a wire that may lose or invent bytes, in
 * virtual time.
 */
#include "session/board_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim_board.h"
#include "wire/line_framer.h"

#define FIRST_OUTPUT 12 /* of the simulated board's ios; below it are inputs with pull-ups */
#define IOS          SIO_POINTS
#define INTERVAL_MS  3000
#define ALL_OUTPUTS  "CIO 01,01,01,01,01,01,01,01,01,01,01,01,01,01,01,01,01,01\nSIO\n"

static struct sim_board board;
static struct board_session session;
static struct line_framer framer;
static struct instant now;

static struct {
    bool open;
    unsigned lose_down, lose_up; /* each so many-th byte to and from the board is lost; 0: none */
    unsigned flip_up;            /* each so many-th byte from the board has a bit flipped */
    struct instant deaf;         /* until then all bytes from the board are lost */
    bool asks_reopen;            /* told to open the port again: do it */
    unsigned down, up, flip;
    unsigned told[BOARD_EVENT_REOPEN + 1];
    uint32_t commands;               /* IO lines written */
    uint32_t seen;                   /* pin changes looked at */
    uint32_t rises[IOS], falls[IOS]; /* reported by the session */
    enum board_level last[IOS];
    unsigned unwanted; /* pins driven high though that was never wanted */
    bool may_be_high[IOS];
} world;

static void write_lines(void)
{
    char memory[64], sent[64];

    for (;;) {
        struct text text = TEXT_IN(memory);
        size_t length = 0;

        if (!board_session_next_line(&session, &text, now)) {
            return;
        }
        assert_false(text.cut);
        assert_true(text.length <= BOARD_COMMAND_MAX);
        assert_int_equal(memory[text.length - 1], '\n');
        world.commands += memory[0] == 'I' && memory[1] == 'O' && memory[2] == ' ';
        for (size_t i = 0; i < text.length; i++) {
            if (world.lose_down == 0 || ++world.down % world.lose_down != 0) {
                sent[length++] = memory[i];
            }
        }
        if (world.open) {
            assert_int_equal(sim_board_write(&board, (struct span){sent, length}, now), length);
        }
    }
}

static void look_at_levels(void)
{
    for (unsigned io = 0; io < IOS; io++) {
        enum board_level level = board_session_level(&session, io);

        world.rises[io] += level == BOARD_HIGH && world.last[io] == BOARD_LOW;
        world.falls[io] += level == BOARD_LOW && world.last[io] == BOARD_HIGH;
        world.last[io] = level;
    }
}

static void open_port(void)
{
    line_framer_reset(&framer);
    world.open = sim_board_open(&board, now);
    if (world.open) {
        board_session_opened(&session, now);
        write_lines();
    }
}

static void close_port(void)
{
    sim_board_close(&board, now);
    world.open = false;
    board_session_closed(&session, now);
}

static void take_events(void)
{
    struct board_event event;

    assert_null(board_session_check(&session));
    look_at_levels();
    while (board_session_next_event(&session, &event)) {
        world.told[event.kind]++;
        if (event.kind == BOARD_EVENT_REOPEN && world.asks_reopen) {
            close_port();
            open_port();
        }
    }
    write_lines();
    assert_null(board_session_check(&session));
}

static void hear_lines(struct span bytes)
{
    struct span line;

    while (world.open && line_framer_next(&framer, &bytes, &line) != LINE_NONE) {
        struct board_message message;

        board_message_parse(line_content(line), &message);
        board_session_message(&session, &message, now);
        take_events();
    }
}

static void hear(void)
{
    struct span bytes = sim_board_outgoing(&board);
    static char heard[SIM_BOARD_OUTGOING];
    size_t length = 0;

    for (size_t i = 0; i < bytes.length; i++) {
        bool lost = world.lose_up != 0 && ++world.up % world.lose_up == 0;

        if (lost || now.us < world.deaf.us) {
            continue;
        }
        heard[length] = bytes.data[i];
        if (world.flip_up != 0 && ++world.flip % world.flip_up == 0) {
            heard[length] = (char)(heard[length] ^ 1);
        }
        length++;
    }
    sim_board_sent(&board, bytes.length);
    hear_lines((struct span){heard, length});
}

/* A boot drives all outputs low; nothing but we drives them high. */
static void look_at_pins(void)
{
    struct sim_board_change change;

    for (; sim_board_change(&board, world.seen, &change); world.seen++) {
        bool is_output = (board.is_output >> change.io & 1u) != 0;

        if (is_output && change.high && !world.may_be_high[change.io]) {
            world.unwanted++;
        }
    }
}

static void run_until(struct instant end)
{
    for (;;) {
        struct instant next =
            instant_earlier(sim_board_deadline(&board), board_session_deadline(&session));

        if (!instant_due(next, end)) {
            break;
        }
        now = next.us > now.us ? next : now;
        sim_board_expire(&board, now);
        hear();
        board_session_expire(&session, now);
        take_events();
        look_at_pins();
    }
    now = end;
}

static void run_ms(int64_t ms)
{
    run_until(instant_after_ms(now, ms));
}

/* Milliseconds until it is online; `most` if it is not by then. */
static int64_t run_until_online(int64_t most)
{
    struct instant begin = now;

    while (!board_session_online(&session) && instant_ms_since(begin, now) < most) {
        run_ms(1);
    }
    return instant_ms_since(begin, now);
}

static void want(unsigned io, bool high)
{
    world.may_be_high[io] |= high;
    assert_int_equal(board_session_want(&session, io, high, now), BOARD_WANTED);
    write_lines();
}

/* The ios from `first` on that are not as wanted. */
static unsigned count_unsettled(unsigned first)
{
    unsigned count = 0;

    for (unsigned io = first; io < IOS; io++) {
        count += board_session_outcome(&session, io) != BOARD_REACHED;
    }
    return count;
}

/* A board on the bench for a while, its port not open; `command` was given to it before. */
static void set_up(struct sim_board_options options, const char *command)
{
    memset(&world, 0, sizeof(world));
    now = (struct instant){1000000};
    sim_board_init(&board, options, now);
    if (command != NULL) {
        assert_true(sim_board_open(&board, now));
        now = instant_after_ms(now, 2500);
        sim_board_expire(&board, now);
        sim_board_write(&board, span_of(command), now);
        now = instant_after_ms(now, 2500);
        sim_board_expire(&board, now);
        sim_board_sent(&board, sim_board_outgoing(&board).length);
        sim_board_close(&board, now);
    }
    board_session_init(&session, INTERVAL_MS);
    line_framer_init(&framer);
    for (unsigned io = 0; io < IOS; io++) {
        world.last[io] = BOARD_UNKNOWN;
    }
    world.asks_reopen = true;
    run_ms(5000);
}

static void set_up_online(const char *command)
{
    set_up((struct sim_board_options){0}, command);
    open_port();
    assert_in_range(run_until_online(1000), 1, 999);
    run_ms(100);
}

static void a_board_is_online_soon_after_its_boot(void **unused)
{
    (void)unused;
    set_up((struct sim_board_options){0}, NULL);
    open_port();
    assert_in_range(run_until_online(5000), 368, 500);
    assert_string_equal(session.version, "SIO_Arduino_General 1.0.11");
    assert_int_equal(session.levels.count, IOS);
    assert_int_equal(session.levels.outputs, 0x3f000);
    assert_int_equal(world.told[BOARD_EVENT_ONLINE], 1);
    run_ms(60000);
    assert_int_equal(board_session_faults(&session), 0);
    assert_int_equal(world.told[BOARD_EVENT_RESET] + world.told[BOARD_EVENT_LOST], 0);
}

static void a_board_behind_optiboot_is_online_as_soon_as_it_can(void **unused)
{
    (void)unused;
    set_up((struct sim_board_options){.bootloader = SIM_BOARD_OPTIBOOT}, NULL);
    open_port();
    assert_in_range(run_until_online(10000), 1500, 2500);
    assert_int_equal(board_session_faults(&session), 0);
}

static void a_board_that_is_not_reset_is_online_at_once(void **unused)
{
    (void)unused;
    set_up((struct sim_board_options){.runs_on = true}, NULL);
    open_port();
    assert_in_range(run_until_online(5000), 1, 100);
}

static void a_board_left_in_EIO_by_its_last_host_reports_again(void **unused)
{
    (void)unused;
    set_up((struct sim_board_options){.runs_on = true}, "EIO\n");
    open_port();
    assert_in_range(run_until_online(5000), 1, 100);
    run_ms(100);
    sim_board_input(&board, 3, false, now);
    run_ms(20);
    assert_int_equal(board_session_level(&session, 3), BOARD_LOW);
}

static void online_comes_after_the_start_values(void **unused)
{
    (void)unused;
    set_up((struct sim_board_options){0}, NULL);
    want(12, true);
    want(17, true);
    want(13, false);
    open_port();
    run_until_online(5000);
    assert_true(sim_board_output(&board, 12) && sim_board_output(&board, 17));
    assert_int_equal(count_unsettled(12), 3); /* 14 to 16: nothing is wanted */
    assert_int_equal(world.commands, 2);
}

static void a_burst_goes_out_once_each_and_in_its_order(void **unused)
{
    struct instant begin;
    struct sim_board_change change;

    (void)unused;
    set_up_online(ALL_OUTPUTS);
    begin = now;
    world.seen = board.change_count;
    for (unsigned io = 0; io < IOS; io++) {
        want((io * 7) % IOS, true);
    }
    while (count_unsettled(0) > 0) {
        run_ms(1);
        assert_true(instant_ms_since(begin, now) < 200);
    }
    assert_int_equal(world.commands, IOS);
    for (unsigned i = 0; i < IOS; i++) {
        assert_true(sim_board_change(&board, world.seen - IOS + i, &change));
        assert_int_equal(change.io, (i * 7) % IOS);
    }
    assert_int_equal(board.lost_rx, 0);
    assert_int_equal(board_session_faults(&session), 0);
}

static void what_is_urgent_overtakes_a_burst(void **unused)
{
    struct sim_board_change change;

    (void)unused;
    set_up_online(ALL_OUTPUTS);
    for (unsigned io = 0; io < 16; io++) {
        want(io, true);
    }
    world.seen = board.change_count;
    world.may_be_high[17] = true;
    assert_int_equal(board_session_want_first(&session, 17, true, now), BOARD_WANTED);
    run_ms(500);
    assert_true(sim_board_change(&board, world.seen - 16, &change) && change.io == 17);
    assert_int_equal(count_unsettled(0), 1); /* 16: nothing is wanted */
}

static void a_reset_in_the_middle_is_told_and_made_good(void **unused)
{
    (void)unused;
    for (unsigned after_ms = 0; after_ms < 40; after_ms++) {
        set_up_online(ALL_OUTPUTS);
        for (unsigned io = 0; io < IOS; io++) {
            want(io, io % 3 != 0);
        }
        run_ms(after_ms);
        sim_board_reset(&board, now);
        run_ms(2000);
        assert_int_equal(world.told[BOARD_EVENT_RESET], 1);
        assert_int_equal(world.told[BOARD_EVENT_ONLINE], 2);
        assert_int_equal(count_unsettled(0), 0);
        for (unsigned io = 0; io < IOS; io++) {
            assert_int_equal(sim_board_output(&board, (uint8_t)io), io % 3 != 0);
        }
        assert_int_equal(world.told[BOARD_EVENT_FAULT], 0);
        assert_int_equal(world.unwanted, 0);
    }
}

static void a_reset_whose_banner_is_lost_is_seen_by_its_outputs(void **unused)
{
    (void)unused;
    set_up_online(NULL);
    want(12, true);
    want(14, true);
    run_ms(100);
    world.deaf = instant_after_ms(now, 460);
    sim_board_reset(&board, now);
    run_ms(5000);
    assert_int_equal(world.told[BOARD_EVENT_RESET], 1);
    assert_int_equal(world.told[BOARD_EVENT_ONLINE], 2);
    assert_true(sim_board_output(&board, 12) && sim_board_output(&board, 14));
}

static void an_unplugged_board_is_unknown_and_comes_back_as_wanted(void **unused)
{
    (void)unused;
    set_up_online(NULL);
    want(12, true);
    run_ms(1000);
    sim_board_unplug(&board, now);
    world.open = false;
    board_session_closed(&session, now);
    take_events();
    assert_int_equal(world.told[BOARD_EVENT_LOST], 1);
    assert_int_equal(board_session_level(&session, 12), BOARD_UNKNOWN);
    assert_int_equal(board_session_outcome(&session, 12), BOARD_PENDING);
    assert_true(instant_is_never(board_session_deadline(&session)));
    run_ms(3000);
    sim_board_plug(&board, now);
    open_port();
    run_until_online(2000);
    assert_true(sim_board_output(&board, 12));
    assert_int_equal(world.told[BOARD_EVENT_ONLINE], 2);
}

static void silence_is_doubted_then_lost_then_opened_again(void **unused)
{
    struct instant begin;

    (void)unused;
    set_up_online(NULL);
    run_ms(2950); /* just before a report */
    begin = now;
    world.deaf = INSTANT_NEVER;
    while (world.told[BOARD_EVENT_LOST] == 0) {
        run_ms(1);
        assert_true(instant_ms_since(begin, now) < 20000);
    }
    /* Silent since a report 2.9 s ago: 7.5 s of that, then twice 1.5 s. */
    assert_in_range(instant_ms_since(begin, now), 7000, 10600);
    assert_int_equal(board_session_level(&session, 0), BOARD_UNKNOWN);
    begin = now;
    while (world.told[BOARD_EVENT_REOPEN] == 0) {
        run_ms(1);
        assert_true(instant_ms_since(begin, now) < 20000);
    }
    assert_in_range(instant_ms_since(begin, now), 10000, 10001);
    world.deaf = (struct instant){0};
    assert_in_range(run_until_online(2000), 1, 1000);
}

static void a_board_that_stopped_reporting_is_started_again_without_a_loss(void **unused)
{
    (void)unused;
    set_up_online(NULL);
    sim_board_write(&board, SPAN("EIO\n"), now);
    run_ms(60000);
    assert_int_equal(world.told[BOARD_EVENT_LOST], 0);
    assert_int_equal(world.told[BOARD_EVENT_ONLINE], 1);
    assert_int_equal(session.state, BOARD_ONLINE);
}

static void each_pulse_of_12_ms_is_seen_also_in_a_burst(void **unused)
{
    (void)unused;
    set_up_online(NULL);
    for (unsigned i = 0; i < 300; i++) {
        for (unsigned io = FIRST_OUTPUT; io < IOS; io++) {
            want(io, i % 2 == 0);
        }
        run_ms(i % 23);
        sim_board_input(&board, 5, false, now);
        run_ms(12);
        sim_board_input(&board, 5, true, now);
        run_ms(12 + i % 7);
    }
    run_ms(100);
    assert_int_equal(world.falls[5], 300);
    assert_int_equal(world.rises[5], 300);
    assert_int_equal(world.told[BOARD_EVENT_FAULT], 0);
}

static void a_spike_in_a_report_is_taken_back(void **unused)
{
    unsigned seen = 0;

    (void)unused;
    set_up_online(NULL);
    for (unsigned i = 0; i < 200; i++) {
        run_ms(50);
        want(12, i % 2 == 0);
        run_until(instant_after_us(now, (int64_t)i * 20)); /* while its report is being made */
        sim_board_input(&board, 4, false, now);
        run_ms(2);
        sim_board_input(&board, 4, true, now);
        run_ms(1);
        seen += board_session_level(&session, 4) == BOARD_LOW;
        run_ms(20);
        assert_int_equal(board_session_level(&session, 4), BOARD_HIGH);
    }
    assert_true(seen > 10); /* else this test shows nothing */
}

/* Switches outputs for two minutes on a bad wire; then the wire is good again. */
static void run_on_a_bad_wire(const char *command, unsigned lose_up, unsigned lose_down,
                              unsigned flip_up)
{
    set_up_online(command);
    world.lose_up = lose_up;
    world.lose_down = lose_down;
    world.flip_up = flip_up;
    for (unsigned i = 0; i < 240; i++) {
        want(12 + i % 3, i % 2 == 0);
        run_ms(500);
    }
    world.lose_up = world.lose_down = world.flip_up = 0;
    for (unsigned io = 12; io < 15; io++) {
        want(io, io == 13);
    }
    run_ms(30000);
    assert_int_equal(session.state, BOARD_ONLINE);
    for (unsigned io = 0; io < IOS; io++) {
        if ((board.is_output >> io & 1u) != 0) {
            assert_int_equal(sim_board_output(&board, (uint8_t)io), io == 13);
            assert_int_equal(board_session_level(&session, io), io == 13 ? BOARD_HIGH : BOARD_LOW);
        }
    }
}

static void lost_bytes_from_the_board_switch_nothing(void **unused)
{
    static const unsigned each[] = {2, 3, 7, 10, 22, 23, 24, 46, 97, 200, 501};

    (void)unused;
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        run_on_a_bad_wire(NULL, each[i], 0, 0);
        assert_int_equal(world.unwanted, 0);
    }
}

static void flipped_bits_from_the_board_switch_nothing(void **unused)
{
    static const unsigned each[] = {7, 23, 97, 200, 501};

    (void)unused;
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        run_on_a_bad_wire(NULL, 0, 0, each[i]);
        assert_int_equal(world.unwanted, 0);
    }
}

static void what_lost_bytes_to_the_board_switched_is_put_back(void **unused)
{
    static const unsigned each[] = {3, 5, 7, 8, 9, 11, 23, 97, 200};

    unsigned unwanted = 0;

    (void)unused;
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        run_on_a_bad_wire(ALL_OUTPUTS, 0, each[i], 0);
        unwanted += world.unwanted;
    }
    assert_true(unwanted > 0); /* else this test shows nothing */
}

static void garbage_switches_nothing_and_ends_nothing(void **unused)
{
    uint32_t dice = 1;

    (void)unused;
    set_up_online(NULL);
    want(12, true);
    for (unsigned i = 0; i < 20000; i++) {
        char bytes[8];

        for (size_t j = 0; j < sizeof(bytes); j++) {
            dice = dice * 1664525 + 1013904223;
            bytes[j] = "01IOKRTD:GS,\r\n\n \0\xff"[(dice >> 24) % 18];
        }
        hear_lines((struct span){bytes, sizeof(bytes)});
        run_ms(10);
    }
    hear_lines(SPAN("\n"));
    run_ms(30000);
    assert_int_equal(session.state, BOARD_ONLINE);
    assert_int_equal(board_session_outcome(&session, 12), BOARD_REACHED);
    assert_true(sim_board_output(&board, 12));
    assert_int_equal(world.unwanted, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_board_is_online_soon_after_its_boot),
        cmocka_unit_test(a_board_behind_optiboot_is_online_as_soon_as_it_can),
        cmocka_unit_test(a_board_that_is_not_reset_is_online_at_once),
        cmocka_unit_test(a_board_left_in_EIO_by_its_last_host_reports_again),
        cmocka_unit_test(online_comes_after_the_start_values),
        cmocka_unit_test(a_burst_goes_out_once_each_and_in_its_order),
        cmocka_unit_test(what_is_urgent_overtakes_a_burst),
        cmocka_unit_test(a_reset_in_the_middle_is_told_and_made_good),
        cmocka_unit_test(a_reset_whose_banner_is_lost_is_seen_by_its_outputs),
        cmocka_unit_test(an_unplugged_board_is_unknown_and_comes_back_as_wanted),
        cmocka_unit_test(silence_is_doubted_then_lost_then_opened_again),
        cmocka_unit_test(a_board_that_stopped_reporting_is_started_again_without_a_loss),
        cmocka_unit_test(each_pulse_of_12_ms_is_seen_also_in_a_burst),
        cmocka_unit_test(a_spike_in_a_report_is_taken_back),
        cmocka_unit_test(lost_bytes_from_the_board_switch_nothing),
        cmocka_unit_test(flipped_bits_from_the_board_switch_nothing),
        cmocka_unit_test(what_lost_bytes_to_the_board_switched_is_put_back),
        cmocka_unit_test(garbage_switches_nothing_and_ends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
