/*
 * What the printer last said of its heaters: from every answer to M105 and every autoreport.
 *
 * Values in thousandths of a degree, with the time of each. Knows no limits, no rules and no
 * requests: what asks for a report, and whether one is fresh enough, is the caller's question.
 *
 * Crossings. `temperature: {bed: '>= 50C'}` is to fire when the bed reaches 50 degrees, and again
 * only after it was below 49: one degree of hysteresis. Rules have no state, so the state is here,
 * once per heater and right for every limit at once: two values that follow the real one with one
 * degree of play. `high` rises with it at once and falls only when it is a whole degree above it:
 * it passes a limit upwards exactly when the heater reaches the limit, and passes it downwards
 * exactly when the heater is a degree below. `low` is the same upside down, for `<`. A change
 * brings the old and the new pair, and temperature_crosses() is a pure function of them. The first
 * value of a heater crosses nothing; after silence it compares with what was known last.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "wire/printer_reply.h"

#define TEMPERATURES_HEATERS PRINTER_REPLY_HEATERS /* tool0 to tool9, bed, chamber */
#define TEMPERATURE_PLAY     1000

/* Follows a value with play; see above. Also for sensors of the board. */
struct temperature_play {
    int32_t high, low;
};

/* `<` and so on, as rules write them. */
enum temperature_compare {
    TEMPERATURE_BELOW,    /* < */
    TEMPERATURE_AT_MOST,  /* <= */
    TEMPERATURE_ABOVE,    /* > */
    TEMPERATURE_AT_LEAST, /* >= */
};

struct temperature_change {
    struct printer_reply_heater heater; /* as it is now */
    struct temperature_play old, now;
    bool news; /* a degree or more since the last news, or another target: worth telling people */
};

struct temperatures {
    unsigned heaters;
    struct printer_reply_heater heater[TEMPERATURES_HEATERS]; /* in the order they came up */
    struct instant seen[TEMPERATURES_HEATERS];
    struct temperature_play play[TEMPERATURES_HEATERS];
    struct temperature_play taken[TEMPERATURES_HEATERS];    /* as of the last change taken */
    struct printer_reply_heater told[TEMPERATURES_HEATERS]; /* as of the last news */
    struct instant at; /* of the last report; what it did not name has an older time */
    bool fresh;        /* there may be a change that was not taken */
};

void temperatures_init(struct temperatures *temperatures);
/* Takes over what a reply says; nothing if it says nothing. */
void temperatures_see(struct temperatures *temperatures, const struct printer_reply *reply,
                      struct instant now);
/*
 * Takes a heater's change since it was taken last. False if there is none, which there is only if
 * its play has moved or there is news.
 */
bool temperatures_next_change(struct temperatures *temperatures,
                              struct temperature_change *ret_change);

/* A value's play before there was any, and after its next value. */
struct temperature_play temperature_play_at(int32_t value);
struct temperature_play temperature_play_follow(struct temperature_play play, int32_t value);
/* Does this change reach what is compared for? See above. */
bool temperature_crosses(const struct temperature_change *change, enum temperature_compare compare,
                         int32_t limit);
/* Does it hold for a value as it is? For conditions. */
bool temperature_holds(int32_t value, enum temperature_compare compare, int32_t limit);

/* 'T' with its index, 'B', 'C'. NULL if the printer never named it. */
const struct printer_reply_heater *temperatures_find(const struct temperatures *temperatures,
                                                     char name, unsigned index);
/* `tool0` to `tool9`, `bed`, `chamber`, in any case. False if it is none. */
bool temperatures_read(struct span word, char *ret_name, unsigned *ret_index);
void temperatures_word(const struct printer_reply_heater *heater, struct text *ret_word);

/*
 * Did the last report name a heater, and is each that it named below this and its target 0? A
 * target that was not named is unknown, and that is no.
 */
bool temperatures_cold(const struct temperatures *temperatures, int32_t below);

/* The answer to M105 from here, `ok` and line end included; zeros if nothing is known. */
void temperatures_answer(const struct temperatures *temperatures, struct text *ret_answer);

/* A promise that does not hold, in words, or NULL. */
const char *temperatures_check(const struct temperatures *temperatures);
