// SPDX-License-Identifier: MIT
//
// Promise: malloc_usable_size() is never less than what was asked for, stays the same while the
// block lives, and is 0 for NULL.

#include <malloc.h>

#include "tests/abi/check.h"

static void check_size(size_t size)
{
    void* block = malloc(size);
    CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
    const size_t usable = malloc_usable_size(block);
    CHECK(usable >= size, "expected at least %zu usable bytes, seen %zu", size, usable);
    memset(block, 0x5a, usable);
    CHECK(malloc_usable_size(block) == usable, "expected still %zu usable bytes, seen %zu", usable,
          malloc_usable_size(block));
    free(block);
}

int main(void)
{
    CHECK(malloc_usable_size(opaque(NULL)) == 0, "expected 0 for NULL, seen %zu",
          malloc_usable_size(opaque(NULL)));
    for (size_t size = 0; size <= 70000; ++size) {
        check_size(size);
    }
    for (size_t size = 70000; size <= 40 * MIB; size = size * 21 / 20) {
        check_size(size);
    }
    return 0;
}
