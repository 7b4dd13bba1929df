// SPDX-License-Identifier: MIT
//
// Promise: mallinfo2() is true: bytes in use (uordblks, plus hblkhd for what was mapped) rise and
// fall by what the program allocates and frees, in every tier. Arguments: block size, number of
// blocks.

#include <malloc.h>

#include "tests/abi/check.h"

static size_t bytes_in_use(void)
{
    const struct mallinfo2 info = mallinfo2();
    CHECK(info.uordblks + info.hblkhd <= info.arena + info.hblkhd,
          "expected no more in use than obtained from the system, seen %zu of %zu",
          info.uordblks + info.hblkhd, info.arena + info.hblkhd);
    return info.uordblks + info.hblkhd;
}

static void expect_about(const char* what, size_t seen, size_t wanted)
{
    // One eighth for rounding up and headers; a constant for caches that count as in use.
    const size_t slack = wanted / 8 + 64 * KIB;
    CHECK(seen + slack >= wanted && seen <= wanted + slack, "expected %s %zu bytes, seen %zd", what,
          wanted, (ssize_t)seen);
}

int main(int argc, char** argv)
{
    CHECK(argc == 3, "expected two arguments: size and count, seen %d", argc - 1);
    const size_t size = strtoul(argv[1], NULL, 10);
    const size_t count = strtoul(argv[2], NULL, 10);
    void** blocks = calloc(count, sizeof *blocks);
    CHECK(blocks != NULL, "expected calloc to succeed, seen NULL");
    for (int round = 0; round < 3; ++round) {
        const size_t empty = bytes_in_use();
        for (size_t i = 0; i < count; ++i) {
            blocks[i] = malloc(size);
            CHECK(blocks[i] != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        }
        const size_t full = bytes_in_use();
        expect_about("a rise of", full - empty, size * count);
        for (size_t i = 0; i < count; i += 2) {
            free(blocks[i]);
        }
        expect_about("after freeing half, a fall of", full - bytes_in_use(), size * count / 2);
        for (size_t i = 1; i < count; i += 2) {
            free(blocks[i]);
        }
        expect_about("after freeing all, a fall of", full - bytes_in_use(), size * count);
    }
    return 0;
}
