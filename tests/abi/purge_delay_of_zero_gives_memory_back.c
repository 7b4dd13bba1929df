// SPDX-License-Identifier: MIT
//
// Promise: with purge_delay=0 freed memory goes back to the system as the program goes on
// allocating, with no call of malloc_trim() and no thread to do it. Argument: block size. Runs with
// TARN_PURGE_DELAY=0.

#include "tests/abi/check.h"

int main(int argc, char** argv)
{
    CHECK(argc == 2, "expected one argument: the block size, seen %d", argc - 1);
    const size_t size = strtoul(argv[1], NULL, 10);
    const size_t count = 128 * MIB / size;
    void** blocks = malloc(count * sizeof *blocks);
    CHECK(blocks != NULL, "expected a table, seen NULL");
    for (size_t i = 0; i < count; ++i) {
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        memset(blocks[i], 1, size);
    }
    const size_t full = resident_bytes();
    for (size_t i = 0; i < count; ++i) {
        free(blocks[i]);
    }
    free(blocks);
    for (size_t i = 0; i < 100000; ++i) {
        free(malloc(i % 5000));
    }
    CHECK(resident_bytes() < full / 4, "expected under a quarter of %zu MiB, seen %zu MiB",
          full / MIB, resident_bytes() / MIB);
    return 0;
}
