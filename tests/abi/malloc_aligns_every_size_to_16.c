// SPDX-License-Identifier: MIT
//
// Promise: every block starts at a multiple of 16, also when fewer than 16 bytes are asked for:
// programs store long double, SSE vectors and tagged pointers in any block.

#include "tests/abi/check.h"

static void expect_aligned(void* block, const char* function, size_t size)
{
    CHECK(block != NULL, "expected %s(%zu) to succeed, seen NULL", function, size);
    CHECK((uintptr_t)block % 16 == 0, "expected %s(%zu) aligned to 16, seen %p", function, size,
          block);
}

static void check_size(size_t size)
{
    // Several blocks at once: the first block of a run is often aligned by chance.
    enum { kBlocks = 5 };
    void* blocks[3 * kBlocks];
    for (int i = 0; i < kBlocks; ++i) {
        expect_aligned(blocks[3 * i] = malloc(size), "malloc", size);
        expect_aligned(blocks[3 * i + 1] = calloc(1, size), "calloc", size);
        expect_aligned(blocks[3 * i + 2] = realloc(malloc(size / 2 + 1), size + 1), "realloc",
                       size + 1);
    }
    for (int i = 0; i < 3 * kBlocks; ++i) {
        free(blocks[i]);
    }
}

int main(void)
{
    for (size_t size = 0; size <= 4096; ++size) {
        check_size(size);
    }
    for (size_t power = 8 * KIB; power <= 8 * MIB; power *= 2) {
        for (size_t around = power - 17; around <= power + 17; ++around) {
            check_size(around);
        }
    }
    return 0;
}
