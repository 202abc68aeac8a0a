#include "sim/sim_sd.h"

#include <string.h>

/* What Marlin would make of a name: no leading slash, capitals, cut to what a DOS name holds. */
static size_t dos_name(struct span name, char ret_name[SIM_SD_NAME_CAPACITY])
{
    size_t length = 0;

    name = span_trim(name);
    while (name.length > 0 && *name.data == '/')
        name = span_skip(name, 1);
    while (length < name.length && length < SIM_SD_NAME_CAPACITY - 1 && name.data[length] != ' ') {
        ret_name[length] = text_upper(name.data[length]);
        length++;
    }
    ret_name[length] = '\0';
    return length;
}

int sim_sd_find(const struct sim_sd *sd, struct span name)
{
    char wanted[SIM_SD_NAME_CAPACITY] = {0};

    if (dos_name(name, wanted) == 0)
        return -1;
    for (int slot = 0; slot < SIM_SD_FILES; slot++) {
        if (strcmp(sd->files[slot].name, wanted) == 0)
            return slot;
    }
    return -1;
}

int sim_sd_create(struct sim_sd *sd, struct span name)
{
    int slot = sim_sd_find(sd, name);
    char wanted[SIM_SD_NAME_CAPACITY] = {0};

    if (dos_name(name, wanted) == 0)
        return -1;
    for (int i = 0; slot < 0 && i < SIM_SD_FILES; i++) {
        if (sd->files[i].name[0] == '\0')
            slot = i;
    }
    if (slot < 0)
        return -1;
    memcpy(sd->files[slot].name, wanted, sizeof wanted);
    sd->files[slot].size = 0;
    return slot;
}

bool sim_sd_append(struct sim_sd *sd, int slot, struct span line)
{
    struct sim_sd_file *file = &sd->files[slot];

    if (line.length + 1 > SIM_SD_FILE_CAPACITY - file->size)
        return false;
    memcpy(file->data + file->size, line.data, line.length);
    file->size += (uint32_t)line.length;
    file->data[file->size++] = '\n';
    return true;
}

void sim_sd_remove(struct sim_sd *sd, int slot)
{
    sd->files[slot].name[0] = '\0';
    sd->files[slot].size = 0;
}

bool sim_sd_line(const struct sim_sd *sd, int slot, uint32_t position, struct span *ret_line,
                 uint32_t *ret_next)
{
    const struct sim_sd_file *file = &sd->files[slot];

    if (position >= file->size)
        return false;
    struct span rest = {file->data + position, file->size - position};
    size_t end = span_find(rest, '\n');
    *ret_line = (struct span){rest.data, end};
    *ret_next = position + (uint32_t)end + (end < rest.length);
    return true;
}
