// SPDX-License-Identifier: MIT
//
// Promise: the child of a fork from a thread of a multithreaded process can start threads of its
// own, which allocate, free what the parent's threads had allocated, and end; the child then exits
// by exit().

#include "tests/abi/check.h"

enum { kThreads = 4, kBlocks = 2000, kRounds = 60 };

static void* blocks[kThreads][kBlocks];
static pthread_barrier_t barrier;

static void* allocate_and_stay(void* row)
{
    void** mine = row;
    for (size_t i = 0; i < kBlocks; ++i) {
        mine[i] = malloc(i % 700 + 1);
        fill(mine[i], i % 700 + 1, i);
    }
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void* check_and_free(void* row)
{
    void** mine = row;
    for (size_t i = 0; i < kBlocks; ++i) {
        CHECK_FILLED(mine[i], i % 700 + 1, i);
        free(mine[i]);
        mine[i] = malloc(i % 900 + 1);
    }
    for (size_t i = 0; i < kBlocks; ++i) {
        free(mine[i]);
    }
    return NULL;
}

static void* fork_children(void* unused)
{
    for (int round = 0; round < kRounds; ++round) {
        const pid_t pid = fork();
        if (pid == 0) {
            watchdog(20);
            pthread_t threads[kThreads];
            for (int i = 0; i < kThreads; ++i) {
                threads[i] = start_thread(check_and_free, blocks[i]);
            }
            for (int i = 0; i < kThreads; ++i) {
                join_thread(threads[i]);
            }
            exit(0);
        }
        expect_success(pid);
    }
    return unused;
}

int main(void)
{
    watchdog(60);
    pthread_t threads[kThreads];
    pthread_barrier_init(&barrier, NULL, kThreads + 1);
    for (int i = 0; i < kThreads; ++i) {
        threads[i] = start_thread(allocate_and_stay, blocks[i]);
    }
    pthread_barrier_wait(&barrier);
    join_thread(start_thread(fork_children, NULL));
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < kThreads; ++i) {
        join_thread(threads[i]);
        check_and_free(blocks[i]);
    }
    return 0;
}
