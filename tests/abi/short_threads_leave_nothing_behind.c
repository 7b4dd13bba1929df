// SPDX-License-Identifier: MIT
//
// Promise: 100000 short threads, each of which allocates, frees a part and leaves the rest to main,
// do not make the process grow.

#include "tests/abi/check.h"

enum { kThreads = 100000, kBlocks = 12 };

static void* left[2][kBlocks];

static void* live_shortly(void* row)
{
    void** mine = row;
    for (size_t i = 0; i < kBlocks; ++i) {
        free(malloc(i * 33));
        mine[i] = malloc((size_t)16 << i);
        *(volatile char*)mine[i] = 1;
    }
    return NULL;
}

static void free_row(void** row)
{
    for (int i = 0; i < kBlocks; ++i) {
        free(row[i]);
    }
}

int main(void)
{
    watchdog(60);
    size_t after_warm_up = 0;
    for (int i = 0; i < kThreads; i += 2) {
        pthread_t threads[] = {start_thread(live_shortly, left[0]),
                               start_thread(live_shortly, left[1])};
        join_thread(threads[0]);
        free_row(left[0]);
        join_thread(threads[1]);
        free_row(left[1]);
        if (i == 2000) {
            after_warm_up = resident_bytes();
        }
    }
    const size_t end = resident_bytes();
    CHECK(end < after_warm_up + 8 * MIB, "expected no growth over %d threads, seen %zu KiB",
          kThreads, (end - after_warm_up) / KIB);
    return 0;
}
