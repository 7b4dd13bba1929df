// SPDX-License-Identifier: MIT
//
// Promise: free() leaves errno as it was (POSIX 2024, glibc since 2.33), whatever it does with the
// memory: clean-up code frees before it reports the error that it has seen.

#include <malloc.h>

#include "tests/abi/check.h"

static const int kMarker = 4711;

static void expect_marker(const char* what, size_t size)
{
    CHECK(errno == kMarker, "expected %s of %zu bytes to leave errno at %d, seen %d", what, size,
          kMarker, errno);
}

static void check_many_of(size_t size)
{
    enum { kBlocks = 64 };
    void* blocks[kBlocks];
    for (int i = 0; i < kBlocks; ++i) {
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        *(volatile char*)blocks[i] = 1;
    }
    errno = kMarker;
    for (int i = 0; i < kBlocks; ++i) {
        free(blocks[i]);
        expect_marker("free", size);
    }
    void* aligned = memalign(64 * KIB, size);
    errno = kMarker;
    free(aligned);
    expect_marker("free of an aligned block", size);
}

static void* free_in_thread(void* block)
{
    errno = kMarker;
    free(block);
    expect_marker("free in another thread", 0);
    return NULL;
}

int main(void)
{
    errno = kMarker;
    free(opaque(NULL));
    expect_marker("free(NULL)", 0);
    for (size_t size = 1; size <= 24 * MIB; size = size * 3 / 2 + 5) {
        check_many_of(size);
    }
    const size_t sizes[] = {24, 3000, 100 * KIB, 900 * KIB, 8 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        join_thread(start_thread(free_in_thread, malloc(sizes[i])));
    }
    return 0;
}
