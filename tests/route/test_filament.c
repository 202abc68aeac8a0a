#include "filament_bench.h"

static void a_runout_in_a_print_is_due(void **unused)
{
    (void)unused;
    run_out();
    assert_string_equal(notified, "Filament has run out: change it at the printer");
}

static void without_a_print_or_before_its_first_extrusion_nothing_is_due(void **unused)
{
    (void)unused;
    see(0, FILAMENT_PRESENT);
    see(0, FILAMENT_MISSING);
    filament_extruded(&filament, 0, 1000, now); /* loading, by hand */
    assert_false(filament_holds(&filament));
    see(0, FILAMENT_PRESENT);
    print(FILAMENT_PRINTING);
    see(0, FILAMENT_MISSING);
    assert_false(filament_holds(&filament));
    filament_extruded(&filament, 0, 1, now);
    assert_true(filament_holds(&filament));
}

static void while_paused_nothing_is_due_until_it_goes_on(void **unused)
{
    (void)unused;
    start_print();
    print(FILAMENT_PAUSED);
    see(0, FILAMENT_MISSING);
    filament_extruded(&filament, 0, 1000, now);
    assert_false(filament_holds(&filament));
    print(FILAMENT_PRINTING);
    assert_true(filament_holds(&filament));
}

static void a_print_that_pauses_before_an_ok_is_held_is_left_alone(void **unused)
{
    (void)unused;
    start_print();
    see(0, FILAMENT_MISSING);
    assert_true(filament_holds(&filament));
    print(FILAMENT_PAUSED);
    assert_false(filament_holds(&filament));
    print(FILAMENT_PRINTING);
    assert_true(filament_holds(&filament));
    print(FILAMENT_NO_JOB);
    assert_false(filament_holds(&filament));
    expect("changed");
}

static void filament_that_is_back_in_time_was_not_missing(void **unused)
{
    (void)unused;
    start_print();
    see(0, FILAMENT_MISSING);
    see(0, FILAMENT_PRESENT);
    assert_false(filament_holds(&filament));
    see(0, FILAMENT_MISSING);
    see(0, FILAMENT_UNKNOWN); /* the board is lost: unknown is not missing */
    assert_false(filament_holds(&filament));
}

static void the_distance_is_extruded_first(void **unused)
{
    (void)unused;
    set[0].distance_um = 35000;
    filament_init(&filament, set, 1);
    start_print();
    filament_extruded(&filament, 0, 100000, now); /* while there was filament */
    see(0, FILAMENT_MISSING);
    filament_extruded(&filament, 0, 34999, now);
    filament_extruded(&filament, 1, 50000, now); /* another tool's */
    filament_extruded(&filament, 0, 0, now);
    assert_false(filament_holds(&filament));
    filament_extruded(&filament, 0, 1, now);
    assert_true(filament_holds(&filament));
}

static void the_distance_counts_from_the_last_time_it_went_missing(void **unused)
{
    (void)unused;
    set[0].distance_um = 10000;
    filament_init(&filament, set, 1);
    start_print();
    see(0, FILAMENT_MISSING);
    filament_extruded(&filament, 0, 9000, now);
    see(0, FILAMENT_PRESENT);
    see(0, FILAMENT_MISSING);
    see(0, FILAMENT_MISSING);
    filament_extruded(&filament, 0, 9000, now);
    assert_false(filament_holds(&filament));
    filament_extruded(&filament, 0, INT32_MAX, now);
    filament_extruded(&filament, 0, INT32_MAX, now);
    check();
    assert_true(filament_holds(&filament));
}

static void it_is_dealt_with_once_until_filament_is_back(void **unused)
{
    (void)unused;
    set[0].command[0] = '\0'; /* pause */
    filament_init(&filament, set, 1);
    start_print();
    see(0, FILAMENT_MISSING);
    filament_held(&filament, now);
    expect("changed, notify, pause, ok");
    assert_string_equal(notified, "Filament has run out: print paused");
    print(FILAMENT_PAUSED);
    print(FILAMENT_PRINTING); /* resumed without any */
    filament_extruded(&filament, 0, 100000, now);
    assert_false(filament_holds(&filament));
    see(0, FILAMENT_PRESENT);
    see(0, FILAMENT_MISSING);
    assert_true(filament_holds(&filament));
}

static void m412_switches_it_off_and_on_and_rearms(void **unused)
{
    (void)unused;
    start_print();
    filament_switch(&filament, false, now);
    expect("changed");
    assert_string_equal(filament_word(&filament), "off");
    see(0, FILAMENT_MISSING);
    assert_false(filament_holds(&filament));
    filament_switch(&filament, true, now);
    assert_string_equal(filament_word(&filament), "missing");
    assert_true(filament_holds(&filament));
    filament_switch(&filament, false, now);
    assert_false(filament_holds(&filament));
    filament_switch(&filament, true, now);
    filament_held(&filament, now);
    expect("changed, notify, inject M600");
    printer("echo:Unknown command: \"M600\"");
    expect("notify, pause, ok");
    print(FILAMENT_PAUSED);
    print(FILAMENT_PRINTING);
    assert_false(filament_holds(&filament));
    filament_rearm(&filament, now);
    assert_true(filament_holds(&filament));
}

static void two_sensors_watch_two_tools(void **unused)
{
    (void)unused;
    set[1] = (struct filament_settings){.point = 2, .tool = 1, .command = "M600 T1"};
    filament_init(&filament, set, 2);
    see(1, FILAMENT_PRESENT);
    start_print();
    see(1, FILAMENT_MISSING);
    assert_false(filament_holds(&filament)); /* T0 prints */
    filament_extruded(&filament, 0, 50000, now);
    assert_false(filament_holds(&filament));
    assert_int_equal(host("N5 T1", 0), FILAMENT_PASSES);
    assert_true(filament_holds(&filament));
    filament_held(&filament, now);
    expect("changed, notify, inject M600 T1");
}

static void in_a_print_from_the_card_nothing_is_held(void **unused)
{
    (void)unused;
    set[0].tool = 3;
    set[0].distance_um = 5000; /* of which nobody sees anything */
    filament_init(&filament, set, 1);
    see(0, FILAMENT_PRESENT);
    filament_print(&filament, FILAMENT_PRINTING, true, now);
    expect("changed");
    see(0, FILAMENT_MISSING);
    expect("changed, notify, inject M600");
    assert_false(filament_holds(&filament));
    assert_false(printer("//action:paused"));
    expect("");
    wait(5000);
    printer("echo:busy: paused for user");
    filament_answered(&filament, now);
    expect("notify, resumed");
}

static void in_a_print_from_the_card_pause_is_asked_for(void **unused)
{
    (void)unused;
    set[0].command[0] = '\0';
    filament_init(&filament, set, 1);
    filament_print(&filament, FILAMENT_PRINTING, true, now);
    see(0, FILAMENT_MISSING);
    expect("changed, notify, pause");
}

static void a_print_that_begins_without_filament_is_paused_before_it_extrudes(void **unused)
{
    (void)unused;
    see(0, FILAMENT_MISSING);
    print(FILAMENT_PRINTING);
    expect("changed");
    assert_int_equal(host("N1 G28", 0), FILAMENT_PASSES);
    assert_int_equal(host("N2 G1 X10 Y10", 0), FILAMENT_PASSES);
    assert_int_equal(host("N3 G1 X20 E1.5", 1500), FILAMENT_KEPT);
    expect("notify, paused, ok");
    assert_string_equal(notified, "Filament is missing: print paused before it begins");
    print(FILAMENT_PAUSED);
    /* The user heats and loads by the terminal. */
    assert_int_equal(host("M109 S200", 0), FILAMENT_PASSES);
    assert_int_equal(host("G1 E50 F300", 50000), FILAMENT_PASSES);
    assert_int_equal(host("M105", 0), FILAMENT_PASSES);
    see(0, FILAMENT_PRESENT);
    expect("changed");
    print(FILAMENT_PRINTING);
    expect("inject G1 X20 E1.5");
    assert_int_equal(host("N4 G1 X30 E3", 1500), FILAMENT_WAITS);
    filament_answered(&filament, now);
    expect("");
    assert_int_equal(host("N4 G1 X30 E3", 1500), FILAMENT_PASSES);
    see(0, FILAMENT_MISSING); /* and it is armed */
    assert_true(filament_holds(&filament));
}

static void moves_on_their_way_are_kept_behind_the_first(void **unused)
{
    (void)unused;
    see(0, FILAMENT_MISSING);
    print(FILAMENT_PRINTING);
    assert_int_equal(host("N3 G1 X20 E1.5", 1500), FILAMENT_KEPT);
    expect("changed, notify, paused, ok");
    print(FILAMENT_PAUSED);
    assert_int_equal(host("N4 G1 X21", 0), FILAMENT_KEPT);
    expect("ok");
    assert_int_equal(host("N5 M105", 0), FILAMENT_PASSES);
    assert_int_equal(host("N6 G1 X22 E2", 500), FILAMENT_KEPT);
    expect("ok");
    assert_int_equal(host("N7 G1 X23", 0), FILAMENT_PASSES); /* no more than three */
    print(FILAMENT_PRINTING);
    expect("inject G1 X20 E1.5");
    filament_answered(&filament, now);
    expect("inject G1 X21");
    filament_answered(&filament, now);
    expect("inject G1 X22 E2");
    assert_int_equal(host("N8 G1 X24", 0), FILAMENT_WAITS);
    filament_answered(&filament, now);
    assert_int_equal(filament.state, FILAMENT_WATCHES);
    expect("");
}

static void what_is_kept_is_dropped_when_the_print_ends(void **unused)
{
    (void)unused;
    see(0, FILAMENT_MISSING);
    print(FILAMENT_PRINTING);
    assert_int_equal(host("N3 G1 X20 E1.5", 1500), FILAMENT_KEPT);
    print(FILAMENT_PAUSED);
    print(FILAMENT_NO_JOB);
    expect("changed, notify, paused, ok");
    assert_int_equal(filament.kept, 0);
    /* The next print without filament is treated the same. */
    print(FILAMENT_PRINTING);
    assert_int_equal(host("N3 G1 X30 E1.5", 1500), FILAMENT_KEPT);
    expect("notify, paused, ok");
    print(FILAMENT_PAUSED);
    print(FILAMENT_PRINTING);
    expect("inject G1 X30 E1.5");
}

static void what_is_on_its_way_back_is_dropped_too(void **unused)
{
    (void)unused;
    see(0, FILAMENT_MISSING);
    print(FILAMENT_PRINTING);
    host("N3 G1 X20 E1.5", 1500);
    print(FILAMENT_PAUSED);
    expect("changed, notify, paused, ok");
    print(FILAMENT_PRINTING);
    print(FILAMENT_NO_JOB);
    expect("");
    filament_answered(&filament, now);
    expect("");
    assert_int_equal(filament.state, FILAMENT_WATCHES);
}

static void a_print_resumed_without_filament_prints_on(void **unused)
{
    (void)unused;
    see(0, FILAMENT_MISSING);
    print(FILAMENT_PRINTING);
    host("N3 G1 X20 E1.5", 1500);
    print(FILAMENT_PAUSED);
    print(FILAMENT_PRINTING);
    filament_answered(&filament, now);
    filament_extruded(&filament, 0, 100000, now);
    expect("changed, notify, paused, ok");
    assert_false(filament_holds(&filament));
}

static void unknown_filament_holds_no_print_up(void **unused)
{
    (void)unused;
    print(FILAMENT_PRINTING);
    assert_int_equal(host("N3 G1 X20 E1.5", 1500), FILAMENT_PASSES);
    set_up(NULL);
    see(0, FILAMENT_MISSING);
    filament_switch(&filament, false, now);
    print(FILAMENT_PRINTING);
    assert_int_equal(host("N3 G1 X20 E1.5", 1500), FILAMENT_PASSES);
    set_up(NULL);
    set[0].tool = 1;
    filament_init(&filament, set, 1);
    see(0, FILAMENT_MISSING);
    print(FILAMENT_PRINTING);
    assert_int_equal(host("N3 G1 X20 E1.5", 1500), FILAMENT_PASSES);
}

static void words_tell_the_worst_of_all_sensors(void **unused)
{
    (void)unused;
    filament_init(&filament, set, 0);
    assert_string_equal(filament_word(&filament), "none");
    set[1] = (struct filament_settings){.point = 2, .tool = 1};
    filament_init(&filament, set, 2);
    assert_string_equal(filament_word(&filament), "unknown");
    see(0, FILAMENT_PRESENT);
    assert_string_equal(filament_word(&filament), "unknown");
    see(1, FILAMENT_PRESENT);
    assert_string_equal(filament_word(&filament), "present");
    see(1, FILAMENT_MISSING);
    assert_string_equal(filament_word(&filament), "missing");
}

static void a_reload_keeps_what_is_known_of_a_sensor(void **unused)
{
    (void)unused;
    start_print();
    set[1] = (struct filament_settings){.point = 4, .tool = 1};
    filament_reload(&filament, set, 2, NULL, now);
    expect("changed");
    assert_string_equal(filament_word(&filament), "unknown");
    see(1, FILAMENT_PRESENT);
    expect("changed");
    see(0, FILAMENT_MISSING);
    assert_true(filament_holds(&filament));
    filament_reload(&filament, set, 0, NULL, now);
    assert_false(filament_holds(&filament));
    check();
    assert_string_equal(filament_word(&filament), "none");
}

static void whatever_comes_the_promises_hold(void **unused)
{
    static const char *const lines[] = {"N1 G1 X1 E1", "M105", "M600", "T0",   "T1",
                                        "G1 E5",       "M117", "G28",  "T300", "N9 G1 X9"};
    static const char *const replies[] = {"//action:paused",
                                          "//action:resumed",
                                          "echo:busy: processing",
                                          "//action:prompt_show",
                                          "//action:prompt_begin x",
                                          "//action:prompt_button Continue",
                                          "//action:prompt_end",
                                          "echo:busy: paused for user",
                                          "echo:Unknown command: \"M600\"",
                                          "// Unknown command:\"M600\""};
    uint32_t random = 3;

    (void)unused;
    set[1] = (struct filament_settings){.point = 2, .tool = 1, .distance_um = 3000};
    filament_init(&filament, set, 2);
    for (unsigned i = 0; i < 300000; i++) {
        struct filament_action action;
        unsigned argument;

        random = random * 1664525 + 1013904223;
        argument = random >> 16 & 0xff;
        switch (random >> 28) {
        case 0:
        case 1: see(argument & 1, (enum filament_level)(argument / 2 % 3)); break;
        case 2: print((enum filament_job)(argument % 3)); break;
        case 3: host(lines[argument % 10], argument % 2 ? 500 : 0); break;
        case 4: host(lines[argument % 10], argument % 2 ? 500 : 0); break;
        case 5: filament_extruded(&filament, argument & 1, 1000, now); break;
        case 6:
            if (filament_holds(&filament))
                filament_held(&filament, now);
            break;
        case 7: filament_answered(&filament, now); break;
        case 8:
        case 9:
        case 10: printer(replies[argument % 10]); break;
        case 11:
            emergency(argument % 3 == 0 ? "N5 M108" : argument % 3 == 1 ? "M108" : "M876 S1");
            break;
        case 12: wait(argument * 20); break;
        case 13: filament_host_answered(&filament, now); break;
        case 14:
            switch (argument % 8) {
            case 0: filament_broken(&filament, now); break;
            case 1: filament_host_closed(&filament, now); break;
            case 2: filament_failed(&filament, now); break;
            case 3: filament_switch(&filament, argument & 16, now); break;
            case 4: filament_rearm(&filament, now); break;
            case 5: filament_reload(&filament, set, argument / 8 % 3, NULL, now); break;
            default: filament_print(&filament, FILAMENT_PRINTING, true, now); break;
            }
            if (filament.sensors < 2)
                filament_reload(&filament, set, 2, NULL, now);
            break;
        default: break;
        }
        check();
        while (random >> 24 & 3 && filament_next_action(&filament, &action))
            check();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_runout_in_a_print_is_due, set_up),
        cmocka_unit_test_setup(without_a_print_or_before_its_first_extrusion_nothing_is_due,
                               set_up),
        cmocka_unit_test_setup(while_paused_nothing_is_due_until_it_goes_on, set_up),
        cmocka_unit_test_setup(a_print_that_pauses_before_an_ok_is_held_is_left_alone, set_up),
        cmocka_unit_test_setup(filament_that_is_back_in_time_was_not_missing, set_up),
        cmocka_unit_test_setup(the_distance_is_extruded_first, set_up),
        cmocka_unit_test_setup(the_distance_counts_from_the_last_time_it_went_missing, set_up),
        cmocka_unit_test_setup(it_is_dealt_with_once_until_filament_is_back, set_up),
        cmocka_unit_test_setup(m412_switches_it_off_and_on_and_rearms, set_up),
        cmocka_unit_test_setup(two_sensors_watch_two_tools, set_up),
        cmocka_unit_test_setup(in_a_print_from_the_card_nothing_is_held, set_up),
        cmocka_unit_test_setup(in_a_print_from_the_card_pause_is_asked_for, set_up),
        cmocka_unit_test_setup(a_print_that_begins_without_filament_is_paused_before_it_extrudes,
                               set_up),
        cmocka_unit_test_setup(moves_on_their_way_are_kept_behind_the_first, set_up),
        cmocka_unit_test_setup(what_is_kept_is_dropped_when_the_print_ends, set_up),
        cmocka_unit_test_setup(what_is_on_its_way_back_is_dropped_too, set_up),
        cmocka_unit_test_setup(a_print_resumed_without_filament_prints_on, set_up),
        cmocka_unit_test_setup(unknown_filament_holds_no_print_up, set_up),
        cmocka_unit_test_setup(words_tell_the_worst_of_all_sensors, set_up),
        cmocka_unit_test_setup(a_reload_keeps_what_is_known_of_a_sensor, set_up),
        cmocka_unit_test_setup(whatever_comes_the_promises_hold, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
