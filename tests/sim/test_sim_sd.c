#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim_sd.h"

static struct sim_sd sd;

static int setup(void **unused)
{
    (void)unused;
    memset(&sd, 0, sizeof sd);
    return 0;
}

static void names_are_dos_names_without_a_slash(void **unused)
{
    (void)unused;
    int slot = sim_sd_create(&sd, SPAN("/cube.gco L T"));
    assert_true(slot >= 0);
    assert_string_equal(sd.files[slot].name, "CUBE.GCO");
    assert_int_equal(sim_sd_find(&sd, SPAN("Cube.gco")), slot);
    assert_int_equal(sim_sd_find(&sd, SPAN("cube")), -1);
    assert_int_equal(sim_sd_find(&sd, SPAN("")), -1);
    assert_int_equal(sim_sd_create(&sd, SPAN(" / ")), -1);
}

static void four_files_fit_and_a_removed_one_makes_room(void **unused)
{
    (void)unused;
    assert_int_equal(sim_sd_create(&sd, SPAN("a")), 0);
    assert_int_equal(sim_sd_create(&sd, SPAN("b")), 1);
    assert_int_equal(sim_sd_create(&sd, SPAN("c")), 2);
    assert_int_equal(sim_sd_create(&sd, SPAN("d")), 3);
    assert_int_equal(sim_sd_create(&sd, SPAN("e")), -1);
    assert_int_equal(sim_sd_create(&sd, SPAN("b")), 1);
    sim_sd_remove(&sd, 2);
    assert_int_equal(sim_sd_create(&sd, SPAN("e")), 2);
}

static void lines_come_back_as_they_were_written(void **unused)
{
    struct span line;
    uint32_t next = 0;

    (void)unused;
    sim_sd_create(&sd, SPAN("a"));
    assert_true(sim_sd_append(&sd, 0, SPAN("G28")));
    assert_true(sim_sd_append(&sd, 0, SPAN("")));
    assert_true(sim_sd_append(&sd, 0, SPAN("M84")));
    assert_true(sim_sd_line(&sd, 0, 0, &line, &next));
    assert_true(span_equal(line, SPAN("G28")));
    assert_true(sim_sd_line(&sd, 0, next, &line, &next));
    assert_int_equal(line.length, 0);
    assert_true(sim_sd_line(&sd, 0, next, &line, &next));
    assert_true(span_equal(line, SPAN("M84")));
    assert_false(sim_sd_line(&sd, 0, next, &line, &next));
    assert_int_equal(next, sd.files[0].size);
}

static void a_full_file_takes_no_half_line(void **unused)
{
    static char text[1000];
    uint32_t before = 0;

    (void)unused;
    memset(text, 'x', sizeof text);
    sim_sd_create(&sd, SPAN("a"));
    while (sim_sd_append(&sd, 0, (struct span){text, sizeof text}))
        before = sd.files[0].size;
    assert_int_equal(sd.files[0].size, before);
    assert_true(before + 1001 > SIM_SD_FILE_CAPACITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names_are_dos_names_without_a_slash, setup),
        cmocka_unit_test_setup(four_files_fit_and_a_removed_one_makes_room, setup),
        cmocka_unit_test_setup(lines_come_back_as_they_were_written, setup),
        cmocka_unit_test_setup(a_full_file_takes_no_half_line, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
