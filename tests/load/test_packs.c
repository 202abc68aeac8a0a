/*
 * The shipped rule files: each loads with the points that its head says, alone with its example,
 * and carries tests and a page of explanation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/load.h"

static const struct {
    const char *name;
    unsigned rules, tests;
} packs[] = {
    {"air-filter", 4, 4},     {"buttons", 4, 5},        {"buzzer", 5, 6},
    {"camera-shutter", 1, 3}, {"chamber-light", 2, 2},  {"door-pause", 2, 4},
    {"enclosure-fan", 4, 3},  {"host-silent", 2, 4},    {"power-off", 1, 2},
    {"status-tower", 7, 6},   {"tool-indicator", 3, 3},
};
#define PACKS       (sizeof(packs) / sizeof(packs[0]))
#define PAGE_LEAST  20 /* lines of explanation */
#define SNIPPET_PAD "#       "

static char content[65536];
static struct span text; /* of the pack */
static char *told;

static void read_pack(const char *name)
{
    char path[300];
    FILE *file;

    snprintf(path, sizeof(path), "%s/rules/%s.yaml", ROOT, name);
    file = fopen(path, "r");
    assert_non_null(file);
    text = (struct span){content, fread(content, 1, sizeof(content) - 1, file)};
    content[text.length] = '\0';
    fclose(file);
}

static void keep_told(struct mistakes *mistakes)
{
    size_t length;
    FILE *to;

    free(told);
    to = open_memstream(&told, &length);
    mistakes_print(mistakes, to);
    fclose(to);
    mistakes_free(mistakes);
}

static void every_pack_is_known_and_every_file_is_one(void **unused)
{
    glob_t found;

    (void)unused;
    assert_int_equal(glob(ROOT "/rules/*.yaml", 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, PACKS + 1); /* and mcodes.yaml */
    globfree(&found);
}

static void every_pack_loads_alone_with_its_tests(void **unused)
{
    const struct load_environment environment = {0};

    (void)unused;
    for (size_t i = 0; i < PACKS; i++) {
        struct mistakes mistakes = {0};
        struct sources sources;
        struct loaded loaded;
        struct rule_tests tests;
        bool ok;

        read_pack(packs[i].name);
        sources_init(&sources, "/etc/sioproxy");
        assert_true(sources_add(&sources, packs[i].name, text));
        ok = load_rule_file(&sources, &environment, &mistakes, &loaded, &tests);
        sources_free(&sources);
        keep_told(&mistakes);
        if (!ok || told[0] != '\0') {
            fail_msg("%s", told);
        }
        assert_int_equal(loaded.rules, packs[i].rules);
        assert_int_equal(tests.tests, packs[i].tests);
        loaded_free(&loaded);
    }
}

/* The lines that the head shows as a config, behind a printer and a board. */
static void config_of_head(struct text *config)
{
    bool inside = false;

    text_add_string(config, "printer: {port: simulated, baud: 115200}\n"
                            "board: {port: simulated}\n"
                            "rules: [pack.yaml]\n");
    for (struct span rest = text; rest.length > 0;) {
        struct span line = {rest.data, span_find(rest, '\n')};

        inside = span_equal(line, SPAN(SNIPPET_PAD "points:")) ||
                 (inside && span_starts(line, SPAN(SNIPPET_PAD)));
        if (inside) {
            text_add(config, span_skip(line, sizeof(SNIPPET_PAD) - 1));
            text_add_char(config, '\n');
        }
        rest = span_skip(rest, line.length + 1);
    }
    assert_false(config->cut);
}

static bool load_with_head(void)
{
    const struct load_environment environment = {0};
    char memory[4000];
    struct text config = TEXT_IN(memory);
    struct mistakes mistakes = {0};
    struct sources sources;
    struct loaded loaded;
    bool ok;

    config_of_head(&config);
    sources_init(&sources, "/etc/sioproxy");
    assert_true(sources_add(&sources, "config.yaml", text_span(&config)));
    assert_true(sources_add(&sources, "pack.yaml", text));
    ok = load_all(&sources, &environment, &mistakes, &loaded);
    if (ok) {
        loaded_free(&loaded);
    }
    sources_free(&sources);
    keep_told(&mistakes);
    return ok;
}

static void every_pack_loads_with_the_points_its_head_says(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < PACKS; i++) {
        read_pack(packs[i].name);
        if (!load_with_head()) {
            fail_msg("%s: %s", packs[i].name, told);
        }
    }
}

static void every_pack_has_a_page_of_explanation(void **unused)
{
    static const char *const parts[] = {"# What it does\n", "# What it takes\n",
                                        "# How to use it\n", "# What to change\n",
                                        "# When it does not work\n"};

    (void)unused;
    for (size_t i = 0; i < PACKS; i++) {
        unsigned lines = 0;

        read_pack(packs[i].name);
        for (struct span rest = text; span_starts(rest, SPAN("#")); lines++) {
            rest = span_skip(rest, span_find(rest, '\n') + 1);
        }
        assert_in_range(lines, PAGE_LEAST, 60);
        for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
            assert_true(span_contains(text, span_of(parts[part])));
        }
    }
}

static int end(void **unused)
{
    (void)unused;
    free(told);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pack_is_known_and_every_file_is_one),
        cmocka_unit_test(every_pack_loads_alone_with_its_tests),
        cmocka_unit_test(every_pack_loads_with_the_points_its_head_says),
        cmocka_unit_test(every_pack_has_a_page_of_explanation),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
