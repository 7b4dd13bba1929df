// SPDX-License-Identifier: MIT
//
// Promise: free_sized() (C23) frees a block of malloc(), calloc() and realloc() whose size the
// caller knows. NULL is accepted and errno is left alone.

#include <dlfcn.h>

#include "tests/abi/check.h"

typedef void (*Function)(void*, size_t);

static void check_size(Function release, size_t size, size_t total)
{
    const size_t before = resident_bytes();
    errno = 4711;
    for (size_t i = 0; i * size < total; ++i) {
        void* block = i % 2 == 0 ? malloc(size) : calloc(1, size);
        CHECK(block != NULL, "expected %zu bytes, seen NULL", size);
        memset(block, 1, size);
        release(block, size);
        CHECK(errno == 4711, "expected errno untouched at 4711, seen %d", errno);
    }
    const size_t after = resident_bytes();
    CHECK(after < before + total / 4, "expected the blocks to be freed, seen %zu KiB more resident",
          (after - before) / KIB);
}

int main(void)
{
    // The headers and link libraries of glibc 2.36 do not offer it, the preload must.
    Function release;
    *(void**)&release = dlsym(RTLD_DEFAULT, "free_sized");
    CHECK(release != NULL, "expected a symbol free_sized, seen none");
    release(NULL, 0);
    check_size(release, 24, 64 * MIB);
    check_size(release, 5000, 256 * MIB);
    check_size(release, 300 * KIB, 256 * MIB);
    check_size(release, 4 * MIB, 512 * MIB);
    return 0;
}
