/*
 * A config as the daemon holds it: the text of its files, and the settings and rules made of it.
 *
 * The texts are kept because a recording carries them, so that replay needs no other file.
 */
#pragma once

#include "load/load.h"

struct config {
    char path[SETTINGS_PATH]; /* as given; where a reload reads again */
    char state_directory[SETTINGS_PATH];
    struct sources sources;
    struct loaded loaded;
    char *mistakes; /* a line each, `file:line:column: error: …` or `warning: …`; may be empty */
    bool valid;     /* else nothing has been loaded */
};

/* Reads the file and what it names. Never NULL; look at `valid` and tell `mistakes`. */
struct config *config_read(const char *path);
/* The same of texts that are there already: `sources` becomes the config's own. */
struct config *config_of_sources(const struct sources *sources, const char *state_directory);
void config_free(struct config *config); /* NULL is fine */
