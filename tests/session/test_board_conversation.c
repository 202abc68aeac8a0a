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

#define FIRST_OUTPUT 12 /* of the 18 ios of the simulated board; below it are inputs */
#define IOS          18
#define INTERVAL_MS  3000

static struct sim_board board;
static struct board_session session;
static struct line_framer framer;
static struct instant now;

static struct {
    bool open;
    unsigned lose_down, lose_up; /* each so many-th byte to and from the board is lost; 0: none */
    unsigned flip_up;            /* each so many-th byte from the board has a bit flipped */
    unsigned down, up, flip;
    unsigned told[BOARD_EVENT_REOPEN + 1];
    uint32_t commands; /* IO lines written */
    uint32_t seen;     /* pin changes looked at */
    uint32_t rises[IOS], falls[IOS]; /* reported by the session */
    enum board_level last[IOS];
    uint64_t unwanted; /* pins driven to a level nobody wanted */
    uint32_t may[IOS]; /* bit 0: low was wanted, bit 1: high */
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
    if (world.open) {
        sim_board_close(&board, now);
        world.open = false;
    }
    board_session_closed(&session, now);
}

static void take_events(void)
{
    struct board_event event;

    assert_null(board_session_check(&session));
    look_at_levels();
    while (board_session_next_event(&session, &event)) {
        world.told[event.kind]++;
        if (event.kind == BOARD_EVENT_REOPEN) {
            close_port();
            open_port();
        }
    }
    write_lines();
    assert_null(board_session_check(&session));
}

static void hear(void)
{
    struct span bytes = sim_board_outgoing(&board), line;
    char heard[SIM_BOARD_OUTGOING];
    size_t length = 0;

    for (size_t i = 0; i < bytes.length; i++) {
        if (world.lose_up != 0 && ++world.up % world.lose_up == 0) {
            continue;
        }
        heard[length] = bytes.data[i];
        if (world.flip_up != 0 && ++world.flip % world.flip_up == 0) {
            heard[length] = (char)(heard[length] ^ 1);
        }
        length++;
    }
    sim_board_sent(&board, bytes.length);
    bytes = (struct span){heard, length};
    while (world.open && line_framer_next(&framer, &bytes, &line) == LINE_COMPLETE) {
        struct board_message message;

        board_message_parse(line_content(line), &message);
        board_session_message(&session, &message, now);
        take_events();
    }
}

/* Outputs that moved to where nobody wanted them. A boot drives all of them low. */
static void look_at_pins(void)
{
    struct sim_board_change change;

    for (; sim_board_change(&board, world.seen, &change); world.seen++) {
        if (change.io >= FIRST_OUTPUT && change.high && (world.may[change.io] & 2u) == 0) {
            world.unwanted++;
        }
    }
}

static void run_ms(int64_t ms)
{
    struct instant end = instant_after_ms(now, ms);

    for (;;) {
        struct instant next = instant_earlier(sim_board_deadline(&board),
                                              board_session_deadline(&session));
        if (next.us < now.us) {
            next = now;
        }
        if (!instant_due(next, end)) {
            break;
        }
        now = next;
        sim_board_expire(&board, now);
        hear();
        board_session_expire(&session, now);
        take_events();
        look_at_pins();
    }
    now = end;
}

static void want(unsigned io, bool high)
{
    world.may[io] |= high ? 2u : 1u;
    assert_int_equal(board_session_want(&session, io, high, now), BOARD_WANTED);
    write_lines();
}

static void start(struct sim_board_options options)
{
    memset(&world, 0, sizeof(world));
    now = (struct instant){1000000};
    sim_board_init(&board, options, now);
    for (unsigned io = FIRST_OUTPUT; io < IOS; io++) {
        assert_true((board.is_output & (1u << io)) != 0 || true);
    }
    board_session_init(&session, INTERVAL_MS);
    line_framer_init(&framer);
    for (unsigned io = 0; io < IOS; io++) {
        world.last[io] = BOARD_UNKNOWN;
    }
    run_ms(5000);
    open_port();
}

#include <stdio.h>
static void it_comes_online(void **unused)
{
    (void)unused;
    start((struct sim_board_options){0});
    struct instant t0 = now;
    while (!board_session_online(&session)) run_ms(1);
    printf("online after %d ms, faults %d\n", (int)instant_ms_since(t0, now), (int)board_session_faults(&session));
    start((struct sim_board_options){.bootloader = SIM_BOARD_OPTIBOOT});
    t0 = now;
    while (!board_session_online(&session)) run_ms(1);
    printf("online after %d ms, faults %d\n", (int)instant_ms_since(t0, now), (int)board_session_faults(&session));
    start((struct sim_board_options){.runs_on=true});
    t0 = now;
    while (!board_session_online(&session)) run_ms(1);
    printf("online after %d ms, faults %d %s\n", (int)instant_ms_since(t0, now), (int)board_session_faults(&session), session.version);
    t0 = now;
    for (unsigned i = 0; i < 6; i++) want(12 + i, true);
    for (unsigned i = 0; i < 6; i++) { while (board_session_outcome(&session, 12+i) != BOARD_REACHED) run_ms(1); }
    printf("set after %d ms, faults %d commands %d\n", (int)instant_ms_since(t0, now), (int)board_session_faults(&session), world.commands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_online),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
