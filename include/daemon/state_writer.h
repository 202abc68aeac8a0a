/*
 * The state file, written in another thread: what was to be saved last is what counts.
 *
 * A disk may take seconds for an fsync, and nothing waits for it. What could not be written is
 * told, and tried again: a disk that is full has room again some time, and a latch is worth it.
 */
#pragma once

#include <uv.h>

#include "daemon/state_file.h"
#include "proxy.h"

#define STATE_AGAIN_MS    5000 /* between two tries */
#define STATE_PATIENCE_MS 3000 /* a disk may take so long at the end */

struct state_writer {
    uv_loop_t *loop;
    uv_timer_t again; /* runs while the disk does not have what it is to have */
    uv_work_t work;
    char path[SETTINGS_PATH];
    char text[ORDER_TEXT];  /* as it is to be */
    char being[ORDER_TEXT]; /* as the other thread writes it */
    bool writes;            /* it does just now */
    bool newer;             /* and text is another since */
    bool failed;            /* that was told */
    bool ending;            /* nothing is tried again */
    int error;              /* of the other thread */
};

void state_writer_init(struct state_writer *writer, uv_loop_t *loop, const char *path);
/* The file is to be that, soon. */
void state_writer_save(struct state_writer *writer, const char *text);
/*
 * Turns the loop until it is, or has failed once more. False if the disk takes too long: its thread
 * hangs then, and would hold whoever ends the loop.
 */
bool state_writer_end(struct state_writer *writer);
