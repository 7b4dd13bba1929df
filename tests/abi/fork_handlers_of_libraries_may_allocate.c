// SPDX-License-Identifier: MIT
//
// Promise: pthread_atfork() handlers, also those that a library registered before the allocator's
// own start-up, may allocate and free before and after the fork, while other threads are inside
// malloc.

#include <stdatomic.h>
#include <stdbool.h>

#include "tests/abi/check.h"

enum { kRounds = 300 };

// In modules/atfork_library.c: how often each of its three handlers has run.
extern int atfork_prepare_runs;
extern int atfork_parent_runs;
extern int atfork_child_runs;

static atomic_bool stop;
static void* carried;

static void* churn(void* unused)
{
    while (!atomic_load(&stop)) {
        for (size_t size = 16; size < 3 * MIB; size *= 3) {
            free(malloc(size));
        }
    }
    return unused;
}

static void allocate_in_handler(void)
{
    free(carried);
    carried = malloc(5000);
    CHECK(carried != NULL, "expected malloc in a fork handler to succeed, seen NULL");
    free(malloc(2 * MIB));
}

int main(void)
{
    watchdog(60);
    CHECK(pthread_atfork(allocate_in_handler, allocate_in_handler, allocate_in_handler) == 0,
          "expected pthread_atfork to return 0");
    pthread_t threads[] = {start_thread(churn, NULL), start_thread(churn, NULL)};
    for (int round = 1; round <= kRounds; ++round) {
        const pid_t pid = fork();
        if (pid == 0) {
            watchdog(20);
            CHECK(atfork_child_runs == 1, "expected 1 run of the child handler, seen %d",
                  atfork_child_runs);
            free(malloc(100));
            _exit(0);
        }
        expect_success(pid);
        CHECK(atfork_prepare_runs == round && atfork_parent_runs == round,
              "expected %d runs of the handlers, seen %d and %d", round, atfork_prepare_runs,
              atfork_parent_runs);
    }
    atomic_store(&stop, true);
    join_thread(threads[0]);
    join_thread(threads[1]);
    return 0;
}
