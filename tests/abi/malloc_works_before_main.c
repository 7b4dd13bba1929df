// SPDX-License-Identifier: MIT
//
// Promise: malloc works before main: in .preinit_array (before any library's constructor), in the
// constructor of a library that is initialised before the allocator, in the program's constructors;
// and main frees and resizes all of that.

#include <malloc.h>

#include "tests/abi/check.h"

enum { kBlocks = 20 };

// In modules/early_library.c: what its constructor has allocated.
extern void* early_blocks[kBlocks];
extern size_t early_size(size_t i);

static void* preinit_blocks[kBlocks];
static void* constructor_blocks[kBlocks];

static void allocate_all(void** blocks)
{
    for (size_t i = 0; i < kBlocks; ++i) {
        blocks[i] = i % 2 == 0 ? malloc(early_size(i)) : memalign(64, early_size(i));
        CHECK(blocks[i] != NULL, "expected malloc before main to succeed, seen NULL");
        fill(blocks[i], early_size(i), i);
    }
}

static void allocate_in_preinit(void)
{
    allocate_all(preinit_blocks);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const run_early)(void) = allocate_in_preinit;

__attribute__((constructor)) static void allocate_in_constructor(void)
{
    allocate_all(constructor_blocks);
}

static void check_and_free(void** blocks, const char* origin)
{
    for (size_t i = 0; i < kBlocks; ++i) {
        CHECK(blocks[i] != NULL, "expected blocks from %s, seen NULL", origin);
        CHECK_FILLED(blocks[i], early_size(i), i);
        blocks[i] = realloc(blocks[i], early_size(i) + 5000);
        CHECK_FILLED(blocks[i], early_size(i), i);
        free(blocks[i]);
    }
}

int main(void)
{
    check_and_free(preinit_blocks, ".preinit_array");
    check_and_free(early_blocks, "a library's constructor");
    check_and_free(constructor_blocks, "the program's constructor");
    return 0;
}
