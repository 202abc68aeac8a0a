#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

#include "ends.h"

void samples_init(struct samples *samples, size_t capacity)
{
    samples->count = 0;
    samples->ns = calloc(capacity, sizeof *samples->ns);
    if (samples->ns == NULL)
        ends_fail("no memory");
}

void samples_add(struct samples *samples, int64_t ns)
{
    samples->ns[samples->count++] = (uint32_t)ns;
}

static int ascending(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

    return first < second ? -1 : first > second;
}

void samples_sort(struct samples *samples)
{
    qsort(samples->ns, samples->count, sizeof *samples->ns, ascending);
}

double samples_us(const struct samples *samples, double share)
{
    size_t index = (size_t)((double)samples->count * share);

    return samples->ns[index < samples->count ? index : samples->count - 1] / 1000.0;
}

void samples_tell(struct samples *samples)
{
    samples_sort(samples);
    printf("\"count\": %zu, \"p50\": %.2f, \"p99\": %.2f, \"p999\": %.2f, \"max\": %.2f",
           samples->count, samples_us(samples, 0.5), samples_us(samples, 0.99),
           samples_us(samples, 0.999), samples_us(samples, 1));
}
