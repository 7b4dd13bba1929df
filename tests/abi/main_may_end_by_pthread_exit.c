// SPDX-License-Identifier: MIT
//
// Promise: after main has ended by pthread_exit() other threads go on allocating, free what main
// had allocated, and end the process by exit() or by returning.

#include "tests/abi/check.h"

enum { kBlocks = 5000 };

static void* blocks[kBlocks];
static pthread_t main_thread;

static void* outlive_main(void* exit_status)
{
    CHECK(pthread_join(main_thread, NULL) == 0, "expected to join the main thread");
    for (size_t i = 0; i < kBlocks; ++i) {
        CHECK_FILLED(blocks[i], i % 1500 + 1, i);
        free(blocks[i]);
        blocks[i] = malloc(i % 2500);
        CHECK(blocks[i] != NULL, "expected malloc after main has ended, seen NULL");
    }
    free(malloc(5 * MIB));
    if (exit_status != NULL) {
        exit(0);
    }
    return NULL;
}

static void run(void* exit_status)
{
    watchdog(20);
    main_thread = pthread_self();
    for (size_t i = 0; i < kBlocks; ++i) {
        blocks[i] = malloc(i % 1500 + 1);
        fill(blocks[i], i % 1500 + 1, i);
    }
    start_thread(outlive_main, exit_status);
    pthread_exit(NULL);
}

int main(void)
{
    static int marker;
    for (int round = 0; round < 20; ++round) {
        const pid_t pid = fork();
        if (pid == 0) {
            run(round % 2 == 0 ? &marker : NULL);
        }
        expect_success(pid);
    }
    return 0;
}
