// SPDX-License-Identifier: MIT
//
// Promise: blocks outlive the thread that allocated them: any other thread reads, resizes and frees
// them, and their memory is used again instead of piling up.

#include "tests/abi/check.h"

enum { kBlocks = 4000, kRounds = 40 };

static void* blocks[kBlocks];

static size_t size_of(size_t i)
{
    return i % 200 == 199 ? 60 * KIB + i : i % 1000 + 1;
}

static void* allocate(void* unused)
{
    for (size_t i = 0; i < kBlocks; ++i) {
        blocks[i] = malloc(size_of(i));
        CHECK(blocks[i] != NULL, "expected malloc(%zu) to succeed, seen NULL", size_of(i));
        fill(blocks[i], size_of(i), i);
    }
    return unused;
}

static void* resize_odd_free_even(void* unused)
{
    for (size_t i = 0; i < kBlocks; ++i) {
        CHECK_FILLED(blocks[i], size_of(i), i);
        if (i % 2 == 0) {
            free(blocks[i]);
            blocks[i] = NULL;
        } else {
            blocks[i] = realloc(blocks[i], size_of(i) * 2);
            CHECK(blocks[i] != NULL, "expected realloc to succeed, seen NULL");
            CHECK_FILLED(blocks[i], size_of(i), i);
        }
    }
    return unused;
}

int main(void)
{
    watchdog(60);
    size_t after_warm_up = 0;
    for (int round = 0; round < kRounds; ++round) {
        join_thread(start_thread(allocate, NULL));
        if (round % 3 == 0) {
            resize_odd_free_even(NULL);
        } else {
            join_thread(start_thread(resize_odd_free_even, NULL));
        }
        for (size_t i = 1; i < kBlocks; i += 2) {
            CHECK_FILLED(blocks[i], size_of(i), i);
            free(blocks[i]);
        }
        if (round == 5) {
            after_warm_up = resident_bytes();
        }
    }
    const size_t end = resident_bytes();
    CHECK(end < after_warm_up + 16 * MIB, "expected no growth over %d rounds, seen %zu KiB",
          kRounds, (end - after_warm_up) / KIB);
    return 0;
}
