#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/load.h"

static const char head[] = "printer: {port: simulated}\n"
                           "points:\n"
                           "  relay: {io: 13, type: output}\n"
                           "  lamp: {io: 14, type: output}\n"
                           "  button: {io: 0, type: input}\n"
                           "  reset: {io: 1, type: input}\n"
                           "  runout: {io: 2, type: input, private: false}\n"
                           "  mains: {io: 3, type: input}\n";
enum { RELAY, LAMP, BUTTON, RESET, RUNOUT, MAINS };

static struct loaded loaded;

static int end(void **unused)
{
    (void)unused;
    loaded_free(&loaded);
    return 0;
}

static const char *why_no_program(const char *path)
{
    return strstr(path, "missing") != NULL ? "is not there" : NULL;
}

/* Loads a config; NULL if there are mistakes, which are `expected`. */
static const struct settings *load(const char *text, const char *expected)
{
    const struct load_environment environment = {.why_no_program = why_no_program};
    struct mistakes mistakes = {0};
    struct sources sources;
    char whole[2000], *told = NULL;
    size_t length;
    FILE *to = open_memstream(&told, &length);
    bool ok;

    snprintf(whole, sizeof(whole), "%s%s%s", head, text,
             strstr(text, "board:") == NULL ? "board: {port: simulated}\n" : "");
    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, "x.yaml", span_of(whole)));
    ok = load_all(&sources, &environment, &mistakes, &loaded);
    mistakes_print(&mistakes, to);
    fclose(to);
    assert_string_equal(told, expected);
    free(told);
    sources_free(&sources);
    mistakes_free(&mistakes);
    return ok ? &loaded.settings : NULL;
}

static void what_is_not_configured_is_none(void **unused)
{
    const struct settings *settings = load("psu: none\nestop: none\nprograms: none\n", "");

    (void)unused;
    assert_int_equal(settings->psu.point, POINT_NONE);
    assert_int_equal(settings->estop.point, POINT_NONE);
    assert_int_equal(settings->filaments, 0);
    assert_int_equal(settings->programs, 0);
    assert_string_equal(settings->board_share, "");
}

static void a_psu_has_its_defaults(void **unused)
{
    const struct settings *settings = load("psu: {point: relay}\n", "");

    (void)unused;
    assert_int_equal(settings->psu.point, RELAY);
    assert_int_equal(settings->psu.sense, POINT_NONE);
    assert_int_equal(settings->psu.auto_on, AUTO_ON_NEVER);
    assert_int_equal(settings->psu.boot_ms, 8000);
    assert_int_equal(settings->psu.cool_below, 50000);
    assert_int_equal(settings->psu.off_when_idle_ms, -1);
}

static void a_psu_is_as_it_is_said(void **unused)
{
    const struct settings *settings = load("psu: {point: relay, sense: mains, boot: 12s, auto_on: "
                                           "print, cool_below: 45.5C, off_when_idle: 30min}\n",
                                           "");

    (void)unused;
    assert_int_equal(settings->psu.sense, MAINS);
    assert_int_equal(settings->psu.auto_on, AUTO_ON_PRINT);
    assert_int_equal(settings->psu.boot_ms, 12000);
    assert_int_equal(settings->psu.cool_below, 45500);
    assert_int_equal(settings->psu.off_when_idle_ms, 1800000);
}

static void an_estop_has_its_defaults_and_is_as_it_is_said(void **unused)
{
    const struct settings *settings = load("estop: {point: button}\n", "");

    (void)unused;
    assert_int_equal(settings->estop.point, BUTTON);
    assert_int_equal(settings->estop.reset_point, POINT_NONE);
    assert_true(settings->estop.reset_dtr);
    assert_true(settings->estop.m112_halts);
    assert_int_equal(settings->estop.on_board_lost, LOST_WARN);
    loaded_free(&loaded);
    settings = load("estop: {point: button, reset_point: reset, reset_dtr: no, on_board_lost: "
                    "stop, on_m112: forward}\n",
                    "");
    assert_int_equal(settings->estop.reset_point, RESET);
    assert_false(settings->estop.reset_dtr);
    assert_false(settings->estop.m112_halts);
    assert_int_equal(settings->estop.on_board_lost, LOST_STOP);
}

static void filament_sensors_are_one_or_a_list(void **unused)
{
    const struct settings *settings = load("filament: {point: runout}\n", "");

    (void)unused;
    assert_int_equal(settings->filaments, 1);
    assert_int_equal(settings->filament[0].point, RUNOUT);
    assert_int_equal(settings->filament[0].tool, 0);
    assert_string_equal(settings->filament[0].command, "M600");
    assert_int_equal(settings->filament[0].distance_um, 0);
    loaded_free(&loaded);
    settings = load("filament:\n"
                    "  - {point: runout, tool: 1, command: pause, distance: 12.5mm}\n"
                    "  - {point: reset, command: M125 P}\n",
                    "");
    assert_int_equal(settings->filaments, 2);
    assert_int_equal(settings->filament[0].tool, 1);
    assert_string_equal(settings->filament[0].command, "");
    assert_int_equal(settings->filament[0].distance_um, 12500);
    assert_string_equal(settings->filament[1].command, "M125 P");
}

static void programs_have_a_name_a_path_and_a_time_limit(void **unused)
{
    const struct settings *settings = load(
        "programs: {notify: {path: bin/notify}, photo: {path: /usr/bin/photo, timeout: 3s}}\n", "");

    (void)unused;
    assert_int_equal(settings->programs, 2);
    assert_string_equal(settings->program[0].name, "notify");
    assert_string_equal(settings->program[0].path, "/etc/sioproxy/bin/notify");
    assert_int_equal(settings->program[0].timeout_ms, 10000);
    assert_string_equal(settings->program[1].path, "/usr/bin/photo");
    assert_int_equal(settings->program[1].timeout_ms, 3000);
}

/* It may be installed yet: the daemon starts. */
static void a_program_that_cannot_be_run_now_is_doubtful(void **unused)
{
    const struct settings *settings =
        load("programs: {notify: {path: bin/missing}, photo: {path: /usr/bin/photo}}\n",
             "x.yaml:9:27: warning: programs.notify.path: /etc/sioproxy/bin/missing is not there\n");

    (void)unused;
    assert_int_equal(settings->programs, 2);
}

static void a_share_has_a_path_and_rights(void **unused)
{
    const struct settings *settings =
        load("board: {port: simulated, share: board, share_writes: none}\n", "");

    (void)unused;
    assert_string_equal(settings->board_share, "/etc/sioproxy/board");
    assert_int_equal(settings->share_writes, SHARE_NONE);
    loaded_free(&loaded);
    settings = load("board: {port: simulated, share: none}\n", "");
    assert_string_equal(settings->board_share, "");
    assert_int_equal(settings->share_writes, SHARE_OUTPUTS);
}

static void points_with_a_task_are_private_unless_it_is_said(void **unused)
{
    const struct settings *settings = load("psu: {point: relay, sense: mains}\n"
                                           "estop: {point: button, reset_point: reset}\n"
                                           "filament: {point: runout}\n",
                                           "");

    (void)unused;
    assert_true(settings->point[RELAY].guarded);
    assert_true(settings->point[MAINS].guarded);
    assert_true(settings->point[BUTTON].guarded);
    assert_true(settings->point[RESET].guarded);
    assert_false(settings->point[RUNOUT].guarded); /* private: false */
    assert_false(settings->point[LAMP].guarded);
}

static void recordings_go_to_a_folder_and_have_a_size(void **unused)
{
    const struct settings *settings = load("record: {dir: rec}\n", "");

    (void)unused;
    assert_string_equal(settings->record_folder, "/etc/sioproxy/rec");
    assert_int_equal(settings->record_size, 100000000);
    loaded_free(&loaded);
    settings = load("record: {dir: /var/log/mk3, size: 12.5MB}\n", "");
    assert_string_equal(settings->record_folder, "/var/log/mk3");
    assert_int_equal(settings->record_size, 12500000);
    loaded_free(&loaded);
    settings = load("record: none\n", "");
    assert_string_equal(settings->record_folder, "");
}

static void what_cannot_be_is_told(void **unused)
{
    (void)unused;
    assert_null(load("estop: {point: button, reset_point: button}\n",
                     "x.yaml:9:37: error: estop.reset_point: this is the stop button itself\n"));
    assert_null(load("filament: [{point: runout}, {point: mains}, {point: reset}, {point: button}, "
                     "{point: runout, tool: 1}]\n",
                     "x.yaml:9:78: error: filament: more than 4 filament sensors\n"));
    assert_null(load("filament: [{point: runout}, {point: runout, tool: 0}]\n",
                     "x.yaml:9:29: error: filament: runout watches the filament of tool 0 "
                     "already\n"));
    assert_null(
        load("filament: {point: runout, command: ' ; nothing'}\n",
             "x.yaml:9:36: error: filament.command: expected a line of G-code or pause, got "
             "' ; nothing'\n"));
    assert_null(load("psu: {point: relay, boot: 0s}\n",
                     "x.yaml:9:27: error: psu.boot: 0s: from 1s to 24000h\n"));
    assert_null(load("psu: {point: relay, off_when_idle: 0}\n",
                     "x.yaml:9:36: error: psu.off_when_idle: 0: from 1s to 24000h\n"));
    assert_null(load("psu: {point: relay, cool_below: 1001C}\n",
                     "x.yaml:9:33: error: psu.cool_below: at most 1000C\n"));
    assert_null(load("filament: {point: runout, distance: 1000000mm}\n",
                     "x.yaml:9:37: error: filament.distance: at most 100000mm\n"));
    assert_null(load("host: {port: /tmp/p}\nboard: {port: simulated, share: /tmp/p}\n",
                     "x.yaml:10:33: error: board.share: this is the host's port, guests need a "
                     "name of their own\n"));
    assert_null(load("board: {port: none, share: /tmp/p}\n",
                     "x.yaml:9:28: error: board.share: there is no board to be shared\n"));
    assert_null(load("state: /tmp/c\ncontrol: {socket: /tmp/c}\n",
                     "x.yaml:9:8: error: state: this is the control socket, it needs a name of its "
                     "own\n"));
    assert_null(
        load("host: {port: /run/sioproxy/x/control}\n",
             "x.yaml:9:14: error: host.port: this is the control socket, the host needs one "
             "of its own\n"));
    assert_null(
        load("board: {port: /dev/ttyUSB1, share: /dev/ttyUSB1}\n",
             "x.yaml:9:36: error: board.share: this is the board's port, guests need a name "
             "of their own\n"));
    assert_null(load("board: {port: simulated, share: /tmp/c}\ncontrol: {socket: /tmp/c}\n",
                     "x.yaml:9:33: error: board.share: this is the control socket, guests need a "
                     "name of their own\n"));
    assert_null(load("programs: {a-name-that-is-longer-than-a-name-may-be: {path: /bin/x}}\n",
                     "x.yaml:9:12: error: longer than 32 bytes\n"));
    assert_null(load("record: {dir: rec, size: 9MB}\n",
                     "x.yaml:9:26: error: record.size: expected 10MB to 100000MB\n"));
}

#define LOADED(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOADED(what_is_not_configured_is_none),
        LOADED(a_psu_has_its_defaults),
        LOADED(a_psu_is_as_it_is_said),
        LOADED(an_estop_has_its_defaults_and_is_as_it_is_said),
        LOADED(filament_sensors_are_one_or_a_list),
        LOADED(programs_have_a_name_a_path_and_a_time_limit),
        LOADED(a_program_that_cannot_be_run_now_is_doubtful),
        LOADED(recordings_go_to_a_folder_and_have_a_size),
        LOADED(a_share_has_a_path_and_rights),
        LOADED(points_with_a_task_are_private_unless_it_is_said),
        cmocka_unit_test(what_cannot_be_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
