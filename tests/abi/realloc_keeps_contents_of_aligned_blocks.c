// SPDX-License-Identifier: MIT
//
// Promise: a block of memalign() can be grown and shrunk by realloc() like any other.

#include <malloc.h>

#include "tests/abi/check.h"

static void check_block(size_t alignment, size_t from, size_t to)
{
    void* block = memalign(alignment, from);
    CHECK(block != NULL, "expected memalign(%zu, %zu) to succeed, seen NULL", alignment, from);
    fill(block, from, alignment);
    block = realloc(block, to);
    CHECK(block != NULL, "expected realloc to %zu to succeed, seen NULL", to);
    CHECK_FILLED(block, from < to ? from : to, alignment);
    CHECK(malloc_usable_size(block) >= to, "expected %zu usable bytes, seen %zu", to,
          malloc_usable_size(block));
    memset(block, 1, to);
    free(block);
}

int main(void)
{
    const size_t sizes[] = {1, 40, 200, 1000, 5000, 40000, 300 * KIB, 1 * MIB, 3 * MIB};
    const size_t count = sizeof sizes / sizeof sizes[0];
    for (size_t alignment = 16; alignment <= 16 * MIB; alignment *= 4) {
        for (size_t i = 0; i < count * count; ++i) {
            check_block(alignment, sizes[i / count], sizes[i % count]);
        }
    }
    return 0;
}
