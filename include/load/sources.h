/*
 * The files a configuration is made of: the config, and the files it names, as bytes in memory.
 *
 * Everything after this is made from memory alone, so that a recording can carry its configuration.
 * Knows of the config only where it names files.
 */
#pragma once

#include "load/mistakes.h"

/* Larger files are no configuration. */
#define SOURCES_FILE_MAX (1024 * 1024)
#define SOURCES_MAX      256

struct source {
    const char *path; /* as messages name it */
    struct span bytes;
};

/*
 * In this order: the config, the file of `mcodes` if it names one, the files of `rules` as named,
 * those of one glob in byte order.
 */
struct sources {
    struct arena arena;
    const char *folder; /* absolute: where relative paths of the config start */
    unsigned count;
    struct source source[SOURCES_MAX];
};

/*
 * Reads the config and what it names from disk. What cannot be read is told, and the rest read all
 * the same. False if something could not be read. Freed by sources_free either way.
 */
bool sources_read(const char *path, struct mistakes *mistakes, struct sources *ret_sources);
/* For who has the bytes already: starts with a folder, then adds files in the order above. */
void sources_init(struct sources *sources, const char *folder);
/* Copies both. False if there are SOURCES_MAX already. */
bool sources_add(struct sources *sources, const char *path, struct span bytes);
void sources_free(struct sources *sources);
