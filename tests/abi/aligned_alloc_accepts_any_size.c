// SPDX-License-Identifier: MIT
//
// Promise: aligned_alloc() does not insist on a size that is a multiple of the alignment (C17
// dropped that; glibc never asked for it).

#include "tests/abi/check.h"

int main(void)
{
    for (size_t alignment = 16; alignment <= 64 * KIB; alignment *= 2) {
        for (size_t size = 1; size < 3 * alignment; size += alignment / 3 + 1) {
            void* block = aligned_alloc(alignment, size);
            CHECK(block != NULL, "expected aligned_alloc(%zu, %zu) to succeed, seen NULL",
                  alignment, size);
            CHECK((uintptr_t)block % alignment == 0, "expected a multiple of %zu, seen %p",
                  alignment, block);
            memset(block, 1, size);
            free(block);
        }
    }
    return 0;
}
