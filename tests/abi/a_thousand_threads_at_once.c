// SPDX-License-Identifier: MIT
//
// Promise: a thousand threads that live at the same time and hold a few blocks each cost at most
// 256 KiB apiece, stacks included, and the next thousand reuse what they leave.

#include "tests/abi/check.h"

enum { kThreads = 1000, kGenerations = 3, kBlocks = 20 };

static pthread_barrier_t barrier;

static void* hold_a_few_blocks(void* unused)
{
    void* blocks[kBlocks];
    for (size_t i = 0; i < kBlocks; ++i) {
        blocks[i] = malloc(i * 50 + 1);
        fill(blocks[i], i * 50 + 1, i);
    }
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < kBlocks; ++i) {
        CHECK_FILLED(blocks[i], i * 50 + 1, i);
        free(blocks[i]);
    }
    return unused;
}

int main(void)
{
    static pthread_t threads[kThreads];
    watchdog(60);
    pthread_barrier_init(&barrier, NULL, kThreads + 1);
    const size_t before = resident_bytes();
    for (int generation = 0; generation < kGenerations; ++generation) {
        for (int i = 0; i < kThreads; ++i) {
            threads[i] = start_thread(hold_a_few_blocks, NULL);
        }
        pthread_barrier_wait(&barrier);
        const size_t each = (resident_bytes() - before) / kThreads;
        CHECK(each <= 256 * KIB, "expected at most 256 KiB per thread, seen %zu KiB", each / KIB);
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < kThreads; ++i) {
            join_thread(threads[i]);
        }
    }
    return 0;
}
