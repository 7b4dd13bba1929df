// SPDX-License-Identifier: MIT
//
// Promise: fork() while other threads allocate and free blocks of 2 to 20 MiB, which come from the
// allocator behind the pools, gives a child that can do the same and free the parent's blocks.

#include <stdatomic.h>
#include <stdbool.h>

#include "tests/abi/check.h"

enum { kThreads = 2, kSlots = 8 };

static _Atomic(unsigned char*) slots[kSlots];
static atomic_bool stop;

static unsigned char* new_block(uint64_t* random)
{
    const size_t size = 2 * MIB + next_random(random) % (18 * MIB);
    unsigned char* block = malloc(size);
    CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
    block[0] = 1;
    block[size - 1] = 2;
    return block;
}

static void replace_one(uint64_t* random)
{
    unsigned char* old = atomic_exchange(&slots[next_random(random) % kSlots], new_block(random));
    CHECK(old == NULL || old[0] == 1, "expected a block as written, seen 0x%02x", old[0]);
    free(old);
}

static void* churn(void* seed)
{
    uint64_t random = (uintptr_t)seed;
    while (!atomic_load(&stop)) {
        replace_one(&random);
        free(realloc(new_block(&random), 3 * MIB));
    }
    return NULL;
}

int main(int argc, char** argv)
{
    const uint64_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 250;
    watchdog(120);
    pthread_t threads[kThreads];
    for (uintptr_t i = 0; i < kThreads; ++i) {
        threads[i] = start_thread(churn, (void*)(i + 1));
    }
    for (uint64_t round = 1; round <= rounds; ++round) {
        const pid_t pid = fork();
        if (pid == 0) {
            watchdog(20);
            for (int i = 0; i < 10; ++i) {
                replace_one(&round);
            }
            _exit(0);
        }
        expect_success(pid);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < kThreads; ++i) {
        join_thread(threads[i]);
    }
    return 0;
}
