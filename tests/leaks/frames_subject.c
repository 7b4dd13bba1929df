// SPDX-License-Identifier: MIT
//
// Loses blocks of 111 bytes by two ways that leave the same return addresses in the same places,
// but for a frame that lies elsewhere: what tells them apart is where rbp was saved.
//
//      frames_subject ROUNDS       per round one block by each way

#include <alloca.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

static void* volatile sink;

/// Is found by rsp, and saves the rbp of its caller.
NOINLINE static void lose(void)
{
    __asm__ volatile("xor %%ebp, %%ebp" ::: "rbp", "memory");
    sink = malloc(111);
    sink = NULL;
    __asm__ volatile("" ::: "memory");
}

/// Is found by rbp.
NOINLINE static void with_a_frame(size_t size)
{
    volatile char* const area = alloca(size + 1);
    area[0] = 1;
    lose();
    area[size] = 1;
}

/// Most of its frame is not written to.
NOINLINE static void by_a_detour(size_t size)
{
    char area[256];
    __asm__ volatile("" ::"r"(area) : "memory");
    with_a_frame(size);
    __asm__ volatile("" ::"r"(area) : "memory");
}

/// Overwrites what calls have left behind.
NOINLINE static void clean(void)
{
    volatile char stack[16384];
    memset((char*)stack, 0, sizeof stack);
}

int main(int argc, char** argv)
{
    const size_t rounds = argc > 1 ? (size_t)atol(argv[1]) : 0;
    // In one of the rounds the inner frames are where they were before.
    for (size_t round = 0; round < rounds; ++round) {
        with_a_frame(rounds * 8);
        by_a_detour(round * 16);
    }
    clean();
    return 0;
}
