// SPDX-License-Identifier: MIT
//
// Promise: under RLIMIT_AS (ulimit -v) the allocator starts, lets the program have most of the
// limit, answers NULL with ENOMEM beyond, and memory is usable again after frees, for blocks of
// other sizes too; also where a program that runs already limits itself. Arguments: limit in KiB,
// block size, "at_start" or "at_run_time".

#include <sys/resource.h>

#include "tests/abi/check.h"

struct Block {
    struct Block* next;
};

// The blocks are linked through themselves: a table of them would itself need memory.
static size_t allocate_until_null(size_t size, size_t enough, struct Block** list)
{
    size_t bytes = 0;
    *list = NULL;
    while (bytes < enough) {
        errno = 0;
        struct Block* block = malloc(size);
        if (block == NULL) {
            CHECK(errno == ENOMEM, "expected ENOMEM at %zu MiB, seen errno %d", bytes / MIB, errno);
            return bytes;
        }
        block->next = *list;
        *list = block;
        bytes += size;
    }
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

static void exhaust(size_t limit, size_t size)
{
    struct Block* list;
    const size_t first = allocate_until_null(size, SIZE_MAX, &list);
    CHECK(first < limit, "expected malloc to fail below the limit of %zu MiB, seen %zu MiB given",
          limit / MIB, first / MIB);
    CHECK(first > limit / 2, "expected at least half of %zu MiB in blocks of %zu, seen %zu MiB",
          limit / MIB, size, first / MIB);
    for (int i = 0; i < 100; ++i) {
        errno = 0;
        CHECK(realloc(NULL, limit) == NULL && errno == ENOMEM, "expected NULL and ENOMEM again");
    }
    free_all(list);
    const size_t second = allocate_until_null(size, SIZE_MAX, &list);
    CHECK(second > first / 10 * 9, "expected %zu MiB again after freeing, seen %zu MiB",
          first / MIB, second / MIB);
    free_all(list);

    const size_t other_size = size < 64 * KIB ? 2 * MIB : 100;
    const size_t other = allocate_until_null(other_size, limit / 4, &list);
    CHECK(other >= limit / 4, "expected %zu MiB in blocks of %zu after freeing, seen %zu MiB",
          limit / 4 / MIB, other_size, other / MIB);
    free_all(list);
}

int main(int argc, char** argv)
{
    CHECK(argc == 4, "expected three arguments, seen %d", argc - 1);
    watchdog(60);
    const size_t limit = strtoul(argv[1], NULL, 10) * KIB;
    const struct rlimit rlimit = {limit, limit};
    if (strcmp(argv[3], "limited") != 0) {
        free(malloc(1000));
        free(malloc(5 * MIB));
        CHECK(setrlimit(RLIMIT_AS, &rlimit) == 0, "expected setrlimit to succeed, seen errno %d",
              errno);
    }
    if (strcmp(argv[3], "at_start") == 0) {
        // Again, so that the limit holds from the first instruction on.
        execl("/proc/self/exe", argv[0], argv[1], argv[2], "limited", (char*)NULL);
        CHECK(0, "expected exec to succeed, seen errno %d", errno);
    }
    exhaust(limit, strtoul(argv[2], NULL, 10));
    return 0;
}
