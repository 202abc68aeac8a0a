/*
 * Whole prints through the core in virtual time, every promise checked after every input.
 */
#include "sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/kit.h"

#define STREAM    65536 /* bytes that may be on their way through the core */
#define LINES     20000
#define FILE_MAX  (4 * 1024 * 1024)
#define LONG_TIME INT64_C(3600000000)

static struct kit kit;
static struct world *world;
static struct proxy *proxy;
static struct world_options options;
static char file[FILE_MAX];

/* Bytes that entered the core at one end and have to leave it at the other. */
static struct stream {
    char bytes[STREAM];
    uint64_t in, out;
    bool differs;
} down, up;

static void carry(struct stream *stream, bool enters, struct span bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (enters) {
            assert_true(stream->in - stream->out < STREAM);
            stream->bytes[stream->in++ % STREAM] = bytes.data[i];
        } else if (stream->in == stream->out ||
                   stream->bytes[stream->out++ % STREAM] != bytes.data[i]) {
            stream->differs = true;
        }
    }
}

static void listen(void *unused, enum world_kind kind, enum proxy_port port, struct span bytes)
{
    (void)unused;
    if (port == PROXY_HOST)
        carry(kind == WORLD_FROM ? &down : &up, kind == WORLD_FROM, bytes);
    else if (port == PROXY_PRINTER)
        carry(kind == WORLD_FROM ? &up : &down, kind == WORLD_FROM, bytes);
}

static int begin(void **unused)
{
    (void)unused;
    kit_init(&kit);
    kit_point(&kit, "light", POINT_OUTPUT, 12);
    kit_point(&kit, "door", POINT_INPUT, 3);
    kit_mcodes(&kit);
    memset(&down, 0, sizeof down);
    memset(&up, 0, sizeof up);
    options = (struct world_options){.settings = &kit.settings,
                                     .rules = &kit.ruleset,
                                     .printer = sim_printer_manner_marlin(),
                                     .host = sim_host_manner_octoprint(),
                                     .printer_baud = 115200};
    options.printer.speed = 0;
    world = malloc(sizeof *world);
    proxy = malloc(proxy_size());
    return world == NULL || proxy == NULL;
}

static int end(void **unused)
{
    (void)unused;
    free(world);
    free(proxy);
    kit_free(&kit);
    return 0;
}

static void start(void)
{
    world_init(world, proxy, &options, (struct instant){0});
    world_run_ms(world, 5000);
    world_host_opens(world, 115200);
    world_run_ms(world, 2000);
    assert_int_equal(world->host.state, SIM_HOST_OPERATIONAL);
}

/* Ends the test, and shows what happened last, if the run went wrong. */
static void assert_well(void)
{
    if (world->broken != NULL || world->host.state == SIM_HOST_FAILED) {
        world_tell(world, WORLD_TOLD, stderr);
        fail_msg("%s", world->broken != NULL ? world->broken : world->host.why);
    }
}

/* Prints it to its end. */
static void print(struct span text)
{
    struct instant give_up = instant_after_us(world->now, LONG_TIME * 10);
    uint64_t finished = world->host.counters.finished;

    sim_host_print(&world->host, text, world->now);
    world_settle(world);
    while (world->host.counters.finished == finished && world->now.us < give_up.us &&
           world->host.state != SIM_HOST_FAILED && world_step(world))
        ;
    assert_well();
    if (world->host.counters.finished != finished + 1)
        world_tell(world, WORLD_TOLD, stderr);
    assert_int_equal(world->host.counters.finished, finished + 1);
    world_run_ms(world, 100);
}

/* Deterministic lines such as slicers write. */
static struct span generated(unsigned lines)
{
    uint32_t seed = 1;
    size_t length = 0;

    for (unsigned i = 0; i < lines; i++) {
        char *at = file + length;
        size_t room = sizeof file - length;

        seed = seed * 1664525u + 1013904223u;
        assert_true(room > 200);
        if (seed >> 24 < 4)
            length += (size_t)snprintf(at, room, "M106 S%u ; fan\n", seed >> 8 & 255);
        else if (seed >> 24 < 8)
            length += (size_t)snprintf(at, room, "G1 F%u\n", 600 + (seed >> 8 & 4095));
        else if (seed >> 24 < 10)
            length += (size_t)snprintf(at, room, "M117 Gr\xc3\xbc\xc3\x9f" "e * %u\n", i);
        else if (seed >> 24 < 12)
            length += (size_t)snprintf(at, room, ";LAYER:%u\n", i);
        else if (seed >> 24 < 13)
            length += (size_t)snprintf(at, room, "\n");
        else
            length += (size_t)snprintf(at, room, "G1 X%u.%03u Y%u.%03u E%u.%05u\n", seed >> 8 & 127,
                                       seed >> 3 & 511, seed >> 5 & 127, seed >> 9 & 511,
                                       i / 100, seed >> 4 & 65535);
    }
    return (struct span){file, length};
}

static void assert_untouched(uint64_t lines)
{
    assert_false(down.differs);
    assert_false(up.differs);
    assert_int_equal(down.in, down.out);
    assert_int_equal(up.in, up.out);
    assert_true(world->printer.counters.lines >= lines);
    assert_int_equal(world->printer.counters.refused, 0);
    assert_int_equal(world->printer.counters.lost_bytes, 0);
    assert_int_equal(world->host.counters.timeouts, 0);
    assert_int_equal(world->host.counters.resends, 0);
}

static void a_print_without_custom_codes_passes_byte_for_byte_line_by_line(void **unused)
{
    (void)unused;
    options.listen = listen;
    start();
    print(generated(LINES));
    assert_untouched(LINES - LINES / 50);
    assert_int_equal(world->host.counters.oks, world->host.counters.commands);
}

static void a_print_without_custom_codes_passes_byte_for_byte_with_a_window(void **unused)
{
    static const uint32_t windows[] = {2, 4, 16};

    (void)unused;
    options.listen = listen;
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        memset(&down, 0, sizeof down);
        memset(&up, 0, sizeof up);
        options.host = sim_host_manner_window(windows[i]);
        start();
        print(generated(LINES));
        assert_untouched(LINES - LINES / 50);
        assert_int_equal(world->host.counters.oks, world->host.counters.commands);
    }
}

static void a_sliced_file_passes_byte_for_byte_where_no_rules_are(void **unused)
{
    FILE *sliced = fopen(SLICED_FILE, "rb");
    size_t length;

    (void)unused;
    assert_non_null(sliced);
    length = fread(file, 1, sizeof file, sliced);
    fclose(sliced);
    assert_true(length > 100000 && length < sizeof file);
    options.listen = listen;
    options.rules = NULL;
    start();
    for (unsigned i = 0; i < 3; i++)
        print((struct span){file, length});
    assert_untouched(3 * 5000);
    assert_int_equal(world->host.counters.oks, world->host.counters.commands);
}

static void a_slow_wire_and_moves_that_take_their_time_change_nothing(void **unused)
{
    (void)unused;
    options.listen = listen;
    options.printer.speed = 50;
    options.printer.baud = 9600;
    options.printer_baud = 9600;
    start();
    print(generated(2000));
    assert_untouched(1900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_print_without_custom_codes_passes_byte_for_byte_line_by_line, begin, end),
        cmocka_unit_test_setup_teardown(
            a_print_without_custom_codes_passes_byte_for_byte_with_a_window, begin, end),
        cmocka_unit_test_setup_teardown(a_sliced_file_passes_byte_for_byte_where_no_rules_are,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            a_slow_wire_and_moves_that_take_their_time_change_nothing, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
