// SPDX-License-Identifier: MIT
//
// Promise: fork() at the very moment at which the first threads of a process allocate for the first
// time gives a child that can allocate. Large blocks, which come from the allocator behind the
// pools and its locks. 150 processes, or as many as the argument says, each with one such moment,
// which lasts as long as it takes to copy the page tables of some memory.

#include <stdatomic.h>
#include <stdbool.h>

#include "tests/abi/check.h"

static atomic_bool stop;
static unsigned char memory[64 * MIB];

static void* allocate(void* argument)
{
    (void)argument;
    while (!atomic_load(&stop)) {
        void* block = malloc(2 * MIB);
        CHECK(block != NULL, "expected malloc to succeed, seen NULL (errno %d)", errno);
        free(opaque(block));
    }
    return NULL;
}

static void fork_after(uint64_t pause)
{
    watchdog(20);
    pthread_t threads[] = {start_thread(allocate, NULL), start_thread(allocate, NULL)};
    for (uint64_t i = 0; i < pause; ++i) {
        OPAQUE(i);
    }
    const pid_t pid = fork();
    if (pid == 0) {
        watchdog(10);
        for (int i = 0; i < 4; ++i) {
            free(opaque(malloc(3 * MIB)));
        }
        _exit(0);
    }
    expect_success(pid);
    atomic_store(&stop, true);
    join_thread(threads[0]);
    join_thread(threads[1]);
}

int main(int argc, char** argv)
{
    const uint64_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 150;
    watchdog(100);
    memset(memory, 1, sizeof memory);
    free(opaque(malloc(2 * MIB)));
    for (uint64_t round = 0; round < rounds; ++round) {
        const pid_t pid = fork();
        if (pid == 0) {
            fork_after(round % 100 * 2000);
            _exit(0);
        }
        expect_success(pid);
    }
    return 0;
}
