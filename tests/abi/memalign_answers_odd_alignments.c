// SPDX-License-Identifier: MIT
//
// Promise: memalign() and aligned_alloc() with an alignment that is no power of two either round it
// up, as glibc 2.36 does, or return NULL with EINVAL; alignment 0 counts as none for memalign, and
// an alignment over the largest power of two is an error. Never a block that is less aligned.

#include <malloc.h>

#include "tests/abi/check.h"

static void check_answer(const char* function, void* block, size_t alignment)
{
    size_t power = 16;
    while (power < alignment) {
        power *= 2;
    }
    if (block == NULL) {
        CHECK(errno == EINVAL, "expected EINVAL from %s(%zu), seen errno %d", function, alignment,
              errno);
    } else {
        CHECK((uintptr_t)block % power == 0, "expected a multiple of %zu from %s(%zu), seen %p",
              power, function, alignment, block);
        memset(block, 1, 1000);
    }
    free(block);
}

int main(void)
{
    const size_t odd[] = {3, 5, 7, 12, 17, 24, 33, 48, 65, 100, 1000, 4097, 65537, 3 * MIB};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; ++i) {
        errno = 0;
        check_answer("memalign", memalign(opaque_size(odd[i]), 1000), odd[i]);
        errno = 0;
        check_answer("aligned_alloc", aligned_alloc(opaque_size(odd[i]), 1000), odd[i]);
    }
    void* block = memalign(opaque_size(0), 1000);
    CHECK(block != NULL, "expected memalign(0, 1000) to succeed as in glibc, seen NULL");
    free(block);
    errno = 0;
    block = memalign(opaque_size(SIZE_MAX / 2 + 2), 100);
    CHECK(block == NULL, "expected NULL for an alignment over 2^63, seen %p", block);
    CHECK(errno == EINVAL || errno == ENOMEM, "expected EINVAL or ENOMEM, seen errno %d", errno);
    return 0;
}
