// SPDX-License-Identifier: MIT
//
// Promise: with no address space left pthread_create() returns EAGAIN or starts a thread whose
// malloc returns NULL with ENOMEM; nothing crashes, and after frees threads start and allocate
// again.

#include <sys/resource.h>

#include "tests/abi/check.h"

static int threads_started;

static void* allocate_or_get_enomem(void* must_succeed)
{
    for (size_t size = 16; size < 8 * MIB; size *= 4) {
        errno = 0;
        void* block = malloc(size);
        CHECK(block != NULL || errno == ENOMEM, "expected a block or ENOMEM, seen errno %d", errno);
        CHECK(block != NULL || must_succeed == NULL, "expected malloc(%zu) to succeed, seen NULL",
              size);
        if (block != NULL) {
            memset(block, 1, 16);
        }
        free(block);
    }
    return NULL;
}

static void try_threads(const pthread_attr_t* attributes, void* must_succeed)
{
    for (int i = 0; i < 50; ++i) {
        pthread_t thread;
        const int error = pthread_create(&thread, attributes, allocate_or_get_enomem, must_succeed);
        CHECK(error == 0 || (error == EAGAIN && must_succeed == NULL),
              "expected 0%s from pthread_create, seen %d", must_succeed ? "" : " or EAGAIN", error);
        if (error == 0) {
            ++threads_started;
            join_thread(thread);
        }
    }
}

int main(int argc, char** argv)
{
    watchdog(60);
    const struct rlimit limit = {400 * MIB, 400 * MIB};
    if (argc == 1) {
        CHECK(setrlimit(RLIMIT_AS, &limit) == 0, "expected setrlimit to succeed");
        execl("/proc/self/exe", argv[0], "limited", (char*)NULL);
        CHECK(0, "expected exec to succeed, seen errno %d", errno);
    }
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 * KIB);
    void** list = NULL;
    const size_t sizes[] = {16 * MIB, 1 * MIB, 64 * KIB, 8 * KIB, 64};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        // Ever smaller blocks, so that in the end not even a stack fits.
        void** block;
        while ((block = malloc(sizes[i])) != NULL) {
            *block = list;
            list = block;
        }
        try_threads(&attributes, NULL);
    }
    while (list != NULL) {
        void** next = *list;
        free(list);
        list = next;
    }
    const int during = threads_started;
    try_threads(&attributes, &threads_started);
    CHECK(threads_started == during + 50, "expected 50 threads after freeing, seen %d",
          threads_started - during);
    return 0;
}
