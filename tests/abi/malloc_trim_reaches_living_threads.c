// SPDX-License-Identifier: MIT
//
// Promise: malloc_trim(0) gives back the pages between the blocks in use of threads that live and
// do nothing, and of threads that allocate meanwhile, whose memory it leaves as it was.

#include <malloc.h>

#include "tests/abi/check.h"

enum { kThreads = 4, kBlocks = 100 * 1000, kKeepOneIn = 50 };

static pthread_barrier_t barrier;
static volatile int stop;

static unsigned char* allocate(size_t i)
{
    const size_t size = 100 + i * 7919 % 601;
    unsigned char* block = malloc(size);
    CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
    memset(block, (int)(i % 251), size);
    return block;
}

static void require_intact(const unsigned char* block, size_t i)
{
    for (size_t at = 0; at < 100 + i * 7919 % 601; ++at) {
        CHECK(block[at] == i % 251, "expected block %zu intact, seen %u at %zu", i, block[at], at);
    }
}

static void* fill_and_wait(void* is_busy)
{
    unsigned char** blocks = calloc(kBlocks, sizeof *blocks);
    for (size_t i = 0; i < kBlocks; ++i) {
        blocks[i] = allocate(i);
    }
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < kBlocks; ++i) {
        if (i % kKeepOneIn != 0) {
            free(blocks[i]);
            blocks[i] = NULL;
        }
    }
    pthread_barrier_wait(&barrier);
    for (size_t i = 1; is_busy != NULL && !stop; i = (i + 1) % 1000) {
        if (blocks[i] != NULL && i % kKeepOneIn != 0) {
            require_intact(blocks[i], i);
            free(blocks[i]);
            blocks[i] = NULL;
        } else if (blocks[i] == NULL) {
            blocks[i] = allocate(i);
        }
    }
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < kBlocks; ++i) {
        if (blocks[i] != NULL) {
            require_intact(blocks[i], i);
            free(blocks[i]);
        }
    }
    free(blocks);
    return NULL;
}

int main(void)
{
    watchdog(60);
    pthread_barrier_init(&barrier, NULL, kThreads + 1);
    pthread_t threads[kThreads];
    for (int i = 0; i < kThreads; ++i) {
        threads[i] = start_thread(fill_and_wait, i == 0 ? &barrier : NULL);
    }
    pthread_barrier_wait(&barrier);
    const size_t full = resident_bytes();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 20; ++i) {
        malloc_trim(0);
    }
    const size_t trimmed = resident_bytes();
    CHECK(trimmed < full / 2, "expected under half of %zu MiB after the trim, seen %zu MiB",
          full / MIB, trimmed / MIB);
    stop = 1;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < kThreads; ++i) {
        join_thread(threads[i]);
    }
    return 0;
}
