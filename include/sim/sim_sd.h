/*
 * The simulated printer's SD card: a few small files in memory.
 *
 * Knows names and bytes, nothing of G-code or of what is answered. Names are DOS names as Marlin
 * lists them: capitals, a leading slash ignored, at most 12 characters.
 */
#pragma once

#include "base/text.h"

enum { SIM_SD_FILES = 4, SIM_SD_FILE_CAPACITY = 16384, SIM_SD_NAME_CAPACITY = 13 };

struct sim_sd_file {
    char name[SIM_SD_NAME_CAPACITY]; /* empty: the slot is free */
    uint32_t size;
    char data[SIM_SD_FILE_CAPACITY];
};

struct sim_sd {
    struct sim_sd_file files[SIM_SD_FILES];
};

/* The slot of the file called `name`, -1 if there is none. */
int sim_sd_find(const struct sim_sd *sd, struct span name);
/* Makes an empty file called `name`, or empties it. Its slot, -1 if the card is full or the name
 * empty. */
int sim_sd_create(struct sim_sd *sd, struct span name);
/* Appends a line and its LF. False if the file is full. */
bool sim_sd_append(struct sim_sd *sd, int slot, struct span line);
void sim_sd_remove(struct sim_sd *sd, int slot);
/* The line that begins at `position`, without its LF; false at the end of the file. */
bool sim_sd_line(const struct sim_sd *sd, int slot, uint32_t position, struct span *ret_line,
                 uint32_t *ret_next);
