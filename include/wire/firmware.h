/*
 * What a family of printer firmware does differently, as a const table by FIRMWARE_NAME.
 *
 * Facts from reference runs of Marlin 2.1 and Klipper and from OctoPrint's own quirk table
 * (comm.py firmware detection). An unknown firmware is treated as Marlin.
 */
#pragma once

#include "base/text.h"

struct firmware {
    const char *name;         /* as we call it: "Marlin", "Klipper", … */
    const char *const *marks; /* lower-case parts of FIRMWARE_NAME, NULL at the end */
    bool answers_blank;       /* a blank or comment line gets an ok */
    bool answers_words;       /* OctoPrint waits for an ok also after words that are no G/M/T */
    bool sends_busy;          /* busy: every two seconds while it works */
    bool checks_numbers;      /* refuses a wrong number or checksum by Resend */
    unsigned longest_line;    /* bytes with number and checksum, LF not counted; 0 unlimited */
};

/* Never NULL: the row for a name that no row knows is the first. */
const struct firmware *firmware_by_name(struct span firmware_name);
const struct firmware *firmware_unknown(void);
/* Rows by index, so that state can keep a number instead of a pointer. */
unsigned firmware_index(const struct firmware *firmware);
const struct firmware *firmware_at(unsigned index);
