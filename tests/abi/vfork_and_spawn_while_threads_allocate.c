// SPDX-License-Identifier: MIT
//
// Promise: vfork() + exec and posix_spawn(), whose children run in the parent's memory, work in a
// loop while the parent's threads allocate, and leave the parent's heap sound. Argument: vfork or
// spawn.

#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tests/abi/check.h"

enum { kRounds = 300 };

extern char** environ;
static atomic_bool stop;

static void* churn(void* seed)
{
    uint64_t random = (uintptr_t)seed;
    void* blocks[64] = {NULL};
    while (!atomic_load(&stop)) {
        const uint64_t value = next_random(&random);
        free(blocks[value % 64]);
        blocks[value % 64] = calloc(1, value / 64 % 100 == 0 ? 2 * MIB : value / 64 % 4000);
    }
    for (int i = 0; i < 64; ++i) {
        free(blocks[i]);
    }
    return NULL;
}

static pid_t start_child(int by_vfork)
{
    char program[] = "/proc/self/exe";
    char role[] = "child";
    char* const arguments[] = {program, role, NULL};
    pid_t pid = -1;
    if (by_vfork) {
        pid = vfork();
        if (pid == 0) {
            execve(program, arguments, environ);
            _exit(3);
        }
    } else {
        const int error = posix_spawn(&pid, program, NULL, NULL, arguments, environ);
        CHECK(error == 0, "expected posix_spawn to return 0, seen %d", error);
    }
    return pid;
}

int main(int argc, char** argv)
{
    CHECK(argc == 2, "expected one argument, seen %d", argc - 1);
    if (strcmp(argv[1], "child") == 0) {
        for (size_t size = 1; size < 4 * MIB; size *= 5) {
            free(malloc(size));
        }
        return 0;
    }
    watchdog(60);
    pthread_t threads[] = {start_thread(churn, (void*)1), start_thread(churn, (void*)2)};
    for (int round = 0; round < kRounds; ++round) {
        void* block = malloc(1000);
        fill(block, 1000, 5);
        expect_success(start_child(strcmp(argv[1], "vfork") == 0));
        CHECK_FILLED(block, 1000, 5);
        free(block);
    }
    atomic_store(&stop, true);
    join_thread(threads[0]);
    join_thread(threads[1]);
    return 0;
}
