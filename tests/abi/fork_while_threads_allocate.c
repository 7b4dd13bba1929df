// SPDX-License-Identifier: MIT
//
// Promise: fork() in a process whose other threads are inside malloc and free gives a child that
// can allocate, free the parent's blocks and fork again. 1000 rounds,
// or as many as the argument says.

#include <stdatomic.h>
#include <stdbool.h>

#include "tests/abi/check.h"

enum { kThreads = 2, kSlots = 256 };

static _Atomic(void*) slots[kSlots];
static atomic_bool stop;

static size_t random_size(uint64_t* random)
{
    const uint64_t value = next_random(random);
    return value % 64 == 0 ? 1 + value / 64 % (200 * KIB) : 8 + value / 64 % 2000;
}

// Every block carries its size in front, so that whoever takes it can check it.
static void* new_block(size_t size)
{
    size_t* block = malloc(size < sizeof(size_t) ? sizeof(size_t) : size);
    CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
    fill(block, size, size);
    *block = size;
    return block;
}

static void drop_block(void* block)
{
    if (block == NULL) {
        return;
    }
    const size_t size = *(size_t*)block;
    CHECK(size < MIB, "expected a block's own size in it, seen %#zx", size);
    unsigned char last = ((unsigned char*)block)[size - 1];
    CHECK(size <= sizeof size || last == pattern_byte(size, size - 1),
          "expected the last byte of %zu as written, seen 0x%02x", size, last);
    free(block);
}

static void* churn(void* seed)
{
    uint64_t random = (uintptr_t)seed;
    while (!atomic_load(&stop)) {
        const size_t slot = next_random(&random) % kSlots;
        drop_block(atomic_exchange(&slots[slot], new_block(random_size(&random))));
    }
    return NULL;
}

static void use_heap(uint64_t seed)
{
    uint64_t random = seed | 1;
    for (int i = 0; i < kSlots; ++i) {
        void* fresh = i % 2 == 0 ? new_block(random_size(&random)) : NULL;
        drop_block(atomic_exchange(&slots[i], fresh));
    }
}

static void child(uint64_t seed)
{
    watchdog(20);
    use_heap(seed);
    const pid_t grandchild = fork();
    if (grandchild == 0) {
        watchdog(20);
        use_heap(seed + 1);
        use_heap(seed + 2);
        _exit(0);
    }
    use_heap(seed + 3);
    expect_success(grandchild);
    _exit(0);
}

int main(int argc, char** argv)
{
    const uint64_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    watchdog(120);
    pthread_t threads[kThreads];
    for (uintptr_t i = 0; i < kThreads; ++i) {
        threads[i] = start_thread(churn, (void*)(i * 77 + 1));
    }
    for (uint64_t round = 0; round < rounds; ++round) {
        const pid_t pid = fork();
        if (pid == 0) {
            child(round * 10);
        }
        drop_block(atomic_exchange(&slots[round % kSlots], new_block(round % 5000 + 1)));
        expect_success(pid);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < kThreads; ++i) {
        join_thread(threads[i]);
    }
    return 0;
}
