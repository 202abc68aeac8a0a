#include "load/load.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "load/rules_file.h"
#include "load/settings_file.h"

/* rules/mcodes.yaml, made into C when the program is built. */
extern const unsigned char load_mcodes[];
extern const unsigned load_mcodes_size;

/* A loading in progress. */
struct loading {
    const struct sources *sources;
    struct mistakes *mistakes;
    struct arena scratch; /* trees and places */
    struct settings settings;
    struct ruleset ruleset;
    struct arena arena; /* what stays */
    unsigned mcodes;    /* of the rules: those of the M-codes */
    bool example;             /* the first source is a rule file with an `example`, not a config */
    struct rule_tests *tests; /* NULL: not read */
};

/* One rule file, as a tree. */
struct rule_source {
    const char *path;
    struct span bytes;
    const struct node *root;
};

static void read_config(struct loading *loading, const struct load_environment *environment,
                        const struct node *root)
{
    const struct source *config = &loading->sources->source[0];
    const struct fields fields = {.mistakes = loading->mistakes,
                                  .settings = &loading->settings,
                                  .folder = loading->sources->folder,
                                  .bytes = config->bytes,
                                  .arena = &loading->arena,
                                  .why_no_program = environment->why_no_program,
                                  .example = loading->example};

    settings_file_read(&fields, root, config->path, environment->state_directory);
}

/* The M-codes first, then the rule files. Returns how many; *ret_mcodes of them are M-codes. */
static unsigned list_rules(const struct loading *loading, const struct node *root,
                           struct rule_source *ret_list, unsigned *ret_mcodes)
{
    const struct node *mcodes = node_get(root, "mcodes");
    const struct sources *sources = loading->sources;
    unsigned count = 0, next;

    if (mcodes == NULL || node_is(mcodes, "builtin")) {
        ret_list[count].path = "builtin mcodes.yaml";
        ret_list[count++].bytes = (struct span){(const char *)load_mcodes, load_mcodes_size};
        *ret_mcodes = 1;
    } else if (node_is(mcodes, "none") || mcodes->kind != NODE_SCALAR) {
        *ret_mcodes = 0;
    } else {
        *ret_mcodes = sources->count > 1 ? 1 : 0;
    }
    for (next = loading->example ? 0 : 1; next < sources->count; next++) {
        ret_list[count].path = sources->source[next].path;
        ret_list[count++].bytes = sources->source[next].bytes;
    }
    return count;
}

static void read_rules(struct loading *loading, const struct node *root)
{
    struct rule_source list[SOURCES_MAX + 1] = {0};
    unsigned mcodes, count = list_rules(loading, root, list, &mcodes);
    unsigned rules = 0, own = 0;
    struct place *place;

    for (unsigned i = 0; i < count; i++) {
        /* Where a rule stands is told for as long as the rule lives. */
        list[i].path = arena_copy(&loading->arena, span_of(list[i].path)).data;
        if (!yaml_tree_read(list[i].bytes, list[i].path, &loading->scratch, loading->mistakes,
                            &list[i].root)) {
            list[i].root = NULL;
        }
        rules += rules_file_count(list[i].root);
        if (i + 1 == mcodes) {
            own = rules; /* the M-codes do not count */
        }
        if (rules - own > RULES_MAX || own > RULES_MAX) {
            mistakes_error(loading->mistakes, (struct place){list[i].path, 0, 0},
                           "more than %d rules with this file", RULES_MAX);
            return;
        }
    }
    loading->ruleset.rule =
        arena_take(&loading->arena, (rules + 1) * sizeof(loading->ruleset.rule[0]));
    place = arena_take(&loading->scratch, (rules + 1) * sizeof(*place));
    for (unsigned i = 0; i < count; i++) {
        const struct fields fields = {.mistakes = loading->mistakes,
                                      .settings = &loading->settings,
                                      .folder = loading->sources->folder,
                                      .bytes = list[i].bytes,
                                      .arena = &loading->arena};

        rules_file_read(&fields, list[i].root, list[i].path, &loading->ruleset, place);
        if (i + 1 == mcodes) {
            loading->mcodes = loading->ruleset.count;
        } else if (loading->tests != NULL) {
            tests_file_read(&fields, list[i].root, loading->tests);
        }
    }
    rules_file_finish(&loading->ruleset, place, &loading->arena, loading->mistakes);
}

static void free_ruleset(struct ruleset *ruleset)
{
    for (unsigned i = 0; i < ruleset->count; i++) {
        pattern_free(ruleset->rule[i].pattern);
    }
    pattern_memory_free(&ruleset->memory);
    *ruleset = (struct ruleset){0};
}

static bool load(const struct sources *sources, const struct load_environment *environment,
                 struct rule_tests *tests, struct mistakes *mistakes, struct loaded *ret_loaded)
{
    struct loading *loading = calloc(1, sizeof(*loading));
    unsigned errors = mistakes->errors;
    const struct node *root = NULL;
    bool loaded;

    if (loading == NULL || !pattern_memory_init(&loading->ruleset.memory)) {
        abort();
    }
    loading->sources = sources;
    loading->mistakes = mistakes;
    loading->example = tests != NULL;
    loading->tests = tests;
    if (yaml_tree_read(sources->source[0].bytes, sources->source[0].path, &loading->scratch,
                       mistakes, &root)) {
        root = loading->example && root != NULL ? node_get(root, "example") : root;
        read_config(loading, environment, root);
        read_rules(loading, root);
    }
    arena_free(&loading->scratch);
    loaded = mistakes->errors == errors;
    if (loaded) {
        ret_loaded->settings = loading->settings;
        ret_loaded->ruleset = loading->ruleset;
        ret_loaded->arena = loading->arena;
        ret_loaded->rules = loading->ruleset.count - loading->mcodes;
    } else {
        free_ruleset(&loading->ruleset);
        arena_free(&loading->arena);
    }
    free(loading);
    return loaded;
}

bool load_all(const struct sources *sources, const struct load_environment *environment,
              struct mistakes *mistakes, struct loaded *ret_loaded)
{
    return load(sources, environment, NULL, mistakes, ret_loaded);
}

bool load_rule_file(const struct sources *sources, const struct load_environment *environment,
                    struct mistakes *mistakes, struct loaded *ret_loaded,
                    struct rule_tests *ret_tests)
{
    struct rule_tests tests = {0};

    assert(sources->count == 1);
    if (!load(sources, environment, &tests, mistakes, ret_loaded)) {
        return false;
    }
    *ret_tests = tests;
    return true;
}

void loaded_free(struct loaded *loaded)
{
    free_ruleset(&loaded->ruleset);
    arena_free(&loaded->arena);
}

void load_summary(const struct loaded *loaded, const char *path, struct text *text)
{
    text_add_string(text, path);
    text_add_string(text, ": ok, ");
    text_add_integer(text, loaded->settings.points);
    text_add_string(text, " points, ");
    text_add_integer(text, loaded->rules);
    text_add_string(text, " rules");
}
