// SPDX-License-Identifier: MIT
//
// Promise: valloc() blocks start on a page.

#include <malloc.h>

#include "tests/abi/check.h"

int main(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t size = 0; size <= 5 * MIB; size = size * 3 / 2 + 1) {
        void* block = valloc(size);
        CHECK(block != NULL, "expected valloc(%zu) to succeed, seen NULL", size);
        CHECK((uintptr_t)block % page == 0, "expected a multiple of %zu, seen %p", page, block);
        CHECK(malloc_usable_size(block) >= size, "expected %zu usable bytes, seen %zu", size,
              malloc_usable_size(block));
        memset(block, 1, size);
        free(block);
    }
    return 0;
}
