// SPDX-License-Identifier: MIT
//
// Promise: fork() while one thread is inside malloc_trim() and another allocates gives a child that
// can allocate, free the parent's blocks and trim. 200 rounds, or as many as the argument says.

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tests/abi/check.h"

enum { kBlocks = 4000 };

static atomic_bool stop;
static void* blocks[kBlocks];

static void* trim(void* argument)
{
    (void)argument;
    while (!atomic_load(&stop)) {
        malloc_trim(0);
    }
    return NULL;
}

static void use_heap(uint64_t* random, void** held)
{
    for (int i = 0; i < 500; ++i) {
        void** slot = &held[next_random(random) % kBlocks];
        free(*slot);
        const size_t size = 1 + next_random(random) % 3000;
        *slot = malloc(size);
        CHECK(*slot != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        memset(*slot, 1, size);
    }
}

static void* churn(void* seed)
{
    static void* held[kBlocks];
    uint64_t random = (uintptr_t)seed;
    while (!atomic_load(&stop)) {
        use_heap(&random, held);
    }
    return NULL;
}

int main(int argc, char** argv)
{
    const uint64_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 200;
    watchdog(100);
    pthread_t trimmer = start_thread(trim, NULL);
    pthread_t churner = start_thread(churn, (void*)7);
    uint64_t random = 1;
    for (uint64_t round = 0; round < rounds; ++round) {
        use_heap(&random, blocks);
        const pid_t pid = fork();
        if (pid == 0) {
            watchdog(20);
            use_heap(&random, blocks);
            malloc_trim(0);
            use_heap(&random, blocks);
            _exit(0);
        }
        expect_success(pid);
    }
    atomic_store(&stop, true);
    join_thread(trimmer);
    join_thread(churner);
    return 0;
}
