/*
 * Times that were measured, and what most of them stay below.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct samples {
    uint32_t *ns;
    size_t count;
};

/* Room for so many; ends the program if there is no memory. */
void samples_init(struct samples *samples, size_t capacity);
void samples_add(struct samples *samples, int64_t ns);
void samples_sort(struct samples *samples);
/* Microseconds that this share of them does not exceed; they are sorted. */
double samples_us(const struct samples *samples, double share);
/* Sorts them, and prints the inside of a JSON object: count, p50, p99, p999, max. */
void samples_tell(struct samples *samples);
