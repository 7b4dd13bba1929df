// SPDX-License-Identifier: MIT
//
// Promise: every function answers a request for more than PTRDIFF_MAX bytes with NULL and ENOMEM,
// up to SIZE_MAX where rounding up would wrap around to a small block.

#include <malloc.h>

#include "tests/abi/check.h"

static void expect_refusal(const char* function, void* block, size_t size)
{
    CHECK(block == NULL, "expected %s(%#zx) to return NULL, seen %p", function, size, block);
    CHECK(errno == ENOMEM, "expected %s(%#zx) to set ENOMEM, seen errno %d", function, size, errno);
    errno = 0;
}

static void check_size(size_t size)
{
    errno = 0;
    expect_refusal("malloc", malloc(size), size);
    expect_refusal("calloc of 1", calloc(1, size), size);
    expect_refusal("calloc of bytes", calloc(size, 1), size);
    expect_refusal("realloc of NULL", realloc(NULL, size), size);
    expect_refusal("reallocarray of NULL", reallocarray(NULL, 1, size), size);
    expect_refusal("valloc", valloc(size), size);
    expect_refusal("pvalloc", pvalloc(size), size);
    for (size_t alignment = 8; alignment <= 1024 * MIB; alignment *= 4) {
        expect_refusal("aligned_alloc", aligned_alloc(alignment, size), size);
        expect_refusal("memalign", memalign(alignment, size), size);
        void* block = &block;
        const int error = posix_memalign(&block, alignment, size);
        CHECK(error == ENOMEM, "expected posix_memalign(%zu, %#zx) to return ENOMEM, seen %d",
              alignment, size, error);
        CHECK(block == &block, "expected the out pointer untouched, seen %p", block);
        errno = 0;
    }
}

int main(void)
{
    const size_t limit = opaque_size(PTRDIFF_MAX);
    for (size_t above = 0; above <= 8 * KIB; above = above * 2 + 1) {
        check_size(limit + above);
        check_size(SIZE_MAX - above);
        check_size(SIZE_MAX / 4 * 3 + above);
    }
    void* block = malloc(opaque_size(100));
    CHECK(block != NULL, "expected malloc(100) to succeed afterwards, seen NULL");
    free(block);
    return 0;
}
