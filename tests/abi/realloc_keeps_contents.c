// SPDX-License-Identifier: MIT
//
// Promise: realloc() keeps the first min(old, new) bytes, up and down through every size class
// boundary to tens of MiB, and between any two sizes.

#include <malloc.h>

#include "tests/abi/check.h"

static size_t next_size(size_t size)
{
    if (size < 2100) {
        return size + 1;
    }
    return size < 40 * KIB ? size + size / 64 : size + size / 11 + 13;
}

static void* resize(void* block, size_t from, size_t to, uint64_t seed)
{
    void* moved = realloc(block, to);
    CHECK(moved != NULL, "expected realloc from %zu to %zu to succeed, seen NULL", from, to);
    CHECK((uintptr_t)moved % 16 == 0, "expected a multiple of 16, seen %p", moved);
    CHECK(malloc_usable_size(moved) >= to, "expected %zu usable bytes, seen %zu", to,
          malloc_usable_size(moved));
    CHECK_FILLED(moved, from < to ? from : to, seed);
    fill(moved, to, seed);
    return moved;
}

static void grow_and_shrink(size_t limit)
{
    size_t size = 1;
    void* block = malloc(size);
    fill(block, size, 1);
    while (size < limit) {
        const size_t next = next_size(size);
        block = resize(block, size, next, 1);
        size = next;
    }
    while (size > 1) {
        const size_t next = size - (size < 2100 ? 1 : size / 16 + 1);
        block = resize(block, size, next, 1);
        size = next;
    }
    free(block);
}

static void jump(uint64_t* random)
{
    size_t size = 1;
    void* block = malloc(size);
    fill(block, size, 2);
    for (int i = 0; i < 3000; ++i) {
        const unsigned bits = (unsigned)(next_random(random) % 23);
        const size_t next = 1 + next_random(random) % ((size_t)1 << bits);
        block = resize(block, size, next, 2);
        size = next;
    }
    free(block);
}

int main(void)
{
    watchdog(60);
    uint64_t random = 314159;
    grow_and_shrink(32 * MIB);
    jump(&random);
    return 0;
}
