// SPDX-License-Identifier: MIT
//
// Promise: pvalloc() blocks start on a page and hold whole pages: the size is rounded up.

#include <malloc.h>

#include "tests/abi/check.h"

int main(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t size = 0; size <= 5 * MIB; size = size * 3 / 2 + 1) {
        void* block = pvalloc(size);
        const size_t rounded = (size + page - 1) / page * page;
        CHECK(block != NULL, "expected pvalloc(%zu) to succeed, seen NULL", size);
        CHECK((uintptr_t)block % page == 0, "expected a multiple of %zu, seen %p", page, block);
        CHECK(malloc_usable_size(block) >= rounded, "expected %zu usable bytes, seen %zu", rounded,
              malloc_usable_size(block));
        memset(block, 1, rounded);
        free(block);
    }
    return 0;
}
