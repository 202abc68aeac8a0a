/*
 * The `tests:` of a rule file, to steps and expectations in their order.
 *
 * Rules are tested like code. Runs nothing; a test may name the points that its file's `example:`
 * has, which stands for a config there.
 */
#pragma once

#include "load/fields.h"

#define RULE_TESTS_MAX      200
#define RULE_TEST_STEPS_MAX 200

enum rule_test_kind {
    /* What happens: */
    TEST_GCODE,       /* text: the host sends this line */
    TEST_REPLY,       /* text: the printer says this line */
    TEST_POINT,       /* index: a point; value: an input becomes on (1) or off (0) */
    TEST_PRINT,       /* value: enum print_fact */
    TEST_PRINTER,     /* value: enum printer_fact, but silent */
    TEST_HOST,        /* value: enum host_fact, but silent */
    TEST_BOARD,       /* value: enum board_fact */
    TEST_TEMPERATURE, /* heater, index, value: so many thousandths of a degree */
    TEST_WAIT,        /* ms pass */
    /* What is expected then: */
    TEST_EXPECT_POINT, /* index: a point; value: enum point_state */
    TEST_EXPECT_PRINT, /* value: enum print_state */
    TEST_EXPECT_PSU,   /* value: 1 on, 0 off */
    TEST_EXPECT_SENT,  /* text: the printer got this line since the last step but waits */
    TEST_EXPECT_SAID,  /* text: the host got a line with this in it since then */
    TEST_EXPECT_RAN,   /* index: a program was started since then */
};

struct rule_test_step {
    enum rule_test_kind kind;
    bool never; /* expectations under `not` */
    char heater;
    uint8_t index;
    int32_t value;
    int64_t ms;
    struct span text;
    unsigned line, column; /* where it stands */
    unsigned item; /* of the list of steps, from 1; what is of one item happens at the same time */
};

struct rule_test {
    struct span name;
    const struct rule_test_step *step;
    unsigned steps;
    unsigned line;
};

struct rule_tests {
    const struct rule_test *test;
    unsigned tests;
};

/*
 * The words for what becomes of the print, the printer, the host or the board, NULL at the end: a
 * step's value is their index. NULL for another kind.
 */
const char *const *rule_test_words(enum rule_test_kind kind);
/* Reads the tests of a rule file's tree (NULL: none). Mistakes are told. */
void tests_file_read(const struct fields *fields, const struct node *root,
                     struct rule_tests *ret_tests);
