// SPDX-License-Identifier: MIT
//
// Promise: main may return, run exit handlers and tear the process down while other threads are
// still allocating and freeing, as daemons do.

#include "tests/abi/check.h"

static void* churn_for_ever(void* seed)
{
    uint64_t random = (uintptr_t)seed;
    void* blocks[64] = {NULL};
    for (;;) {
        const uint64_t value = next_random(&random);
        free(blocks[value % 64]);
        blocks[value % 64] = malloc(value / 64 % 50 == 0 ? 2 * MIB : value / 64 % 3000);
    }
    return NULL;
}

static void allocate_at_exit(void)
{
    for (size_t size = 1; size < 4 * MIB; size *= 3) {
        free(malloc(size));
    }
}

int main(void)
{
    watchdog(60);
    for (int round = 0; round < 200; ++round) {
        const pid_t pid = fork();
        if (pid == 0) {
            watchdog(20);
            atexit(allocate_at_exit);
            start_thread(churn_for_ever, (void*)1);
            start_thread(churn_for_ever, (void*)2);
            start_thread(churn_for_ever, (void*)3);
            usleep((useconds_t)(round * 20));
            return 0;
        }
        expect_success(pid);
    }
    return 0;
}
