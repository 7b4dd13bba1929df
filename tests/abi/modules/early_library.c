// SPDX-License-Identifier: MIT
//
// A library that allocates in its constructor, so before the constructors of a preloaded library,
// and frees in its destructor; also preloaded itself by preload_order_does_not_matter.py.

#include <stdint.h>
#include <stdlib.h>

#include "tests/abi/check.h"

void* early_blocks[20];
static void* kept[20];

size_t early_size(size_t i);

size_t early_size(size_t i)
{
    return (size_t)3 << i;
}

__attribute__((constructor)) static void allocate_early(void)
{
    for (size_t i = 0; i < 20; ++i) {
        early_blocks[i] = malloc(early_size(i));
        kept[i] = calloc(1, early_size(i));
        fill(early_blocks[i], early_size(i), i);
    }
}

__attribute__((destructor)) static void free_late(void)
{
    for (size_t i = 0; i < 20; ++i) {
        free(kept[i]);
    }
}
