// SPDX-License-Identifier: MIT
//
// Promise: with limit=64m live usable bytes never exceed 64 MiB and reach at least 90 % of it;
// beyond, malloc returns NULL with ENOMEM; after frees the memory is usable again, for other sizes
// too. Argument: block size. Runs with TARN_LIMIT=64m.

#include <malloc.h>

#include "tests/abi/check.h"

enum { kLimit = 64 * 1024 * 1024 };

struct Block {
    struct Block* next;
};

static size_t fill_up(size_t size, struct Block** list)
{
    size_t bytes = 0;
    *list = NULL;
    for (;;) {
        errno = 0;
        struct Block* block = malloc(size);
        if (block == NULL) {
            CHECK(errno == ENOMEM, "expected ENOMEM, seen errno %d", errno);
            break;
        }
        bytes += malloc_usable_size(block);
        CHECK(bytes <= kLimit, "expected at most %d usable bytes, seen %zu", kLimit, bytes);
        block->next = *list;
        *list = block;
    }
    CHECK(bytes >= kLimit / 10 * 9, "expected 90 %% of %d bytes in blocks of %zu, seen %zu", kLimit,
          size, bytes);
    return bytes;
}

static void free_all(struct Block* list)
{
    while (list != NULL) {
        struct Block* next = list->next;
        free(list);
        list = next;
    }
}

int main(int argc, char** argv)
{
    CHECK(argc == 2, "expected one argument: the block size, seen %d", argc - 1);
    const size_t size = strtoul(argv[1], NULL, 10);
    struct Block* list;
    for (int round = 0; round < 5; ++round) {
        fill_up(size, &list);
        for (int i = 0; i < 100; ++i) {
            errno = 0;
            CHECK(calloc(1, size) == NULL && errno == ENOMEM, "expected NULL and ENOMEM again");
        }
        free_all(list);
    }
    const size_t others[] = {48, 3000, 100 * KIB, 1 * MIB, 3 * MIB};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i) {
        fill_up(others[i], &list);
        free_all(list);
    }
    return 0;
}
