#include "proxy_filament.h"

/* Filament runs out in mid-print, and the printer is at its change. */
static void runs_out(void)
{
    print_some();
    runout(RUNOUT, true);
    UNTIL(world.printer.pause == SIM_PAUSE_PARKED, MINUTE);
    assert_int_equal(world.host.state, SIM_HOST_PAUSED);
    assert_int_equal(state(), FILAMENT_CHANGES);
    assert_int_equal(proxy.router.job.state, PRINT_PAUSED);
    assert_int_equal(seen.changes, 1);
}

/* The ok is held, the command at the printer. */
static void until_it_is_sent(void)
{
    while (state() != FILAMENT_SENT && world.broken == NULL && world.now.us < 600 * 1000000)
        world_step(&world);
    assert_int_equal(state(), FILAMENT_SENT);
    assert_true(proxy.router.ok_debt != 0);
}

static void a_runout_changes_filament_and_the_print_goes_on(void **unused)
{
    unsigned before;

    (void)unused;
    begin("filament: {point: runout}\n");
    runs_out();
    before = heard("ok T:");
    run_ms(5 * MINUTE); /* nobody is there */
    assert_int_equal(world.host.counters.timeouts, 0);
    assert_true(heard("ok T:") > before + 20);     /* its polls are answered */
    assert_int_equal(heard("//action:paused"), 1); /* the printer's own or ours, not both */
    assert_int_equal(heard("//action:notification Filament has run out: change it"), 1);
    runout(RUNOUT, false);
    run_ms(1000);
    user_changes_filament();
    finishes();
    assert_int_equal(seen.changes, 1);
    assert_int_equal(heard("//action:resumed"), 1);
    assert_int_equal(heard("//action:notification Filament is changed: the print goes on"), 1);
}

static void a_printer_that_says_nothing_is_paused_and_resumed_by_us(void **unused)
{
    struct sim_printer_manner manner = sim_printer_manner_marlin();

    (void)unused;
    manner.prompts = false;
    begin_as("filament: {point: runout}\n", manner, sim_host_manner_octoprint());
    runs_out();
    runout(RUNOUT, false);
    run_ms(4000);
    user_changes_filament();
    finishes();
    assert_int_equal(heard("//action:paused"), 1);
    assert_int_equal(heard("//action:resumed"), 1);
}

static void resume_pressed_meanwhile_lets_the_printer_go_on(void **unused)
{
    (void)unused;
    begin("filament: {point: runout}\n");
    runs_out();
    run_ms(30000); /* the nozzle has cooled: it is to be asked for heat, too */
    runout(RUNOUT, false);
    seen.paused = false;
    sim_host_resume(&world.host, world.now);
    world_settle(&world);
    finishes();
    assert_true(told(PROXY_PRINTER, "M108") > 0 || told(PROXY_PRINTER, "M876 S") > 0);
    assert_int_equal(seen.changes, 1);
}

static void a_line_that_waits_for_filament_resumes_the_print_for_rules_too(void **unused)
{
    (void)unused;
    rules = "rules:\n"
            "  - {name: goes on, when: {print: resumed}, do: [{say: goes on}]}\n";
    begin("filament: {point: runout}\n");
    runs_out();
    runout(RUNOUT, false);
    sim_host_resume(&world.host, world.now);
    UNTIL(proxy.router.job.state == PRINT_PRINTING, 1000);
    assert_int_equal(heard("echo:goes on"), 1);
}

static void a_resume_right_after_the_pause_counts_too(void **unused)
{
    (void)unused;
    begin("filament: {point: runout}\n");
    runs_out();
    runout(RUNOUT, false);
    run_ms(200);
    seen.paused = false;
    sim_host_resume(&world.host, world.now);
    world_settle(&world);
    finishes();
}

static void cancel_pressed_meanwhile_ends_the_change_and_resumes_nothing(void **unused)
{
    unsigned moves;

    (void)unused;
    begin("filament: {point: runout}\n");
    runs_out();
    moves = seen.next;
    sim_host_cancel(&world.host, world.now);
    world_settle(&world);
    UNTIL(state() == FILAMENT_WATCHES, 5 * MINUTE);
    run_ms(10000);
    assert_int_equal(world.printer.pause, SIM_PAUSE_NONE);
    assert_int_equal(seen.next, moves);
    assert_int_equal(proxy.router.job.state, PRINT_CANCELLED);
    assert_true(told(PROXY_PRINTER, "M108") > 1);
    assert_int_equal(told(PROXY_PRINTER, "M84"), 1);
    assert_true(sim_host_idle(&world.host));
    assert_int_equal(world.host.counters.timeouts, 0);
    assert_int_equal(heard("//action:notification Filament is changed"), 0);
    /* The next print is one like any other. */
    memset(&seen, 0, sizeof seen);
    runout(RUNOUT, false);
    run_ms(1000);
    write_file(HOT, "E0.1", "");
    print();
    finishes();
}

static void a_printer_without_the_command_gets_the_host_to_pause(void **unused)
{
    static const char *const commands[] = {"M6001", "XYZ A=1"};
    struct sim_printer_manner manner = sim_printer_manner_marlin();

    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        char config[80];

        if (i == 1)
            manner = sim_printer_manner_klipper();
        snprintf(config, sizeof config, "filament: {point: runout, command: '%s'}\n", commands[i]);
        begin_as(config, manner, sim_host_manner_octoprint());
        print_some();
        runout(RUNOUT, true);
        UNTIL(heard("//action:pause") == 1, MINUTE);
        UNTIL(proxy.router.job.state == PRINT_PAUSED, MINUTE);
        assert_int_equal(world.host.state, SIM_HOST_PAUSED);
        assert_int_equal(heard("//action:notification Filament has run out: print paused"), 1);
        assert_int_equal(state(), FILAMENT_WATCHES);
        sim_host_resume(&world.host, world.now); /* without filament: the user's own decision */
        world_settle(&world);
        finishes();
        assert_int_equal(heard("//action:pause"), 1);
        tear_down(NULL);
    }
    begin("filament: {point: runout}\n");
}

static void a_macro_that_answers_at_once_leaves_the_print_paused(void **unused)
{
    (void)unused;
    begin_as("filament: {point: runout, command: PAUSE NOW=1}\n", sim_printer_manner_klipper(),
             sim_host_manner_octoprint());
    print_some();
    runout(RUNOUT, true);
    UNTIL(heard("Filament has run out: change it at the printer") == 1, MINUTE);
    run_ms(MINUTE);
    assert_int_equal(state(), FILAMENT_WATCHES);
    assert_int_equal(world.host.state, SIM_HOST_PAUSED);
    assert_int_equal(proxy.router.job.state, PRINT_PAUSED);
    assert_int_equal(heard("action:paused"), 1);
    assert_int_equal(heard("action:resumed"), 0);
    assert_int_equal(heard("Filament change is over: the print goes on when you resume it"), 1);
    runout(RUNOUT, false);
    seen.paused = false;
    sim_host_resume(&world.host, world.now);
    world_settle(&world);
    finishes();
}

static void a_printer_that_is_reset_in_the_change_ends_the_job(void **unused)
{
    (void)unused;
    for (unsigned when = 0; when < 2; when++) {
        begin("filament: {point: runout}\n");
        if (when == 0) {
            print_some();
            runout(RUNOUT, true);
            until_it_is_sent();
        } else {
            runs_out();
        }
        sim_printer_reset(&world.printer, world.now);
        run_ms(5000);
        assert_int_equal(state(), FILAMENT_WATCHES);
        assert_int_equal(proxy.router.ok_debt, 0);
        assert_int_equal(proxy.router.job.state, PRINT_FAILED);
        assert_true(sim_host_idle(&world.host));
        memset(&seen, 0, sizeof seen);
        world.host.counters.timeouts = 0;
        world.host.counters.oks = world.host.counters.commands;
        runout(RUNOUT, false);
        run_ms(1000);
        write_file(HOT, "E0.1", "");
        print();
        finishes();
        assert_int_equal(seen.changes, 0);
        tear_down(NULL);
    }
    begin("filament: {point: runout}\n");
}

static void a_change_in_the_file_itself_counts_as_one(void **unused)
{
    (void)unused;
    begin("filament: {point: runout}\n");
    write_file(HOT "G1 E1 F300\nM600\n", "E0.1", "");
    print();
    UNTIL(world.printer.pause == SIM_PAUSE_PARKED, 10 * MINUTE);
    assert_int_equal(state(), FILAMENT_HOSTS);
    runout(RUNOUT, true); /* the user pulls it out … */
    run_ms(10000);
    user_changes_filament();
    UNTIL(seen.next > 20, MINUTE); /* … and goes on without */
    runout(RUNOUT, false);
    finishes();
    assert_int_equal(seen.changes, 1);
}

static void each_of_two_sensors_watches_its_tool(void **unused)
{
    (void)unused;
    begin("filament:\n"
          "  - {point: runout}\n"
          "  - {point: runout2, tool: 1, command: M600 T1}\n");
    write_file(HOT, "E0.1", "");
    memcpy(strstr(file, "G1 X100 "), "T1  \nG1 ", 8); /* a move becomes another tool */
    print();
    UNTIL(seen.next > 20, 10 * MINUTE);
    runout(RUNOUT2, true);
    UNTIL(seen.next > 90, MINUTE);
    assert_int_equal(seen.changes, 0);
    assert_string_equal(filament_word(&proxy.router.filament), "missing");
    UNTIL(seen.changes == 1, MINUTE);
    assert_int_equal(told(PROXY_PRINTER, "M600 T1"), 1);
    assert_in_range(seen.changed_at, 100, 104);
    runout(RUNOUT, true); /* that of a tool that rests */
    run_ms(1000);
    runout(RUNOUT2, false);
    run_ms(1000);
    user_changes_filament();
    UNTIL(world.host.counters.finished > 0, 10 * MINUTE);
    assert_int_equal(seen.changes, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_runout_changes_filament_and_the_print_goes_on),
        TEST(a_printer_that_says_nothing_is_paused_and_resumed_by_us),
        TEST(resume_pressed_meanwhile_lets_the_printer_go_on),
        TEST(a_line_that_waits_for_filament_resumes_the_print_for_rules_too),
        TEST(a_resume_right_after_the_pause_counts_too),
        TEST(cancel_pressed_meanwhile_ends_the_change_and_resumes_nothing),
        TEST(a_printer_without_the_command_gets_the_host_to_pause),
        TEST(a_macro_that_answers_at_once_leaves_the_print_paused),
        TEST(a_printer_that_is_reset_in_the_change_ends_the_job),
        TEST(a_change_in_the_file_itself_counts_as_one),
        TEST(each_of_two_sensors_watches_its_tool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
