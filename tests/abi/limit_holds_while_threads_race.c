// SPDX-License-Identifier: MIT
//
// Promise: with limit=64m four threads that allocate and free at the edge of the limit never hold
// more than 64 MiB of usable bytes together, and come close to it. Runs with TARN_LIMIT=64m.

#include <malloc.h>
#include <stdatomic.h>

#include "tests/abi/check.h"

enum { kLimit = 64 * 1024 * 1024, kThreads = 4, kSlots = 400, kSteps = 150000 };

static atomic_size_t live;
static atomic_size_t most;
static atomic_size_t refusals;

static void* take(size_t size)
{
    errno = 0;
    void* block = malloc(size);
    if (block == NULL) {
        CHECK(errno == ENOMEM, "expected ENOMEM, seen errno %d", errno);
        atomic_fetch_add(&refusals, 1);
        return NULL;
    }
    // Counted after malloc and uncounted before free: the sum never says more than is live.
    const size_t usable = malloc_usable_size(block);
    const size_t now = atomic_fetch_add(&live, usable) + usable;
    CHECK(now <= kLimit, "expected at most %d live bytes, seen %zu", kLimit, now);
    size_t before = atomic_load(&most);
    while (now > before && !atomic_compare_exchange_weak(&most, &before, now)) {
    }
    return block;
}

static void give_back(void* block)
{
    if (block != NULL) {
        atomic_fetch_sub(&live, malloc_usable_size(block));
        free(block);
    }
}

static void* race(void* seed)
{
    void* slots[kSlots] = {NULL};
    uint64_t random = (uintptr_t)seed;
    for (int i = 0; i < kSteps; ++i) {
        const uint64_t value = next_random(&random);
        const size_t slot = value % kSlots;
        const unsigned shift = (unsigned)(value / kSlots % 8);
        give_back(slots[slot]);
        slots[slot] = take(next_random(&random) % ((i % 100 == 0 ? 8 * MIB : 400 * KIB) >> shift));
    }
    for (int i = 0; i < kSlots; ++i) {
        give_back(slots[i]);
    }
    return NULL;
}

int main(void)
{
    watchdog(60);
    pthread_t threads[kThreads];
    for (uintptr_t i = 0; i < kThreads; ++i) {
        threads[i] = start_thread(race, (void*)(i + 1));
    }
    for (int i = 0; i < kThreads; ++i) {
        join_thread(threads[i]);
    }
    CHECK(atomic_load(&refusals) > 0, "expected some refusals at the limit, seen none");
    CHECK(atomic_load(&most) > kLimit / 10 * 6, "expected over 60 %% of %d live at once, seen %zu",
          kLimit, atomic_load(&most));
    void* again = malloc(32 * MIB);
    CHECK(again != NULL, "expected 32 MiB once all is freed, seen NULL");
    free(again);
    return 0;
}
