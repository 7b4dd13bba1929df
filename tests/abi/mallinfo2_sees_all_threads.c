// SPDX-License-Identifier: MIT
//
// Promise: mallinfo2() counts what every thread holds: living threads, threads that have ended, and
// blocks that another thread has freed.

#include <malloc.h>

#include "tests/abi/check.h"

enum { kBlocks = 20000, kSize = 200, kBytes = kBlocks * kSize };

static void* blocks[kBlocks];
static pthread_barrier_t barrier;

static size_t bytes_in_use(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void expect_about(const char* what, size_t seen, size_t wanted)
{
    const size_t slack = (size_t)kBytes / 6 + 128 * KIB;
    CHECK(seen + slack >= wanted && seen <= wanted + slack, "expected %s about %zu bytes, seen %zd",
          what, wanted, (ssize_t)seen);
}

static void* allocate_and_wait(void* unused)
{
    for (int i = 0; i < kBlocks; ++i) {
        blocks[i] = malloc(kSize);
    }
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return unused;
}

static void* free_all(void* unused)
{
    for (int i = 0; i < kBlocks; ++i) {
        free(blocks[i]);
    }
    return unused;
}

int main(void)
{
    pthread_barrier_init(&barrier, NULL, 2);
    join_thread(start_thread(free_all, NULL));
    const size_t before = bytes_in_use();
    pthread_t owner = start_thread(allocate_and_wait, NULL);
    pthread_barrier_wait(&barrier);
    expect_about("while their thread lives,", bytes_in_use() - before, kBytes);
    pthread_barrier_wait(&barrier);
    join_thread(owner);
    expect_about("after their thread has ended,", bytes_in_use() - before, kBytes);
    join_thread(start_thread(free_all, NULL));
    expect_about("after another thread has freed them,", bytes_in_use() - before, 0);

    owner = start_thread(allocate_and_wait, NULL);
    pthread_barrier_wait(&barrier);
    free_all(NULL);
    expect_about("freed by main while their owner sleeps,", bytes_in_use() - before, 0);
    pthread_barrier_wait(&barrier);
    join_thread(owner);
    return 0;
}
