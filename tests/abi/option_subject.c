// SPDX-License-Identifier: MIT
//
// The program that the option_*.py tests run: uses every tier from two threads, checks what it
// stored and prints "done". With an argument of so many MiB it also tries to hold that much at
// once.

#include "tests/abi/check.h"

static void* use_every_tier(void* unused)
{
    enum { kBlocks = 300 };
    static __thread void* blocks[kBlocks];
    for (int round = 0; round < 5; ++round) {
        for (size_t i = 0; i < kBlocks; ++i) {
            const size_t size = i % 100 == 0 ? 3 * MIB : i * 311;
            blocks[i] = realloc(blocks[i], size + 1);
            CHECK(blocks[i] != NULL, "expected realloc(%zu) to succeed, seen NULL", size + 1);
            fill(blocks[i], size % 10000, i);
        }
        for (size_t i = 0; i < kBlocks; ++i) {
            const size_t size = i % 100 == 0 ? 3 * MIB : i * 311;
            CHECK_FILLED(blocks[i], size % 10000, i);
            if ((i + (size_t)round) % 3 == 0) {
                free(blocks[i]);
                blocks[i] = NULL;
            }
        }
    }
    for (size_t i = 0; i < kBlocks; ++i) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
    return unused;
}

static void hold(size_t megabytes)
{
    static void* blocks[1024];
    for (size_t i = 0; i < megabytes && i < 1024; ++i) {
        blocks[i] = malloc(MIB - 4096);
    }
    for (size_t i = 0; i < 1024; ++i) {
        free(blocks[i]);
    }
}

int main(int argc, char** argv)
{
    use_every_tier(NULL);
    join_thread(start_thread(use_every_tier, NULL));
    if (argc > 1) {
        hold(strtoul(argv[1], NULL, 10));
    }
    puts("done");
    return 0;
}
