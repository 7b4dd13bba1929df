// SPDX-License-Identifier: MIT
//
// Promise: realloc(NULL, n) is malloc(n).

#include <malloc.h>

#include "tests/abi/check.h"

int main(void)
{
    for (size_t size = 0; size <= 9 * MIB; size = size * 5 / 4 + 1) {
        void* block = realloc(opaque(NULL), size);
        CHECK(block != NULL, "expected realloc(NULL, %zu) to succeed, seen NULL", size);
        CHECK((uintptr_t)block % 16 == 0, "expected a multiple of 16, seen %p", block);
        CHECK(malloc_usable_size(block) >= size, "expected %zu usable bytes, seen %zu", size,
              malloc_usable_size(block));
        memset(block, 1, size);
        free(block);
    }
    return 0;
}
