/*
 * Memory set to zero that occupies nothing before it is used.
 *
 * The core's structs are large for the worst hour of a print and nearly empty in any other. Fresh
 * memory of the system is zero and takes no page until it is written; memset would write them all.
 */
#pragma once

#include <stddef.h>

/* As memset(memory, 0, size); but what is zero already is only read: it must have been set once. */
void memory_clear(void *memory, size_t size);
