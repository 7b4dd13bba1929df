// SPDX-License-Identifier: MIT
//
// Promise: reallocarray() is realloc() of count * size bytes: it allocates from NULL, keeps the
// contents, and frees when the product is zero.

#include <malloc.h>

#include "tests/abi/check.h"

int main(void)
{
    size_t kept = 0;
    void* block = NULL;
    for (size_t count = 1; count * 24 <= 6 * MIB; count = count * 3 / 2 + 1) {
        block = reallocarray(block, count, 24);
        CHECK(block != NULL, "expected reallocarray(%zu, 24) to succeed, seen NULL", count);
        CHECK(malloc_usable_size(block) >= count * 24, "expected %zu usable bytes, seen %zu",
              count * 24, malloc_usable_size(block));
        CHECK_FILLED(block, kept, 7);
        kept = count * 24;
        fill(block, kept, 7);
    }
    block = reallocarray(block, opaque_size(0), 24);
    CHECK(block == NULL, "expected reallocarray(p, 0, 24) to return NULL, seen %p", block);
    block = reallocarray(malloc(opaque_size(10)), 24, opaque_size(0));
    CHECK(block == NULL, "expected reallocarray(p, 24, 0) to return NULL, seen %p", block);
    return 0;
}
