// SPDX-License-Identifier: MIT
//
// Promise: a thread with the smallest stack that POSIX allows starts and can allocate in every
// tier: the thread-local part of the allocator and its slow paths fit beside the program's own
// frames.

#include "tests/abi/check.h"

static void* allocate_all_sizes(void* unused)
{
    for (size_t size = 1; size <= 8 * MIB; size *= 2) {
        void* block = malloc(size);
        CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        block = realloc(block, size + size / 2);
        CHECK(block != NULL, "expected realloc from %zu to succeed, seen NULL", size);
        free(block);
        free(calloc(1, size));
    }
    return unused;
}

int main(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    const size_t smallest = (size_t)sysconf(_SC_THREAD_STACK_MIN);
    CHECK(smallest <= 32 * KIB, "expected a smallest stack of at most 32 KiB, seen %zu KiB",
          smallest / KIB);
    CHECK(pthread_attr_setstacksize(&attributes, smallest) == 0,
          "expected the smallest stack to be accepted");
    for (int i = 0; i < 20; ++i) {
        pthread_t thread;
        const int error = pthread_create(&thread, &attributes, allocate_all_sizes, NULL);
        CHECK(error == 0, "expected pthread_create to return 0, seen %d", error);
        join_thread(thread);
    }
    return 0;
}
