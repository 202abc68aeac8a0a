#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "route/extrusion.h"

static struct extrusion extrusion;
static uint32_t serial;

static int set_up(void **unused)
{
    (void)unused;
    memset(&extrusion, 0, sizeof(extrusion));
    extrusion_init(&extrusion);
    serial = 0;
    return 0;
}

/* The line is sent and answered: so many micrometres, of the tool in use. */
static int32_t um(const char *text)
{
    struct extruded would, amount = {0, 0};
    struct gcode_line line;

    gcode_line_parse(span_of(text), &line);
    would = extrusion_of(&extrusion, &line);
    extrusion_sent(&extrusion, &line, ++serial);
    assert_int_equal(extrusion_acked(&extrusion, serial, &amount), would.um > 0);
    assert_int_equal(amount.um, would.um);
    if (amount.um > 0)
        assert_int_equal(amount.tool, would.tool);
    assert_null(extrusion_check(&extrusion));
    return amount.um;
}

static void absolute_e_counts_what_it_grows(void **unused)
{
    (void)unused;
    assert_int_equal(um("G1 X10 E0.5"), 500);
    assert_int_equal(um("N12 G1X20E1.25*77"), 750);
    assert_int_equal(um("G1 X30"), 0);
    assert_int_equal(um("G0 X30 E1.25"), 0);
    assert_int_equal(um("G2 X1 Y1 I1 E1.30"), 50);
    assert_int_equal(um("G3 X1 Y1 I1 E1.31"), 10);
    assert_int_equal(um("G5 X1 Y1 E1.32"), 10);
    assert_int_equal(um("g1 e2"), 680);
}

static void relative_e_counts_each(void **unused)
{
    (void)unused;
    assert_int_equal(um("M83"), 0);
    assert_int_equal(um("G1 X10 E.5"), 500);
    assert_int_equal(um("G1 X10 E.5"), 500);
    assert_int_equal(um("M82"), 0);
    assert_int_equal(um("G1 X10 E1.5"), 500);
}

static void g92_sets_what_e_is(void **unused)
{
    (void)unused;
    assert_int_equal(um("G1 E100"), 100000);
    assert_int_equal(um("G92 E0"), 0);
    assert_int_equal(um("G1 E0.25"), 250);
    assert_int_equal(um("G92 X0 Y0"), 0);
    assert_int_equal(um("G1 E0.5"), 250);
}

static void what_was_retracted_is_no_new_filament(void **unused)
{
    (void)unused;
    assert_int_equal(um("G1 E1"), 1000);
    assert_int_equal(um("G1 E0.2 F2400"), 0);
    assert_int_equal(um("G92 E0"), 0);
    assert_int_equal(um("G1 E0.5"), 0);
    assert_int_equal(um("G1 E1"), 200); /* 0.8 were retracted */
    assert_int_equal(um("M83"), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(um("G1 E-0.8"), 0);
        assert_int_equal(um("G1 E0.8"), 0);
    }
    assert_int_equal(um("G1 E0.1"), 100);
}

static void an_unload_is_no_retraction(void **unused)
{
    (void)unused;
    um("M83");
    assert_int_equal(um("G1 E-400"), 0);
    assert_int_equal(um("G1 E25"), 5000);
}

static void g90_and_g91_count_for_e_until_m82_or_m83(void **unused)
{
    (void)unused;
    um("G91");
    assert_int_equal(um("G1 E1"), 1000);
    assert_int_equal(um("G1 E1"), 1000);
    um("M82");
    assert_int_equal(um("G1 E2.5"), 500);
    um("M83");
    um("G90"); /* Marlin forgets M83 over it */
    assert_int_equal(um("G1 E3"), 500);
}

static void klippers_g90_spares_e(void **unused)
{
    (void)unused;
    extrusion_klipper(&extrusion, true);
    um("M83");
    um("G91");
    um("G90");
    assert_int_equal(um("G1 E3"), 3000);
    assert_int_equal(um("G1 E3"), 3000);
    um("M82");
    um("G91");
    assert_int_equal(um("G1 E3"), 3000);
    um("G90");
    assert_int_equal(um("G1 E10"), 1000);
    extrusion_init(&extrusion); /* it has booted, and is Klipper still */
    assert_true(extrusion.spares_e);
}

static void tools_retract_each_for_itself(void **unused)
{
    struct gcode_line line;
    struct extruded amount;

    (void)unused;
    um("M83");
    um("G1 E5");
    um("G1 E-2");
    um("T1");
    assert_int_equal(um("G1 E1"), 1000);
    gcode_line_parse(SPAN("G1 E1"), &line);
    assert_int_equal(extrusion_of(&extrusion, &line).tool, 1);
    extrusion_sent(&extrusion, &line, 1000);
    um("T0");
    um("T77"); /* unknown: stays */
    assert_true(extrusion_acked(&extrusion, 1000, &amount));
    assert_int_equal(amount.tool, 1);
    assert_int_equal(um("G1 E2.5"), 500);
}

static void inches_are_inches(void **unused)
{
    (void)unused;
    um("G20");
    assert_int_equal(um("G1 E1"), 25400);
    um("G92 E2");
    um("G21");
    assert_int_equal(um("G1 E51.8"), 1000);
}

static void what_is_no_move_extrudes_nothing(void **unused)
{
    (void)unused;
    um("M83");
    assert_int_equal(um("M117 E5"), 0);
    assert_int_equal(um("G28 E5"), 0);
    assert_int_equal(um("G4 E5"), 0);
    assert_int_equal(um("G1.1 E5"), 0);
    assert_int_equal(um("M600 E5"), 0);
    assert_int_equal(um("G1 E"), 0);
    assert_int_equal(um("G1 Ex"), 0);
    assert_int_equal(um("; G1 E5"), 0);
    assert_int_equal(um(""), 0);
    assert_int_equal(um("E5"), 0);
}

static void an_amount_counts_when_its_line_is_answered(void **unused)
{
    struct extruded amount = {9, 9};
    struct gcode_line line;

    (void)unused;
    um("M83");
    gcode_line_parse(SPAN("G1 E1"), &line);
    extrusion_sent(&extrusion, &line, 101);
    gcode_line_parse(SPAN("G1 E2"), &line);
    extrusion_sent(&extrusion, &line, 102);
    gcode_line_parse(SPAN("G1 E3"), &line);
    extrusion_sent(&extrusion, &line, 103);
    assert_false(extrusion_acked(&extrusion, 100, &amount));
    assert_int_equal(amount.um, 9);
    assert_true(extrusion_acked(&extrusion, 102, &amount)); /* 101 died */
    assert_int_equal(amount.um, 2000);
    assert_false(extrusion_acked(&extrusion, 101, &amount));
    assert_true(extrusion_acked(&extrusion, 103, &amount));
    assert_int_equal(amount.um, 3000);
    assert_false(extrusion_acked(&extrusion, 103, &amount));
}

static void of_too_many_lines_without_answer_the_oldest_is_forgotten(void **unused)
{
    struct extruded amount;
    struct gcode_line line;

    (void)unused;
    um("M83");
    gcode_line_parse(SPAN("G1 E1"), &line);
    for (uint32_t i = 0; i <= EXTRUSION_PENDING; i++)
        extrusion_sent(&extrusion, &line, 1000 + i);
    assert_null(extrusion_check(&extrusion));
    assert_false(extrusion_acked(&extrusion, 1000, &amount));
    assert_true(extrusion_acked(&extrusion, 1001, &amount));
    assert_int_equal(extrusion.pending, EXTRUSION_PENDING - 1);
}

static void numbers_too_large_to_count_with_are_bounded(void **unused)
{
    (void)unused;
    assert_int_equal(um("G1 E999999999999999"), 0);
    assert_int_equal(um("G1 E9999999"), INT32_MAX);
    um("G20");
    um("M83");
    for (int i = 0; i < 100000; i++)
        um(i % 3 == 0 ? "G1 E-9999999" : "G1 E9999999");
    um("M82");
    assert_int_equal(um("G1 E-9999999"), 0);
}

static void a_printer_that_has_booted_counts_anew(void **unused)
{
    struct extruded amount;
    struct gcode_line line;

    (void)unused;
    um("M83");
    um("T3");
    um("G1 E5");
    um("G1 E-5");
    gcode_line_parse(SPAN("G1 E9"), &line);
    extrusion_sent(&extrusion, &line, 500);
    extrusion_init(&extrusion);
    assert_false(extrusion_acked(&extrusion, 500, &amount));
    assert_int_equal(um("G1 E1"), 1000);
    assert_int_equal(um("G1 E1"), 0);
    assert_int_equal(extrusion.tool, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(absolute_e_counts_what_it_grows, set_up),
        cmocka_unit_test_setup(relative_e_counts_each, set_up),
        cmocka_unit_test_setup(g92_sets_what_e_is, set_up),
        cmocka_unit_test_setup(what_was_retracted_is_no_new_filament, set_up),
        cmocka_unit_test_setup(an_unload_is_no_retraction, set_up),
        cmocka_unit_test_setup(g90_and_g91_count_for_e_until_m82_or_m83, set_up),
        cmocka_unit_test_setup(klippers_g90_spares_e, set_up),
        cmocka_unit_test_setup(tools_retract_each_for_itself, set_up),
        cmocka_unit_test_setup(inches_are_inches, set_up),
        cmocka_unit_test_setup(what_is_no_move_extrudes_nothing, set_up),
        cmocka_unit_test_setup(an_amount_counts_when_its_line_is_answered, set_up),
        cmocka_unit_test_setup(of_too_many_lines_without_answer_the_oldest_is_forgotten, set_up),
        cmocka_unit_test_setup(numbers_too_large_to_count_with_are_bounded, set_up),
        cmocka_unit_test_setup(a_printer_that_has_booted_counts_anew, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
