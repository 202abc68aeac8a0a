/*
 * A recording that is not as it was written: told with its place, and replayed up to there.
 */
#include "daemon/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/record_writer.h"

#define CAPACITY 65536

static const char config_text[] = "name: test\n"
                                  "printer: {port: /tmp/printer}\n"
                                  "board: {port: /tmp/board}\n"
                                  "points: {light: {io: 2, type: output}}\n";

/* A recording in memory, and the core that makes it. */
static char bytes[CAPACITY];
static size_t length;
static size_t input_ends[200]; /* behind each input */
static unsigned inputs;
static struct proxy *proxy;
static struct instant now;

static bool keep(void *unused, struct span front, struct span more)
{
    (void)unused;
    assert_true(length + front.length + more.length <= CAPACITY);
    if (front.length > 0)
        memcpy(bytes + length, front.data, front.length);
    length += front.length;
    if (more.length > 0)
        memcpy(bytes + length, more.data, more.length);
    length += more.length;
    return true;
}

static const struct record_writer writer = {NULL, keep};

static void happen(const struct proxy_input *input)
{
    record_input(&writer, input, now);
    assert_true(inputs < sizeof input_ends / sizeof *input_ends);
    input_ends[inputs++] = length;
    proxy_input(proxy, input, now);
}

/* All that the core wants to do or to write is done and written. */
static void pump(void)
{
    bool moved = true;
    struct order order;
    struct event event;

    while (moved) {
        moved = false;
        while (proxy_next_order(proxy, &order)) {
            moved = true;
            if (order.kind == ORDER_OPEN)
                happen(&(struct proxy_input){
                    .kind = PROXY_OPENED, .port = order.port, .number = order.number});
        }
        while (proxy_next_event(proxy, &event))
            continue;
        for (enum proxy_port port = PROXY_HOST; port < PROXY_PORTS; port++) {
            struct span out = proxy_output(proxy, port);

            if (out.length == 0)
                continue;
            moved = true;
            happen(&(struct proxy_input){
                .kind = PROXY_SENT, .port = port, .number = (int64_t)out.length, .bytes = out});
        }
    }
}

static void say(enum proxy_port port, struct span text)
{
    now.us += 1000;
    happen(&(struct proxy_input){.kind = PROXY_BYTES, .port = port, .bytes = text});
    pump();
}

static int record(void **unused)
{
    static const struct span none = SPAN_INIT("");
    struct sources sources;
    struct config *config;

    (void)unused;
    sources_init(&sources, "/");
    sources_add(&sources, "test.yaml", SPAN(config_text));
    config = config_of_sources(&sources, "/tmp");
    proxy = calloc(1, proxy_size());
    if (!config->valid || proxy == NULL)
        return -1;
    length = 0;
    inputs = 0;
    now = (struct instant){1000000};
    proxy_init(proxy, &config->loaded.settings, &config->loaded.ruleset, none, now);
    record_head(&writer, config, &none, now);
    pump();
    happen(&(struct proxy_input){.kind = PROXY_OPENED, .port = PROXY_HOST, .number = 115200});
    pump();
    say(PROXY_PRINTER, SPAN("start\n"));
    say(PROXY_HOST, SPAN("N0 M110 N0*125\nM105\n"));
    say(PROXY_PRINTER, SPAN("ok\n"));
    say(PROXY_PRINTER, SPAN("ok T:20.0 /0.0\n"));
    say(PROXY_HOST, SPAN("M42 Plight S1\nM117 hello\n"));
    say(PROXY_PRINTER, SPAN("ok\n"));
    now.us += 5000000;
    happen(&(struct proxy_input){.kind = PROXY_TICK});
    pump();
    record_end(&writer, NULL);
    config_free(config);
    free(proxy);
    return inputs > 15 ? 0 : -1;
}

static unsigned inputs_before(size_t at)
{
    unsigned count = 0;

    while (count < inputs && input_ends[count] <= at)
        count++;
    return count;
}

static void a_recording_is_replayed_as_it_was(void **unused)
{
    struct replay replay;

    (void)unused;
    assert_int_equal(replay_run(&replay, (struct span){bytes, length}, NULL), REPLAY_IDENTICAL);
    assert_int_equal(replay.inputs, inputs);
    replay_free(&replay);
}

/* One bit of each byte in turn, and in the second round another. */
static void a_flipped_bit_is_damage_wherever_it_is(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 2 * length; i++) {
        size_t at = i % length;
        char flip = (char)(1 << (at + (i < length ? 0 : 3)) % 8);
        struct replay replay;
        const char *place;

        bytes[at] = (char)(bytes[at] ^ flip);
        assert_int_equal(replay_run(&replay, (struct span){bytes, length}, NULL), REPLAY_TORN);
        place = strstr(replay.what, "damaged after byte ");
        assert_non_null(place);
        place += sizeof "damaged after byte " - 1;
        assert_true(strtoul(place, NULL, 10) <= at);
        assert_int_equal(replay.inputs, inputs_before(at));
        if (replay.inputs > 0)
            assert_true(strtoul(place, NULL, 10) >= input_ends[replay.inputs - 1]);
        replay_free(&replay);
        bytes[at] = (char)(bytes[at] ^ flip);
    }
}

static void a_recording_that_is_cut_is_replayed_as_far_as_it_is_whole(void **unused)
{
    (void)unused;
    for (size_t cut = input_ends[0]; cut < length; cut++) {
        struct replay replay;

        assert_int_equal(replay_run(&replay, (struct span){bytes, cut}, NULL), REPLAY_TORN);
        assert_int_equal(replay.inputs, inputs_before(cut));
        replay_free(&replay);
    }
}

static void what_stands_behind_the_end_is_nobodys(void **unused)
{
    struct replay replay;

    (void)unused;
    bytes[length] = 'x';
    assert_int_equal(replay_run(&replay, (struct span){bytes, length + 1}, NULL), REPLAY_IDENTICAL);
    replay_free(&replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_is_replayed_as_it_was),
        cmocka_unit_test(a_flipped_bit_is_damage_wherever_it_is),
        cmocka_unit_test(a_recording_that_is_cut_is_replayed_as_far_as_it_is_whole),
        cmocka_unit_test(what_stands_behind_the_end_is_nobodys),
    };

    return cmocka_run_group_tests(tests, record, NULL);
}
