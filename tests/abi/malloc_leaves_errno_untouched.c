// SPDX-License-Identifier: MIT
//
// Promise: an allocation that succeeds leaves errno as it was, also when it had to ask the system
// for memory: programs look at errno after calls that allocate inside.

#include <malloc.h>

#include "tests/abi/check.h"

static const int kMarker = 4711;

static void expect_marker(const char* function, void* block, size_t size)
{
    CHECK(block != NULL, "expected %s(%zu) to succeed, seen NULL", function, size);
    CHECK(errno == kMarker, "expected %s(%zu) to leave errno at %d, seen %d", function, size,
          kMarker, errno);
}

static void check_size(size_t size)
{
    void* blocks[8];
    errno = kMarker;
    expect_marker("malloc", blocks[0] = malloc(size), size);
    expect_marker("calloc", blocks[1] = calloc(1, size), size);
    expect_marker("aligned_alloc", blocks[2] = aligned_alloc(64, size), size);
    expect_marker("memalign", blocks[3] = memalign(4096, size), size);
    expect_marker("valloc", blocks[4] = valloc(size), size);
    expect_marker("pvalloc", blocks[5] = pvalloc(size), size);
    blocks[6] = NULL;
    CHECK(posix_memalign(&blocks[6], 128, size) == 0, "expected posix_memalign to return 0");
    expect_marker("posix_memalign", blocks[6], size);
    blocks[7] = malloc(1);
    for (int step = 1; step <= 3; ++step) {
        blocks[7] = realloc(blocks[7], size * (size_t)step + 1);
        expect_marker("realloc", blocks[7], size * (size_t)step + 1);
    }
    blocks[7] = realloc(blocks[7], size + 1);
    expect_marker("shrinking realloc", blocks[7], size + 1);
    blocks[7] = reallocarray(blocks[7], 2, size + 1);
    expect_marker("reallocarray", blocks[7], 2 * size + 2);
    CHECK(malloc_usable_size(blocks[7]) >= size && errno == kMarker,
          "expected malloc_usable_size to leave errno at %d, seen %d", kMarker, errno);
    for (int i = 0; i < 8; ++i) {
        free(blocks[i]);
    }
}

int main(void)
{
    for (int round = 0; round < 3; ++round) {
        for (size_t size = 0; size <= 24 * MIB; size = size * 5 / 4 + 7) {
            check_size(size);
        }
    }
    return 0;
}
