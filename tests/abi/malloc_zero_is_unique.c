// SPDX-License-Identifier: MIT
//
// Promise: a request for zero bytes gives a pointer of its own, not NULL, from every function:
// programs take NULL for "out of memory" and use the pointer as an identity.

#include <malloc.h>

#include "tests/abi/check.h"

enum { kKinds = 7, kRounds = 300, kBlocks = kKinds * kRounds };

static int compare(const void* left, const void* right)
{
    const uintptr_t a = *(const uintptr_t*)left;
    const uintptr_t b = *(const uintptr_t*)right;
    return (a > b) - (a < b);
}

static void* zero_bytes(int kind)
{
    void* block = NULL;
    switch (kind) {
    case 0:
        return malloc(opaque_size(0));
    case 1:
        return calloc(opaque_size(0), 8);
    case 2:
        return calloc(8, opaque_size(0));
    case 3:
        return realloc(NULL, opaque_size(0));
    case 4:
        return aligned_alloc(64, opaque_size(0));
    case 5:
        return memalign(256, opaque_size(0));
    default:
        CHECK(posix_memalign(&block, 32, opaque_size(0)) == 0,
              "expected posix_memalign of 0 bytes to return 0, seen an error");
        return block;
    }
}

int main(void)
{
    static uintptr_t blocks[kBlocks];
    for (int i = 0; i < kBlocks; ++i) {
        blocks[i] = (uintptr_t)zero_bytes(i % kKinds);
        CHECK(blocks[i] != 0, "expected a block of zero bytes (kind %d), seen NULL", i % kKinds);
    }
    qsort(blocks, kBlocks, sizeof blocks[0], compare);
    for (int i = 1; i < kBlocks; ++i) {
        CHECK(blocks[i] != blocks[i - 1], "expected different pointers, seen %p twice",
              (void*)blocks[i]);
    }
    for (int i = 0; i < kBlocks; ++i) {
        free((void*)blocks[i]);
    }
    return 0;
}
