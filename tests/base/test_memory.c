#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "base/memory.h"

#define SIZE 5000

static void all_of_it_is_zero_and_nothing_else(void **unused)
{
    static char memory[SIZE + 2];

    (void)unused;
    for (size_t size = 0; size <= SIZE; size += size < 2000 ? 1 : 500) {
        for (size_t dirty = 0; dirty < size; dirty += 511) {
            memset(memory, 0, sizeof memory);
            memory[0] = memory[1 + dirty] = memory[size] = memory[size + 1] = 'x';
            memory_clear(memory + 1, size);
            assert_int_equal(memory[0], 'x');
            assert_int_equal(memory[size + 1], 'x');
            for (size_t at = 1; at <= size; at++)
                assert_int_equal(memory[at], 0);
        }
    }
}

static void what_is_zero_is_not_written(void **unused)
{
    char *memory = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)unused;
    assert_ptr_not_equal(memory, MAP_FAILED);
    memory_clear(memory, SIZE); /* a write would be the end */
    munmap(memory, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_zero_and_nothing_else),
        cmocka_unit_test(what_is_zero_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
