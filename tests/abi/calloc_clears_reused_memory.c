// SPDX-License-Identifier: MIT
//
// Promise: calloc() memory is zero, also where it has been used, dirtied and freed before: an
// allocator that skips clearing what it believes to be fresh must believe the right thing.

#include <malloc.h>

#include "tests/abi/check.h"

static void expect_zero(const unsigned char* block, size_t size, const char* after)
{
    for (size_t i = 0; i < size; ++i) {
        CHECK(block[i] == 0, "expected %zu zero bytes after %s, seen 0x%02x at %zu", size, after,
              block[i], i);
    }
}

static void dirty(void* block)
{
    CHECK(block != NULL, "expected an allocation to succeed, seen NULL");
    memset(block, 0xff, malloc_usable_size(block));
}

static void check_size(size_t size, int count)
{
    enum { kMost = 32 };
    void* blocks[kMost];
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < count; ++i) {
            dirty(blocks[i] = round == 1 ? memalign(256, size) : malloc(size));
        }
        for (int i = 0; i < count; ++i) {
            free(blocks[i]);
        }
        if (round == 2) {
            malloc_trim(0);
        }
        for (int i = 0; i < count; ++i) {
            unsigned char* block = calloc(round == 0 ? 1 : size, round == 0 ? size : 1);
            CHECK(block != NULL, "expected calloc of %zu bytes to succeed, seen NULL", size);
            expect_zero(block, size, "malloc and free");
            dirty(blocks[i] = block);
        }
        for (int i = 0; i < count; ++i) {
            free(blocks[i]);
        }
    }
}

static void check_after_realloc(size_t size)
{
    void* block = malloc(size);
    dirty(block);
    block = realloc(block, size / 3 + 1);
    unsigned char* cleared = calloc(1, size);
    CHECK(cleared != NULL, "expected calloc of %zu bytes to succeed, seen NULL", size);
    expect_zero(cleared, size, "a shrinking realloc");
    dirty(cleared);
    free(cleared);
    free(block);
}

static void* check_all(void* unused)
{
    for (size_t size = 1; size <= 9 * MIB; size += size < 1200 ? 5 : size / 6) {
        check_size(size, size < 16 * KIB ? 32 : 3);
        check_after_realloc(size);
    }
    return unused;
}

int main(void)
{
    watchdog(60);
    pthread_t other = start_thread(check_all, NULL);
    check_all(NULL);
    join_thread(other);
    return 0;
}
