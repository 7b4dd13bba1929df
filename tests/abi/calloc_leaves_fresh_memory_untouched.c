// SPDX-License-Identifier: MIT
//
// Promise: calloc() does not write zeros over memory that the system has just given zeroed: a large
// sparse table costs only the pages that are used. Arguments: block size, number of blocks.

#include "tests/abi/check.h"

int main(int argc, char** argv)
{
    CHECK(argc == 3, "expected two arguments: size and count, seen %d", argc - 1);
    const size_t size = strtoul(argv[1], NULL, 10);
    const size_t count = strtoul(argv[2], NULL, 10);
    const size_t before = resident_bytes();
    for (size_t i = 0; i < count; ++i) {
        char* block = calloc(1, size);
        CHECK(block != NULL, "expected calloc of %zu bytes to succeed, seen NULL", size);
        CHECK(block[size / 2] == 0, "expected zero, seen %d", block[size / 2]);
    }
    const size_t grown = resident_bytes() - before;
    CHECK(grown < size * count / 4, "expected under a quarter of %zu MiB resident, seen %zu MiB",
          size * count / MIB, grown / MIB);
    return 0;
}
