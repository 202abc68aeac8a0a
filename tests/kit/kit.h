/*
 * Settings and M-codes for tests that run the whole core, made without a file.
 */
#pragma once

#include "route/ruleset.h"
#include "route/settings.h"

#define KIT_RULES 32

struct kit {
    struct settings settings;
    struct rule rule[KIT_RULES];
    uint16_t bucket[KIT_RULES];
    struct ruleset ruleset;
};

/* No point, no rule; a printer with 120 bytes in flight, a board that reports each 3 s. */
void kit_init(struct kit *kit);
void kit_free(struct kit *kit);
/* Active high, keeps its state on all occasions, no number, inputs without debounce. */
struct point_settings *kit_point(struct kit *kit, const char *name, enum point_type type,
                                 unsigned io);
/*
 * M42, M43, M62 to M66, M226, M80, M81 as rules/mcodes.yaml has them, and words of our own: ENC
 * (says "enc"), M800 (forwards, then switches light on, `then: swallow`), M801 (`then: forward`),
 * M802 (`then: replace: M117 replaced by ${S:-nothing}`), M803 (pulses light 100 ms), M804 (sends
 * M105).
 */
void kit_mcodes(struct kit *kit);
