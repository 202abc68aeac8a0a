/*
 * A simulated board that hands over whole lines says the same, at the same times, as one that hands
 * over byte by byte.
 */
#include "sim/sim_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define SAID 16000

struct heard {
    char text[SAID];
    size_t length;
    int64_t line_us[SAID / 4]; /* when each line was over */
    unsigned lines, wakes;
};

static void take(struct sim_board *board, struct heard *heard, struct instant now)
{
    struct span bytes = sim_board_outgoing(board);

    for (size_t i = 0; i < bytes.length; i++) {
        assert_true(heard->length < SAID);
        heard->text[heard->length++] = bytes.data[i];
        if (bytes.data[i] == '\n')
            heard->line_us[heard->lines++] = now.us;
    }
    sim_board_sent(board, bytes.length);
}

static void run_until(struct sim_board *board, struct heard *heard, struct instant until)
{
    struct instant due = sim_board_deadline(board);

    while (instant_due(due, until)) {
        sim_board_expire(board, due);
        assert_null(sim_board_check(board));
        take(board, heard, due);
        heard->wakes++;
        due = sim_board_deadline(board);
    }
    sim_board_expire(board, until);
}

/* Half a minute with commands, edges and a reset in it. */
static void live(bool whole_lines, struct heard *ret_heard)
{
    static const char *const commands[] = {"VC\n", "TC\n",     "IOT\n", "IO 12 1\n", "GS\n",
                                           "XY\n", "SI 500\n", "IC\n",  "G",         "S\nGS\n"};
    struct sim_board_options options = {.whole_lines = whole_lines};
    struct instant now = {0};
    struct sim_board board;

    memset(ret_heard, 0, sizeof *ret_heard);
    sim_board_init(&board, options, now);
    sim_board_open(&board, now);
    for (unsigned i = 0; i < 300; i++) {
        now = instant_after_us(now, 100000 + i * 37);
        run_until(&board, ret_heard, now);
        if (i % 3 == 0)
            sim_board_write(&board, span_of(commands[i / 3 % 10]), now);
        if (i % 7 == 0)
            sim_board_input(&board, 2, i % 2 == 0, now);
        if (i == 200)
            sim_board_reset(&board, now);
    }
}

static void whole_lines_are_the_same_at_the_same_times(void **unused)
{
    static struct heard bytes, lines;

    (void)unused;
    live(false, &bytes);
    live(true, &lines);
    assert_true(bytes.lines > 100);
    assert_int_equal(lines.length, bytes.length);
    assert_memory_equal(lines.text, bytes.text, bytes.length);
    assert_int_equal(lines.lines, bytes.lines);
    assert_memory_equal(lines.line_us, bytes.line_us, bytes.lines * sizeof *bytes.line_us);
    assert_true(lines.wakes < bytes.wakes / 2);
}

int main(void)
{
    const struct CMUnitTest sentences[] = {
        cmocka_unit_test(whole_lines_are_the_same_at_the_same_times),
    };

    return cmocka_run_group_tests(sentences, NULL, NULL);
}
