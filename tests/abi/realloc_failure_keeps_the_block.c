// SPDX-License-Identifier: MIT
//
// Promise: when realloc() cannot grow a block it returns NULL with ENOMEM and the block stays as it
// was, still to be used and freed.

#include <malloc.h>

#include "tests/abi/check.h"

int main(void)
{
    const size_t sizes[] = {1, 100, 5000, 100 * KIB, 900 * KIB, 5 * MIB};
    const size_t impossible[] = {SIZE_MAX, SIZE_MAX - 4095, PTRDIFF_MAX, (size_t)1 << 58};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        void* block = malloc(sizes[i]);
        CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", sizes[i]);
        fill(block, sizes[i], i);
        for (size_t k = 0; k < sizeof impossible / sizeof impossible[0]; ++k) {
            errno = 0;
            void* moved = realloc(block, opaque_size(impossible[k]));
            CHECK(moved == NULL, "expected realloc to %#zx to fail, seen %p", impossible[k], moved);
            CHECK(errno == ENOMEM, "expected ENOMEM, seen errno %d", errno);
            CHECK_FILLED(block, sizes[i], i);
        }
        block = realloc(block, sizes[i] * 2);
        CHECK(block != NULL, "expected a possible size to succeed afterwards, seen NULL");
        CHECK_FILLED(block, sizes[i], i);
        free(block);
    }
    return 0;
}
