// SPDX-License-Identifier: MIT
//
// Promise: calloc() sets ENOMEM when count * size does not fit, instead of handing out the small
// block that the wrapped product asks for.

#include "tests/abi/check.h"

static void expect_refusal(size_t count, size_t size)
{
    errno = 0;
    void* block = calloc(count, size);
    CHECK(block == NULL, "expected calloc(%#zx, %#zx) to return NULL, seen %p", count, size, block);
    CHECK(errno == ENOMEM, "expected ENOMEM, seen errno %d", errno);
}

int main(void)
{
    const size_t half = opaque_size((size_t)1 << 32);
    expect_refusal(half, half);
    expect_refusal(half, half + 1);
    expect_refusal(half + 1, half + 1);
    expect_refusal(half / 2, half);
    expect_refusal(SIZE_MAX, 2);
    expect_refusal(2, SIZE_MAX);
    expect_refusal(SIZE_MAX, SIZE_MAX);
    expect_refusal(SIZE_MAX / 2 + 1, 2);
    expect_refusal(SIZE_MAX / 2 + 9, 2);
    expect_refusal(SIZE_MAX / 16 + 2, 16);
    expect_refusal(16, SIZE_MAX / 16 + 2);
    expect_refusal(3, SIZE_MAX / 3 + 1);
    return 0;
}
