// SPDX-License-Identifier: MIT
//
// Promise: realloc(p, 0) frees p and returns NULL, as glibc documents, and does not report an
// error: programs written for glibc lose the block for good otherwise.

#include "tests/abi/check.h"

static void check_size(size_t size, size_t total)
{
    const size_t before = resident_bytes();
    for (size_t bytes = 0; bytes < total; bytes += size) {
        void* block = malloc(size);
        CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        memset(block, 1, size);
        errno = 4711;
        void* gone = realloc(block, opaque_size(0));
        CHECK(gone == NULL, "expected realloc(p, 0) to return NULL, seen %p", gone);
        CHECK(errno == 4711, "expected errno untouched at 4711, seen %d", errno);
    }
    const size_t after = resident_bytes();
    CHECK(after < before + total / 4, "expected the blocks to be freed, seen %zu KiB more resident",
          (after - before) / KIB);
}

int main(void)
{
    check_size(100, 128 * MIB);
    check_size(5000, 256 * MIB);
    check_size(300 * KIB, 256 * MIB);
    check_size(4 * MIB, 512 * MIB);
    return 0;
}
