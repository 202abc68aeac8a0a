/*
 * A running core as a recording (recording.h), chunk by chunk, for whoever takes the bytes.
 *
 * Knows no file and no socket. Every function returns false if the taker had no room for a chunk;
 * what came before that is whole.
 */
#pragma once

#include "daemon/config.h"
#include "proxy.h"

struct record_writer {
    void *context;
    /* Takes both, one behind the other, or neither and returns false. */
    bool (*put)(void *context, struct span front, struct span bytes);
};

/*
 * All before the first input. `saved` is what proxy_init was given; NULL in mid-run: then a
 * picture has to follow.
 */
bool record_head(const struct record_writer *writer, const struct config *config,
                 const struct span *saved, struct instant now);
/* The picture of a struct proxy, or of a copy of it. */
bool record_picture(const struct record_writer *writer, struct span state);
bool record_input(const struct record_writer *writer, const struct proxy_input *input,
                  struct instant now);
bool record_reload(const struct record_writer *writer, const struct config *config,
                   struct instant now);
/* Why it ended early in words, or in order (NULL). */
bool record_end(const struct record_writer *writer, const char *error);
