/*
 * Random scripts, hosts, printers and mishaps: every command once, in order, and one ok each.
 *
 * Each command bears a serial (K….), so that what the printer executed and what was carried out by
 * us are together a rising sequence; without a mishap it has no gap. After mishaps one more print
 * must be as if nothing had been. A guest at the board's share says what it likes meanwhile. A seed
 * may be given as argument: then its journal is shown.
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

#define SEEDS       300
#define LINES       100
#define SERIALS     4096
#define FILE_MAX    (256 * 1024)
#define PATIENCE_MS 7200000 /* two hours for a print */
#define DOOR        3

static struct kit kit;
static struct world *world;
static struct proxy *proxy;
static struct world_options options;
static char file[FILE_MAX];
static size_t file_length;
static uint64_t dice, guest_dice;

static unsigned serials; /* made so far */
static uint8_t seen[SERIALS];
static int64_t last_seen, last_by[2]; /* of all; of the printer's and of ours */
static bool host_left; /* what nobody waits for is not held back for older lines */
static unsigned answered_words; /* words in the file that get an ok all the same */
static const char *wrong;
static bool rough; /* a mishap happens in this print */
static bool shown; /* the journal, as it is made */

static uint32_t throw(uint64_t *which, uint32_t sides)
{
    *which = *which * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*which >> 33) % sides;
}

static uint32_t roll(uint32_t sides)
{
    return throw(&dice, sides);
}

/* Something was done with a command: each serial once, and rising. */
static void done(struct span command, bool ours)
{
    size_t at = span_find_last(command, 'K');
    struct span number = span_skip(command, at + 1);
    int64_t serial;
    size_t digits = text_integer(number, &serial);

    /* Without its point it is half a line, torn off by a lost port. */
    if (at >= command.length || digits == 0 || !span_starts(span_skip(number, digits), SPAN(".")))
        return;
    if (serial <= 0 || serial > serials) {
        wrong = "a command that nobody gave";
        return;
    }
    if (wrong == NULL && seen[serial] > 0)
        wrong = "a command is done twice";
    else if (wrong == NULL && serial < (host_left ? last_by[ours] : last_seen))
        wrong = "a command is done after a younger one";
    seen[serial]++;
    if (wrong != NULL)
        return;
    last_seen = last_by[ours] = serial;
}

static void watch(void *unused, const struct world_entry *entry)
{
    struct span text = {entry->text, entry->length};

    (void)unused;
    if (shown) {
        char bytes[WORLD_TEXT + 64];
        struct text line = TEXT_IN(bytes);

        world_entry_text(entry, &line);
        fwrite(line.data, 1, line.length, stderr);
    }
    if (entry->kind == WORLD_EXECUTED)
        done(text, false);
    /* M800 goes to the printer and is then told as ours. */
    if (entry->kind == WORLD_EVENT && span_starts(text, SPAN("gcode ")) &&
        !span_starts(text, SPAN("gcode M800 ")))
        done(text, true);
    if (entry->kind == WORLD_EVENT && (span_contains(text, SPAN("Plight S9")) ||
                                       span_contains(text, SPAN("ENC upload"))))
        wrong = "a line of an upload is taken for ours";
}

static void add_text(const char *text)
{
    size_t length = strlen(text);

    assert_true(file_length + length < sizeof file);
    memcpy(file + file_length, text, length);
    file_length += length;
}

static void add(const char *command)
{
    char number[32];

    assert_true(++serials < SERIALS);
    snprintf(number, sizeof number, "%u.\n", serials);
    add_text(command);
    add_text(number);
}

/* A line of that many letters in all, its serial in the end. */
static void add_padded(unsigned letters)
{
    char text[1100] = "M117 ";

    memset(text + 5, 'x', letters - 5);
    text[letters] = '\0';
    add_text(text);
    add(" K");
}

static void add_line(void)
{
    static const char *const common[] = {"G1 X1 K", "G1 X2 Y2 F3000 K", "M106 S3 K", "G1 E1 K"};
    static const char *const ours[] = {
        "M42 Plight S1 K",   "M42 Plight S0 K",      "M62 Plight K",     "M63 Plight K",
        "M64 Plight K",      "M65 Plight K",         "M66 Pdoor L3 Q1 K", "M66 Pdoor L4 Q1 K",
        "M66 Pdoor L1 Q1 K", "M66 Pdoor L2 Q0.5 K",  "M66 Pdoor K",      "M226 Pdoor S1 Q2 K",
        "M226 Pdoor K",      "M42 Pnosuch S1 K",     "M42 Plight S300 K", "M42 Pdoor S1 K",
        "M43 K",             "M43 Plight K",         "M800 K",           "M801 K",
        "M802 SK",           "M803 K",               "M804 K"};
    static const char *const others[] = {"M105 K", "M114 K", "M400 K", "G4 P10 K", "M117 a:b K",
                                         "m117 lower K", "M110 N7\n", "M110 N400\n", "T0 K"};

    switch (roll(24)) {
    case 0: add_padded(60 + roll(28)); break;
    case 1:
        if (options.host.verbatim)
            add_text(roll(2) == 0 ? "\n" : "; a comment\n");
        break;
    case 2:
        add("FOO K");
        answered_words++;
        break;
    case 3:
        add("ENC K");
        answered_words += options.printer.klipper;
        break;
    case 4:
        if (roll(4) == 0) {
            add_padded(1040);
            serials--; /* too long for anybody: it is answered and not done */
        }
        break;
    case 5:
        /* To the card: nothing of it is ours. */
        if (roll(3) == 0 && !rough && !options.printer.klipper) {
            answered_words++; /* refused, by a Resend and an ok */
            add_text("M28 test.gco\nG1 X7\nM42 Plight S9\nENC upload\nM108\nM29\n");
        }
        break;
    case 6:
    case 7:
    case 8:
    case 9: {
        const char *line = others[roll(sizeof others / sizeof others[0])];

        if (line[strlen(line) - 1] == '\n')
            add_text(line);
        else
            add(line);
        /* Lower case is no command to OctoPrint, but the printer knows it. */
        if (line[0] == 'm')
            answered_words++;
        break;
    }
    case 10:
    case 11:
    case 12:
    case 13:
    case 14: add(ours[roll(sizeof ours / sizeof ours[0])]); break;
    default: add(common[roll(sizeof common / sizeof common[0])]); break;
    }
}

static void write_file(unsigned lines)
{
    file_length = 0;
    answered_words = 0;
    for (unsigned i = 0; i < lines; i++)
        add_line();
}

/* A seed's host and printer. */
static void choose(uint64_t seed)
{
    dice = seed * 77 + 1;
    guest_dice = seed;
    kit.settings.share_writes = SHARE_ALL;
    options = (struct world_options){.settings = &kit.settings,
                                     .rules = &kit.ruleset,
                                     .printer = sim_printer_manner_marlin(),
                                     .host = sim_host_manner_octoprint(),
                                     .printer_baud = roll(2) == 0 ? 115200 : 250000,
                                     .watch = watch};
    switch (roll(4)) {
    case 0: options.printer = sim_printer_manner_klipper(); break;
    case 1: options.host = sim_host_manner_window(1 + roll(12)); break;
    default: break;
    }
    options.printer.speed = roll(3) == 0 ? 100 : 0;
    options.printer.emergency_parser = roll(3) > 0;
    options.printer.advanced_ok = roll(2) == 0;
    options.printer.busy = roll(3) > 0;
    options.printer.wait_when_idle = roll(4) == 0;
    kit.settings.point[0].io = 12;
    memset(seen, 0, sizeof seen);
    serials = 0;
    last_seen = last_by[0] = last_by[1] = 0;
    host_left = false;
    wrong = NULL;
}

/* What a guest does meanwhile; io 16 is no point, and nobody else's. */
static void guest(void)
{
    static const char *const lines[] = {
        "VC\n",     "IO 16 1\n", "IO 16 0\nIO 16 1\n", "EIO\n", "BIO\n", "GS\nIC\nTC\nIOT\n",
        "SI 500\n", "M115\n",    "IO 3 1\n",           "IO"};
    struct world_port *port = &world->port[PROXY_SHARE];

    switch (throw(&guest_dice, 8)) {
    case 0: world_guest_opens(world); return;
    case 1: world_guest_closes(world); return;
    case 2: world_read(world, PROXY_SHARE, world_written(world, PROXY_SHARE).length); return;
    default: break;
    }
    if (port->open && port->from.count < WORLD_WIRE / 2)
        world_write(world, PROXY_SHARE,
                    span_of(lines[throw(&guest_dice, sizeof lines / sizeof *lines)]));
}

/* What a user does meanwhile, without harm. */
static void meddle(void)
{
    switch (roll(6)) {
    case 0:
    case 1:
    case 2: sim_board_input(&world->board, DOOR, roll(2) == 0, world->now); break;
    case 3: sim_host_command(&world->host, SPAN("M108"), world->now); break;
    case 4: sim_host_command(&world->host, SPAN("M105"), world->now); break;
    case 5: sim_host_command(&world->host, SPAN("M43 Plight"), world->now); break;
    }
    world_settle(world);
}

/* What must never double or reorder anything, and what must all be over some time later. */
static void mishap(void)
{
    switch (roll(8)) {
    case 7:
        host_left = true;
        sim_host_emergency(&world->host, world->now);
        world_settle(world);
        world_host_closes(world);
        world_run_ms(world, roll(10000));
        world_host_opens(world, 115200);
        break;
    case 0:
    case 1:
        host_left = true;
        world_host_opens(world, 115200); /* closes it first */
        break;
    case 2: sim_printer_reset(&world->printer, world->now); break;
    case 3:
        if (options.printer.klipper)
            return; /* its port is a pty: it does not tear lines */
        world_unplug(world, PROXY_PRINTER);
        world_run_ms(world, 100 + roll(20000));
        world_plug(world, PROXY_PRINTER);
        break;
    case 4:
        world_unplug(world, PROXY_BOARD);
        world_run_ms(world, roll(8000));
        world_plug(world, PROXY_BOARD);
        break;
    case 5: sim_board_reset(&world->board, world->now); break;
    case 6: sim_host_cancel(&world->host, world->now); break;
    }
    world_settle(world);
}

static bool well(void)
{
    return world->broken == NULL && wrong == NULL;
}

/* Prints the file. False if it did not come to its end. */
static bool print(void)
{
    uint64_t finished = world->host.counters.finished;
    int64_t until = world->now.us + INT64_C(1000) * PATIENCE_MS;
    bool had_one = false;

    if (world->host.state != SIM_HOST_OPERATIONAL)
        return false;
    sim_host_print(&world->host, (struct span){file, file_length}, world->now);
    world_settle(world);
    while (well() && world->now.us < until && world->host.counters.finished == finished) {
        world_run_ms(world, 1 + roll(rough ? 300 : 2000));
        guest();
        if (rough && !had_one && roll(4) == 0) {
            mishap();
            had_one = true;
        } else {
            meddle();
        }
        if (world->host.state != SIM_HOST_PRINTING && world->host.state != SIM_HOST_FINISHING)
            break;
    }
    return world->host.counters.finished > finished;
}

/* A print that must be perfect. What is wrong with it, or NULL. */
static const char *perfect_print(void)
{
    unsigned first = serials + 1;
    struct sim_host_counters before = world->host.counters, after;

    rough = host_left = false;
    write_file(LINES);
    if (!print())
        return well() ? "the print did not come to its end" : NULL;
    /* Words answered by an ok make the host believe that it is further than it is. */
    for (unsigned i = 0; i < 20 && well(); i++) {
        sim_board_input(&world->board, DOOR, i % 2 == 0, world->now);
        world_run_ms(world, 2500);
    }
    for (unsigned i = 0; i < 100 && well() && !sim_host_idle(&world->host); i++)
        world_run_ms(world, 10);
    for (unsigned i = first; i <= serials && well(); i++) {
        if (seen[i] == 0) {
            last_seen = i;
            return "a command was never done";
        }
    }
    after = world->host.counters;
    if (after.timeouts != before.timeouts)
        return "the host waited in vain";
    if (after.oks - before.oks != after.commands - before.commands + answered_words)
        return "a command without its ok, or with two";
    return NULL;
}

static bool run_seed(uint64_t seed)
{
    choose(seed);
    rough = seed % 3 == 2;
    world_init(world, proxy, &options, (struct instant){0});
    world_run_ms(world, 4000 + roll(2000));
    world_host_opens(world, 115200);
    world_run_ms(world, 3000);
    if (rough) {
        write_file(LINES);
        print();
        if (well())
            world_run_ms(world, 120000);
        host_left = true;
        if (well())
            world_host_opens(world, 115200);
        world_run_ms(world, 60000);
    }
    if (well()) {
        const char *imperfect = perfect_print();

        if (wrong == NULL)
            wrong = imperfect;
    }
    return well();
}

static void tell(uint64_t seed, unsigned entries)
{
    world_tell(world, entries, stderr);
    fprintf(stderr, "seed %llu: %s (K%lld)\n", (unsigned long long)seed,
            wrong != NULL ? wrong : world->broken, (long long)last_seen);
}

static int begin(void **unused)
{
    (void)unused;
    kit_init(&kit);
    kit_point(&kit, "light", POINT_OUTPUT, 12);
    kit_point(&kit, "door", POINT_INPUT, DOOR);
    kit_mcodes(&kit);
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

static void every_command_is_done_once_in_order_and_gets_one_ok(void **unused)
{
    (void)unused;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        if (!run_seed(seed)) {
            tell(seed, WORLD_TOLD);
            fail();
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_command_is_done_once_in_order_and_gets_one_ok, begin,
                                        end),
    };

    if (argc > 1) {
        uint64_t first = strtoull(argv[1], NULL, 10);
        uint64_t last = argc > 2 ? strtoull(argv[2], NULL, 10) : first;
        unsigned bad = 0;

        shown = first == last;
        begin(NULL);
        for (uint64_t seed = first; seed <= last; seed++) {
            if (!run_seed(seed)) {
                bad++;
                tell(seed, 0);
            }
        }
        end(NULL);
        return bad > 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
