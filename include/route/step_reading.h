/*
 * One step's arguments, filled in and read: for step_prepare.c and nobody else.
 *
 * A mistake is told as the user wrote the value: `S300: 0 to 255` if it came from the parameter S.
 */
#pragma once

#include "route/step.h"

/* Longer than any point's name, number or duration. */
#define ARGUMENT_MAX 80

/* Everything that reading one step's arguments needs. */
struct step_reading {
    const struct step *step;
    const struct step_values *values;
    const struct settings *settings;
    struct text *why;
};

/* An argument filled in, and how to speak of it. */
struct argument {
    struct span template;
    struct span value;
    char memory[ARGUMENT_MAX];
};

/* STEP_LONG if it does not fit. */
enum step_error argument_read(const struct step_reading *reading, unsigned index,
                              struct argument *ret_argument);
/* Why it will not do: "S300: 0 to 255"; "S is missing: …" if there is none. */
void argument_tell(const struct step_reading *reading, const struct argument *argument,
                   const char *what);

/* One of the words (NULL at the end), in any case; its index. */
bool argument_is_word(struct span value, const char *const *words, unsigned *ret_index);
/* The same of argument `index`; `what` says which words there are. */
enum step_error argument_word(const struct step_reading *reading, unsigned index,
                              const char *const *words, const char *what, unsigned *ret_index);

/* Argument 0 as any point of ours, … */
enum step_error argument_point(const struct step_reading *reading, uint8_t *ret_point);
/* … as one that can be switched, or waited for. */
enum step_error argument_point_as(const struct step_reading *reading, bool switched,
                                  uint8_t *ret_point);

/* A duration. An empty one leaves *ret_ms as it was. */
enum step_error argument_duration(const struct step_reading *reading, unsigned index,
                                  int64_t *ret_ms);
/* One that must be there and longer than 0. */
enum step_error argument_length(const struct step_reading *reading, unsigned index,
                                const char *what, int64_t *ret_ms);
/* A timeout: -1 if there is none. */
enum step_error argument_timeout(const struct step_reading *reading, unsigned index,
                                 int64_t *ret_ms);
