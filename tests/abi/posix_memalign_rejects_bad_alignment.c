// SPDX-License-Identifier: MIT
//
// Promise: posix_memalign() returns EINVAL for an alignment that is no power of two or no multiple
// of sizeof(void*), and touches neither the out pointer nor errno.

#include "tests/abi/check.h"

int main(void)
{
    const size_t rejected[] = {0,  1,  2,  3,  4,   5,    6,    7,    9,       12,
                               17, 24, 40, 48, 100, 1000, 4095, 4097, 3 * MIB, SIZE_MAX};
    for (size_t i = 0; i < sizeof rejected / sizeof rejected[0]; ++i) {
        void* block = &block;
        errno = 4711;
        const int error = posix_memalign(&block, opaque_size(rejected[i]), 100);
        CHECK(error == EINVAL, "expected EINVAL for alignment %zu, seen %d", rejected[i], error);
        CHECK(block == &block, "expected the out pointer untouched, seen %p", block);
        CHECK(errno == 4711, "expected errno untouched at 4711, seen %d", errno);
    }
    return 0;
}
