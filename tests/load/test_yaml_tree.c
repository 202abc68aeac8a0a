#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/yaml_tree.h"

static struct arena arena;
static struct mistakes mistakes;

static int end(void **unused)
{
    (void)unused;
    arena_free(&arena);
    mistakes_free(&mistakes);
    return 0;
}

/* The tree, NULL if there is none; `expected` is what is told. */
static const struct node *read_bytes(struct span bytes, const char *expected)
{
    const struct node *root = NULL;
    char *told = NULL;
    size_t length;
    FILE *to = open_memstream(&told, &length);
    bool read = yaml_tree_read(bytes, "f.yaml", &arena, &mistakes, &root);

    mistakes_print(&mistakes, to);
    fclose(to);
    assert_string_equal(told, expected);
    free(told);
    assert_true(read || root == NULL);
    return root;
}

static const struct node *read_text(const char *text, const char *expected)
{
    return read_bytes(span_of(text), expected);
}

static void nodes_know_where_they_stand(void **unused)
{
    const struct node *root = read_text("a: 1\nb:\n  - x\n  - {c: 'y'}\n", "");
    const struct node *list = node_get(root, "b");

    (void)unused;
    assert_int_equal(root->kind, NODE_MAP);
    assert_string_equal(node_get(root, "a")->text.data, "1");
    assert_int_equal(node_get(root, "a")->place.line, 1);
    assert_int_equal(node_get(root, "a")->place.column, 4);
    assert_int_equal(node_get(root, "a")->key->place.column, 1);
    assert_int_equal(list->kind, NODE_LIST);
    assert_int_equal(list->count, 2);
    assert_int_equal(list->first->next->place.line, 4);
    assert_true(node_get(list->first->next, "c")->quoted);
    assert_ptr_equal(list->first->parent, list);
    assert_null(node_get(root, "d"));
    assert_null(node_get(list, "a"));
}

static void nothing_is_no_tree(void **unused)
{
    (void)unused;
    assert_null(read_text("", ""));
    assert_null(read_text("# only a comment\n", ""));
    assert_null(read_text("~", ""));
    assert_non_null(read_text("''", ""));
}

static void a_key_given_twice_is_told_and_the_first_counts(void **unused)
{
    const struct node *root = read_text("a: 1\nb: 2\na: {x: 3}\n",
                                        "f.yaml:3:1: error: a: duplicate key (first in line 1)\n");

    (void)unused;
    assert_string_equal(node_get(root, "a")->text.data, "1");
    assert_int_equal(root->count, 2);
}

static void broken_text_is_told_with_its_place(void **unused)
{
    (void)unused;
    read_text("a: 1\n b: 2\n",
              "f.yaml:2:3: error: mapping values are not allowed in this context\n");
}

static void bytes_that_are_no_text_are_told(void **unused)
{
    (void)unused;
    read_text("a: 1\nb: \xff\n", "f.yaml:2:4: error: invalid leading UTF-8 octet\n");
}

static void graphs_are_refused(void **unused)
{
    (void)unused;
    read_text("a: &x [1]\nb: *x\n",
              "f.yaml:1:4: error: anchors and aliases are not understood here\n");
}

static void a_tag_is_refused(void **unused)
{
    (void)unused;
    read_text("a: !include b.yaml\n",
              "f.yaml:1:4: error: tags (a word that begins with !) are not understood here\n");
    read_text("a: !x [1]\n",
              "f.yaml:1:4: error: tags (a word that begins with !) are not understood here\n");
    read_text("a: !x {b: 1}\n",
              "f.yaml:1:4: error: tags (a word that begins with !) are not understood here\n");
}

static void a_star_needs_quotes(void **unused)
{
    (void)unused;
    read_text("a: [*.yaml]\n",
              "f.yaml:1:6: error: did not find expected alphabetic or numeric character, while "
              "scanning an alias: a text that begins with * has to be in quotes\n");
}

static void a_per_cent_sign_needs_quotes(void **unused)
{
    (void)unused;
    read_text("a: %x\n",
              "f.yaml:1:4: error: found character that cannot start any token, while scanning for "
              "the next token: a text that begins so has to be in quotes\n");
}

static void a_tab_is_told(void **unused)
{
    (void)unused;
    read_text("a: ü\nb:\n\tc: 1\n",
              "f.yaml:3:1: error: found character that cannot start any token, while scanning for "
              "the next token: a tab; blanks are wanted there\n");
}

static void a_second_document_is_refused(void **unused)
{
    (void)unused;
    read_text("a: 1\n---\nb: 2\n", "f.yaml:2:1: error: a second document\n");
}

static void a_key_is_a_word(void **unused)
{
    (void)unused;
    read_text("? [a]\n: b\n", "f.yaml:1:3: error: a key must be a word\n");
}

static void nesting_has_an_end(void **unused)
{
    char text[YAML_DEPTH + 1];

    (void)unused;
    memset(text, '[', sizeof(text));
    read_bytes((struct span){text, sizeof(text)}, "f.yaml:1:65: error: nested more than 64 deep\n");
}

static void a_place_inside_a_text_is_found(void **unused)
{
    struct span text = SPAN("[abc, 'a''b', \"a\\tb\xc3\xa9z\", 'a\n b']");
    const struct node *node = read_bytes(text, "")->first;

    (void)unused;
    assert_int_equal(node_place_of(node, text, 2).column, 4);
    node = node->next; /* a'b: the b is behind a quote written twice */
    assert_int_equal(node_place_of(node, text, 2).column, 11);
    node = node->next; /* é has two bytes and one column */
    assert_int_equal(node_place_of(node, text, 2).column, 19);
    assert_int_equal(node_place_of(node, text, 5).column, 21);
    node = node->next; /* over two lines: its start */
    assert_int_equal(node_place_of(node, text, 3).column, node->place.column);
}

/* Whatever the bytes are: no crash, no hang, and what is refused is told. */
static void random_bytes_do_no_harm(void **unused)
{
    static const char alphabet[] = "ab: -\n[]{},'\"\\#&*!|>%@`?~0\t\r\xc3\xa9\xff$";
    uint32_t seed = 4711;

    (void)unused;
    for (unsigned run = 0; run < 20000; run++) {
        char text[40];
        const struct node *root = NULL;

        for (size_t i = 0; i < sizeof(text); i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        if (!yaml_tree_read((struct span){text, run % sizeof(text)}, "f.yaml", &arena, &mistakes,
                            &root)) {
            assert_true(mistakes.errors > 0);
        }
        arena_free(&arena);
        mistakes_free(&mistakes);
    }
}

#define SENTENCE(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(nodes_know_where_they_stand),
        SENTENCE(nothing_is_no_tree),
        SENTENCE(a_key_given_twice_is_told_and_the_first_counts),
        SENTENCE(broken_text_is_told_with_its_place),
        SENTENCE(bytes_that_are_no_text_are_told),
        SENTENCE(graphs_are_refused),
        SENTENCE(a_tag_is_refused),
        SENTENCE(a_star_needs_quotes),
        SENTENCE(a_per_cent_sign_needs_quotes),
        SENTENCE(a_tab_is_told),
        SENTENCE(a_second_document_is_refused),
        SENTENCE(a_key_is_a_word),
        SENTENCE(nesting_has_an_end),
        SENTENCE(a_place_inside_a_text_is_found),
        SENTENCE(random_bytes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
