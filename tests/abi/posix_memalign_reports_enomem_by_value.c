// SPDX-License-Identifier: MIT
//
// Promise: posix_memalign() that finds no memory returns ENOMEM, as a value: errno and the out
// pointer stay as they were (POSIX does not list errno among its results).

#include "tests/abi/check.h"

int main(void)
{
    const size_t sizes[] = {SIZE_MAX,    SIZE_MAX - 15,       SIZE_MAX - 4096,
                            PTRDIFF_MAX, SIZE_MAX / 2 + 4096, (size_t)1 << 60};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        void* block = &block;
        errno = 4711;
        const int error = posix_memalign(&block, 64, opaque_size(sizes[i]));
        CHECK(error == ENOMEM, "expected ENOMEM for %#zx bytes, seen %d", sizes[i], error);
        CHECK(block == &block, "expected the out pointer untouched, seen %p", block);
        CHECK(errno == 4711, "expected errno untouched at 4711, seen %d", errno);
    }
    return 0;
}
