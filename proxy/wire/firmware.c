#include "wire/firmware.h"

#include <assert.h>

/* Marlin's MAX_CMD_SIZE of 96 without its NUL; nobody with a limit takes less. */
#define LONGEST_LINE 95

/*
 * The first row is the unknown firmware. Of the others the first with a mark in the name is it:
 * many say "based on Marlin", so Marlin stands last.
 */
static const struct firmware rows[] = {
    {
        .name = "unknown",
        .marks = (const char *const[]){NULL},
        .sends_busy = true,
        .checks_numbers = true,
        .longest_line = LONGEST_LINE,
    },
    {
        .name = "Klipper",
        .marks = (const char *const[]){"klipper", NULL},
        .answers_blank = true,
        .answers_words = true,
    },
    {
        /* MK3 and before; Buddy (MK4, XL, Mini) calls itself Prusa-Firmware-Buddy. */
        .name = "Prusa",
        .marks = (const char *const[]){"prusa-firmware", NULL},
        .answers_words = true,
        .sends_busy = true,
        .checks_numbers = true,
        .longest_line = LONGEST_LINE,
    },
    {
        /* Executes a line again that came twice. */
        .name = "RepRapFirmware",
        .marks = (const char *const[]){"reprapfirmware", NULL},
        .longest_line = LONGEST_LINE,
    },
    {
        .name = "Repetier",
        .marks = (const char *const[]){"repetier", "anet_a8", NULL},
        .sends_busy = true,
        .checks_numbers = true,
        .longest_line = LONGEST_LINE,
    },
    {
        .name = "Malyan",
        .marks = (const char *const[]){"malyan", NULL},
        .checks_numbers = true,
        .longest_line = LONGEST_LINE,
    },
    {
        .name = "Teacup",
        .marks = (const char *const[]){"teacup", NULL},
        .checks_numbers = true,
        .longest_line = LONGEST_LINE,
    },
    {
        .name = "Marlin",
        .marks = (const char *const[]){"marlin", NULL},
        .sends_busy = true,
        .checks_numbers = true,
        .longest_line = LONGEST_LINE,
    },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

const struct firmware *firmware_by_name(struct span firmware_name)
{
    for (size_t i = 1; i < ROWS; i++) {
        for (const char *const *mark = rows[i].marks; *mark != NULL; mark++) {
            if (span_contains_nocase(firmware_name, span_of(*mark))) {
                return &rows[i];
            }
        }
    }
    return &rows[0];
}

const struct firmware *firmware_unknown(void)
{
    return &rows[0];
}

unsigned firmware_index(const struct firmware *firmware)
{
    return (unsigned)(firmware - rows);
}

const struct firmware *firmware_at(unsigned index)
{
    assert(index < ROWS);
    return &rows[index];
}
