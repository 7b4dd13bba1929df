// SPDX-License-Identifier: MIT
//
// Promise: a program that frees most of its memory and then hardly does anything, a malloc every
// 100 ms, has what lies free, whole pages between blocks in use too, back with the system within
// two seconds. Argument: "frees" its small blocks, or "keeps" them.

#include "tests/abi/check.h"

enum { kBlocks = 400 * 1000, kKeepOneIn = 100 };

static void* blocks[kBlocks];

int main(int argc, char** argv)
{
    CHECK(argc == 2, "expected one argument, seen %d", argc - 1);
    const int frees = strcmp(argv[1], "frees") == 0;
    watchdog(60);
    for (size_t i = 0; i < kBlocks; ++i) {
        const size_t size = 100 + i * 7919 % 601;
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        memset(blocks[i], 1, size);
    }
    const size_t full = resident_bytes();
    for (size_t i = 0; i < kBlocks; ++i) {
        if (i * 31 % kKeepOneIn != 0) {
            free(blocks[i]);
        }
    }
    for (int i = 0; i < 20; ++i) {
        usleep(100 * 1000);
        void* small = malloc(100);
        OPAQUE(small);
        if (frees) {
            free(small);
        }
    }
    const size_t left = resident_bytes();
    // One block in a hundred stays: nine pages in ten have none.
    CHECK(left < full / 3, "expected under a third of %zu MiB after two seconds, seen %zu MiB",
          full / MIB, left / MIB);
    return 0;
}
