#include "load/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/yaml_tree.h"

/* Reads from an open file into `memory`, one byte more than is allowed. Negative: minus errno. */
static ssize_t read_all(int file, char *memory)
{
    size_t length = 0;

    while (length <= SOURCES_FILE_MAX) {
        ssize_t got = read(file, memory + length, SOURCES_FILE_MAX + 1 - length);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        length += (size_t)got;
    }
    return (ssize_t)length;
}

static void tell_unreadable(const char *path, struct place place, int error,
                            struct mistakes *mistakes)
{
    struct place whole = {path, 0, 0};

    if (place.file == NULL) {
        mistakes_error(mistakes, whole, "%s", strerror(error));
    } else {
        mistakes_error(mistakes, place, "%s: %s", path, strerror(error));
    }
}

/* Reads a file and adds it. What is wrong is told at `place`, or of the file if that has none. */
static bool add_file(struct sources *sources, const char *path, struct place place,
                     struct mistakes *mistakes)
{
    char *memory;
    ssize_t length;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct place whole = {path, 0, 0};
    bool added = false;

    if (file < 0) {
        tell_unreadable(path, place, errno, mistakes);
        return false;
    }
    memory = malloc(SOURCES_FILE_MAX + 1);
    if (memory == NULL) {
        abort();
    }
    length = read_all(file, memory);
    close(file);
    if (length < 0) {
        tell_unreadable(path, place, (int)-length, mistakes);
    } else if (length > SOURCES_FILE_MAX) {
        mistakes_error(mistakes, whole, "larger than 1 MiB");
    } else if (!sources_add(sources, path, (struct span){memory, (size_t)length})) {
        mistakes_error(mistakes, whole, "more than %d files", SOURCES_MAX);
    } else {
        added = true;
    }
    free(memory);
    return added;
}

static bool is_read(const struct sources *sources, const char *path)
{
    for (unsigned i = 0; i < sources->count; i++) {
        if (strcmp(sources->source[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

static int by_bytes(const void *one, const void *two)
{
    return strcmp(*(char *const *)one, *(char *const *)two);
}

/* A file or a glob that stands in the config, relative to it. */
static bool add_named(struct sources *sources, const char *config, const struct node *node,
                      bool may_glob, struct mistakes *mistakes)
{
    char path[PATH_MAX];
    const char *slash = strrchr(config, '/');
    int folder = slash == NULL || node->text.data[0] == '/' ? 0 : (int)(slash - config) + 1;
    bool added = true;
    glob_t found;

    snprintf(path, sizeof(path), "%.*s%s", folder, config, node->text.data);
    if (!may_glob || strpbrk(node->text.data, "*?[") == NULL) {
        return is_read(sources, path) || add_file(sources, path, node->place, mistakes);
    }
    if (glob(path, GLOB_NOSORT, NULL, &found) != 0) {
        return true;
    }
    qsort(found.gl_pathv, found.gl_pathc, sizeof(found.gl_pathv[0]), by_bytes);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (!is_read(sources, found.gl_pathv[i])) {
            added = add_file(sources, found.gl_pathv[i], node->place, mistakes) && added;
        }
    }
    globfree(&found);
    return added;
}

static bool names_a_file(const struct node *node)
{
    return node != NULL && node->kind == NODE_SCALAR && !node_is_nothing(node) &&
           node->text.length > 0 && !node_is(node, "none");
}

/* The M-codes of a file. Who writes `buildin` means no file. */
static bool add_mcodes(struct sources *sources, const char *path, const struct node *mcodes,
                       struct mistakes *mistakes)
{
    static const char *const words[] = {"builtin", "none", NULL};
    const char *nearest;

    if (!names_a_file(mcodes) || node_is(mcodes, "builtin")) {
        return true;
    }
    nearest = text_nearest(mcodes->text, words);
    if (nearest != NULL) {
        mistakes_error(mistakes, mcodes->place,
                       "mcodes: expected builtin, none or a rule file, got '%s' (did you mean "
                       "%s?)",
                       mcodes->text.data, nearest);
        return false;
    }
    return add_named(sources, path, mcodes, false, mistakes);
}

/* The files that the config names. Its own mistakes are told when it is loaded. */
static bool add_what_it_names(struct sources *sources, const char *path, struct mistakes *mistakes)
{
    struct mistakes ignored = {0};
    struct arena arena = {0};
    const struct node *root = NULL, *mcodes, *rules, *child;
    bool added = true;

    if (yaml_tree_read(sources->source[0].bytes, path, &arena, &ignored, &root)) {
        mcodes = node_get(root, "mcodes");
        rules = node_get(root, "rules");
        added = add_mcodes(sources, path, mcodes, mistakes);
        if (names_a_file(rules)) {
            added = add_named(sources, path, rules, true, mistakes) && added;
        }
        child = rules != NULL && rules->kind == NODE_LIST ? rules->first : NULL;
        for (; child != NULL; child = child->next) {
            if (names_a_file(child)) {
                added = add_named(sources, path, child, true, mistakes) && added;
            }
        }
    }
    mistakes_free(&ignored);
    arena_free(&arena);
    return added;
}

/* The folder of `path`, absolute. */
static void folder_of(const char *path, char *ret_folder, size_t capacity)
{
    const char *slash = strrchr(path, '/');
    char here[PATH_MAX] = "";

    if (path[0] != '/' && getcwd(here, sizeof(here)) == NULL) {
        here[0] = '\0';
    }
    if (slash == NULL) {
        snprintf(ret_folder, capacity, "%s", here);
    } else if (path[0] == '/') {
        snprintf(ret_folder, capacity, "%.*s", (int)(slash - path), path);
    } else {
        snprintf(ret_folder, capacity, "%s/%.*s", here, (int)(slash - path), path);
    }
}

bool sources_read(const char *path, struct mistakes *mistakes, struct sources *ret_sources)
{
    char folder[2 * PATH_MAX];

    folder_of(path, folder, sizeof(folder));
    sources_init(ret_sources, folder);
    return add_file(ret_sources, path, (struct place){NULL, 0, 0}, mistakes) &&
           add_what_it_names(ret_sources, path, mistakes);
}

void sources_init(struct sources *sources, const char *folder)
{
    *sources = (struct sources){0};
    sources->folder = arena_copy(&sources->arena, span_of(folder)).data;
}

bool sources_add(struct sources *sources, const char *path, struct span bytes)
{
    if (sources->count == SOURCES_MAX) {
        return false;
    }
    sources->source[sources->count].path = arena_copy(&sources->arena, span_of(path)).data;
    sources->source[sources->count].bytes = arena_copy(&sources->arena, bytes);
    sources->count++;
    return true;
}

void sources_free(struct sources *sources)
{
    arena_free(&sources->arena);
    *sources = (struct sources){0};
}
