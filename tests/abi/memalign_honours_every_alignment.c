// SPDX-License-Identifier: MIT
//
// Promise: memalign(), aligned_alloc() and posix_memalign() give what every power of two from 1
// byte to 1 GiB asks for, with blocks of zero bytes to several MiB, and those blocks are wholly
// usable.

#include <malloc.h>

#include "tests/abi/check.h"

static void* allocate(int function, size_t alignment, size_t size)
{
    if (function == 0) {
        return memalign(alignment, size);
    }
    if (function == 1) {
        return aligned_alloc(alignment, size);
    }
    void* block = NULL;
    const size_t least = alignment < sizeof(void*) ? sizeof(void*) : alignment;
    CHECK(posix_memalign(&block, least, size) == 0,
          "expected posix_memalign(%zu, %zu) to return 0, seen an error", least, size);
    return block;
}

static void check_request(size_t alignment, size_t size)
{
    enum { kBlocks = 6 };
    void* blocks[kBlocks];
    size_t usable[kBlocks];
    for (int i = 0; i < kBlocks; ++i) {
        blocks[i] = allocate(i % 3, alignment, size);
        CHECK(blocks[i] != NULL, "expected %zu bytes at %#zx (function %d), seen NULL (errno %d)",
              size, alignment, i % 3, errno);
        CHECK((uintptr_t)blocks[i] % alignment == 0, "expected a multiple of %#zx, seen %p",
              alignment, blocks[i]);
        usable[i] = malloc_usable_size(blocks[i]);
        CHECK(usable[i] >= size, "expected %zu usable bytes, seen %zu", size, usable[i]);
        // A block in front of its alignment may be padded generously: touching all of that padding
        // would only cost time.
        usable[i] = usable[i] < 2 * size + 64 ? usable[i] : 2 * size + 64;
        usable[i] = usable[i] < 64 * KIB ? usable[i] : size;
        fill(blocks[i], usable[i], (uint64_t)i);
    }
    for (int i = 0; i < kBlocks; ++i) {
        CHECK_FILLED(blocks[i], usable[i], (uint64_t)i);
        free(blocks[i]);
    }
}

int main(void)
{
    watchdog(60);
    const size_t sizes[] = {0,           1,          8,      15,        16,          17,
                            48,          100,        129,    200,       1000,        1024,
                            1025,        3000,       4096,   4097,      10000,       32 * KIB,
                            70000,       128 * KIB,  200000, 512 * KIB, 1 * MIB - 1, 1 * MIB,
                            1 * MIB + 1, 5 * MIB + 3};
    for (size_t alignment = 1; alignment <= 1024 * MIB; alignment *= 2) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
            // The largest pairs cost address space and faults, and nothing new.
            if (alignment <= 64 * MIB || sizes[i] <= 128 * KIB) {
                check_request(alignment, sizes[i]);
            }
        }
    }
    return 0;
}
