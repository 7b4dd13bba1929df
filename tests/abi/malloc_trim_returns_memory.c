// SPDX-License-Identifier: MIT
//
// Promise: after malloc_trim(0) the pages that frees have emptied are back with the system, those
// of living idle threads and of ended threads too. Arguments: block size, keep one block in so many
// (0: none).

#include <malloc.h>

#include "tests/abi/check.h"

enum { kThreads = 3, kBytesPerThread = 64 * 1024 * 1024 };

static size_t block_size;
static size_t keep_one_in;
static pthread_barrier_t barrier;

static void* fill_and_free(void* stays)
{
    const size_t count = kBytesPerThread / block_size;
    void** blocks = calloc(count, sizeof *blocks);
    CHECK(blocks != NULL, "expected calloc to succeed, seen NULL");
    for (size_t i = 0; i < count; ++i) {
        blocks[i] = malloc(block_size);
        CHECK(blocks[i] != NULL, "expected malloc(%zu) to succeed, seen NULL", block_size);
        memset(blocks[i], 1, block_size);
    }
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < count; ++i) {
        if (keep_one_in == 0 || i % keep_one_in != 0) {
            free(blocks[i]);
        }
    }
    free(blocks);
    pthread_barrier_wait(&barrier);
    if (stays != NULL) {
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

int main(int argc, char** argv)
{
    CHECK(argc == 3, "expected two arguments: size and keep, seen %d", argc - 1);
    block_size = strtoul(argv[1], NULL, 10);
    keep_one_in = strtoul(argv[2], NULL, 10);
    watchdog(60);
    pthread_barrier_init(&barrier, NULL, kThreads + 1);
    pthread_t threads[kThreads];
    for (int i = 0; i < kThreads; ++i) {
        threads[i] = start_thread(fill_and_free, i < kThreads - 1 ? &barrier : NULL);
    }
    pthread_barrier_wait(&barrier);
    const size_t full = resident_bytes();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    // The last thread ends, the others stay: idle threads do not give anything back by themselves.
    join_thread(threads[kThreads - 1]);
    const int answer = malloc_trim(0);
    const size_t trimmed = resident_bytes();
    CHECK(answer == 0 || answer == 1, "expected 0 or 1 from malloc_trim, seen %d", answer);
    CHECK(full > (size_t)kThreads * kBytesPerThread / 8 * 7,
          "expected about 192 MiB resident, seen %zu MiB", full / MIB);
    CHECK(trimmed < full / 4, "expected under a quarter of %zu MiB after the trim, seen %zu MiB",
          full / MIB, trimmed / MIB);
    _exit(0);
}
