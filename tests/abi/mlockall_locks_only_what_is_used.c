// SPDX-License-Identifier: MIT
//
// Promise: after mlockall(MCL_CURRENT | MCL_FUTURE) the allocator works, and does not lock its
// address space reservation into memory: resident memory stays near what the program uses.

#include <sys/mman.h>

#include "tests/abi/check.h"

static void* allocate(void* unused)
{
    void* blocks[24];
    for (int round = 0; round < 20; ++round) {
        for (size_t i = 0; i < 24; ++i) {
            blocks[i] = malloc((size_t)1 << i);
            CHECK(blocks[i] != NULL, "expected malloc(%zu) to succeed, seen NULL", (size_t)1 << i);
            memset(blocks[i], 1, (size_t)1 << i);
        }
        for (size_t i = 0; i < 24; ++i) {
            free(blocks[i]);
        }
    }
    return unused;
}

int main(void)
{
    watchdog(60);
    CHECK(mlockall(MCL_CURRENT | MCL_FUTURE) == 0,
          "expected mlockall to succeed (it needs root or CAP_IPC_LOCK), seen errno %d", errno);
    allocate(NULL);
    join_thread(start_thread(allocate, NULL));
    CHECK(resident_bytes() < 300 * MIB, "expected under 300 MiB resident, seen %zu MiB",
          resident_bytes() / MIB);
    return 0;
}
