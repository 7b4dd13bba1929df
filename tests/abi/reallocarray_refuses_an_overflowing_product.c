// SPDX-License-Identifier: MIT
//
// Promise: reallocarray() sets ENOMEM when count * size does not fit, and leaves the block as it
// was.

#include "tests/abi/check.h"

static void expect_refusal(void* block, size_t count, size_t size)
{
    errno = 0;
    void* moved = reallocarray(block, opaque_size(count), opaque_size(size));
    CHECK(moved == NULL, "expected reallocarray(%#zx, %#zx) to return NULL, seen %p", count, size,
          moved);
    CHECK(errno == ENOMEM, "expected ENOMEM, seen errno %d", errno);
}

int main(void)
{
    const size_t half = opaque_size((size_t)1 << 32);
    const size_t sizes[] = {1, 100, 5000, 300 * KIB, 5 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        void* block = malloc(sizes[i]);
        CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", sizes[i]);
        fill(block, sizes[i], i);
        expect_refusal(block, half, half);
        expect_refusal(block, half + 1, half + 1);
        expect_refusal(block, SIZE_MAX, 2);
        expect_refusal(block, 2, SIZE_MAX / 2 + 9);
        expect_refusal(block, SIZE_MAX / 16 + 2, 16);
        CHECK_FILLED(block, sizes[i], i);
        free(block);
    }
    return 0;
}
