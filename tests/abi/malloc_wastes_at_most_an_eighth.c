// SPDX-License-Identifier: MIT
//
// Promise: from 128 bytes to 1 MiB rounding up to a block size costs at most one eighth of the
// request (and 16 bytes).

#include <malloc.h>

#include "tests/abi/check.h"

int main(void)
{
    for (size_t size = 129; size <= MIB; size += size < 16 * KIB ? 1 : 257) {
        void* block = malloc(size);
        CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        const size_t most = size + size / 8 + 16;
        CHECK(malloc_usable_size(block) <= most, "expected at most %zu bytes for %zu, seen %zu",
              most, size, malloc_usable_size(block));
        free(block);
    }
    return 0;
}
